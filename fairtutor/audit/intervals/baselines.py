"""Two common intervals that miss too often, to be compared with the others."""

import numpy as np

from .share import Group, Limits, normal_quantile


def wald_difference(first: Group, second: Group, alpha: float) -> Limits:
    """Return the textbook's interval for p₁ − p₂: estimate ± z standard errors.

    Parameters
    ----------
    first, second
        (successes, trials) of each group, at least one trial; numbers or arrays.
    alpha
        Chance of a miss, if the groups are large and no share is near 0 or 1.

    Returns
    -------
    tuple of numpy.ndarray
        Without any success in either group just 0: no error is seen, so none is told.

    Examples
    --------
    >>> lower, upper = wald_difference((0, 20), (0, 20), 0.05)
    >>> bool(lower == upper == 0)
    True
    """
    (p1, n1), (p2, n2) = ((np.asarray(k) / n, n) for k, n in (first, second))
    error = np.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    half = normal_quantile(1 - alpha / 2) * error
    return p1 - p2 - half, p1 - p2 + half


def wald_ratio(first: Group, second: Group, alpha: float) -> Limits:
    """Return the textbook's interval for p₁ / p₂, on the logarithms.

    Parameters
    ----------
    first, second, alpha
        As for :func:`wald_difference`; half a success in place of none.

    Returns
    -------
    tuple of numpy.ndarray

    References
    ----------
    Katz et al. (1978), Biometrics 34, method C.

    Examples
    --------
    >>> limits = wald_ratio((40, 100), (80, 100), 0.05)
    >>> [round(float(limit), 2) for limit in limits]
    [0.39, 0.65]
    """
    (k1, n1), (k2, n2) = ((np.maximum(k, 0.5), n) for k, n in (first, second))
    error = np.sqrt(1 / k1 - 1 / np.asarray(n1) + 1 / k2 - 1 / np.asarray(n2))
    middle = np.log(k1 / n1) - np.log(k2 / n2)
    half = normal_quantile(1 - alpha / 2) * error
    return np.exp(middle - half), np.exp(middle + half)


def bootstrap_difference(
    first: Group, second: Group, alpha: float, resamples: int = 1000, seed: int = 0
) -> Limits:
    """Return the percentile bootstrap's interval for p₁ − p₂.

    Drawing n rows with replacement draws a binomial number of successes, so no row is
    touched.

    Parameters
    ----------
    first, second, alpha
        As for :func:`wald_difference`.
    resamples, seed
        How many samples are drawn from the sample.

    Returns
    -------
    tuple of numpy.ndarray

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.

    Examples
    --------
    >>> limits = bootstrap_difference((56, 70), (48, 80), 0.05)
    >>> [round(float(limit), 1) for limit in limits]
    [0.1, 0.3]
    """
    p1, p2 = _resampled_shares(first, second, resamples, seed)
    return tuple(np.quantile(p1 - p2, (alpha / 2, 1 - alpha / 2), axis=0))


def bootstrap_ratio(
    first: Group, second: Group, alpha: float, resamples: int = 1000, seed: int = 0
) -> Limits:
    """Return the percentile bootstrap's interval for p₁ / p₂.

    Parameters
    ----------
    first, second, alpha, resamples, seed
        As for :func:`bootstrap_difference`; half a success in place of none.

    Returns
    -------
    tuple of numpy.ndarray

    Examples
    --------
    >>> limits = bootstrap_ratio((40, 100), (80, 100), 0.05)
    >>> [round(float(limit), 1) for limit in limits]
    [0.4, 0.6]
    """
    p1, p2 = _resampled_shares(first, second, resamples, seed, least=0.5)
    return tuple(np.quantile(p1 / p2, (alpha / 2, 1 - alpha / 2), axis=0))


def _resampled_shares(
    first: Group, second: Group, resamples: int, seed: int, least: float = 0.0
) -> list[np.ndarray]:
    random, found = np.random.default_rng(seed), []
    k1, n1, k2, n2 = np.broadcast_arrays(*first, *second)
    for k, n in ((k1, n1), (k2, n2)):
        samples = np.stack([k.ravel(), n.ravel()])
        (k, n), which = np.unique(samples, axis=1, return_inverse=True)
        drawn = np.maximum(random.binomial(n, k / n, (resamples, len(k))), least) / n
        found.append(drawn[:, which].reshape(resamples, *k1.shape))
    return found
