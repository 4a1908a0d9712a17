"""Who acts: a regulator, a producer, a user, and the loop that joins them."""

from .loop import ClosedLoop, Round
from .producer import DataProducer
from .regulator import DataRegulator
from .user import DataUser

__all__ = ["ClosedLoop", "DataProducer", "DataRegulator", "DataUser", "Round"]
