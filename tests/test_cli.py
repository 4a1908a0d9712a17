"""The command line: what a person types, what it says, and what it leaves behind."""

import argparse
import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from fairtutor import app_command, cli, doctor
from fairtutor.data import embedded
from fairtutor.exchange.errors import FairtutorError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def course(tmp_path, monkeypatch):
    """An installation with two chapters and an exercise, and no clone around it."""
    package = tmp_path / "installed" / "fairtutor"
    (package / "chapters").mkdir(parents=True)
    (package / "chapters" / cli.FIRST).write_text('{"cells": []}')
    (package / "chapters" / "01_next.ipynb").write_text('{"cells": [1]}')
    (package / cli.UNSOLVED).mkdir()
    (package / cli.UNSOLVED / "01_next.ipynb").write_text('{"cells": [2]}')
    monkeypatch.setattr(cli, "PACKAGE", package)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "course"


def fairtutor(*words, **settings):
    command = [sys.executable, "-m", "fairtutor.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, **settings)


# --- help and errors -----------------------------------------------------------------


def test_help_names_every_command_and_does_not_wait_for_torch():
    code = (
        "import sys\nfrom fairtutor.cli import main\n"
        "try:\n    main(['--help'])\n"
        "finally:\n    print('torch loaded:', 'torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert all(re.search(rf"^    {c}\b", said.stdout, re.M) for c in cli.COMMANDS)
    assert "torch loaded: False" in said.stdout


def test_an_unknown_command_is_answered_with_the_nearest_one():
    said = fairtutor("labb")
    assert said.returncode == 2
    assert "no command 'labb'. Did you mean 'lab'?" in said.stderr
    assert "Traceback" not in said.stderr


def test_an_error_of_ours_is_one_sentence_and_an_error_in_the_code_is_not_hidden(
    monkeypatch, capsys
):
    def ours(args):
        raise FairtutorError("There is no column 'sexx'.")

    def a_bug(args):
        raise ValueError("not ours")

    monkeypatch.setattr(cli, "_run_doctor", ours)
    assert cli.main(["doctor"]) == 2
    assert capsys.readouterr().err == "fairtutor: There is no column 'sexx'.\n"
    monkeypatch.setattr(cli, "_run_doctor", a_bug)
    with pytest.raises(ValueError, match="not ours"):
        cli.main(["doctor"])


def test_loop_explains_its_arguments():
    said = fairtutor("loop", "--help")
    assert said.returncode == 0, said.stderr
    assert "--data" in said.stdout


# --- copy ----------------------------------------------------------------------------


def test_copy_writes_chapters_and_exercises_and_then_nothing_more(course, capsys):
    assert cli.main(["copy", str(course)]) == 0
    written = sorted(p.relative_to(course).as_posix() for p in course.glob("*/*"))
    names = [f"chapters/{cli.FIRST}", "chapters/01_next.ipynb"]
    assert written == sorted([*names, "exercises/01_next.ipynb"])
    exercise = (course / "exercises" / "01_next.ipynb").read_text()
    assert exercise == '{"cells": [2]}'
    assert f"fairtutor lab {course}" in capsys.readouterr().out
    assert cli.copy(course) == []


def test_copy_keeps_what_the_learner_changed(course):
    cli.copy(course)
    (course / "chapters" / cli.FIRST).write_text("my notes")
    (course / "exercises" / "01_next.ipynb").unlink()
    with pytest.raises(
        FairtutorError, match=r"changes to 00_start_here\.ipynb.*--force"
    ):
        cli.copy(course)
    assert (course / "chapters" / cli.FIRST).read_text() == "my notes"
    assert not (course / "exercises" / "01_next.ipynb").exists(), (
        "a refused copy writes nothing"
    )

    assert len(cli.copy(course, force=True)) == 2
    assert (course / "chapters" / cli.FIRST).read_text() == '{"cells": []}'


def test_copy_into_a_file_or_from_an_empty_installation_is_refused(course):
    course.write_text("a file")
    with pytest.raises(FairtutorError, match="is a file"):
        cli.copy(course)
    (cli.PACKAGE / "chapters" / cli.FIRST).unlink()
    with pytest.raises(FairtutorError, match="holds no chapters"):
        cli.copy(course)


# --- lab -----------------------------------------------------------------------------


def test_lab_outside_a_clone_says_how_to_get_the_chapters(course, capsys):
    assert cli.main(["lab", "--no-browser"]) == 2
    assert "fairtutor copy" in capsys.readouterr().err


def test_lab_finds_the_chapters_here_in_a_named_folder_and_in_the_clone(
    course, monkeypatch
):
    clone = cli.PACKAGE.parent / "chapters"
    clone.mkdir()
    (clone / cli.FIRST).write_text("{}")
    assert cli.first_chapter() == clone / cli.FIRST
    cli.copy(course)
    assert cli.first_chapter(course) == course / "chapters" / cli.FIRST
    monkeypatch.chdir(course)
    assert cli.first_chapter() == course / "chapters" / cli.FIRST
    with pytest.raises(FairtutorError, match="no chapters in"):
        cli.first_chapter(course / "elsewhere")


def test_lab_shows_the_clone_and_opens_the_chapter_in_it():
    chapter = ROOT / "chapters" / cli.FIRST
    arguments = cli.lab_arguments(chapter, port=8901)
    assert f"--ServerApp.root_dir={ROOT}" in arguments
    assert "--LabApp.default_url=/lab/tree/chapters/00_start_here.ipynb" in arguments
    assert "--ServerApp.port=8901" in arguments and "--no-browser" not in arguments


def test_lab_opens_jupyterlab_on_the_first_chapter(tmp_path):
    (tmp_path / cli.FIRST).write_text('{"cells": [], "metadata": {}, "nbformat": 4}')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["lab", str(tmp_path), "--no-browser", "--port", str(port)]
    lab = subprocess.Popen(
        [sys.executable, "-m", "fairtutor.cli", *command],
        env={**os.environ, "JUPYTER_TOKEN": "secret"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = read_until(lab, rf"http://localhost:{port}\S+")
        assert f":{port}/lab/tree/{cli.FIRST}?token=" in said
        file = f"http://127.0.0.1:{port}/api/contents/{cli.FIRST}?token=secret"
        assert answer(file)["name"] == cli.FIRST
    finally:
        lab.terminate()
        lab.wait(30)


def read_until(process, pattern, seconds=60):
    """Return what a process printed once the pattern occurs in it."""
    said, end = "", time.monotonic() + seconds
    for line in process.stdout:
        said += line
        if re.search(pattern, said):
            return said
        assert time.monotonic() < end, said
    raise AssertionError(f"it ended without an address:\n{said}")


def answer(address, seconds=30):
    """Return the JSON at an address, which may not be listened to yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=seconds) as got:
                return json.load(got)
        except urllib.error.URLError:
            assert time.monotonic() < end, f"no answer from {address}"
            time.sleep(0.2)


# --- doctor --------------------------------------------------------------------------


def test_doctor_has_one_line_for_each_check_and_passes_here():
    said = fairtutor("doctor")
    lines = said.stdout.splitlines()
    assert said.returncode == 0, said.stdout + said.stderr
    assert [line.split()[1] for line in lines[:-1]] == list(doctor.CHECKS)
    assert all(line.startswith(("OK ", "NOTE ")) for line in lines[:-1])


def test_doctor_fails_when_something_needed_is_missing(monkeypatch, capsys):
    bad = doctor.Check("disk", "FAIL", "full", "free some")
    monkeypatch.setattr(doctor, "CHECKS", {"disk": lambda: bad})
    assert cli.main(["doctor"]) == 1
    assert "FAIL  disk      full. Fix: free some." in capsys.readouterr().out


def test_doctor_goes_on_when_a_check_breaks(monkeypatch):
    def broken():
        raise OSError("libtorch.so not found")

    monkeypatch.setattr(doctor, "CHECKS", {"device": broken, "disk": doctor.disk})
    first, second = doctor.checks()
    assert first.state == "FAIL" and "libtorch.so" in first.found and first.fix
    assert second.name == "disk"


def test_doctor_names_the_package_that_is_missing_or_too_old(monkeypatch):
    versions = {"numpy": "1.0", "tqdm": None}
    real = doctor.installed
    monkeypatch.setattr(doctor, "installed", lambda n: versions.get(n, real(n)))
    check = doctor.packages()
    assert check.state == "FAIL" and "make lab" in check.fix
    assert "numpy 1.0 (needs >=2.0)" in check.found
    monkeypatch.setattr(doctor, "installed", lambda n: None if n == "tqdm" else real(n))
    assert "tqdm is missing" in doctor.packages().found


def test_doctor_notes_a_package_that_is_not_the_tested_one(monkeypatch):
    monkeypatch.setattr(doctor, "pins", lambda: {"numpy": "2.0.99"})
    check = doctor.packages()
    assert check.state == "NOTE" and "tested with 2.0.99" in check.found


def test_doctor_finds_a_damaged_and_a_missing_data_file(monkeypatch, tmp_path):
    shutil.copytree(embedded.FOLDER, tmp_path / "data")
    monkeypatch.setattr(embedded, "FOLDER", tmp_path / "data")
    assert doctor.data().state == "OK"
    (tmp_path / "data" / embedded.EMBEDDED["german"]).write_bytes(b"changed")
    (tmp_path / "data" / embedded.EMBEDDED["loans"]).unlink()
    check = doctor.data()
    assert check.state == "FAIL"
    assert "german.csv.xz is damaged" in check.found
    assert "'loans' is gone" in check.found and "adult" not in check.found


def test_doctor_reports_a_device_that_is_not_there(monkeypatch):
    monkeypatch.setenv("FAIRTUTOR_DEVICE", "abacus")
    check = doctor.device()
    assert check.state == "FAIL" and "abacus" in check.found


def test_doctor_finds_a_kernel_of_another_python(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    check = doctor.kernel()
    assert check.state == "FAIL" and "ipykernel install" in check.fix


def test_a_missing_browser_is_a_note_since_the_course_needs_none(monkeypatch):
    monkeypatch.setenv("FAIRTUTOR_BROWSER", "no-such-browser")
    check = doctor.browser()
    assert check.state == "NOTE" and "install chromium" in check.fix


def test_a_missing_browser_is_a_note_in_a_notebook_too(monkeypatch):
    monkeypatch.delenv("FAIRTUTOR_BROWSER", raising=False)
    monkeypatch.setattr(doctor, "BROWSERS", ("no-such-browser",))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", "no-such-folder")

    async def in_a_notebook():
        return doctor.browser()

    assert asyncio.run(in_a_notebook()).state == "NOTE"


# --- the app --------------------------------------------------------------------------


def app_options(*words):
    parser = argparse.ArgumentParser()
    app_command.add_arguments(parser)
    return parser.parse_args(["--data", "german", *words])


def test_the_app_shows_the_panel_that_was_asked_for():
    options = app_options("--rounds", "3", "--tolerance", "0.2", "--attribute", "sex")
    scope = {}
    exec(app_command.notebook(options).cells[0].source.rpartition("\n")[0], scope)
    assert scope["dataset"].num_audits >= 3
    [gap, *_] = scope["criteria"].criteria
    assert (gap.tolerance, gap.attribute) == (0.2, ("sex",))
    assert scope["criteria"].rounds == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rounds", "0"], "--rounds is 0; use 1 to 20"),
        (["--zoom", "9"], "--zoom is 9; use 0.5 to 4"),
        (["--attribute", "sexes"], "Did you mean 'sex'"),
        (["--data", "germany"], "Did you mean 'german'"),
    ],
)
def test_what_the_app_cannot_show_is_said_in_the_terminal(capsys, words, said):
    assert cli.main(["app", "--data", "german", *words]) == 2
    assert said in capsys.readouterr().err


def test_without_voila_the_app_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setattr(app_command.importlib.util, "find_spec", lambda name: None)
    assert cli.main(["app"]) == 2
    assert "pip install 'fairtutor[app]'" in capsys.readouterr().err


def test_the_app_is_served_to_this_machine_alone():
    given = app_command.arguments(Path("loop.ipynb"), 1234, browser=True)
    assert "--Voila.ip=127.0.0.1" in given and "--no-browser" not in given
