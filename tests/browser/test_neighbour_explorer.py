"""The neighbour explorer in a real browser, driven by the keyboard alone."""

import pytest

from .acts import (
    MINUTE,
    THEMES,
    assert_nothing_went_wrong,
    drawn,
    focus,
    made_here,
    screenshot,
    wait_for_drawing,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long]

EXPLORER = """
import torch
from fairtutor import load
from fairtutor.similarity import shifted
from fairtutor.widgets import NeighbourExplorer

rows = load("digits").rows("validation")
spaces = {"pixels": rows.X, "half of them": rows.X[:, :392]}
classes = [str(digit) for digit in rows.y.tolist()]
panel = NeighbourExplorer(spaces, classes, images=rows.X.view(-1, 28, 28))
panel
"""


def wait_for_panel(page, panel) -> None:
    """Wait until the page shows the status and the pictures that the panel does."""
    status = page.get_by_role("status").filter(has_text=panel.status)
    status.last.wait_for(timeout=MINUTE)
    expected = [strip.alt for strip in panel._strips()]
    wait_for_drawing(page, expected[-1])
    assert len(expected) == 2 and drawn(page) == expected


@pytest.mark.parametrize("theme", THEMES)
def test_neighbours_are_compared_by_keyboard(run_in_lab, watched_page, theme):
    page = watched_page.page
    panel = made_here(EXPLORER)
    run_in_lab(EXPLORER, theme)
    wait_for_panel(page, panel)

    page.get_by_label("row", exact=True).focus()
    page.keyboard.press("ArrowUp")
    panel.value = {"row": 1}
    wait_for_panel(page, panel)

    focus(page, "neighbours")
    page.keyboard.press("ArrowRight")
    panel.value = {"neighbours": 7}
    wait_for_panel(page, panel)

    nearest = panel.nearest["pixels"][0]
    page.locator(f'.fairtutor-panel [data-pick="{nearest}"]').first.click()
    panel.value = {"row": nearest}
    wait_for_panel(page, panel)
    screenshot(page, f"neighbour explorer, {theme}")
    assert_nothing_went_wrong(watched_page)
