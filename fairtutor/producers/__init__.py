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

__all__ = ["METHODS", "Encoder", "Method", "Task", "adversarial", "erasure", "identity"]
