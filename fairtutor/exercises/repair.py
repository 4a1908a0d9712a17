"""Put a submission back into the order in which it can be graded.

Whatever a student renamed, deleted, doubled or edited: the checks are those of the
release, each after the cells whose answer it checks, and none of the student's.
"""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.errors import FairtutorError
from .build import task_of

if TYPE_CHECKING:
    from nbformat import NotebookNode

MOST_BYTES = 20 * 2**20


def read_submission(path: Path) -> "NotebookNode":
    """Read a student's notebook.

    Parameters
    ----------
    path
        Of the file.

    Raises
    ------
    FairtutorError
        It is missing, too large, or no notebook; the message says which.
    """
    import nbformat

    if path.is_symlink() or not path.is_file():
        raise FairtutorError(f"there is no file {path.name}")
    if path.stat().st_size > MOST_BYTES:
        raise FairtutorError(f"{path.name} is larger than 20 MB")
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        cells = [cell for cell in notebook.cells if isinstance(cell.source, str)]
        kinds = {cell.cell_type for cell in cells}
    except Exception as error:  # a file can be wrong in every way
        raise FairtutorError(f"{path.name} is no notebook") from error
    if not kinds <= {"code", "markdown", "raw"}:
        raise FairtutorError(f"{path.name} is no notebook")
    return notebook


def repaired(
    submission: "NotebookNode", release: "NotebookNode"
) -> tuple["NotebookNode", list[str]]:
    """Return a submission with the release's checks, and what had to be put right.

    Parameters
    ----------
    submission
        As handed in; not changed.
    release
        What students got.

    Returns
    -------
    NotebookNode
        The student's cells in their order, after the last cell of each task its
        check. A task of which no cell is left has its check at the end, where a
        function of the right name, defined anywhere, still counts.
    list of str
        Sentences for the instructor.
    """
    checks = {task_of(cell): cell for cell in release.cells if _is_check(cell)}
    of_release = {_grade_id(cell): cell for cell in release.cells if _grade_id(cell)}
    cells, notes = [], list(_notes(submission, release))
    seen: set[str] = set()
    for cell in submission.cells:
        name = _grade_id(cell)
        if _is_check(cell) or name in {_grade_id(check) for check in checks.values()}:
            continue
        kept = deepcopy(cell)
        kept.metadata = {}
        if name in of_release and name not in seen:
            kept.metadata = deepcopy(of_release[name].metadata)
            seen.add(name)
        kept.metadata.pop("nbformat", None)
        cells.append(kept)
    missing = [
        cell for name, cell in of_release.items() if name not in seen and _solves(cell)
    ]
    for cell in missing:  # empty: what the student wrote may stand elsewhere
        empty = deepcopy(cell)
        empty.source = "# The cell of this answer was not in the submission."
        cells.append(empty)
    for number, check in checks.items():
        places = [i for i, cell in enumerate(cells) if task_of(cell) == number]
        absent = any(task_of(cell) == number for cell in missing)
        place = len(cells) if absent or not places else places[-1] + 1
        cells.insert(place, deepcopy(check))
    made = deepcopy(release)
    made.cells = _with_ids(cells)
    return made, notes


def _notes(submission: "NotebookNode", release: "NotebookNode") -> Iterator[str]:
    handed_in = [_grade_id(cell) for cell in submission.cells if _grade_id(cell)]
    sources = {_grade_id(c): c.source for c in submission.cells if _grade_id(c)}
    for cell in release.cells:
        name = _grade_id(cell)
        if name is None:
            continue
        if name not in handed_in:
            yield f"{name} was missing"
        elif handed_in.count(name) > 1:
            yield f"{name} was there {handed_in.count(name)} times"
        elif _is_check(cell) and sources[name].strip() != cell.source.strip():
            yield f"{name} was edited"


def _grade_id(cell: "NotebookNode") -> str | None:
    found = cell.metadata.get("nbgrader", {})
    return found.get("grade_id") if isinstance(found, dict) else None


def _is_check(cell: "NotebookNode") -> bool:
    found = cell.metadata.get("nbgrader", {})
    return isinstance(found, dict) and bool(found.get("grade"))


def _solves(cell: "NotebookNode") -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def _with_ids(cells: list["NotebookNode"]) -> list["NotebookNode"]:
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:03d}"
    return cells
