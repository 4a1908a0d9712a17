"""The exercises are made of the solutions, stop where a check is, and hide nothing."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from fairtutor import cli
from fairtutor.checks import CheckFailed, every_task, find
from fairtutor.exchange import FairtutorError
from fairtutor.exercises import build, release, unsolved, variant
from fairtutor.exercises.build import STUB, task_of, tasks_of
from fairtutor.exercises.release import FOR_INSTRUCTORS

ROOT = Path(__file__).parent.parent
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))
STATED = re.compile(
    r"\*\*Difficulty\*\* ([1-5]) of 5 · \*\*Importance\*\* ([1-5]) of 5 · "
    r"\*\*(\d+) minutes\*\* · \*\*Builds on\*\* \S+"
)
BODY = re.compile(r"### BEGIN SOLUTION\n(.*?)\n\s*### END SOLUTION", re.DOTALL)


def read(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture(params=SOLUTIONS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def solution(path):
    return read(path)


def graded(notebook):
    return [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]


def stated(notebook):
    """Return difficulty, importance and minutes of each task, from its text."""
    texts = [cell.source for cell in notebook.cells if cell.source.startswith("## ")]
    found = [STATED.search(text) for text in texts if re.match(r"## \d\d\.\d", text)]
    return [tuple(map(int, match.groups())) for match in found]


# --- one source ----------------------------------------------------------------------


def test_every_chapter_has_exercises():
    chapters = {p.name for p in (ROOT / "chapters").glob("*.ipynb")}
    chapters -= {"00_start_here.ipynb"}
    assert {path.name for path in SOLUTIONS} == chapters
    assert {p.name for p in (ROOT / "exercises").glob("*.ipynb")} == chapters


def test_exercises_are_what_the_solutions_give(tmp_path):
    for written in build(ROOT / "solutions", tmp_path):
        same = (ROOT / "exercises" / written.name).read_bytes() == written.read_bytes()
        assert same, f"{written.name}: run `fairtutor exercises build`"


def test_tasks_state_what_they_take_and_checks_know_them(path, solution):
    numbers = tasks_of(solution)
    assert 3 <= len(numbers) <= 5
    assert numbers == [f"{path.name[:2]}.{k + 1}" for k in range(len(numbers))]
    assert len(stated(solution)) == len(numbers)
    checks = graded(solution)
    assert [task_of(cell) for cell in checks] == numbers
    for cell in checks:
        names = ", ".join(find(task_of(cell)).names)
        assert cell.source == f'check("{task_of(cell)}", {names})'
        assert cell.metadata.nbgrader.points > 0 and cell.metadata.nbgrader.locked
    registered = [t.number for t in every_task() if t.chapter == path.name[:2]]
    assert registered == numbers


def test_each_task_clears_an_answer_before_its_check(solution):
    for number in tasks_of(solution):
        cells = [cell for cell in solution.cells if task_of(cell) == number]
        solves = [c for c in cells if c.metadata.get("nbgrader", {}).get("solution")]
        assert solves and all(BODY.search(cell.source) for cell in solves)
        [check] = graded(nbformat.v4.new_notebook(cells=cells))
        assert cells.index(check) > max(cells.index(cell) for cell in solves)
        between = cells[: cells.index(check)]
        assert all(c.cell_type == "markdown" or c in solves for c in between)


def test_the_set_takes_ten_to_fourteen_hours():
    minutes = sum(row[2] for path in SOLUTIONS for row in stated(read(path)))
    assert 10 * 60 <= minutes <= 14 * 60


def test_the_opening_says_how_many_minutes(path, solution):
    minutes = int(re.search(r"(\d+) minutes", solution.cells[0].source).group(1))
    assert minutes == sum(row[2] for row in stated(solution))


# --- a variant -----------------------------------------------------------------------


def test_an_instructor_picks_tasks_points_and_a_seed(tmp_path):
    [written] = build(
        ROOT / "solutions",
        tmp_path,
        tasks=["07.3", "07.1"],
        points={"07.3": 5},
        seed=41,
    )
    made = read(written)
    assert tasks_of(made) == ["07.1", "07.3"]
    assert [cell.metadata.nbgrader.points for cell in graded(made)] == [2, 5]
    assert "SEED = 41" in "\n".join(cell.source for cell in made.cells)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tasks": ["07.9"]}, "no task '07.9'"),
        ({"points": {"7.1": 2}}, "Did you mean '07.1'"),
        ({"points": {"07.1": -1}}, "from 0"),
        ({"points": {"07.1": float("nan")}}, "from 0"),
    ],
)
def test_a_wrong_variant_is_refused(tmp_path, options, says):
    with pytest.raises(FairtutorError, match=re.escape(says)):
        build(ROOT / "solutions", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_variant_leaves_the_solution_alone(solution):
    before = nbformat.writes(solution)
    variant(solution, tasks=[], points={}, seed=3)
    unsolved(solution)
    assert nbformat.writes(solution) == before


def test_the_command_builds_and_never_overwrites_with_a_variant(tmp_path, capsys):
    assert cli.main(["exercises", "build", "--tasks", "07.1", "--seed", "41"]) == 2
    assert "--out" in capsys.readouterr().err
    words = ["exercises", "build", "--tasks", "07.1", "--points", "07.1=x"]
    assert cli.main([*words, "--out", str(tmp_path)]) == 2
    assert "07.1=5" in capsys.readouterr().err
    words = ["exercises", "build", "--tasks", "07.1", "--points", "07.1=4"]
    assert cli.main([*words, "--out", str(tmp_path / "new")]) == 0
    assert "Wrote" in capsys.readouterr().out
    [made] = (tmp_path / "new").glob("*.ipynb")
    assert graded(read(made))[0].metadata.nbgrader.points == 4


# --- what a learner opens ------------------------------------------------------------


def test_an_unsolved_exercise_runs_up_to_its_first_check(path):
    space, stopped = {}, None
    for cell in read(ROOT / "exercises" / path.name).cells:
        if cell.cell_type == "code":
            try:
                exec(cell.source, space)
            except CheckFailed as failed:
                stopped = cell, str(failed)
                break
    cell, said = stopped
    assert task_of(cell) == f"{path.name[:2]}.1"
    assert ("`...`" in said or "still empty" in said) and "hint(" in said


def test_in_a_notebook_the_check_is_a_panel_and_one_line(monkeypatch):
    monkeypatch.delenv("FAIRTUTOR_CHECK_SEED")
    notebook = read(ROOT / "exercises" / "07_similar_individuals.ipynb")
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    client.allow_errors = True
    client.execute()
    panel, error = graded(notebook)[0].outputs
    assert "worst_ratio gave nothing" in panel.data["text/html"]
    assert 'role="status"' in panel.data["text/html"]
    assert error.traceback == ["07.1 is not right yet. The panel above says where."]


def test_no_exercise_holds_a_solution_or_an_output(path):
    exercise = read(ROOT / "exercises" / path.name)
    text = "\n".join(cell.source for cell in exercise.cells)
    assert "SOLUTION" not in text
    assert not any(cell.get("outputs") for cell in exercise.cells)
    assert text.count(STUB) >= len(tasks_of(exercise))


# --- a student's tree ----------------------------------------------------------------


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    out = tmp_path_factory.mktemp("release") / "student"
    release(ROOT, out)
    return out


def squeezed(text):
    return re.sub(r"\s+", "", text)


def test_a_students_tree_holds_no_solution_anywhere(tree):
    bodies = {
        squeezed(body)
        for path in SOLUTIONS
        for cell in read(path).cells
        for body in BODY.findall(cell.source)
    }
    bodies = {body for body in bodies if len(body) > 30}  # `alone = 1.0` is no secret
    assert len(bodies) > len(SOLUTIONS)
    for file in tree.rglob("*"):
        if file.suffix in {".py", ".md", ".json", ".toml", ".txt", ".html"}:
            text = file.read_text(encoding="utf-8")
        elif file.suffix == ".ipynb":
            text = "\n".join(cell.source for cell in read(file).cells)
        else:
            continue
        assert "END SOLUTION" not in text or file.is_relative_to(tree / "fairtutor")
        found = [body for body in bodies if body in squeezed(text)]
        assert not found, f"{file} holds {found}"


def test_a_students_tree_is_the_course_and_nothing_of_the_instructors(tree):
    top = {path.name for path in tree.iterdir()}
    assert {"chapters", "exercises", "fairtutor", "README.md", "Makefile"} <= top
    assert not top & {"solutions", "tests", "workshop", "benchmarks", ".ci", ".git"}
    for name in FOR_INSTRUCTORS:
        assert (ROOT / "docs" / name).exists() and not list(tree.rglob(name))
    names = {path.name for path in (tree / "exercises").iterdir()}
    assert names == {path.name for path in SOLUTIONS}
    hidden = [p for p in tree.rglob("*") if "checkpoint" in p.name]
    assert not hidden and not list(tree.rglob("__pycache__"))


def test_release_overwrites_nothing(tree, tmp_path, capsys):
    assert cli.main(["exercises", "release", str(tree)]) == 2
    assert "not empty" in capsys.readouterr().err
    with pytest.raises(FairtutorError, match="no clone"):
        release(tmp_path, tmp_path / "out")
    assert cli.main(["exercises", "release", str(tmp_path / "out")]) == 0
    assert "none of them a solution" in capsys.readouterr().out
