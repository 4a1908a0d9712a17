"""Chapter 04: exact intervals, what intervals cover, probes, learning from reports."""

import math
from functools import partial

import torch

from .task import task
from .trial import Trial

EPS = 1e-9


def _tail(k, n, p):
    """Return P(X ≥ k) of n draws with the chance p, term by term."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


def _solve(rises):
    """Return where a rising condition becomes true between 0 and 1."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rises(middle) else (middle, high)
    return (low + high) / 2


def _exact(k, n, delta):
    """Return the Clopper–Pearson interval by bisection on binomial tails."""
    lower = 0.0 if k == 0 else _solve(lambda p: _tail(k, n, p) >= delta / 2)
    upper = 1.0
    if k < n:
        upper = _solve(lambda p: 1 - _tail(k + 1, n, p) <= delta / 2)
    return lower, upper


def _wald(k, n, delta):
    rate = k / n
    z = -math.sqrt(2) * torch.erfinv(torch.tensor(delta - 1.0).double()).item()
    half = z * math.sqrt(rate * (1 - rate) / n)
    return rate - abs(half), rate + abs(half)


@task(
    "04.1",
    "exact_interval",
    read="Which interval?",
    hints=(
        "For which p would it be strange to see as many as k? For which, as few?",
        "The lower end is the p at which k or more come with the chance delta / 2; the "
        "upper end that at which k or fewer do. A quantile of a beta distribution, or "
        "bisection, finds them. Think of k = 0 and k = n.",
        "lower = beta.ppf(delta / 2, k, n - k + 1)  # from scipy.stats, for k > 0",
    ),
)
def exact_interval(trial: Trial) -> None:
    """04.1: the interval of Clopper and Pearson."""
    cases = [(1, 4, 0.05), (0, 5, 0.05), (6, 6, 0.1), (3, 20, 0.01)]
    cases += [
        (int(trial.integers(n)), n, 0.02 + 0.2 * trial.uniform(1).item())
        for n in (10, 40, 60)
    ]
    for k, n, delta in cases:
        one = _exact(k, n, 2 * delta)
        mistakes = {
            "That is Wald's interval, estimate ± z standard errors.": _wald(
                k, n, delta
            ),
            "Each end may miss with delta / 2; these may miss with delta each.": one,
            "At k = 0 the interval begins at 0, and at k = n it ends at 1.": tuple(
                math.nan if end in (0.0, 1.0) else end for end in _exact(k, n, delta)
            ),
        }
        given = {"k": k, "n": n, "delta": delta}
        trial.expect(_exact(k, n, delta), given, mistakes, tolerance=1e-5)


def _binomial(n, p):
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def _coverage_case(trial, n):
    p = 0.03 + 0.4 * trial.uniform(1).item()
    width = 0.1 + 0.2 * trial.uniform(1).item()

    def interval(k, n):
        return k / n - width, k / n + width

    chances = _binomial(n, p)
    holds = [k / n - width <= p <= k / n + width for k in range(n + 1)]
    want = sum(c for c, h in zip(chances, holds, strict=True) if h)
    mistakes = {
        "Not all counts are equally likely. Weigh each with its chance.": sum(holds)
        / (n + 1),
        "That is the chance to miss.": 1 - want,
        "The number of samples with k of n is part of the chance.": sum(
            p**k * (1 - p) ** (n - k) for k in range(n + 1) if holds[k]
        ),
    }
    return want, {"interval": interval, "n": n, "p": p}, mistakes


@task(
    "04.2",
    "wald",
    "coverage",
    read="Which interval?",
    hints=(
        "There are only n + 1 samples that differ: 0 of n, 1 of n, and so on.",
        "For each k ask whether the interval holds p, and add up the chances of those "
        "for which it does.",
        "chance = math.comb(n, k) * p**k * (1 - p) ** (n - k)",
    ),
)
def coverage(trial: Trial) -> None:
    """04.2: how often an interval holds the truth, as a sum."""
    trial.prediction("wald", 0, 1)
    for n in (3, 6, 40):
        trial.expect(*trial.telling(partial(_coverage_case, trial, n)))


def _probe_case(trial, n):
    groups = trial.groups(n)
    groups[:4] = torch.tensor([0, 0, 1, 1])
    right = trial.uniform(n) < 0.75
    guess = torch.where(right, groups, 1 - groups)
    delta = 0.05
    counts = [
        (int(((guess == g) & (groups == g)).sum()), int((groups == g).sum()))
        for g in (0, 1)
    ]

    def mean_of(each):
        ends = [_exact(k, m, each) for k, m in counts]
        return tuple(sum(end[i] for end in ends) / 2 for i in (0, 1))

    ends = [_exact(k, m, delta / 2) for k, m in counts]
    mistakes = {
        "Two intervals, and each may miss with delta: together they miss more often. "
        "Divide delta among them.": mean_of(delta),
        "That is for the plain accuracy. A probe that names the larger group every "
        "time must not look good.": _exact(int((guess == groups).sum()), n, delta),
        "Those are the outer ends of both. The balanced accuracy is their mean.": (
            min(end[0] for end in ends),
            max(end[1] for end in ends),
        ),
    }
    return (
        mean_of(delta / 2),
        {"guess": guess, "groups": groups, "delta": delta},
        mistakes,
    )


@task(
    "04.3",
    "balanced_interval",
    read="Audit a representation",
    hints=(
        "The balanced accuracy is a mean of two shares. What is known of each?",
        "An exact interval for the share of each group that is recognised, each with "
        "half the error budget; then the means of the lower and of the upper ends.",
        "k = int((guess[groups == g] == g).sum())\n"
        "ends = binomtest(k, m).proportion_ci(1 - delta / 2)  # scipy.stats",
    ),
)
def balanced_interval(trial: Trial) -> None:
    """04.3: what a probe proves about leakage."""
    for n in (9, 14, 60):
        trial.expect(*trial.telling(partial(_probe_case, trial, n)), tolerance=1e-5)


ASKED, CHANGED, REPORTED = 400, 60, 0.02


@task(
    "04.4",
    "game",
    read="Many rounds",
    hints=(
        "You do not know who belongs where. But after each change you are told whether "
        "it helped.",
        "Change one decision, ask, and keep the change if the report got better. The "
        "order does not matter.",
        "tried = y_hat.clone()\ntried[i] = 1 - tried[i]",
    ),
)
def game(trial: Trial) -> None:
    """04.4: a report that is asked again and again can be learned by heart."""
    n = 240
    groups = torch.arange(n) % 2
    y_hat = (trial.uniform(n) < 0.4 + 0.25 * groups).long()
    asked = [0]

    def report(decisions):
        asked[0] += 1
        said = torch.as_tensor(decisions).double()
        men, women = (said[groups == g].mean().item() for g in (1, 0))
        return abs(men - women)

    before = report(y_hat)
    asked[0] = 0
    made = torch.as_tensor(trial.call({"report": report, "y_hat": y_hat}))
    questions = asked[0]
    trial.require(
        made.shape == (n,) and set(made.double().tolist()) <= {0.0, 1.0},
        "game should give one decision for each person, 0 or 1.",
    )
    trial.require(
        questions <= ASKED,
        f"game asked for {questions} reports; {ASKED} are allowed.",
    )
    changed = int((made != y_hat).sum())
    trial.require(
        changed <= CHANGED,
        f"game changes {changed} of {n} decisions; at most {CHANGED} may differ.",
    )
    after = report(made)
    trial.require(
        after <= REPORTED + EPS,
        f"game takes the reported gap from {before:.3f} to {after:.3f}; reach "
        f"{REPORTED}.",
    )
