"""The data regulator: publishes criteria, audits, and trusts nothing."""

from ..audit import audit, flags
from ..data import Dataset
from ..exchange import (
    AuditReport,
    FairnessCriteria,
    FairtutorError,
    Refused,
    Representation,
    Submission,
)
from ..exchange.weights import NetworkFile
from ..theory.lipschitz import lipschitz_bound
from .evidence import Evidence, constant_accuracy, require_kind

REFERENCE = "test"  # the fixed rows: neighbours, cells, what probes learn from


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
        for more neighbours or cells than it has reference rows or for judgements that
        it lacks, or spread their error budget over more rounds than there are audit
        batches, the data set has more than two outcomes, or an argument is of another
        kind.

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
        _require_judgements(criteria, dataset)
        self.criteria, self.dataset = criteria, dataset
        self.reports: list[AuditReport] = []
        self._batches_used = 0
        self._evidence = Evidence(criteria, dataset)
        self._evidence.require_reference_rows(REFERENCE)

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
        require_kind(submission, Submission)
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
        require_kind(representation, Representation)
        representation = Representation(representation.packed, representation.width)
        look, pair = self._evidence.look, (representation, submission)
        self._evidence.check(*pair)
        recomputed = self._recompute(representation, submission)
        reference = look(REFERENCE, *pair, flips=False)
        self._batches_used += 1
        number = self._batches_used
        seen = look(f"audit {number}", *pair)
        audited = self._evidence.audited(seen, reference, progress)
        report = AuditReport(
            number=number,
            criteria=self.criteria,
            findings=audit(audited, self.criteria),
            accuracy=self._evidence.accuracy(audited),
            constant_accuracy=constant_accuracy(audited.y),
            rows=len(seen.rows),
            representation=representation.fingerprint,
            submission=submission.fingerprint if submission else "",
            recomputed=recomputed,
            flags=flags(audited, self.criteria),
        )
        self.reports.append(report)
        return report

    def _recompute(
        self, representation: Representation, submission: Submission | None
    ) -> dict[str, float]:
        """Compute every claimed constant; refuse one that is claimed too small."""
        recomputed = {"lipschitz": lipschitz_bound(representation.module)}
        _compare(representation, recomputed["lipschitz"])
        if submission is not None and submission.claims:
            try:
                own = lipschitz_bound(submission.module)
            except FairtutorError as unknown:
                raise Refused(f"A claim cannot be checked. {unknown}") from None
            _compare(submission, own)
            recomputed["model's lipschitz"] = own
        return recomputed


def _require_judgements(criteria: FairnessCriteria, dataset: Dataset) -> None:
    asked = {criterion.metric for criterion in criteria.criteria}
    if "judgement_agreement" in asked and not dataset.judgements:
        raise FairtutorError(
            "The criteria ask for agreement with judgements, and nobody has judged "
            f"{dataset.name!r}. Ask an arbiter: dataset.with_judgements(arbiter)."
        )


def _compare(made: NetworkFile, constant: float) -> None:
    for name, claimed in made.claims.items():
        if name != "lipschitz":
            raise Refused(f"No way is known to check a claimed {name!r}.")
        if not claimed >= constant * (1 - 1e-6):
            raise Refused(
                f"The claimed {name} constant is {claimed:.6g}; recomputed, it is "
                f"{constant:.6g}."
            )
