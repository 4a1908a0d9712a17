"""What a threshold on a score does to each group: the pictures of impossibility."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from .picture import Picture
from .style import (
    INK,
    LABEL_SIZE,
    NOTE_SIZE,
    QUIET,
    group_colour,
    group_marker,
    label,
    new_figure,
    plain,
)

RATES = (
    "selection rate",
    "true positive rate",
    "false positive rate",
    "positive predictive value",
)


def threshold_rates(
    scores: ArrayLike, y: ArrayLike, thresholds: ArrayLike
) -> dict[str, np.ndarray]:
    """Return one group's rates for every threshold; positive means score ≥ threshold.

    Parameters
    ----------
    scores
        (n,), finite.
    y
        (n,), the outcomes, 0 or 1.
    thresholds
        (t,), in the scores' unit.

    Returns
    -------
    dict of str to numpy.ndarray
        For each name in :data:`RATES` an array (t,), 0 to 1, and NaN where nobody is
        in the denominator: the predictive value of a decision that nobody gets.

    Raises
    ------
    FairtutorError
        Lengths disagree, there is no row, a score is not finite, or an outcome is
        neither 0 nor 1.

    Examples
    --------
    >>> rates = threshold_rates([1, 2, 3, 4], [0, 1, 0, 1], [2.5, 9])
    >>> {name: values.tolist() for name, values in rates.items()}
    {'selection rate': [0.5, 0.0], 'true positive rate': [0.5, 0.0], \
'false positive rate': [0.5, 0.0], 'positive predictive value': [0.5, nan]}
    """
    scores, y = checked_scores(scores, y)
    positives, negatives = np.sort(scores[y == 1]), np.sort(scores[y == 0])
    true = len(positives) - np.searchsorted(positives, thresholds)
    false = len(negatives) - np.searchsorted(negatives, thresholds)
    return {
        "selection rate": _share(true + false, len(scores)),
        "true positive rate": _share(true, len(positives)),
        "false positive rate": _share(false, len(negatives)),
        "positive predictive value": _share(true, true + false),
    }


def rates_by_threshold(
    scores: ArrayLike,
    y: ArrayLike,
    codes: ArrayLike,
    labels: Sequence[str],
    thresholds: Sequence[float] | None = None,
    score_name: str = "score",
) -> Picture:
    """Draw the four rates of each group against a threshold common to all.

    Parameters
    ----------
    scores, y
        (n,), the scores and the outcomes, 0 or 1.
    codes
        (n,), each row's group as a position in ``labels``.
    labels
        The groups' names.
    thresholds
        One a group, marked on its curves; None marks nothing.
    score_name
        What the score is, for the axis.

    Returns
    -------
    Picture
        Four panels. The alternative text tells the rates at the marked thresholds,
        or at the middle of the scores' range.

    Raises
    ------
    FairtutorError
        As for :func:`threshold_rates`, or a group has no row.

    Examples
    --------
    >>> scores, y, codes = [1, 2, 1, 2], [0, 1, 0, 1], [0, 0, 1, 1]
    >>> rates_by_threshold(scores, y, codes, "ab", thresholds=[2, 1]).alt[:75]
    'Rates by group at thresholds a 2, b 1. Selection rate: a 0.500, b 1.000. Tr'
    """
    groups = split_by_group(scores, y, codes, labels)
    if thresholds is not None:
        _require_one_a_group(thresholds, labels)
    grid = np.unique(np.concatenate([group[0] for group in groups]))
    if len(grid) > 200:
        grid = np.linspace(grid[0], grid[-1], 200)
    marked = [float(grid.mean())] * len(labels) if thresholds is None else thresholds
    curves = [threshold_rates(*group, grid) for group in groups]
    points = [
        threshold_rates(*group, [at]) for group, at in zip(groups, marked, strict=True)
    ]
    fig, axes = new_figure(10.4, 3.4, columns=4, share_y=True)
    for ax, rate in zip(axes, RATES, strict=True):
        for code, name in enumerate(labels):
            _draw_curve(ax, code, name, grid, curves[code][rate])
            if thresholds is not None:
                _mark(ax, code, marked[code], points[code][rate][0])
        label(ax, x=f"threshold on {score_name}")
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=bool(grid[-1] > 2)))
        ax.set_title(rate, fontsize=LABEL_SIZE, color=INK)
    axes[0].set_ylim(-0.03, 1.03)
    handles = axes[0].get_lines()[:: 1 if thresholds is None else 2]
    fig.legend(
        handles=handles,
        loc="outside upper left",
        ncols=len(labels),
        fontsize=NOTE_SIZE,
        frameon=False,
    )
    return Picture(fig, _rates_alt(labels, marked, points))


def score_distributions(
    scores: ArrayLike,
    y: ArrayLike,
    codes: ArrayLike,
    labels: Sequence[str],
    thresholds: Sequence[float],
    score_name: str = "score",
) -> Picture:
    """Draw each group's scores, by outcome, with the group's threshold.

    Parameters
    ----------
    scores, y, codes, labels
        As for :func:`rates_by_threshold`.
    thresholds
        One a group; who scores at least that much gets the positive decision.
    score_name
        What the score is, for the axis.

    Returns
    -------
    Picture
        One panel a group: outcome 1 upwards, outcome 0 downwards, in shares of the
        group, the selected part in full colour.

    Raises
    ------
    FairtutorError
        As for :func:`rates_by_threshold`.

    Examples
    --------
    >>> score_distributions([1, 2, 1, 2], [0, 1, 0, 1], [0, 0, 1, 1], "ab", [2, 1])
    Scores by group. a: 2 rows, 50.0% with outcome 1, threshold 2 selects 50.0%; \
b: 2 rows, 50.0% with outcome 1, threshold 1 selects 100.0%.
    """
    groups = split_by_group(scores, y, codes, labels)
    _require_one_a_group(thresholds, labels)
    values = np.unique(np.concatenate([group[0] for group in groups]))
    edges = score_bins(values)
    fig, axes = new_figure(8.4, 3.4, columns=len(labels), share_y=True)
    told = []
    for code, (ax, group) in enumerate(zip(axes, groups, strict=True)):
        at, (members, outcomes) = thresholds[code], group
        _draw_bars(ax, code, members, outcomes, edges, at)
        ax.axvline(_cut(values, edges, at), color=INK, linewidth=2, linestyle="--")
        y_label = "" if code else "outcome 0  |  outcome 1"
        label(ax, title=f"{labels[code]}, from {at:g}", x=score_name, y=y_label)
        selected = (members >= at).mean()
        told.append(
            f"{labels[code]}: {len(members):,} rows, {outcomes.mean():.1%} with "
            f"outcome 1, threshold {at:g} selects {selected:.1%}"
        )
    axes[0].yaxis.set_major_formatter(lambda share, _: f"{abs(share):.0%}")
    return Picture(fig, f"Scores by group. {'; '.join(told)}.")


def score_bins(scores: np.ndarray, most: int = 30) -> np.ndarray:
    """Return bin edges: one bin a value if there are few values, else equal widths.

    Examples
    --------
    >>> score_bins(np.array([1.0, 2, 3])).tolist()
    [0.5, 1.5, 2.5, 3.5]
    """
    values = np.unique(scores)
    if 2 <= len(values) <= most:
        half = np.diff(values) / 2
        inner = values[:-1] + half
        return np.array([values[0] - half[0], *inner, values[-1] + half[-1]])
    return np.linspace(values[0], values[-1] + 1e-9, most + 1)


def split_by_group(
    scores: ArrayLike, y: ArrayLike, codes: ArrayLike, labels: Sequence[str]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (scores, outcomes) of each group, in the order of the labels.

    Raises
    ------
    FairtutorError
        Lengths disagree, a group has no row, or a value is out of its range.

    Examples
    --------
    >>> [y.tolist() for _, y in split_by_group([1, 2, 3], [0, 1, 1], [0, 1, 0], "ab")]
    [[0, 1], [1]]
    """
    scores, y = checked_scores(scores, y)
    codes = np.asarray(codes)
    if codes.shape != scores.shape:
        raise FairtutorError(
            f"{len(scores)} scores, but groups of shape {codes.shape}: pass one group "
            "code a row."
        )
    for code, name in enumerate(labels):
        if not (codes == code).any():
            raise FairtutorError(
                f"No row is in group {name!r} (code {code}); leave the group out of "
                "the labels or pass rows of it."
            )
    return [(scores[codes == code], y[codes == code]) for code in range(len(labels))]


def checked_scores(scores: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and outcomes as arrays, or say what is wrong with them.

    Raises
    ------
    FairtutorError
        Lengths disagree, there is no row, a score is not finite, or an outcome is
        neither 0 nor 1.

    Examples
    --------
    >>> checked_scores([3], [2])
    Traceback (most recent call last):
        ...
    fairtutor.exchange.errors.FairtutorError: Outcomes must be 0 or 1, but 2 occurs.
    """
    scores, y = np.asarray(scores, dtype=np.float64), np.asarray(y)
    if scores.ndim != 1 or scores.shape != y.shape or not len(scores):
        raise FairtutorError(
            f"Scores of shape {scores.shape} and outcomes of shape {y.shape}: pass one "
            "of each for every row, and at least one row."
        )
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise FairtutorError(f"The score in row {row} is {scores[row]}; drop the row.")
    strange = y[(y != 0) & (y != 1)]
    if len(strange):
        raise FairtutorError(f"Outcomes must be 0 or 1, but {strange[0]} occurs.")
    return scores, y


def _require_one_a_group(thresholds: Sequence[float], labels: Sequence[str]) -> None:
    if len(thresholds) != len(labels):
        raise FairtutorError(
            f"{len(thresholds)} thresholds for {len(labels)} groups: pass one a group."
        )


def _share(part: np.ndarray, whole: np.ndarray | int) -> np.ndarray:
    whole = np.broadcast_to(whole, np.shape(part))
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def _draw_curve(ax, code: int, name: str, grid: np.ndarray, curve: np.ndarray) -> None:
    ax.plot(
        grid,
        curve,
        color=group_colour(code),
        linewidth=2.2,
        linestyle=("-", "--", ":", "-.")[code % 4],
        marker=group_marker(code) if len(grid) <= 30 else "",
        markersize=5,
        label=plain(name),
    )


def _mark(ax, code: int, threshold: float, rate: float) -> None:
    ax.plot(
        [threshold],
        [rate],
        marker=group_marker(code),
        markersize=11,
        color=group_colour(code),
        markeredgecolor=INK,
        markeredgewidth=1.5,
        linestyle="",
    )


def _draw_bars(ax, code, values, outcomes, edges, threshold) -> None:
    ax.use_sticky_edges = False
    middles, widths = (edges[1:] + edges[:-1]) / 2, 0.92 * np.diff(edges)
    for outcome, sign in ((1, 1), (0, -1)):
        chosen = outcomes == outcome
        for selected, alpha in ((True, 1.0), (False, 0.3)):
            rows = chosen & ((values >= threshold) == selected)
            heights = sign * np.histogram(values[rows], edges)[0] / len(values)
            bottom = 0 if selected else sign * _below(values, chosen, threshold, edges)
            ax.bar(
                middles,
                heights,
                widths,
                bottom=bottom,
                color=group_colour(code),
                alpha=alpha,
            )
    ax.axhline(0, color=QUIET, linewidth=1)


def _cut(values: np.ndarray, edges: np.ndarray, threshold: float) -> float:
    """Return where to draw the threshold: between bars, if a bar is one value."""
    if len(edges) == len(values) + 1:
        return edges[np.searchsorted(values, threshold)]
    return threshold


def _below(values, chosen, threshold, edges) -> np.ndarray:
    """Return where the pale part of each bar starts: on top of its selected part."""
    selected = chosen & (values >= threshold)
    return np.histogram(values[selected], edges)[0] / len(values)


def _rates_alt(labels, marked, points: Sequence[Mapping[str, np.ndarray]]) -> str:
    at = ", ".join(
        f"{name} {threshold:g}" for name, threshold in zip(labels, marked, strict=True)
    )
    told = []
    for rate in RATES:
        values = [
            f"{name} {point[rate][0]:.3f}"
            if point[rate][0] == point[rate][0]
            else f"{name} undefined"
            for name, point in zip(labels, points, strict=True)
        ]
        told.append(f"{rate[0].upper()}{rate[1:]}: {', '.join(values)}")
    return f"Rates by group at thresholds {at}. {'. '.join(told)}."
