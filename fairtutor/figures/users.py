"""What users of a representation lose: error sums, mistrust, and several tasks."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from matplotlib.axes import Axes

from ..exchange.errors import FairtutorError
from ..exchange.report import AuditReport
from .picture import Picture
from .style import (
    BAND,
    INK,
    NOTE_SIZE,
    QUIET,
    REGULATOR,
    USER,
    VERDICT_MARKERS,
    group_colour,
    group_marker,
    label,
    legend,
    new_figure,
    plain,
    row_labels,
    verdict_label,
    whiskers,
)
from .trail import followed_finding

Triple = tuple[float, float, float]  # estimate, lower and upper limit


class Loss(Protocol):
    """A user's loss in two groups; see ``fairtutor.audit.ErrorSum``."""

    total: Triple
    gap: Triple


class Mistrust(Protocol):
    """What a user of z loses; see ``fairtutor.audit.MistrustCost``."""

    cost: Triple


def error_sums(
    users: Mapping[str, Sequence[Loss]], base_rate_gap: float, title: str = ""
) -> Picture:
    """Draw err₀ + err₁ against the gap, above the line that no user can be below.

    Parameters
    ----------
    users
        By the representation's name, its users' losses: one or several.
    base_rate_gap
        |p₀ − p₁| of the rows measured: the line is |p₀ − p₁| − Δ_DP.
    title
        A heading.

    Returns
    -------
    Picture
        Marker shape and colour tell the representation. The alternative text has each
        user's numbers.

    Raises
    ------
    FairtutorError
        There is no user.

    Examples
    --------
    >>> from types import SimpleNamespace as Of
    >>> user = Of(total=(0.3, 0.28, 0.32), gap=(0.1, 0.08, 0.12))
    >>> error_sums({"identity": [user]}, base_rate_gap=0.2)
    Sum of two groups' error rates against the gap of their selection rates: identity \
0.300 (0.280 to 0.320) at a gap of 0.100 (0.080 to 0.120). No user is below the line \
from 0.200 at no gap to 0 at a gap of 0.200.
    """
    losses = [loss for of in users.values() for loss in of]
    if not losses:
        raise FairtutorError("There is no user to draw: pass at least one loss.")
    fig, [ax] = new_figure(7.6, 4.8)
    right = max(base_rate_gap, *(loss.gap[2] for loss in losses)) * 1.06
    line = [0.0, base_rate_gap, right], [base_rate_gap, 0.0, 0.0]
    ax.fill_between(*line, color=BAND, zorder=0)
    ax.plot(*line, color=INK, linewidth=2, label="|p₀ − p₁| − Δ_DP")
    ax.annotate(
        "no user can be here",
        (0.03 * right, 0.06 * base_rate_gap),
        fontsize=NOTE_SIZE,
        color=INK,
    )
    for code, (name, of) in enumerate(users.items()):
        for number, loss in enumerate(of):
            ax.errorbar(
                [loss.gap[0]],
                [loss.total[0]],
                xerr=whiskers(*loss.gap),
                yerr=whiskers(*loss.total),
                color=group_colour(code),
                marker=group_marker(code),
                markersize=8,
                markeredgecolor=INK,
                linestyle="",
                elinewidth=1.2,
                capsize=2,
                label=plain(name) if number == 0 else None,
            )
    ax.set_xlim(-0.03 * right, right)  # a marker at no gap is whole
    ax.set_ylim(0, None)
    ax.locator_params(axis="x", nbins=6)
    label(ax, title, "gap of selection rates, Δ_DP", "err₀ + err₁")
    legend(ax, loc="center left", bbox_to_anchor=(1.0, 0.5))
    told = [
        f"{name} {_said(loss.total)} at a gap of {_said(loss.gap)}"
        for name, of in users.items()
        for loss in of
    ]
    return Picture(
        fig,
        "Sum of two groups' error rates against the gap of their selection rates: "
        f"{'; '.join(told)}. No user is below the line from {base_rate_gap:.3f} at no "
        f"gap to 0 at a gap of {base_rate_gap:.3f}.",
    )


def mistrust_costs(costs: Mapping[str, Mistrust], title: str = "") -> Picture:
    """Draw what the best fair user loses by seeing z in place of x.

    Parameters
    ----------
    costs
        By the representation's name.
    title
        A heading.

    Returns
    -------
    Picture
        In points of accuracy, with intervals; left of the line at 0 no true cost lies.

    Raises
    ------
    FairtutorError
        There is no cost.

    Examples
    --------
    >>> from types import SimpleNamespace as Of
    >>> mistrust_costs({"erasure": Of(cost=(0.012, -0.001, 0.025))})
    Cost of mistrust in points of accuracy: erasure 1.2 (-0.1 to 2.5). No true cost is \
below 0.
    """
    if not costs:
        raise FairtutorError("There is no cost to draw: pass at least one.")
    points = {
        name: tuple(100 * part for part in found.cost) for name, found in costs.items()
    }
    fig, [ax] = new_figure(7.2, 1.7 + 0.42 * len(points))
    low = min(0.0, *(lower for _, lower, _ in points.values())) - 0.3
    ax.axvspan(low, 0.0, color=BAND, zorder=0)
    ax.axvline(0.0, color=QUIET, linestyle=":", linewidth=2)
    for row, point in enumerate(points.values()):
        _whisker(ax, row, point, color=USER, marker=group_marker(row))
        ax.annotate(
            f"{point[0]:.1f}",
            (point[2], row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=NOTE_SIZE,
            color=INK,
        )
    row_labels(ax, list(points))
    ax.set_xlim(low, max(0.5, *(upper for *_, upper in points.values())) * 1.12)
    label(ax, title, "cost of mistrust, points of accuracy")
    told = [f"{name} {_said(point, 1)}" for name, point in points.items()]
    return Picture(
        fig,
        f"Cost of mistrust in points of accuracy: {'; '.join(told)}. No true cost is "
        "below 0.",
    )


def tasks_by_user(
    reports: Mapping[str, AuditReport], metric: str | None = None, title: str = ""
) -> Picture:
    """Draw the audits of several users of one representation, side by side.

    Left: accuracy above that of the constant predictor of the user's own task, which
    is what the training was worth. Right: the gap, with the tolerated side shaded.

    Parameters
    ----------
    reports
        By the task's or the user's name.
    metric
        The metric to follow; by default the first that compares groups.
    title
        A heading.

    Returns
    -------
    Picture
        A marker's shape and a word tell the verdict. The left intervals are those of
        the accuracy, moved by the constant predictor's on the same rows.

    Raises
    ------
    FairtutorError
        There is no report, one is of a representation alone, or a metric is missing.
    """
    if not reports:
        raise FairtutorError("There is no report to draw: audit a user first.")
    above = {name: _above_constant(name, report) for name, report in reports.items()}
    found = {name: followed_finding(report, metric) for name, report in reports.items()}
    fig, [left, right] = new_figure(9.2, 1.9 + 0.5 * len(reports), columns=2)
    left.axvline(0.0, color=QUIET, linestyle=":", linewidth=2)
    first = next(iter(found.values())).criterion
    ends = [end for f in found.values() for end in (f.lower, f.upper) if end == end]
    edge = 1.0 if first.spec.at_least else 0.0
    right.axvspan(edge, first.tolerance, color=BAND, zorder=0)
    right.axvline(first.tolerance, color=REGULATOR, linestyle="--", linewidth=1.5)
    for row, name in enumerate(reports):
        _whisker(left, row, above[name], color=USER, marker="o")
        finding = found[name]
        if finding.estimate == finding.estimate:
            gap = finding.estimate, finding.lower, finding.upper
            _whisker(
                right, row, gap, color=USER, marker=VERDICT_MARKERS[finding.verdict]
            )
        right.annotate(
            verdict_label(finding.verdict),
            (1.0, row),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=NOTE_SIZE,
            color=INK,
        )
    row_labels(left, list(reports))
    row_labels(right, [""] * len(reports))
    margin = 0.05 * (max(ends, default=1.0) - min(ends, default=0.0))
    right.set_xlim(
        min([edge, first.tolerance, *ends]) - margin,
        max([edge, first.tolerance * 1.2, *ends]) + margin,
    )
    label(left, title, "accuracy above the constant\npredictor, points")
    between = f"\nbetween {first.groups_of} groups" if first.attribute else ""
    label(right, "", f"{first.spec.title}{between}")
    return Picture(fig, _audits_told(above, found))


def _above_constant(name: str, report: AuditReport) -> Triple:
    if report.accuracy[0] != report.accuracy[0]:
        raise FairtutorError(
            f"The report of {name!r} is of a representation alone: it has no accuracy. "
            "Pass reports of a user's submission."
        )
    return tuple(100 * (part - report.constant_accuracy) for part in report.accuracy)


def _audits_told(above: Mapping[str, Triple], found: Mapping) -> str:
    first = next(iter(found.values())).criterion
    told = []
    for name, finding in found.items():
        gap = (finding.estimate, finding.lower, finding.upper)
        said = "could not be computed" if gap[0] != gap[0] else _said(gap)
        told.append(
            f"{name}: {_said(above[name], 1)} points of accuracy above the constant, "
            f"{first.spec.title} {said}, {finding.verdict}"
        )
    return f"Audits of {len(found)} users: {'; '.join(told)}. Tolerated is " + (
        f"{'at least' if first.spec.at_least else 'up to'} {first.tolerance:g}."
    )


def _whisker(ax: Axes, row: int, value: Triple, *, color: str, marker: str) -> None:
    ax.errorbar(
        [value[0]],
        [row],
        xerr=whiskers(*value),
        color=color,
        marker=marker,
        markersize=8,
        elinewidth=2.2,
        capsize=5,
        linestyle="",
    )


def _said(value: Triple, digits: int = 3) -> str:
    estimate, lower, upper = value
    return f"{estimate:.{digits}f} ({lower:.{digits}f} to {upper:.{digits}f})"
