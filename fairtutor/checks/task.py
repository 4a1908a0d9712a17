"""The list of all tasks: each registers itself in the file of its chapter."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.errors import FairtutorError, did_you_mean

if TYPE_CHECKING:
    from .trial import Trial

HINTS = ("nudge", "approach", "code")
NUMBER = re.compile(r"(\d\d)\.(\d)")
_tasks: dict[str, "Task"] = {}


@dataclass(frozen=True)
class Task:
    """One task of an exercise, and how its answer is checked.

    Attributes
    ----------
    number
        Chapter and task, such as ``"07.1"``.
    names
        What the learner defines, in the order in which ``check`` gets it.
    read
        The section of the chapter that a wrong answer sends back to.
    hints
        A nudge, an approach, and a piece of code.
    run
        Tries the answers; raises :class:`CheckFailed` at the first that is wrong.
    """

    number: str
    names: tuple[str, ...]
    read: str
    hints: tuple[str, str, str]
    run: Callable[["Trial"], None]

    @property
    def chapter(self) -> str:
        """Number of the chapter, such as ``"07"``."""
        return self.number[:2]


def task(
    number: str, *names: str, read: str, hints: tuple[str, str, str]
) -> Callable[[Callable[["Trial"], None]], Callable[["Trial"], None]]:
    """Register the decorated function as the check of a task.

    Parameters
    ----------
    number, names, read, hints
        As for :class:`Task`.

    Examples
    --------
    >>> @task("99.1", "double", read="Twice", hints=("Add.", "Add x.", "x + x"))
    ... def double(trial):
    ...     trial.expect(4.0, {"x": 2.0})
    >>> find("99.1").names
    ('double',)
    >>> _ = _tasks.pop("99.1")
    """

    def register(run: Callable[["Trial"], None]) -> Callable[["Trial"], None]:
        _tasks[number] = Task(number, names, read, hints, run)
        return run

    return register


def find(number: str) -> Task:
    """Return a task by its number.

    Parameters
    ----------
    number
        Such as ``"07.1"``.

    Raises
    ------
    FairtutorError
        There is no such task; the message names those that there are.
    """
    if number not in _tasks:
        _load_all()
    if number not in _tasks:
        raise FairtutorError(
            f"There is no task {number!r}. {did_you_mean(str(number), sorted(_tasks))}"
        )
    return _tasks[number]


def every_task() -> tuple[Task, ...]:
    """Return all tasks in the order of the course."""
    _load_all()
    return tuple(_tasks[number] for number in sorted(_tasks))


def _load_all() -> None:
    for path in sorted(Path(__file__).parent.glob("chapter_*.py")):
        import_module(f"{__package__}.{path.stem}")
