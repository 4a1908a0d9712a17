"""Submissions made to get past the regulator, and what becomes of them."""

from .bench import OUTCOMES, Attempt, Attempts, Bench, run
from .channels import CHANNELS
from .claims import CLAIMS
from .files import FILES
from .tuning import TUNING, false_meets_when_tuned

ATTACKS = (*FILES, *CLAIMS, *CHANNELS, *TUNING)

__all__ = [
    "ATTACKS",
    "CHANNELS",
    "CLAIMS",
    "FILES",
    "OUTCOMES",
    "TUNING",
    "Attempt",
    "Attempts",
    "Bench",
    "false_meets_when_tuned",
    "run",
]
