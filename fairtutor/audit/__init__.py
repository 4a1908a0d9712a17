"""How fairness is measured, and how surely."""

from .conditional import ConditionalGap, conditional_gap
from .findings import FINDERS, audit
from .flow import (
    FlowTest,
    gradient_flow,
    loss_ratio_test,
    outcome_change_test,
)
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
from .notices import FLAGS, flags
from .paths import blocks_by_row, limits_by_row, verdict_rows, wealth_by_block
from .power import AuditPlan, rows_needed, verdict_chances, verdict_limits
from .probes import Leakage, ProbeScore, leakage
from .resampling import max_t_alpha, resample_counts
from .rounds import false_meets
from .sequential import SequentialAudit
from .subgroups import (
    Confirmed,
    Subgroup,
    confirm,
    worst_conjunctions,
    worst_linear,
    worst_possible,
)
from .user import ErrorSum, MistrustCost, cost_of_mistrust, error_sum
from .ynn import consistency

__all__ = [
    "FINDERS",
    "FLAGS",
    "RATES",
    "AuditPlan",
    "Audited",
    "ConditionalGap",
    "Confirmed",
    "ErrorSum",
    "FlowTest",
    "Leakage",
    "MistrustCost",
    "ProbeScore",
    "SequentialAudit",
    "Subgroup",
    "accuracy_and_gap",
    "audit",
    "blocks_by_row",
    "cell_terms",
    "conditional_gap",
    "confirm",
    "consistency",
    "consistency_terms",
    "cost_of_mistrust",
    "error_sum",
    "false_meets",
    "flags",
    "flips_kept",
    "gradient_flow",
    "group_counts",
    "group_means",
    "group_rates",
    "leakage",
    "limits_by_row",
    "loss_ratio_test",
    "max_t_alpha",
    "outcome_change_test",
    "rates",
    "resample_counts",
    "rows_needed",
    "scored",
    "verdict_chances",
    "verdict_limits",
    "verdict_rows",
    "wealth_by_block",
    "weighed",
    "worst_conjunctions",
    "worst_linear",
    "worst_possible",
]
