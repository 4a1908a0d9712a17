"""An audit report as one HTML page that asks nobody for anything."""

import math
from collections.abc import Iterable, Sequence
from html import escape

from .prose import prose_html, quoted
from .report import SYMBOLS, AuditReport, Finding
from .requirements import SHOWN

MOST_DRAWN = 40  # groups; more stand in the table alone
# The browser itself then refuses scripts, and requests to anywhere.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1b1b; --quiet: #595959;
  --line: #d0d0d0; --entity: #0072B2; --meets: #00785a; --violates: #b84a00;
  --undecided: #595959; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #16191d;
  --ink: #e8e8e8; --quiet: #a8a8a8; --line: #40464d; --entity: #56B4E9;
  --meets: #3ecf9f; --violates: #ff8b45; --undecided: #a8a8a8; } }
* { box-sizing: border-box; }
body { background: var(--paper); color: var(--ink); font: 17px/1.55 system-ui,
  sans-serif; margin: 0 auto; max-width: 60rem; padding: 1.5rem 1.5rem 4rem; }
header { border-left: 6px solid var(--entity); padding-left: 1rem; }
header p { margin: .3rem 0; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: .2rem 0 .6rem; }
h2 { border-bottom: 1px solid var(--line); font-size: 1.35rem; margin: 2.4rem 0 .8rem;
  padding-bottom: .2rem; }
h3 { font-size: 1.08rem; margin: 1.6rem 0 .4rem; }
h1, h2, h3, p, li, td, code { overflow-wrap: anywhere; }
p { margin: .5rem 0; max-width: 46rem; }
.quiet { color: var(--quiet); }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .94rem; margin: .6rem 0; }
caption { color: var(--quiet); padding-bottom: .3rem; text-align: left; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem 1rem .35rem 0;
  text-align: left; vertical-align: top; }
th { white-space: nowrap; }
td.words { min-width: 9rem; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.meets { color: var(--meets); } .violates { color: var(--violates); }
.undecided { color: var(--undecided); }
.verdict { font-weight: 600; white-space: nowrap; }
img { background: white; border-radius: 6px; height: auto; max-width: 100%; }
dt { color: var(--quiet); } dd { margin: 0 0 .6rem; }
@media print { body { font-size: 11pt; max-width: none; padding: 0; }
  img, tr, li { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .table { overflow: visible; } }
"""
READING = (
    "Each finding has an estimate, which is what was measured on the audited people, "
    "and an interval of values that the data allow. The verdict looks at the interval "
    "and never at the estimate alone.",
    "✓ meets: the whole interval is within the tolerance. ✗ violates: the whole "
    "interval is beyond it. ? undecided: the interval has the tolerance inside, or the "
    "number could not be computed. Undecided is no pass and no proof of unfairness.",
    "The intervals of all findings, over all audits that these criteria allow, share "
    "one error budget. The intervals of single groups do not: each of them is a 95% "
    "interval of its own, shown for orientation.",
)


def report_page(report: AuditReport) -> str:
    r"""Return the report as one HTML page with its plots, for people and machines.

    Parameters
    ----------
    report
        The regulator's answer.

    Returns
    -------
    str
        A whole document: no script, no request to anywhere, every text escaped. Its
        JSON stands in the element with the id ``report``.

    Examples
    --------
    >>> from fairtutor.exchange import Criterion, FairnessCriteria
    >>> asked = Criterion("accuracy", 0.8)
    >>> finding = Finding(asked, 0.85, 0.82, 0.88, "meets")
    >>> report = AuditReport(
    ...     1, FairnessCriteria((asked,)), (finding,), (0.85, 0.82, 0.88), 0.7, 900,
    ...     "z", "m", {},
    ... )
    >>> report_page(report).startswith('<!DOCTYPE html>\n<html lang="en">')
    True
    """
    title = f"Audit report, round {report.number}: {report.verdict}"
    sections = [
        ("Findings", _findings(report)),
        ("Noticed beyond the criteria", _flags(report)),
        ("What was compared", "".join(map(_compared, report.findings))),
        ("How to read this report", "".join(map(_paragraph, READING))),
        ("The criteria", prose_html(report.criteria, level=3)),
        ("What was audited", _fingerprints(report)),
    ]
    body = "\n".join(
        f"<section><h2>{heading}</h2>{content}</section>"
        for heading, content in sections
        if content
    )
    data = report.to_json().replace("<", "\\u003c")  # so that no text ends the element
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"{_header(report)}\n<main>\n{body}\n</main>\n"
        f'<script type="application/json" id="report">{data}</script>\n'
        "</body>\n</html>\n"
    )


def _header(report: AuditReport) -> str:
    counts = {
        verdict: sum(finding.verdict == verdict for finding in report.findings)
        for verdict in SYMBOLS
    }
    told = ", ".join(
        f"{SYMBOLS[verdict]} {verdict}: {count}" for verdict, count in counts.items()
    )
    about = "on the criteria" if report.verdict == "undecided" else "the criteria"
    return (
        f'<header><p class="quiet">Audit report, round {report.number} of at most '
        f'{report.criteria.rounds}</p><h1><span class="{report.verdict}">'
        f"{SYMBOLS[report.verdict]} {report.verdict}</span> {about} "
        f"{escape(quoted(report.criteria.name))}</h1>"
        f"{_paragraph(f'Requirements: {told}.')}{_paragraph(report.utility)}</header>"
    )


def _findings(report: AuditReport) -> str:
    from ..figures import audit_findings  # drawing is loaded only to draw

    rows = [
        (
            str(finding.criterion),
            _number(finding.estimate),
            f"{_number(finding.lower)} to {_number(finding.upper)}",
            finding.verdict,
            finding.note,
        )
        for finding in report.findings
    ]
    header = ("requirement", "estimate", "interval", "verdict", "note")
    caption = f"Findings on {report.rows:,} audited people"
    return _table(caption, header, rows) + audit_findings(report).html()


def _flags(report: AuditReport) -> str:
    items = "".join(f"<li>{escape(flag)}</li>" for flag in report.flags)
    return f"<ul>{items}</ul>" if items else ""


def _compared(finding: Finding) -> str:
    """Return one finding's rates, as a picture and as a table of the same numbers."""
    if not finding.groups:
        return ""
    from ..figures import rates_by_group

    shown = SHOWN[finding.criterion.metric].format(score=finding.criterion.score)
    rows = [
        (
            group.group,
            f"{group.n:,}",
            _number(group.rate),
            f"{_number(group.lower)} to {_number(group.upper)}",
        )
        for group in finding.groups
    ]
    first, own = "group", "each with a 95% interval of its own"
    if finding.criterion.spec.kind == "representation":
        first, own = "probe", "with intervals that hold together with all findings"
    picture = ""
    if len(rows) <= MOST_DRAWN:
        picture = rates_by_group({shown: finding.groups}).html()
    table = _table(
        f"{_capitalised(shown)}, {own}",
        (first, "people", shown, "interval"),
        rows,
    )
    heading = _capitalised(str(finding.criterion))
    return f"<h3>{escape(heading)}</h3>{picture}{table}"


def _fingerprints(report: AuditReport) -> str:
    facts = {
        "criteria": report.criteria.fingerprint,
        "representation": report.representation,
        "submission": report.submission or "none: the representation was audited alone",
        **{
            f"{name} constant, recomputed": _number(value)
            for name, value in report.recomputed.items()
        },
    }
    items = "".join(
        f"<dt>{escape(name)}</dt><dd><code>{escape(value)}</code></dd>"
        for name, value in facts.items()
    )
    said = _paragraph(
        "A fingerprint is the SHA-256 of a document or file. If one character or "
        "weight changes, so does the fingerprint."
    )
    return f"{said}<dl>{items}</dl>"


def _table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join("<tr>" + "".join(map(_cell, header, row)) + "</tr>" for row in rows)
    return (
        f'<div class="table" tabindex="0"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(column: str, text: str) -> str:
    if column == "verdict":
        return f'<td class="verdict {text}">{SYMBOLS[text]} {text}</td>'
    words = column in ("requirement", "note", "group", "probe")
    kind = "words" if words else "number"
    return f'<td class="{kind}">{escape(text)}</td>'


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "not computed"
