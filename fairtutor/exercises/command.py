"""``fairtutor exercises``: build, release, and what grading a class takes."""

import argparse
from collections.abc import Callable
from pathlib import Path

from ..exchange.errors import FairtutorError
from .build import build
from .release import release

CLONE = Path(__file__).parent.parent.parent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the commands of ``fairtutor exercises``."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_build(_added(commands, "build", "make the exercises of the solutions", _build))
    _add_release(_added(commands, "release", "write a student's tree", _release))
    _add_course(_added(commands, "course", "lay out a course for nbgrader", _course))
    _add_grade(_added(commands, "grade", "grade what was submitted", _grade))
    text = "grade a class of 25 made-up students, some of them malicious"
    _add_rehearse(_added(commands, "rehearse", text, _rehearse))


def _added(
    commands: argparse._SubParsersAction,
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=f"{text.capitalize()}.")
    parser.set_defaults(run=run)
    return parser


def _add_variant(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tasks", help="which, such as 07.1,07.3 (default: all)")
    parser.add_argument("--points", help="of tasks, such as 07.1=5,07.3=2")
    parser.add_argument("--seed", type=int, help="of the data that exercises show")
    parser.add_argument(
        "--solutions", type=Path, default=CLONE / "solutions", help="their source"
    )


def _add_build(parser: argparse.ArgumentParser) -> None:
    _add_variant(parser)
    parser.add_argument(
        "--out", type=Path, help="a folder (default: the clone's exercises)"
    )


def _build(args: argparse.Namespace) -> int:
    out = args.out or CLONE / "exercises"
    is_variant = args.tasks or args.points or args.seed is not None
    if is_variant and args.out is None:
        raise FairtutorError(
            "A variant would overwrite the course's exercises. Add --out FOLDER."
        )
    for path in build(args.solutions, out, **_variant(args)):
        print(f"Wrote {path}")
    return 0


def _variant(args: argparse.Namespace) -> dict[str, object]:
    return {
        "tasks": numbers(args.tasks) if args.tasks else None,
        "points": points(args.points) if args.points else None,
        "seed": args.seed,
    }


def _add_release(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="new, or empty")


def _release(args: argparse.Namespace) -> int:
    written = release(CLONE, args.folder)
    print(f"Wrote {len(written)} files to {args.folder}, none of them a solution.")
    return 0


def _add_course(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="new, or empty")
    _add_variant(parser)


def _course(args: argparse.Namespace) -> int:
    from .course import course

    names = course(args.folder, args.solutions, **_variant(args))
    print(f"Wrote {len(names)} assignments. Students get {args.folder / 'release'}.")
    print("Put submissions into submitted/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb, then:")
    print(f"fairtutor exercises grade {args.folder} {names[0]}")
    return 0


def _add_grade(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="of the course")
    parser.add_argument("assignment", help="such as 07_similar_individuals")
    parser.add_argument(
        "--seconds", type=int, default=60, help="for a cell (default: 60)"
    )
    parser.add_argument(
        "--minutes", type=float, default=10, help="for a submission (default: 10)"
    )
    parser.add_argument(
        "--memory", type=float, default=4, help="GiB for a process (default: 4)"
    )
    parser.add_argument("--seed", type=int, help="of what checks draw (default: new)")
    parser.add_argument(
        "--unconfined", action="store_true", help="run submissions with all your rights"
    )


def _grade(args: argparse.Namespace) -> int:
    from .grading import grade

    marks = grade(
        args.folder,
        args.assignment,
        seconds=args.seconds,
        minutes=args.minutes,
        memory=args.memory,
        seed=args.seed,
        unconfined=args.unconfined,
    )
    for mark in marks:
        of = sum(mark.most.values())
        print(f"{mark.student:<24} {mark.total:5g} of {of:g}  {'; '.join(mark.notes)}")
    print(f"Points: {args.folder / 'grades'}. Feedback: {args.folder / 'feedback'}.")
    return 0


def _add_rehearse(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, nargs="?", metavar="DIR", help="new (default: temporary)"
    )
    parser.add_argument(
        "--solutions", type=Path, default=CLONE / "solutions", help="their source"
    )


def _rehearse(args: argparse.Namespace) -> int:
    from .rehearsal import expected, rehearse

    played = rehearse(args.solutions, args.folder)
    print(f"{'student':<30} {'expected':>8} {'given':>6} {'seconds':>8}  notes")
    for part, mark in played:
        due = expected(part, mark)
        sign = " " if due == mark.total else "✗"
        note = "; ".join(mark.notes)[:70]
        numbers = f"{due:8g} {mark.total:6g} {mark.seconds:8.1f}"
        print(f"{part.who:<30} {numbers} {sign} {note}")
    wrong = sum(expected(part, mark) != mark.total for part, mark in played)
    print(f"{len(played)} submissions, {wrong} with other points than expected.")
    return 1 if wrong else 0


def numbers(text: str) -> list[str]:
    """Read the numbers of tasks.

    Parameters
    ----------
    text
        Separated by commas.

    Examples
    --------
    >>> numbers("07.1, 07.3")
    ['07.1', '07.3']
    """
    return [part.strip() for part in text.split(",") if part.strip()]


def points(text: str) -> dict[str, float]:
    """Read the points of tasks.

    Parameters
    ----------
    text
        Such as ``"07.1=5,07.3=2"``.

    Raises
    ------
    FairtutorError
        A part is not a number of a task, =, and a number from 0.

    Examples
    --------
    >>> points("07.1=5,07.3=.5")
    {'07.1': 5.0, '07.3': 0.5}
    """
    found = {}
    for part in numbers(text):
        number, _, value = part.partition("=")
        try:
            found[number.strip()] = float(value)
        except ValueError:
            raise FairtutorError(
                f"{part!r} gives no points. Write the task, =, and a number: 07.1=5."
            ) from None
    return found
