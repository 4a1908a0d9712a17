"""A curve that is drawn while training runs: text, not pixels, and so almost free.

A matplotlib picture takes a tenth of a second, which training would have to wait for
several times a second. This one takes a fraction of a millisecond.
"""

from collections.abc import Sequence
from html import escape

from ..exchange.errors import FairtutorError
from ..exchange.html import ENTITY_COLOURS
from .picture import Diagram

WIDTH, HEIGHT = 560, 150
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 14, 30


def live_curve(
    values: Sequence[float], epochs: int, entity: str, name: str = "loss"
) -> Diagram:
    """Draw the values so far against all epochs to come.

    Parameters
    ----------
    values
        One finite number for each epoch that is over.
    epochs
        How many there will be.
    entity
        ``"producer"`` or ``"user"``: whose training it is, for the colour.
    name
        What the values are.

    Returns
    -------
    Diagram
        An inline SVG in the page's text colour.

    Raises
    ------
    FairtutorError
        No epoch is over yet.

    Examples
    --------
    >>> live_curve([0.7, 0.5], epochs=10, entity="user")
    loss after 2 of 10 epochs: 0.5, from 0.7 at first.
    """
    if not len(values):
        raise FairtutorError("There is no curve yet: train for at least one epoch.")
    low, high = min(values), max(values)
    span = high - low or 1.0
    points = [
        (_across(epoch, epochs), TOP + (high - value) / span * (HEIGHT - TOP - BOTTOM))
        for epoch, value in enumerate(values, start=1)
    ]
    alt = (
        f"{name} after {len(values)} of {epochs} epochs: {values[-1]:.4g}, "
        f"from {values[0]:.4g} at first."
    )
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    (x, y), colour = points[-1], ENTITY_COLOURS[entity]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        'style="max-width:100%;height:auto" font-family="system-ui, sans-serif" '
        f'font-size="14" fill="currentColor"><title>{escape(alt)}</title>'
        f'<path d="M{LEFT} {TOP - 6}V{HEIGHT - BOTTOM + 6}H{WIDTH - RIGHT}" '
        'fill="none" stroke="currentColor" stroke-opacity="0.5"/>'
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="3"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'
        f"{_scale(low, high)}"
        f'<text x="{LEFT}" y="{HEIGHT - 6}">{escape(alt)}</text></svg>'
    )
    return Diagram(svg, alt)


def _across(epoch: int, epochs: int) -> float:
    return LEFT + 8 + (epoch - 1) / max(epochs - 1, 1) * (WIDTH - LEFT - RIGHT - 20)


def _scale(low: float, high: float) -> str:
    """Write the largest value on top and, if it differs, the smallest below."""
    top = f'<text x="{LEFT - 6}" y="{TOP + 5}" text-anchor="end">{high:.3g}</text>'
    if low == high:
        return top
    y = HEIGHT - BOTTOM + 5
    return f'{top}<text x="{LEFT - 6}" y="{y}" text-anchor="end">{low:.3g}</text>'
