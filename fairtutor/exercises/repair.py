"""Put a submission back into the order in which it can be graded.

Whatever a student renamed, deleted, doubled or edited: the checks are those of the
release, each after the cells whose answer it checks, and none of the student's.
"""

import os
import re
import shutil
from collections.abc import Iterator
from copy import deepcopy
from importlib.machinery import all_suffixes
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.errors import FairtutorError
from .build import task_of

if TYPE_CHECKING:
    from nbformat import NotebookNode

MOST_BYTES = 20 * 2**20
# Beside the notebook it would be imported in place of the library and its checks.
NOT_COPIED = (*all_suffixes(), ".ipynb")
IMPORT = "from fairtutor.checks import"
MEDDLES = re.compile(
    r"\bcheck\s*=[^=]|\bdef\s+check\b|\bas\s+check\b|\bfairtutor\.checks\b|"
    r"\bsys\.modules\b|\bglobals\(|\bget_ipython\b"
)


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
        notebook.cells = [_only_what_is_graded(cell) for cell in notebook.cells]
    except Exception as error:  # a file can be wrong in every way
        raise FairtutorError(f"{path.name} is no notebook") from error
    return notebook


def _only_what_is_graded(cell: "NotebookNode") -> "NotebookNode":
    """Return a new cell with the text and nbgrader's name of a student's cell."""
    from nbformat import v4

    new = {
        "code": v4.new_code_cell,
        "markdown": v4.new_markdown_cell,
        "raw": v4.new_raw_cell,
    }[cell.cell_type]
    # Half of a pair of surrogates can stand in JSON and in no file of UTF-8.
    kept = new(cell.source.encode("utf-8", "replace").decode("utf-8"))
    name = _grade_id(cell)
    if isinstance(name, str):
        kept.metadata["nbgrader"] = {"grade_id": name, "grade": _is_check(cell)}
    return kept


def copy_files(source: Path, out: Path, most: int) -> list[str]:
    """Copy what lies beside a notebook, but no code, links, pipes or other notebooks.

    Parameters
    ----------
    source, out
        Folders; ``out`` is made.
    most
        Bytes that all files may have.

    Returns
    -------
    list of str
        A note for each file that was left out.

    Raises
    ------
    FairtutorError
        The files are larger than ``most``.
    """
    out.mkdir(parents=True, exist_ok=True)
    notes, size = [], 0
    for here, _, names in os.walk(source):  # which follows no link
        for path in (Path(here, name) for name in sorted(names)):
            relative = path.relative_to(source)
            code = path.name.lower().endswith(NOT_COPIED)
            if code or path.is_symlink() or not path.is_file():
                if path.name != f"{source.name}.ipynb":
                    notes.append(f"{relative} was left out")
                continue
            size += path.stat().st_size
            if size > most:
                raise FairtutorError(f"its files are larger than {most // 2**20} MB")
            (out / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, out / relative)
    return notes


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
        cells[place:place] = [*_imports_of_checks(release), deepcopy(check)]
    made = deepcopy(release)
    made.cells = _with_ids(cells)
    return made, notes


def _imports_of_checks(release: "NotebookNode") -> list["NotebookNode"]:
    """Return a cell that gives `check` its meaning again, whatever stands above."""
    from nbformat.v4 import new_code_cell

    lines = [line for cell in release.cells for line in cell.source.splitlines()]
    again = [line for line in lines if line.startswith(IMPORT)]
    return [new_code_cell("\n".join(again))] if again else []


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
    handed_out = {cell.source for cell in release.cells}
    for number, cell in enumerate(submission.cells, 1):
        own = cell.cell_type == "code" and cell.source not in handed_out
        text = "\n".join(
            line for line in cell.source.splitlines() if not line.startswith(IMPORT)
        )
        if own and MEDDLES.search(text):
            yield f"cell {number} may change how it is checked: read it"


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
