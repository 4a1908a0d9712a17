"""check(): try the answer to a task, and say what is not right yet."""

import os
import secrets

from ..exchange.errors import FairtutorError
from . import record
from .failed import ORANGE, CheckFailed, in_notebook, show
from .task import find
from .trial import Trial

SEED = "FAIRTUTOR_CHECK_SEED"


def check(number: str, *answers: object, seed: int | None = None) -> None:
    """Check the answer to a task of an exercise on data drawn afresh.

    Parameters
    ----------
    number
        Of the task, such as ``"07.1"``.
    answers
        What the task asks to define, in its order: functions, or a prediction.
    seed
        Of the data. By default the environment variable ``FAIRTUTOR_CHECK_SEED``,
        which grading sets, and without it another one each time.

    Raises
    ------
    CheckFailed
        The answer is not right yet; the message says on which input.
    FairtutorError
        There is no such task, or it asks for another number of answers.

    Examples
    --------
    >>> check("07.1", lambda X, p: None, seed=1)
    Traceback (most recent call last):
    fairtutor.checks.failed.CheckFailed: 07.1 is not right yet.
    ...
    """
    task = find(number)
    if len(answers) != len(task.names):
        raise FairtutorError(
            f"Task {number} asks for {' and '.join(task.names)}: write "
            f"check({number!r}, {', '.join(task.names)})."
        )
    try:
        task.run(Trial(task, answers, _seed(seed)))
    except CheckFailed as failed:
        title, _, text = str(failed).partition("\n")
        if in_notebook():
            show(f"○ {title}", text, ORANGE)
        raise
    show(f"✓ {number} is right.", record.solved(number))


def _seed(seed: int | None) -> int:
    if seed is not None:
        return seed
    given = os.environ.get(SEED)
    if given is None:
        return secrets.randbits(31)
    if not given.isdecimal():
        raise FairtutorError(f"{SEED} is {given!r}; use a whole number from 0.")
    return int(given)
