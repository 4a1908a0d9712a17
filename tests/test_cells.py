"""Cells and pairs: fixed before a sample is seen, nearest by distance, independent."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from fairtutor.data import load
from fairtutor.exchange import FairtutorError
from fairtutor.similarity import Cells, disjoint_pairs, mean_pair_distance

many = settings(derandomize=True, deadline=None, max_examples=30)


def points(n, d=3, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@given(n=st.integers(1, 40), k=st.integers(1, 40), seed=st.integers(0, 1000))
@many
def test_every_row_is_in_the_cell_of_its_nearest_centre(n, k, seed):
    reference, X = points(n, seed=seed), points(25, seed=seed + 1)
    k = min(k, n)
    cells = Cells.fit(reference, k, seed=seed)
    assert 1 <= len(cells) <= k
    codes = cells.assign(X).tolist()
    for x, code in zip(X.double(), codes, strict=True):
        distances = [math.dist(x, centre) for centre in cells.centres]
        assert distances[code] == pytest.approx(min(distances), abs=1e-9)


@given(n=st.integers(1, 60), k=st.integers(1, 60), kinds=st.integers(1, 6))
@many
def test_no_cell_is_without_a_reference_row(n, k, kinds):
    """Also where few rows differ, and fewer cells than asked for can be filled."""
    reference = points(kinds)[torch.arange(n) % kinds]
    cells = Cells.fit(reference, min(k, n))
    taken = torch.bincount(cells.assign(reference), minlength=len(cells))
    assert (taken > 0).all()
    assert len(cells) <= min(k, n, kinds)


def test_centres_are_the_means_of_their_rows():
    """As in any k-means solution; four clumps are found, whatever the seed."""
    middles = torch.tensor([[0.0, 0], [10, 0], [0, 10], [10, 10]])
    reference = middles.repeat(50, 1) + 0.1 * points(200, 2)
    for seed in range(5):
        cells = Cells.fit(reference, 4, seed=seed)
        codes = cells.assign(reference)
        for code, centre in enumerate(cells.centres):
            mean = reference[codes == code].double().mean(0)
            assert torch.allclose(mean, centre, atol=1e-6)


def test_cells_depend_on_seed_and_reference_only():
    reference = points(300)
    one, same, other = (Cells.fit(reference, 20, seed=s) for s in (0, 0, 1))
    assert torch.equal(one.centres, same.centres)
    assert not torch.equal(one.centres, other.centres)


def test_chunks_do_not_show_and_no_row_is_fine(monkeypatch):
    cells, X = Cells.fit(points(50), 7), points(100, seed=1)
    whole = cells.assign(X)
    monkeypatch.setattr("fairtutor.similarity.cells.CHUNK", 9)
    assert torch.equal(cells.assign(X), whole)
    assert cells.assign(X[:0]).tolist() == []


@pytest.mark.parametrize("k", [0, 6])
def test_impossible_numbers_of_cells_are_refused(k):
    with pytest.raises(FairtutorError, match=f"{k} cells cannot be made of 5 rows"):
        Cells.fit(points(5), k)


@given(n=st.integers(2, 60), d=st.integers(1, 4), seed=st.integers(0, 1000))
@many
def test_the_mean_pair_distance_is_scipys(n, d, seed):
    X = points(n, d, seed)
    expected = pdist(X.double().numpy()).mean()
    assert mean_pair_distance(X) == pytest.approx(expected, rel=1e-9)


def test_the_mean_pair_distance_of_real_rows_survives_duplicates_and_chunks():
    X = load("compas").rows("test").X
    expected = pdist(X.double().numpy()).mean()
    assert mean_pair_distance(X) == pytest.approx(expected, rel=1e-6)
    assert mean_pair_distance(torch.cat([X, X])) == pytest.approx(
        expected * (len(X) - 1) / (len(X) - 0.5), rel=1e-6
    )
    with pytest.raises(FairtutorError, match="1 rows have no distance"):
        mean_pair_distance(X[:1])


@given(n=st.integers(0, 50), seed=st.integers(0, 1000))
@many
def test_each_row_is_in_one_pair_at_most(n, seed):
    first, second = disjoint_pairs(n, seed)
    assert len(first) == len(second) == n // 2
    rows = torch.cat([first, second]).tolist()
    assert len(set(rows)) == len(rows)
    assert set(rows) <= set(range(n))


def test_every_pair_is_equally_likely():
    counts = np.zeros((6, 6))
    for seed in range(3000):
        for a, b in zip(*disjoint_pairs(6, seed), strict=True):
            counts[min(a, b), max(a, b)] += 1
    expected = 3000 * 3 / 15
    chances = counts[np.triu_indices(6, 1)]
    assert (np.abs(chances - expected) < 5 * math.sqrt(expected)).all()
    assert counts.sum() == 9000
