"""The cell explorer in a real browser, driven by the keyboard alone."""

import re

import pytest

from fairtutor.widgets import CellExplorer

from .acts import (
    MINUTE,
    THEMES,
    assert_nothing_went_wrong,
    choose,
    focus,
    made_here,
    screenshot,
    wait_for_drawing,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EXPLORER = """
import torch
from fairtutor.similarity import Box, Cells, GridCells, TreeCells
from fairtutor.widgets import CellExplorer

draw = torch.Generator().manual_seed(0)
Z = torch.rand(400, 2, generator=draw).double()
p = (Z[:, 0] + 0.3 * torch.randn(400, generator=draw)).clamp(0, 1)
box = Box.unit(2)
cuts = {
    "nearest centre": lambda K: Cells.fit(Z, K, box=box),
    "grid": lambda K: GridCells(box, round(K**0.5)),
    "tree": lambda K: TreeCells(box, Z, K),
}
panel = CellExplorer(Z, p, cuts, cells=12)
panel
"""


def wait_for_panel(page, panel: CellExplorer) -> None:
    """Wait until the page shows the words and the cell that the panel does."""
    wait_for_drawing(page, panel._picture().alt)
    page.get_by_role("status").filter(has_text=panel.status).wait_for(timeout=MINUTE)
    shown = page.locator(f'[data-cell="{panel.value["cell"]}"] td')
    told = re.findall(r"<td[^>]*>([^<]*)</td>", panel._table.value)
    page.wait_for_function(
        "told => [...document.querySelectorAll('[data-cell] td')]"
        ".map(cell => cell.textContent).join('|') === told.join('|')",
        arg=told,
        timeout=MINUTE,
    )
    assert shown.count() == len(told)


@pytest.mark.parametrize("theme", THEMES)
def test_cells_are_explored_by_keyboard(run_in_lab, watched_page, theme):
    page = watched_page.page
    panel = made_here(EXPLORER)
    run_in_lab(EXPLORER, theme)
    wait_for_panel(page, panel)

    focus(page, "show cell")
    page.keyboard.press("ArrowRight")
    panel.value = {"cell": 1}
    wait_for_panel(page, panel)

    choose(page, "partition", "tree")
    panel.value = {"partition": "tree"}
    wait_for_panel(page, panel)

    focus(page, "show cell")
    page.keyboard.press("End")
    panel.value = {"cell": 11}
    wait_for_panel(page, panel)

    focus(page, "cells")
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    panel.controls["cells"].value = 10
    assert panel.value["cell"] == 9
    wait_for_panel(page, panel)

    page.locator('[data-pick="3"]').click()
    panel.value = {"cell": 3}
    wait_for_panel(page, panel)
    screenshot(page, f"cell explorer, {theme}")
    assert_nothing_went_wrong(watched_page)
