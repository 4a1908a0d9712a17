"""The robustness bound on Adult: dimensions, steepness, and four ways to break it.

    python experiments/robustness.py

Five seeds, in half a minute on one core. An encoder learns on Adult's 12,000
encoder rows; the other 36,842 are shuffled, 30,000 are the sample S and the rest are
fresh. Codes are clipped to the middle 98% of each coordinate of the encoder's own rows
and scaled to the unit cube. The head is p(z) = clip(1/2 + L (w · z − c)) with ‖w‖ = 1,
so that its constant is L without any estimate; w is a logistic regression's, and c has
the least expected error on S. The loss is |y − p|, so λ = M = 1. "bound" takes the
number of pieces per side that makes it smallest, which needs nothing but L, d and n.
"""

import math
import time
from dataclasses import asdict, dataclass

import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from tqdm import tqdm

from fairtutor import load
from fairtutor.data.splits import permutation
from fairtutor.results import save_result, spread
from fairtutor.similarity import Box, GridCells
from fairtutor.theory.lipschitz import Margins, expected_error
from fairtutor.theory.robustness import (
    bridge,
    cell_epsilon,
    robustness_bound,
    sampled_epsilon,
)
from fairtutor.training import fit, seeded

NAME = "robustness"
SEEDS = range(5)
N, DELTA = 30_000, 0.05
DIMENSIONS = range(1, 9)
STEEPNESS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
L = 2.0
PIECES = 25  # of the line, so that K = 50
MEMORISED = 10_000
COINS = 1_000  # rows with a coin for a label, for the encoder that memorises
RARE, RARE_ROWS, DRAWS = 99_999, 200, 2_000


def encoder(inputs: int, d: int, hidden: int = 64) -> nn.Sequential:
    """Return a network to d numbers."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, d))


@dataclass(frozen=True)
class Head:
    """p(z) = clip(1/2 + L (w · z − c)) with ‖w‖ = 1: L-Lipschitz by its form."""

    w: Tensor
    c: float
    L: float

    def p(self, Z: Tensor) -> Tensor:
        """Return the probabilities of yes, (n,), for rows (n, d)."""
        return (0.5 + self.L * (Z @ self.w - self.c)).clamp(0, 1)


def learn(Z: Tensor, y: Tensor, L: float) -> Head:
    """Take w from a logistic regression, and the c with the least expected error."""
    model = LogisticRegression().fit(Z.numpy(), y.numpy())
    w = torch.as_tensor(model.coef_[0])
    w = w / w.norm()
    along = Z @ w
    places = torch.linspace(
        along.min() - 0.5 / L, along.max() + 0.5 / L, 201, dtype=torch.float64
    ).tolist()
    heads = [Head(w, c, L) for c in places]
    return min(heads, key=lambda head: expected_error(head.p(Z), y).item())


def encode(seed: int, d: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return Z and y of the sample and of the fresh rows."""
    adult = load("adult")
    own = adult.rows("encoder")
    with seeded(seed):
        network = encoder(own.X.shape[1], d)
        predictor = nn.Linear(d, 1) if d > 1 else nn.Identity()
    objective = Margins(nn.Sequential(network, predictor))
    fit(objective, [own.X, own.y.float()], epochs=5, seed=seed, progress=False)
    with torch.no_grad():
        codes = network(adult.X)
    Z = Box.fit(codes[adult.splits["encoder"]]).scaled(codes)
    S, fresh = sample_and_rest(adult, seed)
    y = adult.y.double()
    return Z[S], y[S], Z[fresh], y[fresh]


def sample_and_rest(adult, seed: int, n: int = N) -> tuple[Tensor, Tensor]:
    """Shuffle everybody but the encoder's own rows."""
    others = torch.ones(len(adult.y), dtype=torch.bool)
    others[adult.splits["encoder"]] = False
    rest = others.nonzero()[:, 0]
    rest = rest[torch.from_numpy(permutation(len(rest), seed))]
    return rest[:n], rest[n:]


def smallest_bound(d: int, L: float, n: int = N, num_labels: int = 2) -> dict:
    """Return the best number of pieces per side, and the bound's two terms."""
    best = {"bound": math.inf}
    for pieces in range(1, 401):
        gamma = math.sqrt(d) / pieces
        found = bridge(gamma, L, torch.ones(d), num_labels=num_labels)
        bound = robustness_bound(found.epsilon, found.K, n, DELTA)
        if bound < best["bound"]:
            best = {"bound": bound, **asdict(found), "pieces": pieces}
    return best


def measured(codes: tuple[Tensor, ...], L: float) -> dict:
    """Learn a head from the sample and measure it on both parts."""
    Z, y, Z_fresh, y_fresh = codes
    head = learn(Z, y, L)
    p, p_fresh = head.p(Z), head.p(Z_fresh)
    decided = (p_fresh > 0.5).double()
    rates = [(decided == y_fresh)[y_fresh == side].double().mean() for side in (0, 1)]
    return {
        "error on S": expected_error(p, y).item(),
        "error on fresh": expected_error(p_fresh, y_fresh).item(),
        "accuracy": (decided == y_fresh).double().mean().item(),
        "balanced accuracy": (sum(rates) / 2).item(),
    }


# Four learners that break one condition each. All give formula, and measured gap.


def table_of(seed: int) -> tuple[Tensor, Tensor, Tensor, float]:
    """Return z, y and loss of people in a table, and the gap of who decides by it.

    The population is one person for each z. Some are drawn into the table, which knows
    them without an error, and says no to all others.
    """
    Z, y, Z_fresh, y_fresh = encode(seed, 1)
    z, y = torch.cat([Z, Z_fresh])[:, 0], torch.cat([y, y_fresh])
    first: dict[float, int] = {}
    for position, value in enumerate(z.tolist()):
        first.setdefault(value, position)
    differ = torch.tensor(list(first.values()))
    differ = differ[torch.from_numpy(permutation(len(differ), seed))]
    seen, others = differ[:MEMORISED], differ[MEMORISED:]
    table = dict(zip(z[seen].tolist(), y[seen].tolist(), strict=True))
    p = torch.tensor([table.get(value, 0.0) for value in z.tolist()])
    loss = (y - p).abs()
    gap = loss[others].mean() - loss[seen].mean()
    return z[seen], y[seen], loss[seen], gap.item()


def cells_after_the_sample(seed: int) -> dict:
    """Look everybody of the sample up in a table, and say no to all others.

    Two cells: the points of the sample, and all the rest. In the first every loss is
    0, so epsilon is 0.
    """
    _, _, loss, gap = table_of(seed)
    epsilon = sampled_epsilon(loss, torch.zeros(len(loss), dtype=torch.long))
    return {"formula": robustness_bound(epsilon, 2, len(loss), DELTA), "gap": gap}


def sample_maximum(seed: int) -> dict:
    """Use the same table with 25 pieces fixed before, and observed losses alone."""
    z, y, loss, gap = table_of(seed)
    cells = GridCells(Box.unit(1), PIECES)
    cell = 2 * cells.assign(z.unsqueeze(1)) + y.long()
    observed = sampled_epsilon(loss, cell)
    formula = robustness_bound(observed, 2 * PIECES, len(y), DELTA)
    return {"formula": formula, "gap": gap}


def memorising_encoder(seed: int) -> dict:
    """Train the encoder on the sample itself. Labels are coins: nothing to learn."""
    adult = load("adult")
    S, fresh = sample_and_rest(adult, seed, COINS)
    with seeded(seed):
        coins = torch.randint(2, (len(adult.y),)).float()
        network = encoder(adult.X.shape[1], 1, hidden=1_024)
    rows = [adult.X[S], coins[S]]
    fit(Margins(network), rows, epochs=150, batch_size=100, seed=seed, progress=False)
    with torch.no_grad():
        z = network(adult.X)[:, 0].sigmoid().double()
    loss = (coins.double() - z).abs()
    best = smallest_bound(1, 1.0, COINS)
    gap = loss[fresh].mean() - loss[S].mean()
    return {
        "formula": best["bound"],
        "gap": gap.item(),
        "error on S": loss[S].mean().item(),
    }


def unbounded_loss(seed: int) -> dict:
    """Pay a logarithmic loss for an outcome that is rare, with M from the sample.

    y is a capital gain of 99,999 dollars; p is 10⁻³⁰⁰ for everybody. In each of the
    two cells (one for each outcome) all losses are equal: epsilon is 0.
    Formula and gap are means over the samples in which the formula fails.
    """
    rare = torch.tensor((load("adult").table["capital-gain"] == RARE).to_numpy())
    loss = torch.where(rare, 300 * math.log(10), 0.0).double()
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(loss), (DRAWS, RARE_ROWS), generator=draw)
    seen = loss[rows]
    largest = seen.amax(1)
    formula = torch.tensor(
        [
            robustness_bound(0.0, 2, RARE_ROWS, DELTA, M) if M else 0.0
            for M in largest.tolist()
        ]
    )
    gap = (loss.mean() - seen.mean(1)).abs()
    failed = gap > formula
    return {
        "formula": formula[failed].mean().item(),
        "gap": gap[failed].mean().item(),
        "samples that fail": failed.double().mean().item(),
    }


BROKEN = {
    "cells chosen after the sample": cells_after_the_sample,
    "an encoder that memorises the sample": memorising_encoder,
    "a loss without a maximum": unbounded_loss,
    "a sample maximum for epsilon": sample_maximum,
}


def main() -> None:
    """Compute everything and write it."""
    start = time.process_time()
    codes, dimensions, steepness = {}, [], []
    for d in tqdm(DIMENSIONS, "dimensions"):
        runs = []
        for seed in SEEDS:
            found = encode(seed, d)
            if d == 1:
                codes[seed] = found
            runs.append(measured(found, L))
        dimensions.append({"d": d, **smallest_bound(d, L), **spread(runs)})
    for steep in tqdm(STEEPNESS, "steepness"):
        runs = [measured(codes[seed], steep) for seed in SEEDS]
        steepness.append({"L": steep, **smallest_bound(1, steep), **spread(runs)})
    broken = {
        name: {**spread(runs), "runs": runs}
        for name, way in tqdm(BROKEN.items(), "broken")
        for runs in [[way(seed) for seed in SEEDS]]
    }
    cells = GridCells(Box.unit(1), PIECES)
    epsilon = cell_epsilon(L, cells.diameters)
    result = {
        "command": "python experiments/robustness.py",
        "seeds": len(SEEDS),
        "n": N,
        "delta": DELTA,
        "L": L,
        "majority": 1 - load("adult").y.double().mean().item(),
        "fifty cells": {
            "K": 2 * PIECES,
            "epsilon": epsilon,
            "bound": robustness_bound(epsilon, 2 * PIECES, N, DELTA),
        },
        "dimensions": dimensions,
        "steepness": steepness,
        "digits": [
            {"d": d, **smallest_bound(d, L, 4_000, num_labels=10)} for d in (1, 2, 4)
        ],
        "broken": broken,
        "cpu seconds": time.process_time() - start,
    }
    print(save_result(NAME, result))


if __name__ == "__main__":
    main()
