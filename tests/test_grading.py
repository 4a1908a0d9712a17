"""A class: confined, each on its own, everybody with the points of their answers."""

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from fairtutor import cli
from fairtutor.exchange import FairtutorError
from fairtutor.exercises import confinement, unsolved
from fairtutor.exercises.confinement import Limits, bwrap, lower_limits, obstacle
from fairtutor.exercises.course import course, nbgrader
from fairtutor.exercises.grading import grade
from fairtutor.exercises.rehearsal import Cast, expected, rehearse
from fairtutor.exercises.repair import read_submission, repaired

ROOT = Path(__file__).parent.parent
NAME = "07_similar_individuals"
confined = pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))


@pytest.fixture(scope="module")
def solution():
    return nbformat.read(ROOT / "solutions" / f"{NAME}.ipynb", as_version=4)


@pytest.fixture
def release(solution):
    return unsolved(solution)


def run_confined(code, tmp_path, limits=Limits()):  # noqa: B008
    folder, shared = tmp_path / "own", tmp_path / "shared"
    folder.mkdir()
    shared.mkdir()
    (folder / "beside.txt").write_text("beside the notebook")
    command = bwrap([sys.executable, "-c", code], folder, shared, limits)
    said = subprocess.run(
        command,
        capture_output=True,
        text=True,
        preexec_fn=lambda: lower_limits(limits),
    )
    assert [path.name for path in folder.iterdir()] == ["beside.txt"]
    return said.stdout.strip(), said.stderr


# --- what a submission can reach -----------------------------------------------------


@confined
def test_a_submission_reads_what_lies_beside_it_and_writes_to_a_copy(tmp_path):
    code = "print(open('beside.txt').read()); open('mine.txt', 'w').write('x')"
    assert run_confined(code, tmp_path)[0] == "beside the notebook"


@confined
def test_a_submission_sees_no_clone_no_home_and_nobodys_work(tmp_path):
    places = [ROOT / "solutions", ROOT / "tests", Path.home() / ".ssh", tmp_path]
    code = f"""
import os
print([os.path.exists(p) and sorted(os.listdir(p)) for p in {list(map(str, places))}])
import fairtutor
"""
    said, errors = run_confined(code, tmp_path)
    assert said == "[False, False, False, ['own', 'shared']]" and errors == ""


@confined
def test_a_submission_writes_nowhere_else(tmp_path):
    code = f"""
import os, shutil
for place in ("/usr", "/etc", {str(ROOT / "fairtutor")!r}, os.path.expanduser("~root")):
    shutil.rmtree(place, ignore_errors=True)
    try:
        open(place + "/was_here", "w")
        print("wrote", place)
    except OSError:
        pass
"""
    assert run_confined(code, tmp_path)[0] == ""
    assert (ROOT / "fairtutor" / "__init__.py").is_file()


@confined
def test_a_submission_reaches_nobody(tmp_path):
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = int(server.stdout.readline().split("port ")[1].split()[0])
        code = f"""
import socket
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=5)
    print("reached")
except OSError:
    print("nobody")
"""
        assert run_confined(code, tmp_path)[0] == "nobody"
    finally:
        server.kill()


@confined
def test_memory_and_disk_end(tmp_path):
    code = """
try:
    bytearray(3 * 2**30)
except MemoryError:
    print("memory")
try:
    for k in range(40):
        open(f"/tmp/{k}", "wb").write(bytes(2**20))
except OSError:
    print("disk")
import torch
print(torch.ones(2).sum().item())
"""
    limits = Limits(memory=2 * 2**30, disk=2**24)
    assert run_confined(code, tmp_path, limits)[0] == "memory\ndisk\n2.0"


@confined
def test_nothing_is_left_running(tmp_path):
    mark = f"86{os.getpid()}"
    code = f"import subprocess; subprocess.Popen(['sleep', '{mark}'])"
    run_confined(code, tmp_path)
    time.sleep(0.5)
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert not any(mark.encode() in line for line in lines if b"sleep" in line)


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


# --- repair --------------------------------------------------------------------------


def checks_of(notebook):
    return [cell.source for cell in notebook.cells if cell.source.startswith("check(")]


def test_a_whole_submission_stays_as_it_is(release):
    made, notes = repaired(release, release)
    assert [c.source for c in made.cells] == [c.source for c in release.cells]
    assert notes == []


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

QUICK = ["01", "06", "12", "17", "19", "20", "25"]


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
@pytest.mark.long
def test_a_class_of_25_gets_its_points(capsys):
    assert cli.main(["exercises", "rehearse"]) == 0
    said = capsys.readouterr().out
    assert "25 submissions, 0 with other points than expected." in said


def test_the_cast_knows_what_it_is_worth(solution, release, tmp_path):
    parts = list(Cast(solution, release, tmp_path, NAME).parts())
    assert len({part.who for part in parts}) == 25
    worth = {part.who: len(part.solved) for part in parts}
    assert set(worth.values()) == {0, 1, 4, 5}
