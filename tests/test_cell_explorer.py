"""The cell explorer: what it says of a cell is so."""

import re

import pytest
import torch

from fairtutor import FairtutorError
from fairtutor.figures.cells import cells_in_the_plane
from fairtutor.figures.chart import SHAPES
from fairtutor.figures.style import GROUP_COLOURS
from fairtutor.similarity import Box, Cells, GridCells, TreeCells
from fairtutor.widgets import CellExplorer


def panel_of(cells=9):
    draw = torch.Generator().manual_seed(0)
    Z = torch.rand(300, 2, generator=draw).double()
    p = (Z[:, 0] + 0.3 * torch.randn(300, generator=draw)).clamp(0, 1)
    box = Box.unit(2)
    partitions = {
        "nearest centre": lambda K: Cells.fit(Z, K, box=box),
        "grid": lambda K: GridCells(box, max(1, round(K**0.5))),
        "tree": lambda K: TreeCells(box, Z, K),
    }
    return CellExplorer(Z, p, partitions, cells=cells)


def test_what_is_said_of_a_cell_is_so(drawn):
    panel = panel_of()
    for partition, number in (("nearest centre", 9), ("grid", 16), ("tree", 20)):
        panel.value = {"partition": partition, "cells": number, "cell": 5}
        cells = panel._chosen()
        inside = cells.assign(panel.Z) == 5
        share = (panel.p[inside] >= 0.5).double().mean()
        told = f"Cell 5: {int(inside.sum())} people, {share:.0%} yes."
        assert told in drawn(panel)[0]
        assert f"{share:.0%}" in panel._table.value
        assert f"{cells.diameters[5]:.2f}" in panel._table.value
    panel.raise_errors()


def test_the_agreement_is_that_of_a_loop():
    panel = panel_of()
    code, y_hat = panel._chosen().assign(panel.Z), (panel.p >= 0.5).double()
    terms = [1 - abs(y_hat[i] - y_hat[code == code[i]].mean()) for i in range(300)]
    assert panel.agreement == pytest.approx(sum(terms).item() / 300)
    assert f"{panel.agreement:.3f}" in panel.status


def test_the_agreement_in_a_cell_is_that_of_a_loop():
    panel = panel_of()
    code, y_hat = panel._chosen().assign(panel.Z), (panel.p >= 0.5).double()
    for cell in range(len(panel._chosen())):
        panel.value = {"cell": cell}
        own = y_hat[code == cell].tolist()
        mean = sum(own) / len(own)
        agreement = sum(1 - abs(y - mean) for y in own) / len(own)
        row = f"same cell, same treatment</td>.*?>{agreement:.3f}</td>"
        assert re.search(row, panel._table.value)
        spread = sorted(panel.p[code == cell].tolist())
        assert f"{spread[0]:.2f}, " in panel._table.value
        assert f", {spread[-1]:.2f}" in panel._table.value


def test_an_empty_cell_is_told_of(drawn):
    Z = torch.full((20, 2), 0.1).double()
    grid = {"grid": lambda K: GridCells(Box.unit(2), round(K**0.5))}
    panel = CellExplorer(Z, torch.ones(20), grid, cells=4)
    panel.value = {"cell": 3}
    assert "Cell 3: 0 people" in drawn(panel)[0]
    assert "same cell" not in panel._table.value
    panel.raise_errors()


def test_another_partition_keeps_a_cell_that_it_has():
    panel = panel_of(cells=20)
    panel.value = {"cell": 19}
    panel.value = {"partition": "grid", "cells": 16}
    assert panel.value == {"partition": "grid", "cells": 16, "cell": 15}


def test_a_setting_draws_once(monkeypatch):
    panel, drawn = panel_of(), []
    draw = panel._picture
    monkeypatch.setattr(panel, "_picture", lambda: drawn.append(1) or draw())
    panel.value = {"partition": "tree", "cells": 20, "cell": 3}
    assert len(drawn) == 1
    panel.controls["cells"].value = 2
    assert len(drawn) == 2 and panel.value["cell"] == 1


def test_decisions_differ_in_marker_and_the_grey_is_explained():
    panel = panel_of()
    svg = panel._picture().svg
    yes = int((panel.p >= 0.5).sum())
    for marker, colour, number in (("o", 1, 300 - yes), ("^", 0, yes)):
        found = re.findall(f' d="([^"]+)" fill="{GROUP_COLOURS[colour]}"', svg)
        assert max(path.count(SHAPES[marker]) for path in found) == number
    words = re.findall(r">([^<>]+)</text>", svg)
    assert "cell: half and half" in words
    assert words.index("no") < words.index("yes") < words.index("cell: all alike")


def test_a_click_on_a_cell_chooses_it():
    panel = panel_of()
    panel._board.hear({"act": "pick", "name": "5"})
    assert panel.value["cell"] == 5
    panel._board.hear({"act": "pick", "name": "99"})
    assert "use 0 to 8" in panel.snapshot() and panel.value["cell"] == 5
    with pytest.raises(FairtutorError, match="use 0 to 8"):
        panel.raise_errors()


def test_smaller_cells_agree_more():
    panel = panel_of()
    found = []
    for number in (2, 9, 49):
        panel.value = {"partition": "grid", "cells": number, "cell": 0}
        found.append(panel.agreement)
    assert found == sorted(found)


def test_moving_a_control_changes_what_is_shown(drawn):
    panel = panel_of()
    before = drawn(panel)[0], panel.status
    panel.controls["cells"].value = 30
    assert panel.status != before[1]
    panel.controls["cell"].value = 3
    assert "Cell 3:" in drawn(panel)[0]
    panel.controls["partition"].value = "tree"
    assert "(tree)" in panel.status
    panel.raise_errors()


def test_fewer_cells_bring_the_chosen_one_back():
    panel = panel_of(20)
    panel.controls["cell"].value = 19
    panel.controls["cells"].value = 4
    assert panel.value["cell"] <= 3
    panel.raise_errors()


def test_the_snapshot_needs_no_kernel_and_is_the_same_every_time():
    assert panel_of().snapshot() == panel_of().snapshot()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cells": 61}, "61 cells; use 2 to 60"),
        ({"cells": "9"}, "'9' cells; use 2 to 60"),
        ({"cell": 1.5}, "Cell 1.5; use 0 to 8"),
        ({"cell": 9}, "Cell 9; use 0 to 8"),
        ({"partition": "trees"}, "Did you mean 'tree'"),
        ({"cels": 4}, "Did you mean 'cells'"),
    ],
)
def test_a_wrong_value_from_code_is_refused_and_changes_nothing(settings, said):
    panel = panel_of()
    before = panel.value, panel.snapshot()
    with pytest.raises(FairtutorError, match=said):
        panel.value = settings
    assert (panel.value, panel.snapshot()) == before


def test_what_cannot_be_shown_is_refused():
    Z, grid = torch.rand(4, 2), {"grid": lambda K: GridCells(Box.unit(2), 2)}
    with pytest.raises(FairtutorError, match="61 cells; use 2 to 60"):
        CellExplorer(Z, torch.zeros(4), grid, cells=61)
    with pytest.raises(FairtutorError, match="there is none"):
        CellExplorer(Z, torch.zeros(4), {})
    with pytest.raises(FairtutorError, match="some p not from 0 to 1"):
        CellExplorer(Z, torch.full((4,), 2.0), grid)
    with pytest.raises(FairtutorError, match="Some Z is not finite"):
        CellExplorer(Z / 0, torch.zeros(4), grid)


def test_points_outside_the_plane_are_refused():
    with pytest.raises(FairtutorError, match="rows of two numbers"):
        CellExplorer(torch.zeros(4, 3), torch.zeros(4), {})
    with pytest.raises(FairtutorError, match="rows of two numbers"):
        cells_in_the_plane([], torch.zeros(4, 2), [1, 0], [0, 0])


def test_every_control_has_a_label_and_says_what_it_does():
    for control in panel_of().controls.values():
        assert control.description and control.tooltip
