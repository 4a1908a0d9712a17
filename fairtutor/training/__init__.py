"""The one training loop: seed, device, precision, progress, several processes."""

from .device import device, precision, seeded
from .fit import Stopped, fit
from .full_batch import fit_full_batch
from .history import History

__all__ = [
    "History",
    "Stopped",
    "device",
    "fit",
    "fit_full_batch",
    "precision",
    "seeded",
]
