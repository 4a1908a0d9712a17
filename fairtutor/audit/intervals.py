"""Confidence intervals: an estimate without one decides nothing.

Every function takes ``alpha``, the chance that the interval misses, and is exact or
has its coverage measured in ``tests/test_intervals.py``.
"""

import math
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

Interval = tuple[float, float]
Limits = tuple[np.ndarray, np.ndarray]
Group = tuple[ArrayLike, ArrayLike]  # (successes, trials)


def clopper_pearson(successes: int, trials: int, alpha: float) -> Interval:
    """Return the exact interval of a share.

    Parameters
    ----------
    successes, trials
        How often it happened, of how many.
    alpha
        Chance of a miss, at most; often less.

    Returns
    -------
    tuple of float
        Lower and upper limit; (0, 1) without trials.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26.

    Examples
    --------
    >>> [round(limit, 3) for limit in clopper_pearson(0, 10, 0.05)]
    [0.0, 0.308]
    """
    from scipy.special import betaincinv

    k, n = successes, trials
    lower = float(betaincinv(k, n - k + 1, alpha / 2)) if k > 0 else 0.0
    upper = float(betaincinv(k + 1, n - k, 1 - alpha / 2)) if k < n else 1.0
    return lower, upper


def wilson(successes: ArrayLike, trials: ArrayLike, alpha: float) -> Limits:
    """Return the score interval of a share: nearly the stated coverage on average.

    Parameters
    ----------
    successes, trials
        As for :func:`clopper_pearson`; numbers or arrays.
    alpha
        Chance of a miss, on average over the share.

    Returns
    -------
    tuple of numpy.ndarray
        Lower and upper limits; (0, 1) without trials.

    References
    ----------
    Wilson (1927), JASA 22.

    Examples
    --------
    >>> [round(float(limit), 3) for limit in wilson(5, 10, 0.05)]
    [0.237, 0.763]
    """
    z = _normal_quantile(1 - alpha / 2)
    n = np.maximum(trials, 1)
    p = np.asarray(successes) / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    unknown = np.equal(trials, 0)
    lower = np.where(unknown, 0.0, np.maximum(0.0, centre - half))
    return lower, np.where(unknown, 1.0, np.minimum(1.0, centre + half))


def difference(first: Group, second: Group, alpha: float) -> Limits:
    """Return an interval for the difference of two groups' shares, p₁ − p₂.

    Parameters
    ----------
    first, second
        (successes, trials) of each group, at least one trial; numbers or arrays.
    alpha
        Chance of a miss, on average over the shares.

    Returns
    -------
    tuple of numpy.ndarray
        In [−1, 1].

    Notes
    -----
    It misses with chance α on average. At the worst, in groups of 30 with shares of a
    few percent and α = 0.01, one limit misses three times as often as the α / 2 meant;
    from 100 rows and shares of 0.1 on, at most 1.6 times.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, method 10: each limit combines the
    groups' own Wilson limits.

    Examples
    --------
    >>> [round(float(limit), 4) for limit in difference((56, 70), (48, 80), 0.05)]
    [0.0524, 0.3339]
    """
    (k1, n1), (k2, n2) = first, second
    p1, p2 = np.asarray(k1) / n1, np.asarray(k2) / n2
    (l1, u1), (l2, u2) = wilson(k1, n1, alpha), wilson(k2, n2, alpha)
    return (
        p1 - p2 - np.hypot(p1 - l1, u2 - p2),
        p1 - p2 + np.hypot(u1 - p1, p2 - l2),
    )


def ratio(first: tuple[int, int], second: tuple[int, int], alpha: float) -> Interval:
    """Return an interval for the ratio of two groups' shares, p₁ / p₂.

    Parameters
    ----------
    first, second
        (successes, trials) of each group, at least one trial.
    alpha
        Chance of a miss.

    Returns
    -------
    tuple of float
        From 0 to possibly infinity.

    References
    ----------
    Newcombe's construction on the logarithms (Zou & Donner 2008, Statistics in
    Medicine 27), with half an event in place of none.

    Examples
    --------
    >>> [round(limit, 2) for limit in ratio((40, 100), (80, 100), 0.05)]
    [0.38, 0.64]
    """
    (l1, u1), (l2, u2) = wilson(*first, alpha), wilson(*second, alpha)
    p1, p2 = (_positive_share(*group) for group in (first, second))
    middle = math.log(p1 / p2)
    lower = middle - math.hypot(_log(p1, l1), _log(u2, p2))
    upper = middle + math.hypot(_log(u1, p1), _log(p2, l2))
    return math.exp(lower), math.exp(upper)


def bounded_mean(mean: float, n: int, alpha: float) -> Interval:
    """Return an interval for the mean of independent values in [0, 1].

    Parameters
    ----------
    mean
        Of the values seen.
    n
        How many.
    alpha
        Chance of a miss, at most, whatever the values' distribution.

    Returns
    -------
    tuple of float

    Notes
    -----
    All μ with n · KL(mean, μ) ≤ ln(2 / α), where KL is the relative entropy of two
    coins.

    References
    ----------
    Hoeffding (1963), JASA 58, Theorem 1, Eq. 2.1.

    Examples
    --------
    >>> [round(limit, 3) for limit in bounded_mean(0.9, 1000, 0.05)]
    [0.872, 0.924]
    """
    if n == 0:
        return 0.0, 1.0
    allowed = math.log(2 / alpha) / n

    def farthest(end: float) -> float:
        inside, outside = mean, end
        for _ in range(60):
            middle = (inside + outside) / 2
            if _coin_divergence(mean, middle) <= allowed:
                inside = middle
            else:
                outside = middle
        return outside

    return farthest(0.0), farthest(1.0)


def largest_difference(
    groups: list[tuple[int, int]], alpha: float, min_trials: int = 1
) -> Interval:
    """Return an interval for max p − min p over groups, through all pairs.

    Where all pairwise intervals hold, which Bonferroni gives with chance 1 − α, the
    largest difference lies between the largest lower and the largest upper limit.

    Parameters
    ----------
    groups
        (successes, trials) of each group.
    alpha
        Chance of a miss.
    min_trials
        A pair with a smaller group is treated as unknown: anything from 0 to 1.

    Returns
    -------
    tuple of float
        In [0, 1].

    Examples
    --------
    >>> largest_difference([(50, 100), (20, 100), (1, 2)], 0.05, min_trials=30)[1]
    1.0
    """
    pairs = list(combinations(groups, 2))
    if not pairs:
        return 0.0, 0.0
    lower, upper = 0.0, 0.0
    for first, second in pairs:
        low, high = -1.0, 1.0
        if min(first[1], second[1]) >= max(min_trials, 1):
            low, high = difference(first, second, alpha / len(pairs))
        lower = max(lower, low, -high)
        upper = max(upper, high, -low)
    return lower, upper


def smallest_ratio(
    groups: list[tuple[int, int]], alpha: float, min_trials: int = 1
) -> Interval:
    """Return an interval for min p / max p over groups, through all pairs.

    Parameters
    ----------
    groups, alpha, min_trials
        As for :func:`largest_difference`.

    Returns
    -------
    tuple of float
        In [0, 1].

    Examples
    --------
    >>> low, high = smallest_ratio([(400, 1000), (800, 1000)], 0.05)
    >>> low < 0.5 < high < 0.6
    True
    """
    pairs = list(combinations(groups, 2))
    lower, upper = 1.0, 1.0
    for first, second in pairs:
        low, high = 0.0, math.inf
        if min(first[1], second[1]) >= max(min_trials, 1):
            low, high = ratio(first, second, alpha / len(pairs))
        lower = min(lower, low, 1 / high if high > 0 else 1.0)
        upper = min(upper, high, 1 / low if low > 0 else 1.0)
    return lower, upper


def _normal_quantile(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))


def _positive_share(successes: int, trials: int) -> float:
    return (successes or 0.5) / trials


def _log(larger: float, smaller: float) -> float:
    """Return log(larger / smaller), infinite where the smaller is 0, at least 0."""
    return max(0.0, math.log(larger / smaller)) if smaller > 0 else math.inf


def _coin_divergence(p: float, q: float) -> float:
    """KL(p, q) = p ln(p/q) + (1 − p) ln((1 − p)/(1 − q))."""
    total = 0.0
    for a, b in ((p, q), (1 - p, 1 - q)):
        if a > 0:
            total += a * math.log(a / b) if b > 0 else math.inf
    return total
