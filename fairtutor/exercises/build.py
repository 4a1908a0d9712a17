"""Make the exercises from the solutions: solutions cleared, checks locked."""

import re
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.errors import FairtutorError, did_you_mean

if TYPE_CHECKING:
    from nbformat import NotebookNode

STUB = "...  # your answer here"
SEED = re.compile(r"^SEED = \d+$", re.MULTILINE)


def build(
    solutions: Path,
    out: Path,
    *,
    tasks: Collection[str] | None = None,
    points: Mapping[str, float] | None = None,
    seed: int | None = None,
) -> list[Path]:
    """Write the exercise of every solution in a folder.

    Parameters
    ----------
    solutions
        Folder of solved notebooks.
    out
        Folder to write into; made if it does not exist.
    tasks
        Numbers of the tasks to keep, such as ``{"07.1", "07.3"}``; by default all. An
        exercise of which no task is kept is not written.
    points
        Of a check, by the number of its task, in place of those in the solution.
    seed
        Of the data that the exercises show; by default that of the solutions.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    FairtutorError
        A task is unknown, points are below 0, there are no solutions, or nbgrader is
        not installed.
    """
    written = []
    for path, notebook in chosen(solutions, tasks, points, seed):
        out.mkdir(parents=True, exist_ok=True)
        write(unsolved(notebook), out / path.name)
        written.append(out / path.name)
    return written


def chosen(
    solutions: Path,
    tasks: Collection[str] | None = None,
    points: Mapping[str, float] | None = None,
    seed: int | None = None,
) -> Iterator[tuple[Path, "NotebookNode"]]:
    """Yield the path and the variant of each solution that has a task left.

    Parameters
    ----------
    solutions, tasks, points, seed
        As for :func:`build`.

    Raises
    ------
    FairtutorError
        As for :func:`build`.
    """
    import nbformat

    paths = sorted(solutions.glob("*.ipynb"))
    if not paths:
        raise FairtutorError(
            f"There are no solutions in {solutions}. Run this in a clone of the course."
        )
    notebooks = [nbformat.read(path, as_version=4) for path in paths]
    known = [number for notebook in notebooks for number in tasks_of(notebook)]
    for number in [*(tasks or ()), *(points or {})]:
        if number not in known:
            raise FairtutorError(
                f"There is no task {number!r}. {did_you_mean(number, known)}"
            )
    for number, value in (points or {}).items():
        _require_points(number, value)
    for path, notebook in zip(paths, notebooks, strict=True):
        made = variant(notebook, tasks=tasks, points=points, seed=seed)
        if tasks_of(made):
            yield path, made


def variant(
    notebook: "NotebookNode",
    *,
    tasks: Collection[str] | None = None,
    points: Mapping[str, float] | None = None,
    seed: int | None = None,
) -> "NotebookNode":
    """Return a solution with some of its tasks, other points, and another seed.

    Parameters
    ----------
    notebook
        A solved notebook; not changed.
    tasks, points, seed
        As for :func:`build`.
    """
    made = deepcopy(notebook)
    if tasks is not None:
        made.cells = [
            cell for cell in made.cells if task_of(cell) in (None, "", *tasks)
        ]
    for cell in made.cells:
        grading = cell.metadata.get("nbgrader", {})
        if grading.get("grade") and task_of(cell) in (points or {}):
            grading["points"] = points[task_of(cell)]
        if seed is not None and cell.cell_type == "code":
            cell.source = SEED.sub(f"SEED = {int(seed)}", cell.source)
    return made


def unsolved(notebook: "NotebookNode") -> "NotebookNode":
    """Return what a learner gets: solutions and outputs cleared, checks locked.

    Parameters
    ----------
    notebook
        A solved notebook; not changed.

    Raises
    ------
    FairtutorError
        nbgrader is not installed.
    """
    try:
        from nbgrader import preprocessors as steps
    except ImportError as error:
        raise FairtutorError(
            "Exercises are made with nbgrader, which is not installed: "
            "pip install 'fairtutor[teach]'."
        ) from error
    made = deepcopy(notebook)
    for step in (
        steps.LockCells(),
        steps.ClearSolutions(code_stub={"python": STUB}),
        steps.ClearHiddenTests(),
        steps.ClearMarkScheme(),
        steps.ClearOutput(),
        steps.CheckCellMetadata(),
    ):
        made, _ = step.preprocess(made, {})
    return made


def write(notebook: "NotebookNode", path: Path) -> None:
    """Write a notebook so that equal ones have equal bytes.

    Parameters
    ----------
    notebook
        With the ids of its cells.
    path
        Of the file.
    """
    import nbformat

    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def tasks_of(notebook: "NotebookNode") -> list[str]:
    """Return the numbers of the tasks of a notebook, in its order.

    Parameters
    ----------
    notebook
        A solution or an exercise.
    """
    return list(dict.fromkeys(filter(None, map(task_of, notebook.cells))))


def task_of(cell: "NotebookNode") -> str | None:
    """Return the number of the task that a cell belongs to, or None of what all share.

    Parameters
    ----------
    cell
        Of a solution or an exercise.
    """
    return cell.metadata.get("fairtutor", {}).get("task")


def _require_points(number: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise FairtutorError(
            f"The points of task {number} are {value!r}; use a number from 0."
        )
