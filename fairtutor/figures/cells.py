"""A plane cut into cells, with the people in them and how they are treated."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from .picture import Picture
from .style import GROUP_COLOURS, INK, QUIET, label, legend, new_figure

MOST_POINTS = 1_500
DARKEST = 0.45  # of a cell half of whose people get each decision; black is 1


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
) -> Picture:
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
    Picture
        Decisions differ in marker as well as in colour.

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
    mixed = 2 * np.minimum(share, 1 - share)
    fig, [ax] = new_figure(7.2, 5.2)
    drawn = [k for k, corners in enumerate(polygons) if len(corners)]
    ax.add_collection(
        PolyCollection(
            [np.asarray(polygons[k], float) for k in drawn],
            facecolors=[str(1 - DARKEST * mixed[k]) for k in drawn],
            edgecolors=QUIET,
            linewidths=0.8,
            zorder=0,
        )
    )
    draw_people(ax, Z, y_hat, decisions, most=MOST_POINTS)
    if chosen is not None and len(polygons[chosen]):
        corners = np.asarray(polygons[chosen], float)
        ax.plot(
            *np.vstack([corners, corners[:1]]).T,
            color=INK,
            linewidth=3,
            label="the cell chosen",
        )
    ax.autoscale_view()
    ax.grid(False)
    label(ax, title=title, x=axes[0], y=axes[1])
    _explain(ax)
    alike = int(((share == 0) | (share == 1))[held > 0].sum())
    cells = int((held > 0).sum())
    noun = "cell" if cells == 1 else "cells"
    alt = (
        f"{len(Z):,} people in {cells} {noun}; in {alike} all are treated alike, in "
        f"{cells - alike} not."
    )
    if chosen is not None:
        alt += f" Cell {chosen}: {held[chosen]:,} people, {share[chosen]:.0%} yes."
    return Picture(fig, f"{title}. {alt}" if title else alt)


def draw_people(
    ax: Axes, Z: np.ndarray, side: np.ndarray, names: Sequence[str], *, most: int
) -> None:
    """Draw people in the plane, the two sides with a marker and a colour each.

    Parameters
    ----------
    ax
        Where to draw.
    Z
        (n, 2).
    side
        (n,), 0 or 1.
    names
        Of the two sides, for the legend.
    most
        How many are drawn, evenly.

    Examples
    --------
    >>> fig, [ax] = new_figure()
    >>> draw_people(ax, np.zeros((3, 2)), np.array([0, 1, 1]), ("no", "yes"), most=9)
    >>> [len(line.get_xdata()) for line in ax.lines]
    [1, 2]
    """
    some = np.linspace(0, len(Z) - 1, min(len(Z), most)).astype(int)
    for value, marker in enumerate("o^"):
        rows = some[side[some] == value]
        ax.plot(
            Z[rows, 0],
            Z[rows, 1],
            marker,
            color=GROUP_COLOURS[1 - value],
            markeredgecolor=INK,
            markeredgewidth=0.3,
            markersize=4.2,
            alpha=0.9,
            label=names[value],
        )


def _explain(ax: Axes) -> None:
    """Say what markers are, and what the grey of a cell is."""
    shades = {"cell: all alike": 1.0, "cell: half and half": 1 - DARKEST}
    patches = [
        Patch(facecolor=str(grey), edgecolor=QUIET, label=name)
        for name, grey in shades.items()
    ]
    handles = [*ax.get_legend_handles_labels()[0], *patches]
    legend(
        ax, handles=handles, loc="upper left", bbox_to_anchor=(1, 1), markerscale=1.8
    )
