"""How representations are made: nothing, linear erasure, and an adversary's defeat."""

import importlib.util

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy, one_hot

from fairtutor import Criterion, DataProducer, DataUser, FairnessCriteria, load
from fairtutor.audit import group_counts, rates
from fairtutor.exchange import FairtutorError, build, mlp
from fairtutor.producers import DEFAULT_STRENGTHS, METHODS, Task, adversarial, erasure
from fairtutor.producers.adversarial import AdversarialObjective

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


def test_every_method_has_a_strength_of_its_own():
    assert set(DEFAULT_STRENGTHS) == set(METHODS)


# The adversary.


def game(strength=0.7, num_groups=3, seed=0):
    """Return the objective in float64 and a batch."""
    torch.manual_seed(seed)
    made_of = task(n=40, d=4, num_groups=num_groups)
    objective = AdversarialObjective(
        encoder=build((*mlp(4, 5, 3, activation="tanh"), ("tanh",)), 4),
        predictor=build(mlp(3, 4, 1, activation="tanh"), 3),
        adversary=build(mlp(3, 4, num_groups, activation="tanh"), 3),
        shares=torch.bincount(made_of.groups, minlength=num_groups) / 40,
        strength=strength,
    ).double()
    return objective, (made_of.X.double(), made_of.y, made_of.groups)


def losses_by_hand(objective, X, y, groups):
    """The predictor's log loss, and the adversary's with groups of equal weight."""
    Z = objective.encoder(X)
    p = objective.predictor(Z)[:, 0].sigmoid()
    prediction = -torch.where(y == 1, p.log(), (1 - p).log()).mean()
    guess = objective.adversary(Z).softmax(1)
    count = len(objective.shares)
    told = sum(
        -guess[i, g].log() / (count * (groups == g).double().mean())
        for i, g in enumerate(groups.tolist())
    )
    return prediction, told / len(groups)


def test_the_losses_are_those_of_the_game():
    objective, batch = game()
    got = {name: loss.item() for name, loss in objective(*batch).items()}
    prediction, told = (loss.item() for loss in losses_by_hand(objective, *batch))
    assert got["prediction loss"] == pytest.approx(prediction, rel=1e-6)
    assert got["adversary's loss"] == pytest.approx(told, rel=1e-6)
    assert got["loss"] == pytest.approx(prediction + told, rel=1e-6)


@pytest.mark.parametrize("strength", [0.0, 0.7, 3.0])
def test_the_encoder_climbs_the_adversarys_loss_and_the_others_descend(strength):
    """Each gradient is compared with finite differences of what that player wants."""
    objective, batch = game(strength)
    objective(*batch)["loss"].backward()
    wants = {
        "encoder": lambda prediction, told: prediction - strength * told,
        "predictor": lambda prediction, told: prediction,
        "adversary": lambda prediction, told: told,
    }
    step = 1e-5
    for player, want in wants.items():
        for parameter in getattr(objective, player).parameters():
            flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
            for i in range(0, len(flat), 3):
                values = []
                for sign in (1, -1):
                    flat[i] += sign * step
                    with torch.no_grad():
                        values.append(want(*losses_by_hand(objective, *batch)).item())
                    flat[i] -= sign * step
                slope = (values[0] - values[1]) / (2 * step)
                assert gradient[i].item() == pytest.approx(slope, abs=1e-6, rel=1e-3)


def test_an_encoder_step_makes_the_adversary_worse():
    objective, batch = game(strength=1000.0)
    objective(*batch)["loss"].backward()
    before = losses_by_hand(objective, *batch)[1].item()
    with torch.no_grad():
        for parameter in objective.encoder.parameters():
            parameter -= 1e-7 * parameter.grad
    assert losses_by_hand(objective, *batch)[1].item() > before


def encoded(made_of, **options):
    encoder = adversarial(made_of, **{"epochs": 2} | options)
    return encoder.module(made_of.X)


def test_the_seed_fixes_the_representation():
    first, again, other = (
        encoded(Task(**vars(task(strength=1.0)) | {"seed": seed})) for seed in (0, 0, 1)
    )
    assert torch.allclose(first, again, rtol=0, atol=1e-6)
    assert not torch.allclose(first, other, atol=1e-2)


def test_the_seed_fixes_the_weights_before_training_too():
    untrained = [
        encoded(Task(**vars(task()) | {"seed": seed}), epochs=1, lr=1e-12)
        for seed in (0, 0, 1)
    ]
    assert torch.allclose(untrained[0], untrained[1], rtol=0, atol=1e-6)
    assert not torch.allclose(untrained[0], untrained[2], atol=1e-2)


def test_settings_shape_the_encoder():
    made_of = task()
    encoder = adversarial(made_of, width=3, hidden=5, epochs=1)
    assert encoder.layers == (*mlp(6, 5, 3), ("tanh",))
    assert encoder.module(1e6 * made_of.X).abs().max() <= 1
    assert set(encoder.history.names) == {
        "loss",
        "prediction loss",
        "adversary's loss",
    }


def test_a_group_without_rows_does_no_harm():
    made_of = task(num_groups=2)
    with_empty = Task(**vars(made_of) | {"num_groups": 4})
    assert encoded(with_empty).isfinite().all()
    assert erasure(with_empty).module(made_of.X).isfinite().all()


def on_test(adult, method, seed):
    """Return accuracy and selection rate difference of an MLP user on the test rows."""
    criterion = Criterion("selection_rate_difference", 0.1, "sex")
    criteria = FairnessCriteria((criterion,))
    representation = DataProducer(method, seed=seed).produce(
        criteria, adult, progress=False
    )
    submission = DataUser("mlp", seed=seed).train(representation, adult, progress=False)
    rows = adult.rows("test")
    decisions = submission.scores(representation.encode(rows.X)) >= 0.5
    codes, names = adult.groups("sex")
    counts = group_counts(rows.y, decisions, codes[rows.index], len(names))
    selection = rates(counts, "selection rate")
    accuracy = (decisions == rows.y.bool()).double().mean().item()
    return accuracy, (selection.max() - selection.min()).item()


@pytest.mark.parametrize("seed", [0, 1])
def test_on_adult_the_adversary_halves_the_gap_for_three_points(seed):
    adult = load("adult").without_audit()
    accuracy, gap = on_test(adult, "identity", seed)
    fair_accuracy, fair_gap = on_test(adult, "adversarial", seed)
    assert gap > 0.15, "there is a gap to halve"
    assert accuracy > 0.83
    assert fair_gap <= gap / 2
    assert fair_accuracy >= accuracy - 0.03
