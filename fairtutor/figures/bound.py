"""A line cut into cells, with people, a model on it, and what the cells promise."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .lines import Series, draw_lines, lines_told
from .picture import Picture
from .style import BAND, GROUP_COLOURS, INK, NOTE_SIZE, QUIET, label, legend, new_figure

BINS = 60


def bound_board(
    z: ArrayLike,
    y: ArrayLike,
    curve: tuple[ArrayLike, ArrayLike],
    borders: ArrayLike,
    pieces: Sequence[float],
    series: Series,
    marked: float,
    outcomes: Sequence[str] = ("no", "yes"),
) -> Picture:
    """Draw the cells of a line, and the bound's parts against their number.

    Parameters
    ----------
    z
        Where people stand, (n,).
    y
        Their outcomes, (n,), 0 or 1.
    curve
        Places and the model's probabilities there, (m,) each.
    borders
        Of the cells, (K + 1,).
    pieces
        The numbers of cells that the right side shows, rising.
    series
        What is drawn against them, by name.
    marked
        The number of cells on the left.
    outcomes
        What 0 and 1 mean.

    Returns
    -------
    Picture

    Examples
    --------
    >>> bound_board([0.1, 0.9], [0, 1], ([0, 1], [0, 1]), [0, 0.5, 1], [1, 2],
    ...             {"bound": [0.5, 0.3]}, 2)
    2 people on a line of 2 cells; the model rises from 0 to 1. By pieces of the line \
from 1 to 2; at 2: bound 0.3.
    """
    z, y, borders = (np.asarray(part, dtype=float) for part in (z, y, borders))
    fig, (left, right) = new_figure(9.6, 4.0, columns=2)
    edges = np.linspace(borders[0], borders[-1], BINS + 1)
    below = np.zeros(BINS)
    for side, name in enumerate(outcomes):
        share = np.histogram(z[y == side], edges)[0] / len(z)
        left.bar(
            edges[:-1],
            share,
            np.diff(edges),
            below,
            align="edge",
            color=GROUP_COLOURS[1 - side],
            hatch="///" if side else "",
            edgecolor="white",
            linewidth=0.3,
            label=name,
        )
        below += share
    left.set_ylim(0, 1.35 * below.max())  # room for the legend
    for first, last in zip(borders[:-1:2], borders[1::2], strict=False):
        left.axvspan(first, last, color=BAND, zorder=-2)
    if len(borders) <= 60:
        for border in borders:
            left.axvline(border, color=QUIET, linewidth=0.4, zorder=-1)
    label(left, title=f"{len(borders) - 1} pieces", x="z", y="share of people")
    scale = left.twinx()
    scale.plot(*curve, color=INK, linewidth=2.4, label="P(yes)")
    scale.set_ylim(0, 1.35)
    scale.set_yticks([0, 0.5, 1])
    scale.set_ylabel("P(yes)")
    handles = [ax.get_legend_handles_labels() for ax in (left, scale)]
    left.legend(
        [h for pair in handles for h in pair[0]],
        [t for pair in handles for t in pair[1]],
        fontsize=NOTE_SIZE,
        frameon=False,
        loc="upper center",
        ncols=3,
    )
    draw_lines(right, pieces, series, log=True, marked=marked, top=0.6)
    label(right, title="What they promise", x="pieces of the line", y="")
    legend(right, loc="upper center")
    p = np.asarray(curve[1], dtype=float)
    alt = (
        f"{len(z):,} people on a line of {len(borders) - 1} cells; the model rises "
        f"from {p.min():.2g} to {p.max():.2g}. "
        + lines_told(pieces, series, "pieces of the line", marked)
    )
    return Picture(fig, alt)
