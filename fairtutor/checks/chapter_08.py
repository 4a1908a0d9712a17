"""Chapter 08: the bound, more dimensions, dice, and a maximum that is no ε."""

import math
from functools import partial

import torch

from .task import task
from .trial import Trial


def _bound(epsilon, M, K, n, delta):
    return epsilon + M * math.sqrt((2 * K * math.log(2) + 2 * math.log(1 / delta)) / n)


@task(
    "08.1",
    "bound",
    read="Robustness implies generalization",
    hints=(
        "What is cut into cells: people, or people with their outcomes?",
        "K is the number of cells of X times the number of outcomes. The logarithms "
        "are natural ones, and only the second term is under the root.",
        "K = cells * outcomes\ninside = 2 * K * math.log(2) + 2 * math.log(1 / delta)",
    ),
)
def bound(trial: Trial) -> None:
    """08.1: the generalization bound of a robust learner."""
    for cells, outcomes in ((25, 2), (4, 3), (100, 2)):
        M = 0.5 + trial.uniform(1).item()
        epsilon, delta = 0.2 * trial.uniform(1).item(), 0.05
        n = 2000 + int(trial.integers(30000))
        K = cells * outcomes
        want = _bound(epsilon, M, K, n, delta)
        inside = 2 * K * math.log(2) + 2 * math.log(1 / delta)
        mistakes = {
            "K counts cells of X × Y. These are the cells of X alone.": _bound(
                epsilon, M, cells, n, delta
            ),
            "delta is upside down: ln(1/δ), which is over 0.": epsilon
            + M * math.sqrt((2 * K * math.log(2) + 2 * math.log(delta)) / n),
            "The root is missing.": epsilon + M * inside / n,
            "n belongs under the root.": epsilon + M * math.sqrt(inside) / n,
            "The first term is ln 2 for each two cells: 2 K ln 2.": epsilon
            + M * math.sqrt((2 * K + 2 * math.log(1 / delta)) / n),
            "The logarithms are natural ones (math.log), not to the base 10.": epsilon
            + M * math.sqrt(inside / math.log(10) / n),
            "The logarithms are natural ones (math.log), not to the base 2.": epsilon
            + M * math.sqrt(inside / math.log(2) / n),
            "K is a product: each cell once for each outcome.": _bound(
                epsilon, M, cells + outcomes, n, delta
            ),
            "M belongs to the second term only.": M * _bound(epsilon, 1, K, n, delta),
            "M, the largest loss, is missing.": _bound(epsilon, 1, K, n, delta),
        }
        given = {
            "epsilon": epsilon,
            "M": M,
            "cells": cells,
            "outcomes": outcomes,
            "n": n,
            "delta": delta,
        }
        trial.expect(want, given, mistakes)


def _best(n, d, L, *, diameter=True, power=True, outcomes=2):
    """Return the smallest bound over 1 to 200 pieces a side, each computed."""
    found = []
    for m in range(1, 201):
        epsilon = L * (math.sqrt(d) if diameter else 1) / m
        cells = m**d if power else m * d
        found.append(_bound(epsilon, 1, outcomes * cells, n, 0.05))
    return min(found)


@task(
    "08.2",
    "first_d",
    "smallest_bound",
    read="More dimensions",
    hints=(
        "Nothing but the formula is needed: each number of pieces gives a bound.",
        "A cube cut into m pieces a side has m to the power of d cells, and each has "
        "the diameter √d / m. Try every m from 1 to 200 and keep the smallest bound.",
        "epsilon = L * math.sqrt(d) / m\nK = 2 * m**d",
    ),
)
def smallest_bound(trial: Trial) -> None:
    """08.2: how the bound grows with the dimension of the embedding."""
    trial.prediction("first_d", 1, 100)
    cases = [(30_000, 1, 2.0), (30_000, 2, 2.0), (1000, 3, 0.5)]
    cases += [
        (1000 + int(trial.integers(50_000)), 2 + int(trial.integers(4)), 1.0)
        for _ in range(3)
    ]
    for n, d, L in cases:
        mistakes = {
            "The diameter of a cube of side 1/m is √d / m, not its side.": _best(
                n, d, L, diameter=False
            ),
            "d directions cut into m pieces each give m to the power of d cells.": (
                _best(n, d, L, power=False)
            ),
            "K counts cells of X × Y, and there are two outcomes.": _best(
                n, d, L, outcomes=1
            ),
        }
        given = {"n": n, "d": d, "L": L}
        trial.expect(_best(n, d, L), given, mistakes, tolerance=1e-6)


def _expected_case(trial, n):
    z, y = trial.uniform(n), trial.integers(2, n)
    L, c = 1 + 3 * trial.uniform(1).item(), 0.3 + 0.4 * trial.uniform(1).item()
    losses, hard, square, free, low = [], [], [], [], []
    for place, outcome in zip(z.tolist(), y.tolist(), strict=True):
        line = 0.5 + L * (place - c)
        p = min(1.0, max(0.0, line))
        losses.append(abs(outcome - p))
        hard.append(float((p >= 0.5) != outcome))
        square.append((outcome - p) ** 2)
        free.append(abs(outcome - line))
        low.append(abs(outcome - min(1.0, max(0.0, line - 0.5))))
    want = sum(losses) / n
    mistakes = {
        "That is the error of the decision p ≥ ½. The coin is thrown with "
        "probability p: take |y - p|.": sum(hard) / n,
        "That is the squared error.": sum(square) / n,
        "p is a probability: below 0 it is 0, and above 1 it is 1.": sum(free) / n,
        "That is the mean probability of being *right*.": 1 - want,
        "At z = c the model is undecided. Is your p one half there?": sum(low) / n,
    }
    return want, {"z": z, "y": y, "L": L, "c": c}, mistakes


@task(
    "08.3",
    "expected_error",
    read="A model of known steepness",
    hints=(
        "A person has outcome 1 and p = .7. How often does the coin come out wrong?",
        "Compute p for everybody, cut it off at 0 and 1, and take the mean of |y - p|.",
        "p = (0.5 + L * (z - c)).clamp(0, 1)",
    ),
)
def expected_error(trial: Trial) -> None:
    """08.3: the error of a model that throws a coin."""
    for n in (4, 6, 200):
        trial.expect(*trial.telling(partial(_expected_case, trial, n)))


def _spread(losses, cells):
    """Return the largest difference of two losses of one cell."""
    worst = 0.0
    for i in range(len(losses)):
        for j in range(i):
            if cells[i] == cells[j]:
                worst = max(worst, abs(losses[i] - losses[j]).item())
    return worst


def _sampled_case(trial, n, K):
    losses, cells = trial.uniform(n), trial.groups(n, K)
    within = [losses[cells == cell] for cell in cells.unique()]
    spans = [float(inside.max() - inside.min()) for inside in within]
    mistakes = {
        "Two people of *different* cells were compared.": losses.max() - losses.min(),
        "That is the mean over the cells. It takes the worst.": sum(spans) / len(spans),
        "That is the largest loss, not the largest difference.": losses.max(),
        "Compared was with the cell's mean. Two people may lie on both sides of it.": (
            max(float((inside - inside.mean()).abs().max()) for inside in within)
        ),
    }
    return _spread(losses, cells), {"losses": losses, "cells": cells}, mistakes


@task(
    "08.4",
    "sampled_epsilon",
    "memorise",
    read="A sample's maximum in place of $\\varepsilon$",
    hints=(
        "Which learner makes no error at all on its sample, whatever the outcomes are?",
        "A table: whoever was in the sample gets their outcome back, and everybody "
        "else some fixed answer. Return a function that looks people up.",
        "known = dict(zip(z.tolist(), y.tolist()))",
    ),
)
def sampled_epsilon(trial: Trial) -> None:
    """08.4: a sample's maximum is no ε."""
    for n, K in ((5, 2), (7, 3), (60, 5)):
        case = trial.telling(partial(_sampled_case, trial, n, K))
        trial.expect(*case, name="sampled_epsilon")
    n = 501
    z, fresh = trial.uniform(n), trial.uniform(n)
    y, fresh_y = trial.integers(2, n), trial.integers(2, n)
    model = trial.call({"z": z, "y": y}, "memorise")
    trial.require(
        callable(model), "memorise should return a function: places (m,) to p, (m,)."
    )
    on_sample = (y - _probabilities(trial, model, z, "the sample")).abs()
    on_fresh = (fresh_y - _probabilities(trial, model, fresh, "fresh people")).abs()
    cells = (10 * z).long()
    inside = [on_sample[cells == cell] for cell in cells.unique()]
    epsilon = max(float(losses.max() - losses.min()) for losses in inside)
    gap = (on_fresh.mean() - on_sample.mean()).item()
    said = f"its error is {float(on_sample.mean()):.2f} on the sample and "
    said += f"{float(on_fresh.mean()):.2f} on fresh people; "
    trial.require(
        epsilon < 1e-6,
        f"{said}in a cell the losses of the sample differ by {epsilon:.2f}. They "
        "should all be alike.",
    )
    trial.require(gap > 0.4, f"{said}the gap should be over .4.")


def _probabilities(trial, model, places, whose):
    """Return what a learner's model says, or fail in words that name the model."""
    where = f"the function that memorise returns, on the places of {whose},"
    try:
        p = torch.as_tensor(model(places.clone())).detach().double()
    except Exception as error:
        trial.fail(f"{where} raised {type(error).__name__}: {error}", cause=error)
    trial.require(p.shape == places.shape, f"{where} should give one p for each.")
    trial.require(
        bool(((p >= 0) & (p <= 1)).all()), f"{where} should give probabilities, 0 to 1."
    )
    return p
