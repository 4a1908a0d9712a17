"""How often an interval holds the truth: computed, not believed."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .intervals import Group, Limits

LIKELY = 1e-6  # chance of the counts left out at each end
MOST_PAIRS = 2000  # samples that are summed over one by one

TwoGroups = Callable[[Group, Group, float], Limits]


@dataclass(frozen=True)
class Coverage:
    """How an interval does at one truth.

    Attributes
    ----------
    covered
        Chance that it holds the truth.
    too_low, too_high
        Chances that all of it lies below the truth, or above it.
    width
        On average; of ratios the median, since it can be infinite.
    standard_error
        Of ``covered``, from the simulation; 0 where it was summed.
    """

    covered: float
    too_low: float
    too_high: float
    width: float
    standard_error: float


def coverage(
    interval: TwoGroups,
    n: tuple[int, int],
    p: tuple[float, float],
    alpha: float = 0.05,
    *,
    compare: Callable[[float, float], float] = np.subtract,
    draws: int = 2000,
    seed: int = 0,
) -> Coverage:
    """Compute how often a two-group interval holds the truth.

    Parameters
    ----------
    interval
        Takes (successes, trials) of two groups, as arrays, and α.
    n, p
        Size and true share of each group.
    alpha
        The error the interval is asked for.
    compare
        What it is an interval of: ``np.subtract`` (p₁ − p₂) or ``np.divide``.
    draws, seed
        Where there are too many likely samples to sum over, so many are simulated.

    Returns
    -------
    Coverage

    Examples
    --------
    >>> from fairtutor.audit.intervals import difference
    >>> from fairtutor.audit.intervals.baselines import wald_difference
    >>> rare = (50, 50), (0.05, 0.02)
    >>> round(coverage(wald_difference, *rare).covered, 2)
    0.91
    >>> round(coverage(difference, *rare).covered, 2)
    0.99
    """
    k1, k2, chance, simulated = _samples(n, p, draws, seed)
    lower, upper = interval((k1, n[0]), (k2, n[1]), alpha)
    truth = compare(*p)
    below = (chance * (upper < truth - 1e-9)).sum()
    above = (chance * (lower > truth + 1e-9)).sum()
    covered = 1 - below - above
    error = math.sqrt(max(covered * (1 - covered), 0) / draws) if simulated else 0.0
    if compare is np.subtract:
        width = (chance * (upper - lower)).sum()
    else:
        order = np.argsort(upper - lower)
        middle = np.searchsorted(chance[order].cumsum(), 0.5)
        width = (upper - lower)[order][min(middle, len(order) - 1)]
    return Coverage(*map(float, (covered, below, above, width, error)))


def _samples(
    n: tuple[int, int], p: tuple[float, float], draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Return pairs of counts, their chances, and whether they are simulated."""
    from scipy.stats import binom

    ends = [binom.ppf((LIKELY, 1 - LIKELY), *group) for group in zip(n, p, strict=True)]
    ranges = [np.arange(int(low), int(high) + 1) for low, high in ends]
    if len(ranges[0]) * len(ranges[1]) <= MOST_PAIRS:
        k1, k2 = (axis.ravel() for axis in np.meshgrid(*ranges))
        chance = binom.pmf(k1, n[0], p[0]) * binom.pmf(k2, n[1], p[1])
        return k1, k2, chance / chance.sum(), False
    drawn = np.random.default_rng(seed).binomial(n, p, (draws, 2))
    (k1, k2), counts = np.unique(drawn.T, axis=1, return_counts=True)
    return k1, k2, counts / draws, True


def simulated(lower: ArrayLike, upper: ArrayLike, truth: float) -> Coverage:
    """Count how many intervals, each from a sample of its own, hold the truth.

    Parameters
    ----------
    lower, upper
        Limits, (draws,).
    truth
        What they are intervals of.

    Returns
    -------
    Coverage

    Examples
    --------
    >>> simulated([0.1, 0.2, 0.4, 0.1], [0.5, 0.6, 0.8, 0.2], 0.3).covered
    0.5
    """
    lower, upper = np.asarray(lower), np.asarray(upper)
    below, above = (upper < truth - 1e-9).mean(), (lower > truth + 1e-9).mean()
    covered = float(1 - below - above)
    error = math.sqrt(covered * (1 - covered) / len(lower))
    width = float((upper - lower).mean())
    return Coverage(covered, float(below), float(above), width, error)
