"""Calibration: whether a score means the same in every group."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..exchange.errors import FairtutorError
from ..exchange.report import GroupRate
from .picture import Picture
from .style import (
    QUIET,
    group_colour,
    group_marker,
    label,
    legend,
    new_figure,
    plain,
    whiskers,
)


def calibration_by_group(
    bins: Mapping[str, Sequence[tuple[float, GroupRate]]],
    score_name: str = "score",
    diagonal: bool = True,
) -> Picture:
    """Draw how often the outcome occurs among people with similar scores, by group.

    Parameters
    ----------
    bins
        By the group's name, one pair for each score bin: the score that stands for
        the bin (its mean, or the decile), and the outcome's rate in it.
    score_name
        What the score is, for the axis.
    diagonal
        Whether to draw the line on which a score is a probability; leave it out for
        deciles and other scores that are none.

    Returns
    -------
    Picture
        Curves that coincide mean calibration alike in all groups.

    Raises
    ------
    FairtutorError
        There is no group or no bin.

    Examples
    --------
    >>> low = GroupRate("bin 1", 50, 0.2, 0.1, 0.3)
    >>> high = GroupRate("bin 2", 50, 0.6, 0.5, 0.7)
    >>> calibration_by_group({"Female": [(0.25, low), (0.75, high)]})
    Rate of outcome 1 by score. Female: 0.200 at 0.25, 0.600 at 0.75.
    """
    if not bins or not all(bins.values()):
        raise FairtutorError(
            "There is nothing to draw: pass at least one score bin of each group."
        )
    fig, [ax] = new_figure(6.8, 4.4)
    if diagonal:
        ax.plot([0, 1], [0, 1], color=QUIET, linestyle=":", label="score = rate")
    for code, (name, pairs) in enumerate(bins.items()):
        rates = [rate for _, rate in pairs]
        lengths = [whiskers(rate.rate, rate.lower, rate.upper) for rate in rates]
        ax.errorbar(
            [score for score, _ in pairs],
            [rate.rate for rate in rates],
            yerr=np.hstack(lengths),
            color=group_colour(code),
            marker=group_marker(code),
            markersize=8,
            linewidth=1.5,
            capsize=3,
            label=plain(name),
        )
    ax.set_ylim(-0.02, 1.02)
    label(ax, title="Calibration by group", x=score_name, y="rate of outcome 1")
    legend(ax)
    return Picture(fig, _alt(bins))


def _alt(bins: Mapping[str, Sequence[tuple[float, GroupRate]]]) -> str:
    told = []
    for name, pairs in bins.items():
        rates = ", ".join(f"{rate.rate:.3f} at {score:g}" for score, rate in pairs)
        told.append(f"{name}: {rates}")
    return f"Rate of outcome 1 by score. {'; '.join(told)}."
