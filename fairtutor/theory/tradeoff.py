"""What a small gap costs when base rates differ: the errors of the groups add up."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError, did_you_mean
from .leakage import distinct_counts, total_variation

ROUNDING = 1e-9  # that may carry a difference of two rates beyond 0 or 1


def least_error_sum(base_rates: Tensor | Sequence[float], gap: float) -> float:
    r"""Bound the sum of the groups' error rates from below, for every classifier.

    Two groups: err₀ + err₁ ≥ |p₀ − p₁| − Δ_DP.

    Proof. In group a let s_a = P(ŷ = 1 | a) and p_a = P(y = 1 | a). The decisions that
    are wrong are at least |p_a − s_a|: err_a = P(ŷ ≠ y | a) ≥ |P(ŷ = 1 | a) −
    P(y = 1 | a)|. By the triangle inequality |p₀ − p₁| ≤ |p₀ − s₀| + |s₀ − s₁| +
    |s₁ − p₁| ≤ err₀ + Δ_DP + err₁. ∎

    Several groups: Σ err_a ≥ Σ |p_a − s_a|, and the selection rates s_a lie in some
    interval of length Δ_DP; the least sum of distances to such an interval is the
    bound. It is attained by whoever knows y and changes as few decisions as needed.
    For each pair of groups the bound for two holds as well.

    Parameters
    ----------
    base_rates
        p_a, (G,) for two groups or more, each in [0, 1].
    gap
        Δ_DP, largest minus smallest selection rate, in [0, 1].

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    FairtutorError
        There are not two groups, or a number is no share.

    Notes
    -----
    The proof needs no sample and no limit: it holds for the rows at hand as for any
    other distribution. A point measured on rows lies above the line **of the same
    rows** without exception; only a line of other rows' base rates can be undercut.

    References
    ----------
    Zhao & Gordon (2019), "Inherent tradeoffs in learning fair representations",
    NeurIPS 32, Theorem 3.1 (Δ_DP = 0, two groups); (2022), JMLR 23(57) for any Δ_DP,
    and, for several groups and Δ_DP = 0, as a barycenter under total variation.

    Examples
    --------
    >>> round(least_error_sum([0.11, 0.30], gap=0.05), 2)
    0.14
    >>> least_error_sum([0.11, 0.30], gap=0.5)
    0.0
    >>> round(least_error_sum([0.1, 0.2, 0.5], gap=0.0), 2)
    0.4
    """
    p = torch.as_tensor(base_rates, dtype=torch.float64)
    if p.ndim != 1 or len(p) < 2:
        raise FairtutorError(
            f"The base rates have shape {tuple(p.shape)}; give one for each of two "
            "groups or more."
        )
    for what, share in (
        *(("A base rate", rate) for rate in p.tolist()),
        ("The gap", gap),
    ):
        if not -ROUNDING <= share <= 1 + ROUNDING:
            raise FairtutorError(f"{what} is {share!r}; use a number from 0 to 1.")
    gap = max(0.0, gap)
    # The sum is piecewise linear in where the interval starts; it bends where an end
    # of the interval meets a base rate, so one of these starts is the best.
    starts = torch.cat([p, p - gap])[:, None]
    sums = ((starts - p).clamp(min=0) + (p - starts - gap).clamp(min=0)).sum(1)
    return sums.min().item()


def least_error_sum_given(counts: Tensor, distance: str = "total variation") -> float:
    """Bound err₀ + err₁ of every user of a representation of few values.

    A user decides by z alone, so Δ_DP ≤ TV(z | 0, z | 1), and
    err₀ + err₁ ≥ |p₀ − p₁| − TV(z | 0, z | 1). The Jensen-Shannon distance d (the root
    of the divergence in bits) obeys the triangle inequality and d² ≤ TV, which gives
    err₀ + err₁ ≥ ½ (d(y | 0, y | 1) − d(z | 0, z | 1))² where the difference is
    positive. Neither bound is always the larger one.

    Parameters
    ----------
    counts
        Rows by group, outcome and value of z, (2, 2, K), or their shares; each group
        with a row. From :func:`joint_counts`.
    distance
        ``"total variation"`` or ``"jensen-shannon"``.

    Returns
    -------
    float
        At least 0; of the rows counted.

    Raises
    ------
    FairtutorError
        There are not two groups with rows, or the distance has another name.

    References
    ----------
    Zhao & Gordon (2019), Theorem 3.2 (Jensen-Shannon).

    Examples
    --------
    >>> counts = torch.tensor([[[8, 1], [0, 1]], [[4, 1], [4, 1]]])
    >>> round(least_error_sum_given(counts), 2), round(best_error_sum(counts), 2)
    (0.4, 0.6)
    """
    bounds: Mapping[str, Callable[[Tensor, Tensor], float]] = {
        "total variation": lambda y, z: total_variation(y) - total_variation(z),
        "jensen-shannon": lambda y, z: (
            max(0.0, jensen_shannon(y) - jensen_shannon(z)) ** 2 / 2
        ),
    }
    if distance not in bounds:
        raise FairtutorError(
            f"There is no distance {distance!r}. {did_you_mean(distance, bounds)}"
        )
    return max(0.0, bounds[distance](counts.sum(2), counts.sum(1)))


def best_error_sum(counts: Tensor) -> float:
    """Return the smallest err₀ + err₁ that a user of z can have, exactly.

    Parameters
    ----------
    counts
        As for :func:`least_error_sum_given`.

    Returns
    -------
    float
        Σ_z min over ŷ of Σ_a P(y ≠ ŷ, z | a), in [0, 1].

    Examples
    --------
    >>> best_error_sum(torch.tensor([[[3, 0], [0, 1]], [[2, 0], [0, 2]]]))
    0.0
    """
    given_group = counts.double() / counts.sum((1, 2), keepdim=True)
    return given_group.sum(0).amin(0).sum().item()


def jensen_shannon(counts: Tensor) -> float:
    """Return the Jensen-Shannon distance of two groups, the root of it in bits.

    Parameters
    ----------
    counts
        (2, K), the groups' rows at each of K values; each group with a row.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    Lin (1991), "Divergence measures based on the Shannon entropy"; Endres & Schindelin
    (2003) for the triangle inequality of the root.

    Examples
    --------
    >>> jensen_shannon(torch.tensor([[5, 0], [0, 3]]))
    1.0
    """
    shares = counts.double() / counts.sum(1, keepdim=True)
    middle = shares.mean(0)
    bits = torch.xlogy(shares, shares / middle).nansum(1).mean() / torch.log(
        torch.tensor(2.0, dtype=torch.float64)
    )
    return bits.clamp(0, 1).sqrt().item()


def joint_counts(Z: Tensor, groups: Tensor, y: Tensor) -> Tensor:
    """Count the rows of two groups by outcome and distinct value of z.

    Parameters
    ----------
    Z
        A representation of few distinct values, (n, d), or cell numbers, (n,).
    groups, y
        (n,), 0 or 1.

    Returns
    -------
    torch.Tensor
        (2, 2, K) int64, indexed by group, outcome, value.

    Examples
    --------
    >>> Z, y = torch.tensor([5, 5, 7]), torch.tensor([0, 1, 1])
    >>> joint_counts(Z, torch.tensor([0, 1, 1]), y).tolist()
    [[[1, 0], [0, 0]], [[0, 0], [1, 1]]]
    """
    return distinct_counts(Z, 2 * groups.long() + y.long(), 4).view(2, 2, -1)
