"""How representations are made: one method a file, one interface."""

from collections.abc import Mapping

from .adversarial import adversarial
from .base import NOTIONS, Encoder, Method, Task
from .erasure import erasure
from .identity import identity

METHODS: Mapping[str, Method] = {
    "identity": identity,
    "erasure": erasure,
    "adversarial": adversarial,
}

DEFAULT_STRENGTHS: Mapping[str, float] = {
    "identity": 0.0,
    "erasure": 1.0,
    "adversarial": 2.0,
}

# From weakest to strongest: what a frontier tries, and how far a slider goes.
STRENGTHS: Mapping[str, tuple[float, ...]] = {
    "identity": (0.0,),
    "erasure": (0.0, 0.25, 0.5, 0.75, 1.0),
    "adversarial": (0.0, 0.5, 1.0, 2.0, 5.0),
}

__all__ = [
    "DEFAULT_STRENGTHS",
    "METHODS",
    "NOTIONS",
    "STRENGTHS",
    "Encoder",
    "Method",
    "Task",
    "adversarial",
    "erasure",
    "identity",
]
