"""A student's tree: chapters, exercises, library; nothing that an instructor keeps."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from ..exchange.errors import FairtutorError

# What a student needs to install the course and work through it.
RELEASED = (
    "chapters/*.ipynb",
    "exercises/*.ipynb",
    "fairtutor/**/*",
    "experiments/results/*.json",
    "docs/**/*",
    "scripts/check_machine.py",
    "CITATION.cff",
    "LICENSE",
    "LICENSE-TEXT",
    "Makefile",
    "README.md",
    "constraints.txt",
    "environment.yml",
    "pyproject.toml",
)
FOR_INSTRUCTORS = ("grading.md", "wrong_answers.md")
LEFT_OUT = ("__pycache__", ".ipynb_checkpoints", *FOR_INSTRUCTORS)


def release(clone: Path, out: Path) -> list[Path]:
    """Copy what a student gets into a new folder.

    Parameters
    ----------
    clone
        The folder of the course, with its solutions.
    out
        Folder to write into; it must be empty or not exist.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    FairtutorError
        ``out`` holds something, or ``clone`` is no clone of the course.
    """
    if not (clone / "exercises").is_dir() or not (clone / "pyproject.toml").is_file():
        raise FairtutorError(
            f"{clone} is no clone of the course: it has no exercises/. Run this in one."
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FairtutorError(f"{out} is not empty. Name a new folder.")
    written = []
    for path in sorted(set(released(clone))):
        copy = out / path.relative_to(clone)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        written.append(copy)
    return written


def released(clone: Path) -> Iterator[Path]:
    """Yield the files of a clone that a student gets.

    Parameters
    ----------
    clone
        The folder of the course.
    """
    for pattern in RELEASED:
        for path in clone.glob(pattern):
            if path.is_file() and not set(path.parts) & set(LEFT_OUT):
                yield path
