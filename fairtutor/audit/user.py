"""What a user loses by fairness and by mistrust, measured with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..exchange import FairtutorError
from ..theory.mistrust import Beliefs, best_fair_rule
from ..theory.tradeoff import least_error_sum
from .group import group_counts, weighed
from .intervals import largest_difference, mean_interval, wilson

Triple = tuple[float, float, float]  # estimate, lower and upper limit


@dataclass(frozen=True)
class ErrorSum:
    """A user's error rates in two groups, summed, beside the bound for their gap.

    Attributes
    ----------
    total
        err₀ + err₁, with limits.
    gap
        Δ_DP, with limits.
    base_rate_gap
        |p₀ − p₁|, with limits.
    least
        The bound |p₀ − p₁| − Δ_DP or 0, with limits.
    slack
        ``total − least``, with limits: what the user loses beyond the bound. At least
        0 on the rows themselves, and in the population.
    n
        Rows.
    """

    total: Triple
    gap: Triple
    base_rate_gap: Triple
    least: Triple
    slack: Triple
    n: int

    def undercuts(self, least: float) -> bool:
        """Return whether the sum is surely below a bound that holds for other rows.

        Then these rows are not like those, or something was computed wrongly.

        Parameters
        ----------
        least
            From :func:`fairtutor.theory.tradeoff.least_error_sum`.
        """
        return self.total[2] < least


def error_sum(
    y: Tensor, decisions: Tensor, groups: Tensor, alpha: float = 0.05
) -> ErrorSum:
    """Measure err₀ + err₁, Δ_DP and the bound that links them.

    Parameters
    ----------
    y, decisions, groups
        (n,), 0 or 1; both groups have rows.
    alpha
        Chance, about, that any of the intervals misses: a third each for the sum, the
        gap and the difference of base rates, of which the others are made.

    Returns
    -------
    ErrorSum

    Raises
    ------
    FairtutorError
        There are not exactly two groups with rows.

    Notes
    -----
    On the same rows the bound holds without exception
    (:func:`fairtutor.theory.tradeoff.least_error_sum`), whatever the sample. The
    intervals say how far the population's values may lie from these.

    References
    ----------
    Zhao & Gordon (2019) for Δ_DP = 0, (2022) beyond, "Inherent tradeoffs in learning
    fair representations". The interval of a sum: Zou & Donner (2008), Statistics in
    Medicine 27, from Wilson's.

    Examples
    --------
    >>> y = torch.tensor([0, 0, 0, 1] * 25 + [0, 1, 1, 1] * 25)
    >>> groups = torch.tensor([0] * 100 + [1] * 100)
    >>> nobody = error_sum(y, torch.zeros(200), groups)
    >>> nobody.total[0], nobody.least[0], nobody.gap[0]
    (1.0, 0.5, 0.0)
    """
    _require_two_groups(groups)
    counts = group_counts(y, decisions, groups, 2)
    selected, rows = _numbers(weighed(counts, "selection rate"))
    right, _ = _numbers(weighed(counts, "accuracy"))
    positive = counts[:, 1].sum(1).cpu().numpy()
    third = alpha / 3
    total = _sum_of_shares(rows - right, rows, third)
    gap = _gap(selected, rows, third)
    bases = _gap(positive, rows, third)
    least = (
        least_error_sum((positive / rows).tolist(), gap[0]),
        max(0.0, bases[1] - gap[2]),
        max(0.0, bases[2] - gap[1]),
    )
    slack = (
        max(0.0, total[0] - least[0]),
        max(0.0, total[1] - least[2]),
        max(0.0, total[2] - least[1]),
    )
    return ErrorSum(total, gap, bases, least, slack, len(y))


@dataclass(frozen=True)
class MistrustCost:
    """What the best fair user of z loses against the best fair user of x.

    Attributes
    ----------
    cost
        Risk with z minus risk with x, with limits; on rows neither rule was chosen on.
        The true cost of mistrust is at least 0; an estimate need not be.
    risks
        The share of wrong decisions with x and with z.
    gaps
        Δ_DP with x and with z, each with limits: on these rows it may be above the one
        allowed where the rule was chosen.
    max_gap
        The gap allowed.
    n
        Rows scored.
    """

    cost: Triple
    risks: tuple[float, float]
    gaps: tuple[Triple, Triple]
    max_gap: float
    n: int

    def __str__(self) -> str:
        estimate, lower, upper = (100 * part for part in self.cost)
        return f"{estimate:+.1f} points ({lower:+.1f} to {upper:+.1f})"


def cost_of_mistrust(
    with_x: Beliefs,
    with_z: Beliefs,
    y: Tensor,
    groups: Tensor,
    choose: Tensor,
    *,
    max_gap: float = 0.05,
    alpha: float = 0.05,
) -> MistrustCost:
    """Compare the best fair rules with and without the representation, row by row.

    Both rules are chosen on some rows, by the same method and for the same gap, and
    scored on the others: a row at which both are right, or both wrong, adds nothing to
    the difference and nothing to its interval.

    Parameters
    ----------
    with_x
        The trusted user's beliefs about each of n rows.
    with_z
        Those of the user who is given the representation.
    y, groups
        (n,), 0 or 1.
    choose
        (n,) bool: the rows the rules are chosen on; the others are scored.
    max_gap
        Largest difference of selection rates allowed, in [0, 1].
    alpha
        Chance, at most, that the cost's interval misses the difference of these two
        rules' risks; the gaps' intervals have one of their own.

    Returns
    -------
    MistrustCost

    Raises
    ------
    FairtutorError
        Rows of a group are missing among those for choosing or scoring.

    Notes
    -----
    The interval is about the two rules, whose beliefs were learnt. The best users there
    could be are unknown: how far each rule is from its best one is not in the interval.
    Where the trusted user learns badly, the cost comes out too small; where the user of
    z does, too large. On the scored rows the two gaps differ as well, so part of the
    cost may be the price of a smaller gap: read ``gaps`` beside it. No rule tosses a
    coin; where z takes so few values that one is needed to keep within the gap, see
    :func:`fairtutor.theory.mistrust.best_fair_risk`.

    References
    ----------
    McNamara, Ong & Williamson (2019), "Costs and benefits of fair representation
    learning", who name the cost; here with one limit on the gap of both users.
    Interval: Waudby-Smith & Ramdas (2024), of the paired differences.

    Examples
    --------
    >>> y = groups = torch.tensor([0, 1] * 100)
    >>> choose = torch.arange(200) < 100
    >>> sharp = Beliefs(y * 0.8 + 0.1, groups.double())
    >>> cost_of_mistrust(sharp, sharp, y, groups, choose, max_gap=1.0).cost[0]
    0.0
    """
    for part in (choose, ~choose):
        _require_two_groups(groups[part])
    scored, decided = ~choose, []
    for beliefs in (with_x, with_z):
        rule = best_fair_rule(beliefs.rows(choose), y[choose], groups[choose], max_gap)
        decided.append(rule.decide(beliefs.rows(scored)))
    y, groups = y[scored], groups[scored]
    wrong = torch.stack(decided) != y.bool()
    differences = wrong[1].double() - wrong[0].double()
    lower, upper = mean_interval((differences + 1) / 2, alpha)
    selected = [
        weighed(group_counts(y, d, groups, 2), "selection rate") for d in decided
    ]
    return MistrustCost(
        cost=(differences.mean().item(), 2 * lower.item() - 1, 2 * upper.item() - 1),
        risks=tuple(wrong.double().mean(1).tolist()),
        gaps=tuple(_gap(*_numbers(parts), alpha) for parts in selected),
        max_gap=max_gap,
        n=len(y),
    )


def _sum_of_shares(events: np.ndarray, trials: np.ndarray, alpha: float) -> Triple:
    shares, (low, high) = events / trials, wilson(events, trials, alpha)
    total = shares.sum()
    return (
        float(total),
        float(total - np.sqrt(np.square(shares - low).sum())),
        float(total + np.sqrt(np.square(high - shares).sum())),
    )


def _gap(events: np.ndarray, trials: np.ndarray, alpha: float) -> Triple:
    shares = events / trials
    groups = list(zip(events.tolist(), trials.tolist(), strict=True))
    return float(np.ptp(shares)), *largest_difference(groups, alpha)


def _numbers(parts: Sequence[Tensor]) -> tuple[np.ndarray, np.ndarray]:
    return tuple(part.cpu().numpy() for part in parts)


def _require_two_groups(groups: Tensor) -> None:
    if set(groups.unique().tolist()) != {0, 1}:
        raise FairtutorError(
            "Two groups are compared, coded 0 and 1, and both need rows; here are "
            f"{groups.unique().tolist()}."
        )
