"""Chapter 07: worst pairs, cells, consistency, flips."""

from functools import partial

import torch

from .task import task
from .trial import Trial


def _pairs(X, p):
    """Yield (ρ, |p − p'|) of every pair of people, one by one."""
    for i in range(len(X)):
        for j in range(i):
            rho = (X[i] - X[j]).square().sum().sqrt().item()
            yield rho, abs(p[i] - p[j]).item()


def _ratio_case(trial, n):
    X, p = trial.normal(n, 2), trial.uniform(n)
    ratios = torch.tensor([D / rho for rho, D in _pairs(X, p)])
    mistakes = {
        "The ratio is upside down: it is treatment over distance.": 1 / ratios.min(),
        "That is the mean over the pairs; one bad pair is enough to break the "
        "condition.": ratios.mean(),
        "That is with the squared distance.": max(
            D / rho**2 for rho, D in _pairs(X, p)
        ),
        "That is the smallest ratio.": ratios.min(),
        "A person's pair with themselves came in: 0 / 0.": torch.nan,
    }
    return ratios.max(), {"X": X, "p": p}, mistakes


@task(
    "07.1",
    "worst_ratio",
    read="The condition",
    hints=(
        "You need one number for every two people, and then the largest.",
        "torch.cdist gives all distances at once. A pair at distance 0 has no ratio: "
        "decide what it means if the two are treated alike, and if they are not. And "
        "nobody is a pair with themselves.",
        "D = (p[:, None] - p).abs()\ni, j = torch.triu_indices(len(p), len(p), 1)",
    ),
)
def worst_ratio(trial: Trial) -> None:
    """07.1: the pair that is treated most differently for its distance."""
    for n in (3, 5, 30):
        trial.expect(*trial.telling(partial(_ratio_case, trial, n)))
    twins = torch.tensor([[0.0, 1.0], [0.0, 1.0], [2.0, 1.0]])
    for p, want, why in (
        ([0.2, 0.7, 0.3], torch.inf, "Two are the same person and treated otherwise."),
        ([0.5, 0.5, 0.3], 0.1, "Two are the same person and treated alike."),
    ):
        given = {"X": twins, "p": torch.tensor(p)}
        mistake = {"0 / 0 is no ratio: such a pair is treated alike.": torch.nan}
        trial.expect(want, given, note=why, mistakes=mistake)


def _same_cell(y_hat, cells):
    """Return *same cell, same treatment*, person by person."""
    total = 0.0
    for i in range(len(y_hat)):
        inside = [y_hat[j].item() for j in range(len(cells)) if cells[j] == cells[i]]
        total += abs(y_hat[i].item() - sum(inside) / len(inside))
    return 1 - total / len(y_hat)


def _cell_by_cell(y_hat, cells):
    """Return its mean over cells, however few people live in one."""
    kept = [cells == cell for cell in cells.unique()]
    return sum(_same_cell(y_hat[i], cells[i]) for i in kept) / len(kept)


def _cell_case(trial, n, K):
    cells, y_hat = trial.groups(n, K), trial.integers(2, n).double()
    right = _same_cell(y_hat, cells)
    mistakes = {
        "That is the mean over cells: a cell of two people weighs as much as one of a "
        "hundred. Take the mean over people.": _cell_by_cell(y_hat, cells),
        "That is the mean *difference*. The criterion is 1 minus it.": 1 - right,
        "Everybody was compared with the mean of all, not of their cell.": 1
        - (y_hat - y_hat.mean()).abs().mean(),
    }
    return right, {"y_hat": y_hat, "cells": cells}, mistakes


@task(
    "07.2",
    "alone",
    "same_cell",
    read="A criterion that the regulator audits",
    hints=(
        "Each person is compared with the mean of their cell, and they are part of it.",
        "Sum ŷ in each cell, count the people in each cell, and divide. Then look the "
        "mean up for each person, so that it has n entries again.",
        "totals = torch.zeros(K).index_add(0, cells, y_hat)\n"
        "sizes = torch.bincount(cells, minlength=K)",
    ),
)
def same_cell(trial: Trial) -> None:
    """07.2: same cell, same treatment."""
    trial.prediction("alone", 0, 1)
    for n, K in ((5, 2), (8, 3), (60, 7)):
        trial.expect(*trial.telling(partial(_cell_case, trial, n, K)))
    y_hat = trial.integers(2, 9).double()
    given = {"y_hat": y_hat, "cells": torch.arange(9)}
    trial.expect(1.0, given, note="Everybody has a cell to themselves.")
    given = {"y_hat": torch.ones(5), "cells": trial.groups(5, 2)}
    trial.expect(1.0, given, note="Everybody is treated alike.")


def _consistency(X, y_hat, k, *, own=0):
    """Return consistency, searching for each person anew; ``own`` 0 leaves them out."""
    total = 0.0
    for i in range(len(X)):
        rho = (X - X[i]).square().sum(1).sqrt()
        rho[i] = -1.0  # the first of the order
        near = rho.argsort()[1 - own : 1 - own + k]
        total += abs(y_hat[i] - y_hat[near].mean()).item()
    return 1 - total / len(X)


def _as_printed(X, y_hat, k):
    """Return the formula of Zemel et al. as it is printed: without the mean."""
    total = 0.0
    for i in range(len(X)):
        rho = (X - X[i]).square().sum(1)
        near = rho.argsort()[1 : k + 1]
        total += abs(y_hat[i] - y_hat[near].sum()).item()
    return 1 - total / (len(X) * k)


def _neighbour_case(trial, n, k):
    X, y_hat = trial.normal(n, 2), trial.integers(2, n).double()
    right = _consistency(X, y_hat, k)
    far = torch.cdist(X, X).topk(k).indices
    mistakes = {
        "Each person was counted as their own neighbour.": _consistency(
            X, y_hat, k, own=1
        ),
        "That is the formula as it is printed, without a mean over the neighbours.": (
            _as_printed(X, y_hat, k)
        ),
        "That is the mean difference. Consistency is 1 minus it.": 1 - right,
        "Those are the farthest people, not the nearest.": 1
        - (y_hat - y_hat[far].mean(1)).abs().mean(),
        "That is with one neighbour too many.": _consistency(X, y_hat, k + 1),
    }
    return right, {"X": X, "y_hat": y_hat, "k": k}, mistakes


@task(
    "07.3",
    "consistency",
    read="Consistency, in variants that disagree",
    hints=(
        "Who is the nearest person to you, if you search among everybody?",
        "Make the table of all distances, put infinity on its diagonal, and take the "
        "k smallest of each row.",
        "rho = torch.cdist(X, X).fill_diagonal_(torch.inf)\n"
        "near = rho.topk(k, largest=False).indices",
    ),
)
def consistency(trial: Trial) -> None:
    """07.3: the nearest *other* people."""
    for n, k in ((6, 2), (8, 3), (40, 5)):
        trial.expect(*trial.telling(partial(_neighbour_case, trial, n, k)))
    given = {"X": trial.normal(6, 2), "y_hat": torch.ones(6), "k": 3}
    trial.expect(1.0, given, note="Everybody is treated alike.")


@task(
    "07.4",
    "play",
    read="Who is similar? Cells",
    hints=(
        "The criterion looks at one cell at a time. What may differ between cells?",
        "Give one answer to a whole cell, and let who lives there decide which.",
        "share = torch.bincount(cells, weights=men.double()) / torch.bincount(cells)",
    ),
)
def play(trial: Trial) -> None:
    """07.4: what a criterion on cells does not see."""
    for n, K in ((8, 2), (400, 20)):
        men = trial.groups(n).bool()
        # People of one sex tend to live in the same cells, as they do on Adult.
        cells = (men * (K // 2) + trial.integers(K // 2, n)).clamp(max=K - 1)
        moved = trial.uniform(n) < 0.2
        cells = torch.where(moved, trial.integers(K, n), cells)
        if n == 8:
            men = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1]).bool()
            cells = torch.tensor([0, 0, 0, 1, 1, 1, 1, 0])
        given = {"cells": cells, "men": men}
        y_hat = torch.as_tensor(trial.call(given)).double()
        trial.require(
            y_hat.shape == (n,) and set(y_hat.tolist()) <= {0.0, 1.0},
            "should be one decision for each person, 0 or 1.",
            given,
        )
        fair = _same_cell(y_hat, cells)
        trial.require(
            fair > 1 - 1e-9,
            f"has same cell, same treatment {fair:.3f}; the regulator must see 1. Two "
            "people of one cell got different answers.",
            given,
        )
        of_men, of_women = y_hat[men].mean().item(), y_hat[~men].mean().item()
        trial.require(
            of_men - of_women > 0.4,
            f"selects {of_men:.0%} of the men and {of_women:.0%} of the women; make "
            "the difference more than 40 points, in favour of men.",
            given,
        )


@task(
    "07.5",
    "flip_audit",
    read="And if everybody had a twin?",
    hints=(
        "A person counts only if *no* setting changes the decision.",
        "Ask the model once for each setting, on a copy of X with the column set for "
        "everybody. Then look across the settings, person by person.",
        "twins = X.clone()\ntwins[:, column] = value",
    ),
)
def flip_audit(trial: Trial) -> None:
    """07.5: no setting of a column may change a decision."""
    for n, values in ((6, (0.0, 1.0)), (50, (0.0, 1.0)), (50, (-1.0, 0.0, 2.0))):
        trial.expect(*trial.telling(partial(_flip_case, trial, n, values)))


def _flip_case(trial, n, values):
    X, w = trial.normal(n, 3), trial.normal(3)
    column = int(trial.integers(3))
    w[column] = 1.0
    X[:, column] = trial.integers(2, n).double() * 5 - 2

    def model(rows):
        return torch.sigmoid(rows @ w.to(rows.dtype))

    kept, each = _flips(model, X, column, values)
    right = sum(kept) / n
    mistakes = {
        "That is the mean over the settings. A person counts only if *every* setting "
        "leaves the decision.": sum(map(sum, each)) / n / len(values),
        "That is the share of people whose decision *changes*.": 1 - right,
        "Compared were probabilities. The metric asks for decisions, p ≥ .5.": 0.0,
        "Only the last setting was compared.": sum(e[-1] for e in each) / n,
        "Only the first setting was compared.": sum(e[0] for e in each) / n,
    }
    given = {"model": model, "X": X, "column": column, "values": values}
    return right, given, mistakes


def _flips(model, X, column, values):
    """Return for each person whether no setting matters, and for each setting."""
    each = []
    for row in X:
        now, found = model(row[None]).item() >= 0.5, []
        for value in values:
            twin = row.clone()
            twin[column] = value
            found.append((model(twin[None]).item() >= 0.5) == now)
        each.append(found)
    return [all(found) for found in each], each
