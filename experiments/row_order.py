"""How the consistency of the same decisions changes with the order of the rows.

Run ``python experiments/row_order.py``; it writes ``results/row_order.json`` beside it.
A logistic regression decides about the test rows of Adult. Their order is shuffled, and
consistency is computed as AIF360 0.6.1 does (sklearn's ball tree, the person counted),
with sklearn's brute force, and here. Only ours shares the ties at the fifth place.
"""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from tqdm import tqdm

from fairtutor import load
from fairtutor.audit.ynn import consistency
from fairtutor.results import save_result
from fairtutor.similarity import neighbour_distance

K = 5
ORDERS = 10
SKLEARN = {"ball tree": "ball_tree", "brute force": "brute"}


def people() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the test rows without sensitive columns, and the decisions on them."""
    adult = load("adult")
    features = ~adult.columns_mask(["sex", "race"])
    train, test = adult.rows("train"), adult.rows("test")
    model = LogisticRegression(max_iter=1000).fit(train.X[:, features], train.y)
    return test.X[:, features], torch.from_numpy(model.predict(test.X[:, features]))


def around_by_row_order(X: np.ndarray, y_hat: np.ndarray, how: str) -> np.ndarray:
    """Return the mean decision of sklearn's k nearest, the person among them."""
    search = NearestNeighbors(n_neighbors=K, algorithm=how).fit(X)
    return y_hat[search.kneighbors(X)[1]].mean(1)


def order(seed: int, n: int) -> torch.Tensor:
    """Return a random order of n rows."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))


def tied_at_last_place(X: torch.Tensor) -> int:
    """Count the people whose fifth and sixth nearest others are equally far."""
    own = torch.arange(len(X))
    fifth, sixth = (neighbour_distance(X, X, k, own_position=own) for k in (K, K + 1))
    return int(torch.isclose(fifth, sixth, rtol=1e-6, atol=1e-7).sum())


def main() -> None:
    """Shuffle, compute, write the result."""
    X, y_hat = people()
    n = len(X)
    means = {name: [] for name in SKLEARN}
    ours = {own: [] for own in ("counted", "left out")}
    for seed in tqdm(range(ORDERS), unit="order"):
        shuffled = order(seed, n)
        rows, decisions = X[shuffled], y_hat[shuffled]
        for name, how in SKLEARN.items():
            around = np.empty(n)
            around[shuffled] = around_by_row_order(
                rows.double().numpy(), decisions.numpy(), how
            )
            means[name].append(around)
        for own, found in ours.items():
            found.append(consistency(rows, decisions, K, own=own))
    result = {
        "command": "python experiments/row_order.py",
        "rows": n,
        "k": K,
        "tied_at_last_place": tied_at_last_place(X),
        "by_row_order": {
            name: {
                "consistency": [
                    float(1 - np.abs(y_hat.numpy() - around).mean()) for around in found
                ],
                "people_whose_mean_changes": int((np.ptp(found, axis=0) > 1e-9).sum()),
            }
            for name, found in means.items()
        },
        "ties_shared": ours,
    }
    print(result)
    save_result("row_order", result)


if __name__ == "__main__":
    main()
