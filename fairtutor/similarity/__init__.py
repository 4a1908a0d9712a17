"""Who is similar."""

from .box import Box, GridCells, TreeCells
from .cells import Cells
from .judgements import comparable_people, within_group_quantiles
from .neighbours import neighbour_distance, neighbour_mean
from .pairs import (
    Pairs,
    disjoint_pairs,
    mean_pair_distance,
    total_variation,
    worst_pairs,
)
from .scatter import class_scatter, neighbour_scatter, pair_scatter
from .subspace import sensitive_subspace

__all__ = [
    "Box",
    "Cells",
    "GridCells",
    "Pairs",
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
    "total_variation",
    "within_group_quantiles",
    "worst_pairs",
]
