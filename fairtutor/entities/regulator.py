"""The data regulator: publishes criteria, audits, and trusts nothing."""

from torch import Tensor

from ..audit import Audited, audit
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

REFERENCE = "test"  # the fixed set in which consistency looks for neighbours


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
        The criteria name an attribute that the data set does not have, or spread their
        error budget over more rounds than there are audit batches, or the data set
        has more than two outcomes.

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
        self._groups = {
            criterion.attribute: dataset.groups(criterion.attribute)
            for criterion in criteria.criteria
            if criterion.attribute
        }
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
        self, representation: Representation, submission: Submission
    ) -> AuditReport:
        """Check what was handed in, then measure it on the next audit batch.

        Parameters
        ----------
        representation, submission
            From a producer and a user, or from anyone.

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
        if self.rounds_left == 0:
            raise Refused(
                f"All {self.criteria.rounds} audit batches are used up. Another "
                "audit would reuse rows that earlier answers depended on, and its "
                "verdict would mean nothing. Start again with fresh data."
            )
        # Built anew from the bytes: an object in memory could have been changed.
        representation = Representation(representation.packed, representation.width)
        submission = Submission(submission.packed, submission.width)
        self._check_origin(representation, submission)
        recomputed = self._recompute(representation)
        reference = self._rows(REFERENCE)
        reference_scores = self._scores(representation, submission, reference)
        self._batches_used += 1
        number = self._batches_used
        rows = self._rows(f"audit {number}")
        scores = self._scores(representation, submission, rows)
        y = self.dataset.y[rows]
        groups = {
            attribute: (codes[rows], names)
            for attribute, (codes, names) in self._groups.items()
        }
        findings = audit(
            Audited(
                y=y,
                scores=scores,
                groups=groups,
                X=self.dataset.X[rows][:, self._comparable],
                reference=self.dataset.X[reference][:, self._comparable],
                reference_scores=reference_scores,
            ),
            self.criteria,
        )
        report = AuditReport(
            number=number,
            criteria=self.criteria,
            findings=findings,
            accuracy=self._accuracy(scores, y),
            constant_accuracy=max(y.float().mean().item(), 1 - y.float().mean().item()),
            rows=len(rows),
            representation=representation.fingerprint,
            submission=submission.fingerprint,
            recomputed=recomputed,
        )
        self.reports.append(report)
        return report

    def _check_origin(
        self, representation: Representation, submission: Submission
    ) -> None:
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

    def _rows(self, split: str) -> Tensor:
        return self.dataset.splits[split]

    def _scores(
        self, representation: Representation, submission: Submission, index: Tensor
    ) -> Tensor:
        scores = submission.scores(representation.encode(self.dataset.X[index]))
        if not scores.isfinite().all():
            raise Refused("The model gives scores that are not finite numbers.")
        return scores

    def _accuracy(self, scores: Tensor, y: Tensor) -> tuple[float, float, float]:
        right = int(((scores >= self.criteria.threshold) == y.bool()).sum())
        return right / len(y), *clopper_pearson(right, len(y), alpha=0.05)
