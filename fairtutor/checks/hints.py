"""hint(): a nudge, an approach, a piece of code; each only when it is asked for."""

from . import record
from .failed import show
from .task import HINTS, find


def hint(number: str) -> None:
    """Open the next hint of a task, below those already opened.

    Parameters
    ----------
    number
        Of the task, such as ``"07.1"``.

    Raises
    ------
    FairtutorError
        There is no such task.
    """
    task = find(number)
    opened = record.open_hint(number, len(HINTS))
    texts = [
        f"{kind.capitalize()}: {text}"
        for kind, text in zip(HINTS[:opened], task.hints, strict=False)
    ]
    if opened < len(HINTS):
        texts.append(f"Run this cell again for the next: the {HINTS[opened]}.")
    else:
        texts.append(f"That was the last one. Read again: {task.read}.")
    show(f"Hints to {number}, {opened} of {len(HINTS)}", "\n\n".join(texts))
