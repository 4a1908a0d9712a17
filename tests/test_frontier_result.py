"""The frontier that chapters quote: whole, of today's methods, and computed again."""

import json

import pytest

from fairtutor import Criterion, FairnessCriteria, Frontier, load, sweep
from fairtutor.producers import METHODS, STRENGTHS
from fairtutor.results import load_result

RESULT = load_result("frontier")
FRONTIERS = {
    (table, frontier.method, frontier.user): frontier
    for table, found in RESULT["tables"].items()
    for frontier in map(Frontier.from_dict, found)
}
MAIN = "adult, sex, selection rate"


def test_it_holds_every_method_at_its_strengths_with_all_seeds():
    methods = {method for table, method, _ in FRONTIERS if table == MAIN}
    assert methods == set(METHODS)
    for frontier in FRONTIERS.values():
        strengths = tuple(point.strength for point in frontier.points)
        assert strengths == STRENGTHS[frontier.method]
        for point in (*frontier.points, frontier.identity):
            seeds = [trial.seed for trial in point.trials]
            assert seeds == list(range(RESULT["seeds"]))


def test_all_frontiers_of_a_table_were_measured_on_the_same_rows():
    for table, found in RESULT["tables"].items():
        constants = {frontier["constant_accuracy"] for frontier in found}
        about = {json.dumps([f["data"], f["rows"], f["criterion"]]) for f in found}
        assert len(constants) == len(about) == 1, table
    rows = load("adult").rows("test")
    [adult] = {f.constant_accuracy for (t, *_), f in FRONTIERS.items() if t == MAIN}
    assert adult == pytest.approx(1 - rows.y.double().mean().item(), abs=1e-6)


def test_estimates_lie_in_their_intervals_and_the_intervals_are_about_rows():
    for frontier in FRONTIERS.values():
        for point in frontier.points:
            for trial in point.trials:
                for value, low, high in (trial.gap, trial.accuracy):
                    assert low <= value <= high
                low, high = trial.accuracy[1:]
                # ± 1.96 · √(.25 / n) is the widest that n rows can make it
                assert high - low < 2 * 1.96 * (0.25 / frontier.rows) ** 0.5 + 0.005


@pytest.mark.usefixtures("as_stored")
@pytest.mark.parametrize(
    ("method", "strength", "seed"),
    [("erasure", 1.0, 2), ("projection", 1.0, 4), ("adversarial", 2.0, 1)],
)
def test_a_sampled_trial_comes_out_the_same_again(method, strength, seed):
    frontier, seed = FRONTIERS[MAIN, method, "logistic"], seed % RESULT["seeds"]
    criterion = Criterion("selection_rate_difference", 0.1, "sex")
    assert criterion == frontier.criterion
    again = sweep(
        load("adult"),
        FairnessCriteria((criterion,)),
        method,
        [strength],
        [seed],
        user="logistic",
        progress=False,
    )
    point = next(p for p in frontier.points if p.strength == strength)
    stored = next(trial for trial in point.trials if trial.seed == seed)
    [[computed]] = [point.trials for point in again.points]
    # Processors round differently, and what is trained may then go another way:
    # never further than other seeds go.
    assert computed.gap[0] == pytest.approx(
        stored.gap[0], abs=max(0.01, 3 * point.gap.deviation)
    )
    assert computed.accuracy[0] == pytest.approx(
        stored.accuracy[0], abs=max(0.005, 3 * point.accuracy.deviation)
    )


def test_all_of_it_fits_in_one_picture():
    of_mlp = [f for (t, _, user), f in FRONTIERS.items() if t == MAIN and user == "mlp"]
    alt = of_mlp[0].plot(*of_mlp[1:]).alt
    assert all(
        f"{method}, from weak" in alt for method in METHODS if method != "identity"
    )
