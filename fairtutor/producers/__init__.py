"""How representations are made: one method a file, one interface."""

from collections.abc import Mapping

from .adversarial import adversarial
from .base import Encoder, Method, Task
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

__all__ = [
    "DEFAULT_STRENGTHS",
    "METHODS",
    "Encoder",
    "Method",
    "Task",
    "adversarial",
    "erasure",
    "identity",
]
