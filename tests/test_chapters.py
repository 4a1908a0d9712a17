"""Every chapter is executed, whole, readable without a kernel, and built alike."""

import html
import importlib.util
import re
from itertools import pairwise
from pathlib import Path
from statistics import median

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
HEADING = re.compile(r"^(#+) +(.+?) *$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
IMAGE_TAG = re.compile(r"<img\b[^>]*>")
IMAGE_DATA = re.compile(r"data:image/[^\"')\s]+")
LOCAL_PATH = re.compile(
    r"(?<![\w.:/<])/(?:home|root|Users|tmp|opt|usr|var|mnt)/\S+|\b[A-Z]:\\\S+"
    rf"|site-packages|{re.escape(str(ROOT))}"
)

CITED = re.compile(
    r"\b([A-Z][\w’'-]+)(?:,? (?:et al\.|(?:and|&) [A-Z][\w’'-]+))+,? \(?(\d{4})\)?"
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")

spec = importlib.util.spec_from_file_location(
    "execute_chapters", ROOT / "scripts" / "execute_chapters.py"
)
execute_chapters = importlib.util.module_from_spec(spec)
spec.loader.exec_module(execute_chapters)


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def chapter(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def words(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def headings(notebook):
    """Return (level, text) of every heading, in order; not those in code blocks."""
    prose = "\n\n".join(FENCE.sub("", source) for source in words(notebook))
    return [(len(marks), text) for marks, text in HEADING.findall(prose)]


def shown(notebook):
    """Return each text that outputs put before a reader, without image data."""
    texts = []
    for cell in code(notebook):
        for output in cell.outputs:
            texts += [output.get("text", ""), output.get("evalue", "")]
            data = output.get("data", {})
            texts += [data.get("text/plain", ""), data.get("text/html", "")]
    return [IMAGE_DATA.sub("", text) for text in texts]


def section(notebook, title):
    """Return the text from the heading of this title to the next of its level."""
    text = "\n\n".join(words(notebook))
    found = re.search(rf"^## {title}\b(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"there is no section '## {title}'"
    return found.group(1)


# --- executed, and readable without a kernel -----------------------------------------


def test_the_first_three_chapters_are_there():
    numbers = [path.name[:2] for path in CHAPTERS]
    assert numbers[:3] == ["00", "01", "02"]
    assert len(set(numbers)) == len(numbers)


def test_every_cell_was_executed_in_order_and_shows_what_it_should(path):
    assert execute_chapters.missing(path) == []


def test_notebook_is_written_as_the_script_writes_it(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    execute_chapters.normalise(notebook)
    nbformat.write(notebook, tmp_path / path.name)
    same = (tmp_path / path.name).read_bytes() == path.read_bytes()
    assert same, "saved from Jupyter? Run `make chapters`."
    assert notebook.metadata.kernelspec.name == "python3"


def test_outputs_name_no_folder_of_one_machine(chapter):
    found = [LOCAL_PATH.search(text) for text in shown(chapter)]
    assert [match.group() for match in found if match] == []


def test_every_image_has_words(chapter):
    texts = [*shown(chapter), *words(chapter)]
    tags = [tag for text in texts for tag in IMAGE_TAG.findall(text)]
    for tag in tags:
        alt = re.search(r"""alt=(["'])(.*?)\1""", tag)
        assert alt and html.unescape(alt.group(2)).strip(), tag[:200]
    assert not re.search(r"!\[\s*\]\(", "\n".join(words(chapter)))
    bare = [
        output
        for cell in code(chapter)
        for output in cell.outputs
        if any(kind.startswith("image/") for kind in output.get("data", {}))
        and "text/html" not in output.data
    ]
    assert not bare, "show a fairtutor.figures.Picture, which carries its own words"


# --- built alike ---------------------------------------------------------------------


def test_title_first_and_headings_in_order(chapter):
    levels = [level for level, _ in headings(chapter)]
    assert chapter.cells[0].cell_type == "markdown"
    assert chapter.cells[0].source.startswith("# ")
    assert levels.count(1) == 1
    for above, level in pairwise(levels):
        assert level <= above + 1, "a heading skips a level"


def test_objectives_time_and_prerequisites_come_first(path, chapter):
    before_code = []
    for cell in chapter.cells:
        if cell.cell_type == "code":
            break
        before_code.append(cell.source)
    opening = "\n".join(before_code)
    for label in ("Objectives", "Time", "Prerequisites"):
        assert f"**{label}" in opening, f"say **{label}** before the first code"
    assert re.search(r"\*\*Time\W.*?\d+ minutes", opening), "say how many minutes"


def test_readme_lists_the_chapter_with_its_minutes(path, chapter):
    opening = "\n".join(words(chapter)[:3])
    minutes = re.search(r"\*\*Time\W.*?(\d+) minutes", opening).group(1)
    [row] = [
        line
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| {path.name[:2]} |") and f"(chapters/{path.name})" in line
    ]
    assert f"| {minutes} |" in row


def test_a_prediction_is_asked_before_a_result(chapter):
    kinds = [
        "predict" if "**Predict" in c.source else c.cell_type for c in chapter.cells
    ]
    assert "predict" in kinds
    assert "code" in kinds[kinds.index("predict") :]


def test_take_away_then_quiz_with_folded_answers_then_references(chapter):
    titles = [text for level, text in headings(chapter) if level == 2]
    places = [titles.index(title) for title in ("Take-away", "Quiz", "References")]
    assert places == sorted(places)
    assert titles[-1] == "References" and chapter.cells[-1].cell_type == "markdown"
    quiz = section(chapter, "Quiz")
    assert 3 <= quiz.count("<details>") == quiz.count("</details>")
    assert quiz.count("<summary>") == quiz.count("<details>")
    assert len(section(chapter, "References").split()) > 10


def test_code_cells_are_short(chapter):
    lengths = [len(cell.source.splitlines()) for cell in code(chapter)]
    assert median(lengths) <= 6
    assert sum(length <= 18 for length in lengths) >= 0.9 * len(lengths)


def unlisted(notebook):
    """Return the (author, year) that the text cites and the references do not have."""
    text = "\n\n".join(words(notebook))
    body, listed = text.rsplit("## References", 1)
    entries = re.split(r"^- ", listed, flags=re.MULTILINE)
    return [
        (name, year)
        for name, year in sorted(set(CITED.findall(body)))
        if not any(name in entry and year in entry for entry in entries)
    ]


def test_every_citation_is_among_the_references(chapter):
    assert unlisted(chapter) == []


def test_a_citation_without_a_reference_is_noticed():
    text = "As Dwork et al. (2012) and Jung and Roth (2019) say.\n\n## References\n\n"
    listed = "- Dwork, C. et al. (2012). *Fairness through awareness*."
    notebook = new_notebook(cells=[new_markdown_cell(text + listed)])
    assert unlisted(notebook) == [("Jung", "2019")]


def test_links_lead_to_files_of_the_course(path, chapter):
    for link in LINK.findall("\n\n".join(words(chapter))):
        if "://" not in link and not link.startswith("mailto:"):
            assert (path.parent / link).exists(), link


def first_picture(notebook):
    """Return how many code cells there are up to the first that shows a picture."""
    for number, cell in enumerate(code(notebook), start=1):
        if any(
            "<img" in out.get("data", {}).get("text/html", "") for out in cell.outputs
        ):
            return number
    return None


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_first_picture_comes_early(path):
    found = first_picture(nbformat.read(path, as_version=4))
    # Chapter 08 proves a bound first, and draws it then.
    assert found is not None and found <= (15 if path.stem.startswith("08") else 7)


# --- the script that executes them ---------------------------------------------------

LIVE = """
from IPython.display import display
import ipywidgets, sys, time
display({"text/plain": "a slider", "text/html": "<p>a static picture</p>",
         "application/vnd.jupyter.widget-view+json": {
             "version_major": 2, "version_minor": 0,
             "model_id": ipywidgets.IntSlider().model_id}}, raw=True)
for step in range(3):
    print("one", flush=True); time.sleep(0.05)
    sys.stderr.write(f"\\rtraining: {step}/3"); sys.stderr.flush()
print("two")
"""


def small(tmp_path, *sources):
    path = tmp_path / "small.ipynb"
    cells = [new_markdown_cell("# Small"), *map(new_code_cell, sources)]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_executing_twice_changes_no_byte(tmp_path):
    path = small(tmp_path, LIVE, "6 * 7")
    assert execute_chapters.main([str(path)]) == 0
    first = path.read_bytes()
    assert execute_chapters.main([str(path)]) == 0
    assert path.read_bytes() == first

    widget, number = code(nbformat.read(path, as_version=4))
    assert [output.get("name", "picture") for output in widget.outputs] == [
        "picture",
        "stdout",
    ]
    assert list(widget.outputs[0].data) == ["text/html", "text/plain"]
    assert widget.outputs[1].text == "one\none\none\ntwo\n"
    assert number.outputs[0].data["text/plain"] == "42"
    assert (widget.id, number.execution_count) == ("cell-1", 2)


def test_a_failing_chapter_is_named_and_left_as_it_was(tmp_path, capsys):
    path = small(tmp_path, "1 / 0")
    before = path.read_bytes()
    assert execute_chapters.main([str(path)]) == 1
    assert "small.ipynb" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import warnings; warnings.warn('careful')", "wrote a warning"),
        ("import ipywidgets; ipywidgets.IntSlider()", "without a static picture"),
        ("x = 1", "no cell has an output"),
    ],
)
def test_what_a_reader_would_miss_is_a_problem(tmp_path, capsys, source, problem):
    path = small(tmp_path, source)
    assert execute_chapters.main([str(path)]) == 1
    assert problem in capsys.readouterr().err


def test_check_notices_a_notebook_that_was_never_executed(tmp_path, capsys):
    path = small(tmp_path, "1 + 1")
    assert execute_chapters.main(["--check", str(path)]) == 1
    assert "execution count None" in capsys.readouterr().err
    assert execute_chapters.main([str(path)]) == 0
    assert execute_chapters.main(["--check", str(path)]) == 0
