"""How far a network can stretch a distance: constants, layers, certificates."""

from .bound import layer_constants, lipschitz_bound
from .certificates import (
    certified_accuracy,
    certified_radius,
    expected_error,
    probability_constant,
)
from .networks import METHODS, LipschitzNetwork, Margins
from .sampled import sampled_lower_bound

__all__ = [
    "METHODS",
    "LipschitzNetwork",
    "Margins",
    "certified_accuracy",
    "certified_radius",
    "expected_error",
    "layer_constants",
    "lipschitz_bound",
    "probability_constant",
    "sampled_lower_bound",
]
