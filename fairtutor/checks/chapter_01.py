"""Chapter 01: rates, the theorem on decisions, calibration, thresholds."""

import math
from functools import partial

import torch

from .compare import as_numbers
from .task import task
from .trial import Trial


def _share(counted, among):
    """Return how many of those ``among`` are ``counted``, person by person."""
    pairs = [bool(c) for c, a in zip(counted, among, strict=True) if a]
    return sum(pairs) / len(pairs)


def _rates_case(trial, n):
    groups, y, y_hat = (trial.integers(2, n) for _ in range(3))
    groups[:6] = torch.tensor([0, 0, 0, 1, 1, 1])
    y[:6] = torch.tensor([1, 0, 1] * 2)  # no share is one of nobody
    y_hat[:6] = torch.tensor([1, 1, 0] * 2)
    own = groups == 1
    yes, positive = y_hat == 1, y == 1
    want = (
        _share(yes, own),
        _share(yes, own & positive),
        _share(yes, own & ~positive),
        _share(positive, own & yes),
    )
    every = torch.ones(n, dtype=torch.bool)
    of_all = (
        _share(yes, every),
        _share(yes, positive),
        _share(yes, ~positive),
        _share(positive, yes),
    )
    mistakes = {
        "Those are the rates of everybody, not of the group.": of_all,
        "The second and the fourth are exchanged. Ask of each: a share of whom?": (
            want[0],
            want[3],
            want[2],
            want[1],
        ),
        "The second and the third are exchanged: whose outcome is it?": (
            want[0],
            want[2],
            want[1],
            want[3],
        ),
        "The third is the share decided *no* of those whose outcome is 0.": (
            *want[:2],
            1 - want[2],
            want[3],
        ),
        "The third is a share of those who were decided yes. It should be a share of "
        "those whose outcome is 0.": (*want[:2], 1 - want[3], want[3]),
        "The third is a share of the whole group.": (
            *want[:2],
            _share(yes & ~positive, own),
            want[3],
        ),
    }
    return want, {"y": y, "y_hat": y_hat, "groups": groups, "group": 1}, mistakes


@task(
    "01.1",
    "rates",
    read="One decision, four rates",
    hints=(
        "Each rate is a share. Say in words: how many of whom?",
        "First keep the rows of the group. Then each rate is the mean of a row of "
        "zeros and ones over some of these rows.",
        "y, y_hat = y[groups == group], y_hat[groups == group]\n"
        "tpr = y_hat[y == 1].double().mean()",
    ),
)
def rates(trial: Trial) -> None:
    """01.1: four rates of one group."""
    for n in (8, 12, 200):
        trial.expect(*trial.telling(partial(_rates_case, trial, n)))


@task(
    "01.2",
    "guess",
    "forced_fpr",
    read="Why: the theorem on decisions",
    hints=(
        "Write the four counts of a group of 1,000 people, and see which are free.",
        "p and t give the true positives as a share of all. v then gives the false "
        "positives. They are a share of 1 - p.",
        "true_positives = t * p\nfalse_positives = true_positives * (1 - v) / v",
    ),
)
def forced_fpr(trial: Trial) -> None:
    """01.2: base rate, PPV and TPR leave one false positive rate."""
    trial.prediction("guess", 0, 100)
    given = {"p": 0.5, "v": 0.75, "t": 0.6}
    cases = [given] + [
        {
            "p": 0.1 + 0.5 * trial.uniform(1).item(),
            "v": 0.6 + 0.35 * trial.uniform(1).item(),
            "t": 0.3 + 0.4 * trial.uniform(1).item(),
        }
        for _ in range(4)
    ]
    for given in cases[1:] + cases[:1]:
        p, v, t = given.values()
        people = 1e6
        true_positives = t * p * people
        false_positives = true_positives / v - true_positives
        want = false_positives / ((1 - p) * people)
        mistakes = {
            "The odds of the base rate are upside down.": want * ((1 - p) / p) ** 2,
            "The odds of v are upside down: a larger share of true ones among those "
            "decided yes leaves fewer false ones.": want * (v / (1 - v)) ** 2,
            "The true positive rate is missing.": want / t,
            "Those are the false positives as a share of everybody.": want * (1 - p),
        }
        trial.expect(want, given, mistakes)


def _calibration_error(s, p):
    """Return the largest |score − mean of p| among people of one score."""
    worst = 0.0
    for value in set(s.tolist()):
        same = [q for r, q in zip(s.tolist(), p.tolist(), strict=True) if r == value]
        worst = max(worst, abs(sum(same) / len(same) - value))
    return worst


@task(
    "01.3",
    "redline",
    read="Calibration: does a score mean the same in both groups?",
    hints=(
        "Calibration says what a score means. It does not say how much a score knows.",
        "A score that ignores something everybody in the group differs in can still "
        "be calibrated. What is the score that ignores everything?",
        "s = p.clone()\ns[groups == 1] = ...  # one number for the whole group",
    ),
)
def redline(trial: Trial) -> None:
    """01.3: calibrated in both groups, and nobody of one group gets a yes."""
    for n in (6, 300):
        groups = trial.integers(2, n)
        groups[:4] = torch.tensor([1, 1, 1, 0])
        p = trial.uniform(n) * torch.where(groups == 1, 0.4, 0.95)
        p[0] = 0.5 + 0.1 * trial.uniform(1).item()  # who would get a yes
        given = {"p": p, "groups": groups}
        s = as_numbers(trial.call(given))
        trial.require(
            s is not None and s.shape == p.shape and bool(s.isfinite().all()),
            "should be one score for each person, a number.",
            given,
        )
        kept = (s[groups == 0] - p[groups == 0]).abs().max() < 1e-6
        trial.require(kept, "changes scores of group 0; leave them at p.", given)
        trial.require(
            bool((s[groups == 1] < 0.5).all()),
            "still decides yes for somebody of group 1, with a score of .5 or more.",
            given,
        )
        error = _calibration_error(s[groups == 1].round(decimals=9), p[groups == 1])
        trial.require(
            error < 1e-6,
            "is not calibrated in group 1: among people with one score, the mean of p "
            f"is off by up to {error:.2g}.",
            given,
        )


def _largest(scores, people, target):
    """Return the largest score at which the share of people with a yes is enough."""
    fit = [
        t
        for t in set(scores)
        if sum(score >= t for score in people) >= target * len(people) - 1e-9
    ]
    return max(fit)


def _threshold_case(trial, n, exact):
    """Draw a target that a number of people meets exactly, or just misses."""
    while True:
        scores = (trial.uniform(n) * 100).round() / 100
        y = trial.groups(n)
        target = 0.5 if exact else round(0.4 + 0.5 * trial.uniform(1).item(), 2)
        number = target * int(y.sum())
        over = number - math.floor(number)
        if number >= 1 and (over == 0 if exact else 0.05 < over < 0.45):
            break
    every = scores.tolist()
    own = sorted(scores[y == 1].tolist())
    want = _largest(every, own, target)
    mistakes = {
        "That is the smallest threshold that works, which says yes to everybody. "
        "Return the largest.": min(every),
        "That holds the *false* positive rate up.": _largest(
            every, scores[y == 0].tolist(), target
        ),
        "That holds the selection rate up, not the true positive rate.": _largest(
            every, every, target
        ),
        "The scores were counted from below.": own[math.ceil(number) - 1],
    }
    if exact:
        lower = [t for t in every if t < want]
        said = "A stricter threshold still works: a score *at* it gets a yes too."
        mistakes[said] = max(lower, default=want)
    else:
        said = "The true positive rate of that threshold is below the target."
        mistakes[said] = own[-math.floor(number)]
    return want, {"scores": scores, "y": y, "target": target}, mistakes


@task(
    "01.4",
    "threshold_for",
    read="Move the thresholds",
    hints=(
        "Only some people matter for a true positive rate. Which?",
        "Sort the scores of the people with outcome 1 from high to low. How many of "
        "them have to get a yes?",
        "ranked = scores[y == 1].sort(descending=True).values\n"
        "needed = math.ceil(target * len(ranked))",
    ),
)
def threshold_for(trial: Trial) -> None:
    """01.4: the strictest threshold that reaches a true positive rate."""
    for n, exact in ((10, False), (10, True), (60, False), (60, True)):
        trial.expect(*trial.telling(partial(_threshold_case, trial, n, exact)))
