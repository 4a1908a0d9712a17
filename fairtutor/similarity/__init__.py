"""Who is similar."""

from .cells import Cells
from .neighbours import neighbour_mean
from .pairs import disjoint_pairs, mean_pair_distance

__all__ = ["Cells", "disjoint_pairs", "mean_pair_distance", "neighbour_mean"]
