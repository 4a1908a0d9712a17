"""A model on the plane, how steep it is allowed to be, and what that costs."""

from collections.abc import Sequence

import numpy as np
from contourpy import contour_generator
from numpy.typing import ArrayLike

from .cells import people, sides_named
from .chart import Axes, drawing, legend, text
from .lines import Series, line_entries, line_parts, lines_told, log_ticks
from .picture import Diagram
from .style import INK

WIDTH, HEIGHT = 960, 440
LEFT, RIGHT = (72, 40, 472, 340), (560, 40, 940, 340)
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
MOST_POINTS = 400
PALE = 0.45  # how dark a probability of 1 is; black is 1


def dial_board(
    sides: tuple[ArrayLike, ArrayLike],
    P: ArrayLike,
    Z: ArrayLike,
    y: ArrayLike,
    constants: Sequence[float],
    series: Series,
    marked: float,
    outcomes: Sequence[str] = ("no", "yes"),
) -> Diagram:
    """Draw P(yes) on the plane, and errors against the constant.

    Parameters
    ----------
    sides
        Places along the two axes, (a,) and (b,).
    P
        Probabilities there, (b, a).
    Z, y
        People, (n, 2), and their outcomes, (n,); at most 400 are drawn, evenly.
    constants
        L of each model, rising.
    series
        What is drawn against L, by name.
    marked
        L of the model on the left.
    outcomes
        What 0 and 1 mean.

    Returns
    -------
    Diagram
        Lines of equal P carry their value; outcomes differ in marker and colour.

    Examples
    --------
    >>> P = np.linspace(0, 1, 4).reshape(2, 2)
    >>> dial_board(([0, 1], [0, 1]), P, [[0.5, 0.5]], [1], [1, 2],
    ...            {"error": [0.3, 0.2]}, 2)
    At L = 2 the model gives probabilities from 0 to 1. By L from 1 to 2; at 2: error \
0.2.
    """
    P, Z, y = np.asarray(P, float), np.asarray(Z, float), np.asarray(y)
    first, second = (np.asarray(side, dtype=float) for side in sides)
    plane = Axes(*LEFT, (first[0], first[-1]), (second[0], second[-1]))
    chart = constant_axes(constants)
    parts = [
        plane.image(1 - PALE * P),
        *_contours(plane, first, second, P),
        *people(plane, Z, y, most=MOST_POINTS),
        plane.frame(f"P({outcomes[1]}) at L = {marked:g}", "z₁", "z₂", grid=False),
        legend(sides_named(outcomes), LEFT[0], LEFT[3] + 64, LEFT[2]),
        chart.frame("What it costs and buys", "L", "", log_ticks(constants)),
        *line_parts(chart, constants, series, marked=marked, drag="L"),
        legend(line_entries(series, constants), RIGHT[0], RIGHT[3] + 64, RIGHT[2]),
    ]
    alt = (
        f"At L = {marked:g} the model gives probabilities from {P.min():.2g} to "
        f"{P.max():.2g}. {lines_told(constants, series, 'L', marked)}"
    )
    return drawing(WIDTH, HEIGHT, parts, alt)


def constant_axes(constants: Sequence[float]) -> Axes:
    """Return the axes on the right, where L can be pulled.

    Examples
    --------
    >>> round(constant_axes([1.0, 4.0]).number_at(0.5), 2)
    2.0
    """
    ends = constants[0] / 1.05, constants[-1] * 1.05
    return Axes(*RIGHT, x=ends, y=(0.0, 1.0), log=True)


def _contours(plane: Axes, x: np.ndarray, y: np.ndarray, P: np.ndarray) -> list[str]:
    """Draw lines of equal probability, each with its value on its longest piece."""
    maker, parts = contour_generator(x, y, P), []
    for level in LEVELS:
        pieces = maker.lines(level) if P.min() < level < P.max() else []
        for piece in pieces:
            parts.append(plane.line(*piece.T, INK, width=1.3))
        if pieces:
            longest = max(pieces, key=len)
            [across], [upwards] = plane.at(*longest[[len(longest) // 2]].T)
            halo = text(across, upwards + 4, f"{level:g}", "middle", 13)
            parts.append(
                f'<g stroke="white" stroke-width="4" paint-order="stroke">{halo}</g>'
            )
    return parts
