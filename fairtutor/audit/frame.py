"""What every finding is made from and how it is settled, whatever the metric."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..data.splits import permutation
from ..exchange import Criterion, FairnessCriteria, Finding, GroupRate
from . import intervals

OWN_ALPHA = 0.05  # of the rates shown beside a finding, each for itself

Groups = Mapping[tuple[str, ...], tuple[Tensor, tuple[str, ...]]]


@dataclass(frozen=True)
class Audited:
    """Everything an audit looks at.

    The reference rows are fixed before the audit rows are drawn, and disjoint from
    them. A representation alone has no scores, and a model alone has no z.

    Attributes
    ----------
    y, scores
        True outcomes and P(y = 1) of the audit rows, (n,); scores may be ``None``.
    groups
        For each attribute or intersection, (codes (n,), group names).
    X
        The regulator's features without sensitive columns, (n, d).
    reference, reference_scores
        The same of the reference rows, (m, d) and (m,).
    flips
        For each attribute of a flip metric, P(y = 1) under its S settings, (n, S).
    Z, Z_reference
        Representations, (n, k) and (m, k).
    reference_groups
        Group codes of the reference rows, (m,), where probes need them.
    judgements
        An arbiter's triplets of audit rows, (m, 3): a is more like b than like c.
    progress
        Whether probes and searches may show a bar.
    """

    y: Tensor
    scores: Tensor | None
    groups: Groups
    X: Tensor
    reference: Tensor
    reference_scores: Tensor | None
    flips: Mapping[tuple[str, ...], Tensor] = field(default_factory=dict)
    Z: Tensor | None = None
    Z_reference: Tensor | None = None
    reference_groups: Mapping[tuple[str, ...], Tensor] = field(default_factory=dict)
    judgements: Tensor | None = None
    progress: bool = False


Finder = Callable[[Audited, Criterion, FairnessCriteria], Finding]


def settle(
    criterion: Criterion,
    estimate: float,
    interval: intervals.Interval,
    groups: tuple[GroupRate, ...] = (),
    note: str = "",
) -> Finding:
    """Return the finding with its verdict.

    Parameters
    ----------
    criterion
        What was asked.
    estimate
        NaN if it cannot be computed; the interval is then all of [0, 1].
    interval
        Lower and upper limit, widened to hold the estimate.
    groups, note
        As in :class:`fairtutor.exchange.Finding`.

    Examples
    --------
    >>> settle(Criterion("accuracy", 0.8), math.nan, (0.9, 1.0)).verdict
    'undecided'
    """
    lower, upper = (float(limit) for limit in interval)
    lower, upper = min(lower, estimate), max(upper, estimate)
    if math.isnan(estimate):
        lower, upper = 0.0, 1.0
    verdict = criterion.verdict(lower, upper)
    return Finding(criterion, estimate, lower, upper, verdict, groups, note)


def scored(
    score: str, scores: Tensor, threshold: float, y: Tensor | None = None
) -> Tensor:
    """Return what is scored of each person.

    Parameters
    ----------
    score
        ``"decision"``: ŷ; ``"probability"``: p; ``"loss"``: |y − p|, the chance that
        a decision drawn with probability p is wrong.
    scores
        p = P(y = 1), (n,).
    threshold
        The score from which a decision is positive.
    y
        True outcomes, (n,), for the loss.

    Returns
    -------
    torch.Tensor
        (n,) float64 in [0, 1].

    Examples
    --------
    >>> p, y = torch.tensor([0.25, 0.75]), torch.tensor([1, 1])
    >>> [scored(s, p, 0.5, y).tolist() for s in ("decision", "probability", "loss")]
    [[0.0, 1.0], [0.25, 0.75], [0.75, 0.25]]
    """
    if score == "decision":
        return (scores >= threshold).double()
    p = scores.double()
    return p if score == "probability" else (y.double() - p).abs()


def shuffled(values: Tensor) -> Tensor:
    """Return values of rows, (n, ...), in an order drawn without a look at them.

    Rows keep the order of their table, which may say something about them; intervals
    that look at one value after the other need one that does not. Equal n, equal order.

    Examples
    --------
    >>> shuffled(torch.arange(4)).tolist()
    [3, 2, 1, 0]
    """
    order = torch.from_numpy(permutation(len(values), seed=0))
    return values[order.to(values.device)]


def group_rates(
    successes: Iterable[int], trials: Iterable[int], names: Iterable[str]
) -> tuple[GroupRate, ...]:
    """Return each group's rate with a 95% interval of its own, for tables and figures.

    Parameters
    ----------
    successes, trials
        As from :func:`fairtutor.audit.weighed`, one of each per group.
    names
        Of the groups.

    Returns
    -------
    tuple of GroupRate
        The interval is Wilson's; a group without trials has the rate NaN.

    Examples
    --------
    >>> group_rates([3], [10], ["Female"])[0].rate
    0.3
    """
    return tuple(
        GroupRate(
            str(name),
            n,
            k / n if n else math.nan,
            *map(float, intervals.wilson(k, n, OWN_ALPHA)),
        )
        for k, n, name in zip(map(int, successes), map(int, trials), names, strict=True)
    )


def too_small(sizes: Iterable[int], names: Iterable[str], minimum: int) -> str:
    """Return a note that names the groups with fewer rows than the minimum, or ``""``.

    Examples
    --------
    >>> too_small([100, 3], ["Female", "Male"], 30)
    'fewer than 30 rows: Male (3)'
    """
    small = [
        f"{name} ({n})" for n, name in zip(sizes, names, strict=True) if n < minimum
    ]
    return f"fewer than {minimum} rows: {', '.join(small)}" if small else ""
