"""An image and those that are nearest to it, with what a model says of each."""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from .chart import drawing, shades, text
from .picture import Diagram
from .style import INK, USER

SIDE, STEP, MARGIN = 112, 136, 10  # of an image, from one to the next, around all
LINE = 19  # of a caption, in pixels


def image_strip(
    images: ArrayLike,
    captions: Sequence[str],
    marked: Sequence[bool],
    title: str = "",
    picks: Sequence[object] = (),
) -> Diagram:
    """Draw images side by side, each with its words; frame those that are marked.

    Parameters
    ----------
    images
        (n, height, width), 0 is white and 1 black; larger ranges are scaled to that.
    captions
        One for each image; lines are separated by a line break.
    marked
        Which get a thick frame and a cross in their caption.
    title
        Above all.
    picks
        What a panel is told when an image is clicked; by default nothing.

    Returns
    -------
    Diagram
        The alternative text holds all captions.

    Raises
    ------
    FairtutorError
        Images, captions and marks differ in number.

    Examples
    --------
    >>> image_strip(np.zeros((2, 3, 3)), ["a 3", "a 5"], [False, True], "Two")
    Two. a 3; ✗ a 5
    """
    images = np.asarray(images, dtype=float)
    if not len(images) == len(captions) == len(marked):
        raise FairtutorError(
            f"{len(images)} images, {len(captions)} captions and {len(marked)} marks; "
            "give one of each for every image."
        )
    words = [f"✗ {c}" if m else c for c, m in zip(captions, marked, strict=True)]
    top = MARGIN + (28 if title else 0)
    parts = [text(MARGIN, 24, title, size=16)] if title else []
    for place, (image, caption, mark) in enumerate(
        zip(images, words, marked, strict=True)
    ):
        middle = MARGIN + STEP * place + STEP / 2
        framed = _framed(image, middle, top, mark)
        if len(picks):
            framed = f'<g data-pick="{escape(str(picks[place]))}">{framed}</g>'
        parts.append(framed)
        parts += [
            text(middle, top + SIDE + LINE * row, line, "middle")
            for row, line in enumerate(caption.split("\n"), start=1)
        ]
    lines = max(caption.count("\n") for caption in words) + 1
    told = "; ".join(caption.replace("\n", ", ") for caption in words)
    return drawing(
        2 * MARGIN + STEP * len(images),
        top + SIDE + LINE * lines + MARGIN,
        parts,
        f"{title}. {told}" if title else told,
    )


def _framed(image: np.ndarray, middle: float, top: float, mark: bool) -> str:
    """Draw an image in its own range of greys, its pixels sharp, in a frame."""
    low, reach = image.min(), np.ptp(image) or 1.0
    left = middle - SIDE / 2
    colour, width = (USER, 5) if mark else (INK, 1)
    at = f'x="{left:.1f}" y="{top}" width="{SIDE}" height="{SIDE}"'
    return (
        f'<image {at} style="image-rendering:pixelated" '
        f'href="{escape(shades(1 - (image - low) / reach))}"/>'
        f'<rect {at} fill="none" stroke="{colour}" stroke-width="{width}"/>'
    )
