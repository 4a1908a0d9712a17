"""From a model's decisions to findings with intervals and verdicts."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..exchange import Criterion, FairnessCriteria, Finding, GroupRate
from . import intervals
from .group import group_counts, weighed
from .individual import consistency_terms

SCORE_BINS = 5
OWN_ALPHA = 0.05  # of the rates shown beside a finding, each for itself

Parts = list[tuple[int, int]]


@dataclass(frozen=True)
class Audited:
    """Everything an audit looks at.

    Attributes
    ----------
    y, scores
        True outcomes and P(y = 1) of the audit rows, (n,).
    groups
        For each attribute or intersection, (codes (n,), group names).
    X
        The regulator's features without sensitive columns, (n, d).
    reference, reference_scores
        The fixed reference set of the consistency metric, (m, d) and (m,).
    """

    y: Tensor
    scores: Tensor
    groups: Mapping[tuple[str, ...], tuple[Tensor, tuple[str, ...]]]
    X: Tensor
    reference: Tensor
    reference_scores: Tensor


def audit(audited: Audited, criteria: FairnessCriteria) -> tuple[Finding, ...]:
    """Answer every criterion with an estimate, an interval and a verdict.

    Parameters
    ----------
    audited
        What to look at.
    criteria
        What is asked. Its error budget makes all intervals of all rounds hold
        together.

    Returns
    -------
    tuple of Finding
        One per criterion, in order.

    Examples
    --------
    >>> y = torch.tensor([0, 1] * 200)
    >>> sex = (torch.arange(400) < 200).long()
    >>> X = torch.zeros(400, 1)
    >>> audited = Audited(y, y.double(), {("sex",): (sex, ("f", "m"))}, X, X, y)
    >>> criterion = Criterion("selection_rate_difference", 0.2, "sex")
    >>> findings = audit(audited, FairnessCriteria((criterion,)))
    >>> findings[0].verdict
    'meets'
    """
    return tuple(
        _FINDERS[criterion.metric](audited, criterion, criteria)
        for criterion in criteria.criteria
    )


def _finding(
    criterion: Criterion,
    estimate: float,
    interval: tuple[float, float],
    groups: tuple[GroupRate, ...] = (),
    note: str = "",
) -> Finding:
    lower, upper = (float(limit) for limit in interval)
    lower, upper = min(lower, estimate), max(upper, estimate)
    if math.isnan(estimate):
        lower, upper = 0.0, 1.0
    verdict = criterion.verdict(lower, upper)
    return Finding(criterion, estimate, lower, upper, verdict, groups, note)


def _parts(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria, rate: str
) -> tuple[Parts, tuple[str, ...]]:
    """Return (successes, trials) of a rate in each group, and the groups' names."""
    codes, names = audited.groups[criterion.attribute]
    decisions = audited.scores >= criteria.threshold
    counts = group_counts(audited.y, decisions, codes, len(names))
    successes, trials = weighed(counts, rate)
    return list(zip(successes.tolist(), trials.tolist(), strict=True)), names


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


def _shown(parts: Parts, names: tuple[str, ...], of: str = "") -> tuple[GroupRate, ...]:
    successes, trials = zip(*parts, strict=True)
    return group_rates(successes, trials, [f"{name}{of}" for name in names])


def _too_small(parts: Parts, names: tuple[str, ...], minimum: int) -> str:
    small = [
        f"{name} ({n})"
        for (_, n), name in zip(parts, names, strict=True)
        if n < minimum
    ]
    return f"fewer than {minimum} rows: {', '.join(small)}" if small else ""


def _shares(parts: Parts) -> list[float]:
    return [k / n for k, n in parts if n > 0]


def _difference_of(rate: str) -> Callable[..., Finding]:
    def find(
        audited: Audited, criterion: Criterion, criteria: FairnessCriteria
    ) -> Finding:
        parts, names = _parts(audited, criterion, criteria, rate)
        shares, minimum = _shares(parts), criteria.min_group_size
        estimate = max(shares) - min(shares) if len(shares) > 1 else math.nan
        interval = intervals.largest_difference(parts, criteria.error_budget, minimum)
        note = _too_small(parts, names, minimum)
        return _finding(criterion, estimate, interval, _shown(parts, names), note)

    return find


def _selection_ratio(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    parts, names = _parts(audited, criterion, criteria, "selection rate")
    shares, minimum = _shares(parts), criteria.min_group_size
    estimate = min(shares) / max(shares) if shares and max(shares) > 0 else math.nan
    interval = intervals.smallest_ratio(parts, criteria.error_budget, minimum)
    note = _too_small(parts, names, minimum)
    if math.isnan(estimate):
        note = "nobody got the positive decision, so there is no ratio"
    return _finding(criterion, estimate, interval, _shown(parts, names), note)


def _equalized_odds(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    """Return the larger of two gaps; each interval takes half of the error budget."""
    gaps, limits, shown, notes = [], [], (), []
    for rate, of in (("true positive rate", "y = 1"), ("false positive rate", "y = 0")):
        parts, names = _parts(audited, criterion, criteria, rate)
        shares = _shares(parts)
        gaps.append(max(shares) - min(shares) if len(shares) > 1 else math.nan)
        half = criteria.error_budget / 2
        limits.append(
            intervals.largest_difference(parts, half, criteria.min_group_size)
        )
        shown += _shown(parts, names, f", {of}")
        notes.append(
            _too_small(parts, [f"{n}, {of}" for n in names], criteria.min_group_size)
        )
    interval = max(low for low, _ in limits), max(high for _, high in limits)
    estimate = math.nan if any(math.isnan(gap) for gap in gaps) else max(gaps)
    return _finding(
        criterion, estimate, interval, shown, "; ".join(filter(None, notes))
    )


def _accuracy(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    decisions = audited.scores >= criteria.threshold
    right, n = int((decisions == audited.y.bool()).sum()), len(audited.y)
    interval = intervals.clopper_pearson(right, n, criteria.error_budget)
    return _finding(criterion, right / n, interval)


def _calibration(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    """Compare the groups' outcomes bin by bin, where each group has enough rows."""
    codes, names = audited.groups[criterion.attribute]
    bins = (audited.scores * SCORE_BINS).long().clamp_(max=SCORE_BINS - 1)
    cells = bins * len(names) + codes
    size = SCORE_BINS * len(names)
    trials = torch.bincount(cells, minlength=size).view(SCORE_BINS, -1).tolist()
    positive = torch.bincount(cells[audited.y == 1], minlength=size)
    positive = positive.view(SCORE_BINS, -1).tolist()
    compared = {
        b: list(zip(positive[b], trials[b], strict=True))
        for b in range(SCORE_BINS)
        if min(trials[b]) >= criteria.min_group_size
    }
    note = f"compared in {len(compared)} of {SCORE_BINS} score bins"
    if not compared:
        return _finding(criterion, math.nan, (0.0, 1.0), note=note)
    alpha = criteria.error_budget / len(compared)
    limits = [intervals.largest_difference(parts, alpha) for parts in compared.values()]
    interval = max(low for low, _ in limits), max(high for _, high in limits)
    gaps = [max(_shares(parts)) - min(_shares(parts)) for parts in compared.values()]
    shown = sum(
        (
            _shown(parts, names, f", score {b / SCORE_BINS:g}–{(b + 1) / SCORE_BINS:g}")
            for b, parts in compared.items()
        ),
        (),
    )
    return _finding(criterion, max(gaps), interval, shown, note)


def _consistency(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    terms = consistency_terms(
        audited.X,
        audited.scores >= criteria.threshold,
        audited.reference,
        audited.reference_scores >= criteria.threshold,
        criteria.neighbours,
    )
    mean = terms.mean().item()
    interval = intervals.bounded_mean(mean, len(terms), criteria.error_budget)
    return _finding(criterion, mean, interval)


_FINDERS: Mapping[str, Callable[..., Finding]] = {
    "selection_rate_difference": _difference_of("selection rate"),
    "selection_rate_ratio": _selection_ratio,
    "true_positive_rate_difference": _difference_of("true positive rate"),
    "false_positive_rate_difference": _difference_of("false positive rate"),
    "equalized_odds_difference": _equalized_odds,
    "accuracy": _accuracy,
    "calibration_gap": _calibration,
    "consistency": _consistency,
}
