"""How representations are made: nothing, and linear erasure."""

import importlib.util

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy, one_hot

from fairtutor import DataProducer, load
from fairtutor.exchange import FairtutorError
from fairtutor.producers import DEFAULT_STRENGTHS, METHODS, STRENGTHS, Task, erasure
from fairtutor.training import device

some = settings(derandomize=True, deadline=None, max_examples=25)
QUIET = {"progress": False}


def task(n=600, d=6, num_groups=2, seed=0, rank=None, **options):
    """Rows whose means and outcomes depend on the group."""
    generator = torch.Generator().manual_seed(seed)
    groups = torch.randint(0, num_groups, (n,), generator=generator)
    means = torch.randn(num_groups, d, generator=generator)
    X = torch.randn(n, d, generator=generator) + means[groups]
    if rank is not None:
        X = X[:, :rank] @ torch.randn(rank, d, generator=generator)
    y = (X[:, 0] + torch.randn(n, generator=generator) > 0).long()
    return Task(X, y, groups, num_groups, training=QUIET, **options)


def told_by_least_squares(Z, groups, num_groups):
    """Return the share of the groups' variance that a linear probe explains, 0 to 1.

    The probe is blind to directions a 100,000th as wide as the widest, in which Z holds
    nothing but the rounding of float32.
    """
    Z = Z.detach().double()
    target = one_hot(groups, num_groups).double()
    target = target - target.mean(0)
    U, widths, _ = torch.linalg.svd(Z - Z.mean(0), full_matrices=False)
    U = U[:, widths > 1e-5 * widths.max()]
    return ((U.T @ target).square().sum() / target.square().sum()).item()


def logistic_probe(Z, groups, num_groups):
    """Return by how many nats a linear probe's log loss is below a constant's."""
    Z = Z.detach().double()
    weight = torch.zeros(
        Z.shape[1], num_groups, dtype=torch.float64, requires_grad=True
    )
    bias = torch.zeros(num_groups, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [weight, bias],
        max_iter=300,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-10,
    )

    def loss():
        optimiser.zero_grad()
        value = cross_entropy(Z @ weight + bias, groups)
        value.backward()
        return value

    optimiser.step(loss)
    share = torch.bincount(groups, minlength=num_groups) / len(groups)
    constant = -(share[groups]).double().log().mean()
    return (constant - loss()).item()


# Erasure.


@given(st.integers(2, 5), st.integers(2, 8), st.integers(0, 1000))
@some
def test_after_erasure_no_linear_probe_beats_a_constant(num_groups, d, seed):
    made_of = task(d=d, num_groups=num_groups, seed=seed)
    Z = erasure(made_of).module(made_of.X)
    assert told_by_least_squares(made_of.X, made_of.groups, num_groups) > 0.05
    assert told_by_least_squares(Z, made_of.groups, num_groups) < 1e-9
    means = torch.stack([Z[made_of.groups == g].mean(0) for g in range(num_groups)])
    assert (means - means[0]).abs().max() < 1e-4


def test_a_logistic_probe_learns_nothing_either():
    made_of = task(num_groups=3)
    Z = erasure(made_of).module(made_of.X)
    assert logistic_probe(made_of.X, made_of.groups, 3) > 0.1
    assert logistic_probe(Z, made_of.groups, 3) < 1e-6


def test_nothing_is_erased_at_strength_0_and_half_at_a_half():
    made_of = task(strength=0.0)
    assert torch.allclose(erasure(made_of).module(made_of.X), made_of.X, atol=1e-6)

    def gap(strength):
        half = task(strength=strength)
        Z = erasure(half).module(half.X)
        return Z[half.groups == 1].mean(0) - Z[half.groups == 0].mean(0)

    assert torch.allclose(gap(0.5), gap(0.0) / 2, atol=1e-5)


@pytest.mark.parametrize("strength", [-0.1, 1.1])
def test_a_strength_of_erasure_beyond_all_is_named(strength):
    with pytest.raises(FairtutorError, match=f"erasure is {strength}; use 0"):
        erasure(task(strength=strength))


def test_rows_of_lower_rank_are_erased_and_kept_in_their_space():
    made_of = task(d=9, rank=4)
    made_of.X[:, 8] = 0.0  # a column that is constant, as one-hot columns can be
    Z = erasure(made_of).module(made_of.X)
    assert Z.isfinite().all()
    assert told_by_least_squares(Z, made_of.groups, 2) < 1e-9
    assert Z[:, 8].abs().max() < 1e-5


def test_erasure_is_small_where_the_groups_do_not_differ():
    """Rank one is lost for two groups; everything orthogonal to it (whitened) stays."""
    made_of = task(d=6)
    layer = erasure(made_of).module[0]
    erased = torch.eye(6) - layer.weight
    assert torch.linalg.matrix_rank(erased, atol=1e-4) == 1
    assert torch.allclose(erased @ erased, erased, atol=1e-4)  # a projection
    mean = made_of.X.mean(0)
    assert torch.allclose(layer(mean), mean, atol=1e-4)  # the mean does not move


def test_no_other_erasure_moves_the_rows_less():
    """Belrose et al.: the smallest change in mean square, here against the simplest."""
    made_of = task(d=6)
    X, groups = made_of.X.double(), made_of.groups
    Z = erasure(made_of).module(made_of.X).double()
    between = X[groups == 1].mean(0) - X[groups == 0].mean(0)
    covariance = (X - X.mean(0)).T @ (X - X.mean(0)) / len(X)
    generator = torch.Generator().manual_seed(0)
    ours = (X - Z).square().sum(1).mean()
    for _ in range(50):
        # x − d vᵀ(x − μ) / vᵀd erases d for every v; LEACE's v is Σ⁻¹ d.
        v = torch.linalg.solve(covariance, between)
        v = v + 0.3 * v.norm() * torch.randn(6, generator=generator)
        other = (X - X.mean(0)) @ v / (v @ between)
        assert (other[:, None] * between).square().sum(1).mean() >= ours * (1 - 1e-6)


@pytest.mark.skipif(
    importlib.util.find_spec("concept_erasure") is None,
    reason="the package concept-erasure, by LEACE's authors, is not installed",
)
@pytest.mark.parametrize("num_groups", [2, 4])
def test_erasure_is_leace_as_its_authors_wrote_it(num_groups):
    from concept_erasure import LeaceFitter

    made_of = task(num_groups=num_groups, d=7)
    X = made_of.X.double()
    theirs = LeaceFitter(
        7, num_groups, dtype=torch.float64, shrinkage=False, svd_tol=1e-6
    )
    theirs.update(X, one_hot(made_of.groups, num_groups).double())
    ours = erasure(made_of).module(made_of.X)
    assert torch.allclose(ours.double(), theirs.eraser(X), rtol=0, atol=1e-4)


def test_erasure_of_an_intersection_erases_its_attributes():
    compas = load("compas")
    codes, names = compas.groups(("sex", "race"))
    rows = compas.rows("encoder")
    groups = codes[rows.index]
    Z = erasure(Task(rows.X, rows.y, groups, len(names))).module(rows.X)
    for attribute in ("sex", "race"):
        codes, names = compas.groups(attribute)
        own = codes[rows.index]
        assert told_by_least_squares(rows.X, own, len(names)) > 0.5
        assert told_by_least_squares(Z, own, len(names)) < 1e-8


def test_identity_is_x():
    made_of = task()
    encoder = METHODS["identity"](made_of)
    assert torch.equal(encoder.module(made_of.X), made_of.X)
    assert (encoder.layers, len(encoder.history)) == ((), 0)


def test_every_method_has_strengths_of_its_own_and_says_what_they_mean():
    assert set(DEFAULT_STRENGTHS) == set(STRENGTHS) == set(METHODS)
    for method, strengths in STRENGTHS.items():
        assert list(strengths) == sorted(set(strengths))
        assert strengths[0] == 0 and DEFAULT_STRENGTHS[method] in strengths
    said = DataProducer.__doc__
    said = said[said.index("strength\n") : said.index("seed\n")]
    assert not [method for method in METHODS if f"``{method}``" not in said]


@pytest.mark.parametrize("method", ["erasure", "projection", "pairwise"])
def test_a_share_ends_at_1(method):
    """Of the others no strength is too large."""
    assert max(STRENGTHS[method]) == 1
    made_of = Task(**vars(task(n=60)) | {"strength": 1.01})
    with pytest.raises(FairtutorError, match=f"strength of {method} is 1.01; use 0"):
        METHODS[method](made_of)


@pytest.mark.parametrize("method", METHODS)
def test_rows_may_lie_where_training_runs(method):
    """An encoder comes back on the CPU, wherever it and its rows were."""
    settings = {
        "adversarial": {"epochs": 1, "cells": 5},
        "moments": {"epochs": 1},
        "prototypes": {"epochs": 3},
    }
    here = task(n=200, strength=0.5)
    moved = {name: getattr(here, name).to(device()) for name in ("X", "y", "groups")}
    encoder = METHODS[method](Task(**vars(here) | moved), **settings.get(method, {}))
    assert encoder.module(here.X).isfinite().all()


@pytest.mark.parametrize("method", ["prototypes", "adversarial", "moments"])
def test_who_predicts_two_outcomes_refuses_a_third(method):
    """A log loss of outcomes beyond 1 has no minimum, and training would not tell."""
    three = Task(**vars(task(n=60)) | {"y": torch.arange(60) % 3})
    with pytest.raises(FairtutorError, match="outcomes of 0 and 1; y goes from 0 to 2"):
        METHODS[method](three)
