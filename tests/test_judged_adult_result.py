"""What experiments/judged_adult.py found: a part again, and what must hold."""

from collections import Counter
from dataclasses import fields

import pytest
import torch

from fairtutor import load
from fairtutor.results import load_result

FLIPS = ("spouse", "gender and race")


@pytest.fixture(scope="module")
def experiment(script):
    return script("experiments/judged_adult.py")


@pytest.fixture(scope="module")
def result():
    return load_result("judged_adult")


@pytest.fixture(scope="module")
def split(experiment):
    return experiment.prepare(10)


def stored(result, name, **settings):
    """Return the runs of the one row of a part that has these settings."""
    (row,) = (r for r in result[name] if settings.items() <= r.items())
    return row["runs"]


@pytest.mark.usefixtures("as_stored")
@pytest.mark.parametrize(("kind", "share"), [("none", 0.0), ("person", 0.1)])
def test_one_seed_comes_out_again(kind, share, experiment, result, split):
    pairs = experiment.judgements(split, kind, share, 10)
    first = pairs[0][:200], pairs[1][:200]
    again = experiment.face_row(split, first, 10, [])
    kept = stored(result, "judged", pairs=200, errors=kind, share=share)[0]
    assert again.keys() == kept.keys()
    assert again["angle"] == pytest.approx(kept["angle"], abs=1e-3)
    for name, value in again.items():
        assert value == pytest.approx(kept[name], abs=0.02), name


@pytest.mark.usefixtures("as_stored")
def test_explore_comes_out_again(experiment, result, split):
    pairs = experiment.judgements(split, "none", 0.0, 10)
    again = experiment.explore_row(split, pairs, 10)
    kept = stored(result, "explore", errors="none")[0]
    for name, value in again.items():
        assert value == pytest.approx(kept[name], abs=0.02), name


@pytest.fixture(scope="module")
def own(split):
    return [split.columns[name] for name in ("male", "white", "Husband", "Wife")]


def test_without_errors_only_flips_change(experiment, split, own):
    people, others = experiment.judgements(split, "none", 0.0, 3)
    kept = [i for i in range(people.shape[1]) if i not in own]
    assert torch.equal(people[:, kept], others[:, kept])
    assert (people != others).any(1).all()
    assert others[:, own].unique().tolist() == [0.0, 1.0]
    male, white, husband, wife = ((others - people)[:, i] for i in own)
    assert torch.equal(husband, -wife)
    married = people[:, own[2:]].sum(1) == 1
    assert not husband[~married].any()
    # at least one of two or three: (½) / (1 − ¼) or (½) / (1 − ⅛), more for the first
    for moved in (male, white):
        assert 0.5 < moved.abs().mean() < 0.7
    assert 0.4 < husband[married].abs().mean() < 0.6


def test_errors_are_in_their_share_and_of_their_kind(experiment, split, own):
    people, clean = experiment.judgements(split, "none", 0.0, 3)
    _, moved = experiment.judgements(split, "number", 0.3, 3)
    apart = (moved - clean).abs()
    wrong = apart.any(1)
    assert 0.25 < wrong.double().mean() < 0.35
    assert torch.allclose(apart[wrong].sum(1), torch.ones(()).double(), atol=1e-5)
    assert set(apart[wrong].argmax(1).tolist()) == set(range(5))
    same, others = experiment.judgements(split, "person", 0.3, 3)
    assert torch.equal(same, people)
    assert not wrong[(others != clean).any(1)].logical_not().any()
    jobs = split.columns["Husband"] - 14
    kept = [1, *range(jobs, jobs + 14)]
    assert torch.equal(people[:, kept], others[:, kept])
    assert (people != others)[wrong].any(0).sum() > 15


def test_the_columns_of_the_occupation(experiment, split):
    table = load("adult").table.dropna(subset=["native-country", "occupation"])
    counts = Counter(table["occupation"])
    last = split.columns["Husband"]
    found = torch.cat([split.X, split.X_test])[:, last - experiment.OCCUPATIONS : last]
    assert found.sum(0).tolist() == [counts[name] for name in sorted(counts)]


def test_what_the_producer_sees_does_not_move_with_a_flip(experiment, split, own):
    people, others = experiment.judgements(split, "none", 0.0, 3)
    U = experiment.face(people[:50], others[:50])
    seen = experiment.judged(split, experiment.outside(U))
    X = split.X_test[:500]
    other = X.clone()
    other[:, own[0]] = 1 - X[:, own[0]]
    other[:, own[2:]] = X[:, own[2:]].flip(1)
    assert (seen.named(X) - seen.named(other)).abs().max() < 1e-6
    assert (seen.named(X) - X).abs().amax(0).nonzero()[:, 0].tolist() == sorted(own)
    for part in fields(split):
        assert getattr(seen, part.name) is getattr(split, part.name)


def test_an_angle_is_known_for_two_planes(experiment):
    U = torch.eye(4).double()[:, :2]
    turned = torch.zeros(4, 2).double()
    turned[0, 0], turned[1, 1], turned[2, 1] = 1.0, 0.5**0.5, 0.5**0.5
    assert experiment.angle(U, U) == pytest.approx(0, abs=1e-6)
    assert experiment.angle(U, turned) == pytest.approx(45, abs=1e-5)
    assert experiment.angle(U[:, :1], turned) == pytest.approx(90, abs=1e-3)
    assert experiment.left(torch.diag(torch.arange(4.0)).double(), U) == 1


def test_a_known_projection_is_not_trained_again(experiment, split):
    pairs = experiment.judgements(split, "none", 0.0, 3)
    matrix = experiment.outside(experiment.true_directions(split))
    found = experiment.face_row(split, pairs, 3, [(matrix, {"spouse": 0.25})])
    assert found["spouse"] == 0.25
    assert found["angle"] < 1e-5


def test_a_truthful_arbiter_needs_few_pairs(result):
    named = result["table"]["named"]["runs"]
    for m in (20, 50, 200, 1000):
        runs = stored(result, "judged", pairs=m, errors="none")
        assert len(runs) == len(named) == 10
        for run, by_hand in zip(runs, named, strict=True):
            assert run["angle"] < 1e-3
            assert run["directions"] == 3
            assert all(run[name] == 1 for name in FLIPS)
            assert abs(run["balanced accuracy"] - by_hand["balanced accuracy"]) < 0.01


def test_fewer_directions_leave_a_flip(result):
    base = result["table"]["baseline"]["runs"]
    for m in (5, 10):
        runs = stored(result, "judged", pairs=m, errors="none")
        for run, free in zip(runs, base, strict=True):
            assert (run["angle"] < 1e-3) == (run["directions"] == 3)
            assert all(run[name] == 1 for name in FLIPS) == (run["directions"] == 3)
            assert run["spouse"] >= free["spouse"]


def test_an_error_in_one_number_is_outvoted(result):
    for share, most in ((0.1, 2), (0.3, 3)):
        few, many = (
            stored(result, "judged", pairs=m, errors="number", share=share)
            for m in (200, 1000)
        )
        for fewer, more in zip(few, many, strict=True):
            assert more["angle"] < min(most, fewer["angle"])
            assert all(more[name] > 0.98 for name in FLIPS)


def test_other_people_among_the_pairs_break_the_flips(result):
    base = result["table"]["baseline"]["runs"]
    for run in stored(result, "judged", pairs=1000, errors="person", share=0.1):
        assert run["angle"] > 5
        assert min(run[name] for name in FLIPS) < 0.99
    runs = stored(result, "judged", pairs=1000, errors="person", share=0.3)
    for run, free in zip(runs, base, strict=False):
        assert run["angle"] > 80
        assert all(run[name] < 0.99 for name in FLIPS)
        assert run["balanced accuracy"] > free["balanced accuracy"] - 0.02


def test_every_certified_constant_is_at_most_what_was_asked(result):
    for kind in ("none", "person"):
        rows = [row for row in result["lipschitz"] if row["errors"] == kind]
        assert [row["L"] for row in rows] == [0.25, 0.5, 1, 2, 4, 8, 16]
        for row in rows:
            assert row["pairs"] == 200
            assert len(row["runs"]) == 5
            for run in row["runs"]:
                assert run["certified L"] <= row["L"] * (1 + 1e-6)
                shares = [run[f"test certified at {r:g}"] for r in result["radii"]]
                assert shares == sorted(shares, reverse=True)
        errors = [row["test expected error"][0] for row in rows]
        assert errors[0] > errors[-1]
