"""Digits: five losses that learn a distance from labels, beside pixels.

    python benchmarks/distance_losses.py

The losses are those of pytorch-metric-learning, which says what is pulled and pushed;
the neighbours' softmax over moved copies is this course's Alike. Encoder, step size,
15 epochs, the kind of random shifts and the splits are the same for all, nothing is
tuned for any. Five splits, all measures on 1,250 held-out images and on codes of length
1 (pixels: as they are):

- "retrieval", "triplets", "too far (2, 2)" as in experiments/learned_distance.py;
- "spread in a class": the mean distance of two images of one digit, over that of any
  two images; 0 is a class that has collapsed into a point;
- "unseen": retrieval among 6 to 9 after learning from 0 to 5 alone.
"""

from collections.abc import Callable

import torch
from distance import (
    JUDGE,
    LAYERS,
    LEARN,
    TEMPERATURE,
    WIDTH,
    Peer,
    Rows,
    images,
    ours,
    triplets,
)
from pytorch_metric_learning import losses
from torch import Tensor, nn
from torch.nn.functional import normalize
from tqdm import tqdm

from fairtutor import load
from fairtutor.exchange import build
from fairtutor.results import save_result, spread
from fairtutor.similarity import (
    draw_triplets,
    mean_pair_distance,
    moved_too_far,
    retrieval_at_1,
    shifted,
    triplet_agreement,
)
from fairtutor.training import fit, seeded

NAME = "distance_losses"
SEEDS = range(1, 6)
TRAINING = {"epochs": 15, "batch_size": 100, "lr": 3e-3}
SEEN = torch.arange(6)
LOSSES: dict[str, Callable[[nn.Module], nn.Module]] = {
    "contrastive": lambda e: Peer(e, losses.ContrastiveLoss()),
    "triplet": triplets("semihard"),
    "neighbourhood components": lambda e: Peer(e, losses.NCALoss(1 / TEMPERATURE)),
    "proxies": lambda e: Peer(e, losses.ProxyAnchorLoss(10, WIDTH)),
    "copies and class": ours,
}

Phi = Callable[[Tensor], Tensor]


def learned(loss: str, rows: Rows, seed: int) -> Phi:
    """Train an encoder under a loss; return codes of length 1."""
    with seeded(seed):
        encoder = build(LAYERS, 784)
        fit(LOSSES[loss](encoder), rows, seed=seed, progress=False, **TRAINING)
    encoder.requires_grad_(False)
    return lambda X: normalize(encoder(X))


def within(Z: Tensor, y: Tensor) -> float:
    """Return the mean distance within a class over the mean distance."""
    own = [mean_pair_distance(Z[y == digit]) for digit in y.unique()]
    return sum(own) / len(own) / mean_pair_distance(Z)


def measured(phi: Phi, rows: Rows, seed: int) -> dict[str, float]:
    """Measure a distance on held-out images."""
    X, y = rows
    Z = phi(X)
    return {
        "retrieval": retrieval_at_1(Z, y),
        "triplets": triplet_agreement(Z, draw_triplets(y, 20_000, seed)),
        "too far (2, 2)": moved_too_far(Z, phi(shifted(X, 2, 2)), y),
        "spread in a class": within(Z, y),
    }


def run(loss: str, seed: int) -> dict[str, float]:
    """Return one row of the table, of one split."""
    digits = load("digits").resplit(seed=seed)
    (X, y), held_out = images(digits, LEARN), images(digits, JUDGE)
    known, new = torch.isin(y, SEEN), ~torch.isin(held_out[1], SEEN)
    phi = part = lambda X: X
    if loss != "pixels":
        phi = learned(loss, (X, y), seed)
        part = learned(loss, (X[known], y[known]), seed)
    unseen = retrieval_at_1(part(held_out[0][new]), held_out[1][new])
    return {**measured(phi, held_out, seed), "unseen": unseen}


def main() -> None:
    """Compute the table and write it."""
    torch.set_num_threads(1)
    table = {}
    for loss in tqdm(["pixels", *LOSSES], "losses"):
        runs = [run(loss, seed) for seed in SEEDS]
        table[loss] = {**spread(runs), "runs": runs}
    result = {
        "command": "python benchmarks/distance_losses.py",
        "seeds": len(SEEDS),
        "table": table,
    }
    print(save_result(NAME, result))


if __name__ == "__main__":
    main()
