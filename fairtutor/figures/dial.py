"""A model on the plane, how steep it is allowed to be, and what that costs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .cells import draw_people
from .lines import Series, draw_lines, lines_told
from .picture import Picture
from .style import INK, label, legend, new_figure

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
MOST_POINTS = 400


def dial_board(
    sides: tuple[ArrayLike, ArrayLike],
    P: ArrayLike,
    Z: ArrayLike,
    y: ArrayLike,
    constants: Sequence[float],
    series: Series,
    marked: float,
    outcomes: Sequence[str] = ("no", "yes"),
) -> Picture:
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
    Picture
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
    fig, (left, right) = new_figure(9.6, 4.2, columns=2)
    left.contourf(*sides, P, levels=np.linspace(0, 1, 21), cmap="gray_r", alpha=0.45)
    drawn = [level for level in LEVELS if P.min() < level < P.max()]
    if drawn:
        contours = left.contour(*sides, P, levels=drawn, colors=INK, linewidths=1.2)
        left.clabel(contours, fmt="%g", fontsize=10)
    draw_people(left, Z, y, outcomes, most=MOST_POINTS)
    left.grid(False)
    label(left, title=f"P({outcomes[1]}) at L = {marked:g}", x="z₁", y="z₂")
    legend(left, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    draw_lines(right, constants, series, log=True, marked=marked, top=1.0)
    label(right, title="What it costs and buys", x="L")
    legend(right, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    alt = (
        f"At L = {marked:g} the model gives probabilities from {P.min():.2g} to "
        f"{P.max():.2g}. {lines_told(constants, series, 'L', marked)}"
    )
    return Picture(fig, alt)
