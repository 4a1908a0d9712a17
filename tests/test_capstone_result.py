"""What experiments/capstone.py found: a loop again, and what its pieces promise."""

import json
import re

import pytest
import torch

from fairtutor import load
from fairtutor.data import given_names
from fairtutor.results import load_result
from fairtutor.similarity import comparable_directions


@pytest.fixture(scope="module")
def experiment(script):
    return script("experiments/capstone.py")


@pytest.fixture(scope="module")
def table():
    return load_result("capstone")["table"]


@pytest.mark.usefixtures("as_stored")
@pytest.mark.parametrize("column", ["raw", "learned"])
def test_one_loop_on_words_comes_out_again(experiment, table, column):
    _, again = experiment.looped(experiment.words(2), column, 2)
    kept = table["words"][column]["runs"][1]
    assert again["accuracy"] == pytest.approx(kept["accuracy"], abs=0.02)
    assert again["gap by race"] == pytest.approx(kept["gap by race"], abs=0.03)
    assert again["names agreed"] == pytest.approx(kept["names agreed"], abs=0.001)
    assert again["certified at 0.1"] == pytest.approx(
        kept["certified at 0.1"], abs=0.05
    )


def test_judged_pairs_differ_in_nothing_but_sex_race_and_spouse(experiment):
    adult = load("adult")
    X, pairs = experiment.judged_pairs(adult, 60, 3)
    assert pairs.bincount().tolist() == [2] * 60
    may = adult.columns_mask(["sex", "race"])
    for name in ("Husband", "Wife"):
        may[adult.feature_names.index(f"relationship={name}")] = True
    first, second = X[:60], X[60:]
    assert torch.equal(first[:, ~may], second[:, ~may])
    assert (first != second)[:, may].any(0).sum() == may.sum()
    assert comparable_directions(X, pairs).shape[1] == 6


def test_the_learned_distance_of_people_sees_no_copy(experiment):
    task = experiment.people(1)
    module = task.learn(1).module
    X, _ = experiment.judged_pairs(task.dataset, 500, 99)  # others than it saw
    Z = module(X)
    assert (Z[:500] - Z[500:]).norm(dim=1).max() < 1e-4 < Z.std()


def test_the_arbiter_errs_as_often_as_it_says(experiment):
    task = experiment.people(2)
    rows = task.dataset.rows("train")
    Z = task.learn(2).module(rows.X)
    a, b, c = (Z[column] for column in task.dataset.judgements["train"].T)
    wrong = ((a - b).norm(dim=1) > (a - c).norm(dim=1)).double().mean()
    assert wrong.item() == pytest.approx(experiment.ERRS, abs=0.015)


def test_names_that_are_asked_about_were_not_learned_from(experiment):
    learned, other = experiment.halves(given_names(), 4)
    both = torch.cat([learned, other]).tolist()
    assert sorted(both) == list(range(len(given_names())))


def test_the_pages_hold_the_first_seed_and_ask_nobody_for_anything(root, table):
    for name, columns in table.items():
        page = (root / "docs" / "reports" / f"{name}.html").read_text("utf-8")
        data = re.search(r'id="report">(.*?)</script>', page, re.S).group(1)
        told = {
            f["criterion"]["metric"]: f["estimate"]
            for f in json.loads(data)["findings"]
        }
        kept = columns["learned"]["runs"][0]
        for metric, estimate in told.items():
            assert estimate == pytest.approx(kept[metric], abs=1e-5), (name, metric)
        assert not re.search(r'(?:src|href)="(?!data:|#)', page)
