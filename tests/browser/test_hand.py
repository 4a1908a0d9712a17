"""What a hand does to a drawing, and what a panel says when its kernel is silent."""

import json

import pytest

from .acts import (
    MINUTE,
    assert_nothing_went_wrong,
    focus,
    made_here,
    press,
    screenshot,
    wait_for_drawing,
)
from .test_constant_panels import BOUND
from .test_loop_panel import EXPLORER, SMALL

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long]

SLEEPER = (
    EXPLORER
    + """
import time
from IPython.display import display
from ipywidgets import Button

sleeper = Button(description="Sleep")
sleeper.on_click(lambda _: time.sleep(7))
display(panel, sleeper)
"""
)
LOST = ".fairtutor-lost:not([hidden])"


def pull(page, name: str, to: float) -> None:
    """Take a line by its handle and pull it to a share of the way it can go."""
    handle = page.locator(f'.fairtutor-panel [data-drag="{name}"]')
    # A line has no width, so that the browser driver takes it for hidden.
    handle.wait_for(state="attached", timeout=MINUTE)
    x, y, end = handle.evaluate(
        """(line, share) => {
            const box = line.getBoundingClientRect();
            const scale = line.ownerSVGElement.getScreenCTM();
            const { left, right } = line.dataset;
            const end = scale.e + scale.a * (+left + share * (right - left));
            return [box.x, box.y + box.height / 2, end];
        }""",
        to,
    )
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(end, y, steps=12)
    page.mouse.up()


def test_a_threshold_is_pulled_by_hand(run_in_lab, watched_page):
    page = watched_page.page
    run_in_lab(EXPLORER)
    for place, threshold in ((0.95, 5), (0.3, 2)):
        pull(page, "0", place)
        wait_for_drawing(page, f"thresholds a {threshold}, b 3")
    slider = page.locator(".widget-slider:has(label:text-is('a')) .noUi-handle")
    assert float(slider.get_attribute("aria-valuenow")) == 2
    assert_nothing_went_wrong(watched_page)


def test_the_number_of_cells_is_pulled_by_hand(run_in_lab, watched_page):
    page = watched_page.page
    run_in_lab(BOUND)
    pull(page, "pieces", 1.0)
    wait_for_drawing(page, "a line of 512 cells")
    assert_nothing_went_wrong(watched_page)


def test_the_loops_arrows_open_by_keyboard_and_by_mouse(run_in_lab, watched_page):
    page = watched_page.page
    run_in_lab(SMALL)
    press(page, "Full round")
    page.locator('.fairtutor-trail[data-rounds="1"]').wait_for(timeout=MINUTE)
    here = made_here(SMALL)
    here.run_round()
    here.wait()
    fingerprint = here.rounds[0].representation.fingerprint[:8]
    arrow = page.get_by_role("button", name="criteria, from the data regulator")
    arrow.focus()
    page.keyboard.press("Enter")
    content = page.locator('[data-shown="criteria"]')
    content.wait_for(timeout=MINUTE)
    assert "credit" in content.inner_text()
    # The drawing has been made anew, and the focus is where it was.
    assert page.evaluate("document.activeElement.dataset.pick") == "criteria"
    assert arrow.get_attribute("aria-pressed") == "true"
    page.locator('[data-pick="representation"] text').first.click()
    content = page.locator('[data-shown="representation"]')
    content.wait_for(timeout=MINUTE)
    assert fingerprint in content.inner_text()
    screenshot(page, "loop panel, representation shown")
    assert_nothing_went_wrong(watched_page)


@pytest.mark.parametrize("act", ["restart", "end"])
def test_a_lost_kernel_is_told_of_in_words(run_in_lab, watched_page, act):
    page = watched_page.page
    run_in_lab(EXPLORER)
    focus(page, "a")
    page.keyboard.press("ArrowLeft")
    wait_for_drawing(page, "thresholds a 2, b 3")
    page.wait_for_timeout(4000)  # in which a kernel that lives has answered
    assert page.locator(LOST).count() == 0
    ask_server(page, act)
    page.wait_for_timeout(2000)
    focus(page, "a")
    page.keyboard.press("ArrowRight")
    page.locator(LOST).wait_for(timeout=MINUTE)
    assert "run its cell again" in page.locator(LOST).inner_text()
    screenshot(page, f"a lost kernel, {act}")


def test_a_busy_kernel_is_told_of_and_the_words_go_when_it_answers(
    run_in_lab, watched_page
):
    page = watched_page.page
    run_in_lab(SLEEPER)
    page.get_by_role("button", name="Sleep").click()
    page.wait_for_timeout(2500)
    focus(page, "a")
    page.keyboard.press("ArrowLeft")
    page.locator(LOST).wait_for(timeout=MINUTE)
    wait_for_drawing(page, "thresholds a 2, b 3")
    page.locator(LOST).wait_for(state="hidden", timeout=MINUTE)
    assert_nothing_went_wrong(watched_page)


def ask_server(page, act: str) -> None:
    """Restart or end the kernel by the server's own interface."""
    method, path = {"restart": ("POST", "/restart"), "end": ("DELETE", "")}[act]
    status = page.evaluate(
        """async ({ method, path }) => {
            const options = JSON.parse(
                document.getElementById("jupyter-config-data").textContent);
            const address = options.baseUrl + "api/kernels";
            const headers = { Authorization: "token " + options.token };
            const kernels = await (await fetch(address, { headers })).json();
            const asked = await fetch(address + "/" + kernels[0].id + path,
                                      { method, headers });
            return asked.status;
        }""",
        {"method": method, "path": path},
    )
    assert status in (200, 204), json.dumps(status)
