"""Certified accuracy on digits: our orthogonal layers beside deel-torchlip 1.0.5.

    python benchmarks/lipschitz_digits.py [--seeds 5]

The protocol of experiments/lipschitz.py, whose functions are used: 784-128-128-10 with
GroupSort, the same rows, epochs and steps, radii in units of the mean distance of two
images, and constants that are the product of layer norms in float64; no radius uses a 1
that was only meant. deel's layers are SpectralLinear as they come: power iteration,
then Björck's. A temperature moves accuracy from large radii to small ones, so that both
are compared at each of the experiment's temperatures.

The promise: at every temperature and radius ours certify no fewer test images than
deel's, in the mean over seeds and within two standard errors of the mean difference.
The exit code says whether it is kept. Some six minutes on one core.
"""

import argparse
import sys
import time
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from fairtutor.exchange.layers import GroupSort

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
import lipschitz as experiment

OURS = "orthogonal"


def deel() -> tuple[nn.Module, experiment.Handed, float]:
    """Return deel's network, how its weights are read, and no penalty."""
    from deel.torchlip import SpectralLinear

    layers = [SpectralLinear(*size) for size in pairwise(experiment.WIDTHS)]
    network = nn.Sequential(layers[0], GroupSort(), layers[1], GroupSort(), layers[2])

    def handed_over() -> nn.Sequential:
        network.eval()(torch.zeros(1, experiment.WIDTHS[0]))  # weights are set then
        return experiment.plain(network)

    return network, handed_over, 0.0


def certified(name: str, temperature: float, seeds: range) -> Tensor:
    """Train once for each seed, print a line; return certified accuracies, (S, R)."""
    start, data = time.process_time(), experiment.images()
    runs = [experiment.trained(name, data, seed, temperature) for seed in seeds]
    seconds = time.process_time() - start
    kept = torch.stack([experiment.certified(*run, data.test) for run in runs])
    columns = zip(kept.mean(0).tolist(), kept.std(0).tolist(), strict=True)
    cells = "".join(f" {mean:>7.3f} ± {spread:.3f}" for mean, spread in columns)
    constant = max(L for _, L in runs)
    line = f"{name:<11} {temperature:>5g}{cells} {constant:>10.7f} {seconds:>6.0f}"
    print(line, flush=True)
    return kept


def main() -> int:
    """Print the table; the exit code says whether the promise holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="2 or more")
    seeds = range(parser.parse_args().seeds)
    torch.set_num_threads(1)
    made = experiment.made
    experiment.made = lambda name: deel() if name == "deel" else made(name)
    radii = "".join(f" {f'r = {r:g}':>15}" for r in experiment.RADII)
    print(f"{'layers':<11} {'t':>5}{radii} {'constant':>10} {'CPU-s':>6}")
    kept = True
    for temperature in experiment.TEMPERATURES:
        theirs, ours = (certified(name, temperature, seeds) for name in ("deel", OURS))
        difference = ours - theirs
        mean, error = difference.mean(0), difference.std(0) / len(seeds) ** 0.5
        print("  ours − deel's, in standard errors:", (mean / error).tolist())
        kept &= bool((mean >= -2 * error).all())
    print("kept" if kept else "broken: deel's certify more")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
