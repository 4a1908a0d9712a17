"""How fairness is measured, and how surely."""

from .findings import Audited, audit, group_rates
from .group import RATES, accuracy_and_gap, group_counts, rates, weighed
from .individual import consistency_terms
from .rounds import false_meets

__all__ = [
    "RATES",
    "Audited",
    "accuracy_and_gap",
    "audit",
    "consistency_terms",
    "false_meets",
    "group_counts",
    "group_rates",
    "rates",
    "weighed",
]
