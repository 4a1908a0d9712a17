"""What a constant of 1 costs: one training step of ours, torch's and deel's layers.

    python benchmarks/lipschitz_layers.py [--threads 1 2] [--save]

784-256-256-10 on digits, GroupSort between layers (but for SLL's residual one), batches
of 128, forward, backward and one step of Adam. All networks take turns, twenty steps
each (one where a step takes over 0.2 CPU-seconds), ten turns, so that every turn of
every network meets the same machine. On one thread CPU time is counted
(time.process_time); on two, wall-clock time, which says something only if nothing else
runs: two threads wait for each other. A ratio is the median over turns of the time of a
step, divided by the unconstrained network's in the same turn.

"constant" is the product of the layers' norms after these steps, by singular values in
float64: of what export() returns for ours, and of the weight in evaluation mode for the
others, which have no step of handing over. Where it is above 1, a radius that is
computed with 1 is not a certificate.

The promise: "spectral" takes at most 1.8 times as long as the unconstrained network,
and the constant of what ours hand over is at most 1. The exit code says whether it is
kept. deel-torchlip is measured if it is installed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import cycle, pairwise
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from fairtutor import load
from fairtutor.exchange.layers import GroupSort
from fairtutor.results import save_result
from fairtutor.theory.lipschitz import (
    METHODS,
    LipschitzNetwork,
    Margins,
    lipschitz_bound,
)
from fairtutor.training import seeded

WIDTHS = (784, 256, 256, 10)
BATCH, TURNS, STEPS, LR, TEMPERATURE = 128, 10, 20, 1e-3, 10.0
LONG = 0.2  # CPU-seconds of a step
AT_MOST, FACTOR = 1.8, 1 + 1e-6

Made = tuple[nn.Module, Callable[[], nn.Sequential]]


def ours(method: str) -> Made:
    """Return a network to train, and how it is handed over."""
    network = LipschitzNetwork(*WIDTHS, method=method)
    return network, lambda: network.export()[0]


def others(wrapped: Callable[[int, int], nn.Linear]) -> Made:
    """Return the same layers of another library, and how to read their weights."""
    layers = [wrapped(*size) for size in pairwise(WIDTHS)]
    network = nn.Sequential(layers[0], GroupSort(), layers[1], GroupSort(), layers[2])
    return network, lambda: nn.Sequential(*map(plain, network.eval()))


def plain(layer: nn.Module) -> nn.Module:
    """Return a linear layer with the weight that a wrapped one multiplies with."""
    if not isinstance(layer, nn.Linear):
        return layer
    with torch.no_grad():
        layer(torch.zeros(1, layer.in_features))  # some compute it then
    copy = nn.Linear(layer.in_features, layer.out_features)
    copy.weight.data.copy_(layer.weight.detach())
    return copy


def torch_spectral(inputs: int, outputs: int) -> nn.Linear:
    return parametrizations.spectral_norm(nn.Linear(inputs, outputs))


def torch_orthogonal(how: str) -> Callable[[int, int], nn.Linear]:
    def wrapped(inputs: int, outputs: int) -> nn.Linear:
        return parametrizations.orthogonal(nn.Linear(inputs, outputs), "weight", how)

    return wrapped


def deel_linear(**settings: object) -> Callable[[int, int], nn.Linear]:
    def wrapped(inputs: int, outputs: int) -> nn.Linear:
        from deel.torchlip import SpectralLinear

        return SpectralLinear(inputs, outputs, **settings)

    return wrapped


def contestants() -> Iterator[tuple[str, Callable[[], Made]]]:
    """Yield each name, and what makes the network."""
    for method in METHODS:
        yield method, lambda method=method: ours(method)
    yield "torch spectral_norm", lambda: others(torch_spectral)
    for how in ("cayley", "householder", "matrix_exp"):
        yield f"torch orthogonal, {how}", lambda how=how: others(torch_orthogonal(how))
    if find_spec("deel"):
        yield "deel SpectralLinear", lambda: others(deel_linear())
        without = {"eps_bjorck": None}
        yield "deel, no Björck", lambda: others(deel_linear(**without))


@dataclass
class Contest:
    """One network in training, and the seconds of a step in each of its turns."""

    made: Made
    batches: Iterator[tuple[Tensor, Tensor]]
    clock: Callable[[], float]
    seconds: list[float] = field(default_factory=list)
    steps: int = 0

    def __post_init__(self) -> None:
        self.objective = Margins(self.made[0], temperature=TEMPERATURE)
        parameters = self.objective.parameters()
        self.adam = torch.optim.AdamW(parameters, lr=LR, weight_decay=0.0, fused=True)
        first = min(self.timed(1, time.process_time) for _ in range(3))
        self.in_turn = 1 if first > LONG else STEPS

    def step(self) -> None:
        """Take one step of training."""
        self.adam.zero_grad()
        self.objective(*next(self.batches))["loss"].backward()
        self.adam.step()
        self.steps += 1

    def timed(self, steps: int, clock: Callable[[], float]) -> float:
        """Take some steps; return the seconds of one."""
        start = clock()
        for _ in range(steps):
            self.step()
        return (clock() - start) / steps

    def turn(self) -> None:
        """Take a turn, and note the time of one step."""
        self.seconds.append(self.timed(self.in_turn, self.clock))


def batches() -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of digits without end, the same ones for everybody."""
    rows = load("digits").rows("encoder")
    order = torch.randperm(len(rows.X), generator=torch.Generator().manual_seed(0))
    whole = order[: len(order) // BATCH * BATCH].split(BATCH)
    return cycle([(rows.X[part], rows.y[part].long()) for part in whole])


def contest(threads: int) -> dict[str, dict]:
    """Let all take turns; return milliseconds, ratios and constants by name."""
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    running = {}
    for name, make in contestants():
        with seeded(0):
            running[name] = Contest(make(), batches(), clock)
    for _ in range(TURNS):
        for one in running.values():
            one.turn()
    free = running["unconstrained"].seconds
    return {name: measured(one, free) for name, one in running.items()}


def measured(one: Contest, free: list[float]) -> dict:
    """Return the time of a step, its ratio to the unconstrained one, the constant."""
    ratios = [own / other for own, other in zip(one.seconds, free, strict=True)]
    return {
        "ms": 1000 * median(one.seconds),
        "range": [1000 * min(one.seconds), 1000 * max(one.seconds)],
        "ratio": median(ratios),
        "constant": lipschitz_bound(one.made[1]()),
        "steps": one.steps,
    }


def show(threads: int, table: dict[str, dict]) -> None:
    print(f"{threads} thread(s), {'CPU' if threads == 1 else 'wall-clock'} time")
    print(f"{'':<29} {'ms/step':>24} {'ratio':>7} {'constant':>10} {'steps':>5}")
    for name, found in table.items():
        low, high = found["range"]
        ms = f"{found['ms']:.1f} ({low:.1f}-{high:.1f})"
        print(
            f"{name:<29} {ms:>24} {found['ratio']:>7.2f} {found['constant']:>10.7f} "
            f"{found['steps']:>5}"
        )


def main() -> int:
    """Print the tables; the exit code says whether the promise holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--save", action="store_true", help="write the result file")
    asked = parser.parse_args()
    tables = {threads: contest(threads) for threads in asked.threads}
    for threads, table in tables.items():
        show(threads, table)
    if asked.save:
        command = "python benchmarks/lipschitz_layers.py --save"
        if asked.threads != [1]:
            command += " --threads " + " ".join(map(str, asked.threads))
        about = {"command": command, "widths": WIDTHS, "batch": BATCH}
        print(save_result("lipschitz_layers", {**about, "threads": tables}))
    bounded = [name for name in METHODS if name != "unconstrained"]
    held = all(
        t[name]["constant"] <= FACTOR for t in tables.values() for name in bounded
    )
    fast = all(t["spectral"]["ratio"] <= AT_MOST for t in tables.values())
    print("kept" if fast and held else "broken: too slow, or a constant above 1")
    return 0 if fast and held else 1


if __name__ == "__main__":
    sys.exit(main())
