"""The data regulator: publishes criteria, audits, and trusts nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..audit import Audited, audit, flags
from ..audit.intervals import clopper_pearson
from ..data import Dataset
from ..exchange import (
    AuditReport,
    FairnessCriteria,
    FairtutorError,
    Refused,
    Representation,
    Submission,
)
from ..theory.lipschitz import lipschitz_bound

REFERENCE = "test"  # the fixed rows: neighbours, cells, what probes learn from
FLIPS = "attribute_flip_consistency"
NO_MODEL = (math.nan, 0.0, 1.0)


class DataRegulator:
    """Publish criteria; audit each submission on rows that nobody has seen.

    Parameters
    ----------
    criteria
        What must hold.
    dataset
        With its audit batches; each audit uses one up.

    Raises
    ------
    FairtutorError
        The criteria name an attribute or column that the data set does not have, ask
        for more neighbours or cells than it has reference rows, or spread their error
        budget over more rounds than there are audit batches, the data set has more
        than two outcomes, or an argument is of another kind.

    Notes
    -----
    A second regulator on the same data set starts with the same batches. Its intervals
    hold only for submissions that owe nothing to the first one's reports. The reference
    rows are no secret: a model that recognises them can decide these people so that
    others agree with them, which raises the consistency somewhat.

    Examples
    --------
    >>> from fairtutor import Criterion, DataProducer, DataUser, load
    >>> german = load("german")
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.5),), rounds=2)
    >>> regulator = DataRegulator(criteria, german)
    >>> view = german.without_audit()
    >>> representation = DataProducer("identity").produce(regulator.publish(), view)
    >>> submission = DataUser("logistic").train(representation, view, progress=False)
    >>> regulator.audit(representation, submission).verdict
    'meets'
    >>> regulator.rounds_left
    1
    """

    def __init__(self, criteria: FairnessCriteria, dataset: Dataset) -> None:
        for given, kind in ((criteria, FairnessCriteria), (dataset, Dataset)):
            if not isinstance(given, kind):
                raise FairtutorError(
                    f"Expected {kind.__name__}, got {type(given).__name__}; use "
                    "DataRegulator(criteria, dataset), the data set as "
                    "load('adult') returns it."
                )
        if len(dataset.outcomes) != 2:
            raise FairtutorError(
                f"{dataset.name!r} has {len(dataset.outcomes)} outcomes; these "
                "criteria are about yes-or-no decisions."
            )
        if criteria.rounds > dataset.num_audits:
            raise FairtutorError(
                f"The criteria plan {criteria.rounds} rounds, but {dataset.name!r} has "
                f"{dataset.num_audits} audit batches. Set rounds={dataset.num_audits}."
            )
        self.criteria, self.dataset = criteria, dataset
        self.reports: list[AuditReport] = []
        self._batches_used = 0
        self._groups, self._settings = {}, {}
        for criterion in criteria.criteria:
            names = criterion.attribute
            if criterion.metric == FLIPS:
                self._settings[names] = dataset.settings(names)
            elif names:
                self._groups[names] = dataset.groups(names)
        self._require_reference_rows()
        columns = [attribute.name for attribute in dataset.attributes]
        self._comparable = ~dataset.columns_mask(columns)

    @property
    def rounds_left(self) -> int:
        """How many audits the error budget still pays for."""
        return self.criteria.rounds - self._batches_used

    def publish(self) -> FairnessCriteria:
        """Return the criteria, for the producer."""
        return self.criteria

    def audit(
        self,
        representation: Representation,
        submission: Submission,
        *,
        progress: bool = True,
    ) -> AuditReport:
        """Check what was handed in, then measure it on the next audit batch.

        Parameters
        ----------
        representation, submission
            From a producer and a user, or from anyone.
        progress
            Whether to show a bar over probes and searches that take long.

        Returns
        -------
        AuditReport

        Raises
        ------
        Refused
            No audit batch is left, a fingerprint does not match, a constant is claimed
            that is smaller than its recomputed value, or a score is not finite. Such
            a refusal uses up no batch, unless the scores of the audit rows themselves
            are not finite: then it says something about those rows.
        """
        # Built anew from the bytes: an object in memory could have been changed.
        _require_kind(submission, Submission)
        submission = Submission(submission.packed, submission.width)
        return self._audit(representation, submission, progress)

    def audit_representation(
        self, representation: Representation, *, progress: bool = True
    ) -> AuditReport:
        """Audit a representation before anyone trains on it; uses up a batch as well.

        Parameters
        ----------
        representation, progress
            As for :meth:`audit`.

        Returns
        -------
        AuditReport
            Criteria that need a model stay undecided and say so; accuracy is NaN and
            the submission's fingerprint empty.

        Raises
        ------
        Refused
            As for :meth:`audit`.

        Examples
        --------
        >>> from fairtutor import Criterion, DataProducer, load
        >>> german = load("german")
        >>> leakage = Criterion("leakage", 0.6, "sex")
        >>> regulator = DataRegulator(FairnessCriteria((leakage,), rounds=2), german)
        >>> identity = DataProducer("identity").produce(regulator.publish(), german)
        >>> regulator.audit_representation(identity, progress=False).verdict
        'violates'
        """
        return self._audit(representation, None, progress)

    def _audit(
        self,
        representation: Representation,
        submission: Submission | None,
        progress: bool,
    ) -> AuditReport:
        if self.rounds_left == 0:
            raise Refused(
                f"All {self.criteria.rounds} audit batches are used up. Another "
                "audit would reuse rows that earlier answers depended on, and its "
                "verdict would mean nothing. Start again with fresh data."
            )
        _require_kind(representation, Representation)
        representation = Representation(representation.packed, representation.width)
        self._check_origin(representation)
        if submission is not None:
            self._check_model(submission, representation)
        recomputed = self._recompute(representation)
        reference = self._look(REFERENCE, representation, submission)
        self._batches_used += 1
        number = self._batches_used
        seen = self._look(f"audit {number}", representation, submission)
        audited = self._audited(seen, reference, progress)
        positive = audited.y.double().mean().item()
        report = AuditReport(
            number=number,
            criteria=self.criteria,
            findings=audit(audited, self.criteria),
            accuracy=self._accuracy(audited),
            constant_accuracy=max(positive, 1 - positive),
            rows=len(seen.rows),
            representation=representation.fingerprint,
            submission=submission.fingerprint if submission else "",
            recomputed=recomputed,
            flags=flags(audited, self.criteria),
        )
        self.reports.append(report)
        return report

    def _look(
        self,
        split: str,
        representation: Representation,
        submission: Submission | None,
    ) -> "_Seen":
        """Return z and scores of a split; refuse numbers that are none."""
        rows = self.dataset.splits[split]
        X = self.dataset.X[rows]
        Z = _finite(representation.encode(X), "representation")
        if submission is None:
            return _Seen(rows, Z, None, {})

        def scores_of(Z: Tensor) -> Tensor:
            return _finite(submission.scores(Z), "model")

        flips = {
            names: torch.stack(
                [
                    scores_of(_finite(representation.encode(changed), "representation"))
                    for changed in settings.apply(X)
                ],
                dim=1,
            )
            for names, settings in self._settings.items()
            if split != REFERENCE
        }
        return _Seen(rows, Z, scores_of(Z), flips)

    def _audited(self, seen: "_Seen", reference: "_Seen", progress: bool) -> Audited:
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
            progress=progress,
        )

    def _require_reference_rows(self) -> None:
        """Refuse what could only fail once a batch is used up."""
        available = len(self.dataset.splits[REFERENCE])
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

    def _check_model(
        self, submission: Submission, representation: Representation
    ) -> None:
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

    def _recompute(self, representation: Representation) -> dict[str, float]:
        """Compute every claimed constant; refuse one that is claimed too small."""
        recomputed = {"lipschitz": lipschitz_bound(representation.module)}
        for name, claimed in representation.claims.items():
            if name not in recomputed:
                raise Refused(f"No way is known to check a claimed {name!r}.")
            if not claimed >= recomputed[name] * (1 - 1e-6):
                raise Refused(
                    f"The claimed {name} constant is {claimed:.6g}; recomputed, it is "
                    f"{recomputed[name]:.6g}."
                )
        return recomputed

    def _accuracy(self, audited: Audited) -> tuple[float, float, float]:
        if audited.scores is None:
            return NO_MODEL
        decisions = audited.scores >= self.criteria.threshold
        right, n = int((decisions == audited.y.bool()).sum()), len(audited.y)
        return right / n, *map(float, clopper_pearson(right, n, alpha=0.05))


@dataclass(frozen=True, eq=False)
class _Seen:
    """What came out for the rows of one split."""

    rows: Tensor
    Z: Tensor
    scores: Tensor | None
    flips: Mapping[tuple[str, ...], Tensor]


def _require_kind(handed_in: object, kind: type) -> None:
    if not isinstance(handed_in, kind):
        raise Refused(f"Expected a {kind.__name__}, got {type(handed_in).__name__}.")


def _finite(numbers: Tensor, who: str) -> Tensor:
    if not numbers.isfinite().all():
        what = "scores" if who == "model" else "values"
        raise Refused(f"The {who} gives {what} that are not finite numbers.")
    return numbers
