"""Results of long runs are found, carry their command, and say what is not there."""

import json

import pytest

from fairtutor import results
from fairtutor.exchange import FairtutorError


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A clone of our own in which to write."""
    (tmp_path / "experiments" / "results").mkdir(parents=True)
    monkeypatch.setattr(results, "PACKAGE", tmp_path / "fairtutor")
    return tmp_path


def test_what_was_saved_is_loaded_with_floats_short_and_text_kept(package):
    path = results.save_result("ω", {"command": "x", "share": [1 / 3, {1: 2.0}]})
    assert path.parent == package / "experiments" / "results"
    assert results.load_result("ω") == {"command": "x", "share": [0.333333, {"1": 2.0}]}


def test_an_installation_without_a_clone_has_its_own(package):
    inside = package / "fairtutor" / "experiments"
    inside.mkdir(parents=True)
    (inside / "rounds.json").write_text('{"command": "in the wheel"}')
    assert results.load_result("rounds") == {"command": "in the wheel"}


def test_a_misspelt_name_is_answered_with_the_nearest(package):
    results.save_result("coverage", {"command": "x"})
    with pytest.raises(FairtutorError, match=r"'covrage'\. Did you mean 'coverage'"):
        results.load_result("covrage")


def test_every_committed_result_says_how_to_compute_it_again(root):
    found = sorted((root / "experiments" / "results").glob("*.json"))
    assert found
    for path in found:
        command = json.loads(path.read_text(encoding="utf-8"))["command"]
        script = command.split()[1]
        assert command.startswith("python ") and (root / script).is_file(), path.name
        assert script.startswith(("experiments/", "benchmarks/")), path.name
        assert path.stat().st_size < 200_000, f"{path.name} is no small file"
