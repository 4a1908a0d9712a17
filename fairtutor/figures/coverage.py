"""How often intervals hold the truth, by group size and rate."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from .picture import Picture
from .style import INK, NOTE_SIZE, TICK_SIZE, group_colour, label, plain

# From too seldom over just right to more often than needed; the number says it too.
SHADES = LinearSegmentedColormap.from_list(
    "coverage", [group_colour(0), "#ffffff", group_colour(1)]
)
WORST_SHADE = 0.85  # and below: the full colour


def coverage_map(
    covered: Mapping[str, ArrayLike],
    sizes: Sequence[int],
    rates: Sequence[float],
    confidence: float = 0.95,
) -> Picture:
    """Draw the coverage of several methods, one map each, with its numbers in percent.

    Parameters
    ----------
    covered
        By the method's name, the chance that its interval holds the truth, (sizes,
        rates).
    sizes, rates
        Of the group, along the axes.
    confidence
        What the intervals promise: cells below it are orange and bold.

    Returns
    -------
    Picture

    Raises
    ------
    FairtutorError
        There is no method, or a table of another shape.

    Examples
    --------
    >>> covered = {"exact": [[0.98, 0.96]], "Wald": [[0.7, 0.94]]}
    >>> coverage_map(covered, [50], [0.01, 0.5])  # doctest: +NORMALIZE_WHITESPACE
    Coverage of 95% intervals by group size and rate. exact: from 96.0% (size 50, rate
    0.5), below 95% in 0 of 2 settings. Wald: from 70.0% (size 50, rate 0.01), below
    95% in 2 of 2 settings.
    """
    tables = {name: np.asarray(table, float) for name, table in covered.items()}
    shape = len(sizes), len(rates)
    if not tables or any(table.shape != shape for table in tables.values()):
        raise FairtutorError(
            f"There is nothing to draw: pass, for each method, a table of "
            f"{shape[0]} sizes × {shape[1]} rates."
        )
    columns, rows = min(2, len(tables)), -(-len(tables) // 2)
    size = (1.4 + 0.52 * len(sizes) * columns, 1.0 + (0.34 * len(rates) + 1) * rows)
    fig = Figure(figsize=size, facecolor="white", layout="constrained")
    axes = fig.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for ax in axes.flat[len(tables) :]:
        ax.set_visible(False)
    for ax, (name, table) in zip(axes.flat, tables.items(), strict=False):
        _map(ax, table, confidence)
        label(ax, title=name)
        ax.set_xticks(range(shape[0]), [f"{n:,}" for n in sizes], rotation=45)
        ax.set_yticks(range(shape[1]), [f"{p:g}" for p in rates])
        ax.tick_params(labelsize=TICK_SIZE, colors=INK, length=0)
    fig.supxlabel("group size", fontsize=TICK_SIZE + 1, color=INK)
    fig.supylabel("rate", fontsize=TICK_SIZE + 1, color=INK)
    return Picture(fig, _alt(tables, sizes, rates, confidence))


def _map(ax, table: np.ndarray, confidence: float) -> None:
    norm = TwoSlopeNorm(confidence, min(WORST_SHADE, 2 * confidence - 1), 1)
    ax.imshow(table.T, cmap=SHADES, norm=norm, aspect="auto", origin="lower")
    for (column, row), share in np.ndenumerate(table):
        low = share < confidence
        ax.text(
            *(column, row, plain(f"{100 * share:.1f}".removesuffix(".0"))),
            ha="center",
            va="center",
            fontsize=NOTE_SIZE - 2,
            color=INK,
            fontweight="bold" if low else "normal",
        )
    for spine in ax.spines.values():
        spine.set_visible(False)


def _alt(
    tables: Mapping[str, np.ndarray],
    sizes: Sequence[int],
    rates: Sequence[float],
    confidence: float,
) -> str:
    told = []
    for name, table in tables.items():
        n, p = np.unravel_index(table.argmin(), table.shape)
        told.append(
            f"{name}: from {table.min():.1%} (size {sizes[n]:,}, rate {rates[p]:g}), "
            f"below {confidence:.0%} in {(table < confidence).sum()} of {table.size} "
            "settings"
        )
    promise = f"Coverage of {confidence:.0%} intervals by group size and rate."
    return f"{promise} {'. '.join(told)}."
