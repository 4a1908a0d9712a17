"""A plane cut into cells, with the people in them and how they are treated."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from .chart import Axes, drawing, legend, line_mark, patch_mark, point_mark, polyline
from .picture import Diagram
from .style import GROUP_COLOURS, INK, QUIET

WIDTH, HEIGHT = 720, 540
FRAME = (76, 40, 700, 440)  # left, top, right, bottom of the plane
MOST_POINTS = 1_500
DARKEST = 0.45  # of a cell half of whose people get each decision; black is 1
MARKERS = "o^"


def cells_in_the_plane(
    polygons: Sequence[ArrayLike],
    Z: ArrayLike,
    y_hat: ArrayLike,
    cell: ArrayLike,
    *,
    chosen: int | None = None,
    title: str = "",
    axes: tuple[str, str] = ("z₁", "z₂"),
    decisions: tuple[str, str] = ("no", "yes"),
) -> Diagram:
    """Draw cells and points; the darker a cell, the less do its people agree.

    Parameters
    ----------
    polygons
        The corners of each cell, (m, 2).
    Z
        Where people stand, (n, 2). At most 1,500 of them are drawn, evenly.
    y_hat
        Decisions, (n,), 0 or 1.
    cell
        Whose cell is which, (n,).
    chosen
        A cell to frame.
    title
        A heading.
    axes
        What the coordinates are.
    decisions
        What 0 and 1 mean.

    Returns
    -------
    Diagram
        Decisions differ in marker as well as in colour. Each cell says what it holds
        to whoever points at it, and carries its number for a panel that listens.

    Raises
    ------
    FairtutorError
        Z is not in the plane, or lengths differ.

    Examples
    --------
    >>> square = [[0, 0], [1, 0], [1, 1], [0, 1]]
    >>> cells_in_the_plane([square], [[0.5, 0.5], [0.2, 0.1]], [1, 0], [0, 0])
    2 people in 1 cell; in 0 all are treated alike, in 1 not.
    """
    Z, y_hat, cell = np.asarray(Z, float), np.asarray(y_hat), np.asarray(cell)
    if Z.ndim != 2 or Z.shape[1] != 2 or not len(Z) == len(y_hat) == len(cell):
        raise FairtutorError(
            f"Z has the shape {Z.shape}, with {len(y_hat)} decisions and {len(cell)} "
            "cells; give rows of two numbers and one of each a row."
        )
    held = np.bincount(cell, minlength=len(polygons))
    yes = np.bincount(cell, weights=y_hat, minlength=len(polygons))
    share = np.divide(yes, held, out=np.zeros(len(held)), where=held > 0)
    corners = [np.asarray(polygon, float).reshape(-1, 2) for polygon in polygons]
    plane = _plane(np.concatenate([Z, *corners]))
    parts = [
        *(
            _cell(plane, k, corners[k], held[k], share[k], decisions[1])
            for k in range(len(corners))
            if len(corners[k])
        ),
        *people(plane, Z, y_hat, most=MOST_POINTS),
        plane.frame(title, *axes, grid=False),
        legend(_entries(decisions, chosen), FRAME[0], HEIGHT - 40, FRAME[2]),
    ]
    if chosen is not None and len(corners[chosen]):
        path = polyline(*plane.at(*corners[chosen].T))
        parts.append(
            f'<path d="{path}Z" fill="none" stroke="{INK}" stroke-width="4" '
            'pointer-events="none"/>'
        )
    alt = _in_words(held, share, chosen)
    return drawing(WIDTH, HEIGHT, parts, f"{title}. {alt}" if title else alt)


def people(plane: Axes, Z: np.ndarray, side: np.ndarray, *, most: int) -> list[str]:
    """Draw people in the plane, the two sides with a marker and a colour each.

    Parameters
    ----------
    plane
        Where to draw.
    Z
        (n, 2).
    side
        (n,), 0 or 1.
    most
        How many are drawn, evenly.

    Examples
    --------
    >>> plane = Axes(0, 0, 10, 10, (0, 1), (0, 1))
    >>> drawn = people(plane, np.zeros((3, 2)), np.array([0, 1, 1]), most=9)
    >>> [part.count("M") for part in drawn]
    [1, 2]
    """
    some = np.linspace(0, len(Z) - 1, min(len(Z), most)).astype(int)
    return [
        plane.marks(*Z[some[side[some] == value]].T, marker, GROUP_COLOURS[1 - value])
        for value, marker in enumerate(MARKERS)
    ]


def sides_named(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the legend's entries for :func:`people`.

    Examples
    --------
    >>> [words for _, words in sides_named(("no", "yes"))]
    ['no', 'yes']
    """
    return [
        (point_mark(GROUP_COLOURS[1 - value], marker), names[value])
        for value, marker in enumerate(MARKERS)
    ]


def _plane(points: np.ndarray) -> Axes:
    """Return axes that hold all points, with a little room around them."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.maximum(0.03 * (high - low), 1e-9)
    low, high = (low - room).tolist(), (high + room).tolist()
    return Axes(*FRAME, x=(low[0], high[0]), y=(low[1], high[1]))


def _cell(
    plane: Axes, number: int, corners: np.ndarray, held: int, share: float, yes: str
) -> str:
    grey = _grey(2 * min(share, 1 - share))
    told = f", {share:.0%} {yes}" if held else ""
    return (
        f'<path data-pick="{number}" d="{polyline(*plane.at(*corners.T))}Z" '
        f'fill="{grey}" stroke="{QUIET}" stroke-width="0.8">'
        f"<title>cell {number}: {held:,} people{told}</title></path>"
    )


def _grey(mixed: float) -> str:
    level = round(255 * (1 - DARKEST * mixed))
    return f"#{level:02x}{level:02x}{level:02x}"


def _entries(decisions: Sequence[str], chosen: int | None) -> list[tuple[str, str]]:
    """Say what markers are, and what the grey of a cell is."""
    framed = [] if chosen is None else [(line_mark(INK), "the cell chosen")]
    return [
        *sides_named(decisions),
        (patch_mark(_grey(0)), "cell: all alike"),
        (patch_mark(_grey(1)), "cell: half and half"),
        *framed,
    ]


def _in_words(held: np.ndarray, share: np.ndarray, chosen: int | None) -> str:
    alike = int(((share == 0) | (share == 1))[held > 0].sum())
    cells = int((held > 0).sum())
    noun = "cell" if cells == 1 else "cells"
    alt = (
        f"{int(held.sum()):,} people in {cells} {noun}; in {alike} all are treated "
        f"alike, in {cells - alike} not."
    )
    if chosen is None:
        return alt
    return f"{alt} Cell {chosen}: {held[chosen]:,} people, {share[chosen]:.0%} yes."
