"""Axes of text: pictures that an explorer can draw again at every press of a key.

A matplotlib picture takes a tenth of a second or two, these take a few milliseconds.
Colours, markers and line styles are those of every other figure.
"""

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from matplotlib.image import imsave
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from .picture import Diagram
from .style import GRID, INK, QUIET

# Each of style's marker shapes as a path around the point where the pen stands.
SHAPES = {
    "o": "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    "s": "m-2.7-2.7h5.4v5.4h-5.4z",
    "^": "m0-3.6l3.5 6.2h-7z",
    "D": "m0-3.7l3.7 3.7l-3.7 3.7l-3.7-3.7z",
    "v": "m0 3.6l3.5-6.2h-7z",
    "P": "m-1.2-3.4h2.4v2.2h2.2v2.4h-2.2v2.2h-2.4v-2.2h-2.2v-2.4h2.2z",
    "X": "m0-1.5l1.8-1.8l1.5 1.5l-1.8 1.8l1.8 1.8l-1.5 1.5l-1.8-1.8l-1.8 1.8"
    "l-1.5-1.5l1.8-1.8l-1.8-1.8l1.5-1.5z",
    "<": "m-3.6 0l6.2-3.5v7z",
    ">": "m3.6 0l-6.2-3.5v7z",
    "*": "m0-4l1.1 2.8l3 .2l-2.3 1.9l.8 2.9l-2.6-1.6l-2.6 1.6l.8-2.9l-2.3-1.9l3-.2z",
}
DASHES = {"-": "", "--": "9 5", ":": "2 5", "-.": "9 4 2 4"}
LETTER = 7.2  # mean width of a letter at the usual size, in pixels


@dataclass(frozen=True)
class Axes:
    """A rectangle of a drawing, and the numbers that its sides stand for.

    Parameters
    ----------
    left, top, right, bottom
        Where it lies, in pixels of the drawing.
    x, y
        The least and the largest number along each side.
    log
        Whether x is on a logarithmic scale; its numbers are then above 0.

    Examples
    --------
    >>> axes = Axes(50, 10, 150, 110, x=(0, 1), y=(0, 10))
    >>> x, y = axes.at([0.5], [10])
    >>> x.tolist(), y.tolist()
    ([100.0], [10.0])
    """

    left: float
    top: float
    right: float
    bottom: float
    x: tuple[float, float]
    y: tuple[float, float]
    log: bool = False

    def at(self, x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return where numbers lie, in pixels."""
        x, ends = np.asarray(x, dtype=float), self.x
        if self.log:
            x, ends = np.log(x), tuple(np.log(self.x))
        across = (x - ends[0]) / (ends[1] - ends[0])
        upwards = (np.asarray(y, dtype=float) - self.y[0]) / (self.y[1] - self.y[0])
        return (
            self.left + across * (self.right - self.left),
            self.bottom - upwards * (self.bottom - self.top),
        )

    def frame(
        self,
        title: str,
        x: str,
        y: str,
        x_ticks: Sequence[float] | None = None,
        y_ticks: Sequence[float] | None = None,
        grid: bool = True,
    ) -> str:
        """Draw the sides with numbers and names, and a title above.

        Parameters
        ----------
        title, x, y
            Plain text.
        x_ticks, y_ticks
            The numbers to write; by default some round ones.
        grid
            Whether a faint line runs through each.
        """
        across = _ticks(self.x) if x_ticks is None else list(x_ticks)
        upwards = _ticks(self.y) if y_ticks is None else list(y_ticks)
        places_x = self.at(across, np.full(len(across), self.y[0]))[0].tolist()
        places_y = self.at(np.full(len(upwards), self.x[0]), upwards)[1].tolist()
        lines = "".join(f"M{place:.1f} {self.top}V{self.bottom}" for place in places_x)
        lines += "".join(f"M{self.left} {place:.1f}H{self.right}" for place in places_y)
        middle_x, middle_y = (self.left + self.right) / 2, (self.top + self.bottom) / 2
        return (
            (f'<path d="{lines}" stroke="{GRID}"/>' if grid and lines else "")
            + f'<path d="M{self.left} {self.top}V{self.bottom}H{self.right}" '
            f'fill="none" stroke="{QUIET}"/>'
            + "".join(
                text(place, self.bottom + 19, _number(number), "middle")
                for place, number in zip(places_x, across, strict=True)
            )
            + "".join(
                text(self.left - 7, place + 5, _number(number), "end")
                for place, number in zip(places_y, upwards, strict=True)
            )
            + text(middle_x, self.bottom + 40, x, "middle", 15)
            + text(self.left, self.top - 12, title, size=17)
            + f'<text transform="translate({self.left - 56} {middle_y}) rotate(-90)" '
            f'font-size="15" text-anchor="middle">{escape(y)}</text>'
        )

    def line(
        self, x: ArrayLike, y: ArrayLike, colour: str = INK, style: str = "-",
        width: float = 2.6,
    ) -> str:  # fmt: skip
        """Draw a line through numbers, in one of style's colours and line styles."""
        path = polyline(*self.at(x, y))
        dash = f' stroke-dasharray="{DASHES[style]}"' if DASHES[style] else ""
        return (
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"'
            f"{dash}/>"
        )

    def marks(
        self, x: ArrayLike, y: ArrayLike, marker: str, colour: str, size: float = 1.0
    ) -> str:
        """Draw a marker at each place, all in one path: a page handles that fastest."""
        shape = SHAPES[marker]
        places = zip(*(part.tolist() for part in self.at(x, y)), strict=True)
        path = "".join(f"M{a / size:.1f} {b / size:.1f}{shape}" for a, b in places)
        return (
            f'<path transform="scale({size:g})" d="{path}" fill="{colour}" '
            f'stroke="{INK}" stroke-width="0.3" pointer-events="none"/>'
        )

    def upright(self, x: float, drag: str = "") -> str:
        """Draw a line from top to bottom at a number, with a name to pull it by."""
        [place], _ = self.at([x], [self.y[0]])
        path = f"M{place:.1f} {self.top}V{self.bottom}"
        made = f'<path d="{path}" stroke="{INK}" stroke-width="2"/>'
        return made + handle(path, drag, self.left, self.right) if drag else made

    def number_at(self, share: float) -> float:
        """Return the number of x at a share of the width, 0 (left) to 1 (right)."""
        low, high = self.x
        if self.log:
            return float(low * (high / low) ** share)
        return float(low + share * (high - low))

    def image(self, grey: ArrayLike) -> str:
        """Fill the rectangle with shades, (b, a) from 0 (black) to 1, upwards."""
        return (
            f'<image x="{self.left}" y="{self.top}" '
            f'width="{self.right - self.left}" height="{self.bottom - self.top}" '
            f'preserveAspectRatio="none" href="{shades(np.asarray(grey)[::-1])}"/>'
        )


def drawing(width: float, height: float, parts: Iterable[str], alt: str) -> Diagram:
    """Put parts together, dark on white in every theme, as other pictures are.

    Parameters
    ----------
    width, height
        In pixels.
    parts
        SVG elements.
    alt
        What the drawing says, with its numbers.

    Examples
    --------
    >>> drawing(100, 50, [text(5, 20, "a < b")], "One text.")
    One text.
    """
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {width} {height}" width="{width}" '
        'style="max-width:100%;height:auto;background:white" '
        f'font-family="system-ui, sans-serif" font-size="14" fill="{INK}">'
        f"<title>{escape(alt)}</title>{''.join(parts)}</svg>"
    )
    return Diagram(svg, alt)


def text(x: float, y: float, words: str, anchor: str = "start", size: int = 14) -> str:
    """Write plain text at a place.

    Examples
    --------
    >>> text(5, 20, "a < b")
    '<text x="5.0" y="20.0" text-anchor="start" font-size="14">a &lt; b</text>'
    """
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">'
        f"{escape(words)}</text>"
    )


def handle(path: str, name: str, left: float, right: float) -> str:
    """Return what makes a line easy to take hold of, and pull between two places.

    Parameters
    ----------
    path
        Of the line.
    name
        What a board calls it.
    left, right
        In pixels of the drawing.

    Examples
    --------
    >>> 'data-drag="L"' in handle("M5 0V10", "L", 0, 100)
    True
    """
    return (
        f'<path data-drag="{escape(name)}" data-left="{left:.1f}" '
        f'data-right="{right:.1f}" d="{path}" stroke="{INK}" stroke-width="22" '
        'stroke-opacity="0" pointer-events="stroke"/>'
    )


def polyline(x: np.ndarray, y: np.ndarray) -> str:
    """Return the path through places in pixels.

    Examples
    --------
    >>> polyline(np.array([0.0, 10.0]), np.array([5.0, 2.5]))
    'M0.0 5.0L10.0 2.5'
    """
    places = zip(x.tolist(), y.tolist(), strict=True)
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in places)


def legend(
    entries: Sequence[tuple[str, str]], left: float, top: float, right: float
) -> str:
    """Write what each mark means, in as many rows as it takes.

    Parameters
    ----------
    entries
        Pairs of a mark, SVG around (0, 0) within 12 pixels either side, and its words.
    left, top, right
        Where the rows begin, in pixels, and how far they reach.

    Examples
    --------
    >>> legend([("<circle r='3'/>", "no")], 0, 0, 100).count("no")
    1
    """
    x, y, made = left, top, []
    for mark, words in entries:
        wide = 30 + LETTER * len(words)
        if x > left and x + wide > right:
            x, y = left, y + 21
        made.append(f'<g transform="translate({x + 12:.0f} {y})">{mark}</g>')
        made.append(text(x + 28, y + 5, words))
        x += wide + 14
    return "".join(made)


def line_mark(colour: str, style: str = "-", marker: str = "") -> str:
    """Return a piece of a line for a legend.

    Examples
    --------
    >>> "stroke-dasharray" in line_mark("#000000", "--")
    True
    """
    dash = f' stroke-dasharray="{DASHES[style]}"' if DASHES[style] else ""
    dot = f'<path d="M0 0{SHAPES[marker]}" fill="{colour}"/>' if marker else ""
    return f'<path d="M-12 0H12" stroke="{colour}" stroke-width="2.6"{dash}/>{dot}'


def point_mark(colour: str, marker: str) -> str:
    """Return a marker for a legend.

    Examples
    --------
    >>> point_mark("#000000", "o").startswith("<path")
    True
    """
    return (
        f'<path transform="scale(1.6)" d="M0 0{SHAPES[marker]}" fill="{colour}" '
        f'stroke="{INK}" stroke-width="0.3"/>'
    )


def patch_mark(colour: str, outline: str = QUIET) -> str:
    """Return a filled rectangle for a legend.

    Examples
    --------
    >>> patch_mark("#ffffff").startswith("<rect")
    True
    """
    return (
        f'<rect x="-10" y="-6" width="20" height="12" fill="{colour}" '
        f'stroke="{outline}"/>'
    )


def shades(grey: ArrayLike) -> str:
    """Return an image, (height, width) from 0 (black) to 1, as an address with data.

    Examples
    --------
    >>> shades([[0.0, 1.0]])[:22]
    'data:image/png;base64,'
    """
    buffer = io.BytesIO()
    levels = np.clip(np.asarray(grey, dtype=float), 0, 1) * 255
    # Three equal channels: one would be coloured by a table that takes longer to make.
    pixels = levels.round().astype(np.uint8)[..., None].repeat(3, axis=2)
    imsave(buffer, pixels, metadata={"Software": None})
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _ticks(ends: tuple[float, float]) -> list[float]:
    """Return some round numbers between the ends."""
    found = MaxNLocator(nbins=6).tick_values(*ends)
    reach = ends[1] - ends[0]
    inside = (found >= ends[0] - 1e-9 * reach) & (found <= ends[1] + 1e-9 * reach)
    return [0.0 if abs(tick) < 1e-12 * reach else float(tick) for tick in found[inside]]
