"""Ten comparisons by keyboard, in a real browser."""

import pytest

from .acts import MINUTE, THEMES, assert_nothing_went_wrong, screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long]

PANEL = """
from fairtutor.widgets import ElicitationPanel

ElicitationPanel(("white", "black"))
"""


def wait_for_question(page, number) -> None:
    page.locator(f'.fairtutor-panel [data-question="{number}"]').wait_for(
        timeout=MINUTE
    )


@pytest.mark.parametrize("theme", THEMES)
def test_ten_questions_by_keyboard_give_a_metric(run_in_lab, watched_page, theme):
    page = watched_page.page
    run_in_lab(PANEL, theme)
    wait_for_question(page, 1)
    screenshot(page, f"elicitation panel, question, {theme}")
    page.get_by_role("button", name="First", exact=True).focus()
    page.keyboard.press("Enter")
    wait_for_question(page, 2)
    page.keyboard.press("Tab")  # to the button beside it
    page.keyboard.press("Enter")
    wait_for_question(page, 3)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # undo
    wait_for_question(page, 2)
    page.get_by_role("button", name="Second", exact=True).focus()
    for number in range(3, 11):
        page.keyboard.press("Enter")
        wait_for_question(page, number)
    page.keyboard.press("Enter")
    wait_for_question(page, "done")
    status = page.get_by_role("status").filter(has_text="Your metric.")
    assert "counts" in status.text_content() and "λ" in status.text_content()
    screenshot(page, f"elicitation panel, metric, {theme}")
    assert_nothing_went_wrong(watched_page)


def test_chapter_03_asks_its_reader(run_in_lab, watched_page, root):
    chapter = root / "chapters" / "03_writing_criteria.ipynb"
    page = watched_page.page
    run_in_lab(chapter)
    wait_for_question(page, 1)
    page.get_by_role("button", name="First", exact=True).focus()
    for number in range(2, 11):
        page.keyboard.press("Enter")
        wait_for_question(page, number)
    page.keyboard.press("Enter")
    wait_for_question(page, "done")
    assert_nothing_went_wrong(watched_page)
