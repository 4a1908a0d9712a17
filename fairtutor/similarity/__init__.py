"""Who is similar."""

from .cells import Cells
from .neighbours import neighbour_distance, neighbour_mean
from .pairs import disjoint_pairs, mean_pair_distance
from .subspace import sensitive_subspace

__all__ = [
    "Cells",
    "disjoint_pairs",
    "mean_pair_distance",
    "neighbour_distance",
    "neighbour_mean",
    "sensitive_subspace",
]
