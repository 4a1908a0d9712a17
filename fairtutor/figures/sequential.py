"""Audits looked at row by row: wealth, limits, and the rows until a verdict."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from .picture import Picture
from .style import (
    INK,
    NOTE_SIZE,
    QUIET,
    REGULATOR,
    VERDICT_MARKERS,
    group_colour,
    group_marker,
    label,
    legend,
    new_figure,
    row_labels,
    verdict_label,
)

LINES = ("-", "--", ":", "-.")
SHOWN = (1e-3, 1e6)  # of the wealth


def wealth_by_rows(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], needed: float = 40.0
) -> Picture:
    """Draw how the wealth of several bets against a statement went, row by row.

    Parameters
    ----------
    curves
        By name, the numbers of rows seen and the wealth after each.
    needed
        The wealth from which on the statement counts as refuted, 2/α.

    Returns
    -------
    Picture
        Wealth on a logarithmic scale, with a mark where it first is enough.

    Raises
    ------
    FairtutorError
        There is no curve.

    Examples
    --------
    >>> wealth_by_rows({"unfair": ([2, 4, 6], [1.5, 20, 50]), "fair": ([2, 4], [1, 1])})
    Wealth against the statement, 40 needed. unfair: enough after 6 rows; fair: not \
enough after 4 rows, at most 1.
    """
    _require(curves)
    fig, [ax] = new_figure(7.6, 4.0)
    told = []
    for code, (name, (rows, wealth)) in enumerate(curves.items()):
        rows, wealth = np.asarray(rows), np.asarray(wealth, dtype=float)
        _line(ax, code, name, rows, np.clip(wealth, *SHOWN))
        enough = np.flatnonzero(wealth >= needed)
        if len(enough):
            first = enough[0]
            shown = min(wealth[first], SHOWN[1])
            _mark(ax, code, rows[first], shown, group_marker(code))
            told.append(f"{name}: enough after {rows[first]:,} rows")
        else:
            told.append(
                f"{name}: not enough after {rows[-1]:,} rows, at most "
                f"{wealth.max():.3g}"
            )
    ax.axhline(needed, color=REGULATOR, linestyle="--", linewidth=2)
    ax.set_yscale("log")
    ax.set_ylim(*SHOWN)
    _say(ax, needed, f"enough: {needed:g}")
    label(ax, title="Betting against a statement", x="audit rows seen", y="wealth")
    legend(ax, loc="lower right", ncols=2)
    return Picture(
        fig, f"Wealth against the statement, {needed:g} needed. {'; '.join(told)}."
    )


def limits_by_rows(
    paths: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]], tolerance: float
) -> Picture:
    """Draw the confidence sequences of several audits, and where each is decided.

    Parameters
    ----------
    paths
        By name, as from :func:`fairtutor.audit.limits_by_row`: the numbers of rows
        seen, and the lower and upper limit of the gap after each.
    tolerance
        Gaps from −tolerance to tolerance meet the criterion.

    Returns
    -------
    Picture
        Limits that only ever close in, a mark where a verdict is reached, and the
        verdict beside the name.

    Raises
    ------
    FairtutorError
        There is no path.

    Examples
    --------
    >>> limits_by_rows({"unfair": ([10, 20], [-1, 0.2], [1, 0.8])}, 0.1)
    Limits of the gap by rows seen, tolerance 0.1. unfair: violates after 20 rows; \
after 20 between 0.200 and 0.800.
    """
    _require(paths)
    fig, [ax] = new_figure(7.6, 4.4)
    ax.axhspan(-tolerance, tolerance, color=REGULATOR, alpha=0.12, linewidth=0)
    told = []
    for code, (name, path) in enumerate(paths.items()):
        rows, lower, upper = (np.asarray(part, dtype=float) for part in path)
        verdict, first = first_verdict(lower, upper, tolerance)
        words = verdict_label(verdict)
        if first is not None:
            edge = lower[first] if lower[first] > tolerance else upper[first]
            words += f" after {rows[first]:,.0f}"
        ax.fill_between(rows, lower, upper, color=group_colour(code), alpha=0.12)
        _line(ax, code, f"{name}: {words}", rows, lower)
        _line(ax, code, None, rows, upper)
        if first is not None:
            _mark(ax, code, rows[first], edge, VERDICT_MARKERS[verdict])
            verdict += f" after {rows[first]:,.0f} rows"
        last = f"between {lower[-1]:.3f} and {upper[-1]:.3f}"
        told.append(f"{name}: {verdict}; after {rows[-1]:,.0f} {last}")
    ax.set_xscale("log")
    ax.set_xlim(left=10)
    ax.xaxis.set_major_formatter(lambda n, _: f"{n:,.0f}")
    ax.set_ylim(-0.65, 0.85)
    _say(ax, tolerance, "tolerated", "left")
    label(ax, title="Limits of the gap, at every look", x="audit rows seen", y="gap")
    legend(ax, loc="lower right")
    return Picture(
        fig,
        f"Limits of the gap by rows seen, tolerance {tolerance:g}. {'. '.join(told)}.",
    )


def rows_to_verdict(
    found: Mapping[str, Mapping[str, Sequence[float]]], title: str = ""
) -> Picture:
    """Draw how many rows several ways of auditing need until the verdict.

    Parameters
    ----------
    found
        By what is audited (``"gap 0.18"``) and by the way of auditing, the numbers of
        rows: one, or the lower end, the middle and the upper end.
    title
        A heading.

    Returns
    -------
    Picture
        One line for each thing audited, one mark for each way, rows on a logarithmic
        scale.

    Raises
    ------
    FairtutorError
        There is nothing to draw.

    Examples
    --------
    >>> rows_to_verdict({"gap 0.2": {"betting": [300, 600, 900], "fixed": [700]}})
    Rows until the verdict. gap 0.2: betting 600 (300 to 900), fixed 700.
    """
    _require(found)
    ways = list(dict.fromkeys(way for each in found.values() for way in each))
    fig, [ax] = new_figure(8.0, 1.6 + 0.7 * len(found))
    told = []
    for row, (name, each) in enumerate(found.items()):
        words = []
        for way, numbers in each.items():
            code = ways.index(way)
            low, middle, high = _three(numbers)
            place = row + 0.56 * ((code + 0.5) / len(ways) - 0.5)
            ax.errorbar(
                [middle],
                [place],
                xerr=[[middle - low], [high - middle]],
                color=group_colour(code),
                marker=group_marker(code),
                markersize=8,
                markeredgecolor=INK,
                elinewidth=2,
                linestyle="",
                label=way if row == 0 else None,
            )
            spread = f" ({low:,.0f} to {high:,.0f})" if high > low else ""
            words.append(f"{way} {middle:,.0f}{spread}")
        told.append(f"{name}: {', '.join(words)}")
    row_labels(ax, list(found))
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda n, _: f"{n:,.0f}")
    label(ax, title=title or "Rows until the verdict", x="audit rows")
    fig.legend(
        loc="outside lower center", ncols=len(ways), fontsize=NOTE_SIZE, frameon=False
    )
    return Picture(fig, f"{title or 'Rows until the verdict'}. {'; '.join(told)}.")


def first_verdict(
    lower: np.ndarray, upper: np.ndarray, tolerance: float
) -> tuple[str, int | None]:
    """Return the first verdict that limits of the gap allow, and its place.

    Examples
    --------
    >>> first_verdict(np.array([-1, 0.2]), np.array([1, 0.5]), 0.1)
    ('violates', 1)
    """
    violates = (lower > tolerance) | (upper < -tolerance)
    meets = (lower >= -tolerance) & (upper <= tolerance)
    decided = np.flatnonzero(violates | meets)
    if not len(decided):
        return "undecided", None
    first = int(decided[0])
    return "violates" if violates[first] else "meets", first


def _three(numbers: Sequence[float]) -> tuple[float, float, float]:
    """Return lower end, middle and upper end; of one number, the number."""
    low, *between, high = [*numbers] if len(numbers) > 1 else [*numbers] * 2
    return low, between[0] if between else low, high


def _line(ax: Axes, code: int, name: str | None, x: np.ndarray, y: np.ndarray) -> None:
    ax.plot(
        x,
        y,
        color=group_colour(code),
        linestyle=LINES[code % len(LINES)],
        linewidth=2,
        label=name,
    )


def _mark(ax: Axes, code: int, x: float, y: float, marker: str) -> None:
    ax.plot(
        [x],
        [y],
        marker=marker,
        markersize=11,
        color=group_colour(code),
        markeredgecolor=INK,
        markeredgewidth=1.5,
        linestyle="",
    )


def _say(ax: Axes, y: float, words: str, end: str = "right") -> None:
    """Write at one end, just above a line."""
    ax.annotate(
        words,
        (0.99 if end == "right" else 0.01, y),
        ha=end,
        xycoords=("axes fraction", "data"),
        xytext=(0, 4),
        textcoords="offset points",
        fontsize=NOTE_SIZE,
        color=QUIET,
    )


def _require(curves: Mapping) -> None:
    if not curves or not all(len(curve) for curve in curves.values()):
        raise FairtutorError("There is nothing to draw yet: pass at least one audit.")
