"""Grade a class: every submission on its own, confined, and none stops the batch."""

import csv
import secrets
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from ..exchange.errors import FairtutorError
from .confinement import DISK, GIB, KERNEL, MEMORY, Limits, obstacle, write_kernel
from .course import SOCKETS, nbgrader
from .repair import copy_files, read_submission, repaired

READY = "ready"  # what nbgrader is given: submissions with the checks of the release


@dataclass
class Mark:
    """What one student gets.

    Attributes
    ----------
    student
        The name of the folder.
    points, most
        Of each task, by its number.
    seconds
        That grading took.
    notes
        What the instructor should know.
    """

    student: str
    points: dict[str, float]
    most: dict[str, float]
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> float:
        """Sum of the points."""
        return sum(self.points.values())


def grade(
    folder: Path,
    assignment: str,
    *,
    seconds: int = 60,
    minutes: float = 10,
    memory: float = 4,
    unconfined: bool = False,
    seed: int | None = None,
    progress: bool = True,
) -> list[Mark]:
    """Grade what is in ``submitted``, write feedback and a table of points.

    Parameters
    ----------
    folder
        A course made by :func:`fairtutor.exercises.course`. Submissions are files
        ``submitted/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb``, and stay as they are.
    assignment
        Such as ``"07_similar_individuals"``.
    seconds
        That a cell may take.
    minutes
        That a submission may take as a whole.
    memory
        GiB that each of its processes may use.
    unconfined
        Run submissions with all rights of whoever grades.
    seed
        Of the data that checks draw, the same for all students; by default a new one,
        so that a printed answer cannot be pasted.
    progress
        Whether to show a bar.

    Returns
    -------
    list of Mark
        One for each student, in the order of their names. They are also in
        ``grades/ASSIGNMENT.csv``, and feedback as pages in ``feedback``.

    Raises
    ------
    FairtutorError
        Submissions cannot be confined here and ``unconfined`` is not set, there is no
        such course, assignment or submission, or a limit is not over 0.
    """
    _require_limits(seconds=seconds, minutes=minutes, memory=memory)
    release, students = _require_course(folder, assignment)
    why_not = None if unconfined else obstacle()
    if why_not:
        raise FairtutorError(
            f"Submissions cannot be confined: {why_not}. They are programs of other "
            "people. To run them with all your rights all the same: --unconfined."
        )
    if unconfined:
        warnings.warn(
            "Submissions run unconfined: each can read and delete what you can.",
            stacklevel=2,
        )
    seed = secrets.randbits(31) if seed is None else seed
    settings = {
        "FAIRTUTOR_CHECK_SEED": str(seed),
        "FAIRTUTOR_SUBMITTED": READY,
        "FAIRTUTOR_SECONDS": str(seconds),
        "OMP_NUM_THREADS": "1",
        MEMORY: str(round(memory * GIB)),
        DISK: str(Limits.disk),
    }
    if not unconfined:
        settings["FAIRTUTOR_KERNEL"] = KERNEL
        write_kernel(folder / "jupyter")  # of this Python, wherever the course was made
    shutil.rmtree(folder / READY, ignore_errors=True)
    marks = []
    for student in tqdm(students, "grading", unit="submission", disable=not progress):
        start = time.perf_counter()
        mark = _graded(folder, assignment, student, release, settings, minutes)
        mark.seconds = time.perf_counter() - start
        marks.append(mark)
    _write_table(folder / "grades" / f"{assignment}.csv", marks, seed)
    _write_feedback(folder, assignment, settings)
    return marks


def _graded(
    folder: Path,
    assignment: str,
    student: str,
    release: object,
    settings: dict[str, str],
    minutes: float,
) -> Mark:
    """Grade one student; what goes wrong becomes a note, and no points."""
    most = _most(release)
    mark = Mark(student, dict.fromkeys(most, 0.0), most)
    source = folder / "submitted" / student / assignment
    for made in ("autograded", "feedback"):  # of an earlier time
        shutil.rmtree(folder / made / student / assignment, ignore_errors=True)
    try:
        handed_in = read_submission(source / f"{assignment}.ipynb")
        notebook, mark.notes = repaired(handed_in, release)
        ready = folder / READY / student / assignment
        mark.notes += _write_ready(source, ready, f"{assignment}.ipynb", notebook)
        with tempfile.TemporaryDirectory(prefix="fairtutor-") as sockets:
            nbgrader(
                folder,
                *("autograde", assignment, "--student", student, "--force"),
                settings={**settings, SOCKETS: sockets},
                seconds=60 * minutes,
                memory=max(int(settings[MEMORY]), 4 * GIB),
            )
        mark.points.update(_points(folder, assignment, student))
    except TimeoutError as error:
        mark.notes.append(f"stopped as a whole: {error}")
    except FairtutorError as error:
        mark.notes.append(_in_short(str(error)))
    except Exception as error:  # whatever it is, the others are graded
        mark.notes.append(f"could not be graded: {type(error).__name__}: {error}")
    return mark


def _in_short(said: str) -> str:
    """Return a note for an error: what happened to the kernel, or its last line."""
    if "DeadKernel" in said or "Kernel died" in said:
        return "its kernel ended"
    if "Timeout" in said or "imeout waiting" in said:
        return "its kernel would not stop when it was interrupted"
    return said.splitlines()[-1]


def _write_ready(source: Path, ready: Path, name: str, notebook: object) -> list[str]:
    """Write what nbgrader grades: the repaired notebook, and data beside it.

    Returns notes on what was not taken over.
    """
    import nbformat

    notes = copy_files(source, ready, Limits.disk)
    nbformat.write(notebook, ready / name)
    stamp = ready / "timestamp.txt"  # releasing feedback asks for it
    if not _is_time(stamp):
        changed = (source / name).stat().st_mtime
        when = datetime.fromtimestamp(changed, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        stamp.write_text(when, encoding="utf-8")
    return notes


def _is_time(stamp: Path) -> bool:
    from nbgrader.utils import parse_utc

    try:
        return parse_utc(stamp.read_text(encoding="utf-8").strip()) is not None
    except Exception:  # there is none, or a student wrote what is no time
        return False


def _write_feedback(folder: Path, assignment: str, settings: dict[str, str]) -> None:
    """Write the pages; the table stands already, whatever becomes of them."""
    if not any((folder / "autograded").glob(f"*/{assignment}/*.ipynb")):
        return
    try:
        nbgrader(folder, "generate_feedback", assignment, "--force", settings=settings)
    except FairtutorError as error:
        warnings.warn(
            f"Feedback is not complete: {_in_short(str(error))}", stacklevel=3
        )


def _most(release: object) -> dict[str, float]:
    return {
        cell.metadata["fairtutor"]["task"]: float(cell.metadata.nbgrader.points)
        for cell in release.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }


def _points(folder: Path, assignment: str, student: str) -> dict[str, float]:
    """Return the points of each task from nbgrader's gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{(folder / 'gradebook.db').resolve()}") as book:
        notebook = book.find_submission_notebook(assignment, assignment, student)
        return {
            number_of(grade.name): float(grade.score or 0.0)
            for grade in notebook.grades
        }


def number_of(grade_id: str) -> str:
    """Return the number of the task that a check's name in nbgrader stands for.

    Parameters
    ----------
    grade_id
        Such as ``"t07-1-check"``.

    Examples
    --------
    >>> number_of("t07-1-check")
    '07.1'
    """
    return grade_id.removeprefix("t").removesuffix("-check").replace("-", ".")


def _require_course(folder: Path, assignment: str) -> tuple[object, list[str]]:
    import nbformat

    path = folder / "release" / assignment / f"{assignment}.ipynb"
    if not path.is_file():
        raise FairtutorError(
            f"There is no assignment {assignment!r} in {folder}. Make the course with "
            "`fairtutor exercises course DIR`."
        )
    submitted = folder / "submitted"
    found = submitted.iterdir() if submitted.is_dir() else ()
    students = sorted(
        entry.name for entry in found if entry.is_dir() and not entry.is_symlink()
    )
    if not students:
        raise FairtutorError(
            f"Nobody has submitted: put each notebook into {submitted}/STUDENT/"
            f"{assignment}/{assignment}.ipynb."
        )
    return nbformat.read(path, as_version=4), students


def _require_limits(**limits: float) -> None:
    for name, value in limits.items():
        if not value > 0:
            raise FairtutorError(f"{name} is {value!r}; use a number over 0.")


def _write_table(path: Path, marks: list[Mark], seed: int) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows(_rows(marks, seed))


def _rows(marks: list[Mark], seed: int) -> Iterator[list[object]]:
    numbers = list(marks[0].most)
    yield ["student", *numbers, "points", "of", "seconds", "seed", "notes"]
    for mark in marks:
        points = [mark.points[number] for number in numbers]
        of = sum(mark.most.values())
        notes = "; ".join(mark.notes)
        yield [
            mark.student,
            *points,
            mark.total,
            of,
            f"{mark.seconds:.1f}",
            seed,
            notes,
        ]
