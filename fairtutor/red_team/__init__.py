"""Submissions made to get past the regulator, and what becomes of them."""

from .bench import OUTCOMES, Attempt, Attempts, Bench, run
from .channels import CHANNELS
from .claims import CLAIMS
from .files import FILES
from .layers import LAYERS
from .reference import REFERENCE
from .trees import TREES
from .tuning import TUNING, false_meets_when_tuned

ATTACKS = (*FILES, *TREES, *LAYERS, *CLAIMS, *CHANNELS, *REFERENCE, *TUNING)

__all__ = [
    "ATTACKS",
    "CHANNELS",
    "CLAIMS",
    "FILES",
    "LAYERS",
    "OUTCOMES",
    "REFERENCE",
    "TREES",
    "TUNING",
    "Attempt",
    "Attempts",
    "Bench",
    "false_meets_when_tuned",
    "run",
]
