"""What experiments/robustness.py found: a part of it again, and what must hold."""

import pytest

from fairtutor.results import load_result


@pytest.fixture(scope="module")
def experiment(script):
    return script("experiments/robustness.py")


@pytest.fixture(scope="module")
def result():
    return load_result("robustness")


@pytest.mark.usefixtures("as_stored")
def test_one_seed_on_a_line_is_within_the_spread(experiment, result):
    codes = experiment.encode(0, 1)
    for row in result["steepness"][::3]:
        again = experiment.measured(codes, row["L"])
        for name, value in again.items():
            mean, deviation = row[name]
            assert value == pytest.approx(mean, abs=3 * deviation + 0.01)


@pytest.mark.usefixtures("as_stored")
def test_each_broken_learner_breaks_again(experiment, result):
    for name, way in experiment.BROKEN.items():
        again, kept = way(0), result["broken"][name]["runs"][0]
        assert again["gap"] > again["formula"]
        assert again["formula"] == pytest.approx(kept["formula"], abs=1e-5)
        assert again["gap"] == pytest.approx(kept["gap"], abs=0.02)
        # One failing sample is bad luck; more than δ of them contradict the formula.
        assert again.get("samples that fail", 1) > 3 * result["delta"]


def test_bounds_need_no_training(experiment, result):
    for row in result["dimensions"]:
        again = experiment.smallest_bound(row["d"], result["L"])
        assert again["bound"] == pytest.approx(row["bound"], rel=1e-5)
    assert result["fifty cells"]["bound"] < 0.15


def test_no_gap_is_above_its_bound(result):
    for row in result["dimensions"] + result["steepness"]:
        gap = abs(row["error on fresh"][0] - row["error on S"][0])
        assert gap < row["bound"]
