"""Exercise 07: plausible mistakes with what must be said, and second right answers."""

import torch


def ratios(X, p):
    i, j = torch.triu_indices(len(p), len(p), 1)
    return (p[i] - p[j]).abs(), (X[i] - X[j]).norm(dim=1)


def inverted(X, p):
    D, rho = ratios(X, p)
    return (rho / D).max()


def mean_ratio(X, p):
    D, rho = ratios(X, p)
    return (D / rho).mean()


def squared(X, p):
    D, rho = ratios(X, p)
    return (D / rho**2).max()


def with_oneself(X, p):
    return ((p[:, None] - p).abs() / torch.cdist(X, X)).max()


def twins_left_out(X, p):
    D, rho = ratios(X, p)
    return (D / rho)[rho > 0].max()


def worst_by_loop(X, p):
    worst = 0.0
    for i in range(len(p)):
        for j in range(i + 1, len(p)):
            D, rho = abs(float(p[i] - p[j])), float(torch.dist(X[i], X[j]))
            if D > 0:
                worst = max(worst, float("inf") if rho == 0 else D / rho)
    return worst


def cell_means(y_hat, cells):
    return {int(c): y_hat[cells == c].mean().item() for c in cells.unique()}


def over_cells(y_hat, cells):
    means = cell_means(y_hat.double(), cells)
    apart = [
        (y_hat[cells == c] - mean).abs().mean().item() for c, mean in means.items()
    ]
    return 1 - sum(apart) / len(apart)


def same_cell_by_dict(y_hat, cells):
    means = cell_means(y_hat.double(), cells)
    apart = [
        abs(y - means[c]) for y, c in zip(y_hat.tolist(), cells.tolist(), strict=True)
    ]
    return 1 - sum(apart) / len(apart)


def difference(y_hat, cells):
    return 1 - same_cell_by_dict(y_hat, cells)


def without_cells(y_hat, cells):
    return 1 - (y_hat.double() - y_hat.double().mean()).abs().mean()


def neighbours(X, k, skip):
    return torch.cdist(X, X).argsort(dim=1)[:, skip : skip + k]


def own_counted(X, y_hat, k):
    return 1 - (y_hat - y_hat[neighbours(X, k, 0)].mean(1)).abs().mean()


def as_printed(X, y_hat, k):
    near = neighbours(X, k, 1)
    return 1 - (y_hat - y_hat[near].sum(1)).abs().sum() / (len(X) * k)


def farthest(X, y_hat, k):
    far = torch.cdist(X, X).topk(k).indices
    return 1 - (y_hat - y_hat[far].mean(1)).abs().mean()


def not_from_one(X, y_hat, k):
    return 1 - consistency_by_search(X, y_hat, k)


def consistency_by_search(X, y_hat, k):
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=k).fit(X.numpy())
    near = search.kneighbors(return_distance=False)  # leaves each point itself out
    return 1 - (y_hat - y_hat[torch.as_tensor(near)].mean(1)).abs().mean().item()


def all_men(cells, men):
    return men.double()


def yes_to_all(cells, men):
    return torch.ones(len(men))


def women_instead(cells, men):
    share = cell_means(men.double(), cells)
    return torch.tensor([float(share[int(c)] < 0.5) for c in cells])


def probabilities(cells, men):
    share = cell_means(men.double(), cells)
    return torch.tensor([share[int(c)] for c in cells])


def play_by_votes(cells, men):
    chosen = [
        c for c in cells.unique() if men[cells == c].sum() > 0.5 * (cells == c).sum()
    ]
    return torch.isin(cells, torch.stack(chosen)).long()


def decisions(model, X, column, values):
    found = []
    for value in values:
        twins = X.clone()
        twins[:, column] = value
        found.append(model(twins) >= 0.5)
    return model(X) >= 0.5, torch.stack(found)


def mean_over_settings(model, X, column, values):
    now, each = decisions(model, X, column, values)
    return (each == now).double().mean()


def changed(model, X, column, values):
    now, each = decisions(model, X, column, values)
    return (each != now).any(0).double().mean()


def on_the_original(model, X, column, values):
    now, kept = model(X) >= 0.5, torch.ones(len(X), dtype=torch.bool)
    for value in values:
        X[:, column] = value
        kept &= (model(X) >= 0.5) == now
    return kept.double().mean()


def of_probabilities(model, X, column, values):
    kept = torch.ones(len(X), dtype=torch.bool)
    for value in values:
        twins = X.clone()
        twins[:, column] = value
        kept &= model(twins) == model(X)
    return kept.double().mean()


def flips_by_row(model, X, column, values):
    kept = 0
    for row in X:
        twins = row.repeat(len(values) + 1, 1)
        twins[1:, column] = torch.as_tensor(values, dtype=X.dtype)
        kept += len((model(twins) >= 0.5).unique()) == 1
    return kept / len(X)


WRONG = {
    "07.1": [
        ("the ratio inverted", [inverted], "upside down"),
        ("the mean over the pairs", [mean_ratio], "mean over the pairs"),
        ("the distance squared", [squared], "squared distance"),
        ("a person is a pair with themselves", [with_oneself], "with themselves"),
        ("pairs at distance 0 left out", [twins_left_out], "treated otherwise"),
    ],
    "07.2": [
        ("no guess", [None, same_cell_by_dict], "alone is still empty"),
        ("the mean over cells", [1, over_cells], "mean over people"),
        ("1 minus it forgotten", [1, difference], "1 minus it"),
        ("one cell for all", [0.5, without_cells], "mean of all, not of their cell"),
    ],
    "07.3": [
        ("the point is its own neighbour", [own_counted], "their own neighbour"),
        ("Eq. 15 as printed", [as_printed], "without a mean over the neighbours"),
        ("the farthest", [farthest], "the farthest people"),
        ("1 minus it forgotten", [not_from_one], "1 minus it"),
    ],
    "07.4": [
        ("selects by sex, in every cell", [all_men], "Two people of one cell"),
        ("treats all alike", [yes_to_all], "100% of the men and 100%"),
        ("women in place of men", [women_instead], "in favour of men"),
        ("probabilities for decisions", [probabilities], "0 or 1"),
    ],
    "07.5": [
        ("the mean over settings", [mean_over_settings], "*every* setting"),
        ("the share that changes", [changed], "decision *changes*"),
        ("works on X itself", [on_the_original], "changes its argument X"),
        ("compares probabilities", [of_probabilities], "Compared were probabilities"),
    ],
}
RIGHT = {
    "07.1": [worst_by_loop],
    "07.2": [0.5, same_cell_by_dict],
    "07.3": [consistency_by_search],
    "07.4": [play_by_votes],
    "07.5": [flips_by_row],
}
