"""What experiments/similar_training.py found: a part again, and what must hold."""

import pytest

from fairtutor.results import load_result


@pytest.fixture(scope="module")
def experiment(script):
    return script("experiments/similar_training.py")


@pytest.fixture(scope="module")
def result():
    return load_result("similar_training")


@pytest.fixture(scope="module")
def split(experiment):
    return experiment.prepare(10)


def test_the_data_are_the_papers(split):
    rows = len(split.X), len(split.X_test)
    assert rows == (36_177, 9_045)
    assert split.X.shape[1] == 41
    assert split.subspace.shape == (41, 4)  # two regressions and two columns


@pytest.mark.usefixtures("as_stored")
@pytest.mark.parametrize("method", ["baseline", "named", "projected SenSeI"])
def test_one_seed_is_within_the_spread(method, experiment, result, split):
    again = experiment.measured(experiment.train(method, split, 10), split)
    for name, value in again.items():
        mean, deviation = result["table"][method][name]
        assert value == pytest.approx(mean, abs=4 * deviation + 0.01)
    if method == "named":
        assert again["spouse"] == again["gender and race"] == 1.0


def test_flips_against_a_loop_over_people(experiment, split):
    X = split.X_test[:50]
    husband, wife = split.columns["Husband"], split.columns["Wife"]

    def decided(rows):
        return (rows[:, husband] * 2 + rows[:, 0] > 1).long()

    expected = 0
    for row in X:
        answers = set()
        for a, b in ((1.0, 0.0), (0.0, 1.0)):
            other = row.clone()
            other[husband], other[wife] = a, b
            answers.add(int(decided(other[None])))
        expected += len(answers) == 1
    settings = experiment.flips(split.columns)["spouse"]
    assert experiment.consistency(decided, X, settings) == expected / 50


def test_what_the_table_promises(result):
    table = result["table"]
    ours = table["projected SenSR"]
    assert ours["balanced accuracy"][0] >= 0.807
    assert ours["spouse"][0] >= 0.99
    assert ours["gender and race"][0] >= 0.999
    free = table["baseline"]["balanced accuracy"][0]
    assert abs(table["named"]["balanced accuracy"][0] - free) < 0.005
    for run in table["named"]["runs"]:
        assert run["spouse"] == run["gender and race"] == 1.0


def test_every_certified_constant_is_at_most_what_was_asked(result):
    for row in result["lipschitz"]:
        assert row["certified L"][0] <= row["L"] * (1 + 1e-6)
        shares = [row[f"test certified at {r:g}"][0] for r in result["radii"]]
        assert shares == sorted(shares, reverse=True)
