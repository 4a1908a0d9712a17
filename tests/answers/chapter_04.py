"""Exercise 04: plausible mistakes with what must be said, and second right answers."""

import math

import torch
from scipy.stats import beta, binom, binomtest, norm


def by_beta(k, n, delta):
    lower = 0.0 if k == 0 else beta.ppf(delta / 2, k, n - k + 1)
    upper = 1.0 if k == n else beta.ppf(1 - delta / 2, k + 1, n - k)
    return lower, upper


def by_binomtest(k, n, delta):
    found = binomtest(k, n).proportion_ci(1 - delta, method="exact")
    return found.low, found.high


def wald(k, n, delta):
    rate = k / n
    half = norm.ppf(1 - delta / 2) * math.sqrt(rate * (1 - rate) / n)
    return rate - half, rate + half


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


def missed(interval, n, p):
    return 1 - by_pmf(interval, n, p)


def no_binomial_coefficient(interval, n, p):
    total = 0.0
    for k in range(n + 1):
        low, high = interval(k, n)
        total += p**k * (1 - p) ** (n - k) * (low <= p <= high)
    return total


def shares(guess, groups, delta):
    ends = []
    for g in (0, 1):
        own = guess[groups == g]
        ends.append(by_beta(int((own == g).sum()), len(own), delta))
    return ends


def averaged(guess, groups, delta):
    (a, b), (c, d) = shares(guess, groups, delta / 2)
    return (a + c) / 2, (b + d) / 2


def delta_not_split(guess, groups, delta):
    (a, b), (c, d) = shares(guess, groups, delta)
    return (a + c) / 2, (b + d) / 2


def plain_accuracy(guess, groups, delta):
    return by_beta(int((guess == groups).sum()), len(guess), delta)


def outer_ends(guess, groups, delta):
    (a, b), (c, d) = shares(guess, groups, delta / 2)
    return min(a, c), max(b, d)


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
        ("Wald's interval", [wald], "Wald"),
        ("delta not halved", [delta_not_halved], "may miss with delta each"),
        ("no ends at 0 and 1", [no_ends], "At k = 0"),
    ],
    "04.2": [
        ("no guess", [None, by_pmf], "wald is still empty"),
        ("all counts alike", [0.9, unweighted], "equally likely"),
        ("the chance to miss", [0.9, missed], "chance to miss"),
        (
            "no binomial coefficient",
            [0.9, no_binomial_coefficient],
            "number of samples",
        ),
    ],
    "04.3": [
        ("delta not split", [delta_not_split], "Divide delta"),
        ("plain accuracy", [plain_accuracy], "plain accuracy"),
        ("the outer ends", [outer_ends], "outer ends"),
    ],
    "04.4": [
        ("yes to everybody", [yes_to_all], "at most 60 may differ"),
        ("nothing changed", [untouched], "reach 0.02"),
        ("every change kept", [keeps_every_change], "reach 0.02"),
        ("asks too often", [asks_too_often], "reports; 400 are allowed"),
    ],
}
RIGHT = {
    "04.1": [by_binomtest],
    "04.2": [0.5, by_pmf],
    "04.3": [averaged],
    "04.4": [climb],
}
