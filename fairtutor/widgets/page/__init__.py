"""What runs in the page: a drawing that answers to a hand, and a panel's title bar."""

from .board import Board
from .title import TitleBar

__all__ = ["Board", "TitleBar"]
