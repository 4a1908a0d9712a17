"""What both training loops refuse, in words."""

import math
from collections.abc import Mapping, Sequence

from torch import Tensor

from ..exchange.errors import FairtutorError


def require_counts(**counts: int) -> None:
    """Refuse a count below 1, by its name."""
    for name, value in counts.items():
        if value < 1:
            raise FairtutorError(f"{name} is {value!r}; use a whole number from 1.")


def require_rows(name: str, tensors: Sequence[Tensor]) -> None:
    """Refuse tensors of different lengths, and none."""
    lengths = [len(tensor) for tensor in tensors]
    if not lengths or min(lengths) < 1 or min(lengths) < max(lengths):
        raise FairtutorError(
            f"The {name} come in tensors of {lengths} entries; give at least one "
            "tensor, all with one entry per row, and at least one row."
        )


def is_finite(losses: Mapping[str, float]) -> bool:
    """Return whether no loss is NaN or infinite."""
    return all(math.isfinite(value) for value in losses.values())


def require_finite(losses: Mapping[str, float], epoch: int) -> None:
    """Refuse a loss that is NaN or infinite, before another step is taken."""
    for name, value in losses.items():
        if not math.isfinite(value):
            raise FairtutorError(
                f"The {name} became {value} in epoch {epoch}. Lower the learning rate "
                "or the strength, and check the rows for extreme values."
            )
