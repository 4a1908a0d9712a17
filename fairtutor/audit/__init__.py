"""How fairness is measured, and how surely."""

from .conditional import ConditionalGap, conditional_gap
from .findings import FINDERS, audit
from .flags import FLAGS, flags
from .frame import Audited, group_rates, scored
from .group import (
    RATES,
    accuracy_and_gap,
    group_counts,
    group_means,
    rates,
    weighed,
)
from .individual import cell_terms, consistency_terms, flips_kept
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
    "FINDERS",
    "FLAGS",
    "RATES",
    "Audited",
    "ConditionalGap",
    "Confirmed",
    "Leakage",
    "ProbeScore",
    "Subgroup",
    "accuracy_and_gap",
    "audit",
    "cell_terms",
    "conditional_gap",
    "confirm",
    "consistency_terms",
    "false_meets",
    "flags",
    "flips_kept",
    "group_counts",
    "group_means",
    "group_rates",
    "leakage",
    "rates",
    "scored",
    "weighed",
    "worst_conjunctions",
    "worst_linear",
    "worst_possible",
]
