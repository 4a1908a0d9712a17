"""Findings on group metrics: what the groups of a sensitive attribute get."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..exchange import Criterion, FairnessCriteria, Finding, GroupRate
from . import intervals
from .frame import (
    OWN_ALPHA,
    Audited,
    Finder,
    group_rates,
    scored,
    settle,
    shuffled,
    too_small,
)
from .group import group_counts, weighed

SCORE_BINS = 5
LEAST_COMPARED = 0.5  # of each group's rows, for groups to be called calibrated

Parts = list[tuple[int, int]]


def _parts(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria, rate: str
) -> tuple[Parts, tuple[str, ...]]:
    """Return (successes, trials) of a rate in each group, and the groups' names."""
    codes, names = audited.groups[criterion.attribute]
    decisions = audited.scores >= criteria.threshold
    counts = group_counts(audited.y, decisions, codes, len(names))
    successes, trials = weighed(counts, rate)
    return list(zip(successes.tolist(), trials.tolist(), strict=True)), names


def _shown(parts: Parts, names: Sequence[str], of: str = "") -> tuple[GroupRate, ...]:
    successes, trials = zip(*parts, strict=True)
    return group_rates(successes, trials, [f"{name}{of}" for name in names])


def _gap(shares: list[float]) -> float:
    """Return the largest difference between groups that have rows."""
    known = [share for share in shares if not math.isnan(share)]
    return max(known) - min(known) if len(known) > 1 else math.nan


def _shares(parts: Parts) -> list[float]:
    return [k / n for k, n in parts if n > 0]


def _sizes(parts: Parts) -> list[int]:
    return [n for _, n in parts]


def _difference_of(rate: str) -> Finder:
    def find(
        audited: Audited, criterion: Criterion, criteria: FairnessCriteria
    ) -> Finding:
        parts, names = _parts(audited, criterion, criteria, rate)
        minimum = criteria.min_group_size
        interval = intervals.largest_difference(
            parts, criteria.error_budget, minimum, method=criteria.intervals
        )
        note = too_small(_sizes(parts), names, minimum)
        estimate = _gap(_shares(parts))
        return settle(criterion, estimate, interval, _shown(parts, names), note)

    return find


def _selection_ratio(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    parts, names = _parts(audited, criterion, criteria, "selection rate")
    shares, minimum = _shares(parts), criteria.min_group_size
    compared = len(shares) > 1 and max(shares) > 0
    estimate = min(shares) / max(shares) if compared else math.nan
    interval = intervals.smallest_ratio(
        parts, criteria.error_budget, minimum, method=criteria.intervals
    )
    note = too_small(_sizes(parts), names, minimum)
    if shares and max(shares) == 0:
        note = "nobody got the positive decision, so there is no ratio"
    return settle(criterion, estimate, interval, _shown(parts, names), note)


def _equalized_odds(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    """Return the larger of two gaps, with one interval for both together."""
    minimum, tables, shown, notes = criteria.min_group_size, [], (), []
    for rate, of in (("true positive rate", "y = 1"), ("false positive rate", "y = 0")):
        parts, names = _parts(audited, criterion, criteria, rate)
        tables.append(parts)
        shown += _shown(parts, names, f", {of}")
        notes.append(too_small(_sizes(parts), [f"{n}, {of}" for n in names], minimum))
    interval = intervals.largest_difference_within(
        tables, criteria.error_budget, minimum, method=criteria.intervals
    )
    gaps = [_gap(_shares(parts)) for parts in tables]
    estimate = math.nan if any(map(math.isnan, gaps)) else max(gaps)
    note = "; ".join(filter(None, notes))
    return settle(criterion, estimate, interval, shown, note)


def _mean_score(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    """Compare the groups' means of a score in [0, 1], whatever its distribution."""
    codes, names = audited.groups[criterion.attribute]
    values = scored(criterion.score, audited.scores, criteria.threshold, audited.y)
    values, codes = shuffled(values), shuffled(codes)
    by_group = [values[codes == code] for code in range(len(names))]
    minimum, sizes = criteria.min_group_size, [len(group) for group in by_group]
    interval = intervals.largest_mean_difference(
        by_group, criteria.error_budget, minimum
    )
    shown = tuple(
        GroupRate(
            name,
            len(group),
            group.mean().item(),
            *map(float, intervals.mean_interval(group, OWN_ALPHA)),
        )
        for name, group in zip(names, by_group, strict=True)
    )
    note = too_small(sizes, names, minimum)
    return settle(criterion, _gap([g.rate for g in shown]), interval, shown, note)


def _accuracy(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    decisions = audited.scores >= criteria.threshold
    right, n = int((decisions == audited.y.bool()).sum()), len(audited.y)
    interval = intervals.clopper_pearson(right, n, criteria.error_budget)
    return settle(criterion, right / n, interval)


def _calibration(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    """Compare the groups' outcomes bin by bin, where two or more have enough rows.

    Who has nobody to be compared with stays unknown: if that is most of a group, the
    gap may be anything up to 1, and only a violation can be found.
    """
    names = audited.groups[criterion.attribute][1]
    positive, trials = _by_bin(audited, criterion)
    enough = trials >= criteria.min_group_size
    compared = {
        b: enough[b].nonzero().ravel().tolist()
        for b in range(SCORE_BINS)
        if enough[b].sum() > 1
    }
    note = f"compared in {len(compared)} of {SCORE_BINS} score bins"
    if not compared:
        return settle(criterion, math.nan, (0.0, 1.0), note=note)
    tables = [
        list(zip(positive[b, who].tolist(), trials[b, who].tolist(), strict=True))
        for b, who in compared.items()
    ]
    lower, upper = intervals.largest_difference_within(
        tables, criteria.error_budget, method=criteria.intervals
    )
    covered = _least_compared(trials, enough)
    note += f", at least {covered:.0%} of each group with each other"
    if covered < LEAST_COMPARED:
        upper = 1.0
    shown = [
        _shown(
            parts,
            [names[g] for g in who],
            f", score {b / SCORE_BINS:g}–{(b + 1) / SCORE_BINS:g}",
        )
        for (b, who), parts in zip(compared.items(), tables, strict=True)
    ]
    estimate = max(_gap(_shares(parts)) for parts in tables)
    return settle(criterion, estimate, (lower, upper), sum(shown, ()), note)


def _least_compared(trials: Tensor, enough: Tensor) -> float:
    """Return the smallest share of a group that is compared with another group."""
    together = (trials * enough).double().T @ enough.double()
    shares = together / trials.sum(0).clamp(min=1)[:, None]
    return shares.min().item()  # with itself a group is compared most


def _by_bin(audited: Audited, criterion: Criterion) -> tuple[Tensor, Tensor]:
    """Return positive outcomes and rows, by score bin and group, on the CPU."""
    codes, names = audited.groups[criterion.attribute]
    bins = (audited.scores * SCORE_BINS).long().clamp_(max=SCORE_BINS - 1)
    cells = bins * len(names) + codes
    size = SCORE_BINS * len(names)
    trials = torch.bincount(cells, minlength=size).view(SCORE_BINS, -1)
    positive = torch.bincount(cells[audited.y == 1], minlength=size)
    return positive.view(SCORE_BINS, -1).cpu(), trials.cpu()


GROUP_FINDERS: Mapping[str, Finder] = {
    "selection_rate_difference": _difference_of("selection rate"),
    "selection_rate_ratio": _selection_ratio,
    "true_positive_rate_difference": _difference_of("true positive rate"),
    "false_positive_rate_difference": _difference_of("false positive rate"),
    "equalized_odds_difference": _equalized_odds,
    "predictive_parity_difference": _difference_of("positive predictive value"),
    "accuracy_difference": _difference_of("accuracy"),
    "calibration_gap": _calibration,
    "mean_score_difference": _mean_score,
    "accuracy": _accuracy,
}
