"""The library stays small, and its imports go one way: see CONTRIBUTING.md."""

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "fairtutor"
FILES = sorted(PACKAGE.rglob("*.py"))
# A room imports only rooms that stand before it; rooms in one row not each other.
ORDER = (
    ("exchange",),
    ("data", "results"),
    ("training",),
    ("similarity", "theory"),
    ("audit", "producers"),
    ("entities",),
    (
        "widgets",
        "checks",
        "cli",
        "doctor",
        "loop_command",
        "app_command",
        "red_team",
        "exercises",
    ),
)
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
HEAVY = {
    "pandas",
    "scipy",
    "matplotlib",
    "ipywidgets",
    "lightning_fabric",
    "sklearn",
    "fairlearn",
}
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
# So that one room can be read in an evening; what is drawn and clicked is not counted.
MOST_LINES_OF_A_ROOM = 2500
SEEN = ("figures", "widgets", "checks")


def room_of(path: Path) -> str:
    """Return the folder of the library, or the module's own name at the top."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imports(tree: ast.AST, path: Path, lazy: bool) -> Iterator[str]:
    """Yield the absolute names imported: at the top of a file, or inside functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if lazy:
                yield from (name for n in ast.walk(node) for name in names(n, path))
        elif not is_for_types_only(node):
            if not lazy:
                yield from names(node, path)
            yield from imports(node, path, lazy)


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def names(node: ast.AST, path: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        here = ["fairtutor", *path.relative_to(PACKAGE).parent.parts]
        above = here[: len(here) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path, lazy: bool) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [name.split(".") for name in imports(tree, path, lazy)]
    rooms = {parts[1] for parts in found if parts[0] == "fairtutor" and parts[1:]}
    return {room for room in rooms if room in LEVEL or room == "figures"}


def lines_of_code(source: str) -> int:
    """Count the lines that do something: no blank one, comment or docstring."""
    doc: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            doc |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - doc)


def identify(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_imports_go_one_way(path):
    room = room_of(path)
    if room == "__init__":
        return
    at_top, inside = rooms_imported(path, False), rooms_imported(path, True)
    if room == "figures":
        assert at_top | inside <= {"figures", "exchange"}, "figures is a leaf"
        return
    assert room in LEVEL, f"{room} has no place in the order; see CONTRIBUTING.md"
    allowed = {other for other in LEVEL if LEVEL[other] < LEVEL[room]} | {room}
    if room in ORDER[-1]:
        allowed |= {"figures", *ORDER[-1]}
    assert at_top <= allowed, f"{room} stands before {sorted(at_top - allowed)}"
    assert inside <= allowed | {"figures"}, f"{room} stands before {sorted(inside)}"


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_nothing_heavy_is_imported_at_the_top_where_import_must_be_quick(path):
    if room_of(path) in ("figures", "widgets"):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {name.split(".")[0] for name in imports(tree, path, lazy=False)}
    assert not top & HEAVY


def test_the_rules_above_notice_a_wrong_import():
    path = PACKAGE / "exchange" / "errors.py"
    wrong = "from ..data import load\nimport pandas\ndef f():\n    import scipy.stats\n"
    tree = ast.parse(wrong)
    assert list(imports(tree, path, lazy=False)) == ["fairtutor.data.load", "pandas"]
    assert list(imports(tree, path, lazy=True)) == ["scipy.stats"]


@pytest.mark.parametrize("path", FILES, ids=identify)
def test_a_file_fits_in_the_head(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("room", sorted(LEVEL.keys() - {*SEEN}))
def test_a_room_is_small(room):
    counted = [path for path in FILES if room_of(path) == room]
    lines = sum(lines_of_code(path.read_text(encoding="utf-8")) for path in counted)
    assert lines <= MOST_LINES_OF_A_ROOM


def test_lines_of_code_leave_out_words():
    source = (
        '"""Say it."""\n\n# why\ndef f():\n    """Do it."""\n    return """a\nb"""\n'
    )
    assert lines_of_code(source) == 3


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_finds_nothing(command, root):
    said = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "."],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout + said.stderr
