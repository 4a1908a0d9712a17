"""Earth mover's distance and the group disparity of a Lipschitz model."""

from itertools import permutations

import pytest
import torch
from scipy.stats import wasserstein_distance

from fairtutor.exchange.errors import FairtutorError
from fairtutor.theory.transport import disparity_bound, earth_movers_distance


def draw(n, d, seed):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sizes", [(7, 7), (5, 9)])
def test_a_constant_column_sends_one_dimension_through_the_solvers(sizes, seed):
    X0, X1 = draw(sizes[0], 1, seed), draw(sizes[1], 1, seed + 50) + 1
    true = wasserstein_distance(X0[:, 0], X1[:, 0])
    wide = [torch.cat([X, torch.ones_like(X)], 1) for X in (X0, X1)]
    assert earth_movers_distance(X0, X1) == pytest.approx(true, abs=1e-9)
    assert earth_movers_distance(*wide) == pytest.approx(true, abs=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_no_permutation_is_cheaper(seed):
    X0, X1 = draw(5, 3, seed), draw(5, 3, seed + 50)
    best = min(
        (X0 - X1[list(order)]).norm(dim=1).mean() for order in permutations(range(5))
    )
    assert earth_movers_distance(X0, X1) == pytest.approx(best.item())
    twice = earth_movers_distance(torch.cat([X0, X0]), X1)
    assert twice == pytest.approx(best.item(), abs=1e-7)


@pytest.mark.parametrize("sizes", [(30, 30), (20, 33)])
def test_no_lipschitz_function_exceeds_the_bound(sizes):
    X0, X1 = draw(sizes[0], 3, 1), draw(sizes[1], 3, 2) + 0.5
    bound, L = disparity_bound(2.0, X0, X1), 2.0
    centres = draw(200, 3, 3)
    gaps = L * (torch.cdist(X0, centres).mean(0) - torch.cdist(X1, centres).mean(0))
    assert 0 < gaps.abs().max() <= bound + 1e-7


def test_a_slope_attains_the_bound_where_one_group_lies_above():
    X0, X1 = draw(20, 1, 1).abs(), -draw(31, 1, 2).abs()
    gap = 3 * (X0.mean() - X1.mean())
    assert disparity_bound(3, X0, X1) == pytest.approx(gap.item())


@pytest.mark.parametrize(
    ("X0", "X1", "said"),
    [
        (torch.zeros(2, 1), torch.zeros(2, 2), "same columns"),
        (torch.zeros(0, 1), torch.zeros(2, 1), "no rows"),
        (torch.full((1, 1), torch.nan), torch.zeros(2, 1), "NaN"),
    ],
)
def test_unfit_samples_are_refused(X0, X1, said):
    with pytest.raises(FairtutorError, match=said):
        earth_movers_distance(X0, X1)


@pytest.mark.parametrize("L", [-1, float("nan"), float("inf")])
def test_a_constant_is_a_number_from_zero(L):
    with pytest.raises(FairtutorError, match="L is"):
        disparity_bound(L, torch.zeros(1, 1), torch.ones(1, 1))
