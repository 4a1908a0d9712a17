"""Findings on individual metrics: whether similar people are treated similarly."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ..exchange import Criterion, FairnessCriteria, Finding
from ..similarity import Cells, disjoint_pairs, mean_pair_distance
from . import intervals
from .frame import Audited, Finder, scored, settle, shuffled
from .individual import cell_terms, consistency_terms, flips_kept

ROUNDING = 1e-6  # probabilities this close are equal (float32 rounds at 1e-7)


def _both(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> tuple[Tensor, Tensor]:
    """Return what is scored, of the audit rows and of the reference rows."""
    return tuple(
        scored(criterion.score, scores, criteria.threshold)
        for scores in (audited.scores, audited.reference_scores)
    )


def _mean_of(
    terms: Tensor, criterion: Criterion, criteria: FairnessCriteria, note: str = ""
) -> Finding:
    interval = intervals.mean_interval(shuffled(terms), criteria.error_budget)
    return settle(criterion, terms.mean().item(), interval, note=note)


def _share_of(
    happened: Tensor, criterion: Criterion, criteria: FairnessCriteria, note: str = ""
) -> Finding:
    k, n = int(happened.sum()), len(happened)
    interval = intervals.clopper_pearson(k, n, criteria.error_budget)
    return settle(criterion, k / n if n else math.nan, interval, note=note)


def _consistency(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    ours, theirs = _both(audited, criterion, criteria)
    rows = audited.X, ours, audited.reference, theirs
    terms = consistency_terms(*rows, criteria.neighbours, progress=audited.progress)
    return _mean_of(terms, criterion, criteria)


def _same_cell(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    cells = Cells.fit(audited.reference, criteria.cells)
    ours, theirs = _both(audited, criterion, criteria)
    terms = cell_terms(cells, audited.X, ours, audited.reference, theirs)
    taken = len(cells.assign(audited.X).unique())
    note = f"the {len(terms):,} rows fell in {taken} of {len(cells)} cells"
    return _mean_of(terms, criterion, criteria, note)


def _flips(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    flipped = audited.flips[criterion.attribute] >= criteria.threshold
    kept = flips_kept(audited.scores >= criteria.threshold, flipped)
    note = (
        f"{flipped.shape[1]} settings, all other columns as they are: it tells what "
        "the model does, not what causes what"
    )
    return _share_of(kept, criterion, criteria, note)


def _lipschitz(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    """Ask of random pairs of rows, each row in one pair, whether |p − p′| > L ρ."""
    first, second = (
        part.to(audited.X.device) for part in disjoint_pairs(len(audited.X))
    )
    unit = mean_pair_distance(audited.reference) or 1.0
    X, p = audited.X.double(), audited.scores.double()
    distances = (X[first] - X[second]).norm(dim=1) / unit
    gaps = (p[first] - p[second]).abs()
    violated = gaps > criteria.lipschitz * distances + ROUNDING
    ratios = torch.where(gaps > ROUNDING, gaps / distances, 0.0)
    largest = ratios.max().item() if len(ratios) else math.nan
    note = (
        f"{len(gaps):,} random pairs; the largest ratio among them is {largest:.3g}, "
        "which bounds no other pair's"
    )
    return _share_of(violated, criterion, criteria, note)


INDIVIDUAL_FINDERS: Mapping[str, Finder] = {
    "consistency": _consistency,
    "same_cell_same_treatment": _same_cell,
    "attribute_flip_consistency": _flips,
    "lipschitz_violations": _lipschitz,
}
