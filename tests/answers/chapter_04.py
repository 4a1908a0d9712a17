"""Exercise 04: plausible mistakes with what must be said, and second right answers."""

import math

import numpy as np
import torch
from scipy.stats import beta, binom, binomtest, norm


def by_beta(k, n, delta):
    lower = 0.0 if k == 0 else beta.ppf(delta / 2, k, n - k + 1)
    upper = 1.0 if k == n else beta.ppf(1 - delta / 2, k + 1, n - k)
    return lower, upper


def by_binomtest(k, n, delta):
    found = binomtest(k, n).proportion_ci(1 - delta, method="exact")
    return np.array([found.low, found.high])


def wald(k, n, delta):
    rate = k / n
    half = norm.ppf(1 - delta / 2) * math.sqrt(rate * (1 - rate) / n)
    return rate - half, rate + half


def wald_cut_off(k, n, delta):
    lower, upper = wald(k, n, delta)
    return max(lower, 0), min(upper, 1)


def score(k, n, delta):
    found = binomtest(k, n).proportion_ci(1 - delta, method="wilson")
    return found.low, found.high


def delta_not_halved(k, n, delta):
    return by_beta(k, n, 2 * delta)


def no_ends(k, n, delta):
    return beta.ppf(delta / 2, k, n - k + 1), beta.ppf(1 - delta / 2, k + 1, n - k)


def by_pmf(interval, n, p):
    total = 0.0
    for k in range(n + 1):
        low, high = interval(k, n)
        total += binom.pmf(k, n, p) * (low <= p <= high)
    return total


def unweighted(interval, n, p):
    held = [interval(k, n)[0] <= p <= interval(k, n)[1] for k in range(n + 1)]
    return sum(held) / len(held)


def without_n(interval, n, p):
    total = 0.0
    for k in range(n):
        low, high = interval(k, n)
        total += binom.pmf(k, n, p) * (low <= p <= high)
    return total


def open_ends(interval, n, p):
    total = 0.0
    for k in range(n + 1):
        low, high = interval(k, n)
        total += binom.pmf(k, n, p) * (low < p < high)
    return total


def missed(interval, n, p):
    return 1 - by_pmf(interval, n, p)


def no_binomial_coefficient(interval, n, p):
    total = 0.0
    for k in range(n + 1):
        low, high = interval(k, n)
        total += p**k * (1 - p) ** (n - k) * (low <= p <= high)
    return total


def probed(probes, z, groups, train, audit, each, mean=True):
    found = []
    for probe in probes:
        guess, true = probe(z[train], groups[train])(z[audit]), groups[audit]
        ends = []
        for g in (0, 1):
            own = guess[true == g]
            ends.append(by_beta(int((own == g).sum()), len(own), each))
        (a, b), (c, d) = ends
        found.append(((a + c) / 2, (b + d) / 2) if mean else (min(a, c), max(b, d)))
    return found


def held_out(probes, z, groups, train, audit, delta):
    return np.array(probed(probes, z, groups, train, audit, delta / len(probes) / 2))


def on_training_rows(probes, z, groups, train, audit, delta):
    return probed(probes, z, groups, train, train, delta / len(probes) / 2)


def trained_on_all(probes, z, groups, train, audit, delta):
    rows, each = torch.arange(len(z)), delta / len(probes) / 2
    found = []
    for probe in probes:
        known = probe(z[rows], groups[rows])
        found += probed([lambda *_, known=known: known], z, groups, train, audit, each)
    return found


def delta_not_split(probes, z, groups, train, audit, delta):
    return probed(probes, z, groups, train, audit, delta)


def delta_among_groups(probes, z, groups, train, audit, delta):
    return probed(probes, z, groups, train, audit, delta / 2)


def delta_among_probes(probes, z, groups, train, audit, delta):
    return probed(probes, z, groups, train, audit, delta / len(probes))


def plain_accuracy(probes, z, groups, train, audit, delta):
    found = []
    for probe in probes:
        right = probe(z[train], groups[train])(z[audit]) == groups[audit]
        found.append(by_beta(int(right.sum()), len(right), delta / len(probes)))
    return found


def outer_ends(probes, z, groups, train, audit, delta):
    return probed(probes, z, groups, train, audit, delta / len(probes) / 2, mean=False)


def climb(report, y_hat):
    best, gap = y_hat.clone(), report(y_hat)
    for i in torch.randperm(len(y_hat)).tolist():
        if gap <= 0.02:
            break
        tried = best.clone()
        tried[i] = 1 - tried[i]
        now = report(tried)
        if now < gap:
            best, gap = tried, now
    return best


def yes_to_all(report, y_hat):
    return torch.ones_like(y_hat)


def in_words(report, y_hat):
    return "no to everybody"


def every_other(report, y_hat):
    made = y_hat.clone()
    men, women = made[1::2], made[::2]
    men[men.nonzero().ravel()[:15]] = 0
    women[(women == 0).nonzero().ravel()[:15]] = 1
    return made


def untouched(report, y_hat):
    report(y_hat)
    return y_hat


def keeps_every_change(report, y_hat):
    tried = y_hat.clone()
    for i in range(40):
        tried[i] = 1 - tried[i]
        report(tried)
    return tried


def asks_too_often(report, y_hat):
    for _ in range(500):
        report(y_hat)
    return climb(report, y_hat)


WRONG = {
    "04.1": [
        ("Wald's interval", [wald], "standard errors"),
        ("Wald's, cut off", [wald_cut_off], "cut off at 0 and 1"),
        ("the score interval", [score], "That is the score interval"),
        ("delta not halved", [delta_not_halved], "may miss with delta each"),
        ("no ends at 0 and 1", [no_ends], "At k = 0"),
    ],
    "04.2": [
        ("no guess", [None, by_pmf], "wald is still empty"),
        ("all counts alike", [0.9, unweighted], "equally likely"),
        ("the last count left out", [0.9, without_n], "count n is left out"),
        ("the ends left out", [0.9, open_ends], "ends exactly at p"),
        ("the chance to miss", [0.9, missed], "chance to miss"),
        (
            "no binomial coefficient",
            [0.9, no_binomial_coefficient],
            "number of samples",
        ),
    ],
    "04.3": [
        ("training rows audited", [on_training_rows], "learned by heart"),
        ("audit rows seen in training", [trained_on_all], "audit rows, too"),
        ("delta not split", [delta_not_split], "Delta is not divided"),
        ("delta split among groups", [delta_among_groups], "several probes, too"),
        ("delta split among probes", [delta_among_probes], "Each has two shares"),
        ("plain accuracy", [plain_accuracy], "plain accuracy"),
        ("the outer ends", [outer_ends], "outer ends"),
    ],
    "04.4": [
        ("yes to everybody", [yes_to_all], "at most 60 may differ"),
        ("words", [in_words], "one decision for each person"),
        ("groups guessed, not learned", [every_other], "reach 0.02"),
        ("nothing changed", [untouched], "reach 0.02"),
        ("every change kept", [keeps_every_change], "reach 0.02"),
        ("asks too often", [asks_too_often], "reports; 400 are allowed"),
    ],
}
RIGHT = {
    "04.1": [by_binomtest],
    "04.2": [0.5, by_pmf],
    "04.3": [held_out],
    "04.4": [climb],
}
