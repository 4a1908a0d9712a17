"""Score intervals that compare two groups' shares, after Newcombe."""

import numpy as np

from .share import Group, Limits, wilson


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


def ratio(first: Group, second: Group, alpha: float) -> Limits:
    """Return an interval for the ratio of two groups' shares, p₁ / p₂.

    Parameters
    ----------
    first, second
        (successes, trials) of each group, at least one trial; numbers or arrays.
    alpha
        Chance of a miss.

    Returns
    -------
    tuple of numpy.ndarray
        From 0 to possibly infinity.

    References
    ----------
    Newcombe's construction on the logarithms (Zou & Donner 2008, Statistics in
    Medicine 27), with half an event in place of none.

    Examples
    --------
    >>> [round(float(limit), 2) for limit in ratio((40, 100), (80, 100), 0.05)]
    [0.38, 0.64]
    """
    (k1, n1), (k2, n2) = first, second
    p1, p2 = (np.maximum(k, 0.5) / n for k, n in (first, second))
    (l1, u1), (l2, u2) = wilson(k1, n1, alpha), wilson(k2, n2, alpha)
    lower = np.hypot(_log_ratio(p1, l1), _log_ratio(u2, p2))
    upper = np.hypot(_log_ratio(u1, p1), _log_ratio(p2, l2))
    return p1 / p2 * np.exp(-lower), p1 / p2 * np.exp(upper)


def _log_ratio(larger: np.ndarray, smaller: np.ndarray) -> np.ndarray:
    """Return log(larger / smaller), infinite where the smaller is 0, at least 0."""
    with np.errstate(divide="ignore"):
        return np.maximum(0.0, np.log(larger) - np.log(smaller))
