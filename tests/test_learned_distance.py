"""Judgements and what is learned from them: moves, FACE, EXPLORE, φ, and quality."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fairtutor import FairtutorError, load
from fairtutor.producers import Alike, learn_distance, linear_encoder
from fairtutor.similarity import (
    Moves,
    comparable_directions,
    draw_triplets,
    geodesic_distances,
    geodesic_path,
    isotropy,
    moved_too_far,
    pair_map,
    retrieval_at_1,
    shifted,
    straightness,
    triplet_agreement,
)
from fairtutor.theory.lipschitz import lipschitz_bound
from fairtutor.training import seeded


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# ------------------------------------------------------------------------- moves


@given(st.integers(-4, 4), st.integers(-4, 4))
def test_a_shift_moves_every_pixel_and_loses_what_leaves(right, down):
    image = torch.rand(1, 5, 5, generator=torch.Generator().manual_seed(0)) + 0.1
    moved = shifted(image.reshape(1, 25), right, down).reshape(5, 5)
    for y in range(5):
        for x in range(5):
            there = 0 <= y - down < 5 and 0 <= x - right < 5
            expected = image[0, y - down, x - right].item() if there else 0.0
            assert moved[y, x].item() == expected


def test_moves_draw_anew_for_every_image_and_repeat_with_a_seed():
    X = load("digits").X[:1].repeat(3, 1)
    with seeded(0):
        first = Moves()(X)
    with seeded(0):
        again = Moves()(X)
    assert torch.equal(first, again)
    assert not torch.allclose(first[0], first[1], atol=0.01)


def test_a_shift_by_moves_is_a_shift():
    """With one kind of move only, what comes out is known: the centre of the ink."""
    X = torch.zeros(200, 784)
    X[:, 14 * 28 + 14] = 1.0
    with seeded(1):
        moved = Moves(turn=0, scale=0, slant=0, shift=3.0, bend=0)(X).view(200, 28, 28)
    places = torch.arange(28.0)
    across = (moved.sum(1) * places).sum(1)
    assert torch.allclose(moved.sum((1, 2)), torch.ones(200), atol=1e-5)
    assert (across - 14).abs().max() <= 3.0 and across.std() > 1.4  # 6 / √12 = 1.73


def test_no_amount_leaves_the_images_as_they_are():
    X = load("digits").X[:5]
    assert torch.allclose(Moves(0, 0, 0, 0, 0)(X), X, atol=1e-5)


# ----------------------------------------------------------------- linear distances


def test_face_takes_out_what_comparable_people_differ_in():
    """Groups differ along one axis, their members along another."""
    X = 0.01 * drawn(0, 300, 4)
    groups = torch.arange(300) % 3
    X[:, 0] += 5.0 * groups
    X[:, 2] += drawn(1, 300)
    U = comparable_directions(X, groups, 1)
    assert U[2].abs() > 0.999 and torch.allclose(U.T @ U, torch.eye(1), atol=1e-5)
    assert comparable_directions(X, torch.zeros(300).long(), 1)[0].abs() > 0.999


def test_without_a_number_all_that_comparable_people_differ_in_is_taken_out():
    people, others = drawn(0, 30, 5), drawn(1, 30, 5)
    others[:, 2:] = people[:, 2:]
    X, pairs = torch.cat([people, others]), torch.arange(30).repeat(2)
    U = comparable_directions(X, pairs)
    assert torch.equal(U, comparable_directions(X, pairs, 2))
    Z = X - X @ U @ U.T
    assert (Z[:30] - Z[30:]).abs().max() < 1e-5


def test_explore_finds_the_matrix_that_made_the_judgements():
    first, second = drawn(0, 4_000, 3).double(), drawn(1, 4_000, 3).double()
    sigma = torch.tensor([[3.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]).double()
    d2 = ((first - second) @ sigma * (first - second)).sum(1)
    chance = torch.rand(4_000, generator=torch.Generator().manual_seed(2))
    W = pair_map(first, second, chance < 2 * torch.sigmoid(-d2))
    assert torch.allclose(W, W.T)
    assert ((W @ W) - sigma).abs().max() < 0.3


def test_explore_does_not_depend_on_the_unit():
    first, second = drawn(0, 500, 3).double(), drawn(1, 500, 3).double()
    near = (first - second)[:, 0].abs() < 0.7
    one = pair_map(first, second, near)
    other = pair_map(100 * first, 100 * second, near)
    assert torch.allclose(one, 100 * other, atol=1e-3 * one.abs().max().item())


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_what_is_handed_in_is_not_changed(kind):
    X, other, groups = drawn(0, 9, 3).to(kind), drawn(1, 9, 3).to(kind), torch.zeros(9)
    before = X.clone(), other.clone()
    comparable_directions(X, groups, 1)
    pair_map(X, other, torch.arange(9) < 4)
    moved_too_far(X, other, torch.arange(9))
    assert torch.equal(X, before[0]) and torch.equal(other, before[1])


# --------------------------------------------------------------------------- quality


@settings(max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=3, max_size=30), st.integers(0, 99))
def test_triplets_are_what_the_arbiter_says(classes, seed):
    y = torch.tensor(classes)
    counts = torch.bincount(y)
    if not ((counts > 1) & (counts < len(y))).any():
        with pytest.raises(FairtutorError, match="Nobody has both"):
            draw_triplets(y, 5, seed)
        return
    a, b, c = draw_triplets(y, 200, seed).unbind(1)
    assert (a != b).all() and (y[a] == y[b]).all() and (y[a] != y[c]).all()


def test_triplets_reach_everybody():
    y = torch.tensor([0, 0, 0, 1, 1, 2])
    a, b, c = draw_triplets(y, 3_000, 0).unbind(1)
    assert set(a.tolist()) == {0, 1, 2, 3, 4}
    assert {(i, j) for i, j in zip(a.tolist(), b.tolist(), strict=True)} == {
        (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (3, 4), (4, 3)
    }  # fmt: skip
    assert set(c[a < 3].tolist()) == {3, 4, 5} and set(c[a > 2].tolist()) == {
        0,
        1,
        2,
        5,
    }


def test_quality_of_a_distance_that_is_known():
    """Classes on a line, two apart, members within one half."""
    y = torch.arange(40) % 4
    Z = (2.0 * y + 0.5 * torch.rand(40, generator=torch.Generator().manual_seed(0)))[
        :, None
    ]
    assert retrieval_at_1(Z, y) == 1.0
    assert triplet_agreement(Z, draw_triplets(y, 500)) == 1.0
    assert triplet_agreement(torch.zeros(40, 1), draw_triplets(y, 500)) == 0.5
    assert moved_too_far(Z, Z + 0.1, y) == 0.0
    assert moved_too_far(Z, Z + 9.0, y) == 1.0
    with pytest.raises(FairtutorError, match="two classes or more"):
        moved_too_far(Z, Z, torch.zeros(40).long())


def test_retrieval_shares_ties():
    Z = torch.zeros(4, 2)
    assert retrieval_at_1(Z, torch.tensor([0, 0, 1, 1])) == pytest.approx(1 / 3)


@pytest.mark.parametrize("d", [2, 5, 20])
def test_isotropy_is_one_over_d_on_a_line_and_one_on_a_ball(d):
    line = drawn(0, 500, 1) * torch.ones(d)
    assert isotropy(line) == pytest.approx(1 / d)
    assert isotropy(drawn(1, 20_000, d)) > 0.98


def test_a_rolled_sheet_is_not_straight_and_a_flat_one_is():
    turn = 10 * torch.rand(600, generator=torch.Generator().manual_seed(0))
    rolled = torch.stack([turn * turn.cos(), turn * turn.sin()], 1).double()
    along = geodesic_distances(rolled, 8)
    assert torch.allclose(along, along.T) and along.isfinite().all()
    assert (along >= torch.cdist(rolled, rolled) - 1e-9).all()
    assert straightness(turn[:, None], 8) > 0.999
    assert straightness(rolled, 8) < 0.9


# --------------------------------------------------------------------------------- φ


def test_the_loss_is_what_the_formula_says():
    X, y = drawn(0, 6, 3), torch.tensor([0, 1, 0, 2, 1, 0])
    tau, w = 0.5, 0.25
    loss = Alike(nn.Identity(), lambda X: X, temperature=tau, own=w)(X, y)["loss"]
    Z, classes = torch.cat([X, X]), torch.cat([y, y])
    Z = Z / Z.norm(dim=1, keepdim=True)
    total = 0.0
    for i in range(12):
        others = [j for j in range(12) if j != i]
        s = {j: (Z[i] @ Z[j] / tau).item() for j in others}
        norm = torch.tensor(list(s.values())).logsumexp(0).item()
        own = s[(i + 6) % 12] - norm
        peers = [s[j] - norm for j in others if classes[j] == classes[i]]
        total -= w * own + (1 - w) * sum(peers) / len(peers)
    assert loss.item() == pytest.approx(total / 12, rel=1e-5)


def test_without_classes_none_is_looked_at():
    X = drawn(0, 8, 3)
    objective = Alike(nn.Linear(3, 2), lambda X: X + 0.1, own=1.0)
    some, others = (objective(X, y)["loss"] for y in (torch.arange(8), torch.ones(8)))
    assert some == others


@pytest.fixture(scope="module")
def short():
    """Both kinds of φ, a few epochs each, and held-out images."""
    digits = load("digits")
    learn, test = digits.rows("encoder"), digits.rows("test")
    some = {"epochs": 8, "batch_size": 100, "progress": False}
    return {
        "raw": lambda X: X,
        "supervised": learn_distance(learn.X, learn.y, **some).module,
        "label-free": learn_distance(learn.X, **some).module,
    }, test


@pytest.mark.parametrize("column", ["supervised", "label-free"])
def test_a_learned_distance_beats_pixels_on_what_it_was_told(short, column):
    columns, test = short
    far = {
        name: moved_too_far(phi(test.X), phi(shifted(test.X, 2, 2)), test.y)
        for name, phi in columns.items()
    }
    assert far["raw"] > 0.99 and far[column] < 0.2


def test_labels_pull_classes_together(short):
    columns, test = short
    triplets = draw_triplets(test.y, 5_000)
    agreed = {n: triplet_agreement(phi(test.X), triplets) for n, phi in columns.items()}
    assert agreed["raw"] < 0.8 and agreed["supervised"] > 0.93
    assert agreed["label-free"] > agreed["raw"] + 0.05


def test_phi_is_a_declared_network_and_repeats_with_its_seed():
    X = load("digits").rows("encoder").X[:100]
    one, again, two = (
        learn_distance(X, seed=seed, epochs=1, batch_size=50, progress=False)
        for seed in (0, 0, 1)
    )
    assert torch.equal(one.module(X), again.module(X))
    assert not torch.equal(one.module(X), two.module(X))
    assert lipschitz_bound(one.module) > 0


ROWS, CLASSES = torch.eye(4), torch.arange(4) % 2
HOLE = torch.tensor([[0.0, 1.0], [float("nan"), 1.0], [2.0, 0.0]])


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda: draw_triplets(CLASSES + 0.5, 3), "A class is 0.5"),
        (lambda: draw_triplets(CLASSES - 1, 3), "A class is -1"),
        (lambda: draw_triplets(CLASSES, -5), "n is -5"),
        (lambda: triplet_agreement(ROWS, torch.zeros(2, 2).long()), "of a, b and c"),
        (lambda: triplet_agreement(ROWS, torch.zeros(0, 3).long()), "no triplet"),
        (lambda: triplet_agreement(ROWS, torch.tensor([[0, 1, 9]])), "from 0 to 3"),
        (lambda: triplet_agreement(ROWS, torch.zeros(2, 3)), "float32.* whole numbers"),
        (lambda: triplet_agreement(HOLE, torch.tensor([[1, 0, 2]])), "nan in row 1"),
        (lambda: retrieval_at_1(ROWS, CLASSES[:2]), "each of 4 rows"),
        (lambda: retrieval_at_1(ROWS[:1], CLASSES[:1]), "2 rows or more"),
        (lambda: moved_too_far(HOLE, HOLE, torch.arange(3)), "nan in row 1"),
        (lambda: isotropy(torch.ones(3, 2)), "All rows of Z are the same"),
        (lambda: isotropy(HOLE), "nan in row 1"),
        (lambda: straightness(ROWS, 4), "k is 4; use a whole number from 1 to 3"),
        (lambda: geodesic_distances(ROWS, 1.5), "k is 1.5"),
        (lambda: geodesic_path(ROWS, 0, 9, 1), "end is 9"),
        (lambda: comparable_directions(HOLE, torch.zeros(3), 1), "nan in row 1"),
        (lambda: pair_map(HOLE, ROWS[:3, :2], torch.arange(3) < 1), "nan in row 1"),
        (lambda: linear_encoder(HOLE), "W has nan in row 1"),
        (lambda: linear_encoder(torch.ones(3)), r"W has the shape \(3,\); give"),
        (lambda: shifted(torch.zeros(2, 16), 1.5, 0), "right is 1.5"),
        (lambda: learn_distance(torch.zeros(1, 784)), "2 rows or more"),
        (lambda: learn_distance(torch.zeros(2, 784), ROWS[0, :2] / 2), "class is 0.5"),
    ],
)
def test_what_has_no_quality_is_named(attempt, said):
    with pytest.raises(FairtutorError, match=said):
        attempt()


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda: shifted(torch.zeros(2, 10), 1, 0), "square images"),
        (lambda: shifted(torch.zeros(2, 16), 4, 0), "nothing would be left"),
        (lambda: Moves(turn=-1), "turn is -1"),
        (lambda: Moves(shift="2"), "shift is '2'"),
        (lambda: comparable_directions(torch.eye(3), torch.zeros(2), 1), "one group"),
        (lambda: comparable_directions(torch.eye(3), torch.arange(3), 4), "k is 4"),
        (lambda: comparable_directions(torch.eye(3), torch.zeros(3), 3), "differ in 2"),
        (lambda: comparable_directions(torch.ones(3, 2), torch.zeros(3)), "not differ"),
        (lambda: pair_map(torch.eye(3), torch.eye(2), torch.ones(3)), "one judgement"),
        (lambda: pair_map(torch.eye(3), torch.eye(3), torch.ones(3)), "judged alike"),
        (lambda: Alike(nn.Identity(), Moves(), own=2), "own is 2"),
        (
            lambda: learn_distance(torch.zeros(4, 784), temperature=0),
            "temperature is 0",
        ),
        (lambda: learn_distance(torch.zeros(4, 784), torch.ones(3)), "one class"),
    ],
)
def test_what_cannot_be_learned_from_is_named(attempt, said):
    with pytest.raises(FairtutorError, match=said):
        attempt()
