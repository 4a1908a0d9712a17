"""Intervals of one share: how often something happened, of how many."""

import numpy as np
from numpy.typing import ArrayLike

Interval = tuple[float, float]
Limits = tuple[np.ndarray, np.ndarray]
Group = tuple[ArrayLike, ArrayLike]  # (successes, trials)


def clopper_pearson(successes: ArrayLike, trials: ArrayLike, alpha: float) -> Limits:
    """Return the exact interval of a share.

    Parameters
    ----------
    successes, trials
        How often it happened, of how many; numbers or arrays.
    alpha
        Chance of a miss, at most; often less.

    Returns
    -------
    tuple of numpy.ndarray or float
        Lower and upper limits; (0, 1) without trials.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26.

    Examples
    --------
    >>> [round(limit, 3) for limit in clopper_pearson(0, 10, 0.05)]
    [0.0, 0.308]
    """
    k, n = np.asarray(successes), np.asarray(trials)
    return exact_lower(k, n, alpha / 2), 1 - exact_lower(n - k, n, alpha / 2)


def exact_lower(
    successes: ArrayLike, trials: ArrayLike, tail: ArrayLike
) -> np.ndarray | float:
    """Return the p at which so many successes or more have the chance ``tail``.

    Examples
    --------
    >>> round(exact_lower(10, 10, 0.025), 3)  # 0.025 = p¹⁰
    0.692
    """
    from scipy.special import betaincinv

    k, n = np.asarray(successes), np.asarray(trials)
    found = np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, tail), 0.0)
    return found if found.ndim else float(found)


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
    z = normal_quantile(1 - alpha / 2)
    n = np.maximum(trials, 1)
    p = np.asarray(successes) / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    unknown = np.equal(trials, 0)
    lower = np.where(unknown, 0.0, np.maximum(0.0, centre - half))
    return lower, np.where(unknown, 1.0, np.minimum(1.0, centre + half))


def normal_quantile(p: float) -> float:
    """Return the number that a standard normal variable stays below with chance p.

    Examples
    --------
    >>> round(normal_quantile(0.975), 2)
    1.96
    """
    from scipy.special import ndtri

    return float(ndtri(p))
