"""What experiments/notions.py found: a sampled part again, and what it adds up to."""

import pytest

from fairtutor.producers import NOTIONS
from fairtutor.results import load_result

OWN = {
    "demographic parity": "selection",
    "equal opportunity": "true positive",
}


@pytest.fixture(scope="module")
def result():
    return load_result("notions")


def runs(result, method, notion):
    [row] = [
        row
        for row in result["table"]
        if (row["method"], row["notion"]) == (method, notion)
    ]
    return row["runs"]


@pytest.mark.usefixtures("as_stored")
@pytest.mark.parametrize(
    ("method", "notion", "seed"),
    [("identity", "none", 1), ("adversarial", "equalized odds", 0)],
)
def test_a_sampled_run_comes_out_the_same_again(script, result, method, notion, seed):
    again = script("experiments/notions.py").measure(method, notion, seed)
    assert again == pytest.approx(runs(result, method, notion)[seed], abs=0.04)


def test_every_notion_of_both_methods_is_there_with_all_seeds(result):
    for method in ("adversarial", "moments"):
        for notion in NOTIONS:
            assert len(runs(result, method, notion)) == result["seeds"]


@pytest.mark.parametrize("method", ["adversarial", "moments"])
@pytest.mark.parametrize("notion", OWN)
def test_the_own_gap_is_smaller_than_without_a_producer_on_average(
    result, method, notion
):
    gap = OWN[notion]
    before = sum(run[gap] for run in runs(result, "identity", "none"))
    after = sum(run[gap] for run in runs(result, method, notion))
    assert after < before / 1.5
