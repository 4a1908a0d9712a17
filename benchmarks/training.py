"""The adversarial encoder at batch 256 on Adult: ours beside the loop people write.

    python benchmarks/training.py

The same networks, from the same weights, on the same batches in the same order: the
library's training loop, and one over a DataLoader of a TensorDataset with a plain
optimiser, backward, step, and .item() of each loss. Both take turns in one process on
one thread, and CPU time (time.process_time) is counted from the finished networks to
the end of training. Seconds depend on the machine; the ratio hardly does. Ours must
process twice as many samples a CPU-second, and every loss of every epoch must be the
same to 1e-6, or the exit code says so. Beside them: the loader that does nothing else,
and the matrix products that nobody can leave out.

With --device cuda everything runs there, and what is counted is wall-clock time with
the device waited for; losses are then those of mixed precision.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from torch.utils.data import DataLoader, Sampler, TensorDataset

from fairtutor.data import load
from fairtutor.exchange import build, mlp
from fairtutor.producers.adversarial import AdversarialObjective, row_weights
from fairtutor.training import fit, precision, seeded

BATCH, WIDTH, HIDDEN, GAMMA, LR = 256, 8, 64, 2.0, 3e-3
SEED = 0
AT_LEAST = 2.0
MOST_DIFFERENCE = 1e-6
LOSSES = ("loss", "prediction loss", "adversary's loss")


def networks(d: int) -> nn.ModuleDict:
    with seeded(SEED):
        return nn.ModuleDict(
            {
                "encoder": build((*mlp(d, HIDDEN, WIDTH), ("tanh",)), d),
                "predictor": build(mlp(WIDTH, HIDDEN, 1), WIDTH),
                "adversary": build(mlp(WIDTH, HIDDEN, 2), WIDTH),
            }
        )


def with_ours(X: Tensor, y: Tensor, a: Tensor, epochs: int) -> list[dict]:
    objective = AdversarialObjective(**networks(X.shape[1]), strength=GAMMA)
    weight = row_weights("demographic parity", y, a)
    history = fit(
        objective,
        [X, y.float(), a, weight],
        epochs=epochs,
        batch_size=BATCH,
        lr=LR,
        seed=SEED,
        progress=False,
    )
    return history.epochs


class Order(Sampler):
    """The permutation of each epoch, as ours draws it."""

    def __init__(self, n: int) -> None:
        self.n, self.generator = n, torch.Generator().manual_seed(SEED)

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(self.n, generator=self.generator).tolist())


class Reversal(torch.autograd.Function):
    """z on the way in, −γ times the gradient on the way back."""

    @staticmethod
    def forward(context: object, Z: Tensor) -> Tensor:
        """Return z."""
        return Z.view_as(Z)

    @staticmethod
    def backward(context: object, gradient: Tensor) -> Tensor:
        """Turn the gradient round."""
        return -GAMMA * gradient


def loader_of(*rows: Tensor) -> DataLoader:
    """Rows on the CPU, shuffled as ours are; whole batches only."""
    cpu = TensorDataset(*(tensor.cpu() for tensor in rows))
    return DataLoader(cpu, BATCH, sampler=Order(len(cpu)), drop_last=True)


def with_plain(X: Tensor, y: Tensor, a: Tensor, epochs: int) -> list[dict]:
    """Train as tutorials do."""
    on = X.device
    model = networks(X.shape[1]).to(on)
    optimiser = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.0)
    share = torch.bincount(a) / len(a)
    mixed = torch.autocast(on.type, torch.bfloat16, enabled="bf16" in precision(on))
    loader, history = loader_of(X, y, a), []
    for _ in range(epochs):
        losses = []
        for batch in loader:
            x, outcome, group = (part.to(on) for part in batch)
            with mixed:
                z = model["encoder"](x)
                logits = model["predictor"](z)[:, 0]
                error = binary_cross_entropy_with_logits(logits, outcome.float())
                guess = model["adversary"](Reversal.apply(z))
                told = cross_entropy(guess, group, reduction="none")
                surprise = (told / (2 * share[group])).mean()
                loss = error + surprise
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append([loss.item(), error.item(), surprise.item()])
        means = torch.tensor(losses, dtype=torch.float64).mean(0).tolist()
        history.append(dict(zip(LOSSES, means, strict=True)))
    return history


def loader_alone(X: Tensor, y: Tensor, a: Tensor, epochs: int) -> None:
    """Load every batch and do nothing with it."""
    loader = loader_of(X, y, a)
    for _ in range(epochs):
        for batch in loader:
            [part.to(X.device) for part in batch]


def products_alone(X: Tensor, y: Tensor, a: Tensor, epochs: int) -> None:
    """Multiply what the three networks multiply, forward and backward, only."""
    shapes = [(X.shape[1], HIDDEN), (HIDDEN, WIDTH)]
    shapes += [(WIDTH, HIDDEN), (HIDDEN, 1), (WIDTH, HIDDEN), (HIDDEN, 2)]
    layers = [
        [
            torch.randn(*size, device=X.device)
            for size in ((BATCH, i), (i, o), (BATCH, o))
        ]
        for i, o in shapes
    ]
    for _ in range(epochs * (len(X) // BATCH)):
        for position, (inputs, weight, gradient) in enumerate(layers):
            torch.mm(inputs, weight)
            torch.mm(inputs.T, gradient)
            if position:  # nobody needs the gradient of x
                torch.mm(gradient, weight.T)


def measure(work: Callable, data: tuple, epochs: int) -> tuple[float, object]:
    """Return the seconds that the work took, and its value."""
    on_cpu = data[0].device.type == "cpu"
    clock = time.process_time if on_cpu else time.perf_counter
    start = clock()
    value = work(*data, epochs)
    if not on_cpu:
        torch.cuda.synchronize()
    return clock() - start, value


def largest_difference(ours: list[dict], plain: list[dict]) -> float:
    return max(
        abs(mine[name] - theirs[name])
        for mine, theirs in zip(ours, plain, strict=True)
        for name in LOSSES
    )


def main() -> int:
    """Print the table; the exit code says whether the promise holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    os.environ["FAIRTUTOR_DEVICE"] = args.device
    torch.set_num_threads(1)

    adult = load("adult")
    rows, (codes, _) = adult.rows("encoder"), adult.groups("sex")
    data = tuple(t.to(args.device) for t in (rows.X, rows.y, codes[rows.index]))
    for work in WORK.values():  # what is imported and allocated once
        work(*data, 1)
    times, values = {name: [] for name in WORK}, {}
    for _ in range(args.repeats):
        for name, work in WORK.items():
            seconds, values[name] = measure(work, data, args.epochs)
            times[name].append(seconds)

    steps = args.epochs * (len(rows.X) // BATCH)
    kind = "CPU-second" if args.device == "cpu" else "second"
    print(f"{len(rows.X):,} rows, {args.epochs} epochs, {steps} steps, {args.device}")
    print(
        f"{'':<16} {'ms/step':>8} {'range':>12} {'samples/' + kind:>18} {'× ours':>7}"
    )
    ours = median(times["ours"])
    for name, found in times.items():
        per_step = [f"{1000 * s / steps:.2f}" for s in (min(found), max(found))]
        middle = median(found)
        print(
            f"{name:<16} {1000 * middle / steps:>8.2f} {'-'.join(per_step):>12} "
            f"{steps * BATCH / middle:>18,.0f} {middle / ours:>7.2f}"
        )
    difference = largest_difference(values["ours"], values["plain loop"])
    print(f"largest difference of any epoch's losses: {difference:.1e}")
    fast = median(times["plain loop"]) >= AT_LEAST * ours
    same = difference <= MOST_DIFFERENCE or args.device != "cpu"
    print("kept" if fast and same else "broken: too slow, or other losses")
    return 0 if fast and same else 1


WORK = {
    "ours": with_ours,
    "plain loop": with_plain,
    "loader alone": loader_alone,
    "products alone": products_alone,
}


if __name__ == "__main__":
    sys.exit(main())
