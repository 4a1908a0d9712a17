"""What the best adversary on a representation proves about every user of it."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError


def largest_gap(balanced_accuracy: float) -> float:
    r"""Bound the selection rate difference of every user by the best adversary.

    Δ_DP(g) ≤ 2 · BA* − 1 for every user g on z, where BA* is the balanced accuracy of
    the **best** adversary: the supremum over *all* measurable h from z to {0, 1}.

    Proof. Take any g(z) in [0, 1], the chance of a positive decision, and use it as an
    adversary: guess a = 1 with chance g(z). Its balanced accuracy is
    ½ (E[g | a = 1] + 1 − E[g | a = 0]), at most BA*, as the balanced accuracy is linear
    in h and so is largest at a deterministic h. Hence
    E[g | a = 1] − E[g | a = 0] ≤ 2 · BA* − 1, and the same holds for 1 − g. ∎

    **A probe that was trained is not the best adversary.** Its balanced accuracy is a
    *lower* bound on BA*: 2 · BA_probe − 1 says that some user has a gap as large, and
    excludes none with a larger one. An interval for the probes that were tried bounds
    the users among those probes, nothing more.

    Parameters
    ----------
    balanced_accuracy
        BA* of telling two groups, in [0, 1].

    Returns
    -------
    float
        In [0, 1]; 0 at chance, where no user can tell the groups.

    Raises
    ------
    FairtutorError
        The balanced accuracy is no share.

    References
    ----------
    Madras et al. (2018), "Learning Adversarially Fair and Transferable
    Representations", section 5; McNamara et al. (2019), "Costs and Benefits of Fair
    Representation Learning".

    Examples
    --------
    >>> largest_gap(0.5), largest_gap(0.75), largest_gap(1.0)
    (0.0, 0.5, 1.0)
    """
    if not 0 <= balanced_accuracy <= 1:
        raise FairtutorError(
            f"The balanced accuracy is {balanced_accuracy!r}; use a number from 0 to 1."
        )
    return abs(2 * balanced_accuracy - 1)  # a probe worse than chance, turned round


def distinct_counts(
    Z: Tensor, groups: Tensor, num_groups: int, y: Tensor | None = None
) -> Tensor:
    """Count the rows of each group at each distinct value of z.

    Parameters
    ----------
    Z
        A representation of few distinct values, (n, d), or cell numbers, (n,).
    groups, num_groups
        Codes (n,) from 0, and G.
    y
        Outcomes (n,), 0 or 1, to count the rows of each outcome apart.

    Returns
    -------
    torch.Tensor
        (G, K) int64, for K distinct values; with ``y``, (2, G, K).

    Examples
    --------
    >>> distinct_counts(torch.tensor([5, 5, 7]), torch.tensor([0, 1, 1]), 2)
    tensor([[1, 0],
            [1, 1]])
    """
    values, cell = Z.unique(dim=0, return_inverse=True)
    rows, shape = groups.long(), (num_groups, len(values))
    if y is not None:
        rows, shape = y.long() * num_groups + rows, (2, *shape)
    position = rows * len(values) + cell
    return torch.bincount(position, minlength=math.prod(shape)).view(shape)


def total_variation(counts: Tensor) -> float:
    """Return ½ Σ_z |P(z | a = 1) − P(z | a = 0)|, the distance between two groups.

    Parameters
    ----------
    counts
        (2, K), the groups' rows at each of K values; each group with a row.

    Returns
    -------
    float
        In [0, 1]. It is that of the rows counted: where most values occur once, it is
        near 1 whatever the population is, so K must be small beside the rows.

    Raises
    ------
    FairtutorError
        There are not two groups with rows.

    Examples
    --------
    >>> total_variation(torch.tensor([[8, 2], [3, 7]]))
    0.5
    """
    p0, p1 = _shares(counts)
    return (p1 - p0).abs().sum().item() / 2


def best_balanced_accuracy(counts: Tensor) -> float:
    """Return BA* exactly, where z takes few values: no adversary does better.

    Parameters
    ----------
    counts
        As for :func:`total_variation`.

    Returns
    -------
    float
        ½ Σ_z max_a P(z | a) = (1 + total variation) / 2, from 0.5 to 1.

    Raises
    ------
    FairtutorError
        As for :func:`total_variation`.

    Examples
    --------
    >>> counts = torch.tensor([[8, 2], [3, 7]])
    >>> best_balanced_accuracy(counts), largest_gap(best_balanced_accuracy(counts))
    (0.75, 0.5)
    """
    return (1 + total_variation(counts)) / 2


def widest_user(counts: Tensor) -> Tensor:
    """Return the user whose gap attains the bound: yes where group 1 is likelier.

    Parameters
    ----------
    counts
        As for :func:`total_variation`.

    Returns
    -------
    torch.Tensor
        (K,) bool, the decision at each value of z. As an adversary it is the best.

    Raises
    ------
    FairtutorError
        As for :func:`total_variation`.

    Examples
    --------
    >>> widest_user(torch.tensor([[8, 2], [3, 7]]))
    tensor([False,  True])
    """
    p0, p1 = _shares(counts)
    return p1 > p0


@dataclass(frozen=True)
class OddsGaps:
    r"""How far any user's error rates can differ between two groups.

    For a user g(z) in [0, 1], the chance of a positive decision, let
    Δ_y(g) = |E[g | a = 1, y] − E[g | a = 0, y]|: the difference of true positive rates
    for y = 1, of false positive rates for y = 0.

    Attributes
    ----------
    by_outcome
        max over g of Δ_y(g), for y = 0 and 1. It is 2 · BA*_y − 1, BA*_y the balanced
        accuracy of the best adversary among the rows with outcome y, and the total
        variation between their two groups.
    attained_sum
        max over g of Δ₀(g) + Δ₁(g).
    """

    by_outcome: tuple[float, float]
    attained_sum: float

    @property
    def equal_opportunity(self) -> float:
        """Largest difference of true positive rates; some user attains it."""
        return self.by_outcome[1]

    @property
    def largest(self) -> float:
        """Largest equalized odds difference, max of Δ₀ and Δ₁; some user attains it."""
        return max(self.by_outcome)

    @property
    def sum(self) -> float:
        """The theorem's bound on Δ₀ + Δ₁, at least ``attained_sum``."""
        return sum(self.by_outcome)


def largest_odds_gaps(counts: Tensor) -> OddsGaps:
    r"""Bound the error rate differences of every user, where z takes few values.

    **Which Δ_EO?** Madras et al. add the two: Δ_EO(g) = Δ₀(g) + Δ₁(g). The audit's
    equalized odds difference is the larger one. Both are bounded here.

    Proof. Given y, the best adversary's 2 · BA*_y − 1 is the largest Δ_y, by the proof
    of :func:`largest_gap` among the rows with outcome y. So
    max(Δ₀, Δ₁) ≤ max_y (2 · BA*_y − 1), attained by the user that is widest for the
    worse y, and Δ₀ + Δ₁ ≤ Σ_y (2 · BA*_y − 1), which is the theorem: its adversary is
    told y and may guess another way for each. A user is not told y and must serve both
    with one g. With d_y(z) = P(z | a = 1, y) − P(z | a = 0, y) and s = ±1,
    Δ₀ + Δ₁ = max_s |Σ_z g(z) (d₀ + s d₁)(z)|; the terms of d₀ + s d₁ add up to 0, so
    the best g says yes where they are positive and reaches ½ Σ_z |d₀ + s d₁|. That is
    ``attained_sum``. It equals the theorem's bound if and only if no z is told one way
    for y = 0 and the other way for y = 1 (for s = 1), or none the same way (s = −1). ∎

    As for demographic parity, this speaks of the best adversary, not of one that was
    trained: a trained one's balanced accuracy bounds from the other side.

    Parameters
    ----------
    counts
        (2, 2, K), from :func:`distinct_counts` with ``y``: rows by outcome, group and
        value; each group with a row of each outcome.

    Returns
    -------
    OddsGaps
        Of the rows counted; see :func:`total_variation` for when that says little.

    Raises
    ------
    FairtutorError
        There are not two outcomes and two groups with rows.

    References
    ----------
    Madras et al. (2018), "Learning Adversarially Fair and Transferable
    Representations", section 5.

    Examples
    --------
    The first of two values means group 1 if y = 0, and group 0 if y = 1:

    >>> counts = torch.tensor([[[2, 8], [7, 3]], [[6, 4], [5, 5]]])
    >>> gaps = largest_odds_gaps(counts)
    >>> [round(gap, 3) for gap in (gaps.largest, gaps.equal_opportunity)]
    [0.5, 0.1]
    >>> round(gaps.sum, 3), round(gaps.attained_sum, 3)
    (0.6, 0.6)
    """
    told = _told(counts)
    return OddsGaps(
        by_outcome=tuple((told.abs().sum(1) / 2).tolist()),
        attained_sum=max(_reached(told, sign) for sign in (1, -1)),
    )


def widest_odds_user(counts: Tensor, weights: tuple[float, float]) -> Tensor:
    """Return the user with the largest w₀ · Δ₀ + w₁ · Δ₁.

    Parameters
    ----------
    counts
        As for :func:`largest_odds_gaps`.
    weights
        w₀ and w₁, from 0: ``(0, 1)`` attains the bound on equal opportunity, ``(1, 0)``
        that on false positive rates, and ``(1, 1)`` the largest sum.

    Returns
    -------
    torch.Tensor
        (K,) bool, the decision at each value of z.

    Raises
    ------
    FairtutorError
        As for :func:`largest_odds_gaps`.

    Examples
    --------
    >>> counts = torch.tensor([[[2, 8], [7, 3]], [[6, 4], [5, 5]]])
    >>> widest_odds_user(counts, (1, 0)), widest_odds_user(counts, (0, 1))
    (tensor([ True, False]), tensor([False,  True]))
    """
    told = _told(counts)
    told = told * told.new_tensor(weights)[:, None]
    sign = max((1, -1), key=lambda sign: _reached(told, sign))
    return told[0] + sign * told[1] > 0


def _told(counts: Tensor) -> Tensor:
    """d_y(z) = P(z | a = 1, y) − P(z | a = 0, y), (2, K) float64."""
    if counts.ndim != 3 or len(counts) != 2:
        raise FairtutorError(
            f"The counts have shape {tuple(counts.shape)}; give (2, 2, K), rows by "
            "outcome, group and value: distinct_counts(Z, groups, 2, y)."
        )
    shares = [_shares(of_outcome) for of_outcome in counts]
    return torch.stack([p1 - p0 for p0, p1 in shares])


def _reached(told: Tensor, sign: int) -> float:
    return (told[0] + sign * told[1]).abs().sum().item() / 2


def _shares(counts: Tensor) -> Tensor:
    """P(z | a), (2, K) float64."""
    if counts.ndim != 2 or len(counts) != 2 or not (counts.sum(1) > 0).all():
        raise FairtutorError(
            f"The counts have shape {tuple(counts.shape)}; give (2, K), two groups "
            "with at least one row each."
        )
    return counts.double() / counts.sum(1, keepdim=True)
