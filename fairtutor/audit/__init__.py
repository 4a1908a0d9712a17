"""How fairness is measured, and how surely."""

from .findings import Audited, audit
from .group import RATES, group_counts, rates, weighed
from .individual import consistency_terms

__all__ = [
    "RATES",
    "Audited",
    "audit",
    "consistency_terms",
    "group_counts",
    "rates",
    "weighed",
]
