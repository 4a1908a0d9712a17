"""Iterative null-space projection: what it removes, beside LEACE, and what stays."""

from threading import Event

import pytest
import torch
from torch.nn.functional import one_hot

from fairtutor import load
from fairtutor.audit import leakage
from fairtutor.audit.probes import FAMILIES
from fairtutor.exchange import FairtutorError
from fairtutor.producers import Task, erasure, projection
from fairtutor.training import Stopped

QUIET = {"progress": False}


def task(n=600, d=6, num_groups=2, seed=0, **options):
    """Rows whose means depend on the group."""
    generator = torch.Generator().manual_seed(seed)
    groups = torch.randint(0, num_groups, (n,), generator=generator)
    means = torch.randn(num_groups, d, generator=generator)
    X = torch.randn(n, d, generator=generator) + means[groups]
    y = (X[:, 0] > 0).long()
    return Task(X, y, groups, num_groups, **{"training": QUIET} | options)


def probe(Z, groups, num_groups, family="linear"):
    """Return a probe's balanced accuracy on the rows that it was trained on."""
    Z = Z.detach().double()
    told = FAMILIES[family](Z, groups, Z, num_groups, 0)
    return sum(
        (told[groups == g] == g).double().mean().item() for g in range(num_groups)
    ) / (num_groups)


def removed(encoder):
    """Return R of r(x) = x − R (x − μ)."""
    weight = encoder.module[0].weight.detach().double()
    return torch.eye(len(weight)) - weight


def change(X, Z):
    return (X - Z).square().sum(1).mean().item()


@pytest.mark.parametrize("num_groups", [2, 3, 5])
def test_each_round_projects_one_direction_a_group_away(num_groups):
    made_of = task(d=12, num_groups=num_groups)
    for rounds in (1, 2):
        encoder = projection(made_of, rounds=rounds)
        R = removed(encoder)
        assert torch.allclose(R, R.T, atol=1e-5)
        assert torch.allclose(R @ R, R, atol=1e-5)
        assert len(encoder.history) == rounds, "it has not given up before"
        assert R.trace().item() == pytest.approx(rounds * (num_groups - 1), abs=1e-4)
        mean = made_of.X.mean(0)
        assert torch.allclose(encoder.module(mean), mean, atol=1e-4)


def test_the_first_round_is_the_projection_along_a_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    made_of = task()
    model = LogisticRegression(class_weight="balanced", tol=1e-8)
    w = torch.from_numpy(model.fit(made_of.X, made_of.groups).coef_[0])
    expected = torch.outer(w, w) / w.square().sum()
    R = removed(projection(made_of, rounds=1))
    assert torch.allclose(R, expected.double(), atol=1e-3)


@pytest.mark.parametrize("num_groups", [2, 4])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_linear_probes_fall_with_the_rounds_until_the_classifier_fails(
    num_groups, seed
):
    made_of = task(d=15, num_groups=num_groups, seed=seed)
    told = [
        probe(
            projection(made_of, rounds=k).module(made_of.X), made_of.groups, num_groups
        )
        for k in (1, 4, 30)
    ]
    before = probe(made_of.X, made_of.groups, num_groups)
    assert before > told[0] > told[2] - 0.02
    assert told[2] < 1 / num_groups + 0.03
    history = projection(made_of, rounds=30).history
    assert len(history) < 30, "it stopped when the classifier failed"
    assert history["removed variance"] == sorted(history["removed variance"])
    assert before == pytest.approx(history["balanced accuracy"][0], abs=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_it_changes_more_than_leace_and_guarantees_less(seed):
    """LEACE takes one direction for two groups and leaves linear probes nothing."""
    made_of = task(d=15, seed=seed)
    X = made_of.X
    exact, iterated = erasure(made_of), projection(made_of, rounds=30)
    target = one_hot(made_of.groups, 2).double()
    target = target - target.mean(0)

    def covariance_left(encoder):
        Z = encoder.module(X).double()
        return ((Z - Z.mean(0)).T @ target / len(X)).norm().item()

    assert torch.linalg.matrix_rank(removed(exact), atol=1e-4) == 1
    assert torch.linalg.matrix_rank(removed(iterated), atol=1e-4) > 1
    assert change(X, iterated.module(X)) >= change(X, exact.module(X))
    assert covariance_left(exact) < 1e-6
    assert covariance_left(iterated) > 1e-4


def test_a_non_linear_probe_sees_through_both():
    """The groups differ in spread as well, of which a line knows nothing."""
    made_of = task(n=2000, d=4)
    made_of.X[made_of.groups == 1] *= 3
    for method in (erasure, projection):
        Z = method(made_of).module(made_of.X)
        assert probe(Z, made_of.groups, 2) < 0.56
        half = len(Z) // 2
        told = leakage(
            Z[:half],
            made_of.groups[:half],
            Z[half:],
            made_of.groups[half:],
            2,
            families={name: FAMILIES[name] for name in ("nearest neighbours", "trees")},
        )
        assert told.lower > 0.65


def test_strength_is_the_share_that_is_removed():
    nothing, half, all_of_it = (
        removed(projection(task(strength=s), rounds=3)) for s in (0.0, 0.5, 1.0)
    )
    assert nothing.abs().max() < 1e-6
    assert torch.allclose(half, all_of_it / 2, atol=1e-6)


@pytest.mark.parametrize("strength", [-0.1, 1.1])
def test_a_strength_beyond_all_is_named(strength):
    with pytest.raises(FairtutorError, match=f"projection is {strength}; use 0"):
        projection(task(strength=strength))


@pytest.mark.parametrize("rounds", [0, 2.5])
def test_no_rounds_are_refused(rounds):
    with pytest.raises(FairtutorError, match=f"rounds is {rounds}; use a whole"):
        projection(task(), rounds=rounds)


def test_groups_without_rows_and_a_single_group_do_no_harm():
    made_of = task()
    more = Task(**vars(made_of) | {"num_groups": 4})
    assert torch.allclose(removed(projection(more)), removed(projection(made_of)))
    alone = Task(**vars(made_of) | {"groups": torch.zeros(600, dtype=torch.long)})
    assert torch.allclose(projection(alone).module(alone.X), alone.X, atol=1e-5)


def test_it_can_be_watched_and_stopped():
    losses, seen = [], []
    watched = task(
        training={**QUIET, "on_epoch": losses.append},
        on_encoder=lambda module: seen.append(module[0].weight.clone()),
    )
    encoder = projection(watched, rounds=3)
    assert [loss["epoch"] for loss in losses] == [1, 2, 3]
    assert losses[0]["balanced accuracy"] == encoder.history["balanced accuracy"][0]
    assert torch.equal(seen[-1], encoder.module[0].weight)
    assert not torch.allclose(seen[0], seen[1], atol=1e-3)
    stop = Event()
    stop.set()
    with pytest.raises(Stopped):
        projection(task(training={**QUIET, "stop": stop}))


def test_on_adult_it_removes_more_than_leace_and_a_linear_probe_still_succeeds():
    adult = load("adult")
    codes, names = adult.groups("sex")
    rows = adult.rows("encoder")
    made_of = Task(rows.X, rows.y, codes[rows.index], len(names), training=QUIET)
    exact = erasure(made_of).module(rows.X)
    iterated = projection(made_of, rounds=10)
    Z = iterated.module(rows.X)
    assert change(rows.X, Z) >= change(rows.X, exact)
    found = iterated.history["balanced accuracy"]
    assert found[0] > 0.99
    assert probe(exact, made_of.groups, 2) == pytest.approx(0.5, abs=0.01)
    assert 0.6 < probe(Z, made_of.groups, 2) < 0.8
