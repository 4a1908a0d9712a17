"""The explorer of cells: what it says is the theorem's formula."""

import pytest
import torch

from fairtutor import FairtutorError
from fairtutor.theory.robustness import robustness_bound
from fairtutor.widgets import BoundExplorer


def panel_of(pieces=25, n=4_000, L=2.0):
    draw = torch.Generator().manual_seed(0)
    z = torch.rand(n, generator=draw).double()
    y = (torch.rand(n, generator=draw) < z).double()
    sample, fresh = (z[: n // 2], y[: n // 2]), (z[n // 2 :], y[n // 2 :])
    return BoundExplorer(
        sample, fresh, lambda z: (0.5 + L * (z - 0.5)).clamp(0, 1), L, pieces=pieces
    )


def test_the_parts_are_those_of_the_theorem(drawn):
    panel = panel_of()
    for pieces in (1, 10, 100):
        panel.value = pieces
        assert panel.value == pieces
        epsilon = 2.0 / pieces
        assert panel.parts["epsilon"] == pytest.approx(epsilon)
        expected = robustness_bound(epsilon, 2 * pieces, 2_000)
        assert panel.parts["bound"] == pytest.approx(expected)
        assert f"= {expected:.3f}" in panel.status
        assert f"a line of {pieces} cells" in drawn(panel)[0]
    panel.raise_errors()


def test_moving_the_slider_changes_what_is_shown(drawn):
    panel = panel_of()
    before = panel.status, drawn(panel)[0]
    panel.slider.value = 100
    assert panel.status != before[0] and drawn(panel)[0] != before[1]
    panel.raise_errors()


def test_the_gap_is_that_of_the_two_samples():
    panel = panel_of()
    assert f"Measured gap: {panel.gap:.4f}" in panel.status
    assert panel.gap < panel.parts["bound"]


def test_the_snapshot_needs_no_kernel_and_is_the_same_every_time():
    assert panel_of().snapshot() == panel_of().snapshot()
    assert "pieces, K = 50" in panel_of().snapshot()


@pytest.mark.parametrize("pieces", [0, 513])
def test_a_number_that_is_no_cell_count_is_refused(pieces):
    panel = panel_of()
    with pytest.raises(FairtutorError, match="a whole number from 1 to 512"):
        panel.value = pieces
    assert panel.value == 25


def test_a_line_without_ends_is_refused():
    z = torch.tensor([0.5, 1.5])
    with pytest.raises(FairtutorError, match="outside 0 … 1"):
        BoundExplorer((z, z), (z, z), lambda z: z, 1.0)


def test_the_control_has_a_label_and_says_what_it_does():
    slider = panel_of().slider
    assert slider.description and slider.tooltip
