"""The robustness bound: each step against simulation or brute force."""

import itertools
import math

import numpy as np
import pytest
import torch

from fairtutor.exchange import FairtutorError
from fairtutor.similarity import Box, GridCells
from fairtutor.theory.robustness import (
    Robustness,
    bridge,
    cell_epsilon,
    covering_number,
    robustness_bound,
    sampled_epsilon,
    share_deviation,
)


def test_the_bound_is_the_papers_formula():
    expected = 0.08 + 2 * math.sqrt((2 * 50 * math.log(2) + 2 * math.log(20)) / 30_000)
    assert robustness_bound(0.08, 50, 30_000, 0.05, M=2.0) == pytest.approx(expected)


@pytest.mark.parametrize("shape", ["even", "uneven"])
@pytest.mark.parametrize(("K", "n"), [(2, 50), (10, 200), (50, 1_000)])
def test_shares_deviate_more_than_said_at_most_as_often_as_said(shape, K, n):
    rng = np.random.default_rng(0)
    mu = np.full(K, 1 / K) if shape == "even" else rng.dirichlet(np.full(K, 0.3))
    off = np.abs(rng.multinomial(n, mu, size=20_000) / n - mu).sum(1)
    for delta in (0.5, 0.05):
        assert (off >= share_deviation(K, n, delta)).mean() <= delta
    # For two equal cells the bound is Hoeffding's: within a factor of the truth.
    if K == 2 and shape == "even":
        assert share_deviation(K, n, 0.05) < 2 * np.quantile(off, 0.95)


def test_a_robust_learner_stays_within_the_bound():
    """A learner on a line: worst case over 300 samples, each with its own model."""
    cells, lam, n = GridCells(Box.unit(1), 10), 1.0, 500
    draw = torch.Generator().manual_seed(0)
    z = torch.rand(100_000, 1, generator=draw).double()
    y = (torch.rand(100_000, generator=draw) < z[:, 0] ** 2).double()
    failures = 0
    for seed in range(300):
        draw.manual_seed(seed)
        rows = torch.randint(len(z), (n,), generator=draw)
        cut = z[rows][y[rows] == 1].mean()
        L = 1 + 9 * torch.rand((), generator=draw).item()
        loss = (y - (0.5 + L * (z[:, 0] - cut)).clamp(0, 1)).abs()
        epsilon = cell_epsilon(L, cells.diameters, lam)
        gap = (loss.mean() - loss[rows].mean()).abs().item()
        failures += gap > robustness_bound(epsilon, 20, n, 0.05)
    assert failures <= 0.05 * 300


def test_epsilon_is_the_largest_difference_there_could_be():
    cells, L = GridCells(Box.unit(2), 4), 1.0
    draw = torch.Generator().manual_seed(1)
    X = torch.rand(20_000, 2, generator=draw).double()
    p = L * X[:, 0]  # as steep as allowed, along one side
    for y in (0, 1):
        loss = (y - p).abs()
        found = sampled_epsilon(loss, cells.assign(X))
        epsilon = cell_epsilon(L, cells.diameters)
        assert 0.6 * epsilon < found <= epsilon  # a side is 1/√2 of the diagonal


def test_a_sampled_maximum_is_a_maximum_within_cells():
    draw = torch.Generator().manual_seed(2)
    loss, cell = torch.rand(50, generator=draw), torch.randint(6, (50,), generator=draw)
    expected = max(
        (loss[cell == k].max() - loss[cell == k].min()).item()
        for k in cell.unique().tolist()
    )
    assert sampled_epsilon(loss, cell) == pytest.approx(expected)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("gamma", [0.1, 0.33, 2.0])
def test_the_covering_covers(d, gamma):
    sides = torch.tensor([1.0, 0.5, 2.0][:d]).double()
    K = covering_number(gamma, sides)
    # Some split of each side into whole numbers of pieces, K cells in all, fits.
    splits = itertools.product(range(1, K + 1), repeat=d - 1)
    counts = [(*s, K // math.prod(s)) for s in splits if K % math.prod(s) == 0]
    pieces = sides / torch.tensor(counts, dtype=torch.float64)
    assert pieces.norm(dim=1).min() <= gamma + 1e-9  # a cube fits in the ball
    # Balls of radius γ/2 that cover the box have at least its volume.
    ball = math.pi ** (d / 2) / math.gamma(d / 2 + 1) * (gamma / 2) ** d
    assert sides.prod().item() / ball <= K


def test_the_bridge_is_the_lemma():
    assert bridge(0.1, 2.0, torch.ones(1), num_labels=10, lam=3.0) == Robustness(
        K=100, epsilon=pytest.approx(0.6)
    )


def test_fewer_cells_larger_epsilon_more_cells_larger_second_term():
    sums = [
        robustness_bound(b.epsilon, b.K, 30_000)
        for b in (bridge(g, 2.0, torch.ones(1)) for g in (0.4, 0.04, 0.0004))
    ]
    assert sums[1] < min(sums[0], sums[2])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: robustness_bound(math.inf, 5, 10), "epsilon is inf"),
        (lambda: robustness_bound(0.1, 5, 10, M=math.inf), "M is inf"),
        (lambda: robustness_bound(-0.1, 5, 10), "at least 0"),
        (lambda: share_deviation(0, 10), "K is 0"),
        (lambda: share_deviation(5, 10, 1.5), "delta is 1.5"),
        (lambda: cell_epsilon(-1.0, torch.ones(2)), "L is -1.0"),
        (lambda: bridge(0.1, math.nan, torch.ones(1)), "L is nan"),
        (lambda: sampled_epsilon(torch.ones(3), torch.tensor([0, 1])), "one cell"),
        (lambda: sampled_epsilon(torch.ones(0), torch.ones(0).long()), "one cell"),
        (lambda: covering_number(0.0, torch.ones(1)), "gamma is 0.0"),
    ],
)
def test_numbers_out_of_range_are_named(call, said):
    with pytest.raises(FairtutorError, match=said):
        call()
