"""What experiments/adversary_loss.py found: a sampled run again, and what it says."""

import pytest

from fairtutor import load
from fairtutor.results import load_result


@pytest.fixture(scope="module")
def result():
    return load_result("adversary_loss")


def spread(result, notion, loss, strength):
    [row] = [
        row
        for row in result["table"]
        if (row["notion"], row["loss"], row["strength"]) == (notion, loss, strength)
    ]
    return row


@pytest.mark.usefixtures("as_stored")
def test_a_sampled_run_comes_out_the_same_again(script, result):
    experiment = script("experiments/adversary_loss.py")
    adult = load("adult").without_audit()
    encoder = experiment.encoder(adult, "demographic parity", "log", 2.0, 0)
    again = experiment.measure(adult, encoder)
    row = spread(result, "demographic parity", "log", 2.0)
    assert again == pytest.approx(row["runs"][0], abs=0.04)


def test_the_default_loss_leaves_the_smaller_gap_at_the_default_strength(result):
    for notion in ("demographic parity", "equal opportunity"):
        log, absolute = (
            spread(result, notion, loss, 2.0)["spread"][notion][0]
            for loss in ("log", "absolute")
        )
        assert log < absolute
