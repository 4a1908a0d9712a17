"""The producer's panel in a real browser: methods by keyboard, a picture that moves."""

import pytest

from .acts import MINUTE, THEMES, assert_nothing_went_wrong, choose, press, screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PANEL = """
from fairtutor import Criterion, DataProducer, FairnessCriteria, load
from fairtutor.widgets import ProducerPanel

criterion = Criterion("selection_rate_difference", 0.1, "sex")
start = DataProducer("adversarial", epochs=300)
panel = ProducerPanel(load("compas"), FairnessCriteria((criterion,)), start)
panel
"""
LIVE = ".fairtutor-panel svg[font-size='14'] > title"  # all drawings', the plane's last


def wait_for_points(page, count: int) -> None:
    points = f'.fairtutor-points[data-points="{count}"]'
    page.locator(points).last.wait_for(state="attached", timeout=3 * MINUTE)


def live_epoch(page, above: int) -> int:
    """Wait for a live picture of a later epoch and return which one it is of."""
    found = page.wait_for_function(
        """([selector, above]) => [...document.querySelectorAll(selector)]
            .map(title => /epoch (\\d+): principal/.exec(title.textContent))
            .map(found => Number(found?.[1])).find(epoch => epoch > above)""",
        arg=[LIVE, above],
        timeout=MINUTE,
    )
    return found.json_value()


@pytest.mark.parametrize("theme", THEMES)
def test_methods_are_trained_by_keyboard(run_in_lab, watched_page, theme):
    page = watched_page.page
    run_in_lab(PANEL, theme)
    choose(page, "method", "erasure")
    words = page.get_by_text("Apply LEACE, the smallest affine change")
    words.last.wait_for(timeout=MINUTE)
    press(page, "Train")
    wait_for_points(page, 1)
    picture = page.locator(".fairtutor-panel img[alt^='Principal plane']").last
    erased = picture.get_attribute("alt")
    choose(page, "method", "adversarial")
    page.get_by_text("Train f so that z = f(x)").last.wait_for(timeout=MINUTE)
    press(page, "Train")
    first = live_epoch(page, above=0)
    screenshot(page, f"producer panel, training, {theme}")
    assert live_epoch(page, above=live_epoch(page, above=first)) > first + 1
    wait_for_points(page, 2)
    page.wait_for_function(
        """before => [...document.querySelectorAll("img[alt^='Principal plane']")]
            .some(picture => picture.alt !== before)""",
        arg=erased,
        timeout=MINUTE,
    )
    told = page.locator(".fairtutor-points img").last.get_attribute("alt")
    assert "Now at #2, strength 2: " in told and "Before: #1, strength 1: " in told
    assert "Identity: " in told and "constant predictor" in told
    rows = page.locator(".fairtutor-points").last.locator("tbody tr")
    assert rows.count() == 4
    screenshot(page, f"producer panel, {theme}")
    press(page, "Clear points")
    page.get_by_role("status").get_by_text("The points are cleared").wait_for()
    assert page.locator(".fairtutor-panel .fairtutor-points").count() == 0
    assert_nothing_went_wrong(watched_page)
