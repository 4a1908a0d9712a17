"""Who is similar."""

from .box import Box, GridCells, TreeCells
from .cells import Cells
from .judgements import comparable_people, within_group_quantiles
from .neighbours import neighbour_distance, neighbour_mean
from .pairs import disjoint_pairs, mean_pair_distance
from .scatter import class_scatter, neighbour_scatter, pair_scatter
from .subspace import sensitive_subspace

__all__ = [
    "Box",
    "Cells",
    "GridCells",
    "TreeCells",
    "class_scatter",
    "comparable_people",
    "disjoint_pairs",
    "mean_pair_distance",
    "neighbour_distance",
    "neighbour_mean",
    "neighbour_scatter",
    "pair_scatter",
    "sensitive_subspace",
    "within_group_quantiles",
]
