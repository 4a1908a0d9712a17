"""The twin finder: who is near, who is treated otherwise, and that it is said."""

import re

import pandas as pd
import pytest
import torch

from fairtutor import FairtutorError
from fairtutor.figures.twins import image_strip
from fairtutor.widgets import TwinFinder, twin_finder


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


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_one_candidate_is_enough_where_nobody_is_tied(unit, monkeypatch):
    monkeypatch.setattr(twin_finder, "CANDIDATES", 1)
    draw = torch.Generator().manual_seed(5)
    X = torch.randn(400, 3, generator=draw).double()
    # Near pairs are treated nearly alike, so that the largest D is not the worst.
    p = (0.5 + 0.1 * X[:, 0] + 0.01 * torch.randn(400, generator=draw)).clamp(0, 1)
    # Two threes that have each other for neighbours and would be worst if all counted.
    X[:6] = 9 + torch.tensor([[0.0], [0.01], [0.02], [0.07], [0.08], [0.09]])
    p[:3], p[3:6] = 0.2, 0.8
    table = pd.DataFrame({"age": range(400)})
    panel = TwinFinder(p, {"x": X * unit}, people=table, neighbours=2)
    apart = (X[:, None] - X).norm(dim=2)
    near = apart.fill_diagonal_(torch.inf).argsort(1)[:, :2]
    ratio = (p[near] - p[:, None]).abs() / apart.gather(1, near)
    panel.find_worst()
    best = panel.value["row"]
    assert ratio[best].max().item() == pytest.approx(ratio.max().item())
    assert panel.ratios.max().item() * unit == pytest.approx(ratio.max().item())


def test_all_in_one_place_are_looked_at_too():
    p, _, table = people()
    panel = TwinFinder(p, {"x": torch.zeros(40, 2)}, people=table, neighbours=4)
    panel.find_worst()
    assert {panel.value["row"], panel.nearest[0].item()} == {
        int(p.argmin()),
        int(p.argmax()),
    }


def test_who_is_the_same_and_treated_otherwise_is_the_worst():
    X = torch.tensor([[0.0], [4.0], [4.0], [9.0]])
    p = torch.tensor([0.1, 0.2, 0.7, 0.3])
    table = pd.DataFrame({"age": [1, 2, 2, 3]})
    panel = TwinFinder(p, {"age": X}, people=table, neighbours=1)
    panel.find_worst()
    assert panel.value["row"] in (1, 2)
    assert panel.ratios.tolist() == [float("inf")]
    assert "Largest D/ρ: infinite." in panel.status
    assert "<td" in panel._board.value and ">infinite<" in panel._board.value


def with_ties(n=60, classes=0, unit=1.0):
    """Few places and many people, so that more are equally near than are shown."""
    draw = torch.Generator().manual_seed(3)
    X = torch.randint(0, 3, (n, 2), generator=draw).double() * unit
    p = torch.rand(n, max(classes, 1), generator=draw)
    p = p / p.sum(1, keepdim=True) if classes else p[:, 0]
    outcomes = "abc"[: classes or 2]
    table = pd.DataFrame({"n": range(n)})
    return TwinFinder(p, {"x": X}, people=table, neighbours=3, outcomes=outcomes)


def in_order(panel, row):
    """Return distance, difference and row of all others, as two nested loops do."""
    X, p = panel._distances["x"].tolist(), panel.p.reshape(len(panel.p), -1).tolist()
    half = 1.0 if len(p[0]) == 1 else 0.5
    others = [
        (
            sum((a - b) ** 2 for a, b in zip(X[i], X[row], strict=True)) ** 0.5,
            -half * sum(abs(a - b) for a, b in zip(p[i], p[row], strict=True)),
            i,
        )
        for i in range(len(p))
        if i != row
    ]
    return [(rho, -minus, i) for rho, minus, i in sorted(others)]


@pytest.mark.parametrize("classes", [0, 3])
def test_of_equally_near_ones_the_most_differently_treated_come_first(classes):
    panel = with_ties(classes=classes)
    for row in range(60):
        panel.value = {"row": row}
        assert panel.nearest.tolist() == [i for *_, i in in_order(panel, row)[:3]]


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_the_worst_of_many_ties_is_that_of_a_loop(classes, unit):
    panel = with_ties(classes=classes, unit=unit)
    differences = [
        max(D for rho, D, _ in in_order(panel, row)[:3] if rho == 0)
        for row in range(60)
    ]
    panel.find_worst()
    assert differences[panel.value["row"]] == pytest.approx(max(differences))
    assert panel.ratios[0] == float("inf")


def test_the_ratio_of_every_neighbour_is_told():
    panel = panel_of(row=11)
    line = re.search(r">ratio D/ρ</th>(.*?)</tr>", panel._board.value).group(1)
    cells = re.findall(r">([^<]*)</td>", line)
    assert cells == ["", *(f"{ratio:.3g}" for ratio in panel.ratios)]


def test_a_large_ratio_is_written_out():
    X, p = torch.tensor([[0.0], [0.0005], [9.0]]), torch.tensor([0.1, 0.9, 0.5])
    table = pd.DataFrame({"age": [1, 2, 3]})
    panel = TwinFinder(p, {"age": X}, people=table, neighbours=1)
    assert panel.status.endswith("Largest D/ρ: 1,600.")


def test_missing_values_and_outcomes_have_names():
    p, X, table = people()
    table.loc[0, "job"] = None
    panel = TwinFinder(p, {"x": X}, people=table, outcomes=("<50K", ">50K"))
    assert "(missing)" in panel._board.value
    assert "P(&gt;50K)" in panel._board.value and "<50K" not in panel._board.value


def test_differences_are_marked_with_a_sign():
    panel = panel_of(row=2)
    table = people()[2]
    for column in ("age", "job"):
        values = table[column].iloc[[2, *panel.nearest.tolist()]].astype(str).tolist()
        line = re.search(rf">{column}</th>(.*?)</tr>", panel._board.value).group(1)
        assert line.count("≠") == sum(value != values[0] for value in values)


def test_images_have_captions_and_classes(drawn):
    draw = torch.Generator().manual_seed(1)
    images = torch.rand(20, 4, 4, generator=draw)
    p = torch.rand(20, 3, generator=draw).softmax(1)
    panel = TwinFinder(
        p, {"pixels": images.flatten(1)}, images=images, outcomes=["x", "y", "z"]
    )
    [alt] = drawn(panel)
    own = "xyz"[p[0].argmax()]
    assert f"row 0: {own}, P(class) = {p[0].max():.2f}, chosen" in alt
    for i, ratio in zip(panel.nearest, panel.ratios, strict=True):
        rho = (images[i] - images[0]).double().norm()
        assert f"row {i}: " in alt and f"ρ = {rho:.3g}, D/ρ = {ratio:.3g}" in alt
    others = ["xyz"[p[i].argmax()] for i in panel.nearest]
    assert alt.count("✗") == sum(other != own for other in others)


def test_the_snapshot_needs_no_kernel_and_is_the_same_every_time():
    assert panel_of().snapshot() == panel_of().snapshot()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"row": 40}, "Row 40; use 0 to 39"),
        ({"row": "3"}, "Row '3'; use 0 to 39"),
        ({"row": 1.5, "distance": "the first"}, "Row 1.5; use 0 to 39"),
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
    with pytest.raises(FairtutorError, match="Row 40; use 0 to 39"):
        TwinFinder(p, {"x": X}, people=table, row=40)
    with pytest.raises(FairtutorError, match="3 outcomes have names, and p has 2"):
        TwinFinder(p, {"x": X}, people=table, outcomes="abc")
    with pytest.raises(FairtutorError, match="there is none"):
        TwinFinder(p, {}, people=table)
    with pytest.raises(FairtutorError, match="x has a coordinate that is not finite"):
        TwinFinder(p, {"x": X / 0}, people=table)
    with pytest.raises(FairtutorError, match="no probability"):
        TwinFinder(p - 1, {"x": X}, people=table)
    with pytest.raises(FairtutorError, match=r"use \(n, height, width\)"):
        TwinFinder(p, {"x": X}, images=X)
    with pytest.raises(FairtutorError, match="2 images, 1 captions"):
        image_strip(torch.zeros(2, 3, 3), ["a"], [True, False])


def test_every_control_has_a_label_and_says_what_it_does():
    panel = panel_of()
    for control in (*panel.controls.values(), panel.worst):
        assert control.description and control.tooltip
