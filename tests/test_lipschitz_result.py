"""What experiments/lipschitz.py found: a part of it again, and what must hold."""

import pytest

from fairtutor.results import load_result


@pytest.fixture(scope="module")
def experiment(script):
    return script("experiments/lipschitz.py")


@pytest.fixture(scope="module")
def result():
    return load_result("lipschitz")


@pytest.mark.usefixtures("as_stored")
def test_one_seed_comes_out_again(experiment, result):
    data = experiment.images()
    for method in ("spectral", "torch's spectral_norm"):
        kept = result["table"][method]["runs"][0]
        again = experiment.measured(
            *experiment.trained(method, data, 0, kept["temperature"]), data
        )
        for name, value in again.items():
            assert value == pytest.approx(kept[name], abs=0.05)


@pytest.mark.usefixtures("as_stored")
def test_one_constant_comes_out_again(experiment, result):
    [kept] = [row for row in result["steepness"] if row["L"] == 4.0]
    again = experiment.at_constant(experiment.images(), 1, 4.0)
    for name, value in again.items():
        mean, deviation = kept[name]
        assert value == pytest.approx(mean, abs=4 * deviation + 0.01)


def test_constants_are_at_most_one_where_they_are_certified(experiment, result):
    from fairtutor.theory.lipschitz import METHODS

    for method in METHODS:
        for run in result["table"][method]["runs"]:
            assert run["found"] <= run["constant"] * (1 + 1e-9)
            if method != "unconstrained":
                assert run["constant"] <= 1
    assert all(row["constant"][0] <= 1 for row in result["temperatures"])
    for row in result["steepness"]:
        assert row["certified L"][0] <= row["L"] * (1 + 1e-6)


def test_certified_accuracy_falls_with_the_radius(result):
    for of in result["table"].values():
        for run in of["runs"]:
            kept = [run[f"certified at {r:g}"] for r in result["radii"]]
            assert kept == sorted(kept, reverse=True)
            assert kept[0] == pytest.approx(run["test accuracy"], abs=1e-6)
