"""Exercise 10: plausible mistakes with what must be said, and second right answers."""

import torch
from scipy.sparse.csgraph import shortest_path


def moved_away(X, moved, y):
    far = 0
    for i in range(len(X)):
        others = X[y != y[i]]
        far += int(torch.dist(X[i], moved[i]) > (others - X[i]).norm(dim=1).min())
    return far / len(X)


def any_class(X, moved, y):
    rho = torch.cdist(X, X).fill_diagonal_(torch.inf)
    return ((X - moved).norm(dim=1) > rho.min(1).values).double().mean()


def with_itself(X, moved, y):
    rho = torch.cdist(X, X)
    return ((X - moved).norm(dim=1) > rho.min(1).values).double().mean()


def near_ones(X, moved, y):
    return 1 - moved_away(X, moved, y)


def against_moved(X, moved, y):
    rho = torch.cdist(X, moved).masked_fill(y[:, None] == y, torch.inf)
    return ((X - moved).norm(dim=1) > rho.min(1).values).double().mean()


def by_sorting(X):
    rho = torch.cdist(X, X).sort(1).values[:, 1:]
    return (rho[:, 0] / rho.mean(1)).mean()


def itself(X):
    rho = torch.cdist(X, X)
    return (rho.min(1).values / rho.mean(1)).mean()


def inverted(X):
    rho = torch.cdist(X, X).sort(1).values[:, 1:]
    return (rho.mean(1) / rho[:, 0]).mean()


def squared(X):
    rho = torch.cdist(X, X).square().sort(1).values[:, 1:]
    return (rho[:, 0] / rho.mean(1)).mean()


def ratio_of_means(X):
    rho = torch.cdist(X, X).sort(1).values[:, 1:]
    return rho[:, 0].mean() / rho.mean()


def to_the_farthest(X):
    rho = torch.cdist(X, X).sort(1).values[:, 1:]
    return (rho[:, 0] / rho[:, -1]).mean()


def graph(X, k, skip=1, both=True, hops=False):
    rho = torch.cdist(X, X)
    near = rho.argsort(1)[:, skip if skip else 0 : k + 1]
    steps = torch.zeros_like(rho)
    rows = torch.arange(len(X))[:, None]
    steps[rows, near] = rho[rows, near]
    if both:
        steps = torch.maximum(steps, steps.T)
    return (steps > 0).double() if hops else steps


def by_scipy(X, k):
    return shortest_path(graph(X, k).numpy(), directed=False)


def directed(X, k):
    return shortest_path(graph(X, k, both=False).numpy(), directed=True)


def hop_counts(X, k):
    return shortest_path(graph(X, k, hops=True).numpy(), directed=False)


def own_place(X, k):
    return shortest_path(graph(X, k - 1).numpy(), directed=False)


def straight(X, k):
    return torch.cdist(X, X)


def one_column(X, i, j):
    apart = (X - X[i]).abs()
    apart[i] = torch.inf
    scales = torch.full((X.shape[1],), 1e-4)
    scales[apart.argmin(0) == j] = 1e4
    return scales


def no_change(X, i, j):
    return torch.ones(X.shape[1])


def dropped(X, i, j):
    scales = torch.zeros(X.shape[1])
    scales[(X[i] - X[j]).abs().argmin()] = 1
    return scales


def farthest_column(X, i, j):
    scales = torch.ones(X.shape[1])
    scales[(X[i] - X[j]).abs().argmax()] = 1e4
    return scales


WRONG = {
    "10.1": [
        ("the nearest of any class", [any_class], "*any* class"),
        ("the image itself", [with_itself], "its own nearest"),
        ("the share of near ones", [near_ones], "*near*"),
        ("compared with moved images", [against_moved], "do not move"),
    ],
    "10.2": [
        ("no guess", [None, by_sorting], "guess is still empty"),
        ("the point is its own neighbour", [0.9, itself], "point itself"),
        ("the ratio inverted", [0.9, inverted], "upside down"),
        ("squared distances", [0.9, squared], "squared"),
        ("over the largest", [0.9, to_the_farthest], "*largest*"),
        ("the ratio of two means", [0.9, ratio_of_means], "for each point first"),
    ],
    "10.3": [
        ("one-way steps", [directed], "taken back"),
        ("steps counted", [hop_counts], "Steps were counted"),
        ("the point is its own neighbour", [own_place], "own k places"),
        ("straight distances", [straight], "straight distances"),
    ],
    "10.4": [
        ("no other units", [no_change], "the nearest of person"),
        ("columns dropped", [dropped], "over 0"),
        ("the wrong column", [farthest_column], "the nearest of person"),
    ],
}
RIGHT = {
    "10.1": [moved_away],
    "10.2": [0.5, by_sorting],
    "10.3": [by_scipy],
    "10.4": [one_column],
}
