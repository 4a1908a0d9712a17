"""A line cut into cells, with people, a model on it, and what the cells promise."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .chart import Axes, drawing, legend, line_mark, patch_mark, text
from .lines import Series, line_entries, line_parts, lines_told, log_ticks
from .picture import Diagram
from .style import BAND, GROUP_COLOURS, INK, QUIET

WIDTH, HEIGHT = 960, 430
LEFT, RIGHT = (84, 40, 454, 330), (560, 40, 940, 330)
BINS = 60
MOST_BORDERS = 60
TOP = 0.6  # of the bound that is drawn


def bound_board(
    z: ArrayLike,
    y: ArrayLike,
    curve: tuple[ArrayLike, ArrayLike],
    borders: ArrayLike,
    pieces: Sequence[float],
    series: Series,
    marked: float,
    outcomes: Sequence[str] = ("no", "yes"),
) -> Diagram:
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
        What is drawn against them, by name; values above 0.6 are drawn there.
    marked
        The number of cells on the left.
    outcomes
        What 0 and 1 mean.

    Returns
    -------
    Diagram

    Examples
    --------
    >>> bound_board([0.1, 0.9], [0, 1], ([0, 1], [0, 1]), [0, 0.5, 1], [1, 2],
    ...             {"bound": [0.5, 0.3]}, 2)
    2 people on a line of 2 cells; the model rises from 0 to 1. By pieces of the line \
from 1 to 2; at 2: bound 0.3.
    """
    z, y, borders = (np.asarray(part, dtype=float) for part in (z, y, borders))
    edges = np.linspace(borders[0], borders[-1], BINS + 1)
    shares = [np.histogram(z[y == side], edges)[0] / len(z) for side in (0, 1)]
    ends = float(borders[0]), float(borders[-1])
    people = Axes(*LEFT, x=ends, y=(0.0, 1.05 * max(sum(shares).max(), 1e-9)))
    model = Axes(*LEFT, x=ends, y=(0.0, 1.05))
    chart = promise_axes(pieces)
    parts = [
        *_cells(people, borders),
        *_bars(people, edges, shares),
        people.frame(f"{len(borders) - 1} pieces", "z", "share of people", grid=False),
        model.line(*curve, INK),
        _right_scale(model),
        legend(_entries(outcomes), LEFT[0], LEFT[3] + 66, LEFT[2] + 40),
        chart.frame("What they promise", "pieces of the line", "", log_ticks(pieces)),
        *line_parts(chart, pieces, series, marked=marked, drag="pieces"),
        legend(line_entries(series, pieces), RIGHT[0], RIGHT[3] + 66, RIGHT[2]),
    ]
    p = np.asarray(curve[1], dtype=float)
    alt = (
        f"{len(z):,} people on a line of {len(borders) - 1} cells; the model rises "
        f"from {p.min():.2g} to {p.max():.2g}. "
        + lines_told(pieces, series, "pieces of the line", marked)
    )
    return drawing(WIDTH, HEIGHT, parts, alt)


def promise_axes(pieces: Sequence[float]) -> Axes:
    """Return the axes on the right, where the number of cells can be pulled.

    Examples
    --------
    >>> round(promise_axes([1, 256]).number_at(0.5))
    16
    """
    return Axes(*RIGHT, x=(pieces[0], pieces[-1]), y=(0.0, TOP), log=True)


def _cells(people: Axes, borders: np.ndarray) -> list[str]:
    """Shade every other cell; where there is room, draw the borders too."""
    at = people.at(borders, np.zeros(len(borders)))[0]
    tall = people.bottom - people.top
    shaded = "".join(
        f"M{first:.1f} {people.top}h{last - first:.2f}v{tall}h{first - last:.2f}z"
        for first, last in zip(at[:-1:2], at[1::2], strict=False)
    )
    parts = [f'<path d="{shaded}" fill="{BAND}"/>']
    if len(borders) <= MOST_BORDERS:
        lines = "".join(f"M{place:.1f} {people.top}v{tall}" for place in at)
        parts.append(f'<path d="{lines}" stroke="{QUIET}" stroke-width="0.5"/>')
    return parts


def _bars(people: Axes, edges: np.ndarray, shares: Sequence[np.ndarray]) -> list[str]:
    """Draw the people of each outcome, the second on top of the first."""
    parts, below = [], np.zeros(BINS)
    for side, share in enumerate(shares):
        left, foot = people.at(edges[:-1], below)
        right, head = people.at(edges[1:], below + share)
        bars = "".join(
            f"M{a:.1f} {b:.1f}H{c:.1f}V{d:.1f}H{a:.1f}z"
            for a, b, c, d in zip(left, foot, right, head, strict=True)
            if b > d
        )
        outline = f' stroke="{INK}" stroke-width="0.8"' if side else ""
        parts.append(
            f'<path data-outcome="{side}" d="{bars}" '
            f'fill="{GROUP_COLOURS[1 - side]}"{outline}/>'
        )
        below = below + share
    return parts


def _right_scale(model: Axes) -> str:
    """Write the model's scale, 0 to 1, at the right side."""
    levels = (0.0, 0.5, 1.0)
    [*places] = model.at(np.full(3, model.x[1]), levels)[1].tolist()
    return "".join(
        text(model.right + 6, place + 5, f"{level:g}")
        for place, level in zip(places, levels, strict=True)
    )


def _entries(outcomes: Sequence[str]) -> list[tuple[str, str]]:
    return [
        (patch_mark(GROUP_COLOURS[1], outline="none"), outcomes[0]),
        (patch_mark(GROUP_COLOURS[0], outline=INK), f"{outcomes[1]} (outlined)"),
        (line_mark(INK), f"P({outcomes[1]}), right scale"),
    ]
