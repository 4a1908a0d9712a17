"""The worst similar individual, and training on it: against Adam and closed forms."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from fairtutor.exchange.layers import GroupSort
from fairtutor.training import fit, seeded
from fairtutor.training.adversary import FairDistance, worst_similar
from fairtutor.training.sensr import SenSeI, SenSR


def parts(n=20, d=6, k=2, seed=0, activation=nn.ReLU):
    with seeded(seed):
        network = nn.Sequential(nn.Linear(d, 8), activation(), nn.Linear(8, 3))
        X = torch.randn(n, d)
        U = torch.linalg.qr(torch.randn(d, k))[0]
        start = 0.2 * torch.rand(n, d) - 0.1
    return network, X, FairDistance(U), start


def by_hand(network, X, gain, U, lam, steps, lr, start):
    """Ascend with torch's own Adam and autograd, the matrix I − UUᵀ written out."""
    outside = torch.eye(X.shape[1]) - U @ U.T
    delta = nn.Parameter(start.clone())
    adam = torch.optim.Adam([delta], lr=lr)
    for _ in range(steps):
        adam.zero_grad()
        apart = ((delta @ outside) * delta).sum(1)
        (lam * apart - gain(network(X + delta))).sum().backward()
        adam.step()
    return (X + delta).detach()


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, GroupSort])
@pytest.mark.parametrize("seed", range(3))
def test_the_search_is_adams_on_the_objective(activation, seed):
    network, X, distance, start = parts(seed=seed, activation=activation)
    reference = network(X).detach()
    expected = by_hand(
        network,
        X,
        lambda out: (out - reference).square().sum(1),
        distance.U,
        0.7,
        60,
        0.02,
        start,
    )
    found = worst_similar(
        network,
        X,
        lambda out: 2 * (out - reference),
        distance,
        lam=0.7,
        steps=60,
        lr=0.02,
        start=start,
    )
    assert torch.allclose(found, expected, atol=1e-5)


def test_the_search_of_sensr_is_adams_on_the_loss():
    network, X, distance, start = parts()
    y = torch.arange(20) % 3
    expected = by_hand(
        network,
        X,
        lambda out: cross_entropy(out, y, reduction="none"),
        distance.U,
        1.0,
        40,
        0.05,
        start,
    )
    found = worst_similar(
        network,
        X,
        lambda out: out.softmax(1) - one_hot(y, 3),
        distance,
        lam=1.0,
        steps=40,
        lr=0.05,
        start=start,
    )
    assert torch.allclose(found, expected, atol=1e-5)


def test_for_a_linear_model_the_worst_is_known():
    """Of w·δ − λ ‖δ‖², with no free direction, it is w / 2λ."""
    network = nn.Linear(4, 1, bias=False)
    X = torch.randn(5, 4)
    found = worst_similar(
        network,
        X,
        torch.ones_like,
        FairDistance(torch.zeros(4, 1)),
        lam=2.0,
        steps=2_000,
        lr=0.01,
        start=torch.zeros(5, 4),
    )
    expected = network.weight.detach() / 4
    assert torch.allclose(found - X, expected.expand(5, 4), atol=1e-4)


def test_what_is_found_is_not_better_treated_than_the_start():
    for seed in range(10):
        network, X, distance, start = parts(seed=seed)
        reference = network(X).detach()

        def value(other, network=network, distance=distance, X=X, out=reference):
            with torch.no_grad():
                moved = (network(other) - out).square().sum(1)
            return moved - distance(other - X)

        found = worst_similar(
            network,
            X,
            lambda out, reference=reference: 2 * (out - reference),
            distance,
            lam=1.0,
            steps=200,
            lr=0.01,
            start=start,
        )
        assert (value(found) >= value(X + start) - 1e-4).all()


def test_searching_leaves_the_network_as_it_was():
    network, X, distance, start = parts()
    before = [value.clone() for value in network.parameters()]
    worst_similar(
        network, X, torch.ones_like, distance, lam=1.0, steps=3, lr=0.1, start=start
    )
    for value, old in zip(network.parameters(), before, strict=True):
        assert value.requires_grad
        assert value.grad is None
        assert torch.equal(value, old)


def people(n=600):
    """Return rows whose first column is a sensitive one that goes with the outcome."""
    with seeded(0):
        a = torch.randint(2, (n,))
        X = torch.randn(n, 4)
        X[:, 0] = a
        y = (X[:, 1] + 1.5 * (a - 0.5) + 0.3 * torch.randn(n) > 0).long()
    return X, y


def flipped(network, X):
    other = X.clone()
    other[:, 0] = 1 - other[:, 0]
    with torch.no_grad():
        return (network(X).argmax(1) != network(other).argmax(1)).double().mean()


@pytest.mark.parametrize("method", [SenSR, SenSeI])
def test_training_makes_flips_rare(method):
    X, y = people()
    distance = FairDistance(torch.eye(4)[:, :1])

    class Plain(nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, X, y):
            return {"loss": cross_entropy(self.network(X), y)}

    def trained(objective_of):
        with seeded(0):
            network = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
            objective = objective_of(network)
            fit(objective, [X, y], epochs=20, batch_size=100, lr=0.02, progress=False)
        return flipped(network, X)

    assert trained(Plain) > 0.3
    assert trained(lambda f: method(f, distance, steps=10, lr=0.2)) < 0.05


def test_the_multiplier_follows_the_distance_used():
    network, X, distance, _ = parts()
    y = torch.arange(20) % 3
    for epsilon, rises in ((1e-6, True), (1e3, False)):
        objective = SenSR(network, distance, epsilon=epsilon, steps=5, lr=0.3)
        before = objective.lam.item()
        objective(X, y)
        assert (objective.lam.item() > before) == rises
        assert objective.lam.item() >= 0


def test_in_evaluation_nobody_is_replaced():
    network, X, distance, _ = parts()
    y = torch.arange(20) % 3
    expected = cross_entropy(network(X), y)
    for method in (SenSR, SenSeI):
        assert torch.equal(method(network, distance).eval()(X, y)["loss"], expected)
