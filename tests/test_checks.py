"""Checks accept every right answer, and say of each known mistake which one it is."""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

from fairtutor.checks import CheckFailed, check, every_task, find, hint, progress
from fairtutor.exchange import FairtutorError

ROOT = Path(__file__).parent.parent
ANSWERS = sorted((Path(__file__).parent / "answers").glob("chapter_*.py"))
SEEDS = range(4)


def loaded(path):
    spec = importlib.util.spec_from_file_location(f"answers_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULES = [loaded(path) for path in ANSWERS]
WRONG = {number: wrong for module in MODULES for number, wrong in module.WRONG.items()}
RIGHT = {number: right for module in MODULES for number, right in module.RIGHT.items()}
MISTAKES = [
    pytest.param(number, answers, says, id=f"{number}: {mistake}")
    for number, wrong in WRONG.items()
    for mistake, answers, says in wrong
]


def solution_path(number):
    [path] = (ROOT / "solutions").glob(f"{number[:2]}_*.ipynb")
    return path


def reference(number):
    """Return what the solution defines for a task, without running its checks."""
    space = {}
    for cell in nbformat.read(solution_path(number), as_version=4).cells:
        belongs = cell.metadata.get("fairtutor", {}).get("task")
        solves = cell.metadata.get("nbgrader", {}).get("solution")
        if cell.cell_type == "code" and (
            belongs is None or (belongs == number and solves)
        ):
            exec(cell.source, space)
    return [space[name] for name in find(number).names]


@pytest.fixture(autouse=True)
def own_record(monkeypatch, tmp_path):
    monkeypatch.setenv("FAIRTUTOR_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.delenv("FAIRTUTOR_CHECK_SEED", raising=False)


NUMBERS = [task.number for task in every_task()]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_reference_and_a_second_right_answer_are_accepted(number):
    for seed in SEEDS:
        check(number, *reference(number), seed=seed)
        check(number, *RIGHT[number], seed=seed)


@pytest.mark.parametrize(("number", "answers", "says"), MISTAKES)
def test_a_known_mistake_is_rejected_and_named(number, answers, says):
    for seed in SEEDS:
        with pytest.raises(CheckFailed) as failed:
            check(number, *answers, seed=seed)
        assert says in str(failed.value)
        assert f"chapter {number[:2]}" in str(failed.value)


@pytest.mark.parametrize("number", NUMBERS)
def test_an_answer_that_is_not_written_is_said_to_be(number):
    names = find(number).names
    for empty in (None, ...):
        with pytest.raises(CheckFailed, match=r"still empty|gave nothing|define a"):
            check(number, *[empty if n == 0 else _nothing for n in range(len(names))])
    with pytest.raises(CheckFailed, match=r"still empty|gave nothing|use a number"):
        check(number, *[_nothing for _ in names])


def _nothing(*_):
    return None


@pytest.mark.parametrize("number", NUMBERS)
def test_a_task_has_mistakes_hints_and_a_section_to_read(number):
    task = find(number)
    assert len(WRONG[number]) >= 3
    assert len(task.hints) == 3 and all(task.hints)
    [chapter] = (ROOT / "chapters").glob(f"{task.chapter}_*.ipynb")
    text = "\n".join(cell.source for cell in nbformat.read(chapter, 4).cells)
    headings = re.findall(r"^#+ (?:\d+\.? (?:· )?)?(.+)$", text, re.MULTILINE)
    assert task.read in headings


def test_the_code_of_a_hint_is_no_whole_answer():
    for task in every_task():
        assert "return" not in task.hints[2]
        assert len(task.hints[2].splitlines()) <= 4


def test_the_page_of_wrong_answers_lists_every_one(script, capsys):
    assert script("scripts/wrong_answers.py").main([]) == 0
    page = (ROOT / "docs" / "wrong_answers.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[:2] for line in page.splitlines() if line[:3] == "| 0"]
    rows += [line.split(" | ")[:2] for line in page.splitlines() if line[:3] == "| 1"]
    named = [[f"| {n}", mistake[0]] for n, wrong in WRONG.items() for mistake in wrong]
    assert rows == named, "run `python scripts/wrong_answers.py docs/wrong_answers.md`"
    assert ", 0 accepted." in page and page.count("\n| ") == len(named) + 1


# --- what everybody meets ------------------------------------------------------------


def test_the_checkers_own_function_is_no_answer():
    from fairtutor.checks.chapter_07 import _consistency

    with pytest.raises(CheckFailed, match="checker's own"):
        check("07.3", _consistency)


def test_an_error_names_the_learners_line_and_not_the_library():
    def broken(X, p):
        return X @ p.undefined

    with pytest.raises(CheckFailed) as failed:
        check("07.1", broken, seed=3)
    said = str(failed.value)
    assert "raised AttributeError" in said and "in the line: return X @ p.und" in said
    assert "seed=3" in said and "File" not in said
    assert len(failed.value._render_traceback_()) == 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: check("07.9", None), "no task '07.9'"),
        (lambda: check("07.2", None), "alone and same_cell"),
        (lambda: hint("7.1"), "Did you mean '07.1'"),
    ],
)
def test_a_wrong_call_is_said(call, says):
    with pytest.raises(FairtutorError, match=re.escape(says)):
        call()


def test_grading_sets_the_seed_and_keeps_no_record(monkeypatch, tmp_path):
    monkeypatch.setenv("FAIRTUTOR_CHECK_SEED", "17")
    drawn = []

    def spy(X, p):
        drawn.append(X)
        return None

    for _ in range(2):
        with pytest.raises(CheckFailed, match="seed=17"):
            check("07.1", spy)
    assert drawn[0].equal(drawn[1])
    check("07.1", *RIGHT["07.1"])
    assert not (tmp_path / "progress.json").exists()
    monkeypatch.setenv("FAIRTUTOR_CHECK_SEED", "x")
    with pytest.raises(FairtutorError, match="whole number"):
        check("07.1", spy)


def test_other_data_each_time():
    drawn = []

    def spy(X, p):
        drawn.append(X)
        return None

    for _ in range(2):
        with pytest.raises(CheckFailed):
            check("07.1", spy)
    assert not drawn[0].equal(drawn[1])


# --- hints and progress --------------------------------------------------------------


def test_hints_open_one_at_a_time(capsys):
    kinds = ("Nudge", "Approach", "Code")
    for opened in (1, 2, 3, 3):
        hint("07.2")
        said = capsys.readouterr().out
        assert [kind in said for kind in kinds] == [k < opened for k in range(3)]
    assert "A criterion that the regulator audits" in said


def test_progress_is_kept_and_shown(capsys):
    assert "0 of" in str(progress())
    check("07.1", *RIGHT["07.1"])
    assert "Next: 07.2" in capsys.readouterr().out
    [row] = [row for row in progress().chapters if row[0] == "07"]
    assert row[1] == ("07.1",)
    assert "1 of 5" in progress()._repr_html_()


def test_a_damaged_record_hides_nothing(tmp_path, capsys):
    (tmp_path / "progress.json").write_text("[1")
    check("07.1", *RIGHT["07.1"])
    said = capsys.readouterr().out
    assert "✓ 07.1 is right." in said and "not kept" in said and "delete it" in said
    hint("07.1")
    assert "Code:" in capsys.readouterr().out
    with pytest.raises(FairtutorError, match="cannot be read"):
        progress()
    assert (tmp_path / "progress.json").read_text() == "[1"
