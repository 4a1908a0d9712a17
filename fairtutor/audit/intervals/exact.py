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

from functools import lru_cache

import numpy as np

from .share import Group, Limits, exact_lower

STEPS = 16, 4  # shares tried of each group: on the side that matters, on the other
AT_ONCE = 64  # pairs of groups compared in one step
SPARED = 0.01  # part of a limit's error that keeps the shares within exact limits
SLACK = 1.002  # of the quantile: makes up for what lies between the shares tried
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
    upper = _farthest(first, second, alpha / 2)
    return -_farthest(second, first, alpha / 2), upper


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
    upper = np.exp(_farthest(first, second, alpha / 2, on_logs=True))
    lower = np.exp(-_farthest(second, first, alpha / 2, on_logs=True))
    lower = np.where(np.equal(first[0], 0), 0.0, lower)
    return lower, np.where(np.equal(second[0], 0), np.inf, upper)


def _farthest(
    first: Group, second: Group, tail: float, on_logs: bool = False
) -> np.ndarray:
    """Return the largest p₁ − p₂, or log p₁ − log p₂, not rejected at level tail."""
    (k1, n1), (k2, n2) = first, second
    k1, n1, k2, n2 = np.broadcast_arrays(k1, n1, k2, n2)
    shape, (k1, n1, k2, n2) = k1.shape, (x.ravel() for x in (k1, n1, k2, n2))
    q1, z1 = _shares(n1 - k1, n1, tail)  # of failures, so that p₁ falls
    p2, z2 = _shares(k2, n2, tail)
    groups = _on_scale(1 - q1, n1, z1, on_logs) + _on_scale(p2, n2, z2, on_logs)
    starts = range(0, len(k1), AT_ONCE)
    parts = [[x[at : at + AT_ONCE] for x in groups] for at in starts]
    return np.concatenate([_upper(*part, tail) for part in parts]).reshape(shape)[()]


def _on_scale(
    p: np.ndarray, n: np.ndarray, z: np.ndarray, on_logs: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shares or their logarithms, the standard errors of these, and z."""
    p, n = np.clip(p, TINY, 1.0), n[:, None]
    if on_logs:
        return np.log(p), np.sqrt((1 - p) / (p * n)), z
    return p, np.sqrt(p * (1 - p) / n), z


def _upper(p1, sd1, z1, p2, sd2, z2, tail: float) -> np.ndarray:
    p1, sd1, z1 = (x[:, :, None] for x in (p1, sd1, z1))
    p2, sd2, z2 = (x[:, None, :] for x in (p2, sd2, z2))
    both = np.sqrt(sd1**2 + sd2**2) + TINY
    quantile = np.interp(sd1 / both, *_quantiles(tail * (1 - SPARED)))
    rejected = sd1 * z1 + sd2 * z2 - SLACK * quantile * both
    across = p1[:, :, 0] - _edge(rejected, p2, 2, np.inf)
    down = _edge(rejected, p1, 1, -np.inf) - p2[:, 0]
    return np.maximum(across.max(1), down.max(1))


def _shares(k: np.ndarray, n: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """Return rising shares, and max(z, 0) of the chance of k successes or more.

    They are exact limits: lower ones, with the chance 1 − Φ(z) by which they are
    defined, then upper ones, where the chance is more than a half.
    """
    from scipy.special import ndtr, ndtri

    (k, n), which = np.unique(np.stack([k, n]), axis=1, return_inverse=True)
    k, n, last = k[:, None], n[:, None], -ndtri(tail * SPARED / 4)
    below, above = (np.linspace(last, 0, count) for count in STEPS)
    low = exact_lower(k, n, ndtr(-below))
    high = 1 - exact_lower(n - k, n, ndtr(-above[::-1]))
    z = np.hstack([np.where(k > 0, below, 0.0), np.zeros_like(high)])
    return np.hstack([low, high])[which], z[which]


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
