"""Fairness against utility: the frontiers of several methods, and one point alone."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from matplotlib.patheffects import withStroke

from ..exchange.criteria import Criterion
from ..exchange.errors import FairtutorError
from .picture import Picture
from .plane import draw_constant, draw_tolerance
from .sequential import LINES
from .style import (
    INK,
    NOTE_SIZE,
    PRODUCER,
    QUIET,
    group_colour,
    group_marker,
    label,
    new_figure,
    plain,
)

MOST_METHODS = 8
MARKER_SIZE = 8
NARROW = 44  # letters that fit below a panel's picture


@dataclass(frozen=True)
class FrontierDot:
    """Where one strength of a method lies.

    Attributes
    ----------
    strength
        In the method's own scale.
    gap, accuracy
        Each (mean, standard deviation) over seeds; with a single seed the deviation
        is NaN, and a gap that could not be computed is NaN.
    name
        What is written beside it where dots of several methods are drawn, such as a
        number.
    """

    strength: float
    gap: tuple[float, float]
    accuracy: tuple[float, float]
    name: str = ""

    @property
    def words(self) -> str:
        """Its name, if it has one, and its strength."""
        return ", ".join(filter(None, (self.name, f"strength {self.strength:g}")))

    @property
    def drawable(self) -> bool:
        """Whether it has a place in the picture."""
        return not math.isnan(self.gap[0] + self.accuracy[0])


def fairness_utility_frontier(
    curves: Mapping[str, Sequence[FrontierDot]],
    identity: FrontierDot,
    criterion: Criterion,
    constant: float,
    seeds: int | None = None,
) -> Picture:
    """Draw what several methods reach: fairness gap across, accuracy upwards.

    Identity and constant predictor are always there: a method that lies below the
    constant's line is not worth its training, and one that lies to the right of the
    identity has made things worse.

    Parameters
    ----------
    curves
        By the method's name its dots, from the weakest strength to the strongest.
        None at all is fine.
    identity
        The data as they are.
    criterion
        Whose metric is the gap; its tolerance is drawn.
    constant
        Accuracy of always giving the more frequent decision.
    seeds
        How many were run, for the words.

    Returns
    -------
    Picture
        Each method has its own marker, line and colour; around every dot an ellipse
        whose half axes are one standard deviation over seeds. One method alone has its
        strengths written beside it.

    Raises
    ------
    FairtutorError
        There are more than eight methods, or one has no dot.

    Examples
    --------
    >>> criterion = Criterion("selection_rate_difference", 0.1, "sex")
    >>> fairness_utility_frontier(
    ...     {"erasure": [FrontierDot(1.0, (0.11, 0.01), (0.84, 0.002))]},
    ...     FrontierDot(0.0, (0.18, 0.01), (0.85, 0.002)),
    ...     criterion, 0.76, seeds=5,
    ... )
    Accuracy against selection rate difference between sex groups, tolerance 0.1, \
mean ± standard deviation over 5 seeds. Identity: 0.180 ± 0.010, accuracy 0.850 ± \
0.002. erasure, from weak to strong: strength 1: 0.110 ± 0.010, accuracy 0.840 ± \
0.002. The constant predictor's accuracy is 0.760.
    """
    _require(curves)
    fig, [ax] = new_figure(8.4, 5.0)
    for code, (name, dots) in enumerate(curves.items()):
        _draw_curve(ax, code, name, [dot for dot in dots if dot.drawable])
    if identity.drawable:
        _draw_ellipse(ax, identity, INK)
        _draw_marker(ax, identity.gap[0], identity.accuracy[0], "p", "identity")
    draw_constant(ax, constant, criterion)
    if len(curves) == 1:
        _write_strengths(ax, *curves.values())
    every = [identity, *(dot for dots in curves.values() for dot in dots)]
    _draw_tolerance(ax, [dot.gap[0] for dot in every if dot.drawable], criterion)
    ax.margins(y=0.1)
    label(ax, "Fairness and utility of each method", _gap_title(criterion), "accuracy")
    fig.legend(loc="outside right upper", fontsize=NOTE_SIZE, frameon=False)
    return Picture(fig, _alt(curves, identity, criterion, constant, seeds))


def frontier_point(
    current: FrontierDot,
    earlier: Sequence[FrontierDot],
    criterion: Criterion,
    constant: float,
    identity: FrontierDot | None = None,
) -> Picture:
    """Draw where a producer stands now, and in grey where it stood before.

    Parameters
    ----------
    current
        The latest; it may be of a representation that is still being trained.
    earlier
        What was tried before, oldest first.
    criterion
        Whose metric is the gap; its tolerance is drawn.
    constant
        Accuracy of always giving the more frequent decision.
    identity
        The data as they are, if known.

    Returns
    -------
    Picture
        Small enough for a panel.

    Examples
    --------
    >>> criterion = Criterion("selection_rate_difference", 0.1, "sex")
    >>> now, nan = FrontierDot(2.0, (0.06, 0.01), (0.83, 0.01)), float("nan")
    >>> frontier_point(now, [FrontierDot(1.0, (0.1, nan), (0.84, nan))], criterion, 0.7)
    Now at strength 2: selection rate difference 0.060 ± 0.010, accuracy 0.830 ± \
0.010; tolerance 0.1. Before: strength 1: 0.100, accuracy 0.840. The constant \
predictor's accuracy is 0.700.
    """
    fig, [ax] = new_figure(4.6, 3.4)
    before = [dot for dot in earlier if dot.drawable]
    ax.plot(
        [dot.gap[0] for dot in before],
        [dot.accuracy[0] for dot in before],
        color=QUIET,
        marker="o",
        markersize=MARKER_SIZE - 2,
        linestyle="",
        alpha=0.6,
    )
    draw_constant(ax, constant, criterion)
    if identity is not None and identity.drawable:
        _draw_marker(ax, identity.gap[0], identity.accuracy[0], "p")
        _write(ax, identity, "identity")
    for dot in before:
        _write(ax, dot, dot.name, below=True)
    if current.drawable:
        _draw_ellipse(ax, current, PRODUCER)
        ax.plot(
            [current.gap[0]],
            [current.accuracy[0]],
            color=PRODUCER,
            marker="o",
            markersize=MARKER_SIZE + 5,
            markeredgecolor=INK,
            markeredgewidth=1.5,
        )
        _write(ax, current, f"now: {current.name or format(current.strength, 'g')}")
    every = [dot for dot in (current, identity, *before) if dot and dot.drawable]
    _draw_tolerance(ax, [dot.gap[0] for dot in every], criterion)
    ax.margins(y=0.2)
    across = "\n".join(textwrap.wrap(_gap_title(criterion), NARROW))
    label(ax, x=across, y="accuracy")
    told = [f"{dot.words}: {_place(dot)}" for dot in earlier]
    return Picture(
        fig,
        f"Now at {current.words}: {criterion.title} {_place(current)}; "
        f"tolerance {criterion.tolerance:g}. "
        + (f"Before: {'; '.join(told)}. " if told else "")
        + (f"Identity: {_place(identity)}. " if identity else "")
        + f"The constant predictor's accuracy is {constant:.3f}.",
    )


def _require(curves: Mapping[str, Sequence[FrontierDot]]) -> None:
    if len(curves) > MOST_METHODS:
        raise FairtutorError(
            f"{len(curves)} methods in one picture cannot be told apart; draw at most "
            f"{MOST_METHODS}."
        )
    for name, dots in curves.items():
        if not dots:
            raise FairtutorError(f"The frontier of {name!r} has no point to draw.")


def _draw_curve(ax: Axes, code: int, name: str, dots: Sequence[FrontierDot]) -> None:
    colour = group_colour(code)
    ax.plot(
        [dot.gap[0] for dot in dots],
        [dot.accuracy[0] for dot in dots],
        color=colour,
        linestyle=LINES[code % len(LINES)],
        linewidth=2,
        marker=group_marker(code),
        markersize=MARKER_SIZE,
        markeredgecolor=INK,
        label=plain(name),
    )
    for dot in dots:
        _draw_ellipse(ax, dot, colour)


def _draw_ellipse(ax: Axes, dot: FrontierDot, colour: str) -> None:
    """Draw one standard deviation in each direction, in the units of the axes."""
    across, upwards = dot.gap[1], dot.accuracy[1]
    if math.isnan(across + upwards):
        return
    centre = (dot.gap[0], dot.accuracy[0])
    ellipse = Ellipse(centre, 2 * across, 2 * upwards, facecolor=colour, alpha=0.25)
    ellipse.set_edgecolor(colour)
    ax.add_patch(ellipse)


def _draw_marker(
    ax: Axes, gap: float, accuracy: float, marker: str, name: str | None = None
) -> None:
    ax.plot(
        [gap],
        [accuracy],
        color="white" if marker == "p" else INK,
        marker=marker,
        markersize=MARKER_SIZE + 5,
        markeredgecolor=INK,
        markeredgewidth=1.8,
        linestyle="",
        label=name,
    )


def _draw_tolerance(ax: Axes, gaps: Sequence[float], criterion: Criterion) -> None:
    """Shade the tolerated side, over a range that holds all dots."""
    tolerance, at_least = criterion.tolerance, criterion.spec.at_least
    low = min([tolerance * 0.9 if at_least else 0.0, *gaps])
    high = max([1.0 if at_least else tolerance * 1.3, *gaps])
    margin = 0.08 * (high - low)
    left, right = low - margin, high + margin
    draw_tolerance(ax, criterion, left, right, height=0.01)


def _write_strengths(ax: Axes, dots: Sequence[FrontierDot]) -> None:
    for dot in dots:
        if dot.drawable:
            _write(ax, dot, f"{dot.strength:g}")


def _write(ax: Axes, dot: FrontierDot, words: str, below: bool = False) -> None:
    ax.annotate(
        words,
        (dot.gap[0], dot.accuracy[0]),
        xytext=(0, -9 if below else 9),
        textcoords="offset points",
        ha="center",
        va="top" if below else "baseline",
        fontsize=NOTE_SIZE,
        color=INK,
        path_effects=[withStroke(linewidth=3, foreground="white")],
    )


def _gap_title(criterion: Criterion) -> str:
    between = f" between {criterion.groups_of} groups" if criterion.attribute else ""
    return f"{criterion.title}{between}"


def _alt(
    curves: Mapping[str, Sequence[FrontierDot]],
    identity: FrontierDot,
    criterion: Criterion,
    constant: float,
    seeds: int | None,
) -> str:
    over = "" if seeds is None else f", mean ± standard deviation over {seeds} seeds"
    if seeds == 1:
        over = ", one seed"
    told = [
        f"{name}, from weak to strong: "
        + "; ".join(f"strength {dot.strength:g}: {_place(dot)}" for dot in dots)
        for name, dots in curves.items()
    ]
    return (
        f"Accuracy against {_gap_title(criterion)}, tolerance "
        f"{criterion.tolerance:g}{over}. Identity: {_place(identity)}. "
        + "".join(f"{words}. " for words in told)
        + f"The constant predictor's accuracy is {constant:.3f}."
    )


def _place(dot: FrontierDot) -> str:
    return f"{_pair(dot.gap)}, accuracy {_pair(dot.accuracy)}"


def _pair(values: tuple[float, float]) -> str:
    mean, deviation = values
    if math.isnan(mean):
        return "could not be computed"
    if math.isnan(deviation):
        return f"{mean:.3f}"
    return f"{mean:.3f} ± {deviation:.3f}"
