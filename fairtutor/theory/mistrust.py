"""The cost of mistrust: what it costs to hand on z instead of trusting with x."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


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
    group on P(y = 1 | x) are the most accurate.

    Parameters
    ----------
    scores
        P(y = 1 | x), (n,).
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
