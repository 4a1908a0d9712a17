"""What a regulator notices beyond its criteria: reasons to look more closely."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..exchange import FairnessCriteria
from .frame import Audited

FEW_SCORES = 10
LEAST_OF_COLUMNS = 0.5

Flag = Callable[[Audited, FairnessCriteria], str]


def constant_decision(audited: Audited, criteria: FairnessCriteria) -> str:
    """Notice a model that decides the same of everyone, fair in a hollow way."""
    scores = _all_scores(audited)
    positive = int((scores >= criteria.threshold).sum())
    if not len(scores) or 0 < positive < len(scores):
        return ""
    decision = "positive" if positive else "negative"
    return f"All {len(scores):,} rows get the {decision} decision."


def few_scores(audited: Audited, criteria: FairnessCriteria) -> str:
    """Notice scores that take so few values that they are decisions in disguise."""
    scores = _all_scores(audited)
    distinct = len(scores.unique())
    if not 0 < distinct < FEW_SCORES <= len(scores):
        return ""
    values = "value" if distinct == 1 else "different values"
    return f"The scores take only {distinct} {values} on {len(scores):,} rows."


def idle_columns(audited: Audited, criteria: FairnessCriteria) -> str:
    """Notice a representation most of whose columns are constant or repeated."""
    if audited.Z is None:
        return ""
    Z = torch.cat([audited.Z, audited.Z_reference])
    varying = Z[:, (Z[:1] != Z).any(0)]
    distinct = len(torch.unique(varying.T, dim=0)) if varying.shape[1] else 0
    if distinct >= LEAST_OF_COLUMNS * Z.shape[1]:
        return ""
    return (
        f"Of the representation's {Z.shape[1]} columns only {distinct} tell people "
        f"apart; {Z.shape[1] - varying.shape[1]} are constant, "
        f"{varying.shape[1] - distinct} repeat another."
    )


def small_groups(audited: Audited, criteria: FairnessCriteria) -> str:
    """Notice groups that are too small for any criterion to be met."""
    minimum = criteria.min_group_size
    small = {
        f"{name} ({n})": None
        for codes, names in audited.groups.values()
        for name, n in zip(
            names, codes.bincount(minlength=len(names)).tolist(), strict=True
        )
        if n < minimum
    }
    if not small:
        return ""
    return (
        f"Too small to be judged, with fewer than {minimum} audit rows: "
        f"{', '.join(small)}."
    )


FLAGS: tuple[Flag, ...] = (constant_decision, few_scores, idle_columns, small_groups)


def flags(audited: Audited, criteria: FairnessCriteria) -> tuple[str, ...]:
    """Return a sentence for everything that is odd about what was handed in.

    A flag is no verdict: it needs no tolerance, and an honest model may raise it.

    Parameters
    ----------
    audited
        What an audit looked at.
    criteria
        For threshold and group size.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> from fairtutor.exchange import Criterion
    >>> rows, nobody = torch.zeros(50, 2), torch.zeros(50)
    >>> audited = Audited(nobody, nobody, {}, rows, rows, nobody)
    >>> flags(audited, FairnessCriteria((Criterion("accuracy", 0.8),)))[0]
    'All 100 rows get the negative decision.'
    """
    said = (flag(audited, criteria) for flag in FLAGS)
    return tuple(sentence for sentence in said if sentence)


def _all_scores(audited: Audited) -> Tensor:
    if audited.scores is None:
        return torch.empty(0)
    return torch.cat([audited.scores, audited.reference_scores.to(audited.scores)])
