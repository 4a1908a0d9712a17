"""Scores of boosted trees on all rows of Adult: scikit-learn and ours.

    python benchmarks/trees.py

The peer is the model that the trees come from: 240 trees of depth 5 from
HistGradientBoostingClassifier, asked for predict_proba of 48,842 × 107 rows. Ours is
the same trees as declared numbers, read from checked bytes. Probabilities must be equal
to 1e-6 in every row. One process, one thread, CPU time (time.process_time), the best
and the worst of five. The exit code says whether ours is no slower.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from fairtutor import load
from fairtutor.entities.models import ensemble_of
from fairtutor.exchange.weights import pack, unpack

REPEATS = 5


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, list[float]]:
    """Return the result and the CPU seconds of each repetition, sorted."""
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
    return result, sorted(seconds)


def main() -> int:
    """Measure, compare, print."""
    torch.set_num_threads(1)
    adult = load("adult")
    rows = adult.rows("train")
    model = HistGradientBoostingClassifier(
        max_iter=240, max_depth=5, max_leaf_nodes=None, early_stopping=False
    ).fit(rows.X.numpy(), rows.y.numpy())
    module, layers = ensemble_of(model)
    trees = unpack(pack(module, layers), adult.X.shape[1]).module
    X = adult.X.numpy()
    with threadpool_limits(1):
        theirs, slow = timed(lambda: model.predict_proba(X)[:, 1])
        ours, quick = timed(lambda: trees(adult.X)[:, 0].sigmoid().numpy())
    error = np.abs(ours - theirs).max()
    assert error < 1e-6, error
    ratio = slow[0] / quick[0]
    print(f"{len(X):,} rows, {layers[0]}, largest difference {error:.1e}")
    print(f"scikit-learn {slow[0]:.2f}–{slow[-1]:.2f} s")
    print(f"ours         {quick[0]:.2f}–{quick[-1]:.2f} s, {ratio:.1f} times less")
    return int(ratio < 1)


if __name__ == "__main__":
    sys.exit(main())
