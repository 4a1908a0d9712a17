"""Certified accuracy on digits: our orthogonal layers beside deel-torchlip 1.0.5.

    python benchmarks/lipschitz_digits.py [--seeds 5]

The protocol of experiments/lipschitz.py, whose functions are used: 784-128-128-10 with
GroupSort, the same rows and epochs, radii in units of the mean distance of two images,
and constants that are the product of layer norms in float64; no radius uses a 1 that
was only meant. deel's layers are SpectralLinear as they come: power iteration, then
Björck's. A temperature moves accuracy from large radii to small ones, so that both are
compared at each of the experiment's temperatures. The step size is chosen on the
validation images, for each library and temperature in the same way: what deel leaves
out of the gradient and where its biases begin act like another step size.

The promise: at every temperature and radius ours certify no fewer test images than
deel's, in the mean over seeds and within two standard errors over the test images. The
exit code says whether it is kept. Some eight minutes on one core.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from fairtutor import FairtutorError
from fairtutor.exchange.layers import GroupSort
from fairtutor.theory.lipschitz import certified_radius

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
import lipschitz as experiment

OURS = "orthogonal"
STEP_SIZES = (3e-3, 6e-3)


@dataclass(frozen=True)
class Trained:
    """Networks of all seeds: step size, constant, CPU-seconds each, what is certified.

    ``validation`` and ``test`` are (S, n, R): seeds, images, radii.
    """

    lr: float
    constant: float
    seconds: float
    validation: Tensor
    test: Tensor


def deel() -> tuple[nn.Module, experiment.Handed, float]:
    """Return deel's network, how its weights are read, and no penalty."""
    from deel.torchlip import SpectralLinear

    layers = [SpectralLinear(*size) for size in pairwise(experiment.WIDTHS)]
    network = nn.Sequential(layers[0], GroupSort(), layers[1], GroupSort(), layers[2])

    def handed_over() -> nn.Sequential:
        network.eval()(torch.zeros(1, experiment.WIDTHS[0]))  # weights are set then
        return experiment.plain(network)

    return network, handed_over, 0.0


def inside(module: nn.Sequential, L: float, rows: tuple[Tensor, Tensor]) -> Tensor:
    """Say for each image and radius whether it is certified, (n, R) as 0.0 or 1.0."""
    X, y = rows
    radius = certified_radius(module(X), y, L).unsqueeze(1)
    return (radius > torch.tensor(experiment.RADII)).float()


def trained(name: str, temperature: float, lr: float, seeds: range) -> Trained | None:
    """Train once for each seed at one step size; return None if one diverges."""
    data, experiment.TRAINING["lr"] = experiment.images(), lr
    start = time.process_time()
    try:
        runs = [experiment.trained(name, data, seed, temperature) for seed in seeds]
    except FairtutorError as error:
        print(f"{name:<11} {temperature:>4g} {lr:>6g} {error}")
        return None
    seconds = (time.process_time() - start) / len(seeds)
    kept = {
        split: torch.stack([inside(*run, getattr(data, split)) for run in runs])
        for split in ("validation", "test")
    }
    return Trained(lr, max(L for _, L in runs), seconds, **kept)


def chosen(name: str, temperature: float, seeds: range) -> Trained:
    """Choose the step size on the validation images, and print a line."""
    tried = [trained(name, temperature, lr, seeds) for lr in STEP_SIZES]
    best = max(filter(None, tried), key=lambda one: one.validation.mean().item())
    cells = "".join(f" {share:>8.3f}" for share in best.test.mean((0, 1)).tolist())
    print(
        f"{name:<11} {temperature:>4g} {best.lr:>6g}{cells} {best.constant:>10.7f} "
        f"{best.seconds:>6.0f}",
        flush=True,
    )
    return best


def main() -> int:
    """Print the table; the exit code says whether the promise holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    torch.set_num_threads(1)
    made = experiment.made
    experiment.made = lambda name: deel() if name == "deel" else made(name)
    radii = "".join(f" {f'r = {r:g}':>8}" for r in experiment.RADII)
    print(f"{'layers':<11} {'t':>4} {'step':>6}{radii} {'constant':>10} {'CPU-s':>6}")
    kept = True
    for temperature in experiment.TEMPERATURES:
        theirs, ours = (chosen(name, temperature, seeds) for name in ("deel", OURS))
        difference = (ours.test - theirs.test).mean(0)  # of each image
        mean, error = difference.mean(0), difference.std(0) / len(difference) ** 0.5
        columns = zip(mean.tolist(), error.tolist(), strict=True)
        print("difference", *(f"{m:+.3f} ± {e:.3f}" for m, e in columns))
        kept &= bool((mean >= -2 * error).all())
    print("kept" if kept else "broken: deel's certify more")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
