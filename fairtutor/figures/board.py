"""Scores, thresholds and rates of all groups on one board, quick enough to drag."""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from .chart import handle
from .picture import Diagram
from .scores import (
    RATES,
    cut_position,
    rates_in_words,
    require_one_a_group,
    score_bins,
    split_by_group,
    stacked_bars,
    threshold_rates,
)
from .style import group_colour

WIDTH, MARGIN = 900, 12
TOP, BOTTOM = 66, 236  # between which the bars lie
FIRST_RATE, RATE_STEP = 318, 38
SCALE = (250, 700)  # where 0 and 1 of the rates lie
SHAPES = {
    "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "triangle": ((0, -1.3), (1.2, 0.9), (-1.2, 0.9)),
    "diamond": ((0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0)),
    "wedge": ((0, 1.3), (1.2, -0.9), (-1.2, -0.9)),
    "bar": ((-0.5, -1.5), (0.5, -1.5), (0.5, 1.5), (-0.5, 1.5)),
}

Rates = dict[str, np.ndarray]


def threshold_board(
    scores: ArrayLike,
    y: ArrayLike,
    codes: ArrayLike,
    labels: Sequence[str],
    thresholds: Sequence[float],
    score_name: str = "score",
) -> Diagram:
    """Draw each group's scores with its threshold, and below them its four rates.

    Parameters
    ----------
    scores, y
        (n,), the scores and the outcomes, 0 or 1.
    codes
        (n,), each row's group as a position in ``labels``.
    labels
        The groups' names, two to six of them.
    thresholds
        One a group; who scores at least that much gets the positive decision.
    score_name
        What the score is.

    Returns
    -------
    Diagram
        An inline SVG: bars of outcome 1 upwards and of outcome 0 downwards, those
        below the threshold faint; then one line from 0 to 1 for each rate.

    Raises
    ------
    FairtutorError
        As for :func:`fairtutor.figures.threshold_rates`, a group has no row, or the
        thresholds are not one a group.

    Examples
    --------
    >>> scores, y, codes = [1, 2, 1, 2], [0, 1, 0, 1], [0, 0, 1, 1]
    >>> threshold_board(scores, y, codes, ["a", "b"], [2, 1]).alt[:56]
    'Rates by group at thresholds a 2, b 1. Selection rate: a'
    """
    groups = split_by_group(scores, y, codes, labels)
    require_one_a_group(thresholds, labels)
    rates = [
        threshold_rates(*group, [threshold])
        for group, threshold in zip(groups, thresholds, strict=True)
    ]
    alt = rates_in_words(labels, thresholds, rates)
    height = FIRST_RATE + RATE_STEP * len(RATES)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        'style="max-width:100%;height:auto" font-family="system-ui, sans-serif" '
        f'font-size="15" fill="currentColor"><title>{escape(alt)}</title>',
        *_histograms(groups, labels, thresholds, score_name),
        *(
            _rate_line(row, name, [rate[name][0] for rate in rates])
            for row, name in enumerate(RATES)
        ),
    ]
    return Diagram("".join([*parts, "</svg>"]), alt)


def _histograms(groups, labels, thresholds, score_name) -> list[str]:
    values = np.unique(np.concatenate([scores for scores, _ in groups]))
    edges = score_bins(values)
    bars = [
        stacked_bars(*group, edges, threshold)
        for group, threshold in zip(groups, thresholds, strict=True)
    ]
    ends = np.concatenate([b + h for four in bars for _, b, h in four])
    scale = (BOTTOM - TOP) / (ends.max() - ends.min())
    base = TOP + ends.max() * scale
    room = (WIDTH - MARGIN * (len(labels) + 1)) / len(labels)
    drawn = []
    for code, (name, threshold) in enumerate(zip(labels, thresholds, strict=True)):
        left = MARGIN + code * (room + MARGIN)
        across = room / (edges[-1] - edges[0])
        x = left + (edges - edges[0]) * across
        cut = left + (cut_position(values, edges, threshold) - edges[0]) * across
        drawn += [
            _bars(x, bars[code], base, scale, group_colour(code)),
            _frame(left, room, base, cut),
            _pull(code, left, room, cut),
            _heading(left, room, code, name, threshold),
            _ends(left, room, values),
        ]
    return [*drawn, _legend(score_name)]


def _bars(x: np.ndarray, four, base: float, scale: float, colour: str) -> str:
    rects = []
    for selected, bottoms, heights in four:
        opacity = 1 if selected else 0.3
        for start, end, bottom, tall in zip(
            x[:-1], x[1:], bottoms, heights, strict=True
        ):
            if tall:
                top = base - scale * max(bottom, bottom + tall)
                rects.append(
                    f'<rect x="{start + 0.5:.1f}" y="{top:.1f}" '
                    f'width="{max(end - start - 1, 0.5):.1f}" '
                    f'height="{abs(tall) * scale:.1f}" opacity="{opacity}"/>'
                )
    return f'<g fill="{colour}">{"".join(rects)}</g>'


def _heading(left: float, room: float, code: int, name: str, threshold: float) -> str:
    """Write the group's mark, its name, cut to the room there is, and its threshold."""
    most = max(4, int((room - 30) / 10))
    short = name if len(name) <= most else f"{name[: most - 1]}…"
    return (
        f"{_mark(code, left + 10, 17)}"
        f'<text x="{left + 28:.1f}" y="23" font-size="17" font-weight="bold">'
        f"{escape(short)}</text>"
        f'<text x="{left + 28:.1f}" y="43">positive from {threshold:g}</text>'
    )


def _frame(left: float, room: float, base: float, cut: float) -> str:
    """Draw a panel's base line and its threshold."""
    return (
        f'<path d="M{left:.1f} {base:.1f}h{room:.1f}" stroke="currentColor"/>'
        f'<path d="M{cut:.1f} {TOP - 12}V{BOTTOM + 6}" '
        'stroke="currentColor" stroke-width="2.5" stroke-dasharray="7 4"/>'
    )


def _pull(code: int, left: float, room: float, cut: float) -> str:
    """Draw what a group's threshold is taken hold of by."""
    return handle(f"M{cut:.1f} {TOP - 12}V{BOTTOM + 6}", str(code), left, left + room)


def _ends(left: float, room: float, values: np.ndarray) -> str:
    y = BOTTOM + 24
    return (
        f'<text x="{left:.1f}" y="{y}">{values[0]:g}</text>'
        f'<text x="{left + room:.1f}" y="{y}" text-anchor="end">{values[-1]:g}</text>'
    )


def _legend(score_name: str) -> str:
    text = (
        f"{score_name}; bars up: outcome 1, bars down: outcome 0; faint: not selected"
    )
    return (
        f'<text x="{WIDTH / 2}" y="{BOTTOM + 46}" text-anchor="middle">'
        f"{escape(text)}</text>"
    )


def _rate_line(row: int, name: str, values: Sequence[float]) -> str:
    y = FIRST_RATE + RATE_STEP * row
    start, end = SCALE
    defined = [value for value in values if value == value]
    marks = "".join(
        _mark(code, start + value * (end - start), y)
        for code, value in enumerate(values)
        if value == value
    )
    gap = "undefined for a group"
    if len(defined) == len(values):
        gap = f"gap {max(values) - min(values):.3f}"
    return (
        f'<text x="{start - 14}" y="{y + 5}" text-anchor="end">{name}</text>'
        f'<path d="M{start} {y}H{end}M{start} {y - 6}v12M{end} {y - 6}v12" '
        'stroke="currentColor" stroke-opacity="0.6"/>'
        f"{marks}"
        f'<text x="{start}" y="{y + 21}" font-size="12" text-anchor="middle">0</text>'
        f'<text x="{end}" y="{y + 21}" font-size="12" text-anchor="middle">1</text>'
        f'<text x="{end + 16}" y="{y + 5}" font-weight="bold">{gap}</text>'
    )


def _mark(code: int, x: float, y: float) -> str:
    """Draw a group's mark: its own shape and colour."""
    paint = f'fill="{group_colour(code)}" stroke="currentColor" stroke-width="1.5"'
    shapes = list(SHAPES.values())
    if code % (len(shapes) + 1) == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" {paint}/>'
    corners = shapes[code % (len(shapes) + 1) - 1]
    points = " ".join(f"{x + 7 * dx:.1f},{y + 7 * dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{points}" {paint}/>'
