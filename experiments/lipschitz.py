"""Digits under a constant of 1: eight methods, what each certifies, and what L costs.

    python experiments/lipschitz.py

Five seeds, in some ten minutes on one core. 784-128-128-10 on raw pixels; distances in
units of the mean distance of two training images; 3,500 images to learn from, 250 to
choose the temperature on, 500 to test. The temperature of the cross-entropy is chosen
for every method and seed in the same way, from 2, 8 and 32: the best mean certified
accuracy over the radii, on the validation images. "constant" is the product of the
layers' true norms, of the network that is evaluated; "found" is the largest stretch
that a search found. Certified accuracy uses the constant, whatever it came out as.
"torch's spectral_norm" is torch.nn.utils.parametrizations.spectral_norm, as people use
it: its constant is not 1.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from tqdm import tqdm

from fairtutor import load
from fairtutor.results import save_result, spread
from fairtutor.similarity import mean_pair_distance
from fairtutor.theory.lipschitz import (
    METHODS,
    LipschitzNetwork,
    Margins,
    certified_accuracy,
    expected_error,
    lipschitz_bound,
    probability_constant,
    sampled_lower_bound,
)
from fairtutor.training import fit, seeded

NAME = "lipschitz"
SEEDS = range(5)
WIDTHS = (784, 128, 128, 10)
TEMPERATURES = (2.0, 8.0, 32.0)
CURVE = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
STEEPNESS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
RADII = (0.0, 0.1, 0.2, 0.3)
TRAINING = {"epochs": 20, "batch_size": 100, "lr": 3e-3, "anneal": True}
PENALTY = 10.0
OTHERS = ("gradient penalty", "torch's spectral_norm")
PER_CLASS = probability_constant(1.0, WIDTHS[-1])

Handed = Callable[[], nn.Sequential]


@dataclass(frozen=True)
class Images:
    """Pixels in units of the mean distance, and classes."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def images() -> Images:
    """Load the digits and scale them."""
    digits = load("digits")
    own, more = digits.rows("encoder"), digits.rows("train")
    X, y = torch.cat([own.X, more.X]), torch.cat([own.y, more.y]).long()
    unit = mean_pair_distance(X)
    rest = [digits.rows(name) for name in ("validation", "test")]
    return Images((X / unit, y), *((rows.X / unit, rows.y.long()) for rows in rest))


def made(method: str) -> tuple[nn.Module, Handed, float]:
    """Return a network to train, how it is handed over, and its gradient penalty."""
    if method == "torch's spectral_norm":
        layers = [spectral_norm(nn.Linear(*size)) for size in pairwise(WIDTHS)]
        network = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
        return network, lambda: plain(network), 0.0
    if method == "gradient penalty":
        network = LipschitzNetwork(*WIDTHS, method="unconstrained")
        return network, lambda: network.export()[0], PENALTY
    network = LipschitzNetwork(*WIDTHS, method=method)
    return network, lambda: network.export()[0], 0.0


def plain(network: nn.Sequential) -> nn.Sequential:
    """Return linear layers with the weights that a parametrized network multiplies."""
    layers = []
    for layer in network.eval():
        if isinstance(layer, nn.Linear):
            copy = nn.Linear(layer.in_features, layer.out_features)
            copy.weight.data.copy_(layer.weight.detach())
            copy.bias.data.copy_(layer.bias.detach())
            layer = copy
        layers.append(layer)
    return nn.Sequential(*layers).requires_grad_(False)


def trained(
    method: str, data: Images, seed: int, temperature: float
) -> tuple[nn.Sequential, float]:
    """Train and hand over; return the network and its constant."""
    with seeded(seed):
        network, hand_over, penalty = made(method)
        objective = Margins(network, temperature=temperature, penalty=penalty)
        fit(objective, data.train, seed=seed, progress=False, **TRAINING)
    module = hand_over()
    return module, lipschitz_bound(module)


def certified(module: nn.Sequential, L: float, rows: tuple[Tensor, Tensor]) -> Tensor:
    """Return the certified accuracy at each radius."""
    X, y = rows
    return certified_accuracy(module(X), y, L, RADII)


def tuned(method: str, data: Images, seed: int) -> dict:
    """Choose the temperature on the validation images; measure on the others."""
    found = {t: trained(method, data, seed, t) for t in TEMPERATURES}
    temperature = max(
        TEMPERATURES, key=lambda t: certified(*found[t], data.validation).mean().item()
    )
    module, L = found[temperature]
    return {
        **measured(module, L, data),
        "temperature": temperature,
        "found": sampled_lower_bound(module, data.test[0], seed=seed),
    }


def measured(module: nn.Sequential, L: float, data: Images) -> dict:
    """Return the constant, accuracies, and certified accuracies on the test images."""
    accuracy = [
        (module(X).argmax(1) == y).double().mean().item()
        for X, y in (data.train, data.test)
    ]
    kept = certified(module, L, data.test).tolist()
    return {
        "constant": L,
        "train accuracy": accuracy[0],
        "test accuracy": accuracy[1],
        **{f"certified at {r:g}": k for r, k in zip(RADII, kept, strict=True)},
    }


def at_temperature(data: Images, seed: int, temperature: float) -> dict:
    """Return AOL's measures at the constant 1, whatever the temperature."""
    return measured(*trained("aol", data, seed, temperature), data)


def at_constant(data: Images, seed: int, L: float) -> dict:
    """Train with P(y | x) certified L-Lipschitz; return its expected errors."""
    with seeded(seed):
        network = LipschitzNetwork(*WIDTHS, L=L / PER_CLASS, method="spectral")
        fit(Margins(network), data.train, seed=seed, progress=False, **TRAINING)
    module, _ = network.export()
    found = {"certified L": PER_CLASS * lipschitz_bound(module)}
    for name, (X, y) in (("train", data.train), ("test", data.test)):
        scores = module(X)
        found[f"{name} error"] = expected_error(scores.softmax(1), y).item()
        right = (scores.argmax(1) == y).double().mean().item()
        found[f"{name} accuracy"] = right
    return found


def main() -> None:
    """Compute the table and the curves, and write them."""
    start, data = time.process_time(), images()
    table = {}
    for method in tqdm((*METHODS, *OTHERS), "methods"):
        runs = [tuned(method, data, seed) for seed in SEEDS]
        table[method] = {**spread(runs), "runs": runs}
    temperatures = [
        {"temperature": t, **spread([at_temperature(data, s, t) for s in SEEDS])}
        for t in tqdm(CURVE, "temperatures")
    ]
    steepness = [
        {"L": L, **spread([at_constant(data, seed, L) for seed in SEEDS])}
        for L in tqdm(STEEPNESS, "constants")
    ]
    frequent = torch.bincount(data.test[1]).max().item() / len(data.test[1])
    result = {
        "command": "python experiments/lipschitz.py",
        "seeds": len(SEEDS),
        "radii": RADII,
        "widths": WIDTHS,
        "constant predictor": frequent,
        "chance": 0.1,
        "table": table,
        "temperatures": temperatures,
        "steepness": steepness,
        "cpu seconds": time.process_time() - start,
    }
    print(save_result(NAME, result))


if __name__ == "__main__":
    main()
