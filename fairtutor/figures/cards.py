"""Two models side by side, each a card of rates by group; and how asking converges."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from ..exchange.errors import FairtutorError
from .picture import Diagram, Picture
from .style import GROUP_COLOURS, GROUP_MARKERS, group_colour, label, legend, new_figure

WIDTH, CARD, MARGIN = 900, 432, 12
TOP, BLOCK, ROW = 62, 104, 34
BAR_LEFT, BAR_WIDTH, BAR_HEIGHT = 128, 220, 22

Rates = Mapping[str, Sequence[float]]  # by what is asked, one rate a group


def rate_cards(
    cards: Mapping[str, Rates], groups: Sequence[str], title: str = ""
) -> Diagram:
    """Draw two cards, each a model's rates in each group, as bars of 100 people.

    Parameters
    ----------
    cards
        By the card's name, two of them: by the rate's description, one rate from 0 to
        1 for each group.
    groups
        The groups' names.
    title
        In front of the alternative text.

    Returns
    -------
    Diagram
        An inline SVG; every bar stands beside its group's name and its number.

    Raises
    ------
    FairtutorError
        There are not two cards, or a rate has not one number for each group.

    Examples
    --------
    >>> first = {"of 100 who would repay, approved": (0.8, 0.6)}
    >>> second = {"of 100 who would repay, approved": (0.7, 0.7)}
    >>> rate_cards({"First": first, "Second": second}, ["white", "black"])
    First: of 100 who would repay, approved: white 80, black 60. Second: of 100 who \
would repay, approved: white 70, black 70.
    """
    if len(cards) != 2:
        raise FairtutorError(f"{len(cards)} cards; two are compared.")
    for rates in cards.values():
        for name, values in rates.items():
            if len(values) != len(groups):
                raise FairtutorError(
                    f"{name!r} has {len(values)} rates for {len(groups)} groups."
                )
    told = " ".join(_told(name, rates, groups) for name, rates in cards.items())
    alt = f"{title}. {told}" if title else told
    blocks = max(len(rates) for rates in cards.values())
    height = TOP + blocks * (BLOCK + ROW * (len(groups) - 2))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        'style="max-width:100%;height:auto" font-family="system-ui, sans-serif" '
        f'font-size="16" fill="currentColor"><title>{escape(alt)}</title>',
        *(
            _card(MARGIN + number * (CARD + MARGIN), height, name, rates, groups)
            for number, (name, rates) in enumerate(cards.items())
        ),
    ]
    return Diagram("".join([*parts, "</svg>"]), alt)


def elicitation_errors(
    errors: Mapping[str, Sequence[float]], title: str = ""
) -> Picture:
    """Draw how far an elicited angle is off, by the number of questions asked.

    Parameters
    ----------
    errors
        By the kind of oracle, the mean error in degrees after 1, 2, … questions.
    title
        A heading.

    Returns
    -------
    Picture
        The vertical scale is logarithmic.

    Raises
    ------
    FairtutorError
        There is no curve.

    Examples
    --------
    >>> elicitation_errors({"no noise": [11.0, 5.6, 2.8]})
    Mean error of the elicited angle. no noise: 11.0° after 1 question, 2.8° after 3.
    """
    if not errors or not all(len(curve) for curve in errors.values()):
        raise FairtutorError("There is no curve yet: pass one error a question.")
    fig, [ax] = new_figure(7.2, 4.0)
    for code, (name, curve) in enumerate(errors.items()):
        ax.plot(
            np.arange(1, len(curve) + 1),
            curve,
            color=GROUP_COLOURS[code % len(GROUP_COLOURS)],
            marker=GROUP_MARKERS[code % len(GROUP_MARKERS)],
            linewidth=2.5,
            label=name,
        )
    ax.set_yscale("log")
    label(ax, title=title, x="questions for this angle", y="mean error, degrees")
    legend(ax)
    told = [
        f"{name}: {curve[0]:.1f}° after 1 question"
        + (f", {curve[-1]:.1f}° after {len(curve)}" if len(curve) > 1 else "")
        for name, curve in errors.items()
    ]
    return Picture(fig, f"Mean error of the elicited angle. {'; '.join(told)}.")


def _told(name: str, rates: Rates, groups: Sequence[str]) -> str:
    parts = [
        f"{what}: "
        + ", ".join(
            f"{group} {100 * value:.0f}"
            for group, value in zip(groups, values, strict=True)
        )
        for what, values in rates.items()
    ]
    return f"{name}: {'; '.join(parts)}."


def _card(
    left: float, height: float, name: str, rates: Rates, groups: Sequence[str]
) -> str:
    frame = (
        f'<rect x="{left}" y="2" width="{CARD}" height="{height - 4}" rx="10" '
        'fill="none" stroke="currentColor" stroke-opacity="0.6"/>'
        f'<text x="{left + 16}" y="32" font-size="20" font-weight="bold">'
        f"{escape(name)}</text>"
    )
    blocks = [
        _block(left + 16, TOP + row * (BLOCK + ROW * (len(groups) - 2)), *block, groups)
        for row, block in enumerate(rates.items())
    ]
    return frame + "".join(blocks)


def _block(
    x: float, y: float, what: str, values: Sequence[float], groups: Sequence[str]
) -> str:
    drawn = [f'<text x="{x}" y="{y + 4}">{escape(what)}</text>']
    for code, (group, value) in enumerate(zip(groups, values, strict=True)):
        top = y + 16 + ROW * code
        start, middle = x + BAR_LEFT, top + BAR_HEIGHT - 5
        short = group if len(group) <= 14 else f"{group[:13]}…"
        drawn.append(
            f'<text x="{start - 10}" y="{middle}" text-anchor="end">'
            f"{escape(short)}</text>"
            f'<rect x="{start}" y="{top}" width="{BAR_WIDTH * value:.1f}" '
            f'height="{BAR_HEIGHT}" fill="{group_colour(code)}"/>'
            f'<rect x="{start}" y="{top}" width="{BAR_WIDTH}" height="{BAR_HEIGHT}" '
            'fill="none" stroke="currentColor" stroke-opacity="0.5"/>'
            f'<text x="{start + BAR_WIDTH + 10}" y="{middle}" font-weight="bold">'
            f"{100 * value:.0f}</text>"
        )
    return "".join(drawn)
