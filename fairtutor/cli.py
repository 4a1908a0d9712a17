"""The command ``fairtutor``: open the course, copy it, check the set-up, run the loop.

Everything heavy is imported by the command that needs it, so that ``fairtutor --help``
answers at once.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PACKAGE = Path(__file__).parent
FIRST = "00_start_here.ipynb"
UNSOLVED = "unsolved"  # the exercises' folder in a wheel, beside fairtutor.exercises
COMMANDS = {
    "lab": "open the course in JupyterLab",
    "copy": "write the chapters and exercises into a folder",
    "progress": "show which exercises you have solved",
    "doctor": "check the set-up, one line per check, with the fix",
    "loop": "run the closed loop: criteria, representation, model, audit",
    "app": "serve the loop panel alone, for a lecture",
    "red-team": "attack the regulator in every known way and show what it says",
    "exercises": "make exercises of the solutions, and grade a class",
}


def main(argv: Sequence[str] | None = None) -> int:
    r"""Run the command line.

    Parameters
    ----------
    argv
        The words after ``fairtutor``; by default those that the shell passed.

    Returns
    -------
    int
        0 when all went well, 1 when a check of ``doctor`` failed, 2 when something
        about the command has to be put right first; a sentence on the error output
        says what.

    Examples
    --------
    >>> import contextlib, io
    >>> with contextlib.redirect_stderr(io.StringIO()) as said:
    ...     main(["docter"])
    2
    >>> said.getvalue().split(". ")[1]
    "Did you mean 'doctor'? Valid: 'lab', 'copy', 'progress', 'doctor', 'loop', ..."
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words and not words[0].startswith("-") and words[0] not in COMMANDS:
            raise _error_type()(_unknown(words[0]))
        args = _parser(words[:1]).parse_args(words)
        return args.run(args) or 0
    except ValueError as error:
        if not isinstance(error, _error_type()):
            raise
        print(f"fairtutor: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nfairtutor: stopped.", file=sys.stderr)
        return 130


def chapters_folder() -> Path | None:
    """Return the folder of the course's own chapters, or None if it has none.

    That is ``chapters/`` of the clone, or the copy inside an installed wheel.
    """
    for folder in (PACKAGE / "chapters", PACKAGE.parent / "chapters"):
        if (folder / FIRST).is_file():
            return folder
    return None


def copy(folder: Path, force: bool = False) -> list[Path]:
    """Write the chapters and exercises into a folder; keep what the learner changed.

    Parameters
    ----------
    folder
        Where to; made if it does not exist.
    force
        Overwrite files that differ from the course's.

    Returns
    -------
    list of Path
        The files written; those already there and equal are left alone.

    Raises
    ------
    FairtutorError
        A file there differs and ``force`` is not set (then nothing is written), the
        folder is a file, or this installation holds no chapters.
    """
    source = chapters_folder()
    if source is None:
        raise _error_type()(
            "This installation holds no chapters. Install fairtutor again, or clone "
            "the project."
        )
    if folder.exists() and not folder.is_dir():
        raise _error_type()(f"{folder} is a file. Name a folder to write into.")
    exercises = source.parent / ("exercises" if source.parent != PACKAGE else UNSOLVED)
    copies = {
        path: folder / kind / path.name
        for kind, here in (("chapters", source), ("exercises", exercises))
        for path in sorted(here.glob("*.ipynb"))
    }
    new = {path: to for path, to in copies.items() if not _same(path, to)}
    changed = [path.name for path, to in new.items() if to.exists()]
    if changed and not force:
        raise _error_type()(
            f"Your changes to {', '.join(changed)} in {folder} would be lost. Name "
            "another folder, or add --force to overwrite."
        )
    for path, to in new.items():
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(path.read_bytes())
    return list(new.values())


def first_chapter(folder: Path | None = None) -> Path:
    """Find the chapter to open: in the folder named, here, or in the clone.

    Parameters
    ----------
    folder
        Where the learner's chapters are.

    Returns
    -------
    Path
        The file ``00_start_here.ipynb``.

    Raises
    ------
    FairtutorError
        There is none; the message says how to get the chapters.
    """
    here = Path.cwd() if folder is None else folder
    candidates = [here / FIRST, here / "chapters" / FIRST]
    if folder is None:
        candidates.append(PACKAGE.parent / "chapters" / FIRST)
    found = [path for path in candidates if path.is_file()]
    if not found:
        raise _error_type()(
            f"There are no chapters in {here}. Get them with `fairtutor copy course`, "
            "then run `fairtutor lab course`."
        )
    return found[0].resolve()


def lab_arguments(
    chapter: Path, browser: bool = True, port: int | None = None
) -> list[str]:
    """Return the arguments with which JupyterLab opens a chapter.

    Parameters
    ----------
    chapter
        The notebook. JupyterLab shows the files of its folder, and for a chapter in
        ``chapters/`` those of the folder above.
    browser
        Whether JupyterLab opens the browser itself.
    port
        The port of JupyterLab's address; by default 8888 or the next one free.

    Examples
    --------
    >>> lab_arguments(Path("course/00_start_here.ipynb"))[1]
    '--LabApp.default_url=/lab/tree/00_start_here.ipynb'
    """
    in_clone = chapter.parent.name == "chapters"
    root = chapter.parent.parent if in_clone else chapter.parent
    page = chapter.relative_to(root).as_posix()
    arguments = [
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{page}",
    ]
    if not browser:
        arguments.append("--no-browser")
    if port is not None:
        arguments.append(f"--ServerApp.port={port}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")  # in a container: else JupyterLab ends here
    return arguments


def _parser(command: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fairtutor",
        description="Algorithmic fairness as three entities in a closed loop.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    added = {
        name: commands.add_parser(name, help=text, description=text.capitalize() + ".")
        for name, text in COMMANDS.items()
    }
    _add_lab(added["lab"])
    _add_copy(added["copy"])
    added["progress"].set_defaults(run=_run_progress)
    added["doctor"].set_defaults(run=_run_doctor)
    if list(command) == ["loop"]:
        from . import loop_command

        loop_command.add_arguments(added["loop"])
        added["loop"].set_defaults(run=loop_command.run)
    if list(command) == ["app"]:
        from . import app_command

        app_command.add_arguments(added["app"])
        added["app"].set_defaults(run=app_command.run)
    if list(command) == ["red-team"]:
        from .red_team import command as red_team

        red_team.add_arguments(added["red-team"])
        added["red-team"].set_defaults(run=red_team.attack)
    if list(command) == ["exercises"]:
        from .exercises import command as exercises

        exercises.add_arguments(added["exercises"])
    return parser


def _add_lab(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", type=Path, metavar="DIR", help="where your chapters are"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="only print the address"
    )
    parser.add_argument(
        "--port", type=int, default=None, help="the port of JupyterLab's address"
    )
    parser.set_defaults(run=_run_lab)


def _add_copy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="where to write")
    parser.add_argument(
        "--force", action="store_true", help="overwrite chapters that you changed"
    )
    parser.set_defaults(run=_run_copy)


def _run_lab(args: argparse.Namespace) -> int:
    chapter = first_chapter(args.folder)
    _register_kernel()
    print(f"Opening {chapter} in JupyterLab. Stop it with Ctrl+C.", flush=True)
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance(lab_arguments(chapter, not args.no_browser, args.port))
    return 0


def _register_kernel() -> None:
    """Make the kernel named fairtutor, where `make lab` has not done it (conda)."""
    if (Path(sys.prefix) / "share/jupyter/kernels/fairtutor/kernel.json").is_file():
        return
    command = [sys.executable, "-m", "ipykernel", "install", "--sys-prefix"]
    command += ["--name", "fairtutor", "--display-name", "fairtutor"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _run_copy(args: argparse.Namespace) -> int:
    written = copy(args.folder, args.force)
    for path in written:
        print(f"Wrote {path}")
    if not written:
        print(f"All in {args.folder} is already that of the course.")
    print(f"Open them with: fairtutor lab {args.folder}")
    return 0


def _run_progress(args: argparse.Namespace) -> int:
    from .checks import progress

    print(progress())
    return 0


def _run_doctor(args: argparse.Namespace) -> int:
    from . import doctor

    return doctor.run()


def _same(path: Path, other: Path) -> bool:
    return other.is_file() and path.read_bytes() == other.read_bytes()


def _unknown(command: str) -> str:
    from .exchange.errors import did_you_mean

    return f"There is no command {command!r}. {did_you_mean(command, COMMANDS)}"


def _error_type() -> type[ValueError]:
    from .exchange.errors import FairtutorError

    return FairtutorError


if __name__ == "__main__":
    sys.exit(main())
