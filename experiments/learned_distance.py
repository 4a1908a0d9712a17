"""Digits: how good a distance is ‖·‖₂, on pixels and on learned representations.

    python experiments/learned_distance.py

Five seeds and five splits of the classes, in some fifty minutes on one core (--jobs 2
for two; --columns computes some of the three again and keeps the others). φ learns from
the 3,500 images of the encoder and training splits, with their labels ("supervised") or
without any ("label-free"); one φ answers everything in its column. Held out are the
1,250 images of test and audit batches. Each seed draws its own splits; network, moves
and temperatures of φ were chosen on the splits of seed 0, which is not among the five.

- "too far (2, 2)": the share of held-out images that are farther from their own copy,
  shifted by two pixels to the right and down, than from the nearest held-out image of
  another digit; "too far (2, 0)": to the right only.
- "certified at r": certified accuracy of a 1-Lipschitz head (orthogonal layers, 128
  units, GroupSort, Björck) on z, in units of the mean distance of two training rows.
  The head sees the labels in all columns. Its temperature is chosen from 2, 8 and 32 on
  the 250 validation images: the best mean over the radii.
- "retrieval": the nearest other held-out image shows the same digit.
- "triplets": agreement with 20,000 held-out judgements "a is more like b than c" of an
  arbiter who goes by the digit.
- "isotropy": (Σλ)² / (d Σλ²); "straightness": the rank correlation of ‖·‖₂ with the
  distance along the data (10 neighbours).

Unseen classes: φ learns from six digits; retrieval among all 500 images of each of the
other four. The first split is 0 to 5 and 6 to 9, the others are drawn.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import torch
from torch import Tensor
from tqdm import tqdm

from fairtutor import Dataset, load
from fairtutor.producers import learn_distance
from fairtutor.results import load_result, save_result, spread
from fairtutor.similarity import (
    draw_triplets,
    isotropy,
    mean_pair_distance,
    moved_too_far,
    retrieval_at_1,
    shifted,
    straightness,
    triplet_agreement,
)
from fairtutor.theory.lipschitz import LipschitzNetwork, Margins, certified_accuracy
from fairtutor.training import fit, seeded

NAME = "learned_distance"
SEEDS, SPLITS = range(1, 6), range(5)
COLUMNS = ("raw", "supervised", "label-free")
HELD_OUT = ("test", "audit 1", "audit 2", "audit 3")
SHIFTS = ((2, 2), (2, 0))
RADII = (0.0, 0.1, 0.2)
TEMPERATURES = (2.0, 8.0, 32.0)
HEAD = {"epochs": 20, "batch_size": 100, "lr": 3e-3, "anneal": True}
TRIPLETS = 20_000

Phi = Callable[[Tensor], Tensor]
Sample = tuple[Tensor, Tensor]


@cache
def digits(seed: int) -> Dataset:
    """Return the digits, with splits of their own for each seed."""
    return load("digits").resplit(seed=seed)


def images(seed: int, *splits: str) -> Sample:
    """Return pixels and digits of some splits."""
    rows = [digits(seed).rows(split) for split in splits]
    return torch.cat([r.X for r in rows]), torch.cat([r.y for r in rows]).long()


def learned(column: str, rows: Sample, seed: int) -> Phi:
    """Return φ."""
    if column == "raw":
        return lambda X: X
    X, y = rows
    labels = y if column == "supervised" else None
    return learn_distance(X, labels, seed=seed, progress=False).module


def certified(phi: Phi, seed: int) -> dict[str, float]:
    """Train a head at each temperature, choose one, and certify it."""
    splits = ("encoder", "train"), ("validation",), HELD_OUT
    train, validation, test = (
        (phi(X), y) for X, y in (images(seed, *names) for names in splits)
    )
    unit = mean_pair_distance(train[0])

    def kept(temperature: float) -> tuple[Tensor, Tensor]:
        with seeded(seed):
            head = LipschitzNetwork(train[0].shape[1], 128, 10, method="orthogonal")
            objective = Margins(head, temperature=temperature)
            rows = train[0] / unit, train[1]
            fit(objective, rows, seed=seed, progress=False, **HEAD)
        module, _ = head.export()
        return tuple(
            certified_accuracy(module(Z / unit), y, 1.0, RADII)
            for Z, y in (validation, test)
        )

    _, best = max((kept(t) for t in TEMPERATURES), key=lambda two: two[0].mean().item())
    return {f"certified at {r:g}": v for r, v in zip(RADII, best.tolist(), strict=True)}


def measured(column: str, seed: int) -> dict[str, float]:
    """Train φ and measure all that the table says of it."""
    start = time.process_time()
    phi = learned(column, images(seed, "encoder", "train"), seed)
    seconds = time.process_time() - start
    X, y = images(seed, *HELD_OUT)
    Z = phi(X)
    return {
        **{f"too far {by}": moved_too_far(Z, phi(shifted(X, *by)), y) for by in SHIFTS},
        **certified(phi, seed),
        "retrieval": retrieval_at_1(Z, y),
        "triplets": triplet_agreement(Z, draw_triplets(y, TRIPLETS, seed)),
        "isotropy": isotropy(Z),
        "straightness": straightness(Z),
        "cpu seconds": seconds,
    }


def seen_classes(split: int) -> Tensor:
    """Return the six digits that φ sees, (6,)."""
    draw = torch.Generator().manual_seed(split)
    return torch.arange(6) if split == 0 else torch.randperm(10, generator=draw)[:6]


def on_unseen(column: str, split: int) -> dict[str, float]:
    """Train φ on six digits; measure retrieval among the other four."""
    seen = seen_classes(split)
    X, y = images(0, "encoder", "train")
    known = torch.isin(y, seen)
    phi = learned(column, (X[known], y[known]), seed=split)
    X, y = images(0, "encoder", "train", "validation", *HELD_OUT)
    new = ~torch.isin(y, seen)
    return {"retrieval": retrieval_at_1(phi(X[new]), y[new])}


def computed(task: tuple[Callable, str, int]) -> dict[str, float]:
    """Run one task on one core."""
    torch.set_num_threads(1)
    what, column, number = task
    return what(column, number)


def gathered(
    run: Callable, what: Callable, columns: list[str], numbers: range, title: str
) -> dict[str, dict]:
    """Return means, deviations and runs of each column."""
    tasks = [(what, column, number) for column in columns for number in numbers]
    found = list(tqdm(run(computed, tasks), title, len(tasks)))
    of = {
        column: found[k * len(numbers) : (k + 1) * len(numbers)]
        for k, column in enumerate(columns)
    }
    return {column: {**spread(runs), "runs": runs} for column, runs in of.items()}


def main() -> None:
    """Compute the tables and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument("--columns", nargs="+", choices=COLUMNS, default=COLUMNS)
    asked = parser.parse_args()
    kept = {} if set(asked.columns) == set(COLUMNS) else load_result(NAME)
    with ProcessPoolExecutor(asked.jobs) as pool:
        run, columns = pool.map, asked.columns
        unseen = gathered(run, on_unseen, columns, SPLITS, "unseen classes")
        table = gathered(run, measured, columns, SEEDS, "seeds")
    result = {
        "command": "python experiments/learned_distance.py",
        "seeds": len(SEEDS),
        "held-out images": len(images(0, *HELD_OUT)[0]),
        "table": {**kept.get("table", {}), **table},
        "unseen": {**kept.get("unseen", {}), **unseen},
        "unseen splits": [seen_classes(split).tolist() for split in SPLITS],
    }
    print(save_result(NAME, result))


if __name__ == "__main__":
    main()
