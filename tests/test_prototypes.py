"""Learned prototypes: the objective row by row, and what comes of minimising it."""

import math
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
import torch
from torch import nn

from fairtutor import Criterion, DataProducer, FairnessCriteria, load
from fairtutor.exchange import FairtutorError
from fairtutor.exchange.representation import Representation
from fairtutor.producers import Task, prototypes
from fairtutor.producers.prototypes import (
    SMOOTHINGS,
    PrototypeObjective,
    rows_of,
    untrained,
)
from fairtutor.results import load_result
from fairtutor.training import Stopped, fit_full_batch

QUIET = {"progress": False}


def task(n=400, d=5, num_groups=2, seed=0, **options):
    """Rows whose means and outcomes depend on the group."""
    generator = torch.Generator().manual_seed(seed)
    groups = torch.randint(0, num_groups, (n,), generator=generator)
    means = torch.randn(num_groups, d, generator=generator)
    X = torch.randn(n, d, generator=generator) + means[groups]
    y = (X[:, 0] + 0.5 * torch.randn(n, generator=generator) > 0).long()
    return Task(X, y, groups, num_groups, **{"training": QUIET} | options)


def adult_task(seed, rows=2000):
    data = load("adult")
    index = data.rows("encoder").index[:rows]
    codes, _ = data.groups("sex")
    return Task(
        data.X[index], data.y[index], codes[index], 2, seed=seed, training=QUIET
    )


def drawn(k=3, d=5, seed=0, **weights):
    """An objective in float64 with everything at random."""
    generator = torch.Generator().manual_seed(seed)
    V = torch.randn(k, d, generator=generator).double()
    alpha = 0.1 + torch.rand(d, generator=generator).double()
    w = 0.05 + 0.9 * torch.rand(k, generator=generator).double()
    weights = {"A_x": 0.3, "A_y": 0.7, "A_z": 1.3} | weights
    return PrototypeObjective(V, alpha, w, **weights)


def in_double(made_of):
    return [rows.double() for rows in rows_of(made_of)]


def memberships(X, V, alpha):
    """M, one number at a time, from the distances as they are printed."""
    M = np.zeros((len(X), len(V)))
    for n, x in enumerate(X):
        near = [
            math.exp(
                -sum(a * (i - j) ** 2 for a, i, j in zip(alpha, x, v, strict=True))
            )
            for v in V
        ]
        M[n] = np.array(near) / sum(near)
    return M


def terms(X, y, groups, V, alpha, w):
    """L_z, L_x and L_y in loops over rows, groups, prototypes and features."""
    M = memberships(X, V, alpha)
    L_x = L_y = 0.0
    for n, x in enumerate(X):
        x_hat = sum(M[n, k] * V[k] for k in range(len(V)))
        L_x += sum((i - j) ** 2 for i, j in zip(x, x_hat, strict=True)) / len(X)
        y_hat = sum(M[n, k] * w[k] for k in range(len(V)))
        L_y -= math.log(y_hat if y[n] else 1 - y_hat) / len(X)
    present = sorted(set(groups))
    differences = [
        sum(
            abs(M[groups == g, k].mean() - M[groups == h, k].mean())
            for k in range(len(V))
        )
        for g in present
        for h in present
        if g < h
    ]
    return sum(differences) / len(differences), L_x, L_y


def loss_in_loops(objective, made_of):
    V = objective.encoder.V.detach().numpy()
    alpha = objective.encoder.log_alpha.detach().exp().numpy()
    w = objective.logit_w.detach().sigmoid().numpy()
    L_z, L_x, L_y = terms(
        made_of.X.double().numpy(),
        made_of.y.numpy(),
        made_of.groups.numpy(),
        V,
        alpha,
        w,
    )
    total = objective.A_x * L_x + objective.A_y * L_y + objective.A_z * L_z
    return total, L_z, L_x, L_y


# The objective.


@pytest.mark.parametrize("num_groups", [2, 3, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_terms_are_those_of_loops_over_rows(num_groups, seed):
    made_of = task(n=60, num_groups=num_groups, seed=seed)
    objective = drawn(seed=seed)
    found = objective(*in_double(made_of))
    expected = loss_in_loops(objective, made_of)
    assert [value.item() for value in found.values()] == pytest.approx(expected)


def test_a_group_without_rows_has_no_say():
    made_of = task(n=60, num_groups=2)
    wider = replace(made_of, num_groups=4)
    objective = drawn()
    assert objective(*in_double(wider))["loss"].item() == pytest.approx(
        loss_in_loops(objective, made_of)[0]
    )
    alone = replace(made_of, groups=torch.zeros(60, dtype=torch.long))
    assert objective(*in_double(alone))["group difference"] == 0


def test_gradients_are_those_of_finite_differences_of_the_loops():
    made_of, objective = task(n=40), drawn()
    objective(*in_double(made_of))["loss"].backward()
    for parameter in objective.parameters():
        flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
        for i in range(0, len(flat), 2):
            ends = []
            for step in (1e-5, -1e-5):
                flat[i] += step
                ends.append(loss_in_loops(objective, made_of)[0])
                flat[i] -= step
            assert gradient[i].item() == pytest.approx(
                (ends[0] - ends[1]) / 2e-5, rel=1e-5, abs=1e-7
            )


@pytest.mark.parametrize("smoothing", [0.1, 0.001])
def test_the_smoothed_difference_is_below_by_at_most_k_times_its_width(smoothing):
    made_of, objective = task(n=60, num_groups=3), drawn(A_x=0.0, A_y=0.0, A_z=1.0)
    objective.smoothing = smoothing
    found = objective(*in_double(made_of))
    below = (found["group difference"] - found["loss"]).item()
    assert 0 < below <= 3 * smoothing
    with torch.enable_grad():
        assert torch.autograd.gradcheck(
            lambda V: torch.func.functional_call(
                objective, {"encoder.V": V}, tuple(in_double(made_of))
            )["loss"],
            objective.encoder.V.detach().clone().requires_grad_(),
        )


def test_rows_in_half_the_precision_are_computed_with_in_full():
    """As a GPU's mixed precision hands them over."""
    made_of, objective = task(n=60), drawn().float()
    short = [rows.bfloat16() for rows in rows_of(made_of)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = objective(*short)
    exact = objective(*[rows.float() for rows in short])
    assert found["loss"].dtype == torch.float32
    assert found["loss"].item() == pytest.approx(exact["loss"].item(), rel=1e-5)


# The encoder.


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_linear_layer_and_a_softmax_are_the_softmax_of_distances(seed):
    made_of = task(n=50, seed=seed)
    encoder = prototypes(replace(made_of, seed=seed), num_prototypes=4, epochs=3)
    assert encoder.layers == (("linear", 5, 4), ("softmax",))
    V, alpha = encoder.V.double().numpy(), encoder.alpha.double().numpy()
    M = memberships(made_of.X.double().numpy(), V, alpha)
    assert np.abs(encoder.module(made_of.X).detach().numpy() - M).max() < 1e-4
    assert (
        np.abs(encoder.predict(made_of.X).numpy() - M @ encoder.w.numpy()).max() < 1e-4
    )
    assert np.abs(encoder.reconstruct(made_of.X).numpy() - M @ V).max() < 1e-3


def test_what_all_prototypes_share_is_taken_out_of_the_layer():
    """It cancels in the softmax, and would only make the claimed constant larger."""
    layer = prototypes(task(), epochs=3).module[0]
    assert layer.weight.sum(0).abs().max() < 1e-4
    assert layer.bias.sum().abs() < 1e-4


def test_a_representation_is_made_and_its_claim_is_half_the_layers_stretch():
    criteria = FairnessCriteria((Criterion("selection_rate_difference", 0.1, "sex"),))
    producer = DataProducer("prototypes", epochs=3, num_prototypes=4)
    made = producer.produce(criteria, load("german"), progress=False)
    assert isinstance(made, Representation)
    assert made.method == "prototypes (strength 1)"
    weight = made.module[0].weight.detach().double()
    stretch = torch.linalg.svdvals(weight).max().item()
    assert made.claims["lipschitz"] == pytest.approx(stretch / 2)
    Z = made.encode(load("german").X)
    assert Z.min() >= 0 and torch.allclose(Z.sum(1), torch.ones(len(Z)), atol=1e-5)


# Training.


def test_the_same_seed_gives_the_same_weights_and_another_others():
    state = torch.random.get_rng_state()
    first, again = (prototypes(task(), epochs=6) for _ in range(2))
    other = prototypes(replace(task(), seed=1), epochs=6)
    assert torch.equal(first.V, again.V)
    assert not torch.allclose(first.V, other.V)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_history_ends_at_the_objective_of_what_is_returned():
    made_of = task()
    encoder = prototypes(made_of, epochs=9)
    objective = PrototypeObjective(
        encoder.V, encoder.alpha, encoder.w, A_x=0.01, A_y=1.0, A_z=1.0
    )
    objective.smoothing = SMOOTHINGS[-1]
    found = objective(*rows_of(made_of))
    for name in found:
        assert encoder.history[name][-1] == pytest.approx(found[name].item(), abs=1e-4)
    begun = untrained(made_of)(*rows_of(made_of))["loss"].item()
    assert encoder.history["loss"][-1] < 0.9 * begun


@pytest.mark.parametrize("seed", [0, 1])
def test_adam_minimises_the_same_objective(seed):
    made_of = replace(task(), seed=seed)
    by_adam = prototypes(made_of, optimiser="Adam", epochs=60, batch_size=200)
    by_lbfgs = prototypes(made_of)
    ends = [made.history["loss"][-1] for made in (by_adam, by_lbfgs)]
    begun = untrained(made_of)(*rows_of(made_of))["loss"].item()
    assert max(ends) < 0.85 * begun
    assert ends[1] < ends[0] + 0.02


@pytest.mark.parametrize("num_groups", [2, 3, 6])
def test_groups_become_alike_in_the_mean(num_groups):
    made_of = task(n=600, num_groups=num_groups)
    differences = [
        prototypes(replace(made_of, strength=A_z), epochs=15).history[
            "group difference"
        ][-1]
        for A_z in (0.0, 5.0)
    ]
    assert differences[0] > 0.2
    assert differences[1] < 0.02


def test_on_adult_much_is_predicted_and_decisions_are_alike():
    """Beside strength 0 and the constant predictor, over three seeds."""
    data = load("adult")
    rows, (codes, _) = data.rows("validation"), data.groups("sex")
    groups, majority = (
        codes[rows.index],
        max(rows.y.float().mean(), 1 - rows.y.float().mean()),
    )
    for seed in range(3):
        found = []
        for A_z in (1.0, 0.0):
            made = prototypes(replace(adult_task(seed), strength=A_z), epochs=15)
            y_hat = made.predict(rows.X) > 0.5
            women, men = (y_hat[groups == g].float().mean() for g in (0, 1))
            accuracy = (y_hat == rows.y).float().mean()
            found.append((accuracy - majority, (men - women).abs()))
        (gain, gap), (gain_0, gap_0) = found
        assert gain > 0.03 and gain_0 > gain - 0.01
        assert gap < 0.06 and gap_0 > gap + 0.06


def test_smoothing_leads_lower_on_the_objective_as_printed():
    for seed in range(3):
        ends = []
        for stages in ([{"smoothing": s} for s in SMOOTHINGS], [{}]):
            made_of = adult_task(seed)
            objective, rows = untrained(made_of), rows_of(made_of)
            fit_full_batch(objective, rows, epochs=15, stages=stages, progress=False)
            objective.smoothing = 0.0
            ends.append(objective(*rows)["loss"].item())
        assert ends[0] < ends[1] - 0.005


def test_every_epoch_is_reported_and_shows_the_encoder():
    reports, seen = [], []
    made_of = task(training=QUIET | {"on_epoch": reports.append})
    X = made_of.X

    def show(net):  # on the device it is trained on
        seen.append(net(X.to(next(net.parameters()).device)).detach().cpu())

    made_of = replace(made_of, on_encoder=show)
    encoder = prototypes(made_of, epochs=6)
    assert [report["epoch"] for report in reports][:2] == [1, 2]
    assert {report["epochs"] for report in reports} == {6}
    assert [report["loss"] for report in reports] == encoder.history["loss"]
    assert len(seen) == len(reports) and isinstance(encoder.module, nn.Sequential)
    assert torch.allclose(seen[-1], encoder.module(X), atol=1e-4)
    assert not torch.allclose(seen[0], seen[-1], atol=1e-2)


@pytest.mark.parametrize("optimiser", ["L-BFGS", "Adam"])
def test_it_stops_within_one_step(optimiser):
    stop, reports = Event(), []

    def press(losses):
        reports.append(losses)
        stop.set()

    training = QUIET | {"stop": stop, "on_epoch": press}
    with pytest.raises(Stopped):
        prototypes(task(training=training), optimiser=optimiser)
    assert len(reports) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_prototypes": 1}, "num_prototypes is 1; use a whole number from 2"),
        ({"num_prototypes": 401}, "to the number of rows, 400"),
        ({"num_prototypes": 2.5}, "num_prototypes is 2.5"),
        ({"A_x": -1.0}, "A_x is -1.0; use a number from 0"),
        ({"A_y": math.inf}, "A_y is inf"),
        ({"optimiser": "L-BFSG"}, "Did you mean 'L-BFGS'"),
        ({"epochs": 2}, "2 epochs for 3 stages"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, message):
    with pytest.raises(FairtutorError, match=message):
        prototypes(task(), **settings)


def test_outcomes_beyond_two_are_refused():
    made_of = task()
    with pytest.raises(FairtutorError, match="y goes from 0 to 2"):
        prototypes(replace(made_of, y=made_of.y * 2))


def test_numbers_that_are_none_are_reported():
    made_of = task()
    made_of.X[3, 2] = math.nan
    with pytest.raises(FairtutorError, match="became nan in epoch 1"):
        prototypes(made_of)


# L-BFGS on all rows.


class Least(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.b, self.shift = nn.Parameter(torch.zeros(d)), 0.0

    def forward(self, X, y):
        return {"loss": (X @ self.b + self.shift - y).square().mean()}


def test_least_squares_are_solved_and_an_early_end_is_noticed():
    made_of = task()
    X, y = made_of.X, made_of.y.float()
    objective = Least(5)
    history = fit_full_batch(objective, [X, y], epochs=40, progress=False)
    solved = torch.linalg.lstsq(X, y[:, None]).solution[:, 0]
    assert torch.allclose(objective.b, solved, atol=1e-3)
    assert len(history) < 10
    assert not objective.training


def test_stages_set_what_they_name_one_after_the_other():
    made_of = task()
    rows = [made_of.X, made_of.y.float()]
    objective = Least(5)
    stages = [{"shift": 1.0}, {"shift": 0.0}]
    history = fit_full_batch(objective, rows, epochs=6, stages=stages, progress=False)
    assert objective.shift == 0.0
    plain = fit_full_batch(Least(5), rows, epochs=6, progress=False)
    assert history["loss"][-1] == pytest.approx(plain["loss"][-1], abs=1e-5)
    assert history["loss"][0] > history["loss"][-1] + 0.01


class Flat(nn.Module):
    """1 / b, which falls for ever, and overflows where b is large."""

    def __init__(self, overflow):
        super().__init__()
        self.b, self.overflow = nn.Parameter(torch.ones(1)), overflow

    def forward(self, X):
        value = torch.where(self.b > self.overflow, torch.nan, 1 / self.b)
        return {"loss": (X * value).mean()}


def test_a_line_search_that_overflows_ends_with_what_it_had():
    objective = Flat(overflow=1e6)
    X = torch.ones(2, 1)
    history = fit_full_batch(objective, [X], epochs=9, progress=False)
    loss = objective(X)["loss"].item()
    assert len(history) < 9
    assert 1e-6 <= loss < 0.1
    assert loss == pytest.approx(history["loss"][-1])


def test_a_loss_that_was_never_finite_is_said():
    with pytest.raises(FairtutorError, match="became nan in epoch 1"):
        fit_full_batch(Flat(overflow=0.5), [torch.ones(2, 1)], epochs=3, progress=False)


def test_prototypes_of_outcomes_that_a_line_separates():
    """With seed 132 the importance of the column reached e⁵³⁵."""
    torch.manual_seed(132)
    X = torch.randn(256, 3)
    y, groups = (X[:, 0] > 0).long(), (X[:, 1] > 0).long()
    separable = Task(X, y, groups, 2, training={"progress": False})
    encoder = prototypes(separable, num_prototypes=4, epochs=6)
    assert bool(encoder.module(X).isfinite().all())
    assert encoder.history["prediction loss"][-1] < 0.1


# The long run.


@pytest.fixture(scope="module")
def experiment(script):
    """The script itself, for what it computes with."""
    return script("experiments/prototypes.py")


# How far L-BFGS may end elsewhere on another processor: a few times the spread over
# splits of what is averaged over the test rows.
@pytest.mark.parametrize(
    ("name", "method", "number", "band"),
    [
        ("german", "LFR", 12, 0.05),
        ("german", "logistic regression", 2, 0.005),
        ("adult", "LFR", 12, 0.02),
    ],
)
@pytest.mark.usefixtures("as_stored")
def test_a_sample_of_the_long_run_comes_out_again(
    experiment, name, method, number, band
):
    known = load_result("prototypes")["grid, first split"][name][method][number]
    threads = torch.get_num_threads()
    again, _ = experiment.measure(name, 0, method, number)
    torch.set_num_threads(threads)
    for key in ("A_y", "A_z", "C"):
        assert known.get(key) == again.get(key)
    for variant in ("decisions", "scores"):
        for what in ("accuracy", "mean"):
            found = again["test"][variant][what]
            assert found == pytest.approx(known["test"][variant][what], abs=band)


def test_the_table_keeps_what_it_promises():
    result = load_result("prototypes")
    for name, majority in (("adult", 0.75), ("german", 0.70)):
        constant = result["tables"][name]["constant"]["decisions"]
        assert constant["accuracy"][0] == pytest.approx(majority, abs=0.02)
        assert constant["discrimination"] == [0, 0]
        assert constant["consistency"][0] == 1
        chance = result["tables"][name]["chance"]["decisions"]
        assert chance["accuracy"][0] == pytest.approx(0.5, abs=0.03)
    lfr = result["published"]["adult"]["minimum discrimination"]["LFR"]
    assert lfr[0] < result["tables"]["adult"]["constant"]["decisions"]["accuracy"][0]


def test_the_stalled_search_says_no_to_everyone_and_so_does_its_user():
    stalled = load_result("prototypes")["stalled"]
    for who in ("its own decisions", "a user's"):
        assert stalled["as printed"][who]["mean"] == 0
        assert stalled["as printed"][who]["discrimination"] == 0
        assert stalled["smoothed"][who]["mean"] > 0.05
    assert stalled["smoothed"]["loss"] < stalled["as printed"]["loss"] - 0.2
