"""The criteria builder and the report's page in a real browser, by keyboard."""

import json
import re

import pytest

from fairtutor.exchange import (
    AuditReport,
    Criterion,
    FairnessCriteria,
    Finding,
    GroupRate,
)

from .acts import MINUTE, THEMES, screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELL = """
from fairtutor import load
from fairtutor.widgets import RegulatorPanel

panel = RegulatorPanel(load("german"))
panel
"""
START = FairnessCriteria(
    (Criterion("selection_rate_difference", 0.1, "sex"),), rounds=2
)
HOSTILE = "<script>document.title = 'taken over'</script>"


def document(page) -> dict:
    return json.loads(page.get_by_label("The document, as JSON").inner_text())


def wait_for_text(page, region: str, text: str) -> None:
    page.get_by_label(region).get_by_text(text).first.wait_for(timeout=MINUTE)


def load_by_keyboard(page, text: str) -> None:
    """Paste a document over what stands there, and press the button beside it."""
    from playwright.sync_api import expect

    pasted = page.get_by_label("JSON", exact=True)
    pasted.focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    expect(pasted).to_have_value(text)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Load", exact=True)).to_be_focused()
    page.keyboard.press("Enter")


@pytest.mark.parametrize("theme", THEMES)
def test_a_document_is_built_by_keyboard(run_in_lab, watched_page, theme):
    page = watched_page.page
    run_in_lab(CELL, theme)
    page.get_by_label("The document, as JSON").wait_for(timeout=MINUTE)
    assert document(page) == json.loads(START.to_json())
    page.get_by_label("consistency", exact=True).focus()
    page.keyboard.press("Space")
    wait_for_text(page, "The document, as JSON", '"consistency"')
    page.keyboard.press("Tab")  # to what is scored
    page.keyboard.press("p")  # JupyterLab takes the arrow keys for itself
    wait_for_text(page, "In words", "Consistency (probability).")
    page.keyboard.press("Tab")  # to the tolerance
    page.keyboard.press("Control+a")
    page.keyboard.type("0.9")
    page.keyboard.press("Tab")
    wait_for_text(page, "In words", "shall be at least 0.9 (90%)")
    _, added = document(page)["criteria"]
    assert added == {
        "attribute": None,
        "metric": "consistency",
        "score": "probability",
        "tolerance": 0.9,
    }
    page.get_by_label("min group size").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("45")
    page.keyboard.press("Tab")
    wait_for_text(page, "In words", "fewer than 45 audited people")
    screenshot(page, f"criteria builder, {theme}")
    spoiled = {**document(page), "confidence": 2, "name": "pasted"}
    load_by_keyboard(page, json.dumps(spoiled))
    said = page.get_by_role("alert")
    said.get_by_text("confidence: confidence is 2").wait_for(timeout=MINUTE)
    assert "The nearest valid value is 0.9999." in said.inner_text()
    load_by_keyboard(page, json.dumps({**spoiled, "confidence": 0.9}))
    wait_for_text(page, "The document, as JSON", '"pasted"')
    assert document(page) == {**spoiled, "confidence": 0.9}
    page.get_by_role("button", name="Publish", exact=True).focus()
    page.keyboard.press("Enter")
    read = FairnessCriteria.from_json(json.dumps({**spoiled, "confidence": 0.9}))
    published = f"Published, fingerprint {read.fingerprint[:12]}"
    page.get_by_role("status").get_by_text(published).wait_for(timeout=MINUTE)
    assert page.get_by_label("consistency", exact=True).is_disabled()
    assert watched_page.problems == [] and watched_page.asked_outside == []


def a_report() -> AuditReport:
    asked = Criterion("selection_rate_difference", 0.1, (HOSTILE, "sex"))
    groups = (
        GroupRate(HOSTILE, 90, 0.25, 0.2, 0.31),
        GroupRate("men", 80, 0.5, 0.4, 0.6),
    )
    finding = Finding(asked, 0.25, 0.125, 0.375, "violates", groups, HOSTILE)
    return AuditReport(
        number=1,
        criteria=FairnessCriteria((asked,), name=HOSTILE),
        findings=(finding,),
        accuracy=(0.8, 0.75, 0.85),
        constant_accuracy=0.7,
        rows=170,
        representation="r",
        submission="s",
        recomputed={"lipschitz": 3.0},
        flags=(HOSTILE, "</script><img src=x onerror=alert(1)>"),
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_reports_page_opens_anywhere(watched_page, tmp_path, scheme):
    page, report = watched_page.page, a_report()
    report.write_html(tmp_path / "report.html")
    asked = []
    page.on("request", lambda request: asked.append(request.url[:5]))
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 1000, "height": 1200})
    page.goto((tmp_path / "report.html").as_uri())
    assert page.title() == "Audit report, round 1: violates"
    assert set(asked) <= {"file:", "data:"} and asked.count("file:") == 1
    assert page.evaluate(
        "JSON.parse(document.getElementById('report').textContent)"
    ) == (json.loads(report.to_json()))
    loaded = "[...document.images].map(i => i.complete && i.naturalWidth > 0)"
    assert page.evaluate(loaded) == [True, True]
    assert page.get_by_role("heading", level=1).inner_text().startswith("✗ violates")
    assert page.get_by_role("heading", level=2).all_inner_texts()[:2] == [
        "Findings",
        "Noticed beyond the criteria",
    ]
    light, dark = "rgb(255, 255, 255)", "rgb(22, 25, 29)"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == (light if scheme == "light" else dark)
    screenshot(page, f"report page, {scheme}", part="body")
    page.emulate_media(media="print", color_scheme=scheme)
    printed = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert printed == light
    page.set_viewport_size({"width": 320, "height": 600})  # a phone
    page.emulate_media(media="screen")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 320
    assert re.search(r"taken over|alert", page.title()) is None
    assert watched_page.problems == [] and watched_page.asked_outside == []
