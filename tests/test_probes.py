"""Leakage: what probes find, that their intervals hold, and what they cannot do."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fairtutor import Criterion, DataProducer, FairnessCriteria, load
from fairtutor.audit import leakage
from fairtutor.audit.intervals import clopper_pearson
from fairtutor.audit.probes import FAMILIES
from fairtutor.exchange import FairtutorError
from fairtutor.figures.leakage import leakage_by_probe
from fairtutor.results import load_result
from fairtutor.theory.leakage import (
    best_balanced_accuracy,
    distinct_counts,
    largest_gap,
    total_variation,
    widest_user,
)

N = 1200


def halves(Z, groups, num_groups=2, **options):
    """Train on the first half of the rows, score on the second."""
    half = len(Z) // 2
    return leakage(
        Z[:half], groups[:half], Z[half:], groups[half:], num_groups, **options
    )


def noise(seed=0, n=N, d=4):
    generator = torch.Generator().manual_seed(seed)
    Z = torch.randn(n, d, generator=generator)
    return Z, torch.randint(0, 2, (n,), generator=generator)


def by_name(told):
    return {probe.name: probe.balanced_accuracy for probe in told.families}


# What the probes find.


def channel(kind, Z, groups):
    Z = Z.clone()
    if kind == "tiny":
        Z[:, 2] = 1e-6 * groups
    elif kind == "tiniest":
        Z[:, 2] = 1e-38 * groups
    elif kind == "huge":
        Z[:, 2] = 3e38 * (2.0 * groups - 1)
    elif kind == "beside an outlier":
        Z[:, 2] = groups.float()
        Z[0, 2] = 1e20
    elif kind == "digits":
        Z[:, 2] = (Z[:, 2] > 0) + 1e-6 * groups
    elif kind == "code":
        bit = (Z[:, 1] > 0).long()
        Z[:, 1], Z[:, 2] = bit.float(), (bit ^ groups).float()
    return Z


@pytest.mark.parametrize(
    ("kind", "found_by"),
    [
        ("tiny", {"linear", "neural network", "trees"}),
        ("tiniest", {"linear", "neural network", "trees"}),
        ("huge", {"linear", "neural network", "trees"}),
        ("beside an outlier", {"neural network", "trees"}),
        ("digits", {"trees"}),
        ("code", {"neural network", "nearest neighbours", "trees"}),
    ],
)
def test_a_hidden_channel_is_found(kind, found_by):
    Z, groups = noise()
    told = halves(channel(kind, Z, groups), groups)
    accuracy = by_name(told)
    assert all(accuracy[name] > 0.9 for name in found_by), accuracy
    assert told.lower > 0.85
    if kind == "code":
        assert accuracy["linear"] < 0.6, "no line tells an exclusive or"
    nothing = halves(Z, groups)
    assert nothing.lower <= nothing.chance <= nothing.upper < 0.65


def test_rare_groups_count_as_much_as_common_ones():
    """With 3% in one group, a probe that is right most often would tell nothing."""
    Z, _ = noise(n=4000)
    groups = (
        torch.rand(4000, generator=torch.Generator().manual_seed(1)) < 0.03
    ).long()
    Z[:, 0] += 2 * groups
    # The best threshold on N(0, 1) against N(2, 1) is right with chance Φ(1) = 0.841.
    accuracy = by_name(halves(Z, groups))
    assert accuracy["linear"] == pytest.approx(0.841, abs=0.06)
    assert accuracy["neural network"] > 0.7
    assert accuracy["nearest neighbours"] > 0.7


def test_more_than_two_groups_are_averaged():
    Z, _ = noise()
    groups = torch.arange(N) % 4
    Z[:, 1] = (groups == 3).float()
    told = halves(Z, groups, 4)
    assert told.chance == 0.25
    # one group is told for sure, the others by chance: (1 + 3 · ⅓) / 4
    assert by_name(told)["trees"] == pytest.approx(0.5, abs=0.06)
    Z[:, 1] = groups.float()
    assert by_name(halves(Z, groups, 4))["trees"] == 1.0


def test_the_seed_fixes_the_answer():
    Z, groups = noise()
    one, again = (halves(Z, groups, seed=3) for _ in range(2))
    assert one == again


# The intervals.


def constant(share):
    """Return a probe that ignores z and guesses group 1 with a chance."""

    def probe(Z, groups, scored, num_groups, seed):
        generator = torch.Generator().manual_seed(seed)
        return (torch.rand(len(scored), generator=generator) < share).long()

    return probe


def test_the_interval_is_that_of_each_group_averaged():
    Z, groups = noise()
    truth, guess = groups[N // 2 :], constant(0.3)(None, None, Z[N // 2 :], 2, 0)
    told = halves(Z, groups, families={"a": constant(0.3), "b": constant(0.3)})
    limits = []
    for g in (0, 1):
        n, k = int((truth == g).sum()), int(((truth == g) & (guess == g)).sum())
        limits.append(clopper_pearson(k, n, 0.05 / 4))  # 2 groups, 2 families
    lower, upper = np.mean(limits, axis=0)
    assert told.families[0].lower == pytest.approx(lower)
    assert told.families[0].upper == pytest.approx(upper)


def test_all_intervals_hold_together_as_often_as_stated():
    """Probes whose true balanced accuracy is ½ exactly, 400 times, ten at once."""
    families = {str(i): constant(0.1 * i) for i in range(1, 10)}
    held = 0
    for seed in range(400):
        Z, groups = noise(seed, n=160, d=1)
        told = halves(Z, groups, families=families, seed=seed, alpha=0.1)
        held += all(probe.lower <= 0.5 <= probe.upper for probe in told.families)
    assert held / 400 >= 0.9 - 3 * (0.1 * 0.9 / 400) ** 0.5


def test_small_and_absent_groups_widen_the_interval():
    Z, groups = noise()
    Z[:, 0] = groups.float()
    families = {"trees": FAMILIES["trees"]}
    enough = halves(Z, groups, families=families, min_group_size=30)
    small = halves(Z, groups, families=families, min_group_size=N)
    assert enough.lower > 0.95
    assert (small.lower, small.upper) == (0.0, 1.0)
    absent = halves(Z, groups, 3, families=families)
    assert absent.lower == pytest.approx(2 / 3, abs=0.02)
    assert absent.upper == 1.0
    assert np.isnan(absent.estimate)
    alone = halves(Z, torch.zeros(N).long())
    assert (alone.lower, alone.upper) == (pytest.approx(0.5, abs=0.01), 1.0)


def test_constant_columns_are_no_obstacle():
    _, groups = noise()
    told = halves(torch.full((N, 3), 0.1), groups)
    assert {probe.balanced_accuracy for probe in told.families} == {0.5}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"Z": torch.full((N, 2), torch.nan)},
            "Column 0 of the training rows holds NaN",
        ),
        ({"Z": torch.full((N, 2), torch.inf)}, "NaN or infinite"),
        ({"Z": torch.zeros(N)}, "give \\(n, d\\) and \\(n,\\)"),
        ({"Z": torch.zeros(N, 0)}, "have 0 columns"),
        (
            {"groups": torch.full((N,), 5)},
            "groups go from 5 to 5; codes go from 0 to 1",
        ),
        ({"num_groups": 1}, "1 groups; leakage needs two"),
    ],
)
def test_what_cannot_be_probed_is_said(change, said):
    given = {"Z": torch.zeros(N, 2), "groups": torch.zeros(N).long()} | change
    with pytest.raises(FairtutorError, match=said):
        halves(**given)


# What is proved.


@pytest.mark.parametrize("seed", range(5))
def test_no_user_exceeds_the_bound_and_one_attains_it(seed):
    """All 2^K users on K = 8 values, enumerated on the rows themselves."""
    generator = torch.Generator().manual_seed(seed)
    Z = torch.randint(0, 8, (500,), generator=generator)
    groups = (torch.rand(500, generator=generator) < 0.2 + 0.07 * Z).long()
    counts = distinct_counts(Z, groups, 2)
    bound = largest_gap(best_balanced_accuracy(counts))
    cells = Z.unique(return_inverse=True)[1]
    gaps, accuracies = [], []
    for user in product([False, True], repeat=counts.shape[1]):
        decisions = torch.tensor(user)[cells].double()
        gaps.append(
            (decisions[groups == 1].mean() - decisions[groups == 0].mean()).item()
        )
        right = [(decisions[groups == g] == g).double().mean() for g in (0, 1)]
        accuracies.append((sum(right) / 2).item())
    assert max(map(abs, gaps)) == pytest.approx(bound, abs=1e-12)
    assert max(accuracies) == pytest.approx(best_balanced_accuracy(counts), abs=1e-12)
    widest = widest_user(counts)[cells].double()
    assert (
        widest[groups == 1].mean() - widest[groups == 0].mean()
    ).item() == pytest.approx(bound)
    told = torch.rand(len(counts[0]), generator=generator)[cells]  # chances, not yes-no
    assert (told[groups == 1].mean() - told[groups == 0].mean()).abs() <= bound


def test_probes_bound_from_below_only():
    """Where BA* is known, probes stay under it; the theorem needs BA* itself."""
    generator = torch.Generator().manual_seed(0)
    Z = torch.randint(0, 6, (4000,), generator=generator)
    groups = (torch.rand(4000, generator=generator) < 0.2 + 0.1 * (Z % 3)).long()
    best = best_balanced_accuracy(distinct_counts(Z, groups, 2))
    told = halves(Z[:, None].float(), groups)
    assert by_name(told)["linear"] < best - 0.03
    assert by_name(told)["trees"] == pytest.approx(best, abs=0.03)


def test_groups_that_are_alike_leave_no_gap():
    counts = torch.tensor([[10, 30], [1, 3]])
    assert total_variation(counts) == 0
    assert largest_gap(0.5) == 0
    assert largest_gap(0.3) == pytest.approx(0.4), "turned round, it is a probe of 0.7"
    with pytest.raises(FairtutorError, match=r"is 1\.2; use a number from 0 to 1"):
        largest_gap(1.2)
    with pytest.raises(FairtutorError, match="two groups with at least one row"):
        total_variation(torch.tensor([[0, 0], [1, 3]]))


# The picture.


def test_the_picture_says_its_numbers():
    Z, groups = noise()
    told = halves(Z, groups)
    picture = leakage_by_probe(told, tolerance=0.6, title="Noise")
    for probe in told.families:
        assert f"{probe.name} {probe.balanced_accuracy:.3f}" in picture.alt
    assert "Chance is 0.500, tolerated is up to 0.600" in picture.alt
    lines = {line.get_label(): line.get_xdata()[0] for line in picture.axes[0].lines}
    assert (lines["chance"], lines["tolerance"]) == (0.5, 0.6)
    unscored = SimpleNamespace(name="x", balanced_accuracy=np.nan, lower=0, upper=1)
    leaked = SimpleNamespace(families=[unscored], chance=0.5)
    assert "x could not be scored" in leakage_by_probe(leaked).alt


# The long run.


@pytest.mark.usefixtures("as_stored")
def test_the_published_result_is_what_the_script_measures():
    result = load_result("leakage")
    for method, of in result["spread"].items():
        for split, families in of.items():
            for name, (mean, _) in families.items():
                runs = [run[split][name][0] for run in result["runs"][method]]
                assert mean == pytest.approx(np.mean(runs), abs=1e-5)
    run = result["runs"]["erasure"][0]["test"]
    adult = load("adult")
    codes, _ = adult.groups("sex")
    criteria = FairnessCriteria((Criterion("leakage", 0.6, "sex"),))
    made = DataProducer("erasure").produce(criteria, adult.without_audit())
    train, score = adult.rows("test"), adult.rows("audit 1")
    again = leakage(
        made.encode(train.X),
        codes[train.index],
        made.encode(score.X),
        codes[score.index],
        2,
        families={name: FAMILIES[name] for name in ("linear", "trees")},
    )
    for probe in again.families:
        assert probe.balanced_accuracy == pytest.approx(run[probe.name][0], abs=0.01)
    told = result["spread"]
    # LEACE's promise, on the rows it was fitted on, and what becomes of it elsewhere.
    assert told["erasure"]["encoder"]["linear"][0] == pytest.approx(0.5, abs=0.01)
    assert told["erasure"]["test"]["linear"][0] > 0.9
    assert told["identity"]["test"]["linear"][0] > 0.99
    assert told["erasure"]["encoder"]["trees"][0] > 0.95
