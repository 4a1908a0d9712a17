"""What an audit looks at: the same for the regulator and for who checks itself."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..audit import Audited
from ..audit.intervals import clopper_pearson
from ..data import Dataset
from ..exchange import (
    FairnessCriteria,
    FairtutorError,
    Refused,
    Representation,
    Submission,
)

FLIPS = "attribute_flip_consistency"
NO_MODEL = (math.nan, 0.0, 1.0)
OWN_ALPHA = 0.05  # of the accuracy's interval, which is its own


@dataclass(frozen=True, eq=False)
class Seen:
    """What came out for the rows of one split.

    Attributes
    ----------
    rows
        Where the rows stand in the data set, (n,).
    Z, scores
        Representation, (n, k), and P(y = 1), (n,), or ``None`` without a model.
    flips
        For each attribute of a flip metric, P(y = 1) under its S settings, (n, S).
    judgements
        An arbiter's triplets of these rows, (m, 3), or ``None``.
    """

    rows: Tensor
    Z: Tensor
    scores: Tensor | None
    flips: Mapping[tuple[str, ...], Tensor]
    judgements: Tensor | None


class Evidence:
    """Gather what the criteria ask about, for any rows of a data set.

    Parameters
    ----------
    criteria
        What is asked.
    dataset
        Whose rows are looked at.

    Raises
    ------
    FairtutorError
        The criteria name an attribute or column that the data set does not have.

    Examples
    --------
    >>> from fairtutor import Criterion, DataProducer, load
    >>> german = load("german")
    >>> criteria = FairnessCriteria((Criterion("leakage", 0.6, "sex"),))
    >>> representation = DataProducer("identity").produce(criteria, german)
    >>> Evidence(criteria, german).look("test", representation, None).Z.shape
    torch.Size([100, 61])
    """

    def __init__(self, criteria: FairnessCriteria, dataset: Dataset) -> None:
        self.criteria, self.dataset = criteria, dataset
        self._groups, self._settings = {}, {}
        for criterion in criteria.criteria:
            names = criterion.attribute
            if criterion.metric == FLIPS:
                self._settings[names] = dataset.settings(names)
            elif names:
                self._groups[names] = dataset.groups(names)
        columns = [attribute.name for attribute in dataset.attributes]
        self._comparable = ~dataset.columns_mask(columns)

    def require_reference_rows(self, split: str) -> None:
        """Refuse criteria that need more reference rows than the split has.

        Raises
        ------
        FairtutorError
            They ask for more neighbours or cells.
        """
        available = len(self.dataset.splits[split])
        asked = {criterion.metric for criterion in self.criteria.criteria}
        for metric, name in (
            ("consistency", "neighbours"),
            ("same_cell_same_treatment", "cells"),
        ):
            wanted = getattr(self.criteria, name)
            if metric in asked and wanted > available:
                raise FairtutorError(
                    f"The criteria ask for {wanted} {name}, but {self.dataset.name!r} "
                    f"has {available} reference rows. Set {name}={available} or fewer."
                )

    def check(
        self, representation: Representation, submission: Submission | None
    ) -> None:
        """Refuse what does not fit the data, the criteria, or each other.

        Raises
        ------
        Refused
            The representation is for other features or criteria, or the model was
            trained on another representation.
        """
        self._check_origin(representation)
        if submission is not None:
            _check_model(submission, representation)

    def _check_origin(self, representation: Representation) -> None:
        if representation.width != self.dataset.X.shape[1]:
            raise Refused(
                f"The representation takes {representation.width} features; "
                f"{self.dataset.name!r} has {self.dataset.X.shape[1]}."
            )
        if representation.criteria_fingerprint != self.criteria.fingerprint:
            raise Refused(
                "The representation was made for other criteria "
                f"({representation.criteria_fingerprint[:12] or 'none'}, not "
                f"{self.criteria.fingerprint[:12]})."
            )

    def look(
        self,
        split: str,
        representation: Representation,
        submission: Submission | None,
        *,
        flips: bool = True,
    ) -> Seen:
        """Return z and scores of a split; refuse numbers that are none.

        Parameters
        ----------
        split
            Whose rows.
        representation, submission
            What is looked at; without a submission there are no scores.
        flips
            Whether to set the columns of flip metrics anew as well.

        Raises
        ------
        Refused
            A value or score is not finite.
        """
        rows = self.dataset.rows(split)
        Z = _finite(representation.encode(rows.X), "representation")
        judgements = self.dataset.judgements.get(split)
        if submission is None:
            return Seen(rows.index, Z, None, {}, judgements)

        def scores_of(Z: Tensor) -> Tensor:
            return _finite(submission.scores(Z), "model")

        flipped = {
            names: torch.stack(
                [
                    scores_of(_finite(representation.encode(changed), "representation"))
                    for changed in settings.apply(rows.X)
                ],
                dim=1,
            )
            for names, settings in self._settings.items()
            if flips
        }
        return Seen(rows.index, Z, scores_of(Z), flipped, judgements)

    def audited(self, seen: Seen, reference: Seen, progress: bool) -> Audited:
        """Return the evidence that :func:`fairtutor.audit.audit` asks for.

        Parameters
        ----------
        seen, reference
            Of the rows that are measured, and of other rows to compare them with.
        progress
            Whether probes and searches may show a bar.
        """
        X, comparable = self.dataset.X, self._comparable
        return Audited(
            y=self.dataset.y[seen.rows],
            scores=seen.scores,
            groups={
                names: (codes[seen.rows], labels)
                for names, (codes, labels) in self._groups.items()
            },
            X=X[seen.rows][:, comparable],
            reference=X[reference.rows][:, comparable],
            reference_scores=reference.scores,
            flips=seen.flips,
            Z=seen.Z,
            Z_reference=reference.Z,
            reference_groups={
                names: codes[reference.rows]
                for names, (codes, _) in self._groups.items()
            },
            judgements=seen.judgements,
            progress=progress,
        )

    def accuracy(self, audited: Audited) -> tuple[float, float, float]:
        """Return the share of right decisions with its own 95% interval."""
        if audited.scores is None:
            return NO_MODEL
        decisions = audited.scores >= self.criteria.threshold
        right, n = int((decisions == audited.y.bool()).sum()), len(audited.y)
        return right / n, *map(float, clopper_pearson(right, n, alpha=OWN_ALPHA))


def constant_accuracy(y: Tensor) -> float:
    """Return the accuracy of always giving the more frequent decision.

    Parameters
    ----------
    y
        Outcomes, (n,), 0 or 1.

    Examples
    --------
    >>> constant_accuracy(torch.tensor([0, 0, 0, 1]))
    0.75
    """
    positive = y.double().mean().item()
    return max(positive, 1 - positive)


def require_kind(handed_in: object, kind: type) -> None:
    """Refuse what is of another kind than expected.

    Raises
    ------
    Refused
        It is.
    """
    if not isinstance(handed_in, kind):
        raise Refused(f"Expected a {kind.__name__}, got {type(handed_in).__name__}.")


def _check_model(submission: Submission, representation: Representation) -> None:
    if submission.representation_fingerprint != representation.fingerprint:
        raise Refused(
            "The model was trained on another representation "
            f"({submission.representation_fingerprint[:12] or 'none'}, not "
            f"{representation.fingerprint[:12]})."
        )
    if submission.width != representation.output_width:
        raise Refused(
            f"The model takes {submission.width} features; the representation "
            f"gives {representation.output_width}."
        )


def _finite(numbers: Tensor, who: str) -> Tensor:
    if not numbers.isfinite().all():
        what = "scores" if who == "model" else "values"
        raise Refused(f"The {who} gives {what} that are not finite numbers.")
    return numbers
