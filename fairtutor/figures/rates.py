"""Rates by group, with their intervals."""

import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from ..exchange.errors import FairtutorError
from ..exchange.report import GroupRate
from .picture import Picture
from .style import (
    group_colour,
    group_marker,
    label,
    new_figure,
    row_labels,
    whiskers,
)


def rates_by_group(
    rates: Mapping[str, Sequence[GroupRate]], title: str = ""
) -> Picture:
    """Draw one dot with its interval for each group, one panel for each rate.

    Parameters
    ----------
    rates
        By the rate's name (``"selection rate"``), the groups' rates. A finding's
        ``groups`` can be passed as they are.
    title
        A heading for the first panel, in front of the rate's name.

    Returns
    -------
    Picture
        Panels side by side on one scale. A rate that could not be computed (NaN)
        leaves its row empty and is named in the alternative text.

    Raises
    ------
    FairtutorError
        There is no rate or a rate has no group.

    Examples
    --------
    >>> women = GroupRate("Female", 90, 0.11, 0.06, 0.19)
    >>> men = GroupRate("Male", 99, 0.3, 0.2, 0.4)
    >>> rates_by_group({"selection rate": [women, men]})
    Selection rate by group: Female 0.110 (0.060 to 0.190, n = 90), \
Male 0.300 (0.200 to 0.400, n = 99).
    """
    if not rates or not all(rates.values()):
        raise FairtutorError(
            "There is nothing to draw: pass at least one rate of at least one group, "
            "such as {'selection rate': finding.groups}."
        )
    most = max(len(groups) for groups in rates.values())
    width = 7.2 if len(rates) == 1 else 3.4 + 2.2 * len(rates)
    fig, axes = new_figure(width, 1.8 + 0.45 * most, columns=len(rates))
    for ax, (name, groups) in zip(axes, rates.items(), strict=True):
        _draw(ax, groups)
        label(ax, x=textwrap.fill(name, 20) if len(rates) > 1 else name)
    end = max(0.1, *(1.05 * ax.dataLim.x1 for ax in axes))
    for ax in axes:
        ax.set_xlim(0, end)
    if title:
        label(axes[0], title=title, x=axes[0].get_xlabel())
    _name_rows_once(axes, list(rates.values()))
    return Picture(fig, " ".join(_alt(name, groups) for name, groups in rates.items()))


def _draw(ax: Axes, groups: Sequence[GroupRate]) -> None:
    for code, group in enumerate(groups):
        ax.errorbar(
            [group.rate],
            [code],
            xerr=whiskers(group.rate, group.lower, group.upper),
            color=group_colour(code),
            marker=group_marker(code),
            markersize=7,
            elinewidth=2,
            capsize=7,  # a narrow interval still shows beside its marker
            linestyle="",
        )
    row_labels(ax, [f"{group.group} (n = {group.n:,})" for group in groups])


def _name_rows_once(axes: Sequence[Axes], rows: Sequence[Sequence[GroupRate]]) -> None:
    """Name the groups on the left only; repeat n where it differs from the left."""
    for ax, groups in zip(axes[1:], rows[1:], strict=True):
        if [group.group for group in groups] != [group.group for group in rows[0]]:
            continue
        same = [group.n for group in groups] == [group.n for group in rows[0]]
        row_labels(ax, ["" if same else f"n = {group.n:,}" for group in groups])


def _alt(name: str, groups: Sequence[GroupRate]) -> str:
    told = [
        f"{group.group} {group.rate:.3f} ({group.lower:.3f} to {group.upper:.3f}, "
        f"n = {group.n:,})"
        if group.rate == group.rate
        else f"{group.group} could not be computed (n = {group.n:,})"
        for group in groups
    ]
    return f"{name[:1].upper()}{name[1:]} by group: {', '.join(told)}."
