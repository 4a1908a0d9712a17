"""Means over nearest neighbours against one distance at a time."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fairtutor.audit import consistency_terms
from fairtutor.similarity import neighbour_mean, neighbours

many = settings(derandomize=True, deadline=None, max_examples=150)


def by_hand(x, reference, values, k, own=None):
    """Average over the k nearest; those tied at the k-th place share what is left."""
    points = [
        (sum((a - b) ** 2 for a, b in zip(x, r, strict=True)), value)
        for i, (r, value) in enumerate(zip(reference, values, strict=True))
        if i != own
    ]
    kth = sorted(distance for distance, _ in points)[k - 1]
    nearer = [value for distance, value in points if distance < kth]
    tied = [value for distance, value in points if distance == kth]
    return (sum(nearer) + (k - len(nearer)) * sum(tied) / len(tied)) / k


@st.composite
def crowded(draw):
    """Points on a small grid, so that duplicates and ties are the rule."""
    d, n, m = draw(st.integers(1, 3)), draw(st.integers(2, 12)), draw(st.integers(1, 6))
    point = st.lists(st.integers(-2, 2), min_size=d, max_size=d)
    reference = draw(st.lists(point, min_size=n, max_size=n))
    X = draw(st.lists(point, min_size=m, max_size=m))
    values = draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n))
    return X, reference, values, draw(st.integers(1, n))


def tensors(*lists):
    return (torch.tensor(values, dtype=torch.float32) for values in lists)


@given(crowded())
@many
def test_ties_are_shared_as_by_hand(case):
    X, reference, values, k = case
    expected = [by_hand(x, reference, values, k) for x in X]
    got = neighbour_mean(*tensors(X, reference, values), k)
    assert got.dtype == torch.float64
    assert got.tolist() == pytest.approx(expected, abs=1e-12)


@given(crowded(), st.randoms(use_true_random=False))
@many
def test_the_order_of_the_reference_does_not_matter(case, random):
    X, reference, values, k = case
    order = list(range(len(reference)))
    random.shuffle(order)
    X, reference, values = tensors(X, reference, values)
    got = neighbour_mean(X, reference, values, k)
    shuffled = neighbour_mean(X, reference[order], values[order], k)
    assert torch.allclose(got, shuffled, rtol=0, atol=1e-12)


@given(crowded())
@many
def test_nobody_is_their_own_neighbour(case):
    _, reference, values, k = case
    k = min(k, len(reference) - 1)
    expected = [
        by_hand(x, reference, values, k, own=i) for i, x in enumerate(reference)
    ]
    points, values = tensors(reference, values)
    own = torch.arange(len(points))
    got = neighbour_mean(points, points, values, k, own_position=own)
    assert got.tolist() == pytest.approx(expected, abs=1e-12)


def test_the_position_of_ones_own_is_looked_up_not_guessed():
    points = torch.tensor([[0.0], [0.0], [9.0]])
    values = torch.tensor([5.0, 7.0, 1.0])
    got = neighbour_mean(
        points[:2], points, values, 1, own_position=torch.tensor([1, 0])
    )
    assert got.tolist() == [5.0, 7.0]


def test_all_of_the_reference_is_the_plain_mean():
    X, reference, values = torch.randn(4, 3), torch.randn(9, 3), torch.arange(9.0)
    assert neighbour_mean(X, reference, values, 9).tolist() == [4.0] * 4


def test_real_numbers_at_the_size_of_adult():
    torch.manual_seed(0)
    X, reference = torch.randn(6, 100) * 3, torch.randn(500, 100) * 3
    reference[250:] = reference[:250]  # every row twice
    values = (torch.rand(500) < 0.3).float()
    expected = [
        by_hand(x, reference.double().tolist(), values.tolist(), 5)
        for x in X.double().tolist()
    ]
    got = neighbour_mean(X, reference, values, 5)
    assert got.tolist() == pytest.approx(expected, abs=1e-12)


def test_ties_are_seen_through_rounding():
    """x + v and x − v are equally far from x, though not to the last digit."""
    torch.manual_seed(0)
    X = 5 * torch.randn(40, 6, dtype=torch.float64)
    for x in X:
        steps = torch.randn(3, 6, dtype=torch.float64)
        steps *= torch.tensor([[1.0], [2.0], [3.0]]) / steps.norm(dim=1, keepdim=True)
        reference = torch.cat([x + steps, x - steps])
        values = torch.tensor([1.0, 10.0, 100.0, 3.0, 30.0, 300.0])
        means = [
            neighbour_mean(x[None], reference, values, k).item() for k in (1, 3, 4)
        ]
        assert means == pytest.approx([2, (1 + 3 + 20) / 3, (1 + 3 + 10 + 30) / 4])


def test_pieces_of_the_queries_make_no_difference(monkeypatch):
    X, reference, values = torch.randn(50, 4), torch.randn(30, 4), torch.rand(30)
    own = torch.arange(50) % 30
    whole = [
        neighbour_mean(X, reference, values, 3, own_position=o) for o in (None, own)
    ]
    monkeypatch.setattr(neighbours, "CHUNK", 7)
    pieces = [
        neighbour_mean(X, reference, values, 3, own_position=o) for o in (None, own)
    ]
    for one, other in zip(whole, pieces, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-12)


def test_no_query_gives_no_mean():
    assert neighbour_mean(
        torch.empty(0, 2), torch.ones(3, 2), torch.ones(3), 1
    ).shape == (0,)


@pytest.mark.parametrize("k", [0, -1, 4])
def test_a_k_out_of_range_is_named(k):
    points = torch.zeros(3, 1)
    with pytest.raises(ValueError, match=f"k is {k}; use 1 to 3"):
        neighbour_mean(points, points, torch.ones(3), k)


def test_ones_own_point_is_not_counted_as_there():
    points = torch.zeros(3, 1)
    with pytest.raises(ValueError, match="k is 3; use 1 to 2"):
        neighbour_mean(points, points, torch.ones(3), 3, own_position=torch.arange(3))


@given(crowded())
@many
def test_consistency_is_agreement_with_the_neighbours(case):
    X, reference, values, k = case
    decisions = [v > 0 for v in values]
    own = [sum(x) > 0 for x in X]
    expected = [
        1 - abs(mine - by_hand(x, reference, decisions, k))
        for x, mine in zip(X, own, strict=True)
    ]
    X, reference = tensors(X, reference)
    terms = consistency_terms(
        X, torch.tensor(own), reference, torch.tensor(decisions), k
    )
    assert terms.tolist() == pytest.approx(expected, abs=1e-12)
