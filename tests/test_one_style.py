"""One style: every picture of the course is made by fairtutor.figures, and legible."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = [
    path
    for room in ("chapters", "solutions", "exercises")
    for path in sorted((ROOT / room).glob("*.ipynb"))
]
FIGURES = sorted((ROOT / "fairtutor" / "figures").glob("*.py"))
SOURCES = sorted((ROOT / "fairtutor").rglob("*.py"))
DRAWS = re.compile(r"(matplotlib|pylab|plotly|seaborn)\b")
IN_SVG = re.compile(r"""font-size="([\d.]+)\"""")
IN_MATPLOTLIB = re.compile(
    r"(?:fontsize|labelsize)=([\d.]+)|(?:TITLE|LABEL|TICK|NOTE)_SIZE\b.* = ([\d., ]+)$",
    re.M,
)


def drawn_elsewhere(source: str) -> list[str]:
    """Return the modules through which code would draw in a style of its own."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found += [name for name in names if DRAWS.match(name)]
    return found


def cells(path: Path) -> str:
    """Return a notebook's code without what only IPython reads."""
    code = [c.source for c in nbformat.read(path, as_version=4).cells
            if c.cell_type == "code"]  # fmt: skip
    lines = "\n".join(code).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_no_notebook_draws_in_a_style_of_its_own(path):
    assert drawn_elsewhere(cells(path)) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)
def test_only_figures_import_a_library_that_draws(path):
    if path.parent.name == "figures":
        assert "matplotlib.pyplot" not in drawn_elsewhere(path.read_text())
    else:
        assert drawn_elsewhere(path.read_text(encoding="utf-8")) == []


def test_drawing_elsewhere_is_noticed():
    wrong = "import matplotlib.pyplot as plt\nfrom matplotlib import cm\nimport torch"
    assert drawn_elsewhere(wrong) == ["matplotlib.pyplot", "matplotlib.cm"]


def smallest(pattern: re.Pattern, source: str) -> float:
    """Return the least size that the code writes down; infinite if it has none."""
    found = pattern.findall(source)
    texts = [size for hit in found for size in ([hit] if isinstance(hit, str) else hit)]
    numbers = [
        float(part) for text in texts for part in text.split(",") if part.strip()
    ]
    return min(numbers, default=float("inf"))


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_no_text_is_smaller_than_a_room_can_read(path):
    source = path.read_text(encoding="utf-8")
    assert smallest(IN_SVG, source) >= 12  # pixels
    assert smallest(IN_MATPLOTLIB, source) >= 10  # points


def test_small_text_is_noticed():
    assert smallest(IN_SVG, "f'<text font-size=\"9\">'") == 9
    assert smallest(IN_MATPLOTLIB, "ax.legend(fontsize=8)") == 8
    assert smallest(IN_MATPLOTLIB, "TITLE_SIZE, NOTE_SIZE = 14, 7") == 7
    style = (ROOT / "fairtutor/figures/style.py").read_text(encoding="utf-8")
    assert smallest(IN_MATPLOTLIB, style) == 11
