"""What travels around the loop: criteria, representation, submission, report."""

from .architecture import build, mlp
from .criteria import Criterion, FairnessCriteria
from .errors import FairtutorError, Refused, did_you_mean
from .metrics import METRICS
from .report import AuditReport, Finding, GroupRate
from .representation import Representation
from .schema import criteria_schema
from .submission import Submission
from .values import InvalidValue

__all__ = [
    "METRICS",
    "AuditReport",
    "Criterion",
    "FairnessCriteria",
    "FairtutorError",
    "Finding",
    "GroupRate",
    "InvalidValue",
    "Refused",
    "Representation",
    "Submission",
    "build",
    "criteria_schema",
    "did_you_mean",
    "mlp",
]
