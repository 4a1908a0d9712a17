"""How fairness is measured, and how surely."""

from .conditional import ConditionalGap, conditional_gap
from .findings import Audited, audit, group_rates
from .group import RATES, accuracy_and_gap, group_counts, rates, weighed
from .individual import consistency_terms
from .probes import Leakage, ProbeScore, leakage
from .rounds import false_meets
from .subgroups import (
    Confirmed,
    Subgroup,
    confirm,
    worst_conjunctions,
    worst_linear,
    worst_possible,
)

__all__ = [
    "RATES",
    "Audited",
    "Leakage",
    "ProbeScore",
    "ConditionalGap",
    "Confirmed",
    "Subgroup",
    "accuracy_and_gap",
    "audit",
    "conditional_gap",
    "confirm",
    "consistency_terms",
    "false_meets",
    "group_counts",
    "group_rates",
    "leakage",
    "rates",
    "weighed",
    "worst_conjunctions",
    "worst_linear",
    "worst_possible",
]
