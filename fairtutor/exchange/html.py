"""The small tables in which everything that travels shows itself in a notebook."""

from collections.abc import Iterable, Sequence
from html import escape

ENTITY_COLOURS = {"regulator": "#0072B2", "producer": "#009E73", "user": "#D55E00"}


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table; every cell is escaped.

    Parameters
    ----------
    header
        Column names.
    rows
        Cells, as many per row as the header has.

    Returns
    -------
    str

    Examples
    --------
    >>> "a &lt; b" in table(["x"], [["a < b"]])
    True
    """
    cell = 'style="text-align:left;padding:.2em .8em .2em 0;vertical-align:top"'
    head = "".join(
        f'<th scope="col" {cell}>{escape(str(name))}</th>' for name in header
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td {cell}>{escape(str(item))}</td>" for item in row)
        + "</tr>"
        for row in rows
    )
    return (
        '<table style="border-collapse:collapse">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def card(entity: str, title: str, body: str, note: str = "") -> str:
    """Frame HTML with a title in the colour of the entity it comes from.

    Parameters
    ----------
    entity
        ``"regulator"``, ``"producer"`` or ``"user"``.
    title, note
        Plain text above and below.
    body
        HTML, already escaped.

    Returns
    -------
    str

    Examples
    --------
    >>> card("user", "A <model>", "<p>…</p>").count("&lt;model&gt;")
    1
    """
    below = f'<p style="margin:.4em 0 0;opacity:.8">{escape(note)}</p>' if note else ""
    return (
        f'<div style="border-left:4px solid {ENTITY_COLOURS[entity]};'
        'padding:.2em 0 .2em .8em;margin:.4em 0">'
        f"<strong>{escape(title)}</strong>{body}{below}</div>"
    )
