"""Chapter 10: moved copies, concentration, geodesics, units."""

from functools import partial

import torch

from .task import task
from .trial import Trial


def _rho(a, b):
    return (a - b).square().sum().sqrt().item()


def _too_far(X, moved, y, other=True, own=True):
    """Return who is farther from the own copy than from the nearest allowed one."""
    found = []
    for i in range(len(X)):
        allowed = [
            _rho(X[i], X[j])
            for j in range(len(X))
            if (y[j] != y[i] if other else (j != i or not own))
        ]
        found.append(_rho(X[i], moved[i]) > min(allowed))
    return sum(found) / len(found)


def _moved_case(trial, n, num_classes):
    X, y = trial.normal(n, 2), trial.groups(n, num_classes)
    moved = X + trial.normal(n, 2)
    want = _too_far(X, moved, y)
    by_moved = [
        _rho(X[i], moved[i])
        > min(_rho(X[i], moved[j]) for j in range(n) if y[j] != y[i])
        for i in range(n)
    ]
    mistakes = {
        "The nearest image of *any* class was taken, and that may be another of the "
        "same digit.": _too_far(X, moved, y, other=False),
        "Each image was found as its own nearest, at distance 0.": 1.0,
        "That is the share of images whose copy is *near*.": 1 - want,
        "Each image was compared with *moved* images of other digits. Those in X do "
        "not move.": sum(by_moved) / n,
    }
    return want, {"X": X, "moved": moved, "y": y}, mistakes


@task(
    "10.1",
    "too_far",
    read="A digit and its shadow",
    hints=(
        "For each image two numbers are compared. Which?",
        "Make the table of all distances and put infinity wherever two images show the "
        "same digit, the diagonal among them. The smallest of each row is the one.",
        "same = y[:, None] == y\nrho = torch.cdist(X, X).masked_fill(same, torch.inf)",
    ),
)
def too_far(trial: Trial) -> None:
    """10.1: how many images are farther from their copy than from another digit."""
    for n, num_classes in ((5, 2), (8, 3), (30, 4)):
        draw = partial(_moved_case, trial, n, num_classes)
        trial.expect(*trial.telling(draw, tries=300 if n < 10 else 20))


def _contrast(X, power=1, own=False):
    ratios, nearest, means = [], [], []
    for i in range(len(X)):
        away = [_rho(X[i], X[j]) ** power for j in range(len(X)) if own or j != i]
        nearest.append(min(away))
        means.append(sum(away) / len(away))
        ratios.append(nearest[-1] / means[-1])
    return ratios, nearest, means


def _contrast_case(trial, n, d):
    X = trial.normal(n, d)
    ratios, nearest, means = _contrast(X)
    squared = _contrast(X, power=2)[0]
    farthest = [max(_rho(x, other) for other in X) for x in X]
    mistakes = {
        "The nearest to each was the point itself, at distance 0.": 0.0,
        "The ratio is upside down: nearest over mean.": sum(
            m / r for m, r in zip(means, nearest, strict=True)
        )
        / n,
        "Those are squared distances.": sum(squared) / n,
        "You divided by the *largest* distance; it should be the mean.": sum(
            a / b for a, b in zip(nearest, farthest, strict=True)
        )
        / n,
        "That is one mean divided by another. Divide for each point first, and then "
        "take the mean of these ratios.": sum(nearest) / sum(means),
        "The mean is over the *other* points; the point itself came in with a 0.": sum(
            ratio * n / (n - 1) for ratio in ratios
        )
        / n,
    }
    return sum(ratios) / n, {"X": X}, mistakes


@task(
    "10.2",
    "guess",
    "contrast",
    read="Everybody is equally far",
    hints=(
        "For each point: the smallest distance to another, and the mean distance to "
        "the others.",
        "Put infinity on the diagonal for the smallest; for the mean, add up each row "
        "and divide by n − 1.",
        "rho = torch.cdist(X, X)\nmean = rho.sum(1) / (len(X) - 1)",
    ),
)
def contrast(trial: Trial) -> None:
    """10.2: the nearest, compared with everybody."""
    trial.prediction("guess", 0, 1)
    for n, d in ((3, 1), (4, 2), (60, 5)):
        trial.expect(
            *trial.telling(partial(_contrast_case, trial, n, d)), tolerance=1e-5
        )


def _shortest(steps):
    """Return shortest paths of a table of steps (inf where there is none)."""
    n = len(steps)
    best = [[0.0 if i == j else steps[i][j] for j in range(n)] for i in range(n)]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                best[i][j] = min(best[i][j], best[i][k] + best[k][j])
    return torch.tensor(best)


def _steps(X, k, *, both=True, hops=False, own=0):
    n, inf = len(X), float("inf")
    steps = [[inf] * n for _ in range(n)]
    for i in range(n):
        order = sorted((j for j in range(n) if j != i), key=lambda j: _rho(X[i], X[j]))
        for j in order[: k - own]:
            steps[i][j] = 1.0 if hops else _rho(X[i], X[j])
            if both:
                steps[j][i] = steps[i][j]
    return steps


def _path_case(trial, n, k):
    X = trial.normal(n, 2)
    straight = torch.tensor([[_rho(a, b) for b in X] for a in X])
    mistakes = {
        "A step that one may take forth can also be taken back: join two points if "
        "*either* is among the k nearest of the other.": _shortest(
            _steps(X, k, both=False)
        ),
        "Steps were counted. Add up their lengths.": _shortest(_steps(X, k, hops=True)),
        "Each point took up one of its own k places.": _shortest(_steps(X, k, own=1)),
        "Those are the straight distances.": straight,
    }
    return _shortest(_steps(X, k)), {"X": X, "k": k}, mistakes


@task(
    "10.3",
    "geodesic",
    read="Images live on a bent surface",
    hints=(
        "Which short steps are allowed? And how does one find the shortest way?",
        "A table with the distance where a step is allowed and infinity elsewhere; "
        "then let every point in turn be a stop on the way, or hand the table to "
        "scipy.sparse.csgraph.shortest_path.",
        "best = torch.minimum(best, best[:, stop, None] + best[stop])",
    ),
)
def geodesic(trial: Trial) -> None:
    """10.3: distances along the data."""
    for n, k in ((4, 2), (7, 2), (25, 3)):
        case = trial.telling(partial(_path_case, trial, n, k), tries=60)
        trial.expect(*case, tolerance=1e-5)


@task(
    "10.4",
    "units_for",
    read="What is a year worth?",
    hints=(
        "In which column is j closer to i than anybody else is?",
        "If one column counts far more than all others, the nearest is who is nearest "
        "in it. Find the column in which that is j.",
        "apart = (X - X[i]).abs()  # (n, d)\napart[i] = torch.inf",
    ),
)
def units_for(trial: Trial) -> None:
    """10.4: units that make anybody the nearest."""
    for n, d in ((5, 3), (50, 6)):
        X = trial.normal(n, d)
        i, j = trial.permutation(n)[:2].tolist()
        column = int(trial.integers(d))
        X[j] = X[i] + 2 + trial.uniform(d)  # far in every column
        X[j, column] = X[i, column] + 1e-3  # but this
        for other in range(n):
            if other not in (i, j) and abs(X[other, column] - X[i, column]) < 0.05:
                X[other, column] += 0.5
        given = {"X": X, "i": i, "j": j}
        scales = torch.as_tensor(trial.call(given)).double()
        trial.require(
            scales.shape == (d,) and bool(((scales > 0) & scales.isfinite()).all()),
            "should be one factor for each column, all over 0 and finite.",
            given,
        )
        rho = [_rho(X[i] * scales, x * scales) for x in X]
        rho[i] = float("inf")
        nearest = min(range(n), key=rho.__getitem__)
        trial.require(
            nearest == j,
            f"makes person {nearest} the nearest of person {i}, at {rho[nearest]:.3g}; "
            f"person {j} is at {rho[j]:.3g}.",
            given,
        )
