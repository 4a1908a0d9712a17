"""The distance game in a real browser, played by the keyboard alone."""

import pytest

from .acts import MINUTE, THEMES, assert_nothing_went_wrong, made_here, screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long]

GAME = """
from fairtutor import load
from fairtutor.widgets import DistanceGame

columns = ["age", "education-num", "hours-per-week"]
panel = DistanceGame(load("adult").table[columns].head(200).astype(float))
panel
"""


def wait_for_panel(page, panel) -> None:
    """Wait until the page shows the status and the people that the panel does."""
    status = page.get_by_role("status").filter(has_text=panel.status)
    status.last.wait_for(timeout=MINUTE)
    board = page.locator(".fairtutor-panel tbody").first.locator("td")
    people = panel._people.iloc[list(panel.question)]
    ages = [f"{age:g}" for age in people["age"]]
    assert board.all_inner_texts()[:4] == ["age", *ages]


@pytest.mark.parametrize("theme", THEMES)
def test_answers_are_given_by_keyboard(run_in_lab, watched_page, theme):
    page = watched_page.page
    panel = made_here(GAME)
    run_in_lab(GAME, theme)
    wait_for_panel(page, panel)
    for side in ("left", "right", "left"):
        name = f"The {side} one"
        page.get_by_role("button", name=name, exact=True).focus()
        page.keyboard.press("Enter")
        panel.answer(side)
        wait_for_panel(page, panel)
    weights = page.locator(".fairtutor-panel tbody").last.locator("td")
    shown = [text for text in weights.all_inner_texts() if text]
    assert shown == [f"{weight:.2f}" for weight in panel.weights.tolist()]
    screenshot(page, f"distance game, {theme}")
    assert_nothing_went_wrong(watched_page)
