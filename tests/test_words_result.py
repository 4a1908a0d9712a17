"""What experiments/words.py found: runs again, and what must hold of names."""

import pytest
import torch

from fairtutor.data import given_names
from fairtutor.results import load_result


@pytest.fixture(scope="module")
def experiment(script):
    return script("experiments/words.py")


@pytest.fixture(scope="module")
def table():
    return load_result("words")["table"]


@pytest.mark.usefixtures("as_stored")
@pytest.mark.parametrize("name", ["raw", "FACE, 2", "means"])
def test_one_seed_comes_out_again(experiment, table, name):
    again = experiment.run(name, "logistic", 3)
    kept = table[f"{name}, logistic"]["runs"][3]
    for measure, value in again.items():
        wide = 0.15 if "log-odds" in measure else 0.03
        assert value == pytest.approx(kept[measure], abs=wide)


def test_halves_hold_every_name_once_and_as_many_of_each_kind(experiment):
    names = given_names()
    first, second = experiment.halves(names, 5)
    assert sorted(torch.cat([first, second]).tolist()) == list(range(len(names)))
    for codes in (names.race, names.gender):
        for value in codes.unique().tolist():
            counts = [(codes[half] == value).sum().item() for half in (first, second)]
            assert abs(counts[0] - counts[1]) <= 2


def test_a_name_is_judged_by_a_distance_that_has_not_seen_it(experiment, monkeypatch):
    seen = {}

    def learn(names, half, seed):
        seen["half"] = half
        return torch.eye(50)

    def asked(W, user, seed):
        mark = torch.zeros(len(given_names()))
        mark[seen["half"]] = 1
        X = given_names().X
        return lambda V: (torch.cdist(V, X) == 0).double() @ mark.double()

    monkeypatch.setitem(experiment.DISTANCES, "spy", learn)
    monkeypatch.setattr(experiment, "asked", asked)
    monkeypatch.setattr(experiment, "accuracy", lambda logit: 0.5)
    monkeypatch.setattr(experiment, "gaps", lambda names, t: {"seen": t.max().item()})
    assert experiment.run("spy", "logistic", 0)["seen"] == 0  # 1 where it has seen one


@pytest.mark.parametrize("user", ["logistic", "mlp"])
def test_two_directions_close_most_of_the_gap_at_a_point_of_accuracy(table, user):
    raw, fair = table[f"raw, {user}"], table[f"FACE, 2, {user}"]
    assert raw["gap by race"][0] > 0.1
    assert all(run["gap by race"] > 0.06 for run in raw["runs"])
    assert fair["gap by race"][0] < 0.25 * raw["gap by race"][0]
    assert raw["accuracy"][0] - fair["accuracy"][0] < 0.012


@pytest.mark.parametrize("user", ["logistic", "mlp"])
def test_names_stay_about_as_far_apart_as_they_were(table, user):
    """A gap of groups is closed; what is said of single names still differs."""
    raw, fair = table[f"raw, {user}"], table[f"FACE, 2, {user}"]
    assert fair["distance of names"][0] > 0.75 * raw["distance of names"][0]
