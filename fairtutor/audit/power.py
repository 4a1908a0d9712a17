"""Planning an audit: how likely each verdict is, and how many rows one needs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from ..exchange.values import Number, require_number
from . import intervals

VERDICTS = ("meets", "undecided", "violates")
MOST_ROWS = 10_000_000
NEGLIGIBLE = 1e-11  # of a binomial's mass, left out at each end
ALLOWED: Mapping[str, Number] = {
    "rows": Number(2, MOST_ROWS, whole=True),
    "share": Number(0.001, 0.5),
    "rate": Number(0, 1),
    "tolerance": Number(0, 1),
    "confidence": Number(0.5, 0.9999),
    "findings": Number(1, 10_000, whole=True),
    "min_group_size": Number(1, MOST_ROWS, whole=True),
}


@dataclass(frozen=True)
class AuditPlan:
    """What is known about a fixed-sample audit of two groups before it is done.

    Attributes
    ----------
    rows
        Audit rows in all.
    share
        The smaller group's share of them, above 0 and at most one half.
    rate
        Selection rate of the group that is selected less often: the smaller one.
    tolerance
        The largest difference of selection rates that meets the criterion.
    confidence
        Of all findings together.
    findings
        How many findings, of all criteria and rounds, share the error budget.
    min_group_size
        With fewer rows in a group there is no verdict.

    Raises
    ------
    FairtutorError
        A value is out of its range; the message names it.

    Examples
    --------
    >>> plan = AuditPlan(rows=2800, share=0.33, rate=0.08, findings=5)
    >>> plan.sizes, plan.error_budget
    ((924, 1876), 0.01)
    """

    rows: int
    share: float = 0.5
    rate: float = 0.3
    tolerance: float = 0.1
    confidence: float = 0.95
    findings: int = 1
    min_group_size: int = 30

    def __post_init__(self) -> None:
        for name, allowed in ALLOWED.items():
            number = require_number(name, getattr(self, name), allowed, name)
            object.__setattr__(self, name, number)

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows of the smaller and of the larger group, at least one each."""
        smaller = max(1, round(self.share * self.rows))
        return smaller, self.rows - smaller

    @property
    def error_budget(self) -> float:
        """The chance of error left to one finding (Bonferroni)."""
        return round((1 - self.confidence) / self.findings, 12)


def verdict_chances(gap: float, plan: AuditPlan) -> dict[str, float]:
    """Return the chance of each verdict, given the true gap.

    Parameters
    ----------
    gap
        True difference: the larger group's selection rate minus ``plan.rate``.
    plan
        Of the audit, which uses the interval of
        :func:`fairtutor.audit.intervals.difference`.

    Returns
    -------
    dict
        Chances of ``"meets"``, ``"undecided"`` and ``"violates"``, which add up to 1.

    Raises
    ------
    FairtutorError
        The rate and the gap give a share below 0 or above 1.

    Notes
    -----
    Exact: binomial probabilities are summed, apart from tails of 1e-11. For each count
    k₀ of the smaller group, both limits of the interval rise with the other count k₁,
    so each verdict holds on a range of k₁ whose ends a bisection finds.

    Examples
    --------
    >>> chances = verdict_chances(0.18, AuditPlan(rows=2800, share=0.33, rate=0.08))
    >>> round(chances["violates"], 3)
    1.0
    >>> chances = verdict_chances(0.1, AuditPlan(rows=2000))
    >>> round(chances["meets"], 3)
    0.025
    """
    from scipy.stats import binom

    larger_rate = _larger_rate(gap, plan)
    if min(plan.sizes) < plan.min_group_size:
        return {"meets": 0.0, "undecided": 1.0, "violates": 0.0}
    n0, n1 = plan.sizes
    k0, weights = _likely(binom(n0, plan.rate))
    law = binom(n1, larger_rate)
    k1, _ = _likely(law)

    def below(side: int, limit: float) -> np.ndarray:
        """P(the lower (0) or upper (1) limit of p₁ − p₀ ≤ limit), for each k₀."""
        return law.cdf(_last_at_most(k0, k1, plan, side, limit))

    t = plan.tolerance
    violates = 1 - below(0, t) + below(1, np.nextafter(-t, -1))
    meets = below(1, t) - below(0, np.nextafter(-t, -1))
    meets = float(weights @ np.clip(meets, 0, 1))
    violates = float(weights @ np.clip(violates, 0, 1))
    undecided = max(0.0, 1 - meets - violates)
    return dict(zip(VERDICTS, (meets, undecided, violates), strict=True))


def _larger_rate(gap: float, plan: AuditPlan) -> float:
    rate = plan.rate + require_number("gap", gap, Number(-1, 1), "gap")
    if not -1e-12 <= rate <= 1 + 1e-12:
        raise FairtutorError(
            f"The rate {plan.rate:g} and the gap {gap:g} give the other group "
            f"{rate:g}; use a gap from {-plan.rate:g} to {1 - plan.rate:g}."
        )
    return min(max(rate, 0.0), 1.0)


def _likely(law) -> tuple[np.ndarray, np.ndarray]:
    """Return the counts that matter and their probabilities."""
    counts = np.arange(int(law.ppf(NEGLIGIBLE)), int(law.isf(NEGLIGIBLE)) + 1)
    probabilities = law.pmf(counts)
    return counts, probabilities / probabilities.sum()


def _last_at_most(
    k0: np.ndarray, k1: np.ndarray, plan: AuditPlan, side: int, limit: float
) -> np.ndarray:
    """Return the largest k₁ at which a limit of the interval is at most ``limit``.

    It is sought among the counts that matter; one less than the first says "none".
    """
    n0, n1 = plan.sizes
    low, high = np.full(len(k0), k1[0] - 1), np.full(len(k0), k1[-1] + 1)
    while (high - low).max() > 1:
        middle = np.clip((low + high) // 2, k1[0], k1[-1])
        found = intervals.difference((middle, n1), (k0, n0), plan.error_budget)[side]
        at_most = found <= limit
        low = np.where(at_most & (high - low > 1), middle, low)
        high = np.where(~at_most & (high - low > 1), middle, high)
    return low


def rows_needed(gap: float, plan: AuditPlan, chance: float = 0.8) -> int:
    """Return how many rows an audit needs to tell on which side the gap lies.

    Parameters
    ----------
    gap
        As for :func:`verdict_chances`.
    plan
        Its rows are ignored.
    chance
        Of *violates* where the gap is larger than the tolerance, else of *meets*.

    Returns
    -------
    int
        In all, rounded to two digits. Chances rise with the rows, but in small steps
        up and down, since counts are whole numbers.

    Raises
    ------
    FairtutorError
        Ten million rows are too few, as they always are if the gap is the tolerance.

    Examples
    --------
    >>> rows_needed(0.18, AuditPlan(1000, share=0.33, rate=0.08))
    700
    """
    verdict = "violates" if abs(gap) > plan.tolerance else "meets"

    def enough(rows: int) -> bool:
        return verdict_chances(gap, replace(plan, rows=rows))[verdict] >= chance

    high = 2 * plan.min_group_size
    while not enough(high):
        high *= 2
        if high > MOST_ROWS:
            raise FairtutorError(
                f"With a gap of {gap:g} and a tolerance of {plan.tolerance:g}, ten "
                f"million rows do not give {verdict!r} a chance of {chance:g}."
            )
    low = high // 2
    while high - low > max(1, 0.005 * high):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return _two_digits_up(high)


def _two_digits_up(number: int) -> int:
    unit = 10 ** max(0, len(str(number)) - 2)
    return -(-number // unit) * unit


def verdict_limits(plan: AuditPlan, rows: ArrayLike) -> Mapping[str, np.ndarray]:
    """Return which estimated gaps get which verdict, by number of rows.

    Parameters
    ----------
    plan
        Its own rows are ignored.
    rows
        (m,), numbers of rows in all.

    Returns
    -------
    dict
        ``"meets"``: (m,) the largest estimate that meets, −1 where none does;
        ``"violates"``: (m,) the estimate above which it violates, NaN where none does.
        Estimates are of the larger group's rate minus ``plan.rate``, taken as the
        smaller group's observed rate, and not negative.

    Examples
    --------
    >>> limits = verdict_limits(AuditPlan(1000), [1000, 100_000])
    >>> limits["meets"].round(3).tolist(), limits["violates"].round(3).tolist()
    ([0.043, 0.094], [0.16, 0.106])
    """
    rows = np.asarray(rows, dtype=float)
    smaller = np.maximum(1.0, plan.share * rows)
    larger, most = rows - smaller, 1 - plan.rate

    def limit(side: int, gaps: np.ndarray) -> np.ndarray:
        counts = np.minimum(plan.rate + gaps, 1.0) * larger, larger
        other = plan.rate * smaller, smaller
        return intervals.difference(counts, other, plan.error_budget)[side]

    def crossing(side: int) -> np.ndarray:
        low, high = np.zeros(len(rows)), np.full(len(rows), most)
        for _ in range(40):
            middle = (low + high) / 2
            at_most = limit(side, middle) <= plan.tolerance
            low, high = np.where(at_most, middle, low), np.where(at_most, high, middle)
        return high

    too_small = smaller < plan.min_group_size
    meets = crossing(1)
    never_meets = (limit(1, meets * 0) > plan.tolerance) | (
        limit(0, meets) < -plan.tolerance
    )
    never_violates = limit(0, np.full(len(rows), most)) <= plan.tolerance
    return {
        "meets": np.where(too_small | never_meets, -1.0, meets),
        "violates": np.where(too_small | never_violates, np.nan, crossing(0)),
    }
