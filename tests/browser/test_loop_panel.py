"""The loop panel in a real browser: run the notebook, go round by keyboard."""

import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MINUTE = 60_000  # in milliseconds, as Playwright counts
NUMBERED = re.compile(r"\[\d+\]")
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

ThresholdExplorer([1, 2, 3, 4, 1, 2, 3, 4], [0, 1, 0, 1, 0, 0, 0, 1], list("aaaabbbb"))
"""


def small_notebook(folder: Path, code: str) -> str:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code.strip())],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, folder / "small.ipynb")
    return "small.ipynb"


def open_and_run_all(page, url: str) -> None:
    from playwright.sync_api import expect

    page.goto(url)
    # The notebook's own indicator comes too early: a click on it is often lost.
    idle = page.locator("#jp-main-statusbar").get_by_text("| Idle")
    idle.wait_for(timeout=MINUTE)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    # The last code cell has a number once all before it have run.
    last = page.locator(".jp-CodeCell .jp-InputPrompt").last
    expect(last).to_have_text(NUMBERED, timeout=3 * MINUTE)


def press(page, name: str) -> None:
    """Press a button without the mouse, once training is over."""
    page.get_by_role("button", name="Stop", exact=True).last.wait_for()
    page.wait_for_function("""() => [...document.querySelectorAll('button')]
        .filter(button => button.textContent === 'Stop').at(-1).disabled""")
    button = page.get_by_role("button", name=name, exact=True).last
    button.focus()
    page.keyboard.press("Enter")


def rounds_shown(page) -> int:
    trail = page.locator(".fairtutor-panel .fairtutor-trail").last
    rows = trail.locator("tbody tr").count()
    assert int(trail.get_attribute("data-rounds")) == rows
    return rows


def wait_for_rounds(page, count: int) -> None:
    trail = f'.fairtutor-panel .fairtutor-trail[data-rounds="{count}"]'
    page.locator(trail).last.wait_for(state="attached", timeout=MINUTE)


def screenshot(page, name: str) -> None:
    """Keep a picture for people, where someone asks for pictures."""
    folder = os.environ.get("FAIRTUTOR_SCREENSHOTS")
    if folder:
        panel = page.locator(".fairtutor-panel").last
        panel.screenshot(path=Path(folder) / f"{name}.png")


def assert_nothing_went_wrong(watched) -> None:
    errors = watched.page.locator(
        '[data-mime-type="application/vnd.jupyter.error"], '
        '[data-mime-type="application/vnd.jupyter.stderr"]'
    )
    # A progress bar that is over has wiped its own line and leaves blanks.
    assert [text for text in errors.all_inner_texts() if text.strip()] == []
    assert watched.page.get_by_role("alert").filter(has_text="✗").count() == 0
    assert watched.problems == []
    assert watched.asked_outside == []


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_the_trail_grows_by_keyboard(start_lab, watched_page, tmp_path, theme):
    page, folder = watched_page.page, tmp_path / "course"
    folder.mkdir()
    name = small_notebook(folder, SMALL)
    open_and_run_all(page, start_lab(folder, theme).url(name))
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


def test_thresholds_move_by_arrow_keys(start_lab, watched_page, tmp_path):
    page, folder = watched_page.page, tmp_path / "course"
    folder.mkdir()
    open_and_run_all(page, start_lab(folder).url(small_notebook(folder, EXPLORER)))
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


def test_chapter_02_goes_round_once_more(start_lab, watched_page, tmp_path, root):
    chapter = root / "chapters" / "02_three_entities.ipynb"
    page, folder = watched_page.page, tmp_path / "course"
    folder.mkdir()
    shutil.copy(chapter, folder)
    open_and_run_all(page, start_lab(folder).url(chapter.name))
    page.locator(".fairtutor-panel .fairtutor-trail").last.wait_for(timeout=MINUTE)
    before = rounds_shown(page)
    press(page, "Full round")
    wait_for_rounds(page, before + 1)
    assert rounds_shown(page) == before + 1
    screenshot(page, "chapter 02, loop panel")
    assert_nothing_went_wrong(watched_page)
