"""What experiments/learned_distance.py found: a run again, and what must hold."""

import pytest

from fairtutor.results import load_result


@pytest.fixture(scope="module")
def experiment(script):
    return script("experiments/learned_distance.py")


@pytest.fixture(scope="module")
def result():
    return load_result("learned_distance")


def every_run(result, one, other):
    """Return the runs of two columns, side by side."""
    table = result["table"]
    return zip(table[one]["runs"], table[other]["runs"], strict=True)


@pytest.mark.usefixtures("as_stored")
def test_the_column_that_needs_no_training_comes_out_again(experiment, result):
    again = experiment.measured("raw", 2)
    kept = result["table"]["raw"]["runs"][1]
    for name, value in again.items():
        if name != "cpu seconds":
            assert value == pytest.approx(kept[name], abs=0.02)
    unseen = experiment.on_unseen("raw", 3)["retrieval"]
    assert unseen == pytest.approx(result["unseen"]["raw"]["runs"][3]["retrieval"])


def test_each_seed_draws_splits_of_its_own(experiment):
    splits = [experiment.images(1, name)[0] for name in ("train", "test", "audit 2")]
    assert [len(X) for X in splits] == [2000, 500, 250]
    one, other = (experiment.images(seed, "test")[0] for seed in (1, 2))
    assert not (one == other).all()


@pytest.mark.parametrize("column", ["label-free", "supervised"])
def test_the_learned_distance_is_better_in_every_split(result, column):
    for learned, raw in every_run(result, column, "raw"):
        assert raw["too far (2, 2)"] > 0.99 and learned["too far (2, 2)"] < 0.03
        for measure in ("certified at 0", "certified at 0.1", "certified at 0.2"):
            assert learned[measure] > raw[measure]
        for measure in ("triplets", "retrieval", "isotropy"):
            assert learned[measure] > raw[measure]


def test_on_digits_that_it_never_saw_it_is_worse_than_pixels(result):
    for column in ("label-free", "supervised"):
        for learned, raw in zip(
            *(result["unseen"][name]["runs"] for name in (column, "raw")), strict=True
        ):
            assert learned["retrieval"] < raw["retrieval"]


def test_five_splits_leave_four_digits_out(experiment, result):
    seen = result["unseen splits"]
    assert seen[0] == [0, 1, 2, 3, 4, 5]
    assert all(len(set(six)) == 6 for six in seen) and len({*map(tuple, seen)}) == 5
    assert seen == [experiment.seen_classes(split).tolist() for split in range(5)]
