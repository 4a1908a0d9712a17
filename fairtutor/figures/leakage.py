"""What probes can tell of the group, family by family."""

from collections.abc import Sequence
from typing import Protocol

from .picture import Picture
from .style import (
    BAND,
    INK,
    QUIET,
    REGULATOR,
    label,
    legend,
    new_figure,
    row_labels,
    whiskers,
)


class Probe(Protocol):
    """One family's score; see ``fairtutor.audit.probes.ProbeScore``."""

    name: str
    balanced_accuracy: float
    lower: float
    upper: float


class Leaked(Protocol):
    """Several families' scores; see ``fairtutor.audit.probes.Leakage``."""

    families: Sequence[Probe]
    chance: float


def leakage_by_probe(
    leakage: Leaked, tolerance: float | None = None, title: str = ""
) -> Picture:
    """Draw each probe family's balanced accuracy with its interval.

    Parameters
    ----------
    leakage
        From ``fairtutor.audit.leakage``.
    tolerance
        Of a leakage criterion, drawn as a line with the tolerated values shaded.
    title
        A heading.

    Returns
    -------
    Picture
        From chance to 1. A probe that could not be scored (NaN) leaves its row empty
        and is named in the alternative text.

    Examples
    --------
    >>> from types import SimpleNamespace as Of
    >>> tree = Of(name="trees", balanced_accuracy=0.9, lower=0.85, upper=0.94)
    >>> leakage_by_probe(Of(families=[tree], chance=0.5), tolerance=0.6)
    Balanced accuracy of telling the group, by probe: trees 0.900 (0.850 to 0.940). \
Chance is 0.500, tolerated is up to 0.600. No other probe was tried.
    """
    probes = leakage.families
    fig, [ax] = new_figure(7.2, 2.0 + 0.45 * len(probes))
    start = min([leakage.chance, *(p.lower for p in probes)]) - 0.03
    if tolerance is not None:
        ax.axvspan(start, tolerance, color=BAND, zorder=0)
        ax.axvline(tolerance, color=REGULATOR, linestyle="--", label="tolerance")
    ax.axvline(leakage.chance, color=QUIET, linestyle=":", linewidth=2, label="chance")
    for row, probe in enumerate(probes):
        if probe.balanced_accuracy != probe.balanced_accuracy:
            continue
        ax.errorbar(
            [probe.balanced_accuracy],
            [row],
            xerr=whiskers(probe.balanced_accuracy, probe.lower, probe.upper),
            color=INK,
            marker="o",
            markersize=8,
            elinewidth=2.5,
            capsize=6,
        )
    row_labels(ax, [probe.name for probe in probes])
    ax.set_xlim(start, 1.02)
    label(ax, title=title, x="balanced accuracy of telling the group")
    legend(ax, loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=2)
    return Picture(fig, _alt(leakage, tolerance))


def _alt(leakage: Leaked, tolerance: float | None) -> str:
    told = [
        f"{p.name} {p.balanced_accuracy:.3f} ({p.lower:.3f} to {p.upper:.3f})"
        if p.balanced_accuracy == p.balanced_accuracy
        else f"{p.name} could not be scored"
        for p in leakage.families
    ]
    tolerated = "" if tolerance is None else f", tolerated is up to {tolerance:.3f}"
    return (
        f"Balanced accuracy of telling the group, by probe: {', '.join(told)}. "
        f"Chance is {leakage.chance:.3f}{tolerated}. No other probe was tried."
    )
