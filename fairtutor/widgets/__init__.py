"""Panels for a notebook: one per entity, one for the loop, and the explorers."""

from .audit_explorer import AuditExplorer
from .base import Panel
from .bound_explorer import BoundExplorer
from .cell_explorer import CellExplorer
from .distance_game import DistanceGame
from .elicitation import ElicitationPanel
from .lipschitz_dial import LipschitzDial
from .loop import LoopPanel
from .neighbour_explorer import NeighbourExplorer
from .producer import ProducerPanel
from .regulator import RegulatorPanel
from .thresholds import ThresholdExplorer
from .twin_finder import TwinFinder
from .user import UserPanel

__all__ = [
    "AuditExplorer",
    "BoundExplorer",
    "CellExplorer",
    "DistanceGame",
    "ElicitationPanel",
    "LipschitzDial",
    "LoopPanel",
    "NeighbourExplorer",
    "Panel",
    "ProducerPanel",
    "RegulatorPanel",
    "ThresholdExplorer",
    "TwinFinder",
    "UserPanel",
]
