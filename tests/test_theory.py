"""Lipschitz bounds that no pair breaks, and the thresholds of a trusted user."""

import math
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fairtutor.exchange import FairtutorError, build, mlp
from fairtutor.theory.lipschitz import lipschitz_bound
from fairtutor.theory.mistrust import best_fair_thresholds

many = settings(derandomize=True, deadline=None, max_examples=40)


# Lipschitz bounds.


@given(
    widths=st.lists(st.integers(1, 12), min_size=2, max_size=5),
    activation=st.sampled_from(["relu", "tanh", "gelu"]),
    seed=st.integers(0, 1000),
    scale=st.sampled_from([0.1, 1.0, 10.0]),
)
@many
def test_no_pair_is_stretched_more_than_the_bound(widths, activation, seed, scale):
    torch.manual_seed(seed)
    network = build(mlp(*widths, activation=activation), widths[0]).double()
    for parameter in network.parameters():
        parameter.data *= scale
    bound = lipschitz_bound(network)
    X = torch.randn(60, widths[0], dtype=torch.float64)
    near = X + 1e-4 * torch.randn_like(X)
    far = 5 * torch.randn_like(X)
    for other in (near, far):
        stretched = (network(X) - network(other)).norm(dim=1)
        assert (stretched <= bound * (X - other).norm(dim=1) + 1e-12).all()


def test_the_bound_of_a_linear_map_is_its_largest_singular_value():
    torch.manual_seed(0)
    layer = nn.Linear(7, 4)
    largest = torch.linalg.svdvals(layer.weight.detach().double()).max().item()
    assert lipschitz_bound(nn.Sequential(layer)) == pytest.approx(largest, rel=1e-9)
    assert lipschitz_bound(nn.Sequential(layer)) >= largest
    two = nn.Sequential(layer, nn.ReLU(), nn.Linear(4, 3))
    assert lipschitz_bound(two) == pytest.approx(
        largest * lipschitz_bound(nn.Sequential(two[2])), rel=1e-9
    )


def test_activations_do_not_stretch_more_than_their_constants():
    t = torch.linspace(-6, 6, 100_001, dtype=torch.float64)
    for activation, most in ((nn.ReLU(), 1), (nn.Tanh(), 1), (nn.GELU(), 1.13)):
        steepest = (activation(t).diff() / t.diff()).abs().max().item()
        assert lipschitz_bound(nn.Sequential(activation)) == most
        assert most - 0.01 < steepest <= most + 1e-9


@given(
    width=st.integers(1, 9), scale=st.sampled_from([0.1, 1, 10]), seed=st.integers(0)
)
@many
def test_softmax_halves_every_distance_at_least(width, scale, seed):
    """Pairs far and near, and the derivative diag(p) − p pᵀ itself."""
    generator = torch.Generator().manual_seed(seed % 2**32)
    softmax = nn.Softmax(dim=1)
    half = lipschitz_bound(nn.Sequential(softmax))
    options = {"generator": generator, "dtype": torch.float64}
    T = scale * torch.randn(50, width, **options)
    for other in (T.flip(0), T + 1e-4 * torch.randn(50, width, **options)):
        moved = (softmax(T) - softmax(other)).norm(dim=1)
        assert (moved <= half * (T - other).norm(dim=1) + 1e-12).all()
    p = softmax(T)
    slopes = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    assert torch.linalg.matrix_norm(slopes, ord=2).max() <= half + 1e-12


def test_softmax_comes_as_near_to_a_half_as_one_likes():
    softmax, far = nn.Softmax(dim=1), -40.0
    ends = torch.tensor([[1e-3, 0, far], [0, 1e-3, far]], dtype=torch.float64)
    moved = (softmax(ends)[0] - softmax(ends)[1]).norm() / (ends[0] - ends[1]).norm()
    assert moved.item() == pytest.approx(0.5, abs=1e-6)


def test_the_empty_network_is_the_identity():
    assert lipschitz_bound(nn.Sequential()) == 1.0


def test_a_layer_without_a_known_constant_is_named():
    with pytest.raises(FairtutorError, match="known for Sigmoid"):
        lipschitz_bound(nn.Sequential(nn.Sigmoid()))


# The cost of mistrust.


def thresholds_by_hand(scores, y, groups, max_gap):
    """Try every pair of thresholds, one after the other."""
    n, best = len(y), -1.0
    parts = [
        [(s, t) for s, t, g in zip(scores, y, groups, strict=True) if g == code]
        for code in (0, 1)
    ]
    ends = [[*sorted({s for s, _ in part}), math.inf] for part in parts]
    for cuts in product(*ends):
        right, shares = 0, []
        for part, cut in zip(parts, cuts, strict=True):
            right += sum((s >= cut) == bool(t) for s, t in part)
            shares.append(sum(s >= cut for s, _ in part) / len(part))
        if abs(shares[0] - shares[1]) <= max_gap + 1e-12:
            best = max(best, right / n)
    return best


@st.composite
def people(draw):
    more = st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 1), st.integers(0, 1)), max_size=20
    )
    rows = [(3, 0, 0), (3, 1, 1), *draw(more)]
    scores, y, groups = zip(*rows, strict=True)
    return [s / 6 for s in scores], y, groups


@given(people(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]))
@settings(many, max_examples=120)
def test_no_pair_of_thresholds_within_the_gap_is_more_accurate(case, max_gap):
    scores, y, groups = (torch.tensor(part) for part in case)
    found = best_fair_thresholds(scores, y, groups, max_gap)
    assert found.accuracy == pytest.approx(
        thresholds_by_hand(scores.tolist(), y.tolist(), groups.tolist(), max_gap)
    )
    decisions = found.decide(scores, groups)
    assert (decisions == y.bool()).double().mean().item() == pytest.approx(
        found.accuracy
    )
    shares = [decisions[groups == g].double().mean() for g in (0, 1)]
    assert abs(shares[0] - shares[1]).item() == pytest.approx(found.gap)
    assert found.gap <= max_gap + 1e-9


def test_a_smaller_gap_never_costs_less():
    torch.manual_seed(0)
    groups = torch.randint(0, 2, (3000,))
    scores = (torch.rand(3000) * (0.5 + 0.5 * groups)).sqrt()
    y = (torch.rand(3000) < scores).long()
    accuracies = [
        best_fair_thresholds(scores, y, groups, gap).accuracy
        for gap in (0.0, 0.05, 0.1, 0.2, 0.4)
    ]
    assert accuracies == sorted(accuracies)
    assert accuracies[0] < accuracies[-1]


@pytest.mark.parametrize("groups", [[0, 0, 0], [0, 1, 2], [1, 2, 2]])
def test_thresholds_are_for_two_groups(groups):
    with pytest.raises(ValueError, match="two groups, coded 0 and 1"):
        best_fair_thresholds(
            torch.rand(3), torch.tensor([0, 1, 1]), torch.tensor(groups), 0.1
        )
