"""Networks that keep their constant while they train, and what that certifies."""

from itertools import product

import pytest
import torch
from torch import nn

from fairtutor import (
    Criterion,
    DataProducer,
    DataRegulator,
    DataUser,
    FairnessCriteria,
    FairtutorError,
    Refused,
    Submission,
    load,
)
from fairtutor.exchange import build
from fairtutor.similarity import mean_pair_distance
from fairtutor.theory.lipschitz import (
    METHODS,
    LipschitzNetwork,
    Margins,
    certified_accuracy,
    certified_radius,
    expected_error,
    lipschitz_bound,
    probability_constant,
)
from fairtutor.theory.lipschitz.layers import LINEAR, AlmostOrthogonal, SDPResidual
from fairtutor.training import fit, seeded

BOUNDED = [method for method in METHODS if method != "unconstrained"]
FACTOR = 1 + 1e-6


def rows(n=400, width=10, classes=3):
    with seeded(0):
        X = torch.randn(n, width)
        return X, (X @ torch.randn(width, classes)).argmax(1)


def network(method, L=1.0, activation="groupsort", seed=0, outputs=3):
    with seeded(seed):
        return LipschitzNetwork(
            10, 16, 16, outputs, L=L, method=method, activation=activation
        )


def train(net, temperature=20.0, epochs=3, **settings):
    objective = Margins(net, temperature=temperature, **settings)
    fit(objective, rows(), epochs=epochs, batch_size=50, lr=1e-2, progress=False)
    return net


def most_stretched(module, width=10, pairs=10_000):
    """Return the largest ratio over pairs near and far, in float64."""
    f = module.double()
    draw = torch.Generator().manual_seed(1)
    x = 3 * torch.randn(pairs, width, generator=draw, dtype=torch.float64)
    step = torch.randn(pairs, width, generator=draw, dtype=torch.float64)
    step *= 10.0 ** -(torch.arange(pairs) % 4).double().unsqueeze(1)
    return ((f(x + step) - f(x)).norm(dim=1) / step.norm(dim=1)).max().item()


@pytest.mark.parametrize("method", BOUNDED)
@pytest.mark.parametrize("activation", ["groupsort", "relu", "tanh"])
@pytest.mark.parametrize("L", [0.01, 1.0, 30.0])
def test_what_is_handed_over_keeps_its_constant(method, activation, L):
    for epochs in (None, 1, 4):
        net = network(method, L, activation)
        if epochs:
            train(net, epochs=epochs)
        module, layers = net.export()
        assert lipschitz_bound(module) <= L
        assert most_stretched(module) <= L * FACTOR
        assert len(build(layers, 10)) == len(module)


@pytest.mark.parametrize("method", METHODS)
def test_evaluation_is_that_of_the_network_handed_over(method):
    net = train(network(method, 2.0)).eval()
    X, _ = rows()
    module, _ = net.export()
    assert torch.allclose(net(X), module(X), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns(method):
    X, y = rows()
    module, _ = train(network(method), epochs=30).export()
    assert (module(X).argmax(1) == y).double().mean() > 0.93


def test_training_with_an_estimate_alone_is_above_its_constant():
    """Torch's spectral_norm never computes the norm: it certifies nothing."""
    with seeded(0):
        wrapped = [
            nn.utils.parametrizations.spectral_norm(nn.Linear(*size))
            for size in ((10, 64), (64, 64), (64, 3))
        ]
        net = nn.Sequential(wrapped[0], nn.ReLU(), wrapped[1], nn.ReLU(), wrapped[2])
    train(net)
    plain = nn.Sequential(*(nn.Linear(1, 1) for _ in wrapped))
    for layer, trained in zip(plain, wrapped, strict=True):
        layer.weight = nn.Parameter(trained.weight.detach())
    assert lipschitz_bound(plain) > 1.001


@pytest.mark.parametrize("size", [(6, 20), (20, 6), (8, 8)])
@pytest.mark.parametrize("method", ["orthogonal", "cayley"])
def test_orthogonal_layers_are_orthogonal(method, size):
    with seeded(0):
        layer = LINEAR[method](*size).train()
        nn.init.normal_(layer.weight)
        for _ in range(100):  # the power iteration needs some steps
            weight = layer.weight_in_use()
    short = weight if weight.shape[0] <= weight.shape[1] else weight.T
    tolerance = 1e-4 if method == "cayley" else 0.2  # small σ need more iterations
    assert torch.allclose(short @ short.T, torch.eye(len(short)), atol=tolerance)


@pytest.mark.parametrize("size", [(6, 20), (20, 6)])
@pytest.mark.parametrize("stretch", [1.5, 2.0, 10.0, 100.0])
def test_an_estimate_that_comes_late_does_not_blow_up_an_iteration(size, stretch):
    """One step of training may stretch a direction that v does not know."""
    with seeded(0):
        layer = LINEAR["orthogonal"](*size).train()
        U, _, Vh = torch.linalg.svd(layer.weight.detach(), full_matrices=False)
        layer.v = Vh[1].clone()
    S = torch.ones(6)
    S[0] = stretch
    layer.weight.data = (U * S) @ Vh
    made = torch.linalg.svdvals(layer.weight_in_use().detach())
    assert made.isfinite().all() and made[0] <= 1.001
    assert made[1:].min() > min(0.9, 1 / stretch)  # smaller ones are on their way
    layer.weight_in_use().sum().backward()
    assert layer.weight.grad.isfinite().all()


@pytest.mark.parametrize("size", [(6, 20), (20, 6)])
def test_a_rescaled_layer_needs_no_norm(size):
    for seed, scale in product(range(50), (0.01, 1.0, 100.0)):
        with seeded(seed):
            layer = AlmostOrthogonal(*size)
            layer.weight.data = scale * torch.randn_like(layer.weight)
            weight = layer.weight_in_use().double()
            residual = SDPResidual(*size)
            residual.weight.data = scale * torch.randn_like(residual.weight)
            residual.log_q.data = torch.randn_like(residual.log_q)
            V = residual.weight_in_use().double()
        assert torch.linalg.matrix_norm(weight, 2) <= FACTOR
        assert torch.linalg.matrix_norm(V, 2) <= FACTOR


def test_the_penalty_makes_a_network_less_steep_and_certifies_nothing():
    def steepest(penalty):
        net = network("unconstrained")
        train(net, temperature=1.0, epochs=20, penalty=penalty, L=0.5)
        module, _ = net.export()
        return most_stretched(module), lipschitz_bound(module)

    (free, _), (held, bound) = steepest(0.0), steepest(10.0)
    assert held < free / 1.5
    assert bound > 0.5  # and no certificate for what was asked


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"method": "spectrum"}, "Did you mean 'spectral'"),
        ({"activation": "gelu"}, "use groupsort, relu or tanh"),
        ({"L": 0.0}, "L is 0.0; use a number from"),
        ({"L": float("nan")}, "L is nan"),
    ],
)
def test_what_makes_no_network_is_named(settings, said):
    with pytest.raises(FairtutorError, match=said):
        LipschitzNetwork(4, 8, 2, **settings)


@pytest.mark.parametrize(
    "widths", [(), (4,), (4, 7, 2), (4, 0, 2), (4, "8", 2), (4, 8.0, 2), (4, -8, 2)]
)
def test_widths_of_no_network_are_refused(widths):
    with pytest.raises(FairtutorError, match=r"even number|[Ww]hole number|widths"):
        LipschitzNetwork(*widths)


# Certificates.


def test_nobody_within_the_radius_is_decided_otherwise():
    X, y = rows()
    module, _ = train(network("aol", 1.0), epochs=10).export()
    module = module.double()
    X = X.double()
    radius = certified_radius(module(X), y, lipschitz_bound(module))
    inside = radius > 0
    assert 0.5 < inside.double().mean() < 1
    step = torch.randn(200, *X.shape, dtype=torch.float64)
    step *= (radius.clamp(min=0) / step.norm(dim=2)).unsqueeze(2)
    decided = module((X + step).flatten(0, 1)).argmax(1).view(200, -1)
    assert (decided[:, inside] == y[inside]).all()


def test_the_radius_of_a_linear_classifier_is_the_distance_to_its_border():
    w = torch.tensor([3.0, 4.0])
    X = torch.tensor([[1.0, 1.0], [-1.0, 0.5]])
    expected = (X @ w).abs() / 5
    y = (X @ w > 0).long()
    assert torch.allclose(certified_radius(X @ w, y, 5.0), expected)
    scores = torch.stack([-(X @ w) / 2, X @ w / 2], 1)  # a map of norm 5 / √2
    assert torch.allclose(certified_radius(scores, y, 5 / 2**0.5), expected)


def test_certified_accuracy_counts_radii():
    scores = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 1.0]])
    y = torch.tensor([0, 1, 1])
    got = certified_accuracy(scores, y, 1.0, [0.0, 1.0, 1.5])
    assert torch.allclose(got, torch.tensor([2 / 3, 1 / 3, 0.0]))


def test_the_expected_error_is_that_of_many_coins():
    with seeded(0):
        p = torch.rand(5)
        y = torch.tensor([1, 0, 1, 1, 0])
        coins = torch.rand(200_000, 5) < p
    wrong = (coins != (y == 1)).double().mean()
    assert expected_error(p, y).item() == pytest.approx(wrong.item(), abs=2e-3)
    both = torch.stack([1 - p, p], 1)
    assert expected_error(both, y).item() == pytest.approx(expected_error(p, y).item())


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_probabilities_move_at_most_as_far_as_said(classes):
    with seeded(classes):
        t = 2 * torch.randn(20_000, 1 if classes == 2 else classes).double()
        step = torch.randn_like(t) * 10.0 ** -(torch.arange(20_000) % 4).unsqueeze(1)
    if classes == 2:
        moved = (t.sigmoid() - (t + step).sigmoid()).abs()[:, 0]
        t, step = torch.zeros(1, 1).double(), step
        edge = torch.tensor([[1e-5]]).double()
        steepest = ((edge.sigmoid() - t.sigmoid()) / 1e-5).abs().item()
    else:
        moved = (t.softmax(1) - (t + step).softmax(1)).abs().sum(1) / 2
        start = torch.full((1, classes), -50.0).double()
        start[0, :2] = 0.0
        edge = start.clone()
        edge[0, 0] += 1e-5 / 2**0.5
        edge[0, 1] -= 1e-5 / 2**0.5
        apart = (start.softmax(1) - edge.softmax(1)).abs().sum() / 2
        steepest = (apart / 1e-5).item()
    constant = probability_constant(1.0, classes)
    assert (moved <= constant * step.norm(dim=1) * FACTOR).all()
    assert steepest == pytest.approx(constant, rel=1e-3)  # it is reached


# The user, and the regulator who recomputes what it claims.

CRITERIA = FairnessCriteria(
    (Criterion("lipschitz_violations", 0.01), Criterion("accuracy", 0.6)), rounds=2
)


@pytest.fixture(scope="module")
def german():
    return load("german")


@pytest.fixture(scope="module")
def identity(german):
    return DataProducer("identity").produce(CRITERIA, german.without_audit())


@pytest.mark.parametrize("method", ["spectral", "aol", "sll"])
def test_a_certified_user_claims_a_constant_that_holds(method, german, identity):
    user = DataUser("lipschitz", L=0.7, method=method)
    model = user.train(identity, german.without_audit(), epochs=5, progress=False)
    unit = mean_pair_distance(identity.encode(german.rows("validation").X))
    assert model.claims["lipschitz"] <= 4 * 0.7 / unit
    report = DataRegulator(CRITERIA, german).audit(identity, model, progress=False)
    own = lipschitz_bound(model.module)
    assert report.recomputed["model's lipschitz"] == own
    assert report.findings[0].estimate == 0.0  # P is 0.7-Lipschitz, 1 is allowed


def test_a_user_that_claims_too_little_is_refused_and_costs_no_batch(german, identity):
    user = DataUser("lipschitz")
    model = user.train(identity, german.without_audit(), epochs=1, progress=False)
    lying = Submission.from_module(
        model.module, model.layers, identity, model="x", claims={"lipschitz": 0.1}
    )
    regulator = DataRegulator(CRITERIA, german)
    with pytest.raises(Refused, match=r"claimed lipschitz constant is 0.1; recomputed"):
        regulator.audit(identity, lying, progress=False)
    assert regulator.rounds_left == 2


def test_trees_cannot_claim_a_constant(german, identity):
    model = DataUser("trees").train(
        identity, german.without_audit(), epochs=1, progress=False
    )
    lying = Submission.from_module(
        model.module, model.layers, identity, model="x", claims={"lipschitz": 9.0}
    )
    with pytest.raises(Refused, match="A claim cannot be checked"):
        DataRegulator(CRITERIA, german).audit(identity, lying, progress=False)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"L": -1.0}, "L is -1.0; use a number from"),
        ({"method": "unconstrained"}, "promises no constant"),
        ({"K": 3}, "no setting 'K'; it has L, method, hidden, temperature"),
        ({"temperature": 0.0}, "temperature is 0.0; use a number from"),
    ],
)
def test_settings_that_promise_nothing_are_refused(settings, said, german, identity):
    user = DataUser("lipschitz", **settings)
    with pytest.raises(FairtutorError, match=said):
        user.train(identity, german.without_audit(), epochs=1, progress=False)


def test_other_models_have_no_settings():
    with pytest.raises(FairtutorError, match="'mlp' has no settings; L was given"):
        DataUser("mlp", L=1.0)


@pytest.fixture(scope="module")
def adult():
    return load("adult")


def test_on_adult_a_temperature_buys_decisions_under_the_same_constant(adult):
    """And pays in probabilities; the regulator's own constant is that asked for."""
    data, L = adult.without_audit(), 0.5
    identity = DataProducer("identity").produce(CRITERIA, data)
    rows, found = data.rows("test"), {}
    Z = identity.encode(rows.X)
    unit = mean_pair_distance(identity.encode(data.rows("validation").X)[:3_000])
    for temperature in (1.0, 10.0):
        user = DataUser("lipschitz", L=L, hidden=32, temperature=temperature)
        model = user.train(identity, data, epochs=5, progress=False)
        report = DataRegulator(CRITERIA, adult).audit(identity, model, progress=False)
        assert report.recomputed["model's lipschitz"] <= 4 * L / unit * FACTOR
        assert report.findings[0].estimate == 0.0
        p = model.scores(Z)
        right = ((p >= 0.5) == rows.y.bool()).double().mean().item()
        found[temperature] = right, expected_error(p, rows.y).item()
    (right, error), (tempered_right, tempered_error) = found.values()
    assert tempered_right > right + 0.03
    assert tempered_error > error + 0.05
