"""What the regulator answers: one finding per criterion, with its interval."""

import json
import math
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

from . import html
from .criteria import Criterion, FairnessCriteria

SYMBOLS = {"meets": "✓", "violates": "✗", "undecided": "?"}


@dataclass(frozen=True)
class GroupRate:
    """A rate within one group, for instance its selection rate.

    Attributes
    ----------
    group
        The group's name; for equalized odds and calibration with the condition.
    n
        Rows that the rate is taken over.
    rate, lower, upper
        The estimate and its own, not simultaneous, 95% interval; NaN without rows.
        For leakage each "group" is a probe, and its interval is simultaneous.
    """

    group: str
    n: int
    rate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Finding:
    """What an audit found on one criterion.

    Attributes
    ----------
    criterion
        The requirement.
    estimate
        The metric on the audit rows; NaN where it cannot be computed.
    lower, upper
        An interval that holds together with all other findings of all rounds.
    verdict
        ``"meets"``, ``"violates"`` or ``"undecided"``.
    groups
        The rates that were compared.
    note
        What the finding rests on, or why it is undecided for another reason than its
        width; may be empty.
    """

    criterion: Criterion
    estimate: float
    lower: float
    upper: float
    verdict: str
    groups: tuple[GroupRate, ...] = ()
    note: str = ""


@dataclass(frozen=True, repr=False)
class AuditReport:
    """The regulator's answer on one submission.

    Attributes
    ----------
    number
        The round, from 1, which is also the audit batch that was used up.
    criteria
        What was asked.
    findings
        One per criterion, in order.
    accuracy
        (estimate, lower, upper) on the audit rows, for utility beside fairness;
        its 95% interval is its own.
    constant_accuracy
        The accuracy, on the same rows, of always giving the more frequent decision.
    rows
        How many audit rows were used.
    representation, submission
        Fingerprints of what was audited.
    recomputed
        Claimed constants with the regulator's own values.
    flags
        What the regulator noticed beyond the criteria, one sentence each.
    """

    number: int
    criteria: FairnessCriteria
    findings: tuple[Finding, ...]
    accuracy: tuple[float, float, float]
    constant_accuracy: float
    rows: int
    representation: str
    submission: str
    recomputed: dict[str, float]
    flags: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """All criteria together: one violation violates, all must meet to meet."""
        verdicts = {finding.verdict for finding in self.findings}
        if "violates" in verdicts:
            return "violates"
        return "meets" if verdicts == {"meets"} else "undecided"

    def finding(self, metric: str) -> Finding:
        """Return the first finding on a metric.

        Raises
        ------
        KeyError
            The criteria do not name the metric.
        """
        for finding in self.findings:
            if finding.criterion.metric == metric:
                return finding
        raise KeyError(f"No criterion of this report uses {metric!r}.")

    def to_json(self) -> str:
        """Return the report as JSON; what is not a finite number is null."""
        document = {**asdict(self), "verdict": self.verdict}
        return json.dumps(_null_for_non_finite(document), indent=2, ensure_ascii=False)

    def to_html(self) -> str:
        """Return the report as one HTML page with its plots.

        Returns
        -------
        str
            A whole document without scripts, which asks nobody for anything: verdict,
            findings, the rates behind them, the criteria in words, and the JSON.
        """
        from .page import report_page

        return report_page(self)

    def write_html(self, path: str | Path) -> None:
        """Write :meth:`to_html` to a file.

        Parameters
        ----------
        path
            Where to write.
        """
        Path(path).write_text(self.to_html(), encoding="utf-8")

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                str(finding.criterion),
                f"{finding.estimate:.3f}",
                f"{finding.lower:.3f} to {finding.upper:.3f}",
                f"{SYMBOLS[finding.verdict]} {finding.verdict}",
                finding.note,
            )
            for finding in self.findings
        ]

    @property
    def _title(self) -> str:
        about = "" if self.verdict == "undecided" else " the criteria"
        return f"Round {self.number}: {SYMBOLS[self.verdict]} {self.verdict}{about}"

    @property
    def utility(self) -> str:
        """How useful the model is, in one sentence, beside the constant predictor."""
        estimate, lower, upper = self.accuracy
        if math.isnan(estimate):
            return f"No model was audited; {self.rows:,} fresh rows were used."
        return (
            f"Accuracy {estimate:.3f} ({lower:.3f} to {upper:.3f}) on {self.rows:,} "
            f"fresh rows; the constant predictor has {self.constant_accuracy:.3f}."
        )

    def __str__(self) -> str:
        lines = [
            f"  {verdict:<12} {criterion}: {estimate} ({interval}) {note}".rstrip()
            for criterion, estimate, interval, verdict, note in self._rows()
        ]
        noticed = [f"  ! {flag}" for flag in self.flags]
        return "\n".join([self._title, *lines, f"  {self.utility}", *noticed])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        header = ("criterion", "estimate", "interval", "verdict", "")
        rows = [
            (criterion, estimate, _unbroken(interval), _unbroken(verdict), note)
            for criterion, estimate, interval, verdict, note in self._rows()
        ]
        body = html.table(header, rows)
        if self.flags:
            noticed = "".join(f"<li>{escape(flag)}</li>" for flag in self.flags)
            body += f"<p>Noticed beyond the criteria:</p><ul>{noticed}</ul>"
        return html.card("regulator", self._title, body, self.utility)


def _unbroken(text: str) -> str:
    """Keep the text on one line: its blanks become blanks that do not break."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _null_for_non_finite(value: object) -> object:
    """Replace NaN and infinity by None throughout: JSON has neither."""
    if isinstance(value, dict):
        return {key: _null_for_non_finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_null_for_non_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
