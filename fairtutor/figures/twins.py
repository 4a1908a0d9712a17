"""An image and those that are nearest to it, with what a model says of each."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from .picture import Picture
from .style import INK, LABEL_SIZE, USER, plain

INCH = 1.35


def image_strip(
    images: ArrayLike,
    captions: Sequence[str],
    marked: Sequence[bool],
    title: str = "",
) -> Picture:
    """Draw images side by side, each with its words; frame those that are marked.

    Parameters
    ----------
    images
        (n, height, width), 0 is white.
    captions
        One for each image; lines are separated by a line break.
    marked
        Which get a thick frame and a cross in their caption.
    title
        Above all.

    Returns
    -------
    Picture
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
    lines = max(caption.count("\n") for caption in words) + 1
    fig = Figure(
        figsize=(INCH * len(images), INCH + 0.2 * lines + (0.35 if title else 0)),
        facecolor="white",
        layout="constrained",
    )
    axes = fig.subplots(1, len(images), squeeze=False)[0]
    for ax, image, caption, mark in zip(axes, images, words, marked, strict=True):
        ax.imshow(image, cmap="gray_r", interpolation="nearest")
        ax.set_xticks([]), ax.set_yticks([])
        for spine in ax.spines.values():
            spine.set_color(USER if mark else INK)
            spine.set_linewidth(3.5 if mark else 0.8)
        ax.set_xlabel(plain(caption), fontsize=10.5, color=INK)
    if title:
        fig.suptitle(plain(title), fontsize=LABEL_SIZE, color=INK, x=0.01, ha="left")
    told = "; ".join(caption.replace("\n", ", ") for caption in words)
    return Picture(fig, f"{title}. {told}" if title else told)
