"""Confidence intervals: an estimate without one decides nothing.

Every function takes ``alpha``, the chance that the interval misses. Methods called
``"exact"`` miss at most that often, whatever the truth; ``"score"`` ones on average
over the truth, and are narrower. The coverage of both is measured:
:mod:`fairtutor.audit.coverage`.
"""

from .exact import exact_difference, exact_ratio
from .mean import bounded_mean, mean_difference, mean_interval
from .pair import difference, ratio
from .several import (
    largest_difference,
    largest_difference_within,
    largest_mean_difference,
    smallest_ratio,
)
from .share import Group, Interval, Limits, clopper_pearson, wilson

__all__ = [
    "Group",
    "Interval",
    "Limits",
    "bounded_mean",
    "clopper_pearson",
    "difference",
    "exact_difference",
    "exact_ratio",
    "largest_difference",
    "largest_difference_within",
    "largest_mean_difference",
    "mean_difference",
    "mean_interval",
    "ratio",
    "smallest_ratio",
    "wilson",
]
