"""Panels for a notebook: one per entity, one for the loop, and the explorers."""

from .audit_explorer import AuditExplorer
from .base import Panel
from .bound_explorer import BoundExplorer
from .elicitation import ElicitationPanel
from .loop import LoopPanel
from .producer import ProducerPanel
from .regulator import RegulatorPanel
from .thresholds import ThresholdExplorer
from .user import UserPanel

__all__ = [
    "AuditExplorer",
    "BoundExplorer",
    "ElicitationPanel",
    "LoopPanel",
    "Panel",
    "ProducerPanel",
    "RegulatorPanel",
    "ThresholdExplorer",
    "UserPanel",
]
