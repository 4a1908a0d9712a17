"""The loop panel alone, served for a lecture, in a real browser."""

import re
import subprocess
import sys
import threading

import pytest

from .acts import MINUTE, press, screenshot
from .lab import end, free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long]


@pytest.fixture
def app():
    """The address of ``fairtutor app`` on the smallest data set."""
    command = [sys.executable, "-m", "fairtutor.cli", "app", "--data", "german"]
    options = ["--rounds", "2", "--no-browser", "--port", str(free_port())]
    process = subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    for line in process.stdout:
        said.append(line)
        found = re.search(r"http://(?:127\.0\.0\.1|localhost):(\d+)/", line)
        if found:
            break
    else:
        pytest.fail(f"the app ended at once: {''.join(said)}")
    # What it says from now on is thrown away, so that it never waits to be heard.
    threading.Thread(target=process.stdout.read, daemon=True).start()
    yield f"http://127.0.0.1:{found.group(1)}/"
    end(process)


def test_a_lecture_goes_round_by_keyboard_and_asks_nobody_outside(app, watched_page):
    page = watched_page.page
    page.goto(app)
    page.locator(".fairtutor-panel").wait_for(timeout=2 * MINUTE)
    assert page.locator("pre, .jp-InputArea").count() == 0  # no code
    press(page, "Full round")
    page.locator('.fairtutor-trail[data-rounds="1"]').wait_for(timeout=2 * MINUTE)
    arrow = page.get_by_role("button", name="report, from the data regulator")
    arrow.focus()
    page.keyboard.press("Enter")
    page.locator('[data-shown="report"]').get_by_text("Round 1").wait_for()
    screenshot(page, "the app")
    assert watched_page.asked_outside == []
    assert page.get_by_role("alert").filter(has_text="✗").count() == 0
