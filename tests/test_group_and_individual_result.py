"""What experiments/group_and_individual.py found: a seed again, and what must hold."""

import pytest

from fairtutor.results import load_result


@pytest.fixture(scope="module")
def experiment(script):
    return script("experiments/group_and_individual.py")


@pytest.fixture(scope="module")
def table():
    return load_result("group_and_individual")["table"]


@pytest.mark.usefixtures("as_stored")
def test_one_seed_comes_out_again(experiment, table):
    again = experiment.measured(experiment.People(), "logistic", 3)
    for way, numbers in again.items():
        kept = table[f"logistic, {way}"]["runs"][3]
        for name, value in numbers.items():
            assert value == pytest.approx(kept[name], abs=0.02)


def test_in_every_seed_the_fairer_to_groups_is_less_fair_to_individuals(table):
    for model in ("logistic", "mlp"):
        ways = (
            table[f"{model}, {way}"]["runs"] for way in ("one threshold", "one a group")
        )
        for one, by_group in zip(*ways, strict=True):
            assert by_group["gap"] < one["gap"] / 3
            for name in ("consistency", "same cell", "same if flipped"):
                assert by_group[name] < one[name]
