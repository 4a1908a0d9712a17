"""Which estimate gets which verdict, by number of rows: the regions of an audit."""

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from .picture import Diagram
from .style import GROUP_COLOURS, REGULATOR, verdict_label

WIDTH, HEIGHT = 900, 478
LEFT, RIGHT, TOP, BOTTOM = 96, 620, 38, 408  # between which the regions lie
BARS = (672, 880)  # where 0 and 1 of the chances lie
PAINT = {  # colour, stripes: a region is told by its word and pattern too
    "meets": (GROUP_COLOURS[1], ""),
    "undecided": (GROUP_COLOURS[5], "M0 8l8 -8M-2 2l4 -4M6 10l4 -4"),
    "violates": (GROUP_COLOURS[0], "M0 4h8"),
}


def verdict_regions(
    rows: ArrayLike,
    limits: Mapping[str, ArrayLike],
    tolerance: float,
    *,
    marked: tuple[float, int] | None = None,
    chances: Mapping[str, float] | None = None,
) -> Diagram:
    """Draw which estimated gap gets which verdict, by the number of audit rows.

    Parameters
    ----------
    rows
        (m,), numbers of rows, rising.
    limits
        ``"meets"`` and ``"violates"``, (m,) each, as from
        :func:`fairtutor.audit.verdict_limits`.
    tolerance
        Drawn as a dashed line.
    marked
        A true gap and a number of rows, drawn as a diamond.
    chances
        Of each verdict at the marked point, drawn as bars.

    Returns
    -------
    Diagram
        An inline SVG. The alternative text tells the limits at the marked number of
        rows, or at the first and last number, and the chances.

    Raises
    ------
    FairtutorError
        There are fewer than two numbers of rows, or they do not rise.

    Examples
    --------
    >>> limits = {"meets": [-1, 0.08], "violates": [0.2, 0.12]}
    >>> verdict_regions([100, 10000], limits, 0.1)
    Verdicts by estimated gap, tolerance 0.1. With 100 rows: none meets, violates \
above 0.200. With 10,000 rows: meets up to 0.080, violates above 0.120.
    """
    rows = np.asarray(rows, dtype=float)
    if len(rows) < 2 or (np.diff(rows) <= 0).any() or rows[0] <= 0:
        raise FairtutorError(
            "The numbers of rows must be two or more, positive, and rise."
        )
    meets = np.asarray(limits["meets"], dtype=float)
    violates = np.asarray(limits["violates"], dtype=float)
    most = _reach(violates, tolerance, marked)
    scale = _Scale(rows, most)
    alt = _alt(rows, meets, violates, tolerance, marked, chances)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        'style="max-width:100%;height:auto" font-family="system-ui, sans-serif" '
        f'font-size="15" fill="currentColor"><title>{escape(alt)}</title>',
        _patterns(),
        *_regions(scale, rows, meets, violates),
        *_axes(scale, tolerance),
        _mark(scale, marked) if marked else "",
        *(_chances(chances) if chances else ()),
    ]
    return Diagram("".join([*parts, "</svg>"]), alt)


class _Scale:
    """Where a gap and a number of rows (on a logarithmic scale) lie."""

    def __init__(self, rows: np.ndarray, most: float) -> None:
        self.rows, self.most = rows, most
        self._low, self._high = math.log(rows[0]), math.log(rows[-1])

    def x(self, gap: float) -> float:
        return LEFT + (RIGHT - LEFT) * min(max(gap, 0.0), self.most) / self.most

    def y(self, rows: float) -> float:
        share = (math.log(rows) - self._low) / (self._high - self._low)
        return BOTTOM - (BOTTOM - TOP) * min(max(share, 0.0), 1.0)


def _reach(violates: np.ndarray, tolerance: float, marked) -> float:
    """Return the largest gap to draw, to one digit: the point and the bend fit in."""
    known = violates[~np.isnan(violates)]
    far = np.quantile(known, 0.8) if len(known) else 2 * tolerance
    gap = abs(marked[0]) if marked else 0.0
    most = max(1.15 * gap, min(far, 0.5), 2 * tolerance, 0.1)
    return min(1.0, math.ceil(10 * most - 1e-9) / 10)


def _patterns() -> str:
    made = [
        f'<pattern id="ft-{name}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" fill="{colour}" fill-opacity="0.42"/>'
        f'<path d="{lines}" stroke="{colour}" stroke-width="1.6"/></pattern>'
        for name, (colour, lines) in PAINT.items()
    ]
    return f"<defs>{''.join(made)}</defs>"


def _regions(scale: _Scale, rows, meets, violates) -> list[str]:
    """Fill everything as undecided, and lay the two decided regions over it."""
    height = BOTTOM - TOP
    drawn = [
        f'<rect x="{LEFT}" y="{TOP}" width="{RIGHT - LEFT}" height="{height}" '
        'fill="url(#ft-undecided)"/>'
    ]
    for name, edge, end in (("meets", meets, LEFT), ("violates", violates, RIGHT)):
        known = (edge >= 0) & (edge <= scale.most)
        inside = [
            (scale.x(gap), scale.y(n))
            for gap, n in zip(edge[known], rows[known], strict=True)
        ]
        inside = [*_entry(scale, rows, edge), *inside]
        if len(inside) < 2:
            continue
        top, bottom = inside[-1][1], inside[0][1]
        corners = [(end, bottom), *inside, (end, top)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        drawn.append(
            f'<polygon points="{points}" style="fill:var(--jp-layout-color1, white)"/>'
            f'<polygon points="{points}" fill="url(#ft-{name})" '
            'stroke="currentColor" stroke-width="1.5"/>'
        )
        if bottom - top > 60:
            # A fifth below the top, where a funnel's region is wide.
            y = top + (bottom - top) / 5
            near = min(inside, key=lambda point: abs(point[1] - y))[0]
            if abs(near - end) > 70:
                drawn.append(_word(name, (near + end) / 2, y))
    return [*drawn, _undecided_word(scale, rows, meets, violates)]


def _entry(scale: _Scale, rows: np.ndarray, edge: np.ndarray) -> list[tuple]:
    """Return the point in which a limit that falls with the rows enters the field."""
    beyond = np.flatnonzero(edge > scale.most)
    if not len(beyond) or beyond[-1] + 1 == len(rows):
        return []
    near = slice(beyond[-1], beyond[-1] + 2)
    n = np.exp(np.interp(-scale.most, -edge[near], np.log(rows[near])))
    return [(scale.x(scale.most), scale.y(n))]


def _undecided_word(scale: _Scale, rows, meets, violates) -> str:
    """Write the word at the smallest number of rows, where the region is widest."""
    place = len(rows) // 6
    low = scale.x(max(meets[place], 0.0))
    high = violates[place]
    right = RIGHT if math.isnan(high) else scale.x(high)
    return _word("undecided", (low + right) / 2, scale.y(rows[place]))


def _word(verdict: str, x: float, y: float) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-weight="bold" '
        'stroke-width="4" paint-order="stroke" '
        f'style="stroke:var(--jp-layout-color1, white)">{verdict_label(verdict)}</text>'
    )


def _axes(scale: _Scale, tolerance: float) -> list[str]:
    parts = 10 if scale.most > 0.4 else 20  # of the whole from 0 to 1
    gaps = [i / parts for i in range(round(scale.most * parts) + 1)]
    drawn = [
        f'<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" fill="none" stroke="currentColor"/>'
    ]
    for gap in gaps:
        x = scale.x(gap)
        drawn.append(
            f'<path d="M{x:.1f} {BOTTOM}v6" stroke="currentColor"/>'
            f'<text x="{x:.1f}" y="{BOTTOM + 22}" text-anchor="middle">{gap:g}</text>'
        )
    for n in _round_numbers(scale.rows[0], scale.rows[-1]):
        y = scale.y(n)
        drawn.append(
            f'<path d="M{LEFT} {y:.1f}h-6" stroke="currentColor"/>'
            f'<text x="{LEFT - 10}" y="{y + 5:.1f}" text-anchor="end">{n:,}</text>'
        )
    x = scale.x(tolerance)
    return [
        *drawn,
        f'<path d="M{x:.1f} {TOP - 6}V{BOTTOM}" stroke="{REGULATOR}" '
        'stroke-width="2.5" stroke-dasharray="7 4"/>',
        f'<text x="{x:.1f}" y="{TOP - 16}" text-anchor="middle">'
        f"tolerance {tolerance:g}</text>",
        f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 48}" text-anchor="middle">'
        "gap: estimated, for the regions; true, for the diamond</text>",
        f'<text x="{LEFT - 74}" y="{TOP - 16}">audit rows</text>',
    ]


def _round_numbers(low: float, high: float) -> list[int]:
    powers = range(int(math.log10(low)), int(math.log10(high)) + 1)
    numbers = [k * 10**power for power in powers for k in (1, 2, 5)]
    return [n for n in numbers if low <= n <= high]


def _mark(scale: _Scale, marked: tuple[float, int]) -> str:
    gap, n = marked
    x, y = scale.x(abs(gap)), scale.y(n)
    return (
        f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="currentColor" stroke-opacity="0.5" '
        'stroke-dasharray="2 4"/>'
        f'<path d="M{x:.1f} {y - 11:.1f}l9 11l-9 11l-9 -11z" fill="{REGULATOR}" '
        'stroke="white" stroke-width="2.5"/>'
    )


def _chances(chances: Mapping[str, float]) -> list[str]:
    start, end = BARS
    drawn = [f'<text x="{start}" y="{TOP + 14}">chance of each verdict</text>']
    for row, (verdict, chance) in enumerate(chances.items()):
        y = TOP + 62 + 74 * row
        drawn.append(
            f'<text x="{start}" y="{y - 8}" font-weight="bold">'
            f"{verdict_label(verdict)}: {chance:.1%}</text>"
            f'<rect x="{start}" y="{y}" width="{end - start}" height="22" fill="none" '
            'stroke="currentColor" stroke-opacity="0.6"/>'
            f'<rect x="{start}" y="{y}" width="{(end - start) * chance:.1f}" '
            f'height="22" fill="url(#ft-{verdict})"/>'
        )
    return drawn


def _alt(rows, meets, violates, tolerance, marked, chances) -> str:
    shown: Sequence[float] = (marked[1],) if marked else (rows[0], rows[-1])
    told = []
    for n in shown:
        place = int(np.abs(np.log(rows) - math.log(n)).argmin())
        low, high = meets[place], violates[place]
        words = [
            "none meets" if low < 0 else f"meets up to {low:.3f}",
            "none violates" if math.isnan(high) else f"violates above {high:.3f}",
        ]
        told.append(f"With {rows[place]:,.0f} rows: {', '.join(words)}.")
    if marked and chances:
        likely = ", ".join(f"{name} {chance:.1%}" for name, chance in chances.items())
        told.append(f"With {marked[1]:,} rows and a true gap of {marked[0]:g}: ")
        told[-1] += f"{likely}."
    return f"Verdicts by estimated gap, tolerance {tolerance:g}. {' '.join(told)}"
