"""Bounded cells: everybody is in one, and no two people of one are farther apart."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from fairtutor.exchange import FairtutorError
from fairtutor.similarity import Box, Cells, GridCells, TreeCells

many = settings(derandomize=True, deadline=None, max_examples=25)


def points(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed)).double()


def partitions(d, K, seed=0):
    reference = points(300, d, seed)
    box = Box.fit(reference)
    yield GridCells(box, max(1, round(K ** (1 / d))))
    yield TreeCells(box, reference, K)
    yield Cells.fit(box.clip(reference), K, seed=seed, box=box)


@given(d=st.integers(1, 4), K=st.integers(1, 20), seed=st.integers(0, 100))
@many
def test_no_two_rows_of_a_cell_are_farther_apart_than_its_diameter(d, K, seed):
    for cells in partitions(d, K, seed):
        outside = 2 * points(500, d, seed + 1)
        X, code = cells.box.clip(outside), cells.assign(outside)
        assert torch.equal(code, cells.assign(X))
        assert code.min() >= 0
        assert code.max() < len(cells) == len(cells.diameters)
        for k in code.unique().tolist():
            inside = X[code == k]
            if len(inside) > 1:
                assert pdist(inside.numpy()).max() <= cells.diameters[k] + 1e-9


def test_the_diameters_of_cells_in_the_plane_are_exact():
    """Also for nearest centres: a fine grid of points comes as close as its step."""
    step = torch.linspace(0, 1, 201, dtype=torch.float64)
    X = torch.cartesian_prod(step, step)
    box = Box.unit(2)
    reference = points(200, 2).sigmoid()
    for cells in (
        GridCells(box, 3),
        TreeCells(box, reference, 7),
        Cells.fit(reference, 7, box=box),
    ):
        code = cells.assign(X)
        for k, polygon in enumerate(cells.polygons()):
            inside = X[code == k]
            widest = pdist(inside[torch.randperm(len(inside))[:800]].numpy()).max()
            assert widest <= cells.diameters[k] + 1e-9
            corners = pdist(polygon.numpy()).max()
            assert corners == pytest.approx(cells.diameters[k].item(), abs=1e-12)
            nearest = torch.cdist(polygon, inside).amin(1).max()
            assert nearest <= 2 * 0.005  # each corner is a corner of the cell


def test_polygons_cover_the_box_once():
    def area(corners):
        x, y = corners.T
        return ((x * y.roll(-1)) - (x.roll(-1) * y)).sum().abs().item() / 2

    reference = points(100, 2).sigmoid()
    box = Box.unit(2)
    for cells in (
        GridCells(box, 4),
        TreeCells(box, reference, 9),
        Cells.fit(reference, 9, box=box),
    ):
        assert sum(map(area, cells.polygons())) == pytest.approx(1.0)


def test_cells_of_nearest_centres_in_space_are_bounded_by_what_they_reach():
    """The bound is that of the box around the cell, √d too large at most."""
    reference = points(200, 3).sigmoid()
    cells = Cells.fit(reference, 8, box=Box.unit(3))
    step = torch.linspace(0, 1, 31, dtype=torch.float64)
    X = torch.cartesian_prod(step, step, step)
    code = cells.assign(X)
    for k in range(len(cells)):
        inside = X[code == k]
        around = (inside.amax(0) - inside.amin(0)).norm()
        assert around <= cells.diameters[k] + 1e-9
        assert cells.diameters[k] <= around + 2 * 3**0.5 / 30


def test_a_grid_on_a_line_has_cells_of_one_length():
    cells = GridCells(Box.unit(1), 25)
    assert len(cells) == 25
    assert torch.allclose(cells.diameters, torch.full((25,), 0.04).double())
    assert cells.assign(torch.tensor([[-3.0], [0.0], [0.999], [1.0]])).tolist() == [
        0,
        0,
        24,
        24,
    ]


def test_a_tree_holds_about_as_many_rows_in_each_cell():
    reference = points(1_024, 2)
    cells = TreeCells(Box.fit(reference, 1.0), reference, 16)
    counts = torch.bincount(cells.assign(reference), minlength=16)
    assert counts.min() >= 60
    assert counts.max() <= 68


def test_a_tree_stops_where_rows_cannot_be_told_apart():
    reference = torch.tensor([[0.25]] * 5 + [[0.75]] * 5)
    assert len(TreeCells(Box.unit(1), reference, 10)) == 2


def test_cells_without_a_box_have_no_end():
    cells = Cells(points(3, 2))
    assert cells.diameters.isinf().all()
    with pytest.raises(FairtutorError, match="without a box cannot be drawn"):
        cells.polygons()


def test_clipping_brings_nobody_farther_apart():
    X, other = 3 * points(500, 4), 3 * points(500, 4, 1)
    box = Box(-torch.ones(4).double(), torch.ones(4).double())
    apart = (X - other).norm(dim=1)
    assert ((box.clip(X) - box.clip(other)).norm(dim=1) <= apart + 1e-12).all()
    assert box.diameter == 4.0
    assert box.scaled(X).min() == 0
    assert box.scaled(X).max() == 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Box.fit(torch.ones(5, 2)), "Coordinate 0 of the box runs from 1 to 1"),
        (lambda: Box.fit(torch.full((5, 1), torch.nan)), "is not finite"),
        (
            lambda: GridCells(Box.unit(8), 10),
            "100,000,000 cells; use at most 1,000,000",
        ),
        (lambda: GridCells(Box.unit(1), 0), "per_side is 0"),
        (lambda: TreeCells(Box.unit(1), points(3, 1), 0), "num_cells is 0"),
    ],
)
def test_what_makes_no_cells_is_named(make, said):
    with pytest.raises(FairtutorError, match=said):
        make()
