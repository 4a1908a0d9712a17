"""How far a network can stretch a distance: constants, layers, certificates."""

from .bound import layer_constants, lipschitz_bound
from .sampled import sampled_lower_bound

__all__ = ["layer_constants", "lipschitz_bound", "sampled_lower_bound"]
