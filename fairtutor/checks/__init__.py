"""What the answer to an exercise must do, one file per chapter.

A check never compares with a stored answer. It draws fresh data, calls what the learner
wrote, and compares with a reference written in another way and with properties that
every right answer has. A check that fails names the smallest input it failed on, what
was expected there, and the part of the chapter to read again.

The references here are slow and plain on purpose: nothing of the course calls them.
"""

from .check import check
from .failed import CheckFailed
from .hints import hint
from .record import Progress, progress
from .task import Task, every_task, find
from .trial import Trial

__all__ = [
    "CheckFailed",
    "Progress",
    "Task",
    "Trial",
    "check",
    "every_task",
    "find",
    "hint",
    "progress",
]
