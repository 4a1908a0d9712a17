"""What can be proved."""

from .impossibility import (
    DEFINITIONS,
    Together,
    hold_together,
    implied_false_positive_rate,
    implied_negative_score,
)

__all__ = [
    "DEFINITIONS",
    "Together",
    "hold_together",
    "implied_false_positive_rate",
    "implied_negative_score",
]
