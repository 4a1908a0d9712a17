"""Who acts: a regulator, a producer, a user, and the loop that joins them."""

from .frontier import Frontier, FrontierPoint
from .loop import ClosedLoop, Round
from .producer import DataProducer
from .regulator import DataRegulator
from .rehearsal import Rehearsal, rehearse
from .sweep import sweep, sweep_users
from .user import DataUser

__all__ = [
    "ClosedLoop",
    "DataProducer",
    "DataRegulator",
    "DataUser",
    "Frontier",
    "FrontierPoint",
    "Rehearsal",
    "Round",
    "rehearse",
    "sweep",
    "sweep_users",
]
