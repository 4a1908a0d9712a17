"""Fairness and representation learning as three entities in a closed loop.

A data regulator publishes criteria, a data producer makes a representation, a data
user trains a model on it, and the regulator audits the result. Names are imported
when they are first used, so that ``import fairtutor`` stays quick.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "fairtutor.data": ("Dataset", "load"),
    "fairtutor.entities": (
        "ClosedLoop",
        "DataProducer",
        "DataRegulator",
        "DataUser",
        "Frontier",
        "rehearse",
        "sweep",
    ),
    "fairtutor.exchange": (
        "AuditReport",
        "Criterion",
        "FairnessCriteria",
        "FairtutorError",
        "Refused",
        "Representation",
        "Submission",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'fairtutor' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
