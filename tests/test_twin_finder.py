"""The twin finder: who is near, who is treated otherwise, and that it is said."""

import re

import pandas as pd
import pytest
import torch

from fairtutor import FairtutorError
from fairtutor.figures.twins import image_strip
from fairtutor.widgets import TwinFinder


def people(n=40):
    draw = torch.Generator().manual_seed(0)
    X = torch.randn(n, 3, generator=draw)
    p = torch.rand(n, generator=draw)
    table = pd.DataFrame({"age": range(n), "job": ["a", "b"] * (n // 2)})
    return p, X, table


def panel_of(**settings):
    p, X, table = people()
    distances = {"all columns": X, "the first": X[:, :1]}
    return TwinFinder(p, distances, people=table, neighbours=4, **settings)


def test_the_nearest_are_those_of_a_loop():
    panel, (p, X, _) = panel_of(), people()
    for row in (0, 7, 39):
        panel.value = {"row": row}
        apart = sorted(
            ((X[i] - X[row]).double().norm().item(), i) for i in range(40) if i != row
        )
        assert panel.nearest.tolist() == [i for _, i in apart[:4]]
        ratios = [abs(p[i] - p[row]).item() / rho for rho, i in apart[:4]]
        assert panel.ratios.tolist() == pytest.approx(ratios, rel=1e-5)
    panel.raise_errors()


def test_the_status_counts_other_decisions():
    panel, (p, _, _) = panel_of(row=5), people()
    yes = bool(p[5] >= 0.5)
    other = sum(bool(p[i] >= 0.5) != yes for i in panel.nearest)
    assert panel.status.startswith(f"Row 5 gets {'yes' if yes else 'no'}; {other} of")
    assert panel._board.value.count("✗ ") == other + 1  # and the line that explains it


def test_another_distance_has_other_neighbours():
    panel = panel_of()
    before = panel.nearest.tolist(), panel._board.value
    panel.value = {"distance": "the first"}
    assert panel.nearest.tolist() != before[0]
    assert panel._board.value != before[1]
    assert panel.value == {"row": 0, "distance": "the first"}


def test_the_worst_twins_have_the_largest_ratio():
    panel = panel_of()
    panel.worst.click()
    found, largest = panel.value["row"], panel.ratios.max().item()
    for row in range(40):
        panel.value = {"row": row}
        assert panel.ratios.max().item() <= largest + 1e-9
    panel.value = {"row": found}
    panel.raise_errors()


def test_who_is_the_same_and_treated_otherwise_is_the_worst():
    X = torch.tensor([[0.0], [4.0], [4.0], [9.0]])
    p = torch.tensor([0.1, 0.2, 0.7, 0.3])
    table = pd.DataFrame({"age": [1, 2, 2, 3]})
    panel = TwinFinder(p, {"age": X}, people=table, neighbours=1)
    panel.find_worst()
    assert panel.value["row"] in (1, 2)
    assert panel.ratios.tolist() == [float("inf")]
    assert "ratio D/ρ is inf" in panel.status


def test_differences_are_marked_with_a_sign():
    panel = panel_of(row=2)
    table = people()[2]
    for column in ("age", "job"):
        values = table[column].iloc[[2, *panel.nearest.tolist()]].astype(str).tolist()
        line = re.search(rf">{column}</th>(.*?)</tr>", panel._board.value).group(1)
        assert line.count("≠") == sum(value != values[0] for value in values)


def test_images_have_captions_and_classes():
    draw = torch.Generator().manual_seed(1)
    images = torch.rand(20, 4, 4, generator=draw)
    p = torch.rand(20, 3, generator=draw).softmax(1)
    panel = TwinFinder(
        p, {"pixels": images.flatten(1)}, images=images, outcomes=["x", "y", "z"]
    )
    alt = re.search(r'alt="([^"]+)"', panel._board.value).group(1)
    own = "xyz"[p[0].argmax()]
    assert f"row 0, {own} ({p[0].max():.2f}), chosen" in alt
    others = ["xyz"[p[i].argmax()] for i in panel.nearest]
    assert alt.count("✗") == sum(other != own for other in others)


def test_the_snapshot_needs_no_kernel_and_is_the_same_every_time():
    assert panel_of().snapshot() == panel_of().snapshot()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"row": 40}, "Row 40; use 0 to 39"),
        ({"distance": "all column"}, "Did you mean 'all columns'"),
        ({"rows": 3}, "Did you mean 'row'"),
    ],
)
def test_a_wrong_value_from_code_is_refused_and_changes_nothing(settings, said):
    panel = panel_of()
    before = panel.value, panel.snapshot()
    with pytest.raises(FairtutorError, match=said):
        panel.value = settings
    assert (panel.value, panel.snapshot()) == before


def test_rows_that_do_not_fit_are_named():
    p, X, table = people()
    with pytest.raises(FairtutorError, match="one of the two"):
        TwinFinder(p, {"x": X})
    with pytest.raises(FairtutorError, match="x has 39 rows, and p 40"):
        TwinFinder(p, {"x": X[1:]}, people=table)
    with pytest.raises(FairtutorError, match="use 1 to 39"):
        TwinFinder(p, {"x": X}, people=table, neighbours=40)
    with pytest.raises(FairtutorError, match="2 images, 1 captions"):
        image_strip(torch.zeros(2, 3, 3), ["a"], [True, False])


def test_every_control_has_a_label_and_says_what_it_does():
    panel = panel_of()
    for control in (*panel.controls.values(), panel.worst):
        assert control.description and control.tooltip
