"""What experiments/judged_pairs.py found: a split again, and what must hold."""

import pytest
import torch

from fairtutor.results import load_result


@pytest.fixture(scope="module")
def experiment(script, root):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "experiments")
        yield script("experiments/judged_pairs.py")


@pytest.fixture(scope="module")
def result():
    return load_result("judged_pairs")


@pytest.fixture(scope="module")
def split(experiment):
    return experiment.prepare(11)


@pytest.mark.usefixtures("as_stored")
def test_a_split_comes_out_again(experiment, result, split):
    again = experiment.row(split, experiment.learned(split, 200, 0.0, 11), 11)
    kept = result["table"]["200 pairs, 0% wrong"]["runs"][1]
    assert again["balanced accuracy"] == pytest.approx(
        kept["balanced accuracy"], abs=0.01
    )
    assert again["spouse"] == kept["spouse"] == 1
    assert again["gender and race"] == kept["gender and race"] == 1


def test_copies_differ_where_they_should_and_errors_only_in_occupation(
    experiment, split
):
    people, copies = experiment.judged(split, 400, 0.3, 5)
    moved = (people != copies).any(0).nonzero()[:, 0].tolist()
    named = {split.columns[name] for name in ("male", "white", "Husband", "Wife")}
    jobs = set(experiment.occupations())
    assert set(moved) <= named | jobs
    assert (people != copies)[:, sorted(named)].any(1).sum() > 300
    wrong = (people != copies)[:, sorted(jobs)].any(1).double().mean().item()
    assert 0.15 < wrong < 0.3  # some of the others have the same occupation
    assert torch.equal(people[:, sorted(jobs)].sum(1), copies[:, sorted(jobs)].sum(1))


def test_without_errors_a_handful_of_pairs_is_enough(result):
    for m in (20, 200):
        for run in result["table"][f"{m} pairs, 0% wrong"]["runs"]:
            assert run["angle"] < 0.1
            assert run["spouse"] == run["gender and race"] == 1
    base, judged = (
        result["table"][name]["balanced accuracy"][0]
        for name in ("baseline", "200 pairs, 0% wrong")
    )
    assert base - judged < 0.005


def test_an_angle_is_known_for_two_planes(experiment):
    U = torch.eye(4)[:, :2]
    turned = torch.tensor([[1.0, 0, 0, 0], [0, 0.5**0.5, 0.5**0.5, 0]]).T
    assert experiment.angle(U, U) == pytest.approx(0, abs=1e-6)
    assert experiment.angle(U, turned) == pytest.approx(45)
    assert experiment.angle(U[:, :1], turned) == 90


def test_the_curves_are_certified(result):
    for point in result["lipschitz"]:
        assert point["certified L"][0] <= point["L"] * (1 + 1e-6)
        shares = [point[f"certified at {r:g}"][0] for r in result["radii"]]
        assert shares == sorted(shares, reverse=True)
