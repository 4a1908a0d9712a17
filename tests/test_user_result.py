"""What experiments/user.py found: a sampled part again, and what must hold of all."""

import math

import pytest

from fairtutor.results import load_result
from fairtutor.theory.tradeoff import least_error_sum


@pytest.fixture(scope="module")
def experiment(script):
    return script("experiments/user.py")


@pytest.fixture(scope="module")
def result():
    return load_result("user")


@pytest.mark.usefixtures("as_stored")
def test_two_seeds_on_compas_come_out_again(experiment, result):
    """One seed of a closed form, one of an encoder trained by gradient."""
    for method, seed, near in (("erasure", 0, 0.02), ("adversarial", 1, 0.05)):
        kept = result["data"]["compas"]["methods"][method]
        cost = experiment.mistrust("compas", method, seed)["cost"]
        assert cost == pytest.approx(kept["mistrust"]["runs"][seed], abs=near)
        for model, (_, loss) in experiment.losses("compas", method, seed).items():
            total, gap = kept["users"][model]["runs"][seed]
            assert loss.total[0] == pytest.approx(total, abs=near)
            assert loss.gap[0] == pytest.approx(gap, abs=near)


def test_the_constant_predictor_is_its_base_rates(experiment, result):
    for name, data in result["data"].items():
        again = experiment.constant(name)
        assert again["total"] == pytest.approx(data["constant"]["total"], abs=1e-5)
        bases = data["base rates"]
        assert data["constant"]["total"][0] == pytest.approx(sum(bases), abs=1e-5)
        assert data["constant"]["gap"][0] == 0


def test_no_measured_user_is_below_the_line(result):
    for data in result["data"].values():
        for method in data["methods"].values():
            for user in method["users"].values():
                for total, gap in user["runs"]:
                    assert total >= least_error_sum(data["base rates"], gap) - 1e-5


def test_means_and_deviations_are_those_of_the_runs(result):
    for data in result["data"].values():
        for method in data["methods"].values():
            costs = [run[0] for run in method["mistrust"]["runs"]]
            mean = sum(costs) / len(costs)
            deviation = math.sqrt(sum((c - mean) ** 2 for c in costs) / 4)
            assert len(costs) == result["seeds"] == 5
            assert method["mistrust"]["cost"][:2] == pytest.approx(
                [mean, deviation], abs=1e-5
            )


def test_the_identity_costs_nothing(result):
    for data in result["data"].values():
        assert data["methods"]["identity"]["mistrust"]["cost"][0] == 0
