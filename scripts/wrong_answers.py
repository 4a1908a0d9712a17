"""Try every known wrong answer to the exercises, and write what the checks say.

    python scripts/wrong_answers.py                  print the table
    python scripts/wrong_answers.py docs/wrong_answers.md   write it as a page

The wrong answers are those of ``tests/answers``. Ends with 1 if one is accepted.
"""

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

from fairtutor.checks import CheckFailed, check

ANSWERS = Path(__file__).parent.parent / "tests" / "answers"
SEED = 0
OPENING = """# Wrong answers, and what the checks say

Each task of the exercises is tried with plausible mistakes. Every row below is a wrong
answer that was handed to its check (data of seed 0) and the message that came back.
Written by `python scripts/wrong_answers.py docs/wrong_answers.md`.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table or write it; the exit code says whether all were rejected."""
    words = list(sys.argv[1:] if argv is None else argv)
    rows = list(tried())
    lines = [OPENING, "| task | mistake | the check says |", "|---|---|---|"]
    lines += [f"| {task} | {mistake} | {cell(said)} |" for task, mistake, said in rows]
    accepted = [row for row in rows if row[2] is None]
    lines.append(f"\n{len(rows)} wrong answers, {len(accepted)} accepted.")
    text = "\n".join(lines) + "\n"
    if words:
        Path(words[0]).write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 1 if accepted else 0


def tried() -> Iterator[tuple[str, str, str | None]]:
    """Yield task, mistake, and what its check says: None if it accepts the answer."""
    for path in sorted(ANSWERS.glob("chapter_*.py")):
        for number, mistakes in sorted(loaded(path).WRONG.items()):
            for mistake, answers, _ in mistakes:
                yield number, mistake, said_to(number, answers)


def said_to(number: str, answers: Sequence[object]) -> str | None:
    """Return the message to a wrong answer, or None if there is none."""
    try:
        check(number, *answers, seed=SEED)
    except CheckFailed as failed:
        return str(failed)
    return None


def cell(message: str | None) -> str:
    """Return a message as a cell: without its first line and where to read again."""
    if message is None:
        return "**accepted**"
    said = message.partition("\n")[2].partition("\n\nRead again")[0]
    return said.replace("|", "\\|").replace("\n", "<br>")


def loaded(path: Path) -> ModuleType:
    """Load a file of answers."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
