"""A rehearsal: what the audit would find, on rows that are not the regulator's."""

from dataclasses import dataclass

from ..audit import audit
from ..data import Dataset
from ..data.splits import is_audit
from ..exchange import (
    Criterion,
    FairnessCriteria,
    FairtutorError,
    Finding,
    Representation,
    Submission,
    html,
)
from .evidence import Evidence, constant_accuracy
from .regulator import REFERENCE

OTHER_REFERENCE = "train"  # for the test rows: nobody is compared with themselves


@dataclass(frozen=True, repr=False)
class Rehearsal:
    """What producers and users find when they check themselves.

    Attributes
    ----------
    split, rows
        Whose rows were looked at, and how many they are.
    findings
        One per criterion, in order, as an audit of these rows would give them.
    accuracy
        (estimate, lower, upper); its 95% interval is its own.
    constant_accuracy
        The accuracy, on the same rows, of always giving the more frequent decision.
    """

    split: str
    rows: int
    findings: tuple[Finding, ...]
    accuracy: tuple[float, float, float]
    constant_accuracy: float

    def finding(self, criterion: Criterion) -> Finding:
        """Return the finding on a criterion.

        Raises
        ------
        KeyError
            It is none of the criteria of this rehearsal.
        """
        for finding in self.findings:
            if finding.criterion == criterion:
                return finding
        raise KeyError(f"{str(criterion)!r} was not rehearsed.")

    @property
    def utility(self) -> str:
        """How useful the model is, in one sentence, beside the constant predictor."""
        estimate, lower, upper = self.accuracy
        return (
            f"Accuracy {estimate:.3f} ({lower:.3f} to {upper:.3f}) on {self.rows:,} "
            f"{self.split} rows; the constant predictor has "
            f"{self.constant_accuracy:.3f}. No verdict: only an audit on fresh rows "
            "gives one."
        )

    def _rows(self) -> list[tuple[str, str, str]]:
        return [
            (
                str(finding.criterion),
                f"{finding.estimate:.3f}",
                f"{finding.lower:.3f} to {finding.upper:.3f}",
            )
            for finding in self.findings
        ]

    def __repr__(self) -> str:
        lines = [
            f"  {criterion}: {estimate} ({interval})"
            for criterion, estimate, interval in self._rows()
        ]
        title = f"Rehearsal on the {self.split} rows"
        return "\n".join([title, *lines, f"  {self.utility}"])

    def _repr_html_(self) -> str:
        body = html.table(("criterion", "estimate", "interval"), self._rows())
        title = f"Rehearsal on the {self.split} rows"
        return html.card("user", title, body, self.utility)


def rehearse(
    dataset: Dataset,
    criteria: FairnessCriteria,
    representation: Representation,
    submission: Submission,
    split: str = "test",
    *,
    progress: bool = True,
) -> Rehearsal:
    """Measure what an audit would, on rows that are not the regulator's.

    Parameters
    ----------
    dataset
        Its audit rows, if it has them, stay unread.
    criteria
        What the regulator published.
    representation, submission
        What is to be handed in.
    split
        Whose rows; ``"test"`` rows are those nobody learned from.
    progress
        Whether probes and searches that take long show a bar.

    Returns
    -------
    Rehearsal
        Estimates and intervals, computed as in an audit.

    Raises
    ------
    Refused
        What the regulator would refuse: another criteria's representation, another
        representation's model, or numbers that are not finite.
    FairtutorError
        The split is one of the regulator's, or there is none of this name.

    Notes
    -----
    **Choosing on these rows makes them optimistic.** Who tries ten strengths and keeps
    the one that looks best on the test rows has kept some luck with it; the intervals
    here hold for one model chosen without these rows. The audit's rows are fresh, and
    there the luck is gone. Validation rows are optimistic from the start: the user
    stopped its training where they looked best.

    The regulator compares people with the reference rows, which are the test rows.
    Where the test rows themselves are measured, train rows take that place, so that
    consistency, cells and leakage can come out somewhat differently.

    Examples
    --------
    >>> from fairtutor import DataProducer, DataUser, load
    >>> german = load("german").without_audit()
    >>> criterion = Criterion("selection_rate_difference", 0.2, "sex")
    >>> criteria = FairnessCriteria((criterion,))
    >>> z = DataProducer("identity").produce(criteria, german)
    >>> model = DataUser("logistic").train(z, german, epochs=2, progress=False)
    >>> rehearsal = rehearse(german, criteria, z, model)
    >>> rehearsal.rows, 0 <= rehearsal.finding(criterion).estimate <= 1
    (100, True)
    """
    if is_audit(split):
        raise FairtutorError(
            f"The rows of {split!r} are the regulator's. Rehearse on 'test'."
        )
    evidence = Evidence(criteria, dataset)
    against = REFERENCE if split != REFERENCE else OTHER_REFERENCE
    evidence.require_reference_rows(against)
    evidence.check(representation, submission)
    seen = evidence.look(split, representation, submission)
    reference = evidence.look(against, representation, submission, flips=False)
    audited = evidence.audited(seen, reference, progress)
    return Rehearsal(
        split=split,
        rows=len(seen.rows),
        findings=audit(audited, criteria),
        accuracy=evidence.accuracy(audited),
        constant_accuracy=constant_accuracy(audited.y),
    )
