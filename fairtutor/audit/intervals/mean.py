"""Intervals of means of independent values in [0, 1]; they never miss too often."""

import math

import torch
from torch import Tensor

from ...exchange.errors import FairtutorError
from .share import Interval

CAP = 0.75  # of the capital that one bet may lose
STEPS = 30  # halvings of an interval of length 1
ROUNDING = 1e-9  # that may carry a mean of values beyond 0 or 1


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
    coins. Narrow for values that are 0 or 1; :func:`mean_interval` also gains from
    values that vary less.

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


def _coin_divergence(p: float, q: float) -> float:
    """KL(p, q) = p ln(p/q) + (1 − p) ln((1 − p)/(1 − q))."""
    total = 0.0
    for a, b in ((p, q), (1 - p, 1 - q)):
        if a > 0:
            total += a * math.log(a / b) if b > 0 else math.inf
    return total


def mean_interval(values: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Return an interval for the mean of independent values in [0, 1], by betting.

    Parameters
    ----------
    values
        (..., n), in an order that does not depend on them.
    alpha
        Chance of a miss, at most, whatever the values' distribution.

    Returns
    -------
    tuple of torch.Tensor
        Lower and upper limits, (...) float64; (0, 1) without values.

    Raises
    ------
    FairtutorError
        A value is not in [0, 1].

    Notes
    -----
    Whoever doubts that the mean is m bets on each value, in turn, that it lies below
    m. The capital, from 1, is ∏ (1 + λᵢ (m − xᵢ)). If the mean is m, no bet is
    favourable, and the capital ever reaches 2 / α with chance α / 2 at most (Ville).
    So the upper limit is the m at which it gets there. The stakes λᵢ look at earlier
    values only; the less these vary, the larger the stake.

    References
    ----------
    Waudby-Smith & Ramdas (2024), JRSS B 86, the hedged capital process for a fixed n
    (Eq. 26), each side by itself.

    Examples
    --------
    >>> values = torch.linspace(0.4, 0.6, 1000)[torch.randperm(1000)]
    >>> lower, upper = mean_interval(values, 0.05)
    >>> bool(lower < 0.5 < upper), bool(upper - lower < 0.02)
    (True, True)
    """
    x = values.double()
    if not ((x - 0.5).abs() < 0.5 + ROUNDING).all():  # NaN is none either
        raise FairtutorError("A value is not between 0 and 1: no interval is known.")
    stakes = _stakes(x, alpha)
    return 1 - _upper(1 - x, stakes, alpha), _upper(x, stakes, alpha)


def _stakes(x: Tensor, alpha: float) -> Tensor:
    """λᵢ = √(2 ln(2/α) / (n σ̂²ᵢ₋₁)), with half a value and a variance of ¼ before."""
    n = x.shape[-1]
    count = torch.arange(2, n + 2, device=x.device)
    means = (0.5 + x.cumsum(-1)) / count
    variances = (0.25 + (x - means).square().cumsum(-1)) / count
    before = torch.full_like(x[..., :1], 0.25)
    variances = torch.cat([before, variances[..., :-1]], -1)[..., :n]
    return (2 * math.log(2 / alpha) / (max(n, 1) * variances)).sqrt()


def _upper(x: Tensor, stakes: Tensor, alpha: float) -> Tensor:
    low, high = torch.zeros_like(x.sum(-1)), torch.ones_like(x.sum(-1))
    for _ in range(STEPS):
        m = ((low + high) / 2).unsqueeze(-1)
        bets = torch.minimum(stakes, CAP / (1 - m))  # leaves 1 − CAP at the worst
        capital = torch.log1p(bets * (m - x)).sum(-1)
        believed = capital < math.log(2 / alpha)
        low, high = m[..., 0].where(believed, low), high.where(believed, m[..., 0])
    return high


def mean_difference(
    first: Tensor, second: Tensor, alpha: float
) -> tuple[Tensor, Tensor]:
    """Return an interval for the difference of two groups' means, μ₁ − μ₂.

    Parameters
    ----------
    first, second
        The groups' values in [0, 1], (..., n₁) and (..., n₂), at least one each, in
        an order that does not depend on them.
    alpha
        Chance of a miss, at most.

    Returns
    -------
    tuple of torch.Tensor
        Limits in [−1, 1], (...) float64.

    Notes
    -----
    The larger group is cut into as many blocks as the smaller one has values. A value
    minus a block's mean has the mean μ₁ − μ₂; these are independent and between −1 and
    1, and their mean has the variance σ₁²/n₁ + σ₂²/n₂: nothing is lost.

    Examples
    --------
    >>> random = torch.Generator().manual_seed(0)
    >>> first = 0.5 + 0.1 * torch.rand(500, generator=random)
    >>> second = 0.3 + 0.1 * torch.rand(2000, generator=random)
    >>> lower, upper = mean_difference(first, second, 0.05)
    >>> bool(lower < 0.2 < upper), bool(upper - lower < 0.05)
    (True, True)
    """
    if first.shape[-1] > second.shape[-1]:
        lower, upper = mean_difference(second, first, alpha)
        return -upper, -lower
    gaps = first.double() - _block_means(second.double(), first.shape[-1])
    lower, upper = mean_interval((gaps + 1) / 2, alpha)
    return 2 * lower - 1, 2 * upper - 1


def _block_means(values: Tensor, blocks: int) -> Tensor:
    n = values.shape[-1]
    block = torch.arange(n, device=values.device) * blocks // n
    sums = values.new_zeros(*values.shape[:-1], blocks).index_add_(-1, block, values)
    return sums / torch.bincount(block, minlength=blocks)
