"""A class: confined, each on its own, everybody with the points of their answers."""

import csv
import json
import os
from pathlib import Path

import nbformat
import pytest

from fairtutor import cli
from fairtutor.exchange import FairtutorError
from fairtutor.exercises import confinement, unsolved
from fairtutor.exercises.confinement import obstacle
from fairtutor.exercises.course import course, nbgrader
from fairtutor.exercises.grading import grade
from fairtutor.exercises.rehearsal import Cast, expected, rehearse
from fairtutor.exercises.repair import copy_files, read_submission, repaired

ROOT = Path(__file__).parent.parent
NAME = "07_similar_individuals"
confined = pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))


@pytest.fixture(scope="module")
def solution():
    return nbformat.read(ROOT / "solutions" / f"{NAME}.ipynb", as_version=4)


@pytest.fixture
def release(solution):
    return unsolved(solution)


# --- refusals ------------------------------------------------------------------------


@pytest.fixture
def empty_course(tmp_path, release):
    place = tmp_path / "course" / "release" / NAME
    place.mkdir(parents=True)
    nbformat.write(release, place / f"{NAME}.ipynb")
    return tmp_path / "course"


def test_nothing_is_graded_unconfined_unless_told(empty_course, monkeypatch, capsys):
    (empty_course / "submitted" / "anna" / NAME).mkdir(parents=True)
    monkeypatch.setattr(confinement.shutil, "which", lambda name: None)
    with pytest.raises(FairtutorError, match=r"apt install bubblewrap.*--unconfined"):
        grade(empty_course, NAME)
    assert not (empty_course / "grades").exists()
    with pytest.warns(UserWarning, match="unconfined"):
        [mark] = grade(empty_course, NAME, unconfined=True, progress=False)
    assert mark.total == 0 and "no file" in mark.notes[0]
    with (empty_course / "grades" / f"{NAME}.csv").open() as file:
        [row] = csv.DictReader(file)
    assert row["student"] == "anna" and row["of"] == "10.0" and row["07.1"] == "0.0"


def test_what_is_missing_is_said(empty_course, tmp_path, capsys):
    with pytest.raises(FairtutorError, match="Nobody has submitted"):
        grade(empty_course, NAME)
    with pytest.raises(FairtutorError, match="no assignment '08'"):
        grade(empty_course, "08")
    with pytest.raises(FairtutorError, match="seconds is 0"):
        grade(empty_course, NAME, seconds=0)
    with pytest.raises(FairtutorError, match="not empty"):
        course(empty_course, ROOT / "solutions")
    with pytest.raises(FairtutorError, match="failed"):
        nbgrader(empty_course, "autograde", "nothing")
    assert cli.main(["exercises", "grade", str(tmp_path), NAME]) == 2
    assert "exercises course" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no file"),
        (b"", "no notebook"),
        (b"\xff\xfe", "no notebook"),
        (b"[1]", "no notebook"),
        (b'{"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "no not"),
    ],
)
def test_a_file_that_is_no_notebook_is_said_to_be_none(tmp_path, content, says):
    path = tmp_path / "x.ipynb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FairtutorError, match=says):
        read_submission(path)


def test_a_link_to_somebody_elses_work_is_not_followed(tmp_path, release):
    nbformat.write(release, tmp_path / "theirs.ipynb")
    (tmp_path / "mine.ipynb").symlink_to(tmp_path / "theirs.ipynb")
    with pytest.raises(FairtutorError, match="no file"):
        read_submission(tmp_path / "mine.ipynb")


def test_neither_code_nor_pipes_nor_links_are_copied(tmp_path):
    source = tmp_path / NAME
    (source / "fairtutor").mkdir(parents=True)
    (source / "fairtutor" / "checks.py").write_text("check = print")
    (source / "data.csv").write_text("1,2")
    (source / "theirs.csv").symlink_to("/etc/passwd")
    os.mkfifo(source / "pipe")
    notes = copy_files(source, tmp_path / "out", 100)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["data.csv"]
    assert sorted(note.split()[0] for note in notes) == [
        "fairtutor/checks.py",
        "pipe",
        "theirs.csv",
    ]
    with pytest.raises(FairtutorError, match="larger"):
        copy_files(source, tmp_path / "again", 2)


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda cell: cell.update(source="x = '\ud800'"), "x = '?'"),
        (lambda cell: cell["metadata"].update(nbgrader={"grade_id": ["a"]}), None),
        (lambda cell: cell["metadata"].update(nbgrader="no"), None),
    ],
)
def test_odd_cells_are_read(tmp_path, release, change, kept):
    content = json.loads(json.dumps(release))
    change(content["cells"][1])
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(content))
    made, _ = repaired(read_submission(path), release)
    nbformat.write(made, path)
    assert kept is None or made.cells[1].source == kept


# --- repair --------------------------------------------------------------------------


def checks_of(notebook):
    return [cell.source for cell in notebook.cells if cell.source.startswith("check(")]


def test_a_whole_submission_stays_as_it_is(release):
    made, notes = repaired(release, release)
    again = "from fairtutor.checks import check, hint"
    sources = [c.source for c in made.cells if c.source != again]
    assert sources == [c.source for c in release.cells] and notes == []


def test_check_is_the_librarys_own_right_before_each_check(release, solution):
    submission = unsolved(solution)
    answer = next(c for c in submission.cells if "def worst_ratio" in c.source)
    answer.source = "check = print"
    made, notes = repaired(submission, release)
    sources = [cell.source for cell in made.cells]
    for number, source in enumerate(sources):
        if source.startswith("check("):
            assert sources[number - 1] == "from fairtutor.checks import check, hint"
    assert [note for note in notes if "read it" in note]


def test_edited_deleted_and_doubled_cells_are_put_right(release, solution):
    submission = unsolved(solution)
    cells = submission.cells
    checks = [i for i, cell in enumerate(cells) if cell.source.startswith("check(")]
    cells[checks[0]].source = "pass"
    cells.insert(checks[1], cells[checks[1]].copy())
    del cells[checks[2] + 1]
    made, notes = repaired(submission, release)
    assert checks_of(made) == checks_of(release)
    assert any("edited" in note for note in notes)
    assert any("2 times" in note for note in notes)
    assert any("missing" in note for note in notes)


def test_a_renamed_answer_is_checked_at_the_end(release, solution):
    submission = unsolved(solution)
    for cell in submission.cells:
        cell.metadata = {}
    made, _ = repaired(submission, release)
    checks = [c for c in made.cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert [cell.source for cell in checks] == checks_of(release)
    assert made.cells.index(checks[0]) > len(release.cells)


# --- a class -------------------------------------------------------------------------

QUICK = ["01", "07", "12", "17", "19", "20", "25"]


@confined
def test_a_small_class_gets_its_points(tmp_path):
    played = rehearse(
        ROOT / "solutions", tmp_path / "course", only=QUICK, seconds=15, progress=False
    )
    assert len(played) == len(QUICK)
    for part, mark in played:
        assert mark.total == expected(part, mark), (part.who, mark.notes)
    feedback = list((tmp_path / "course" / "feedback").rglob("*.html"))
    assert len(feedback) == len(QUICK) - 1  # nothing to say to a damaged file
    with (tmp_path / "course" / "grades" / f"{NAME}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["student"] for row in rows] == sorted(part.who for part, _ in played)
    assert len({row["seed"] for row in rows}) == 1


@confined
def test_a_class_of_which_nobody_could_be_graded_has_a_table(tmp_path):
    [(_, mark)] = rehearse(
        ROOT / "solutions", tmp_path / "course", only=["14"], progress=False
    )
    assert mark.total == 0 and mark.notes == ["its kernel ended"]
    assert (tmp_path / "course" / "grades" / f"{NAME}.csv").is_file()


@confined
@pytest.mark.long
def test_a_class_of_25_gets_its_points(capsys):
    assert cli.main(["exercises", "rehearse"]) == 0
    said = capsys.readouterr().out
    assert "25 submissions, 0 with other points than expected." in said


def test_the_cast_knows_what_it_is_worth(solution, release, tmp_path):
    parts = list(Cast(solution, release, tmp_path, NAME, tmp_path / "canary").parts())
    assert len({part.who for part in parts}) == 25
    worth = {part.who: len(part.solved) for part in parts}
    assert set(worth.values()) == {0, 1, 4, 5}
