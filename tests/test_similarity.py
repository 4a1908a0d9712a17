"""Means over nearest neighbours against one distance at a time."""

from itertools import combinations, product
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fairtutor.audit import consistency, consistency_terms
from fairtutor.exchange import FairtutorError
from fairtutor.results import load_result
from fairtutor.similarity import (
    neighbour_distance,
    neighbour_mean,
    search,
    total_variation,
    worst_pairs,
)
from fairtutor.similarity.boxes import Boxes

many = settings(derandomize=True, deadline=None, max_examples=80)


@pytest.fixture(autouse=True)
def many_small_boxes():
    """As many boxes, and chunks of queries, for a few points as for a million."""
    with (
        patch.object(search, "BOX", 3),
        patch.object(search, "FIRST", 2),
        patch.object(search, "MEMORY", 1500),
    ):
        yield


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
    d, n, m = draw(st.integers(1, 3)), draw(st.integers(2, 30)), draw(st.integers(1, 9))
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


def people(n, seed=0):
    """Two numbers and two categories, one-hot, with twins and ties; float32."""
    random = torch.Generator().manual_seed(seed)
    numbers = torch.randn(n, 2, generator=random).mul(4).round() / 4
    codes = torch.randint(4, (2, n), generator=random)
    X = torch.cat([numbers, *(torch.nn.functional.one_hot(c, 4) for c in codes)], 1)
    return X, torch.rand(n, generator=random).round()


def all_distances(X, reference):
    """One difference at a time, in float64; nobody is their own neighbour."""
    distances = (X.double()[:, None] - reference.double()).norm(dim=2)
    return distances.fill_diagonal_(torch.inf) if X is reference else distances


@pytest.mark.parametrize("k", [1, 5, 30])
@pytest.mark.parametrize("box", [4, 40])
def test_boxes_and_pieces_make_no_difference(k, box):
    X, values = people(300)
    own = torch.arange(300)
    with patch.object(search, "BOX", 1000), patch.object(search, "MEMORY", 10**6):
        whole = neighbour_mean(X, X, values, k, own_position=own)
    with patch.object(search, "BOX", box):
        means = neighbour_mean(X, X, values, k, own_position=own)
        distances = neighbour_distance(X, X, k, own_position=own)
    assert torch.allclose(means, whole, rtol=0, atol=1e-12)
    expected = all_distances(X, X).sort(1).values[:, k - 1]
    assert torch.allclose(distances, expected, rtol=0, atol=1e-7)


def test_queries_that_are_not_in_the_reference():
    X, reference = people(200, seed=1)[0] + 0.1, people(400)[0]
    expected = all_distances(X, reference).sort(1).values[:, 4]
    got = neighbour_distance(X, reference, 5)
    assert torch.allclose(got, expected, rtol=0, atol=1e-7)


def test_most_boxes_are_not_searched(monkeypatch):
    X, _ = people(2000)
    pairs = []
    monkeypatch.setattr(search, "BOX", 32)
    monkeypatch.setattr(search, "MEMORY", 2**22)
    squared = search.Search._squared

    def counted(self, chunk, rows, part, own):
        pairs.append(len(rows) * (part.stop - part.start))
        return squared(self, chunk, rows, part, own)

    monkeypatch.setattr(search.Search, "_squared", counted)
    neighbour_distance(X, X, 5, own_position=torch.arange(2000))
    different = len(X.unique(dim=0))
    assert 0 < sum(pairs) < different**2 / 3


@given(crowded())
@many
def test_no_point_is_nearer_than_its_box(case):
    X, reference, *_ = case
    X, reference = tensors(X, reference)
    reference = reference.unique(dim=0)
    boxes = Boxes(reference, 2)
    assert boxes.order.sort().values.tolist() == list(range(len(reference)))
    bounds = boxes.squared_distances(X)
    for part, bound in zip(boxes.parts, bounds.T, strict=True):
        inside = reference[boxes.order[part]]
        nearest = (X[:, None] - inside).square().sum(2).amin(1)
        outside = (inside.amin(0) - X).maximum(X - inside.amax(0)).clamp(min=0)
        assert (bound <= nearest + 1e-5).all()
        assert torch.allclose(bound, outside.square().sum(1), atol=1e-5)


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 0.3, 1e9, 1e300])
@pytest.mark.parametrize("shift", [0, 0.7])
def test_scale_and_origin_make_no_difference(scale, shift):
    X, values = people(150)
    own = torch.arange(150)
    here = neighbour_mean(X, X, values, 4, own_position=own)
    moved = (X.double() + shift) * scale
    there = neighbour_mean(moved, moved, values, 4, own_position=own)
    assert torch.allclose(here, there, rtol=0, atol=1e-12)
    distances = [neighbour_distance(x, x, 4, own_position=own) for x in (X, moved)]
    assert torch.allclose(distances[0] * scale, distances[1], rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("origin", [0, 40, 2000])
def test_ties_of_whole_years_survive_being_standardised(dtype, origin):
    """Whole numbers, divided by what float32 and float64 cannot hold exactly."""
    torch.manual_seed(0)
    years = torch.randint(-6, 6, (120, 3))
    values = torch.rand(120).round()
    own = torch.arange(120)
    exact = neighbour_mean(years, years, values, 5, own_position=own)
    expected = [
        by_hand(x, years.tolist(), values.tolist(), 5, own=i)
        for i, x in enumerate(years.tolist())
    ]
    assert exact.tolist() == pytest.approx(expected, abs=1e-12)
    X = (years.to(dtype) + origin) / 7.3
    got = neighbour_mean(X, X, values, 5, own_position=own)
    assert torch.allclose(got, exact, rtol=0, atol=1e-12)


def test_distances_that_the_dtype_tells_apart_are_not_tied():
    line = torch.tensor([[0.0], [1.0], [-1.001]])
    values = torch.tensor([0.0, 1.0, 0.0])
    assert neighbour_mean(line[:1], line[1:], values[1:], 1).item() == 1
    close = torch.tensor([[0.0], [1.0], [-1 - 1e-12]], dtype=torch.float64)
    assert neighbour_mean(close[:1], close[1:], values[1:], 1).item() == 1


@pytest.mark.parametrize("n, k", [(2, 1), (50, 1), (50, 7), (50, 49)])
def test_people_who_are_all_the_same(n, k):
    values = torch.arange(float(n))
    X, own = torch.full((n, 2), 3.0), torch.arange(n)
    means = neighbour_mean(X, X, values, k, own_position=own)
    assert torch.allclose(means, (values.sum() - values).double() / (n - 1))
    assert neighbour_distance(X, X, k, own_position=own).tolist() == [0] * n


def test_everybody_equally_far_from_everybody():
    """A tie of all with all: no list of neighbours would be short."""
    values = torch.arange(60.0)
    X, own = torch.eye(60), torch.arange(60)
    means = neighbour_mean(X, X, values, 5, own_position=own)
    assert torch.allclose(means, (values.sum() - values).double() / 59)
    distances = neighbour_distance(X, X, 5, own_position=own)
    assert torch.allclose(distances, torch.tensor(2.0).sqrt().double())


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_number_that_is_none_is_named(bad):
    X, hole = torch.zeros(4, 3), torch.zeros(4, 3)
    hole[2, 1] = bad
    for name, rows in (("X", (hole, X)), ("reference", (X, hole))):
        with pytest.raises(
            FairtutorError, match=f"{name} has {bad} in row 2, column 1"
        ):
            neighbour_mean(*rows, torch.ones(4), 1)


def test_what_does_not_fit_is_refused():
    X, values = torch.rand(4, 3), torch.ones(4)
    for rows, reference in ((X[:, :2], X), (X[0], X), (X[:, :0], X[:, :0])):
        with pytest.raises(FairtutorError, match="with the same columns"):
            neighbour_mean(rows, reference, values, 1)
    with pytest.raises(FairtutorError, match=r"values has the shape \(3,\)"):
        neighbour_mean(X, X, values[:3], 1)
    with pytest.raises(FairtutorError, match="own_position does not fit"):
        neighbour_mean(X, X, values, 1, own_position=torch.tensor([1, 0, 2, 3]))


def test_no_query_gives_no_mean():
    assert neighbour_mean(
        torch.empty(0, 2), torch.ones(3, 2), torch.ones(3), 1
    ).shape == (0,)


@pytest.mark.parametrize("k", [0, -1, 4, 2.0])
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


@given(crowded(), st.booleans(), st.booleans())
@many
def test_the_variants_of_consistency(case, counted, printed):
    _, people, values, k = case
    n, decisions = len(people), [float(v > 0) for v in values]
    k = min(k, n if counted else n - 1)
    around = [
        by_hand(x, people, decisions, k, own=None if counted else i)
        for i, x in enumerate(people)
    ]
    if printed:
        terms = [abs(y - k * a) / k for y, a in zip(decisions, around, strict=True)]
    else:
        terms = [abs(y - a) for y, a in zip(decisions, around, strict=True)]
    X, y_hat = tensors(people, decisions)
    own = "counted" if counted else "left out"
    formula = "as printed" if printed else "mean"
    got = consistency(X, y_hat, k, own=own, formula=formula)
    assert got == pytest.approx(1 - sum(terms) / n, abs=1e-12)


def test_a_variant_that_does_not_exist_is_refused_with_the_nearest():
    X = torch.rand(4, 2)
    with pytest.raises(FairtutorError, match="Did you mean 'counted'"):
        consistency(X, X[:, 0], 2, own="count")
    with pytest.raises(FairtutorError, match="Did you mean 'as printed'"):
        consistency(X, X[:, 0], 2, formula="printed")


def test_the_stored_answers_to_the_order_of_rows_can_be_found_again(
    monkeypatch, script
):
    monkeypatch.setattr(search, "BOX", 256)
    monkeypatch.setattr(search, "MEMORY", 2**22)
    rows = script("experiments/row_order.py")
    result = load_result("row_order")

    X, y_hat = rows.people()
    shuffled = rows.order(3, len(X))
    X, y_hat = X[shuffled], {what: y[shuffled] for what, y in y_hat.items()}
    again = rows.around_by_row_order(X, y_hat, "brute")
    for what, decisions in y_hat.items():
        stored = result["by_row_order"][what]["brute force"]["consistency"]
        found = 1 - np.abs(decisions.numpy() - again[what]).mean()
        width = np.ptp(stored)  # other processors break ties in yet another order
        assert min(stored) - width <= found <= max(stored) + width and width > 1e-4
        for own, values in result["ties_shared"][what].items():
            assert np.ptp(values) < 1e-6
            found = consistency(X, decisions, own=own)
            assert found == pytest.approx(values[0], abs=1e-4)


# Pairs, and how differently they are treated.


@pytest.mark.parametrize("classes", [None, 3])
def test_the_worst_pairs_are_those_of_all_pairs(classes, monkeypatch):
    monkeypatch.setattr("fairtutor.similarity.pairs.CHUNK", 7)
    draw = torch.Generator().manual_seed(0)
    X = torch.randn(40, 3, generator=draw)
    shape = (40,) if classes is None else (40, classes)
    p = torch.rand(shape, generator=draw)
    found = worst_pairs(X, p, k=15)
    expected = []
    for i, j in combinations(range(40), 2):
        D = (p[i] - p[j]).abs().double()
        D = D.item() if classes is None else D.sum().item() / 2
        expected.append((D / (X[i] - X[j]).double().norm().item(), i, j))
    expected.sort(reverse=True)
    pairs = list(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert pairs == [(i, j) for _, i, j in expected[:15]]
    assert found.ratio.tolist() == pytest.approx([r for r, _, _ in expected[:15]])
    assert torch.allclose(found.difference / found.distance, found.ratio)


def test_people_who_are_the_same_and_treated_differently_come_first():
    X = torch.tensor([[1.0, 2.0], [0.0, 0.0], [1.0, 2.0], [1.0, 2.0]])
    p = torch.tensor([0.2, 0.9, 0.2, 0.3])
    found = worst_pairs(X, p, k=6)
    assert set(
        zip(found.first[:2].tolist(), found.second[:2].tolist(), strict=True)
    ) == {
        (0, 3),
        (2, 3),
    }
    assert found.ratio[:2].isinf().all()
    assert len(found.first) == 6
    assert found.ratio[-1] == 0  # the same, and treated alike


def test_pairs_need_one_p_a_row():
    with pytest.raises(FairtutorError, match="X has 3 rows and p 2"):
        worst_pairs(torch.zeros(3, 1), torch.zeros(2))


def test_the_total_variation_is_the_largest_difference_of_any_event():
    draw = torch.Generator().manual_seed(1)
    p, other = torch.rand(2, 20, 4, generator=draw).double().softmax(2)
    events = torch.tensor(list(product((0.0, 1.0), repeat=4))).double()
    largest = ((p - other) @ events.T).abs().amax(1)
    assert torch.allclose(total_variation(p, other), largest)
    two = (
        torch.stack([1 - p[:, 0], p[:, 0]], 1),
        torch.stack([1 - other[:, 0], other[:, 0]], 1),
    )
    assert torch.allclose(total_variation(*two), total_variation(p[:, 0], other[:, 0]))


def test_several_values_are_averaged_as_each_alone():
    draw = torch.Generator().manual_seed(2)
    X = torch.randint(4, (60, 2), generator=draw).float()
    values = torch.rand(60, 3, generator=draw)
    own = torch.arange(60)
    together = neighbour_mean(X, X, values, 4, own_position=own)
    alone = [neighbour_mean(X, X, v, 4, own_position=own) for v in values.unbind(1)]
    assert torch.equal(together, torch.stack(alone, 1))
    assert neighbour_mean(X[:0], X, values, 4).shape == (0, 3)
