"""From a model's scores to findings with intervals and verdicts."""

import math
from collections.abc import Mapping

from torch import Tensor

from ..exchange import Criterion, FairnessCriteria, Finding, GroupRate
from ..similarity import disjoint_triplets, triplet_agreement
from .frame import Audited, Finder, settle, shuffled, too_small
from .group_findings import GROUP_FINDERS
from .individual_findings import INDIVIDUAL_FINDERS
from .intervals import clopper_pearson
from .probes import Leakage, leakage, trees


def audit(audited: Audited, criteria: FairnessCriteria) -> tuple[Finding, ...]:
    """Answer every criterion with an estimate, an interval and a verdict.

    Parameters
    ----------
    audited
        What to look at. Without scores, there is no model, and all metrics but those
        of the representation stay undecided.
    criteria
        What is asked. Its error budget makes all intervals of all rounds hold
        together.

    Returns
    -------
    tuple of Finding
        One per criterion, in order.

    Examples
    --------
    >>> import torch
    >>> y = torch.tensor([0, 1] * 200)
    >>> sex = (torch.arange(400) < 200).long()
    >>> X = torch.zeros(400, 1)
    >>> audited = Audited(y, y.double(), {("sex",): (sex, ("f", "m"))}, X, X, y)
    >>> criterion = Criterion("selection_rate_difference", 0.2, "sex")
    >>> findings = audit(audited, FairnessCriteria((criterion,)))
    >>> findings[0].verdict
    'meets'
    """
    return tuple(_find(audited, criterion, criteria) for criterion in criteria.criteria)


def _find(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    missing = (
        "a representation"
        if criterion.spec.kind == "representation" and audited.Z is None
        else "a model"
        if criterion.spec.kind != "representation" and audited.scores is None
        else ""
    )
    if missing:
        note = f"needs {missing}, and none was handed in"
        return settle(criterion, math.nan, (0.0, 1.0), note=note)
    return FINDERS[criterion.metric](audited, criterion, criteria)


def _judgement_agreement(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    """Compare distances in z with judgements of which no two are about the same row.

    Only such judgements are independent, as the interval of a share wants them.
    """
    if audited.judgements is None:
        return settle(criterion, math.nan, (0.0, 1.0), note="nobody judged these rows")
    used = disjoint_triplets(audited.judgements)
    n, note = len(used), f"{len(used)} judgements, nobody in two of them"
    if n < criteria.min_group_size:
        note += f"; {criteria.min_group_size} are needed"
        return settle(criterion, math.nan, (0.0, 1.0), note=note)
    agreed = triplet_agreement(audited.Z, used)
    whole = [math.floor(agreed * n + 1e-9), math.ceil(agreed * n - 1e-9)]  # ties
    limits = clopper_pearson(whole, n, criteria.error_budget)
    return settle(criterion, agreed, (limits[0][0], limits[1][1]), note=note)


def _leakage(
    audited: Audited, criterion: Criterion, criteria: FairnessCriteria
) -> Finding:
    """Train probes on the reference rows' z, and score them on the audit rows'.

    Where audit rows tell more than the reference rows, nothing bounds the leakage from
    above: the criterion can be violated and not met.
    """
    codes, names = audited.groups[criterion.attribute]
    told = leakage(
        audited.Z_reference,
        audited.reference_groups[criterion.attribute],
        audited.Z,
        codes,
        len(names),
        alpha=criteria.error_budget,
        min_group_size=criteria.min_group_size,
        progress=audited.progress,
    )
    shown = tuple(
        GroupRate(
            probe.name, len(codes), probe.balanced_accuracy, probe.lower, probe.upper
        )
        for probe in told.families
    )
    sizes = codes.bincount(minlength=len(names)).tolist()
    note = (
        f"bounds these {len(shown)} probes and no others; chance is {told.chance:.3g}"
    )
    small = too_small(sizes, names, criteria.min_group_size)
    hidden, upper = _hidden(audited, codes, told, criteria.min_group_size), told.upper
    if hidden:
        upper = 1.0
    note = "; ".join(filter(None, (small, hidden, note)))
    return settle(criterion, told.estimate, (told.lower, upper), shown, note)


def _hidden(audited: Audited, codes: Tensor, told: Leakage, minimum: int) -> str:
    """Say so if trees that learn on audit rows tell more than any probe above.

    The reference people are known. A representation can keep quiet about them alone,
    and then whoever learns on them learns nothing. Of the audit rows it knows none.
    """
    half = len(codes) // 2
    if half == 0:
        return ""
    (learn, score), (of, truth) = (
        (part[:half], part[half:]) for part in map(shuffled, (audited.Z, codes))
    )
    options = {"families": {"trees": trees}, "min_group_size": minimum}
    fresh = leakage(
        learn, of, score, truth, told.num_groups, alpha=told.alpha, **options
    )
    if fresh.lower <= told.upper:
        return ""
    return (
        f"trees that learn on half of the audit rows tell at least {fresh.lower:.3f} "
        "on the other half: the reference rows may be encoded differently"
    )


FINDERS: Mapping[str, Finder] = {
    **GROUP_FINDERS,
    **INDIVIDUAL_FINDERS,
    "judgement_agreement": _judgement_agreement,
    "leakage": _leakage,
}
