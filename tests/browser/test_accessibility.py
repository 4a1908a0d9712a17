"""Every panel for people without a mouse, with a screen reader, at 200% zoom.

With FAIRTUTOR_ACCESSIBILITY=file the figures are also written as a table, for
docs/accessibility.md.
"""

import os
from collections import Counter
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from fairtutor import widgets

from .acts import MINUTE, assert_nothing_went_wrong
from .test_audit_explorer import EXPLORER as AUDIT
from .test_cell_explorer import EXPLORER as CELLS
from .test_constant_panels import BOUND, DIAL
from .test_distance_game import GAME
from .test_elicitation_panel import PANEL as ELICITATION
from .test_loop_panel import EXPLORER as THRESHOLDS
from .test_loop_panel import SMALL as LOOP
from .test_neighbour_explorer import EXPLORER as NEIGHBOURS
from .test_producer_panel import PANEL as PRODUCER
from .test_regulator_panel import CELL as REGULATOR
from .test_twin_finder import FINDER as TWINS
from .test_user_panel import PANEL as USER

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long]

PANELS = {
    "AuditExplorer": AUDIT,
    "BoundExplorer": BOUND,
    "CellExplorer": CELLS,
    "DistanceGame": GAME,
    "ElicitationPanel": ELICITATION,
    "LipschitzDial": DIAL,
    "LoopPanel": LOOP,
    "NeighbourExplorer": NEIGHBOURS,
    "ProducerPanel": PRODUCER,
    "RegulatorPanel": REGULATOR,
    "ThresholdExplorer": THRESHOLDS,
    "TwinFinder": TWINS,
    "UserPanel": USER,
}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
SERIOUS = ("serious", "critical")
# What the keyboard should reach. A group of radio buttons is reached as one.
CONTROLS = """(panel, number) => {
    const all = [...panel.querySelectorAll(
        "button, input, select, textarea, summary, [tabindex='0'], [role='slider']")];
    const seen = all.filter(node => !node.disabled && node.tabIndex >= 0
        && node.getClientRects().length && !node.closest("[aria-hidden='true']")
        && getComputedStyle(node).visibility === "visible");
    window.controls = [...new Set(seen)];
    return window.controls.map(node =>
        node.getAttribute("aria-label") || node.textContent.trim().slice(0, 30)
        || node.labels?.[0]?.textContent || node.outerHTML.slice(0, 80));
}"""
LOOK = """() => {
    const node = document.activeElement;
    const at = window.controls.indexOf(node);
    const style = getComputedStyle(node);
    const outline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    const line = node.querySelector("[pointer-events='stroke']");  // of an arrow
    const shines = line && parseFloat(getComputedStyle(line).strokeOpacity) > 0.3;
    return [at, outline || shines || style.boxShadow !== "none"];
}"""
# Controls that lie outside the panel, or one upon another.
MISPLACED = """panel => {
    const frame = panel.getBoundingClientRect();
    const boxes = window.controls
        .filter(node => !node.closest("svg, [role='region']"))
        .map(node => [node, node.getBoundingClientRect()]);
    const name = node => node.getAttribute("aria-label") || node.textContent
        || node.outerHTML.slice(0, 80);
    const found = [];
    for (const [node, box] of boxes) {
        if (box.left < frame.left - 1 || box.right > frame.right + 1)
            found.push("outside: " + name(node));
        for (const [other, at] of boxes) {
            const over = Math.min(box.right, at.right) - Math.max(box.left, at.left);
            const down = Math.min(box.bottom, at.bottom) - Math.max(box.top, at.top);
            if (node !== other && !node.contains(other) && !other.contains(node)
                && over > 2 && down > 2) found.push("upon another: " + name(node));
        }
    }
    return found;
}"""


def test_every_panel_of_the_library_is_looked_at():
    panels = {name for name in widgets.__all__ if name != "Panel"}
    assert panels == set(PANELS)


def violations(page, place: int) -> list[dict]:
    """Return what axe-core finds in the panel at a place on the page."""
    mark = f"looked-at-{place}"
    page.locator(".fairtutor-panel").nth(place).evaluate(
        "(panel, mark) => { panel.id = mark; }", mark
    )
    return Axe().run(page, context=f"#{mark}", options=RULES).response["violations"]


def walked(page, panel) -> tuple[list[str], list[str]]:
    """Press Tab through a panel; return the controls missed, and those not marked."""
    names = panel.evaluate(CONTROLS)
    page.evaluate("() => window.controls[0].focus()")
    page.keyboard.press("Shift+Tab")
    reached, unmarked = set(), []
    for _ in range(len(names) + 8):
        page.keyboard.press("Tab")
        at, marked = page.evaluate(LOOK)
        if at >= 0 and at not in reached:
            reached.add(at)
            unmarked += [names[at]] * (not marked)
    missed = [name for at, name in enumerate(names) if at not in reached]
    return missed, unmarked


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_panels_are_for_everybody(run_in_lab, watched_page, theme):
    page = watched_page.page
    run_in_lab(list(PANELS.values()), theme)
    panels = page.locator(".fairtutor-panel")
    panels.nth(len(PANELS) - 1).wait_for(timeout=MINUTE)
    page.wait_for_timeout(2000)
    assert panels.count() == len(PANELS)
    wrong, lines = [], []
    for place, name in enumerate(PANELS):
        panel = panels.nth(place)
        panel.scroll_into_view_if_needed()
        found = violations(page, place)
        for rule in found:
            if rule["impact"] in SERIOUS:
                nodes = [node["html"][:160] for node in rule["nodes"][:4]]
                wrong.append((name, rule["id"], rule["help"], *nodes))
        controls = len(panel.evaluate(CONTROLS))
        missed, unmarked = walked(page, panel)
        wrong += [(name, "not reached by Tab", each) for each in missed]
        wrong += [(name, "no visible focus", each) for each in unmarked]
        impacts = Counter(rule["impact"] for rule in found)
        lines.append(
            f"| {name} | {theme.split()[-1].lower()} "
            f"| {sum(impacts[impact] for impact in SERIOUS)} "
            f"| {impacts['moderate'] + impacts['minor']} "
            f"| {controls - len(missed)} of {controls} |"
        )
    page.set_viewport_size({"width": 640, "height": 900})  # 1280 pixels at 200% zoom
    page.keyboard.press("Control+b")  # the side bar makes room
    page.wait_for_timeout(1000)
    for place, name in enumerate(PANELS):
        panel = panels.nth(place)
        panel.evaluate(CONTROLS)
        wrong += [(name, "at 200%", each) for each in panel.evaluate(MISPLACED)]
    write(lines)
    assert wrong == [], "\n".join(map(repr, wrong))
    assert_nothing_went_wrong(watched_page)


def write(lines: list[str]) -> None:
    """Add lines to the table, where somebody asks for one."""
    path = os.environ.get("FAIRTUTOR_ACCESSIBILITY")
    if path:
        with Path(path).open("a", encoding="utf-8") as report:
            report.write("".join(f"{line}\n" for line in lines))
