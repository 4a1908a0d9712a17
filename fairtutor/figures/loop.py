"""The closed loop: three entities, and what passes along each arrow."""

import textwrap
from collections.abc import Mapping
from html import escape

from ..exchange.errors import FairtutorError, did_you_mean
from ..exchange.html import ENTITY_COLOURS
from .picture import Diagram

WIDTH, HEIGHT = 900, 350
BOX_WIDTH, BOX_HEIGHT = 200, 64
CENTRES = {"regulator": (450, 50), "producer": (230, 286), "user": (670, 286)}
ARROWS = ("criteria", "representation", "submission", "report")
SENDERS = {
    "criteria": "regulator",
    "representation": "producer",
    "submission": "user",
    "report": "regulator",
}
MEANING = {
    "criteria": "from the data regulator to the data producer",
    "representation": "from the data producer to the data user",
    "submission": "from the data user to the data regulator",
    "report": "from the data regulator to both of the others",
}
# Each arrow: path, tip (x, y), and the unit vector it points along.
PATHS = {
    "criteria": [("M350 50 C250 50 200 110 200 241", (200, 252), (0, 1))],
    "representation": [("M330 286 H558", (569, 286), (1, 0))],
    "submission": [("M700 254 C700 110 650 50 562 50", (551, 50), (-1, 0))],
    "report": [
        ("M425 82 L282 244", (274.7, 252.2), (-0.662, 0.75)),
        ("M475 82 L618 244", (625.3, 252.2), (0.662, 0.75)),
    ],
}
UNDERLINED = ' text-decoration="underline"'
# Each label: x, y of its first line, text anchor, characters a line, lines of detail.
LABELS = {
    "criteria": (180, 92, "end", 23, 5),
    "representation": (450, 274, "middle", 30, 2),
    "submission": (720, 92, "start", 23, 5),
    "report": (450, 165, "middle", 23, 4),
}


def loop_diagram(
    passed: Mapping[str, str] | None = None,
    title: str = "",
    *,
    shown: str | None = None,
    travelling: str | None = None,
    pickable: bool = False,
) -> Diagram:
    """Draw the three entities and the four things that travel between them.

    Parameters
    ----------
    passed
        What passed along each arrow, in a few words, by the arrow's name:
        ``criteria``, ``representation``, ``submission``, ``report``. An arrow that is
        left out has not been used yet and is drawn faint. With None the loop is
        drawn as such, every arrow in full.
    title
        A heading such as ``"Round 2"``.
    shown
        An arrow to underline: what it carries is shown elsewhere.
    travelling
        An arrow along which a point moves once.
    pickable
        Whether each arrow is a button, for a panel that listens.

    Returns
    -------
    Diagram
        An inline SVG. It holds no ids, so any number of them can share a page.

    Raises
    ------
    FairtutorError
        An arrow's name is unknown.

    Examples
    --------
    >>> loop_diagram({"criteria": "gap ≤ 0.05"}, title="Round 1")
    Round 1. Criteria, from the data regulator to the data producer: gap ≤ 0.05. \
Not passed on yet: representation, submission, report.
    """
    for name in passed or ():
        if name not in ARROWS:
            raise FairtutorError(
                f"No arrow of the loop is called {name!r}. {did_you_mean(name, ARROWS)}"
            )
    alt = _alt(passed, title)
    role = "group" if pickable else "img"
    name = f"The closed loop: {title}" if title else "The closed loop"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="{role}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        'style="max-width:100%;height:auto;color:inherit" '
        'font-family="system-ui, sans-serif" fill="currentColor">',
        f"<title>{escape(name)}</title><desc>{escape(alt)}</desc>",
        *(_arrow(arrow, passed, arrow == shown, pickable) for arrow in ARROWS),
        *(_traveller(path) for path, _, _ in PATHS.get(travelling, ())),
        *(_node(entity) for entity in CENTRES),
    ]
    if title:
        parts.append(
            f'<text x="8" y="26" {_font(20, bold=True)}>{escape(title)}</text>'
        )
    return Diagram("".join([*parts, "</svg>"]), alt)


def _alt(passed: Mapping[str, str] | None, title: str) -> str:
    start = f"{title}. " if title else ""
    if passed is None:
        told = [f"{arrow} {MEANING[arrow]}" for arrow in ARROWS]
        return f"{start}Three entities in a closed loop: {'; '.join(told)}."
    told = [
        f"{arrow.capitalize()}, {MEANING[arrow]}: {passed[arrow].rstrip('.')}."
        for arrow in ARROWS
        if arrow in passed
    ]
    waiting = [arrow for arrow in ARROWS if arrow not in passed]
    if waiting:
        told.append(f"Not passed on yet: {', '.join(waiting)}.")
    return start + " ".join(told)


def _arrow(
    name: str, passed: Mapping[str, str] | None, shown: bool, pickable: bool
) -> str:
    used = passed is None or name in passed
    colour = ENTITY_COLOURS[SENDERS[name]]
    dash = "" if used else ' stroke-dasharray="3 7"'
    drawn = "".join(
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="3.5"{dash}/>'
        + _head(tip, along, colour)
        for path, tip, along in PATHS[name]
    )
    opacity = 1 if used else 0.45
    detail = passed[name] if passed and name in passed else ""
    words = _label(name, detail, shown)
    if not pickable:
        return f'<g opacity="{opacity}">{drawn}{words}</g>'
    told = f"{name}, {MEANING[name]}: show what it holds"
    return (
        f'<g data-pick="{name}" role="button" tabindex="0" aria-label="{told}" '
        f'aria-pressed="{str(shown).lower()}"><g opacity="{opacity}">{drawn}</g>'
        f"{words}{_hit_area(name)}</g>"
    )


def _hit_area(name: str) -> str:
    """Make an arrow easy to click."""
    return "".join(
        f'<path d="{path}" fill="none" stroke-width="26" stroke="#000000" '
        'stroke-opacity="0" pointer-events="stroke"/>'
        for path, _, _ in PATHS[name]
    )


def _traveller(path: str) -> str:
    """Draw what moves along an arrow; the panel's style sheet moves it."""
    along = f"offset-path:path('{path}')"
    return f'<circle class="fairtutor-traveller" r="9" style="{along}"/>'


def _head(tip: tuple, along: tuple, colour: str) -> str:
    (x, y), (dx, dy) = tip, along
    back_x, back_y = x - 15 * dx, y - 15 * dy
    corners = [
        (x, y),
        (back_x - 7 * dy, back_y + 7 * dx),
        (back_x + 7 * dy, back_y - 7 * dx),
    ]
    points = " ".join(f"{px:.1f},{py:.1f}" for px, py in corners)
    return f'<polygon points="{points}" fill="{colour}"/>'


def _label(name: str, detail: str, shown: bool) -> str:
    x, y, anchor, width, most = LABELS[name]
    gap = 36 if name == "representation" else 20
    lines = textwrap.wrap(detail, width, max_lines=most, placeholder=" …")
    head = f'<text x="{x}" y="{y}" text-anchor="{anchor}" {_font(17, bold=True)}'
    head += f"{UNDERLINED if shown else ''}>{name}"
    rows = "".join(
        f'<text x="{x}" y="{y + gap + 19 * i}" text-anchor="{anchor}" {_font(15)}>'
        f"{escape(line)}</text>"
        for i, line in enumerate(lines)
    )
    return f"{head}</text>{rows}"


def _node(entity: str) -> str:
    x, y = CENTRES[entity]
    left, top = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
    return (
        f'<rect x="{left:g}" y="{top:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" '
        f'rx="10" fill="{ENTITY_COLOURS[entity]}"/>'
        f'<text x="{x}" y="{y + 7}" text-anchor="middle" fill="#ffffff" '
        f"{_font(20, bold=True)}>data {entity}</text>"
    )


def _font(size: int, bold: bool = False) -> str:
    return f'font-size="{size}"' + (' font-weight="bold"' if bold else "")
