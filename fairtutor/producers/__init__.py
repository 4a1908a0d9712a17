"""How representations are made: one method a file, one interface."""

from collections.abc import Mapping

from .adversarial import adversarial
from .base import NOTIONS, Encoder, Method, Task
from .distance import Alike, learn_distance, linear_encoder
from .erasure import erasure
from .identity import identity
from .moments import moments
from .pairwise import pairwise
from .projection import projection
from .prototypes import PrototypeEncoder, prototypes

METHODS: Mapping[str, Method] = {
    "identity": identity,
    "prototypes": prototypes,
    "erasure": erasure,
    "projection": projection,
    "adversarial": adversarial,
    "moments": moments,
    "pairwise": pairwise,
}

DEFAULT_STRENGTHS: Mapping[str, float] = {
    "identity": 0.0,
    "prototypes": 1.0,
    "erasure": 1.0,
    "projection": 1.0,
    "adversarial": 2.0,
    "moments": 20.0,
    "pairwise": 0.5,
}

# From weakest to strongest: what a frontier tries, and how far a slider goes.
STRENGTHS: Mapping[str, tuple[float, ...]] = {
    "identity": (0.0,),
    "prototypes": (0.0, 0.05, 0.1, 0.2, 0.5, 1.0),
    "erasure": (0.0, 0.25, 0.5, 0.75, 1.0),
    "projection": (0.0, 0.25, 0.5, 0.75, 1.0),
    "adversarial": (0.0, 0.5, 1.0, 2.0, 5.0),
    "moments": (0.0, 1.0, 5.0, 20.0, 100.0),
    "pairwise": (0.0, 0.1, 0.25, 0.5, 0.75, 1.0),
}

__all__ = [
    "DEFAULT_STRENGTHS",
    "METHODS",
    "NOTIONS",
    "STRENGTHS",
    "Alike",
    "Encoder",
    "Method",
    "PrototypeEncoder",
    "Task",
    "adversarial",
    "erasure",
    "identity",
    "learn_distance",
    "linear_encoder",
    "moments",
    "pairwise",
    "projection",
    "prototypes",
]
