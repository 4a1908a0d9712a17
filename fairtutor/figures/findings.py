"""An audit report as a forest plot: estimate, interval, tolerance, verdict."""

import math

from matplotlib.axes import Axes

from ..exchange.report import AuditReport, Finding
from .picture import Picture
from .style import (
    BAND,
    INK,
    NOTE_SIZE,
    REGULATOR,
    VERDICT_MARKERS,
    label,
    new_figure,
    row_labels,
    verdict_label,
    whiskers,
)


def audit_findings(report: AuditReport) -> Picture:
    """Draw every finding of a report against its tolerance.

    Parameters
    ----------
    report
        The regulator's answer.

    Returns
    -------
    Picture
        One row for each criterion: the estimate, its simultaneous interval, the
        tolerated values as a shaded bar, and the verdict as marker and word.
    """
    fig, [ax] = new_figure(8.4, 1.8 + 0.6 * len(report.findings))
    for row, finding in enumerate(report.findings):
        _draw(ax, row, finding)
    row_labels(ax, [_name(finding) for finding in report.findings])
    ax.set_xlim(0, 1)
    ending = "" if report.verdict == "undecided" else " the criteria"
    label(
        ax,
        title=f"Round {report.number}: {verdict_label(report.verdict)}{ending}",
        x="estimate and interval; shaded: tolerated",
    )
    return Picture(fig, _alt(report))


def _draw(ax: Axes, row: int, finding: Finding) -> None:
    tolerance, at_least = finding.criterion.tolerance, finding.criterion.spec.at_least
    start, width = (tolerance, 1 - tolerance) if at_least else (0, tolerance)
    ax.barh(row, width, left=start, height=0.7, color=BAND, zorder=0)
    ax.vlines(tolerance, row - 0.35, row + 0.35, color=REGULATOR, linestyle="--")
    if not math.isnan(finding.estimate):
        ax.errorbar(
            [finding.estimate],
            [row],
            xerr=whiskers(finding.estimate, finding.lower, finding.upper),
            color=REGULATOR,
            marker=VERDICT_MARKERS[finding.verdict],
            markersize=10,
            markeredgecolor="white",
            elinewidth=2.5,
        )
    ax.annotate(
        verdict_label(finding.verdict),
        (1.02, row),
        xycoords=("axes fraction", "data"),
        fontsize=NOTE_SIZE + 1,
        color=INK,
        va="center",
        annotation_clip=False,
    )


def _name(finding: Finding) -> str:
    criterion = finding.criterion
    between = f"\nby {criterion.groups_of}," if criterion.attribute else "\n"
    return f"{criterion.title}{between} {criterion.tolerated}"


def _alt(report: AuditReport) -> str:
    told = [
        f"{finding.criterion}: could not be computed, {finding.verdict}"
        if math.isnan(finding.estimate)
        else f"{finding.criterion}: {finding.estimate:.3f} ({finding.lower:.3f} to "
        f"{finding.upper:.3f}), {finding.verdict}"
        for finding in report.findings
    ]
    return f"Audit of round {report.number}, {report.verdict}. {'; '.join(told)}."
