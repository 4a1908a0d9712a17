"""The dial: what it says of each constant is so."""

import pytest
import torch
from torch import nn

from fairtutor import FairtutorError
from fairtutor.theory.lipschitz import (
    LipschitzNetwork,
    certified_accuracy,
    lipschitz_bound,
)
from fairtutor.training import seeded
from fairtutor.widgets import LipschitzDial

CONSTANTS = (0.5, 1.0, 2.0, 4.0)


def rows(seed):
    draw = torch.Generator().manual_seed(seed)
    Z = torch.randn(120, 2, generator=draw)
    return Z, (Z[:, 0] + 0.3 * torch.randn(120, generator=draw) > 0).float()


@pytest.fixture(scope="module")
def models():
    with seeded(0):
        nets = [LipschitzNetwork(2, 8, 1, L=4 * L) for L in CONSTANTS]
    return [net.export()[0] for net in nets]


@pytest.fixture
def panel(models):
    return LipschitzDial(models[::-1], rows(0), rows(1), outcomes=("3", "8"))


def test_constants_are_recomputed_and_sorted(panel, models):
    expected = sorted(lipschitz_bound(model) / 4 for model in models)
    assert panel.constants == expected
    assert expected == pytest.approx(CONSTANTS, rel=1e-4)


def test_the_measures_are_those_of_the_model(panel, models, drawn):
    Z, y = rows(1)
    for model, L in zip(models, CONSTANTS, strict=True):
        panel.value = {"L": L, "radius": 0.2}
        t = model(Z)[:, 0].double()
        wrong = (y - t.sigmoid()).abs().mean().item()
        kept = certified_accuracy(t, y, lipschitz_bound(model), [0.0, 0.2])
        assert panel.measures["error, fresh"] == pytest.approx(wrong, abs=1e-6)
        assert panel.measures["accuracy, fresh"] == pytest.approx(kept[0].item())
        assert panel.measures["certified at 0.2"] == pytest.approx(kept[1].item())
        assert f"error, fresh {wrong:.3f}" in panel.status
        assert f"At L = {L:g} the model" in drawn(panel)[0]
    panel.raise_errors()


def test_moving_a_control_changes_what_is_shown(panel, drawn):
    before = drawn(panel)[0]
    panel.controls["L"].value = 0
    assert drawn(panel)[0] != before
    panel.controls["radius"].value = 0.5
    assert "certified at 0.5" in drawn(panel)[0]
    panel.raise_errors()


def test_the_nearest_constant_is_taken(panel):
    panel.value = {"L": 2.7}
    assert panel.value["L"] == pytest.approx(2.0, rel=1e-4)
    panel.value = {"L": 100.0}
    assert panel.value["L"] == pytest.approx(4.0, rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"L": float("inf")}, "L is inf; use a number"),
        ({"L": 0}, "L is 0; use a number"),
        ({"L": "1"}, "L is '1'; use a number"),
        ({"radius": 1.5}, "use a number from 0 to 1"),
        ({"l": 2}, "There is no setting 'l'"),
    ],
)
def test_a_wrong_value_from_code_is_refused_and_changes_nothing(panel, settings, said):
    before = panel.value, panel.snapshot()
    with pytest.raises(FairtutorError, match=said):
        panel.value = settings
    assert (panel.value, panel.snapshot()) == before


def test_models_that_cannot_be_dialled_are_named(models):
    with pytest.raises(FairtutorError, match="There is no model"):
        LipschitzDial([], rows(0), rows(1))
    with pytest.raises(FairtutorError, match="rows of two numbers"):
        LipschitzDial(models, (torch.zeros(3, 1), torch.zeros(3)), rows(1))
    flat = nn.Sequential(nn.Linear(2, 1))
    nn.init.zeros_(flat[0].weight)
    with pytest.raises(FairtutorError, match="constant 0"):
        LipschitzDial([flat], rows(0), rows(1))
    with pytest.raises(FairtutorError, match="answers with 3 numbers"):
        LipschitzDial([nn.Sequential(nn.Linear(2, 3))], rows(0), rows(1))
    with pytest.raises(FairtutorError, match=r"what a LipschitzNetwork's export"):
        LipschitzDial([LipschitzNetwork(2, 8, 1)], rows(0), rows(1))


def test_the_snapshot_needs_no_kernel_and_is_the_same_every_time(models):
    first, second = (LipschitzDial(models, rows(0), rows(1)) for _ in range(2))
    assert first.snapshot() == second.snapshot()


def test_every_control_has_a_label_and_says_what_it_does(panel):
    for control in panel.controls.values():
        assert control.description and control.tooltip
