"""Exact intervals that compare two groups' shares: they never miss too often.

Of all pairs (p₁, p₂) those stay in that a test at the level of the limit does not
reject, and the limit is the largest p₁ − p₂ (or p₁ / p₂) among them.

The test: let z₁ be the normal quantile of the exact binomial chance of a count as low
as the first group's or lower, given p₁, and z₂ that of a count as high as the second
group's or higher, given p₂. Under (p₁, p₂) both are independent and no larger in
distribution than standard normal Z₁, Z₂. So

    w₁ max(z₁, 0) + w₂ max(z₂, 0)  ≤  the upper quantile of  w₁ Z₁⁺ + w₂ Z₂⁺

is rejected at most as often as stated, with any weights that depend on (p₁, p₂) only.
Weights in proportion to the standard errors make the limit about as narrow as if the
normal approximation were true (Stouffer's combination). Only positive parts count:
otherwise, a share that is too good for one group would excuse any for the other.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from .share import Group, Limits, exact_lower

POINTS = 48  # shares tried of each group
AT_ONCE = 256  # pairs of groups compared in one step
SPARED = 0.01  # part of a limit's error that keeps the shares within exact limits
SLACK = 1.005  # of the quantile: makes up for what lies between the shares tried
TINY = 1e-12


def exact_difference(first: Group, second: Group, alpha: float) -> Limits:
    """Return an interval for p₁ − p₂ that misses with chance α at most.

    Parameters
    ----------
    first, second
        (successes, trials) of each group, independent binomials, at least one trial;
        numbers or arrays.
    alpha
        Chance of a miss, at most, whatever the shares; each limit takes a half.

    Returns
    -------
    tuple of numpy.ndarray
        In [−1, 1].

    Examples
    --------
    >>> limits = exact_difference((56, 70), (48, 80), 0.05)
    >>> [round(float(limit), 2) for limit in limits]
    [0.03, 0.36]
    """
    upper = _farthest(first, second, alpha / 2, _variance, np.subtract)
    return -_farthest(second, first, alpha / 2, _variance, np.subtract), upper


def exact_ratio(first: Group, second: Group, alpha: float) -> Limits:
    """Return an interval for p₁ / p₂ that misses with chance α at most.

    Parameters
    ----------
    first, second, alpha
        As for :func:`exact_difference`.

    Returns
    -------
    tuple of numpy.ndarray
        From 0 to possibly infinity.

    Examples
    --------
    >>> limits = exact_ratio((40, 100), (80, 100), 0.05)
    >>> [round(float(limit), 1) for limit in limits]
    [0.4, 0.7]
    """
    upper = _farthest(first, second, alpha / 2, _variance_of_log, np.divide)
    turned = _farthest(second, first, alpha / 2, _variance_of_log, np.divide)
    lower = np.where(np.equal(first[0], 0), 0.0, 1 / turned)
    return lower, np.where(np.equal(second[0], 0), np.inf, upper)


def _variance(p: np.ndarray, n: np.ndarray) -> np.ndarray:
    return p * (1 - p) / n


def _variance_of_log(p: np.ndarray, n: np.ndarray) -> np.ndarray:
    return (1 - p) / (p * n)


def _farthest(
    first: Group, second: Group, tail: float, variance: Callable, compare: Callable
) -> np.ndarray:
    """Return the largest comparison of (p₁, p₂) that is not rejected at level tail."""
    k1, n1, k2, n2 = np.broadcast_arrays(*first, *second)
    groups = np.stack([k1.ravel(), n1.ravel(), k2.ravel(), n2.ravel()])[:, :, None]
    parts = np.array_split(groups, -(-groups.shape[1] // AT_ONCE) or 1, axis=1)
    found = [_upper(*part, tail, variance, compare) for part in parts]
    return np.concatenate(found).reshape(k1.shape)[()]


def _upper(k1, n1, k2, n2, tail, variance, compare) -> np.ndarray:
    corner = tail * SPARED / 4
    p1 = _shares(k1, n1, corner)[:, ::-1]  # falling; p₂ rises
    p2 = _shares(k2, n2, corner)
    z1, z2 = _excess(n1 - k1, n1, 1 - p1), _excess(k2, n2, p2)
    v1, v2 = variance(p1, n1), variance(p2, n2)
    sd1, sd2 = np.sqrt(v1)[:, :, None], np.sqrt(v2)[:, None]
    both = np.sqrt(v1[:, :, None] + v2[:, None] + TINY**2)
    quantile = np.interp(sd1 / both, *_quantiles(tail * (1 - SPARED)))
    allowed = SLACK * quantile * both
    rejected = sd1 * z1[:, :, None] + sd2 * z2[:, None] - allowed
    with np.errstate(divide="ignore"):
        across = compare(p1, _edge(rejected, p2[:, None], 2, np.inf))
        down = compare(_edge(rejected, p1[:, :, None], 1, -np.inf), p2)
    return np.maximum(across.max(1), down.max(1))


def _shares(k: np.ndarray, n: np.ndarray, tail: float) -> np.ndarray:
    """Return shares between exact limits, evenly in units of standard errors."""
    low, high = exact_lower(k, n, tail), 1 - exact_lower(n - k, n, tail)
    low, high = np.arcsin(np.sqrt(low)), np.arcsin(np.sqrt(high))
    angles = np.linspace(low, high, POINTS, axis=1)[:, :, 0]
    return np.clip(np.sin(angles) ** 2, TINY, 1.0)


def _excess(k: np.ndarray, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return max(z, 0) of the chance of k successes or more."""
    from scipy.special import betainc, ndtri

    chance = np.where(k > 0, betainc(np.maximum(k, 1), n - k + 1, p), 1.0)
    return np.maximum(0.0, -ndtri(chance))


def _edge(rejected: np.ndarray, p: np.ndarray, axis: int, none: float) -> np.ndarray:
    """Return the first p along the axis that is not rejected, between grid points."""
    allowed = rejected <= 0
    at = allowed.argmax(axis, keepdims=True)
    before = np.maximum(at - 1, 0)
    p = np.broadcast_to(p, rejected.shape)
    bad, good = (np.take_along_axis(rejected, i, axis) for i in (before, at))
    out, inside = (np.take_along_axis(p, i, axis) for i in (before, at))
    step = np.where(at > 0, bad / np.where(at > 0, bad - good, 1), 1.0)
    edge = out + step * (inside - out)
    return np.where(allowed.any(axis, keepdims=True), edge, none).squeeze(axis)


@lru_cache(maxsize=64)
def _quantiles(tail: float) -> tuple[np.ndarray, np.ndarray]:
    """Return weights w₁ and the upper quantiles of w₁ Z₁⁺ + w₂ Z₂⁺."""
    from scipy.special import ndtr, ndtri

    w1 = np.sin(np.linspace(0, np.pi / 2, 65))
    w2 = np.sqrt(1 - w1**2)
    nodes, weights = np.polynomial.legendre.leggauss(80)
    low, high = np.full(65, -ndtri(tail)), np.full(65, -2 * ndtri(tail) + 1)
    for _ in range(50):
        c = (low + high) / 2
        # Z₁⁺ = 0 has chance 1/2; up to c / w₁ it is integrated; beyond, c is passed.
        last = np.minimum(c / np.maximum(w1, TINY), 9.0)[:, None]
        z = last * (nodes + 1) / 2
        need = (c[:, None] - w1[:, None] * z) / np.maximum(w2, TINY)[:, None]
        density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * ndtr(-need)
        chance = (density * weights).sum(1) * last[:, 0] / 2 + ndtr(-last[:, 0])
        chance += ndtr(-c / np.maximum(w2, TINY)) / 2
        low, high = np.where(chance > tail, c, low), np.where(chance > tail, high, c)
    return w1, high
