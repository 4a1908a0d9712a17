"""What a threshold on a score does to each group: the pictures of impossibility."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from .picture import Picture
from .scores import (
    RATES,
    cut_position,
    rates_in_words,
    require_one_a_group,
    score_bins,
    split_by_group,
    stacked_bars,
    threshold_rates,
)
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
        require_one_a_group(thresholds, labels)
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
    return Picture(fig, rates_in_words(labels, marked, points))


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
    require_one_a_group(thresholds, labels)
    values = np.unique(np.concatenate([group[0] for group in groups]))
    edges = score_bins(values)
    fig, axes = new_figure(8.4, 3.4, columns=len(labels), share_y=True)
    told = []
    for code, (ax, group) in enumerate(zip(axes, groups, strict=True)):
        at, (members, outcomes) = thresholds[code], group
        _draw_bars(ax, code, members, outcomes, edges, at)
        ax.axvline(
            cut_position(values, edges, at), color=INK, linewidth=2, linestyle="--"
        )
        y_label = "" if code else "outcome 0  |  outcome 1"
        label(ax, title=f"{labels[code]}, from {at:g}", x=score_name, y=y_label)
        selected = (members >= at).mean()
        told.append(
            f"{labels[code]}: {len(members):,} rows, {outcomes.mean():.1%} with "
            f"outcome 1, threshold {at:g} selects {selected:.1%}"
        )
    axes[0].yaxis.set_major_formatter(lambda share, _: f"{abs(share):.0%}")
    return Picture(fig, f"Scores by group. {'; '.join(told)}.")


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


def _draw_bars(ax, code, scores, outcomes, edges, threshold) -> None:
    ax.use_sticky_edges = False
    middles, widths = (edges[1:] + edges[:-1]) / 2, 0.92 * np.diff(edges)
    for selected, bottoms, heights in stacked_bars(scores, outcomes, edges, threshold):
        ax.bar(
            middles,
            heights,
            widths,
            bottom=bottoms,
            color=group_colour(code),
            alpha=1.0 if selected else 0.3,
        )
    ax.axhline(0, color=QUIET, linewidth=1)
