"""A course folder as nbgrader wants it: source, release, submitted, a gradebook."""

import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from ..exchange.errors import FairtutorError
from .build import STUB, chosen, write
from .confinement import limit_memory, write_kernel

SOCKETS = "FAIRTUTOR_KERNEL_FOLDER"
# nbgrader reads this file in the course folder; `grade` sets what may change.
CONFIG = f'''"""nbgrader's settings for this course, written by fairtutor."""

import os

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "fairtutor"
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
c.ClearSolutions.code_stub = {{"python": "{STUB}"}}
if os.environ.get("FAIRTUTOR_SUBMITTED"):
    c.CourseDirectory.submitted_directory = os.environ["FAIRTUTOR_SUBMITTED"]
c.Execute.timeout = int(os.environ.get("FAIRTUTOR_SECONDS", 60))
c.Execute.kernel_name = os.environ.get("FAIRTUTOR_KERNEL", "python3")
folder = os.environ.get("{SOCKETS}")
if folder:  # sockets that are files: a confined kernel has no network
    c.KernelManager.transport = "ipc"
    c.KernelManager.connection_file = os.path.join(folder, "kernel.json")
    c.KernelManager.ip = os.path.join(folder, "kernel")
'''


def course(
    folder: Path,
    solutions: Path,
    *,
    tasks: Collection[str] | None = None,
    points: Mapping[str, float] | None = None,
    seed: int | None = None,
) -> list[str]:
    """Lay out a course for nbgrader, with what students get in ``release``.

    Parameters
    ----------
    folder
        New, or empty.
    solutions
        Folder of solved notebooks.
    tasks, points, seed
        As for :func:`fairtutor.exercises.build`.

    Returns
    -------
    list of str
        The names of the assignments, such as ``"07_similar_individuals"``.

    Raises
    ------
    FairtutorError
        The folder holds something, nbgrader fails, or as for ``build``.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FairtutorError(f"{folder} is not empty. Name a new folder.")
    notebooks = list(chosen(solutions, tasks, points, seed))
    for path, notebook in notebooks:
        source = folder / "source" / path.stem / path.name
        source.parent.mkdir(parents=True)
        write(notebook, source)
    (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    write_kernel(folder / "jupyter")
    names = [path.stem for path, _ in notebooks]
    for name in names:
        nbgrader(folder, "generate_assignment", name)
    return names


def nbgrader(
    folder: Path,
    *words: str,
    settings: Mapping[str, str] | None = None,
    seconds: float | None = None,
    memory: int | None = None,
) -> str:
    """Run an nbgrader command in a course folder; return what it said.

    Parameters
    ----------
    folder
        Of the course.
    words
        The command and its arguments.
    settings
        Environment variables to add.
    seconds
        How long it may take; then it is killed, and all it has started.
    memory
        Bytes of address space that it may use: it keeps all that a submission prints.

    Raises
    ------
    FairtutorError
        It failed; the message holds its last lines.
    TimeoutError
        It took longer than ``seconds``.
    """
    command = [sys.executable, "-m", "nbgrader", *words]
    environment = {
        **os.environ,
        "JUPYTER_PATH": str(folder.resolve() / "jupyter"),
        # It starts alembic, a program of its own environment.
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
    }
    running = subprocess.Popen(
        command,
        cwd=folder,
        env={**environment, **(settings or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    if memory is not None:
        limit_memory(running.pid, memory)
    try:
        said, _ = running.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, 9)
        running.communicate()
        raise TimeoutError(f"it took longer than {seconds:.0f} s") from None
    if running.returncode:
        last = "\n".join(said.strip().splitlines()[-25:])
        raise FairtutorError(f"nbgrader {' '.join(words)} failed:\n{last}")
    return said
