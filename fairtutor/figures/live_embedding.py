"""A representation that is drawn while it is being learned: text, not pixels.

It looks like :func:`fairtutor.figures.embedding`, which takes a hundred times as long
and so comes once, at the end.
"""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from .chart import LETTER, SHAPES
from .embedding import checked_codes, means_in_words
from .picture import Diagram
from .style import GRID, INK, QUIET, group_colour, group_marker

WIDTH, HEIGHT = 640, 460
LEFT, RIGHT, BOTTOM = 70, 14, 54
LONGEST = 28  # letters of a group's name
ROUND = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)


def live_embedding(
    points: ArrayLike,
    share: ArrayLike,
    codes: ArrayLike,
    labels: Sequence[str],
    title: str,
    max_points: int = 600,
) -> Diagram:
    """Draw the points of a principal plane, a colour and shape per group.

    The scales go from −a to a, where a is rounded up, so that they rarely change from
    one picture to the next.

    Parameters
    ----------
    points, share
        (n, 2) and (2,), from :func:`fairtutor.figures.principal_plane`.
    codes
        (n,), whole numbers: each row's group as a position in ``labels``.
    labels
        The groups' names.
    title
        A heading.
    max_points
        Draw the first so many rows.

    Returns
    -------
    Diagram
        An inline SVG, dark on white in every theme, as the picture at the end is. The
        alternative text holds each group's mean on the plane.

    Raises
    ------
    FairtutorError
        There are more or fewer codes than points, or a code has no label.

    Examples
    --------
    >>> points, share = [[-1.0, 0], [1, 0]], [1, 0]
    >>> live_embedding(points, share, [0, 1], ["Female", "Male"], "after 3 epochs")
    after 3 epochs: principal plane, 100% and 0% of the variance. Group means: \
Female (-1.00, 0.00), Male (1.00, 0.00).
    """
    points, share = np.asarray(points, dtype=float), np.asarray(share, dtype=float)
    codes = checked_codes(codes, len(points), labels)
    alt = (
        f"{title}: principal plane, {share[0]:.0%} and {share[1]:.0%} of the "
        f"variance. {means_in_words(points, codes, labels)}"
    )
    shown, of = points[:max_points], codes[:max_points]
    reach = [_rounded_up(largest) for largest in np.abs(shown).max(axis=0)]
    legend, top = _legend(labels)
    x = LEFT + (shown[:, 0] / reach[0] + 1) / 2 * (WIDTH - LEFT - RIGHT)
    y = top + (1 - shown[:, 1] / reach[1]) / 2 * (HEIGHT - top - BOTTOM)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        'style="max-width:100%;height:auto;background:white" '
        f'font-family="system-ui, sans-serif" font-size="14" fill="{INK}">'
        f"<title>{escape(alt)}</title>"
        f'<text x="{LEFT}" y="22" font-size="17">{escape(title)}</text>'
        f"{_axes(reach, share, top)}{legend}"
        + "".join(
            _cloud(code, x[of == code], y[of == code]) for code in range(len(labels))
        )
        + "</svg>"
    )
    return Diagram(svg, alt)


def _rounded_up(largest: float) -> float:
    """Return the next of 1, 1.5, 2, 3, 4, 6, 8 and their tenfolds; of nought, 1."""
    if largest <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(largest))
    return float(power * next(r for r in (*ROUND, 15.0) if r * power >= largest))


def _cloud(code: int, x: np.ndarray, y: np.ndarray) -> str:
    """Draw one group's points as one path: a page handles that fastest."""
    shape = SHAPES[group_marker(code)]
    path = "".join(
        f"M{a:.1f} {b:.1f}{shape}" for a, b in zip(x.tolist(), y.tolist(), strict=True)
    )
    return f'<path d="{path}" fill="{group_colour(code)}" fill-opacity="0.65"/>'


def _axes(reach: Sequence[float], share: np.ndarray, top: float) -> str:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    middle_x, middle_y = (LEFT + right) / 2, (top + bottom) / 2
    across = zip(
        (LEFT, middle_x, right),
        (-reach[0], 0, reach[0]),
        ("start", "middle", "end"),
        strict=True,
    )
    upwards = zip(
        (bottom, middle_y, top), (-reach[1], 0, reach[1]), (0, 5, 10), strict=True
    )
    return (
        f'<path d="M{middle_x} {top}V{bottom}M{LEFT} {middle_y}H{right}" '
        f'stroke="{GRID}"/>'
        f'<path d="M{LEFT} {top}V{bottom}H{right}" fill="none" stroke="{QUIET}"/>'
        + "".join(
            f'<text x="{x}" y="{bottom + 18}" text-anchor="{anchor}">{v:g}</text>'
            for x, v, anchor in across
        )
        + "".join(
            f'<text x="{LEFT - 6}" y="{y + down}" text-anchor="end">{v:g}</text>'
            for y, v, down in upwards
        )
        + f'<text x="{middle_x}" y="{HEIGHT - 12}" text-anchor="middle" '
        f'font-size="15">component 1 ({share[0]:.0%} of variance)</text>'
        f'<text transform="translate(18 {middle_y}) rotate(-90)" font-size="15" '
        f'text-anchor="middle">component 2 ({share[1]:.0%})</text>'
    )


def _legend(labels: Sequence[str]) -> tuple[str, float]:
    """Name the groups under the title, each after its mark; also return where it ends.

    A row that is full is followed by another.
    """
    x, y, marks = LEFT, 46, []
    for code, name in enumerate(labels):
        short = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        wide = 18 + LETTER * len(short)
        if x > LEFT and x + wide > WIDTH - RIGHT:
            x, y = LEFT, y + 19
        marks.append(
            f'<path transform="translate({x + 6:.0f} {y - 5}) scale(1.6)" '
            f'd="M0 0{SHAPES[group_marker(code)]}" fill="{group_colour(code)}"/>'
            f'<text x="{x + 18:.0f}" y="{y}">{escape(short)}</text>'
        )
        x += wide + 18
    return "".join(marks), y + 18
