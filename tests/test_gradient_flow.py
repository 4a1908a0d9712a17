"""The gradient flow: against an exact solution, a loop over people, and properties."""

import math

import numpy as np
import pytest
import torch

from fairtutor import FairtutorError, load
from fairtutor.audit import gradient_flow, loss_ratio_test, outcome_change_test
from fairtutor.audit.flow import CHUNK, log_loss
from fairtutor.results import load_result
from fairtutor.similarity import sensitive_subspace

ORDER = {  # from the fairest, as published
    "adult": ("projection", "baseline", "reduction"),
    "compas": ("projection", "reduction", "baseline"),
}


def random_case(n=40, d=5, k=2, seed=0):
    draw = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=draw, dtype=torch.double)
    U = torch.linalg.qr(torch.randn(d, k, generator=draw, dtype=torch.double)).Q
    y = torch.randint(2, (n,), generator=draw)
    net = torch.nn.Sequential(
        torch.nn.Linear(d, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)
    ).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=draw, dtype=torch.double))
    return X, y, U, lambda X: net(X).softmax(1)


def test_the_steps_approach_the_exact_solution_of_the_flow():
    # f = σ(x), y = 1, free along x: x' = −(1 − σ(x)), so x + eˣ = 1 − t from x₀ = 0.
    X, y, U = torch.zeros(1, 1).double(), torch.ones(1), torch.eye(1).double()
    errors = []
    for steps in (50, 500):
        size = 5 / steps
        moved = gradient_flow(
            lambda X: X[:, 0].sigmoid(), X, y, U, lam=0, step_size=size, steps=steps
        )
        x = moved.item()
        errors.append(abs(x + math.exp(x) - (1 - 5)))
    assert errors[1] < 0.02
    assert errors[1] < errors[0] / 5  # Euler: the error falls like the step


def test_off_the_subspace_the_penalty_holds_people_back():
    # f = σ(x), nothing is free: the flow ends where 1 − σ(x) = −2 λ x.
    X, y, U = torch.zeros(1, 1).double(), torch.ones(1), torch.zeros(1, 0).double()
    moved = gradient_flow(lambda X: X[:, 0].sigmoid(), X, y, U, lam=5, steps=2000)
    x = moved.item()
    assert 1 / (1 + math.exp(x)) == pytest.approx(-2 * 5 * x, rel=1e-6)


@pytest.mark.parametrize("steps", [1, 7])
def test_exponential_steps_are_exact_where_the_gradient_is_constant(steps):
    X, y, U, _ = random_case()
    w, lam, time = torch.arange(1.0, 6.0).double(), 30.0, 0.2
    recipe = {"lam": lam, "step_size": time / steps, "steps": steps}  # λ ε = 6 at once
    moved = gradient_flow(
        lambda X: X @ w, X, y, U, method="exponential", loss=lambda a, _: a, **recipe
    )
    along = U @ (U.T @ w)
    off = (w - along) * (1 - math.exp(-2 * lam * time)) / (2 * lam)
    assert torch.allclose(moved, X + time * along + off, atol=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_exponential_steps_are_of_second_order_and_nearer_than_euler(seed, decay):
    X, y, U, model = random_case(seed=seed)

    def end(steps, method):
        size = 1 / sum(t**-decay for t in range(1, steps + 1))
        return gradient_flow(
            model, X, y, U, lam=5, step_size=size, steps=steps, decay=decay,
            method=method,
        )  # fmt: skip

    fine = gradient_flow(
        model, X, y, U, lam=5, step_size=1 / 1000, steps=1000, method="exponential"
    )
    # With decay the first step, of first order, is much the longest.
    falls, rival = (3, 250) if decay == 0 else (1.5, 100)
    error = {
        (steps, method): (end(steps, method) - fine).norm()
        for steps, method in (
            *((n, "exponential") for n in (50, 100)),
            (rival, "euler"),
        )
    }
    assert error[100, "exponential"] < error[50, "exponential"] / falls
    assert error[100, "exponential"] < error[rival, "euler"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_all_rows_at_once_move_as_each_would_alone(seed):
    X, y, U, model = random_case(seed=seed)
    recipe = {"lam": 3.0, "step_size": 0.05, "steps": 20, "decay": 2 / 3}
    moved = gradient_flow(model, X, y, U, **recipe)
    P = torch.eye(5).double() - U @ U.T
    for x0, outcome, end in zip(X[:8], y[:8], moved[:8], strict=True):
        x = x0.clone()
        for t in range(1, 21):
            x = x.detach().requires_grad_()
            off = P @ (x - x0)
            gain = -model(x[None])[0, outcome].log() - 3.0 * off @ off
            x = x + 0.05 / t ** (2 / 3) * torch.autograd.grad(gain, x)[0]
        assert torch.allclose(end, x, atol=1e-12)


def test_chunks_change_nothing():
    X, y, U, model = random_case(n=CHUNK + 7)
    whole = gradient_flow(model, X, y, U, steps=5)
    parts = torch.cat([gradient_flow(model, X[i : i + 100], y[i : i + 100], U, steps=5)
                       for i in range(0, len(X), 100)])  # fmt: skip
    assert torch.allclose(whole, parts, atol=1e-12)
    assert not X.requires_grad


def test_the_same_person_with_another_value_along_the_subspace_counts_as_alike():
    X, y, U, _ = random_case()
    # A model blind to U: the flow barely moves it, whatever λ; one along U moves far.
    along = 3 * U[:, 0]
    blind = torch.linalg.svd(U.T).Vh[-1] * 3
    changes = [
        outcome_change_test(
            model, X, gradient_flow(model, X, y, U, lam=50, steps=300)
        ).mean
        for model in (lambda X: (X @ blind).sigmoid(), lambda X: (X @ along).sigmoid())
    ]
    assert changes[0] < 0.02 < 0.2 < changes[1]


def test_a_sure_model_has_no_ratio_but_a_change():
    """In float32 a loss is 0 from a logit of 17 on: 0 / 0 and x / 0 are dropped."""
    X = torch.tensor([[30.0], [30.0], [0.0], [1.0]])
    y, model = torch.ones(4, dtype=torch.long), lambda X: X[:, 0].sigmoid()
    moved = torch.tensor([[30.0], [-30.0], [-1.0], [0.0]])
    ratio = loss_ratio_test(model, X, moved, y)
    assert ratio.dropped == 2
    assert ratio.values[0].isnan()
    assert ratio.values[1].isinf()
    expected = [math.log(1 + math.e) / math.log(2),
                math.log(2) / math.log(1 + math.exp(-1))]  # fmt: skip
    assert ratio.mean == pytest.approx(np.mean(expected), rel=1e-5)
    half = 1.6448536 * np.std(expected) / math.sqrt(2)
    assert ratio.lower == pytest.approx(np.mean(expected) - half, rel=1e-5)
    change = outcome_change_test(model, X, moved)
    assert len(change.values) == 4
    assert change.dropped == 0
    assert change.values[1].item() == pytest.approx(1.0)


def test_one_sure_row_hides_unfairness_from_the_ratio_and_not_from_the_change():
    n = 400
    X = torch.zeros(n, 1)
    X[0] = 14.0  # sure and right: its loss is 1e-6
    y, model = torch.ones(n, dtype=torch.long), lambda X: X[:, 0].sigmoid()
    moved = torch.full_like(X, -3.0)
    ratio, change = loss_ratio_test(model, X, moved, y), outcome_change_test(
        model, X, moved
    )  # fmt: skip
    assert ratio.mean > 1000
    assert ratio.lower < 0
    assert not ratio.rejected
    assert change.rejected
    assert change.lower > 0.35


def test_the_change_limits_miss_no_more_often_than_they_say():
    draw, misses, runs = np.random.default_rng(0), 0, 300
    X = torch.zeros(150, 1).double()
    for _ in range(runs):  # a tenth of the people change by 1, the others not at all
        changed = torch.from_numpy(draw.random(150) < 0.1)
        model = lambda Z, c=changed: torch.where(c & (Z[:, 0] > 0), 1.0, 0.0)  # noqa: E731
        misses += outcome_change_test(model, X, X + 1, alpha=0.05).lower > 0.1
    assert misses <= runs * 0.05 + 3 * math.sqrt(runs * 0.05 * 0.95)


def test_no_loss_is_infinite_and_nobody_gets_lost():
    X, y = torch.tensor([[-200.0], [200.0]]), torch.ones(2, dtype=torch.long)
    model = lambda X: torch.stack([-X[:, 0], X[:, 0]], 1).softmax(1)  # noqa: E731
    assert log_loss(model(X), y).isfinite().all()
    assert gradient_flow(model, X, y, torch.eye(1), steps=50).isfinite().all()


def test_the_subspace_is_orthonormal_and_tells_the_groups():
    german = load("german")
    A = german.A[:, :1].clamp(max=1)
    U = sensitive_subspace(german.X, A)
    assert torch.allclose(U.T @ U, torch.eye(U.shape[1]), atol=1e-5)
    score = german.X @ U[:, 0]
    group = A[:, 0] == 1
    apart = score[group].mean() - score[~group].mean()
    assert apart.abs() > score.std()
    with_column = sensitive_subspace(german.X, A, columns=(0,))
    assert with_column.shape[1] == 2
    within = with_column @ with_column[0]  # the column's own direction is inside
    assert torch.allclose(within, torch.eye(german.X.shape[1])[0], atol=1e-5)


def test_what_does_not_fit_is_said_in_words():
    X, y, U, model = random_case()
    with pytest.raises(FairtutorError, match="overshoot"):
        gradient_flow(model, X, y, U, lam=100, step_size=0.01)
    with pytest.raises(FairtutorError, match=r"no method 'exp'.*'exponential'"):
        gradient_flow(model, X, y, U, method="exp")
    with pytest.raises(FairtutorError, match=r"\(d, k\)"):
        gradient_flow(model, X, y, U.T)
    with pytest.raises(FairtutorError, match="start"):
        gradient_flow(model, X, y, U, start=X[:3])
    with pytest.raises(FairtutorError, match="probabilities"):
        outcome_change_test(lambda X: 5 + X[:, 0], X, X)
    with pytest.raises(FairtutorError, match="0 in every row"):
        loss_ratio_test(lambda X: 1.0 + 0 * X[:, 0], X, X, torch.ones(len(X)))
    with pytest.raises(FairtutorError, match="0 and 1"):
        sensitive_subspace(X, torch.zeros(len(X), 1, dtype=torch.long))
    with pytest.raises(FairtutorError, match="one row"):
        sensitive_subspace(X, torch.zeros(3, 1, dtype=torch.long))


@pytest.fixture(scope="module")
def experiment(script):
    return script("experiments/individual_fairness.py")


@pytest.fixture(scope="module")
def published_rows():
    return load_result("individual_fairness")


@pytest.mark.usefixtures("as_stored")
def test_a_sample_of_the_published_rows_comes_out_again(experiment, published_rows):
    """COMPAS on the first seed: the reduction exactly, the constant, and a network."""
    [seed] = experiment.SEEDS[:1]
    for name, near in (("reduction", 0.01), ("baseline", 0.1), ("constant", 1e-6)):
        [again] = experiment.rows_of(name, "compas", [seed])["runs"].values()
        kept = published_rows["compas"][name]["runs"][str(seed[0])]
        for key in ("ratio lower", "change", "balanced accuracy"):
            assert again[key] == pytest.approx(kept[key], rel=near, abs=1e-6), name


def mean_over_seeds(rows, key):
    runs = rows["runs"].values()
    assert len(runs) == 10
    return np.mean([run[key] for run in runs])


def test_compas_is_as_published(published_rows):
    """Within two published standard deviations, and in the published order."""
    rows = published_rows["compas"]
    for name, accuracy, lower, spread in (
        ("baseline", 0.675, 2.385, 0.262),
        ("projection", 0.641, 1.161, 0.145),
        ("reduction", 0.652, 1.763, 0.069),
    ):
        found = mean_over_seeds(rows[name], "balanced accuracy")
        assert found == pytest.approx(accuracy, abs=0.025)
        found = mean_over_seeds(rows[name], "ratio lower")
        assert found == pytest.approx(lower, abs=2 * spread)
    for key in ("ratio lower", "change"):
        found = [mean_over_seeds(rows[name], key) for name in ORDER["compas"]]
        assert found == sorted(found)
    rejected = [
        mean_over_seeds(rows[name], "ratio rejected") for name in ORDER["compas"]
    ]
    assert rejected[0] < 0.5
    assert rejected[-2:] == [1, 1]


def test_group_fairness_made_adult_worse_individually(published_rows):
    """The published order, by the ratio and by the bounded change."""
    rows = published_rows["adult"]
    for key in ("ratio lower", "change"):
        found = [mean_over_seeds(rows[name], key) for name in ORDER["adult"]]
        assert found == sorted(found)
    assert mean_over_seeds(rows["reduction"], "ratio rejected") == 1


def test_the_ratio_of_sure_networks_is_not_rejected_by_its_own_width(published_rows):
    nets = published_rows["ratio"].values()
    assert any(net["mean ratio"] > 300 and not net["rejected"] for net in nets)
    assert all(0 < net["change lower"] < net["change upper"] < 0.2 for net in nets)


def test_the_constant_predictor_is_fair_and_useless(published_rows):
    for data in ("adult", "compas"):
        rows = published_rows[data]["constant"]
        assert mean_over_seeds(rows, "ratio lower") == pytest.approx(1)
        assert mean_over_seeds(rows, "change") == 0
        assert mean_over_seeds(rows, "balanced accuracy") == 0.5
