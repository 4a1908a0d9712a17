"""A drawing that carries its own words: nothing is shown without alternative text."""

import base64
import html
import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..exchange.errors import FairtutorError
from .style import DPI, PIXELS_PER_INCH


class Picture:
    """A matplotlib figure with alternative text, shown by a notebook as one image.

    The image's bytes depend on the data alone: no software version, date or time is
    written into them, so that a notebook executed twice is the same file.

    Parameters
    ----------
    fig
        The figure. Made with ``Figure()``, not with pyplot.
    alt
        What the figure says, with its numbers, for those who cannot see it.

    Raises
    ------
    FairtutorError
        The alternative text is empty.

    Examples
    --------
    >>> from fairtutor.figures.style import new_figure
    >>> fig, [ax] = new_figure()
    >>> _ = ax.plot([1, 2], [0.7, 0.4])
    >>> Picture(fig, alt="Loss falls from 0.7 to 0.4 in 2 epochs.")
    Loss falls from 0.7 to 0.4 in 2 epochs.
    """

    def __init__(self, fig: Figure, alt: str):
        self.fig = fig
        self.alt = required_alt(alt)

    @property
    def axes(self) -> list[Axes]:
        """The figure's axes, to read or extend what is drawn."""
        return self.fig.axes

    def png(self) -> bytes:
        """Return the image as PNG bytes, the same for the same data."""
        buffer = io.BytesIO()
        self.fig.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
        return buffer.getvalue()

    def html(self) -> str:
        """Return an ``<img>`` element that holds the image and its words."""
        width = round(self.fig.get_figwidth() * PIXELS_PER_INCH)
        data = base64.b64encode(self.png()).decode("ascii")
        return (
            f'<img alt="{html.escape(self.alt)}" width="{width}"'
            ' style="max-width:100%;height:auto"'
            f' src="data:image/png;base64,{data}">'
        )

    def save(self, path: str | Path) -> None:
        """Write the figure; the ending (``.png``, ``.svg``, ``.pdf``) sets the format.

        Parameters
        ----------
        path
            Where to write.
        """
        self.fig.savefig(path, dpi=DPI)

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return self.alt


class Diagram:
    """An SVG drawing made of text, with alternative text: sharp at any size.

    Inside a panel its lines take the page's own text colour and so suit light and
    dark themes. As a cell's output it is shown as an image on white, because
    JupyterLab removes inline SVG from notebooks that it has not been told to trust.

    Parameters
    ----------
    svg
        The drawing, one ``<svg role="img">`` element.
    alt
        What the drawing says.

    Raises
    ------
    FairtutorError
        The alternative text is empty.

    Examples
    --------
    >>> Diagram('<svg role="img"></svg>', alt="Nothing has been passed on yet.")
    Nothing has been passed on yet.
    """

    def __init__(self, svg: str, alt: str):
        self.svg = svg
        self.alt = required_alt(alt)

    def html(self) -> str:
        """Return the ``<svg>`` element, to stand in a page or panel."""
        return self.svg

    def image(self) -> str:
        """Return an ``<img>`` element, which needs nobody's trust to be shown."""
        data = base64.b64encode(self.svg.encode("utf-8")).decode("ascii")
        return (
            f'<img alt="{html.escape(self.alt)}" style="max-width:100%;'
            'background:white;border-radius:8px"'
            f' src="data:image/svg+xml;base64,{data}">'
        )

    def save(self, path: str | Path) -> None:
        """Write the drawing as an SVG file.

        Parameters
        ----------
        path
            Where to write.
        """
        Path(path).write_text(self.svg, encoding="utf-8")

    def _repr_html_(self) -> str:
        return self.image()

    def __repr__(self) -> str:
        return self.alt


def required_alt(alt: str) -> str:
    """Return the alternative text, or say that it is missing.

    Raises
    ------
    FairtutorError
        The text is empty or only blanks.

    Examples
    --------
    >>> required_alt(" ")
    Traceback (most recent call last):
        ...
    fairtutor.exchange.errors.FairtutorError: A picture needs alternative text that \
says what it shows, with its numbers; the text given is empty.
    """
    if not alt or not alt.strip():
        raise FairtutorError(
            "A picture needs alternative text that says what it shows, with its "
            "numbers; the text given is empty."
        )
    return alt
