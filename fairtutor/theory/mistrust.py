"""The cost of mistrust: what it costs to hand on z instead of trusting with x."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError


@dataclass(frozen=True)
class FairThresholds:
    """One threshold for each of two groups.

    Attributes
    ----------
    thresholds
        A decision is positive from these scores on.
    accuracy, gap
        On the rows they were chosen on.
    """

    thresholds: tuple[float, float]
    accuracy: float
    gap: float

    def decide(self, scores: Tensor, groups: Tensor) -> Tensor:
        """Return decisions, (n,) bool, for scores (n,) and group codes (n,)."""
        cuts = torch.tensor(self.thresholds, dtype=scores.dtype, device=scores.device)
        return scores >= cuts[groups]


def best_fair_thresholds(
    scores: Tensor, y: Tensor, groups: Tensor, max_gap: float, steps: int = 200
) -> FairThresholds:
    """Find the most accurate thresholds whose selection rates differ by little.

    This is what a trusted user does who may look at x and at the group: among all
    decisions with a selection rate difference of at most ``max_gap``, thresholds per
    group on the true P(y = 1 | x, a) are the most accurate (up to a coin tossed for
    those who lie on a threshold). Learned scores are only near it.

    Parameters
    ----------
    scores
        P(y = 1 | x, a), or what a model makes of it, (n,).
    y
        (n,), 0 or 1.
    groups
        (n,), 0 or 1.
    max_gap
        In [0, 1].
    steps
        Quantiles of each group's scores that are tried: steps² pairs.

    Returns
    -------
    FairThresholds

    Raises
    ------
    ValueError
        There are not exactly two groups with rows.

    References
    ----------
    Corbett-Davies et al. (2017), "Algorithmic decision making and the cost of
    fairness"; Menon & Williamson (2018), "The cost of fairness in binary
    classification".

    Examples
    --------
    >>> scores = torch.tensor([0.1, 0.6, 0.7, 0.9])
    >>> y, groups = torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 1, 1])
    >>> best_fair_thresholds(scores, y, groups, max_gap=1.0).accuracy
    1.0
    >>> best_fair_thresholds(scores, y, groups, max_gap=0.0).accuracy
    0.75
    """
    if set(groups.unique().tolist()) != {0, 1}:
        raise ValueError("The thresholds are sought for two groups, coded 0 and 1.")
    cuts, right, selected = zip(
        *(_curve(scores[groups == g], y[groups == g], steps) for g in (0, 1)),
        strict=True,
    )
    accuracy = (right[0][:, None] + right[1][None, :]) / len(y)
    gap = (selected[0][:, None] - selected[1][None, :]).abs()
    accuracy[gap > max_gap + 1e-12] = -1
    best = divmod(int(accuracy.argmax()), accuracy.shape[1])
    return FairThresholds(
        thresholds=(cuts[0][best[0]].item(), cuts[1][best[1]].item()),
        accuracy=accuracy[best].item(),
        gap=gap[best].item(),
    )


def _curve(scores: Tensor, y: Tensor, steps: int) -> Sequence[Tensor]:
    """Return thresholds, right decisions and selection rates of one group."""
    ordered = scores.double().sort().values
    positions = torch.linspace(0, len(ordered) - 1, min(steps, len(ordered))).long()
    cuts = torch.cat([ordered[positions].unique(), ordered[-1:] + 1])
    decisions = scores.double()[:, None] >= cuts
    right = (decisions == y.bool()[:, None]).sum(0).double()
    return cuts, right, decisions.double().mean(0)


@dataclass(frozen=True)
class FairRisk:
    """The best that a user of a representation of few values can do within a gap.

    Attributes
    ----------
    risk
        The share of wrong decisions.
    gap
        The difference of the two groups' selection rates, at most the one allowed.
    decisions
        The chance of a positive decision at each value, (K,); all 0 or 1 but at most
        one.
    """

    risk: float
    gap: float
    decisions: Tensor


def best_fair_risk(counts: Tensor, max_gap: float) -> FairRisk:
    """Find the best randomised decision by z within a selection rate gap, exactly.

    Minimise P(ŷ ≠ y) over all g(z) in [0, 1] with |E[g | a = 1] − E[g | a = 0]| ≤ Δ.
    Without the limit, g = [P(y = 1 | z) ≥ ½]. Turning the decision at z round costs
    |P(y = 1, z) − P(y = 0, z)| and moves the gap by |P(z | 1) − P(z | 0)|: turn the
    values round at which the gap costs least, the last one in part (a fractional
    knapsack, which solves this linear program).

    Parameters
    ----------
    counts
        Rows by group, outcome and value of z, (2, 2, K), or their shares; each group
        with a row. From :func:`fairtutor.theory.tradeoff.joint_counts`.
    max_gap
        Δ, in [0, 1].

    Returns
    -------
    FairRisk

    Raises
    ------
    FairtutorError
        The shape is another one, a group is empty, or the gap is no share.

    References
    ----------
    Menon & Williamson (2018), "The cost of fairness in binary classification": a
    threshold on P(y = 1 | z) shifted in proportion to P(a = 1 | z).

    Examples
    --------
    >>> counts = torch.tensor([[[6, 1], [1, 2]], [[2, 1], [1, 6]]])
    >>> [round(best_fair_risk(counts, gap).risk, 3) for gap in (1.0, 0.2, 0.0)]
    [0.2, 0.35, 0.5]
    """
    if counts.shape[:2] != (2, 2) or not (counts.sum((1, 2)) > 0).all():
        raise FairtutorError(
            f"The counts have shape {tuple(counts.shape)}; give (2, 2, K): two groups "
            "with rows, two outcomes, K values."
        )
    if not 0 <= max_gap <= 1:
        raise FairtutorError(f"max_gap is {max_gap!r}; use a number from 0 to 1.")
    shares = counts.double() / counts.sum()
    gain = (shares[:, 1] - shares[:, 0]).sum(0)  # of deciding yes at z
    given_group = shares.sum(1) / shares.sum((1, 2))[:, None]
    pull = given_group[1] - given_group[0]  # on the gap, of deciding yes at z
    g = (gain > 0).double()
    gap = (g * pull).sum()
    towards = pull * gap.sign()  # positive where a yes widens the gap
    narrows = torch.where(g > 0, towards, -towards).clamp(min=0)
    order = (gain.abs() / narrows).argsort()  # infinite where it would not narrow it
    excess = (gap.abs() - max_gap).clamp(min=0)
    before = narrows[order].cumsum(0) - narrows[order]
    turned = torch.zeros_like(g)
    turned[order] = ((excess - before) / narrows[order]).clamp(0, 1)
    turned[narrows == 0] = 0.0
    g = g + turned * (1 - 2 * g)
    risk = shares[:, 1].sum() - (g * gain).sum()
    return FairRisk(risk.item(), (g * pull).sum().abs().item(), g)


def exact_cost_of_mistrust(counts: Tensor, cells: Tensor, max_gap: float) -> float:
    """Return the cost of mistrust where x takes few values and its chances are known.

    C = min over g of R(g(z)) − min over h of R(h(x)), both within the same gap. As
    z = f(x), every g(z) is an h(x): C is never negative, and 0 if f merges nothing.

    Parameters
    ----------
    counts
        Rows by group, outcome and value of x, (2, 2, K), or their shares.
    cells
        Which value of z each value of x becomes, (K,), from 0.
    max_gap
        The gap that both users may have, in [0, 1].

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    FairtutorError
        As for :func:`best_fair_risk`.

    References
    ----------
    McNamara, Ong & Williamson (2019), "Costs and benefits of fair representation
    learning", AIES, who name it; here with a limit on the gap of both users.

    Examples
    --------
    >>> counts = torch.tensor([[[6, 1], [1, 2]], [[2, 1], [1, 6]]])
    >>> round(exact_cost_of_mistrust(counts, torch.tensor([0, 0]), 0.2), 3)
    0.15
    """
    merged = counts.new_zeros(2, 2, int(cells.max()) + 1)
    merged.index_add_(2, cells, counts)
    trusted, on_z = (best_fair_risk(c, max_gap).risk for c in (counts, merged))
    return max(0.0, on_z - trusted)  # below nought by rounding only


@dataclass(frozen=True)
class Beliefs:
    """What a user makes of each row: the chances of its outcome and of its group.

    Attributes
    ----------
    outcome
        P(y = 1 | ·), (n,) float.
    group
        P(a = 1 | ·), (n,) float. A user who sees the group has 0 or 1 here.
    """

    outcome: Tensor
    group: Tensor

    def rows(self, which: Tensor) -> "Beliefs":
        """Return the beliefs about some rows, given by number or as a mask."""
        return Beliefs(self.outcome[which], self.group[which])


@dataclass(frozen=True)
class FairRule:
    """Decide yes where P(y = 1 | ·) is above a threshold that depends on P(a = 1 | ·).

    Attributes
    ----------
    threshold
        ½; or ∞ for the rule that says no to all, −∞ for the one that says yes.
    slope
        λ: the threshold rises by λ/2 · (P(a = 1 | ·) / P(a = 1) −
        P(a = 0 | ·) / P(a = 0)).
    share
        P(a = 1).
    """

    threshold: float
    slope: float
    share: float

    def decide(self, beliefs: Beliefs) -> Tensor:
        """Return decisions, (n,) bool."""
        pull = _pull(beliefs.group, self.share)
        return beliefs.outcome.double() > self.threshold + self.slope / 2 * pull


def best_fair_rule(
    beliefs: Beliefs, y: Tensor, groups: Tensor, max_gap: float, steps: int = 400
) -> FairRule:
    """Choose the most accurate rule whose selection rates differ by little.

    Among all decisions by some features, group or no group among them, the best within
    a gap are of the kind of :class:`FairRule`, if the beliefs are the true chances (up
    to a coin tossed for rows on the threshold). Here λ is the one with the fewest
    errors on these rows; on others its errors, and its gap, may be larger.

    Parameters
    ----------
    beliefs
        About the n rows.
    y, groups
        (n,), 0 or 1.
    max_gap
        Largest difference of the two selection rates on these rows, in [0, 1]. No coin
        is tossed: near 0 hardly any rule but the constant ones has so small a gap.
    steps
        How many slopes are tried, beside none at all and saying no or yes to all.

    Returns
    -------
    FairRule

    Raises
    ------
    FairtutorError
        There are not exactly two groups with rows, or the gap is no share.

    References
    ----------
    Menon & Williamson (2018), "The cost of fairness in binary classification".

    Examples
    --------
    >>> y = groups = torch.tensor([0, 0, 1, 1])
    >>> beliefs = Beliefs(torch.tensor([0.2, 0.4, 0.6, 0.9]), groups.double())
    >>> best_fair_rule(beliefs, y, groups, max_gap=1.0).slope
    0.0
    >>> best_fair_rule(beliefs, y, groups, 0.0).decide(beliefs)
    tensor([False,  True, False,  True])
    """
    if set(groups.unique().tolist()) != {0, 1}:
        raise FairtutorError("A fair rule is sought for two groups, coded 0 and 1.")
    if not 0 <= max_gap <= 1:
        raise FairtutorError(f"max_gap is {max_gap!r}; use a number from 0 to 1.")
    share = groups.double().mean().item()
    pull = _pull(beliefs.group, share)
    bends = ((2 * beliefs.outcome.double() - 1) / pull).sort().values
    bends = bends[bends.isfinite()]
    middles = (bends[1:] + bends[:-1]) / 2
    picked = torch.linspace(0, max(len(middles) - 1, 0), min(steps, len(middles)))
    slopes = torch.cat([pull.new_zeros(1), middles[picked.long()]])
    cuts = 0.5 + slopes[:, None] / 2 * pull  # (rules, n)
    constant = torch.tensor([math.inf, -math.inf], dtype=cuts.dtype, device=cuts.device)
    cuts = torch.cat([cuts, constant[:, None].expand(2, len(y))])
    decisions = beliefs.outcome.double() > cuts
    right = (decisions == y.bool()).double().mean(1)
    gaps = decisions[:, groups == 1].double().mean(1)
    gaps = (gaps - decisions[:, groups == 0].double().mean(1)).abs()
    right[gaps > max_gap + 1e-12] = -1
    best = int(right.argmax())
    if best >= len(slopes):
        return FairRule(constant[best - len(slopes)].item(), 0.0, share)
    return FairRule(0.5, slopes[best].item(), share)


def _pull(group: Tensor, share: float) -> Tensor:
    """P(· | a = 1) / P(·) − P(· | a = 0) / P(·), by Bayes, (n,) float64."""
    group = group.double()
    return group / share - (1 - group) / (1 - share)
