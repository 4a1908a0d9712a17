"""The loop panel in a real browser: run the notebook, go round by keyboard."""

import pytest

from .acts import MINUTE, THEMES, assert_nothing_went_wrong, press, screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SMALL = """
from fairtutor import Criterion, DataProducer, DataUser, FairnessCriteria, load
from fairtutor.widgets import LoopPanel

criterion = Criterion("selection_rate_difference", 0.1, "sex")
criteria = FairnessCriteria((criterion,), name="credit", rounds=2)
panel = LoopPanel(load("german"), criteria, DataProducer("erasure"), DataUser("mlp"))
panel
"""


EXPLORER = """
from fairtutor.widgets import ThresholdExplorer

scores, y = [1, 2, 3, 4, 1, 2, 3, 4], [0, 1, 0, 1, 0, 0, 0, 1]
panel = ThresholdExplorer(scores, y, list("aaaabbbb"))
panel
"""


def rounds_shown(page) -> int:
    trail = page.locator(".fairtutor-panel .fairtutor-trail").last
    rows = trail.locator("tbody tr").count()
    assert int(trail.get_attribute("data-rounds")) == rows
    return rows


def wait_for_rounds(page, count: int) -> None:
    trail = f'.fairtutor-panel .fairtutor-trail[data-rounds="{count}"]'
    page.locator(trail).last.wait_for(state="attached", timeout=MINUTE)


@pytest.mark.parametrize("theme", THEMES)
def test_the_trail_grows_by_keyboard(run_in_lab, watched_page, theme):
    page = watched_page.page
    run_in_lab(SMALL, theme)
    wait_for_rounds(page, 0)
    for count in (1, 2):
        press(page, "Full round")
        wait_for_rounds(page, count)
        assert rounds_shown(page) == count
    trail = page.locator(".fairtutor-trail img").last.get_attribute("alt")
    assert "round 1: " in trail and "round 2: " in trail
    status = page.get_by_role("status").filter(has_text="audit batches are used up")
    status.wait_for(timeout=MINUTE)
    screenshot(page, f"loop panel, {theme}")
    press(page, "Reset")
    wait_for_rounds(page, 0)
    assert_nothing_went_wrong(watched_page)


def test_thresholds_move_by_arrow_keys(run_in_lab, watched_page):
    page = watched_page.page
    run_in_lab(EXPLORER)
    handle = page.locator(".widget-slider:has(label:text-is('a')) .noUi-handle")
    handle.wait_for(timeout=MINUTE)
    assert float(handle.get_attribute("aria-valuenow")) == 3
    handle.focus()
    page.keyboard.press("ArrowLeft")
    board = page.locator(".fairtutor-panel svg > title")
    page.wait_for_function(
        "() => document.querySelector('.fairtutor-panel svg > title')"
        ".textContent.includes('thresholds a 2, b 3')"
    )
    assert "Selection rate: a 0.750, b 0.500" in board.text_content()
    screenshot(page, "threshold explorer")
    assert_nothing_went_wrong(watched_page)


def test_chapter_02_goes_round_once_more(run_in_lab, watched_page, root):
    chapter = root / "chapters" / "02_three_entities.ipynb"
    page = watched_page.page
    run_in_lab(chapter)
    page.locator(".fairtutor-panel .fairtutor-trail").last.wait_for(timeout=MINUTE)
    before = rounds_shown(page)
    press(page, "Full round")
    wait_for_rounds(page, before + 1)
    assert rounds_shown(page) == before + 1
    screenshot(page, "chapter 02, loop panel")
    assert_nothing_went_wrong(watched_page)
