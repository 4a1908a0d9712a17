"""The explorers of cells and of constants in a real browser, by keyboard alone."""

import re

import pytest

from fairtutor.theory.robustness import robustness_bound

from .acts import (
    MINUTE,
    THEMES,
    assert_nothing_went_wrong,
    focus,
    screenshot,
    wait_for_drawing,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BOUND = """
import torch
from fairtutor.widgets import BoundExplorer

z = torch.linspace(0, 1, 2_000).double()
BoundExplorer((z, z.round()), (z, z.round()), lambda z: z, L=1.0, pieces=16)
"""
DIAL = """
import torch
from fairtutor.theory.lipschitz import LipschitzNetwork
from fairtutor.training import seeded
from fairtutor.widgets import LipschitzDial

draw = torch.Generator().manual_seed(0)
Z = torch.randn(200, 2, generator=draw)
rows = Z, (Z[:, 0] > 0).float()
with seeded(0):
    nets = [LipschitzNetwork(2, 8, 1, L=4 * L) for L in (0.5, 1.0, 2.0)]
LipschitzDial([net.export()[0] for net in nets], rows, rows)
"""


def status(page, words: str):
    found = page.get_by_role("status").filter(has_text=words)
    found.wait_for(timeout=MINUTE)
    return found.inner_text()


@pytest.mark.parametrize("theme", THEMES)
def test_cells_are_counted_by_keyboard(run_in_lab, watched_page, theme):
    page = watched_page.page
    run_in_lab(BOUND, theme)
    said = status(page, "16 pieces, K = 32")
    assert f"= {robustness_bound(1 / 16, 32, 2_000):.3f}" in said
    focus(page, "pieces of the line")
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    said = status(page, "32 pieces, K = 64")
    assert f"= {robustness_bound(1 / 32, 64, 2_000):.3f}" in said
    wait_for_drawing(page, "a line of 32 cells")
    screenshot(page, f"bound explorer, {theme}")
    assert_nothing_went_wrong(watched_page)


@pytest.mark.parametrize("theme", THEMES)
def test_a_constant_is_dialled_by_keyboard(run_in_lab, watched_page, theme):
    page = watched_page.page
    run_in_lab(DIAL, theme)
    before = status(page, "L = 1:")
    focus(page, "L")
    page.keyboard.press("ArrowRight")
    after = status(page, "L = 2:")

    def certified(words):
        return float(re.search(r"certified at [\d.]+ (\d\.\d+)", words).group(1))

    assert certified(after) <= 1 and after != before
    focus(page, "radius")
    page.keyboard.press("ArrowRight")
    farther = status(page, "certified at 0.11")
    assert certified(farther) <= certified(after)
    wait_for_drawing(page, "At L = 2 the model")
    screenshot(page, f"lipschitz dial, {theme}")
    assert_nothing_went_wrong(watched_page)
