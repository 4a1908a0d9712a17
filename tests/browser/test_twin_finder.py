"""The twin finder in a real browser, driven by the keyboard alone."""

import pytest

from fairtutor.widgets import TwinFinder

from .acts import (
    MINUTE,
    THEMES,
    assert_nothing_went_wrong,
    choose,
    drawn,
    made_here,
    screenshot,
    wait_for_drawing,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long]

FINDER = """
import pandas as pd
import torch
from fairtutor.widgets import TwinFinder

draw = torch.Generator().manual_seed(0)
X = torch.randn(200, 3, generator=draw)
p = torch.rand(200, generator=draw)
table = pd.DataFrame({"age": range(200), "job": ["nurse", "clerk"] * 100})
distances = {"all columns": X, "the first": X[:, :1]}
panel = TwinFinder(p, distances, people=table, neighbours=3)
panel
"""
BOARD = ".fairtutor-panel thead"


def wait_for_panel(page, panel: TwinFinder) -> None:
    """Wait until the page shows the status and the people that the panel does."""
    status = page.get_by_role("status").filter(has_text=panel.status)
    status.last.wait_for(timeout=MINUTE)
    row = panel.value["row"]
    columns = [f"chosen: row {row}", *(f"row {i}" for i in panel.nearest.tolist())]
    header = page.locator(BOARD).last.locator("th")
    assert header.all_inner_texts() == columns


@pytest.mark.parametrize("theme", THEMES)
def test_twins_are_found_by_keyboard(run_in_lab, watched_page, theme):
    page = watched_page.page
    panel = made_here(FINDER)
    run_in_lab(FINDER, theme)
    wait_for_panel(page, panel)

    page.get_by_label("row", exact=True).focus()
    page.keyboard.press("ArrowUp")
    panel.value = {"row": 1}
    wait_for_panel(page, panel)

    choose(page, "distance", "the first")
    panel.value = {"distance": "the first"}
    wait_for_panel(page, panel)

    page.get_by_role("button", name="Worst twins").focus()
    page.keyboard.press("Enter")
    panel.find_worst()
    wait_for_panel(page, panel)
    marks = page.locator(".fairtutor-panel tbody strong").filter(has_text="✗")
    decided = panel.p[panel.nearest] >= 0.5
    assert marks.count() == int((decided != (panel.p[panel.value["row"]] >= 0.5)).sum())
    screenshot(page, f"twin finder, {theme}")
    assert_nothing_went_wrong(watched_page)


def test_digits_are_shown_as_pictures_with_words(run_in_lab, watched_page):
    code = """
import torch
from fairtutor import load
from fairtutor.widgets import TwinFinder

rows = load("digits").rows("validation")
near = torch.eye(10)[rows.y.long()] + 0.3
p = near / near.sum(1, keepdim=True)
p[::7] = p[::7].roll(1, 1)
images, names = rows.X.view(-1, 28, 28), [str(digit) for digit in range(10)]
panel = TwinFinder(p, {"pixels": rows.X}, images=images, outcomes=names)
panel
"""
    page = watched_page.page
    panel = made_here(code)
    run_in_lab(code)
    field = page.get_by_label("row", exact=True)
    field.fill("7")
    field.press("Enter")
    panel.value = {"row": 7}
    wait_for_drawing(page, "row 7: ")
    [words] = drawn(page)
    assert f"<title>{words}</title>" in panel._board.value
    assert words.count("✗") >= 1
    images = page.locator(".fairtutor-panel image")
    assert images.count() == 1 + panel.neighbours
    assert images.first.bounding_box()["width"] > 50
    screenshot(page, "twin finder, digits")
    assert_nothing_went_wrong(watched_page)
