"""What the browser tests do on a page: the keyboard's acts, and what they wait for."""

import os
import re
from pathlib import Path

import nbformat
import pytest

from fairtutor.widgets import Panel

MINUTE = 60_000  # in milliseconds, as Playwright counts
# `make test` looks at panels in the light theme, `make test-all` also in the dark one.
THEMES = (
    "JupyterLab Light",
    pytest.param("JupyterLab Dark", marks=pytest.mark.long),
)
NUMBERED = re.compile(r"\[\d+\]")


def small_notebook(folder: Path, *codes: str) -> str:
    """Write a notebook of one cell for each code and return its name."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code.strip()) for code in codes],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, folder / "small.ipynb")
    return "small.ipynb"


def made_here(code: str) -> Panel:
    """Return the panel that a notebook's code ends with, made in this process."""
    scope = {}
    exec(code, scope)
    return scope["panel"]


def open_and_run_all(page, url: str) -> None:
    """Open a notebook in JupyterLab, run all its cells and wait for the last."""
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


def focus(page, name: str) -> None:
    """Put the keyboard on a slider."""
    page.locator(f".widget-slider:has(label:text-is('{name}')) .noUi-handle").focus()


def choose(page, label: str, option: str) -> None:
    """Choose from a dropdown without the mouse.

    Space opens the list. On a closed list JupyterLab takes arrow keys for itself, and
    letters too: M would turn the cell into Markdown.
    """
    dropdown = page.get_by_label(label, exact=True).last
    dropdown.wait_for(timeout=MINUTE)
    options = dropdown.evaluate("list => [...list.options].map(o => o.value)")
    steps = options.index(option) - options.index(dropdown.input_value())
    dropdown.focus()
    page.keyboard.press("Space")
    for _ in range(abs(steps)):
        page.keyboard.press("ArrowDown" if steps > 0 else "ArrowUp")
    page.keyboard.press("Enter")
    assert dropdown.input_value() == option


def drawn(page) -> list[str]:
    """Return the words of each drawing in a panel, those that a reader hears."""
    return page.locator(".fairtutor-panel svg[role=img] > title").all_text_contents()


def wait_for_drawing(page, words: str) -> None:
    """Wait until a drawing in a panel says something."""
    page.wait_for_function(
        "words => [...document.querySelectorAll('.fairtutor-panel svg > title')]"
        ".some(title => title.textContent.includes(words))",
        arg=words,
        timeout=MINUTE,
    )


def screenshot(page, name: str, part: str = ".fairtutor-panel") -> None:
    """Keep a picture of the last such part for people, where someone asks for it."""
    folder = os.environ.get("FAIRTUTOR_SCREENSHOTS")
    if folder:
        page.locator(part).last.screenshot(path=Path(folder) / f"{name}.png")


def assert_nothing_went_wrong(watched) -> None:
    """Neither an error on the page nor one in the browser, and nobody outside asked."""
    errors = watched.page.locator(
        '[data-mime-type="application/vnd.jupyter.error"], '
        '[data-mime-type="application/vnd.jupyter.stderr"]'
    )
    # A progress bar that is over has wiped its own line and leaves blanks.
    assert [text for text in errors.all_inner_texts() if text.strip()] == []
    assert watched.page.get_by_role("alert").filter(has_text="✗").count() == 0
    assert watched.problems == []
    assert watched.asked_outside == []
