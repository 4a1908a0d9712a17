"""Fairness against utility, round by round."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from ..exchange.errors import FairtutorError
from ..exchange.report import AuditReport, Finding
from .picture import Picture
from .plane import draw_constant, draw_tolerance
from .style import (
    INK,
    NOTE_SIZE,
    REGULATOR,
    VERDICT_MARKERS,
    label,
    new_figure,
    plain,
    verdict_label,
    whiskers,
)


@dataclass(frozen=True)
class TrailPoint:
    """One round: the fairness gap and the accuracy, each (estimate, lower, upper).

    Attributes
    ----------
    number
        The round, from 1.
    gap
        The metric of the criterion that is followed.
    accuracy
        Utility on the same audit rows.
    verdict
        On that criterion.
    """

    number: int
    gap: tuple[float, float, float]
    accuracy: tuple[float, float, float]
    verdict: str


def trail_points(
    reports: Sequence[AuditReport], metric: str | None = None
) -> list[TrailPoint]:
    """Read from each report the gap that is followed and the accuracy.

    Parameters
    ----------
    reports
        One a round, all on the same criteria.
    metric
        The metric to follow; by default the first that compares groups.

    Returns
    -------
    list of TrailPoint

    Raises
    ------
    FairtutorError
        There is no report, or none of the criteria uses the metric.
    """
    points = []
    for report in reports:
        finding = followed_finding(report, metric)
        gap = (finding.estimate, finding.lower, finding.upper)
        points.append(TrailPoint(report.number, gap, report.accuracy, finding.verdict))
    return points


def fairness_utility_trail(
    reports: Sequence[AuditReport], metric: str | None = None
) -> Picture:
    """Draw the rounds as a trail: fairness gap across, accuracy upwards.

    The tolerated side is shaded. The constant predictor is marked: no round below
    its line is worth its training, and no gap smaller than its own is an achievement
    in itself.

    Parameters
    ----------
    reports
        One a round, all on the same criteria.
    metric
        The metric to follow; by default the first that compares groups.

    Returns
    -------
    Picture
        Marker shape and word tell the verdict on the criterion that is followed.

    Raises
    ------
    FairtutorError
        There is no report, or none of the criteria uses the metric.
    """
    if not reports:
        raise FairtutorError("There is no trail yet: run a round first.")
    points = trail_points(reports, metric)
    criterion = followed_finding(reports[0], metric).criterion
    constant = sum(report.constant_accuracy for report in reports) / len(reports)
    fig, [ax] = new_figure(7.2, 4.6)
    _draw_tolerance(ax, points, criterion)
    draw_constant(ax, constant, criterion)
    # What cannot be computed has no place; a representation alone has no accuracy.
    drawn = [p for p in points if not math.isnan(p.gap[0] + p.accuracy[0])]
    ax.plot(
        [point.gap[0] for point in drawn],
        [point.accuracy[0] for point in drawn],
        color=REGULATOR,
        linewidth=1.5,
        alpha=0.6,
    )
    for point in drawn:
        _draw_point(ax, point, _label_above(point, drawn))
    ax.margins(y=0.18)
    between = f" between {criterion.groups_of} groups" if criterion.attribute else ""
    label(
        ax,
        title="Fairness and utility, round by round",
        x=f"{criterion.spec.title}{between}",
        y="accuracy",
    )
    return Picture(fig, _alt(points, criterion, constant))


def followed_finding(report: AuditReport, metric: str | None = None) -> Finding:
    """Return the finding that a trail follows through the rounds.

    Parameters
    ----------
    report
        Any report.
    metric
        A metric of its criteria; by default the first that compares groups, or the
        first of all if none does.

    Returns
    -------
    Finding

    Raises
    ------
    FairtutorError
        None of the criteria uses the metric.
    """
    criterion = report.criteria.followed(metric)
    return next(f for f in report.findings if f.criterion == criterion)


def _draw_tolerance(ax: Axes, points: Sequence[TrailPoint], criterion) -> None:
    ends = [end for point in points for end in point.gap if not math.isnan(end)]
    tolerance = criterion.tolerance
    low, high = min([0.0, *ends]), max([tolerance * 1.6, *ends])
    if criterion.spec.at_least:
        low, high = min([tolerance * 0.9, *ends]), max([1.0, *ends])
    margin = 0.06 * (high - low)
    left, right = low - margin, high + 2.5 * margin
    draw_tolerance(ax, criterion, left, right)


def _label_above(point: TrailPoint, points: Sequence[TrailPoint]) -> bool:
    """Say whether a point's label goes above it: away from the next point across."""
    others = [other for other in points if other.number != point.number]
    if not others:
        return True
    near = min(others, key=lambda other: abs(other.gap[0] - point.gap[0]))
    return (point.accuracy[0], point.number) > (near.accuracy[0], near.number)


def _draw_point(ax: Axes, point: TrailPoint, label_above: bool) -> None:
    (gap, low, high), (accuracy, worst, best) = point.gap, point.accuracy
    ax.errorbar(
        [gap],
        [accuracy],
        xerr=whiskers(gap, low, high),
        yerr=whiskers(accuracy, worst, best),
        color=REGULATOR,
        marker=VERDICT_MARKERS[point.verdict],
        markersize=10,
        markeredgecolor="white",
        elinewidth=1.5,
        capsize=3,
    )
    ax.annotate(
        plain(f"{point.number}  {verdict_label(point.verdict)}"),
        (gap, best if label_above else worst),
        xytext=(0, 4 if label_above else -4),
        textcoords="offset points",
        ha="center",
        va="bottom" if label_above else "top",
        path_effects=[withStroke(linewidth=3, foreground="white")],
        fontsize=NOTE_SIZE,
        color=INK,
    )


def _alt(points: Sequence[TrailPoint], criterion, constant: float) -> str:
    rounds = [
        f"round {point.number}: {_interval(point.gap)}, accuracy "
        f"{_interval(point.accuracy)}, {point.verdict}"
        for point in points
    ]
    return (
        f"Rounds on {criterion.spec.title} against accuracy, tolerance "
        f"{criterion.tolerance:g}; {'; '.join(rounds)}. The constant predictor's "
        f"accuracy is {constant:.3f}."
    )


def _interval(values: tuple[float, float, float]) -> str:
    estimate, lower, upper = values
    if math.isnan(estimate):
        return "could not be computed"
    return f"{estimate:.3f} ({lower:.3f} to {upper:.3f})"
