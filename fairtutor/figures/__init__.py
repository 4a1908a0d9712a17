"""One file for each thing drawn; every function returns a picture with its words."""

from .board import threshold_board
from .calibration import calibration_by_group
from .cards import elicitation_errors, rate_cards
from .coverage import coverage_map
from .curves import false_meets_curve, training_curves
from .embedding import embedding, principal_plane
from .findings import audit_findings
from .frontier import FrontierDot, fairness_utility_frontier, frontier_point
from .ideas import (
    joined_people,
    means_and_spreads,
    shares_by_prototype,
    values_by_group,
)
from .leakage import leakage_by_probe
from .lines import lines
from .live import live_curve
from .live_embedding import live_embedding
from .loop import loop_diagram
from .named import named_values
from .picture import Diagram, Picture
from .rates import rates_by_group
from .scores import threshold_rates
from .sequential import limits_by_rows, rows_to_verdict, wealth_by_rows
from .thresholds import rates_by_threshold, score_distributions
from .trail import TrailPoint, fairness_utility_trail, trail_points
from .twins import image_strip
from .users import error_sums, mistrust_costs, tasks_by_user
from .verdicts import verdict_regions

__all__ = [
    "Diagram",
    "FrontierDot",
    "Picture",
    "TrailPoint",
    "audit_findings",
    "calibration_by_group",
    "coverage_map",
    "elicitation_errors",
    "embedding",
    "error_sums",
    "fairness_utility_frontier",
    "fairness_utility_trail",
    "false_meets_curve",
    "frontier_point",
    "image_strip",
    "joined_people",
    "leakage_by_probe",
    "limits_by_rows",
    "lines",
    "live_curve",
    "live_embedding",
    "loop_diagram",
    "means_and_spreads",
    "mistrust_costs",
    "named_values",
    "principal_plane",
    "rate_cards",
    "rates_by_group",
    "rates_by_threshold",
    "rows_to_verdict",
    "score_distributions",
    "shares_by_prototype",
    "tasks_by_user",
    "threshold_board",
    "threshold_rates",
    "trail_points",
    "training_curves",
    "values_by_group",
    "verdict_regions",
    "wealth_by_rows",
]
