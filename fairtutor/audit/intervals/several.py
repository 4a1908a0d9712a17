"""Intervals over several groups: the largest difference, the smallest ratio.

Some pair of groups, unknown but fixed, has the largest true difference. The upper limit
is the largest of the pairs' upper limits: it is too small only if the limit of *that*
pair is, so it needs no correction for the number of pairs. The lower limit, the largest
of the pairs' lower limits, is too large if any of them is: it shares its error among
all pairs, in both directions (Bonferroni). With ratios it is the other way round.

Of the error α the first limit takes two thirds and the other a third: halves give
intervals of the same length, and a verdict *meets* hangs on the first limit. Two groups
have one pair: halves. Together they hold in about .98 of cases, not .95: where several
differences are nearly tied, or all are nought, one of the limits cannot fail.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np
from torch import Tensor

from ...exchange.errors import FairtutorError, did_you_mean
from ...exchange.values import Number, require_number
from .exact import exact_difference, exact_ratio
from .mean import mean_difference
from .pair import difference, ratio
from .share import Interval, Limits

Counts = Sequence[tuple[int, int]]  # (successes, trials) of each group

ALPHA = Number(1e-15, 0.5)
DIFFERENCES = {"score": difference, "exact": exact_difference}
RATIOS = {"score": ratio, "exact": exact_ratio}


def largest_difference(
    groups: Counts, alpha: float, min_trials: int = 1, *, method: str = "score"
) -> Interval:
    """Return an interval for max p − min p over groups.

    Parameters
    ----------
    groups
        (successes, trials) of each group.
    alpha
        Chance of a miss.
    min_trials
        A pair with a smaller group is treated as unknown: anything from 0 to 1.
    method
        ``"score"`` misses with chance α about on average, ``"exact"`` at most.

    Returns
    -------
    tuple of float
        In [0, 1].

    Raises
    ------
    FairtutorError
        There is no such method, or ``alpha`` is above a half or not above 0.

    Examples
    --------
    >>> largest_difference([(50, 100), (20, 100), (1, 2)], 0.05, min_trials=30)[1]
    1.0
    """
    return largest_difference_within([groups], alpha, min_trials, method=method)


def largest_difference_within(
    tables: Sequence[Counts],
    alpha: float,
    min_trials: int = 1,
    *,
    method: str = "score",
) -> Interval:
    """Return an interval for the largest max p − min p within any of several tables.

    Equalized odds: one table of true and one of false positive rates. Calibration: a
    table for each score bin. The groups of all tables must be independent.

    Parameters
    ----------
    tables
        Each a list of (successes, trials), one for each group.
    alpha, min_trials, method
        As for :func:`largest_difference`.

    Returns
    -------
    tuple of float
        In [0, 1].

    Raises
    ------
    FairtutorError
        There is no such method, or ``alpha`` is above a half or not above 0.

    Examples
    --------
    >>> true_positive, false_positive = [(80, 100), (60, 90)], [(9, 200), (8, 300)]
    >>> limits = largest_difference_within([true_positive, false_positive], 0.05)
    >>> [round(limit, 2) for limit in limits]
    [0.0, 0.25]
    """
    compare = _named(method, DIFFERENCES)
    known, unknown = _pairs(tables, min_trials)
    upper = 1.0 if unknown else 0.0
    if not known:
        return 0.0, upper
    first, second = np.moveaxis(np.array(known), 0, -1)
    for_upper, for_lower = _levels(alpha, len(known))
    low, high = compare(first, second, for_upper)
    upper = max(upper, float(high.max()), float(-low.min()))
    low, high = compare(first, second, for_lower)
    return max(0.0, float(low.max()), float(-high.min())), upper


def smallest_ratio(
    groups: Counts, alpha: float, min_trials: int = 1, *, method: str = "score"
) -> Interval:
    """Return an interval for min p / max p over groups.

    Parameters
    ----------
    groups, alpha, min_trials, method
        As for :func:`largest_difference`.

    Returns
    -------
    tuple of float
        In [0, 1].

    Raises
    ------
    FairtutorError
        There is no such method, or ``alpha`` is above a half or not above 0.

    Examples
    --------
    >>> low, high = smallest_ratio([(400, 1000), (800, 1000)], 0.05)
    >>> low < 0.5 < high < 0.6
    True
    """
    compare = _named(method, RATIOS)
    known, unknown = _pairs([groups], min_trials)
    lower = 0.0 if unknown else 1.0
    if not known:
        return lower, 1.0
    first, second = np.moveaxis(np.array(known), 0, -1)
    for_lower, for_upper = _levels(alpha, len(known))
    low, high = compare(first, second, for_lower)
    lower = min(lower, float(low.min()), float(1 / high.max()))
    low, high = compare(first, second, for_upper)
    with np.errstate(divide="ignore"):
        return lower, min(1.0, float(high.min()), float((1 / low).min()))


def largest_mean_difference(
    groups: Sequence[Tensor], alpha: float, min_trials: int = 1
) -> Interval:
    """Return an interval for the largest difference of means over groups.

    Parameters
    ----------
    groups
        The values of each group, in [0, 1], in an order that does not depend on them.
    alpha
        Chance of a miss, at most, whatever the values' distribution.
    min_trials
        As for :func:`largest_difference`.

    Returns
    -------
    tuple of float
        In [0, 1].

    Raises
    ------
    FairtutorError
        ``alpha`` is above a half or not above 0; a value is not in [0, 1].

    Examples
    --------
    >>> import torch
    >>> groups = [torch.full((1000,), 0.2), torch.full((500,), 0.5)]
    >>> low, high = largest_mean_difference(groups, 0.05)
    >>> 0.25 < low < 0.3 < high < 0.35
    True
    """
    pairs = list(combinations(groups, 2))
    known = [pair for pair in pairs if min(map(len, pair)) >= max(min_trials, 1)]
    lower, upper = 0.0, 1.0 if len(known) < len(pairs) else 0.0
    for_upper, for_lower = _levels(alpha, len(known))
    for first, second in known:
        low, high = mean_difference(first, second, for_upper)
        upper = max(upper, high.item(), -low.item())
        low, high = mean_difference(first, second, for_lower)
        lower = max(lower, low.item(), -high.item())
    return lower, upper


def _pairs(tables: Sequence[Counts], min_trials: int) -> tuple[list, bool]:
    """Return the pairs with enough trials, and whether there are others."""
    pairs = [pair for groups in tables for pair in combinations(groups, 2)]
    least = max(min_trials, 1)
    known = [pair for pair in pairs if min(n for _, n in pair) >= least]
    return known, len(known) < len(pairs)


def _levels(alpha: float, pairs: int) -> tuple[float, float]:
    """Return twice the error of the limit that one pair decides, and of any pair's.

    In the second, both directions of each pair count, but not that of the largest
    difference turned around: where its limit fails, the first one fails already.
    """
    require_number("alpha", alpha, ALPHA, "alpha")
    one = alpha * 4 / 3 if pairs > 1 else alpha
    return one, (2 * alpha - one) / (2 * pairs - 1)


def _named(method: str, methods: Mapping[str, Callable]) -> Callable[..., Limits]:
    if method not in methods:
        raise FairtutorError(
            f"There are no intervals {method!r}. {did_you_mean(method, methods)}"
        )
    return methods[method]
