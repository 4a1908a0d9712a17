"""Chapter 06: all users of cells, the widest of them, what nobody can have."""

from functools import partial

import torch

from .task import task
from .trial import Trial


def _shares(cells, members):
    """Return for each cell which share of the members lives there."""
    K, size = int(cells.max()) + 1, int(members.sum())
    inside = [int((members & (cells == cell)).sum()) for cell in range(K)]
    return [count / size for count in inside]


def _cells_case(trial, n, K):
    groups, cells = trial.groups(n), trial.groups(n, K)
    men, women = _shares(cells, groups == 1), _shares(cells, groups == 0)
    apart = [a - b for a, b in zip(men, women, strict=True)]
    want = sum(max(0, d) for d in apart)
    p = groups.double().mean().item()
    joint = sum(max(0, a * p - b * (1 - p)) for a, b in zip(men, women, strict=True))
    mistakes = {
        "That counts every cell twice over: where men are fewer, women are more. Add "
        "up one side only.": 2 * want,
        "That is the best *single* cell. A user may say yes to many.": max(apart),
        "Those are shares of everybody. A selection rate is a share of the group.": (
            joint
        ),
    }
    return want, {"cells": cells, "groups": groups}, mistakes


@task(
    "06.1",
    "widest_gap",
    read="A bound that holds for everybody",
    hints=(
        "Try all users in thought: each says yes or no to every cell. To which cells "
        "does the one with the largest gap say yes?",
        "A cell adds to the gap the share of men who live in it minus the share of "
        "women who do. Take the cells in which that is more than 0.",
        "men = torch.bincount(cells[groups == 1], minlength=K) / (groups == 1).sum()",
    ),
)
def widest_gap(trial: Trial) -> None:
    """06.1: the largest gap that any user of the cells can have."""
    for n, K in ((7, 2), (10, 3), (400, 12)):
        trial.expect(*trial.telling(partial(_cells_case, trial, n, K)))


@task(
    "06.2",
    "misuse",
    read="Misuse",
    hints=(
        "In most cells most people are men. Which cells have *more than their share*?",
        "Compare the share of men in a cell with the share of men among all.",
        "in_cell = torch.bincount(cells, weights=groups.double(), minlength=K)\n"
        "in_cell = in_cell / torch.bincount(cells, minlength=K)",
    ),
)
def misuse(trial: Trial) -> None:
    """06.2: the user who attains the bound, on people it has not seen."""
    K, n = 10, 20_000
    # Of a man: over half in every cell.
    chances = torch.linspace(0.58, 0.98, K).double()[trial.permutation(K)]
    cells, new_cells = trial.integers(K, n), trial.integers(K, n)
    groups = (trial.uniform(n) < chances[cells]).long()
    new_groups = (trial.uniform(n) < chances[new_cells]).long()
    given = {"cells": cells, "groups": groups, "new_cells": new_cells}
    said = torch.as_tensor(trial.call(given)).double()
    trial.require(
        said.shape == (n,) and set(said.tolist()) <= {0.0, 1.0},
        "misuse should give one decision for each of the new people, 0 or 1.",
    )
    men, women = (said[new_groups == group].mean().item() for group in (1, 0))
    most = sum(
        max(0, a - b)
        for a, b in zip(
            _shares(new_cells, new_groups == 1),
            _shares(new_cells, new_groups == 0),
            strict=True,
        )
    )
    text = f"misuse selects {men:.0%} of the new men and {women:.0%} of the new women. "
    text += f"A gap of {most:.0%} is possible; reach nine tenths of it"
    text += ", in favour of men." if men < women else "."
    if min(men, women) > 0.99:
        text += " It says yes to (nearly) everybody: most people are men in every cell."
    trial.require(men - women >= 0.9 * most, text)
    trial.expect(
        torch.tensor([0, 1, 0, 0]),
        {
            "cells": torch.tensor([0, 0, 1, 1]),
            "groups": torch.tensor([1, 0, 1, 1]),
            "new_cells": torch.tensor([0, 1, 2, 5]),
        },
        {
            "Nobody you know lives in the cells 2 and 5: no there.": torch.tensor(
                [0, 1, 1, 1]
            )
        },
        note="The new people bring cells that you have not seen.",
    )


def _errors(y, y_hat, groups):
    """Return the error rate of each group, person by person."""
    rates = []
    for group in (0, 1):
        wrong = [
            a != b
            for a, b, g in zip(y.tolist(), y_hat.tolist(), groups.tolist(), strict=True)
            if g == group
        ]
        rates.append(sum(wrong) / len(wrong))
    return rates


def _error_case(trial, n):
    groups, y, y_hat = trial.groups(n), trial.integers(2, n), trial.integers(2, n)
    first, second = _errors(y, y_hat, groups)
    everybody = (y != y_hat).double().mean()
    mistakes = {
        "That is the error rate of everybody. Add up those of the groups.": everybody,
        "That is their mean. The bound is on the *sum*.": (first + second) / 2,
        "That is the sum of the *accuracies*.": 2 - first - second,
    }
    return first + second, {"y": y, "y_hat": y_hat, "groups": groups}, mistakes


@task(
    "06.3",
    "adult",
    "least_sum",
    "error_sum",
    read="What nobody can have",
    hints=(
        "The bound needs no data: only two base rates and a gap.",
        "An error rate is never below 0, and it does not matter which base rate is the "
        "larger.",
        "apart = abs(p0 - p1)",
    ),
)
def error_sum(trial: Trial) -> None:
    """06.3: the bound of Zhao and Gordon, and where a user stands."""
    trial.prediction("adult", 0, 2)
    cases = [(0.3, 0.1, 0.05), (0.1, 0.3, 0.05), (0.3, 0.25, 0.2), (0.2, 0.6, 0.0)]
    cases += [trial.uniform(3).tolist() for _ in range(5)]
    for p0, p1, gap in cases:
        want = max(0.0, max(p0, p1) - min(p0, p1) - gap)
        mistakes = {
            "Less than no errors are not to be had: the bound is at least 0.": abs(
                p0 - p1
            )
            - gap,
            "It should not matter which base rate is the larger.": p0 - p1 - gap,
            "It should not matter which of the two is the larger.": p1 - p0 - gap,
            "A gap makes it *easier*: it is taken off.": abs(p0 - p1) + gap,
            "The gap is missing.": abs(p0 - p1),
        }
        given = {"p0": p0, "p1": p1, "gap": gap}
        trial.expect(want, given, mistakes, name="least_sum")
    for n in (7, 200):
        trial.expect(*trial.telling(partial(_error_case, trial, n)), name="error_sum")


def _cost_case(trial, m):
    risks, gaps = trial.uniform(2, m) * 0.4, trial.uniform(2, m) * 0.3
    tau = 0.15
    gaps[:, 0], gaps[:, 1] = 0.05, 0.29
    fair = [
        [
            r
            for r, g in zip(risks[k].tolist(), gaps[k].tolist(), strict=True)
            if g <= tau
        ]
        for k in (0, 1)
    ]
    want = min(fair[0]) - min(fair[1])
    least = [risks[k, gaps[k].argmin()].item() for k in (0, 1)]
    mistakes = {
        "The limit on the gap was left out: those are the best users, fair or not.": (
            risks[0].min() - risks[1].min()
        ),
        "The other way round: it is what the user of z has to bear *more*.": -want,
        "Those are the users with the smallest gaps. Any up to the limit will do.": (
            least[0] - least[1]
        ),
        "Only the user of z was held to the limit. Both are.": min(fair[0])
        - risks[1].min(),
    }
    given = {
        "risks_z": risks[0],
        "gaps_z": gaps[0],
        "risks_x": risks[1],
        "gaps_x": gaps[1],
        "tau": tau,
    }
    return want, given, mistakes


@task(
    "06.4",
    "cost_of_mistrust",
    read="The cost of mistrust",
    hints=(
        "Two searches for the smallest risk, each among those that are allowed.",
        "Keep the users whose gap is at most tau, in each of the two lists, and "
        "subtract the smallest risks.",
        "allowed = risks_z[gaps_z <= tau]",
    ),
)
def cost_of_mistrust(trial: Trial) -> None:
    """06.4: what a fair user pays for not being trusted with x."""
    for m in (3, 4, 30):
        trial.expect(*trial.telling(partial(_cost_case, trial, m)))
    at_limit = torch.tensor([0.125, 0.25, 0.5]).double()
    given = {
        "risks_z": torch.tensor([0.5, 0.375, 0.25]).double(),
        "gaps_z": at_limit,
        "risks_x": torch.tensor([0.25, 0.125, 0.0]).double(),
        "gaps_x": at_limit.flip(0),
        "tau": 0.25,
    }
    says = "A gap of exactly tau is allowed too."
    trial.expect(0.375, given, {says: 0.5})
