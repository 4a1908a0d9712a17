"""The user's panel in a real browser: tasks and models by keyboard."""

import pytest

from .acts import MINUTE, THEMES, assert_nothing_went_wrong, choose, press, screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PANEL = """
from fairtutor import Criterion, DataProducer, FairnessCriteria, load
from fairtutor.data import COMPAS_TASKS
from fairtutor.widgets import UserPanel

tasks = load("compas").tasks(COMPAS_TASKS)
criteria = FairnessCriteria((Criterion("selection_rate_difference", 0.1, "sex"),))
z = DataProducer("erasure").produce(criteria, tasks["arrested again"])
panel = UserPanel(tasks, z)
panel
"""


def wait_for_results(page, count: int):
    results = page.locator(f'.fairtutor-results[data-rows="{count}"]').last
    results.wait_for(state="attached", timeout=MINUTE)
    return results


@pytest.mark.parametrize("theme", THEMES)
def test_tasks_and_models_are_tried_by_keyboard(run_in_lab, watched_page, theme):
    page = watched_page.page
    run_in_lab(PANEL, theme)
    choose(page, "task", "scored above low")
    status = page.get_by_role("status")
    status.get_by_text("Task “scored above low”").wait_for(timeout=MINUTE)
    choose(page, "model", "trees")
    page.get_by_text("gradient-boosted trees").last.wait_for(timeout=MINUTE)
    press(page, "Train")
    wait_for_results(page, 1)
    choose(page, "task", "charged with a felony")
    choose(page, "model", "mlp")
    press(page, "Train")
    rows = wait_for_results(page, 2).locator("tbody tr")
    assert "scored above low" in rows.nth(0).inner_text()
    assert "trees, seed 0" in rows.nth(0).inner_text()
    assert "charged with a felony" in rows.nth(1).inner_text()
    assert "mlp, seed 0" in rows.nth(1).inner_text()
    header = page.locator(".fairtutor-results thead").last
    assert "gap by race" in header.inner_text()
    before = rows.nth(0).inner_text()
    choose(page, "gap by", "sex")
    header.get_by_text("gap by sex").wait_for(timeout=MINUTE)
    assert rows.nth(0).inner_text() != before
    press(page, "Submit")
    status.get_by_text("Submitted mlp").wait_for(timeout=MINUTE)
    screenshot(page, f"user panel, {theme}")
    assert_nothing_went_wrong(watched_page)
