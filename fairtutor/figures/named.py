"""One number for each of some names, group by group."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from .picture import Picture
from .style import GROUP_MARKERS, INK, NOTE_SIZE, group_colour, label, new_figure, plain

NAMED = 3  # at each end
HEIGHTS = (0.0, 0.13, -0.13, 0.07, -0.07)  # so that neighbours do not cover each other
LABELS = (0.28, -0.3, 0.44)  # nor their names


def named_values(
    values: ArrayLike,
    names: Sequence[str],
    codes: ArrayLike,
    labels: Sequence[str],
    x: str,
    title: str = "",
) -> Picture:
    """Draw each group's values as points on a line, with names at both ends.

    Parameters
    ----------
    values
        (n,).
    names
        One for each value.
    codes, labels
        Each value's group, (n,), and the groups' names; no group is empty.
    x
        What the number is.
    title
        Above all.

    Returns
    -------
    Picture
        A bar marks each group's mean. The alternative text holds the means, and the
        lowest and highest names.

    Raises
    ------
    FairtutorError
        The numbers of values, names and codes differ, a value is not finite, or a group
        is empty.

    Examples
    --------
    >>> named_values([0.2, 0.4, 0.9], ["ann", "bob", "cy"], [0, 0, 1], ["a", "b"], "p")
    p of 3 names in 2 groups. a: mean 0.3, from ann to bob; b: mean 0.9, from cy to cy.
    """
    values, codes = np.asarray(values, dtype=np.float64), np.asarray(codes)
    if not len(values) == len(names) == len(codes):
        raise FairtutorError(
            f"{len(values)} values, {len(names)} names and {len(codes)} codes; give "
            "one of each for every name."
        )
    if not np.isfinite(values).all():
        raise FairtutorError("A value is not finite; leave its name out.")
    for code, group in enumerate(labels):
        if not (codes == code).any():
            raise FairtutorError(f"Group {group!r} has no name; leave it out.")
    fig, [ax] = new_figure(8.4, 0.9 + 1.45 * len(labels))
    told = []
    for code, group in enumerate(labels):
        order = np.flatnonzero(codes == code)[np.argsort(values[codes == code])]
        own = [names[i] for i in order]
        _draw_group(ax, code, values[order], own)
        told.append(
            f"{group}: mean {values[order].mean():.2g}, from {own[0]} to {own[-1]}"
        )
    ax.set_yticks([-code for code in range(len(labels))], [plain(g) for g in labels])
    ax.set_ylim(-len(labels) + 0.6, 0.56)
    label(ax, title=title, x=x)
    words = f"{x} of {len(values)} names in {len(labels)} groups. {'; '.join(told)}."
    return Picture(fig, f"{title}. {words}" if title else words)


def _draw_group(ax: Axes, code: int, values: np.ndarray, names: Sequence[str]) -> None:
    heights = -code + np.resize(HEIGHTS, len(values))
    style = {"color": group_colour(code), "edgecolor": INK, "linewidth": 0.6}
    marker = GROUP_MARKERS[code % len(GROUP_MARKERS)]
    ax.scatter(values, heights, s=46, marker=marker, zorder=3, **style)
    ax.vlines(values.mean(), -code - 0.2, -code + 0.2, color=INK, linewidth=2.5)
    for ends in (range(NAMED), range(len(values) - NAMED, len(values))):
        for step, i in enumerate(k for k in ends if 0 <= k < len(values)):
            ax.annotate(
                plain(names[i]),
                (values[i], heights[i]),
                xytext=(values[i], LABELS[step] - code),
                ha="center",
                va="center",
                fontsize=NOTE_SIZE,
                color=INK,
                arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.5},
            )
