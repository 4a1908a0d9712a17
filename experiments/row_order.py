"""How the consistency of the same decisions changes with the order of the rows.

Run ``python experiments/row_order.py``; it writes ``results/row_order.json`` beside it.
The test rows of Adult, decided by a logistic regression or by what came of them, are
shuffled. Consistency is computed as AIF360 0.6.1 does (sklearn's ball tree, the person
counted), with sklearn's brute force, and here, where ties share the fifth place.
"""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from tqdm import tqdm

from fairtutor import load
from fairtutor.audit.ynn import OWN, consistency
from fairtutor.results import save_result
from fairtutor.similarity import neighbour_distance

K = 5
ORDERS = 10
SKLEARN = {"ball tree": "ball_tree", "brute force": "brute"}


def people() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return the test rows without sensitive columns, and decisions on them."""
    adult = load("adult")
    features = ~adult.columns_mask(["sex", "race"])
    train, test = adult.rows("train"), adult.rows("test")
    X = test.X[:, features]
    model = LogisticRegression(max_iter=1000).fit(train.X[:, features], train.y)
    decided = torch.from_numpy(model.predict(X))
    return X, {"logistic regression": decided, "true outcomes": test.y}


def around_by_row_order(
    X: torch.Tensor, y_hat: dict[str, torch.Tensor], how: str
) -> dict[str, np.ndarray]:
    """Return the mean decisions of sklearn's k nearest, the person among them."""
    rows = X.double().numpy()
    nearest = NearestNeighbors(n_neighbors=K, algorithm=how).fit(rows).kneighbors(rows)
    return {what: y.numpy()[nearest[1]].mean(1) for what, y in y_hat.items()}


def order(seed: int, n: int) -> torch.Tensor:
    """Return a random order of n rows."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))


def tied_at_last_place(X: torch.Tensor) -> int:
    """Count the people whose fifth and sixth nearest others are equally far."""
    own = torch.arange(len(X))
    fifth, sixth = (neighbour_distance(X, X, k, own_position=own) for k in (K, K + 1))
    return int(torch.isclose(fifth, sixth, rtol=1e-6, atol=1e-7).sum())


def spread(found: np.ndarray, y_hat: torch.Tensor) -> dict:
    """Sum up means (orders, n) around the same people."""
    values = 1 - np.abs(y_hat.numpy() - found).mean(1)
    return {
        "consistency": values.tolist(),
        "people_whose_mean_changes": int((np.ptp(found, axis=0) > 1e-9).sum()),
    }


def main() -> None:
    """Shuffle, compute, write the result."""
    X, y_hat = people()
    means = {
        (name, what): np.empty((ORDERS, len(X))) for name in SKLEARN for what in y_hat
    }
    ours = {(own, what): [] for own in OWN for what in y_hat}
    for seed in tqdm(range(ORDERS), unit="order"):
        shuffled = order(seed, len(X))
        rows = X[shuffled]
        decided = {what: y[shuffled] for what, y in y_hat.items()}
        for name, how in SKLEARN.items():
            for what, around in around_by_row_order(rows, decided, how).items():
                means[name, what][seed, shuffled] = around
        for own, what in ours:
            ours[own, what].append(consistency(rows, decided[what], K, own=own))
    result = {
        "command": "python experiments/row_order.py",
        "rows": len(X),
        "k": K,
        "tied_at_last_place": tied_at_last_place(X),
        "by_row_order": {
            what: {name: spread(means[name, what], y) for name in SKLEARN}
            for what, y in y_hat.items()
        },
        "ties_shared": {what: {own: ours[own, what] for own in OWN} for what in y_hat},
    }
    print(result)
    save_result("row_order", result)


if __name__ == "__main__":
    main()
