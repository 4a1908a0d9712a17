"""Values against a number that is turned up: lines with their spread, told in words."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from .chart import Axes as Chart
from .chart import line_mark
from .picture import Picture
from .style import (
    GROUP_MARKERS,
    INK,
    NOTE_SIZE,
    PRODUCER,
    QUIET,
    REGULATOR,
    USER,
    label,
    legend,
    new_figure,
)

COLOURS = (REGULATOR, USER, PRODUCER, INK, "#E69F00", "#56B4E9", "#8C6D1F", QUIET)
STYLES = ("-", "--", ":", "-.")

Series = Mapping[str, ArrayLike | tuple[ArrayLike, ArrayLike]]


def lines(
    x: Sequence[float],
    series: Series,
    title: str,
    *,
    across: str,
    upwards: str = "",
    log: bool = False,
    marked: float | None = None,
    limit: tuple[float, str] | None = None,
    top: float | None = None,
) -> Picture:
    """Draw each value against x, with a band for its spread.

    Parameters
    ----------
    x
        (n,), rising.
    series
        By name: values, (n,), or a pair of values and standard deviations.
    title
        What is shown.
    across, upwards
        What the axes are.
    log
        Whether x is on a logarithmic scale.
    marked
        A value of x to mark; the words then give every line's value there.
    limit
        A height to draw a line at, and its words.
    top
        The upper end of the vertical axis.

    Returns
    -------
    Picture
        Lines differ in style and marker as well as in colour.

    Raises
    ------
    FairtutorError
        There is no line, or one has another length than x.

    Examples
    --------
    >>> lines([1, 2, 4], {"bound": [0.1, 0.3, 1.2]}, "Bound", across="dimensions")
    Bound. By dimensions from 1 to 4: bound 0.1, 0.3, 1.2.
    """
    fig, [ax] = new_figure(7.2, 4.0)
    draw_lines(ax, x, series, log=log, marked=marked, limit=limit, top=top)
    label(ax, title=title, x=across, y=upwards)
    return Picture(fig, f"{title}. {lines_told(x, series, across, marked, limit)}")


def draw_lines(
    ax: Axes,
    x: Sequence[float],
    series: Series,
    *,
    log: bool = False,
    marked: float | None = None,
    limit: tuple[float, str] | None = None,
    top: float | None = None,
) -> None:
    """Draw the lines into axes that are part of a larger picture; as :func:`lines`.

    Examples
    --------
    >>> fig, [ax] = new_figure()
    >>> draw_lines(ax, [1, 2], {"bound": [0.1, 0.3]})
    >>> len(ax.lines)
    1
    """
    for number, (name, values, spread) in enumerate(_checked(x, series)):
        colour, style, marker = _look(number, x)
        ax.plot(
            x,
            values,
            color=colour,
            linestyle=style,
            marker=marker,
            markersize=6,
            linewidth=2.2,
            label=name,
        )
        if spread is not None:
            band = values - spread, values + spread
            ax.fill_between(x, *band, color=colour, alpha=0.18, linewidth=0)
    if log:
        ax.set_xscale("log", base=2)
        ax.set_xticks(log_ticks(x), [f"{value:g}" for value in log_ticks(x)])
        ax.minorticks_off()
    if limit is not None:
        ax.axhline(limit[0], color=QUIET, linestyle=(0, (1, 1)), linewidth=1.6)
        ax.annotate(
            limit[1],
            (0.01, limit[0]),
            xycoords=("axes fraction", "data"),
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=NOTE_SIZE,
            color=INK,
        )
    if marked is not None:
        ax.axvline(marked, color=INK, linewidth=1.2)
    if top is not None:
        ax.set_ylim(0, top)
    if len(series) > 1:
        legend(ax)


def line_parts(
    chart: Chart, x: Sequence[float], series: Series, *, marked: float, drag: str = ""
) -> list[str]:
    """Draw the lines, without spread, into axes of text; as :func:`draw_lines`.

    Parameters
    ----------
    chart
        Where to draw; what lies above it is cut.
    x, series, marked
        As for :func:`lines`.
    drag
        A name to pull the mark by.

    Examples
    --------
    >>> chart = Chart(0, 0, 100, 50, x=(1, 4), y=(0, 1), log=True)
    >>> len(line_parts(chart, [1, 2, 4], {"bound": [0.1, 0.3, 1.2]}, marked=2))
    3
    """
    parts = []
    for number, (_, values, _) in enumerate(_checked(x, series)):
        colour, style, marker = _look(number, x)
        seen = np.minimum(values, chart.y[1])
        parts.append(chart.line(x, seen, colour, style))
        if marker:
            parts.append(chart.marks(x, seen, marker, colour, size=1.3))
    return [*parts, chart.upright(marked, drag)]


def line_entries(series: Series, x: Sequence[float]) -> list[tuple[str, str]]:
    """Return a legend's entries for :func:`line_parts`.

    Examples
    --------
    >>> [words for _, words in line_entries({"bound": [0.1]}, [1])]
    ['bound']
    """
    return [(line_mark(*_look(k, x)), name) for k, name in enumerate(series)]


def lines_told(
    x: Sequence[float],
    series: Series,
    across: str,
    marked: float | None = None,
    limit: tuple[float, str] | None = None,
) -> str:
    """Return the lines in words.

    Examples
    --------
    >>> lines_told([1, 2], {"bound": [0.1, 0.3]}, "cells", marked=2)
    'By cells from 1 to 2; at 2: bound 0.3.'
    """
    checked, told = _checked(x, series), []
    where = f"By {across} from {x[0]:g} to {x[-1]:g}"
    for name, values, spread in checked:
        if marked is not None:
            told.append(f"{name} {np.interp(marked, x, values):.3g}")
            continue
        at = range(len(x)) if len(x) <= 9 else _places(len(x))
        numbers = [
            f"{values[i]:.3g}" + (f" ± {spread[i]:.2g}" if spread is not None else "")
            for i in at
        ]
        told.append(f"{name} {', '.join(numbers)}")
    where += f"; at {marked:g}: " if marked is not None else ": "
    line = f" A line at {limit[0]:g}: {limit[1]}." if limit else ""
    return f"{where}{'; '.join(told)}.{line}"


def _checked(
    x: Sequence[float], series: Series
) -> list[tuple[str, np.ndarray, np.ndarray | None]]:
    if not series:
        raise FairtutorError("There is no line to draw; give at least one by name.")
    found = []
    for name, given in series.items():
        pair = given if isinstance(given, tuple) else (given, None)
        values, spread = (
            None if part is None else np.asarray(part, dtype=float) for part in pair
        )
        for part in (values, spread):
            if part is not None and part.shape != (len(x),):
                raise FairtutorError(
                    f"{name!r} has values of shape {part.shape}, and x has {len(x)}."
                )
        found.append((name, values, spread))
    return found


def _places(n: int) -> list[int]:
    return sorted({round(i * (n - 1) / 4) for i in range(5)})


def _look(number: int, x: Sequence[float]) -> tuple[str, str, str]:
    """Return a line's colour, style and, where there is room, marker."""
    marker = GROUP_MARKERS[number % len(GROUP_MARKERS)] if len(x) <= 25 else ""
    return COLOURS[number % len(COLOURS)], STYLES[number % len(STYLES)], marker


def log_ticks(x: Sequence[float]) -> list[float]:
    """Return where to write numbers on a logarithmic axis.

    Examples
    --------
    >>> log_ticks([1, 3, 9])
    [1, 3, 9]
    """
    if len(x) <= 9:
        return list(x)
    first, last = (math.log2(value) for value in (x[0], x[-1]))
    step = max(1, math.ceil((last - first) / 8))
    return [2.0**k for k in range(math.ceil(first), math.floor(last) + 1, step)]
