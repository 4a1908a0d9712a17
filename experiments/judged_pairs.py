"""Adult with a distance learned from judged pairs, beside directions named by hand.

    python experiments/judged_pairs.py

Data, network and measures of experiments/similar_training.py; five splits, in some ten
minutes on one core. An arbiter calls m pairs comparable: a training person and a copy
with another sex, another race (White or not), or husband in place of wife, at random,
at least one of them. An arbiter who *errs* hands in, in that share of the pairs, a copy
whose occupation is another person's as well. FACE takes out the k = 3 directions in
which the pairs differ most.

"angle": between the learned subspace and the three true directions, the largest, in
degrees. "lipschitz": the head on the learned ρ (m = 200, no errors), P(y = 1) certified
L-Lipschitz, distances in units of the mean distance under ρ: balanced expected error
and balanced certified accuracy at r. I − UUᵀ has the constant 1, so that the
certificate also holds for ‖x − x'‖₂.
"""

import time
from functools import cache

import numpy as np
import torch
from similar_training import (
    CATEGORIES,
    LIPSCHITZ_SEEDS,
    RADII,
    STEEPNESS,
    TRAINING,
    UNITS,
    Decide,
    Split,
    measured,
    prepare,
)
from torch import Tensor
from tqdm import tqdm

from fairtutor import load
from fairtutor.exchange import build, mlp
from fairtutor.results import save_result, spread
from fairtutor.similarity import comparable_directions, mean_pair_distance
from fairtutor.theory.lipschitz import (
    LipschitzNetwork,
    Margins,
    certified_accuracy,
    expected_error,
    lipschitz_bound,
)
from fairtutor.training import device, fit, seeded

NAME = "judged_pairs"
SEEDS = LIPSCHITZ_SEEDS
PAIRS, ERRORS, DIRECTIONS = (5, 20, 200), (0.0, 0.05, 0.2), 3
CERTIFIED_PAIRS = 200


@cache
def occupations() -> list[int]:
    """Return the columns of X that hold the occupation."""
    table = load("adult").table.dropna(subset=["native-country", "occupation"])
    names = {name: sorted(table[name].dropna().unique()) for name in CATEGORIES}
    before = CATEGORIES[: CATEGORIES.index("occupation")]
    first = 5 + sum(len(names[name]) for name in before)
    return list(range(first, first + len(names["occupation"])))


def judged(split: Split, m: int, errs: float, seed: int) -> tuple[Tensor, Tensor]:
    """Return m people and what was called comparable with them, (m, d) each."""
    draw = torch.Generator().manual_seed(seed)
    people = split.X[torch.randperm(len(split.X), generator=draw)[:m]]
    copies, c = people.clone(), split.columns
    flip = torch.rand(m, 3, generator=draw) < 0.5
    flip[~flip.any(1), 0] = True
    for place, name in enumerate(("male", "white")):
        chosen = flip[:, place]
        copies[chosen, c[name]] = 1 - copies[chosen, c[name]]
    both = [c["Husband"], c["Wife"]]
    married = flip[:, 2]
    copies[married.nonzero(), torch.tensor(both)] = people[married][:, both[::-1]]
    wrong = (torch.rand(m, generator=draw) < errs).nonzero()[:, 0]
    others = torch.randint(len(split.X), (len(wrong),), generator=draw)
    jobs = torch.tensor(occupations())
    copies[wrong.unsqueeze(1), jobs] = split.X[others.unsqueeze(1), jobs]
    return people, copies


def learned(split: Split, m: int, errs: float, seed: int) -> Tensor:
    """Return U of the judged pairs, (d, at most 3)."""
    people, copies = judged(split, m, errs, seed)
    k = min(DIRECTIONS, int(torch.linalg.matrix_rank((people - copies).double())))
    pairs = torch.arange(m).repeat(2)
    return comparable_directions(torch.cat([people, copies]), pairs, k)


def named(split: Split) -> Tensor:
    """Return the three directions in which the flips move, (d, 3)."""
    c, U = split.columns, torch.zeros(split.X.shape[1], DIRECTIONS)
    U[c["male"], 0] = U[c["white"], 1] = 1.0
    U[c["Husband"], 2], U[c["Wife"], 2] = 0.5**0.5, -(0.5**0.5)
    return U


def angle(U: Tensor, V: Tensor) -> float:
    """Return the largest angle from a direction in V to the span of U, in degrees."""
    cosines = torch.linalg.svdvals(U.double().T @ V.double())
    least = cosines.min().item() if len(cosines) == V.shape[1] else 0.0
    return float(np.degrees(np.arccos(min(1.0, least))))


def outside(X: Tensor, U: Tensor) -> Tensor:
    """Return (I − UUᵀ) x for every row, in double precision until the end."""
    X, U = X.double(), U.double()
    return (X - X @ U @ U.T).float()


def train(split: Split, U: Tensor, seed: int) -> Decide:
    """Train the network of the papers on what is left."""
    width = split.X.shape[1]
    with seeded(seed):
        network = build(mlp(width, UNITS, 2), width)
        X, y = split.balanced(seed)
        rows = [outside(X, U), y]
        fit(Margins(network), rows, seed=seed, progress=False, **TRAINING)
    network.to(device())

    @torch.no_grad()
    def decide(X: Tensor) -> Tensor:
        return network(outside(X, U)).argmax(1)

    return decide


def certified(split: Split, U: Tensor, seed: int, L: float) -> dict[str, float]:
    """Train P(y = 1), certified L-Lipschitz under ρ; measure on the test rows."""
    unit = mean_pair_distance(outside(split.X[:3_000], U))
    X, y = split.balanced(seed)
    with seeded(seed):
        network = LipschitzNetwork(X.shape[1], UNITS, UNITS, 1, L=4 * L)
        rows = [outside(X, U) / unit, y.float()]
        fit(Margins(network), rows, seed=seed, progress=False, **TRAINING)
    module, _ = network.export()
    bound, truth = lipschitz_bound(module), split.y_test
    scores = module(outside(split.X_test, U) / unit)[:, 0]
    sides = [truth == side for side in (0, 1)]
    wrong = [expected_error(scores[s].sigmoid(), truth[s]).item() for s in sides]
    kept = [certified_accuracy(scores[s], truth[s], bound, RADII) for s in sides]
    shares = (sum(kept) / 2).tolist()
    return {
        "certified L": bound / 4,
        "expected error": sum(wrong) / 2,
        **{f"certified at {r:g}": v for r, v in zip(RADII, shares, strict=True)},
    }


def row(split: Split, U: Tensor, seed: int) -> dict[str, float]:
    """Return all measures of one projection."""
    found = measured(train(split, U, seed), split)
    return {**found, "angle": angle(U, named(split))}


def main() -> None:
    """Compute the table and the curves, and write them."""
    start, runs, curves = time.process_time(), {}, {}
    for seed in tqdm(SEEDS, "splits"):
        split = prepare(seed)
        nothing = torch.zeros(split.X.shape[1], DIRECTIONS)
        rows = {"baseline": nothing, "named": named(split)}
        for errs in ERRORS:
            for m in PAIRS:
                rows[f"{m} pairs, {errs:.0%} wrong"] = learned(split, m, errs, seed)
        for name, U in rows.items():
            runs.setdefault(name, []).append(row(split, U, seed))
        U = learned(split, CERTIFIED_PAIRS, 0.0, seed)
        for L in STEEPNESS:
            curves.setdefault(L, []).append(certified(split, U, seed, L))
    result = {
        "command": "python experiments/judged_pairs.py",
        "seeds": len(SEEDS),
        "table": {
            name: {**spread(found), "runs": found} for name, found in runs.items()
        },
        "radii": RADII,
        "lipschitz": [{"L": L, **spread(found)} for L, found in curves.items()],
        "cpu seconds": time.process_time() - start,
    }
    print(save_result(NAME, result))


if __name__ == "__main__":
    main()
