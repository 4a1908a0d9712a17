"""Ten comparisons by keyboard, in a real browser."""

import shutil

import pytest

from .test_loop_panel import (
    MINUTE,
    assert_nothing_went_wrong,
    open_and_run_all,
    screenshot,
    small_notebook,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PANEL = """
from fairtutor.widgets import ElicitationPanel

ElicitationPanel(("white", "black"))
"""


def wait_for_question(page, number) -> None:
    page.locator(f'.fairtutor-panel [data-question="{number}"]').wait_for(
        timeout=MINUTE
    )


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_ten_questions_by_keyboard_give_a_metric(
    start_lab, watched_page, tmp_path, theme
):
    page, folder = watched_page.page, tmp_path / "course"
    folder.mkdir()
    notebook = small_notebook(folder, PANEL)
    open_and_run_all(page, start_lab(folder, theme).url(notebook))
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


def test_chapter_03_asks_its_reader(start_lab, watched_page, tmp_path, root):
    chapter = root / "chapters" / "03_writing_criteria.ipynb"
    page, folder = watched_page.page, tmp_path / "course"
    folder.mkdir()
    shutil.copy(chapter, folder)
    open_and_run_all(page, start_lab(folder).url(chapter.name))
    wait_for_question(page, 1)
    page.get_by_role("button", name="First", exact=True).focus()
    for number in range(2, 11):
        page.keyboard.press("Enter")
        wait_for_question(page, number)
    page.keyboard.press("Enter")
    wait_for_question(page, "done")
    assert_nothing_went_wrong(watched_page)
