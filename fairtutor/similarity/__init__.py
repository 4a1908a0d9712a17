"""Who is similar."""

from .box import Box, GridCells, TreeCells
from .cells import Cells
from .judgements import comparable_people, within_group_quantiles
from .linear import comparable_directions, pair_map, triplet_weights
from .moves import Moves, shifted
from .neighbours import neighbour_distance, neighbour_mean
from .pairs import (
    Pairs,
    disjoint_pairs,
    mean_pair_distance,
    total_variation,
    worst_pairs,
)
from .quality import (
    disjoint_triplets,
    draw_triplets,
    geodesic_distances,
    geodesic_path,
    isotropy,
    moved_too_far,
    retrieval_at_1,
    straightness,
    triplet_agreement,
)
from .scatter import class_scatter, neighbour_scatter, pair_scatter
from .subspace import sensitive_subspace

__all__ = [
    "Box",
    "Cells",
    "GridCells",
    "Moves",
    "Pairs",
    "TreeCells",
    "class_scatter",
    "comparable_directions",
    "comparable_people",
    "disjoint_pairs",
    "disjoint_triplets",
    "draw_triplets",
    "geodesic_distances",
    "geodesic_path",
    "isotropy",
    "mean_pair_distance",
    "moved_too_far",
    "neighbour_distance",
    "neighbour_mean",
    "neighbour_scatter",
    "pair_map",
    "pair_scatter",
    "retrieval_at_1",
    "sensitive_subspace",
    "shifted",
    "straightness",
    "total_variation",
    "triplet_agreement",
    "triplet_weights",
    "within_group_quantiles",
    "worst_pairs",
]
