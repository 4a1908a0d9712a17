"""A class that was made up: 25 submissions, right, wrong and malicious, all graded.

Each comes with the points it should get, which follow from what was put in.
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.errors import FairtutorError
from .build import task_of, tasks_of
from .course import course
from .grading import Mark, grade

if TYPE_CHECKING:
    from nbformat import NotebookNode

BODY = re.compile(r"### BEGIN SOLUTION\n.*?### END SOLUTION", re.DOTALL)
LOOP = "while True:\n    pass"
STUBBORN = """while True:
    try:
        while True:
            pass
    except BaseException:
        pass"""
HOG = "hoard = []\nwhile True:\n    hoard.append(bytearray(2**28))"
# It deletes only what was made for it, should the confinement ever not hold.
VANDAL = """import pathlib, shutil
for place in {made}:
    shutil.rmtree(place, ignore_errors=True)
for place in {places}:
    try:
        pathlib.Path(place, "was_here").write_text("was here")
    except OSError:
        pass"""
SNOOP = """import pathlib, sys
own = (pathlib.Path.cwd(), pathlib.Path(sys.prefix), pathlib.Path(sys.base_prefix))
stolen = [
    path
    for place in {places}
    for kind in ("*.ipynb", "*.db")
    for path in pathlib.Path(place).rglob(kind)
    if not any(path.is_relative_to(folder) for folder in own)
]
if stolen:
    raise SystemExit("stolen: " + str(stolen[0]))"""
CALL = """import socket
for host in ("1.1.1.1", "127.0.0.1"):
    for port in (53, 80, 443, 8888):
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            continue
        raise SystemExit("it reached somebody")"""
FALSE_LIBRARY = """import pathlib
for place in {places}:
    try:
        pathlib.Path(place, "was_here").write_text("was here")
    except OSError:
        pass
check = hint = lambda *answers: None"""
FORK = """import subprocess
crowd = []
try:
    for _ in range(300):
        crowd.append(subprocess.Popen(["sleep", "600"]))
except OSError:
    pass"""
CHATTER = """for _ in range(1000):
    print("x" * 100_000)"""


@dataclass(frozen=True)
class Part:
    """One made-up student.

    Attributes
    ----------
    who
        The name, which says what they do.
    solved
        Numbers of the tasks for which they get the points.
    write
        Puts their files into a folder.
    """

    who: str
    solved: tuple[str, ...]
    write: Callable[[Path], None]


class Cast:
    """The 25 of them, for one assignment.

    Parameters
    ----------
    solution, release
        The solved notebook and what students get.
    folder
        Of the course, which some of them attack.
    name
        Of the assignment.
    canary
        A folder in the home folder, made to be attacked.
    """

    def __init__(
        self,
        solution: "NotebookNode",
        release: "NotebookNode",
        folder: Path,
        name: str,
        canary: Path,
    ) -> None:
        self.solution, self.release = solution, release
        self.made = [str(folder.resolve()), str(canary)]
        here = (folder, canary, Path.home(), Path.cwd(), Path("/etc"), Path("/var"))
        self.places = [str(place.resolve()) for place in here]
        self.file = f"{name}.ipynb"
        self.numbers = tuple(
            task_of(c) for c in release.cells if _nbgrader(c).get("grade")
        )
        self.answers = {
            _nbgrader(c)["grade_id"]: c.source
            for c in solution.cells
            if _nbgrader(c).get("solution")
        }

    def parts(self) -> Iterator[Part]:
        """Yield the students, who can be graded in any order."""
        every, (first, second, third, *rest) = self.numbers, self.numbers
        but_first = (second, third, *rest)
        yield self._part("01 perfect", every)
        yield self._part("02 perfect, with notes", every, change=_with_notes)
        yield self._part("03 perfect, cells run twice", every, change=_with_outputs)
        yield self._part("04 first task only", (first,))
        yield self._part("05 last task only", (rest[-1],))
        yield self._part("06 all but the first", but_first)
        yield Part("07 nothing, false library", (), self._with_false_library)
        yield self._part("08 first answer is wrong", but_first, {first: "return 0.0"})
        wrong = dict.fromkeys(every, "return 0.0")
        yield self._part("09 everything is wrong", (), wrong)
        broken = {second: "return (("}
        but_second = (first, third, *rest)
        yield self._part("10 syntax error", but_second, broken)
        yield self._part("11 exception", but_first, {first: "raise OSError('no')"})
        yield self._part("12 infinite loop", but_first, above={first: LOOP})
        yield self._part("13 loop that will not stop", (), above={first: STUBBORN})
        yield self._part("14 kernel ends", (), above={first: "import os; os._exit(1)"})
        yield self._part("15 memory hog", every, above={third: HOG}, costs=(third,))
        yield self._part("16 cells renamed", every, change=_renamed)
        yield self._part("17 checks deleted", every, change=_without_checks)
        yield self._part("18 checks deleted, wrong", (), wrong, _without_checks)
        yield self._part("19 checks edited, wrong", (), wrong, _with_edited_checks)
        vandal = {first: VANDAL.format(made=self.made, places=self.places)}
        yield self._part("20 vandal", every, above=vandal)
        snoop = {first: SNOOP.format(places=self.places)}
        yield self._part("21 snoop", every, above=snoop)
        yield self._part("22 network", every, above={first: CALL})
        yield self._part(
            "23 many processes, 100 MB", every, above={first: FORK, second: CHATTER}
        )
        yield Part("24 no notebook", (), lambda folder: None)
        yield Part("25 damaged file", (), self._damaged)

    def _part(
        self,
        who: str,
        solved: Sequence[str],
        bodies: Mapping[str, str] | None = None,
        change: Callable[["NotebookNode"], None] | None = None,
        *,
        above: Mapping[str, str] | None = None,
        costs: Sequence[str] = (),
    ) -> Part:
        """Make a student: solves tasks, with other bodies, and code above answers."""
        bodies, above = bodies or {}, above or {}
        answered = {*solved, *bodies, *above} if solved or bodies or above else set()
        if above:
            answered = set(self.numbers)
        notebook = deepcopy(self.release)
        for cell in notebook.cells:
            number = task_of(cell)
            if not _nbgrader(cell).get("solution") or number not in answered:
                continue
            source = self.answers[_nbgrader(cell)["grade_id"]]
            if number in bodies:
                source = _with_body(source, bodies[number])
            cell.source = source
        for number, code in above.items():
            cell = next(
                c for c in notebook.cells if _solves(c) and task_of(c) == number
            )
            cell.source = f"{code}\n{cell.source}"
        if change is not None:
            change(notebook)
        gets = tuple(number for number in solved if number not in costs)
        return Part(who, gets, lambda folder: self._write(folder, notebook))

    def _write(self, folder: Path, notebook: "NotebookNode") -> None:
        import nbformat

        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, folder / self.file)

    def _with_false_library(self, folder: Path) -> None:
        """Hand in what was handed out, and code that would be imported for ours."""
        self._write(folder, self.release)
        code = FALSE_LIBRARY.format(places=self.places)
        for path in ("json.py", "fairtutor/__init__.py", "fairtutor/checks.py"):
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(code, encoding="utf-8")

    def _damaged(self, folder: Path) -> None:
        text = json.dumps(self.release)
        (folder / self.file).write_text(text[: len(text) // 2], encoding="utf-8")


def rehearse(
    solutions: Path,
    folder: Path | None = None,
    *,
    name: str = "07_similar_individuals",
    only: Sequence[str] | None = None,
    seconds: int = 15,
    minutes: float = 2,
    progress: bool = True,
) -> list[tuple[Part, Mark]]:
    """Play a class from its course to its table of points.

    Parameters
    ----------
    solutions
        Folder of solved notebooks.
    folder
        Where the course is made, new or empty; by default a temporary one.
    name
        Of the assignment.
    only
        The first two letters of those who take part, such as ``["01", "12"]``.
    seconds, minutes, progress
        As for :func:`fairtutor.exercises.grading.grade`.

    Returns
    -------
    list of tuple
        Each student, with the points that should be given, and the mark.

    Raises
    ------
    FairtutorError
        A submission has changed something outside its own folder, or as for ``grade``.
    """
    import nbformat

    with ExitStack() as made:
        if folder is None:
            parent = tempfile.TemporaryDirectory(prefix="fairtutor-class-")
            folder = Path(made.enter_context(parent)) / "course"
        canary = Path(
            made.enter_context(
                tempfile.TemporaryDirectory(prefix=".fairtutor-", dir=Path.home())
            )
        )
        (canary / "canary").write_text("alive", encoding="utf-8")
        solution = nbformat.read(solutions / f"{name}.ipynb", as_version=4)
        course(folder, solutions, tasks=tasks_of(solution))
        handed_out = folder / "release" / name / f"{name}.ipynb"
        release = nbformat.read(handed_out, as_version=4)
        cast = [
            part
            for part in Cast(solution, release, folder, name, canary).parts()
            if only is None or part.who[:2] in only
        ]
        for part in cast:
            place = folder / "submitted" / part.who / name
            place.mkdir(parents=True)
            part.write(place)
        before = fingerprints(folder, canary)
        marks = grade(folder, name, seconds=seconds, minutes=minutes, progress=progress)
        changed = before ^ fingerprints(folder, canary)
    if changed:
        names = sorted({path for path, _ in changed})
        raise FairtutorError(f"A submission has changed {', '.join(names[:5])}.")
    by_name = {mark.student: mark for mark in marks}
    return [(part, by_name[part.who]) for part in cast]


def expected(part: Part, mark: Mark) -> float:
    """Return the points that a student should get.

    Parameters
    ----------
    part, mark
        The student, and the mark, which says what each task is worth.
    """
    return sum(mark.most[number] for number in part.solved)


def fingerprints(folder: Path, canary: Path) -> set[tuple[str, str]]:
    """Return each file that no submission may touch, with a fingerprint.

    Parameters
    ----------
    folder
        Of the course.
    canary
        Another folder that a submission attacks.
    """
    places = [folder / name for name in ("source", "release", "submitted", "jupyter")]
    files = [path for place in (*places, canary) for path in place.rglob("*")]
    files += [folder / "nbgrader_config.py"]
    around = (folder, Path.home(), Path.cwd(), Path("/etc"), Path("/var"))
    files += [place / "was_here" for place in around]
    return {
        (str(path), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in files
        if path.is_file()
    }


def _nbgrader(cell: "NotebookNode") -> Mapping[str, object]:
    return cell.metadata.get("nbgrader", {})


def _solves(cell: "NotebookNode") -> bool:
    return bool(_nbgrader(cell).get("solution"))


def _with_body(source: str, body: str) -> str:
    """Replace what stands between the marks, at the same indentation."""

    def put(found: re.Match[str]) -> str:
        line = source[: found.start()].rpartition("\n")[2]
        if not line.strip() and not line:  # a prediction, at the top of a cell
            return found.group()
        return f"\n{line}".join(body.splitlines())

    return BODY.sub(put, source)


def _with_notes(notebook: "NotebookNode") -> None:
    from nbformat.v4 import new_code_cell, new_markdown_cell

    notebook.cells.insert(2, new_markdown_cell("My notes."))
    notebook.cells.insert(5, new_code_cell("mine = 1 + 1"))


def _with_outputs(notebook: "NotebookNode") -> None:
    from nbformat.v4 import new_output

    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.execution_count = 2 * number
            cell.outputs = [new_output("stream", text="of another run")]


def _renamed(notebook: "NotebookNode") -> None:
    for number, cell in enumerate(notebook.cells):
        if _solves(cell):
            cell.metadata["nbgrader"]["grade_id"] = f"mine-{number}"


def _without_checks(notebook: "NotebookNode") -> None:
    notebook.cells = [c for c in notebook.cells if not _nbgrader(c).get("grade")]


def _with_edited_checks(notebook: "NotebookNode") -> None:
    for cell in notebook.cells:
        if _nbgrader(cell).get("grade"):
            cell.source = "pass"
