"""The audit explorer in a real browser, driven by the keyboard alone."""

import pytest

from fairtutor.audit import AuditPlan, verdict_chances

from .acts import MINUTE, THEMES, assert_nothing_went_wrong, focus, screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EXPLORER = """
from fairtutor.audit import AuditPlan
from fairtutor.widgets import AuditExplorer

AuditExplorer(AuditPlan(1000, share=0.33, rate=0.08, findings=1), gap=0.14)
"""
TITLE = ".fairtutor-panel svg > title"


def wait_for_words(page, words: str) -> None:
    page.wait_for_function(
        "([title, words]) => document.querySelector(title).textContent.includes(words)",
        arg=[TITLE, words],
        timeout=MINUTE,
    )


@pytest.mark.parametrize("theme", THEMES)
def test_an_audit_is_planned_by_keyboard(run_in_lab, watched_page, theme):
    page = watched_page.page
    run_in_lab(EXPLORER, theme)
    page.locator(TITLE).wait_for(state="attached", timeout=MINUTE)
    plan = AuditPlan(1000, share=0.33, rate=0.08, findings=1)
    before = verdict_chances(0.14, plan)
    wait_for_words(page, f"violates {before['violates']:.1%}")

    focus(page, "true gap")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    after = verdict_chances(0.18, plan)
    assert after["violates"] > before["violates"] + 0.3
    wait_for_words(page, f"true gap of 0.18: meets {after['meets']:.1%}")
    wait_for_words(page, f"violates {after['violates']:.1%}")

    focus(page, "audit rows")
    page.keyboard.press("ArrowLeft")
    table = page.locator(".fairtutor-panel [data-rows]")
    page.wait_for_function(
        "() => +document.querySelector('[data-rows]').dataset.rows < 1000"
    )
    rows = int(table.get_attribute("data-rows"))
    assert 900 < rows < 1000
    fewer = verdict_chances(0.18, AuditPlan(rows, share=0.33, rate=0.08, findings=1))
    wait_for_words(page, f"violates {fewer['violates']:.1%}")
    cells = table.locator("tbody tr").nth(1).locator("td").all_inner_texts()
    assert cells == [f"{rows:,}", *(f"{chance:.1%}" for chance in fewer.values())]

    findings = page.get_by_label("findings")
    findings.fill("50")
    findings.press("Enter")
    status = page.get_by_role("status").filter(has_text="99.90% confidence")
    status.wait_for(timeout=MINUTE)
    spread = AuditPlan(rows, share=0.33, rate=0.08, findings=50)
    undecided = verdict_chances(0.18, spread)["undecided"]
    assert f"most likely undecided ({undecided:.1%})" in status.inner_text()
    screenshot(page, f"audit explorer, {theme}")
    assert_nothing_went_wrong(watched_page)
