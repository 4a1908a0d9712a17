"""How fairness is measured, and how surely."""

from .findings import Audited, audit
from .group import RATES, group_counts, rates, weighed
from .individual import consistency_terms
from .rounds import false_meets

__all__ = [
    "RATES",
    "Audited",
    "audit",
    "consistency_terms",
    "false_meets",
    "group_counts",
    "rates",
    "weighed",
]
