"""Audits that are looked at after every row: what they promise, and what they cost."""

import math

import numpy as np
import pytest
import torch

from fairtutor import FairtutorError
from fairtutor.audit import (
    AuditPlan,
    SequentialAudit,
    blocks_by_row,
    limits_by_row,
    rows_needed,
    verdict_rows,
    wealth_by_block,
)
from fairtutor.audit.sequential import STAKES, limits, log_wealth
from fairtutor.results import load_result


def draw(runs, n, rates=(0.3, 0.4), share=0.5, seed=0):
    random = torch.Generator().manual_seed(seed)
    groups = (torch.rand(runs, n, generator=random) < share).long()
    chance = torch.tensor(rates)[groups]
    return (torch.rand(runs, n, generator=random) < chance).double(), groups


def differences(runs, n, gap, seed=0):
    """Draw ŷ₁ − ŷ₀ in {−1, 0, 1} of independent pairs, with rates .3 and .3 + gap."""
    random = torch.Generator().manual_seed(seed)
    y = (
        torch.rand(2, runs, n, generator=random)
        < torch.tensor([0.3 + gap, 0.3])[:, None, None]
    )
    return y[0].double() - y[1].double()


# ---------------------------------------------------------------- the bet


def test_wealth_is_what_a_gambler_with_sixteen_purses_has():
    d, m = [0.5, -1.0, 1.0, 0.0, 1.0], 0.1
    purses = np.ones(len(STAKES))
    for value in d:
        for k, u in enumerate(STAKES.tolist()):
            purses[k] *= 1 - u + u * (1 + value) / (1 + m)
    tensor = torch.tensor(d).double()
    assert log_wealth(tensor, m).exp().item() == pytest.approx(purses.mean())
    assert wealth_by_block(tensor, m)[-1].item() == pytest.approx(purses.mean())


@pytest.mark.parametrize("m", [-0.5, 0.0, 0.1, 0.9])
def test_one_step_wins_nothing_on_average_at_any_distribution_of_the_null(m):
    """E[K₁] ≤ 1 over all distributions on five points with a mean of at most m."""
    points = torch.linspace(-1, 1, 5).double()
    worth = log_wealth(points[:, None], m).exp()  # of each outcome
    random = np.random.default_rng(0)
    weights = torch.tensor(random.dirichlet([0.5] * 5, 4000))
    null = weights @ points <= m
    assert null.sum() > 50
    assert (weights[null] @ worth).max() <= 1 + 1e-12


def test_wealth_falls_as_the_refuted_value_rises():
    d = differences(20, 200, 0.1)
    wealth = torch.stack([log_wealth(d, m) for m in torch.linspace(-0.9, 1, 39)])
    assert (wealth.diff(dim=0) <= 1e-12).all()


def test_counts_are_enough():
    d = differences(3, 400, 0.2)
    values = torch.tensor([-1.0, 0.0, 1.0]).double()
    times = (d[..., None] == values).double().sum(1)
    once = torch.stack(limits(d, 0.05))
    counted = torch.stack(limits(values.expand(3, 3), 0.05, times))
    assert torch.allclose(once, counted, atol=1e-8)


def test_a_limit_is_where_the_wealth_is_two_over_alpha():
    d = differences(5, 300, 0.2)
    lower, upper = limits(d, 0.05)
    assert (lower < upper).all()
    for values, limit in ((d, lower), (-d, -upper)):
        assert log_wealth(values, limit) == pytest.approx(math.log(40), abs=1e-5)


# ---------------------------------------------------------------- the promise


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_errors_at_the_tolerance_stay_within_the_budget_at_all_looks(share):
    """The worst case of both errors, true gap = τ, looked at after every row."""
    y_hat, groups = draw(1000, 2000, (0.3, 0.4), share)
    rows = verdict_rows(y_hat, groups, 0.1, 0.9, share)
    for verdict in ("meets", "violates"):
        errors = (rows[verdict] <= 2000).double().mean().item()
        spread = 2 * math.sqrt(0.05 * 0.95 / 1000)
        assert errors <= 0.05 + spread, verdict
    assert (rows["violates"] <= 2000).any()  # the test is not blind


def test_the_gap_stays_within_the_limits_of_all_looks():
    y_hat, groups = draw(1000, 1000, (0.2, 0.35), 0.3, seed=3)
    d, _ = blocks_by_row(y_hat, groups, 0.3)
    # The limits have passed the true gap where a bet against it has ever made 2/α.
    most = [
        wealth_by_block(side, m).max(1).values for side, m in ((d, 0.15), (-d, -0.15))
    ]
    missed = torch.maximum(*most) >= 2 / 0.1
    assert 0 < missed.double().mean() <= 0.1 + 2 * math.sqrt(0.1 * 0.9 / 1000)
    for run in [*missed.nonzero().ravel()[:2].tolist(), 0, 1]:
        _, lower, upper = limits_by_row(y_hat[run], groups[run], 0.9, 0.3)
        assert (lower[-1] <= 0.15 <= upper[-1]) == (not missed[run])


def test_it_finds_what_is_there():
    unfair, _ = draw(100, 3000, (0.3, 0.5)), None
    assert (verdict_rows(*unfair, 0.1)["violates"] <= 3000).double().mean() > 0.95
    turned = draw(100, 3000, (0.5, 0.3), seed=1)
    assert (verdict_rows(*turned, 0.1)["violates"] <= 3000).double().mean() > 0.95
    fair = draw(100, 3000, (0.3, 0.3), seed=2)
    rows = verdict_rows(*fair, 0.1)
    assert (rows["meets"] <= 3000).double().mean() > 0.9
    assert (rows["violates"] <= 3000).double().mean() < 0.05


# ---------------------------------------------------------------- rows and blocks


def test_blocks_by_hand():
    groups = torch.tensor([[0, 0, 1, 0, 0, 0, 1, 1]])
    y_hat = torch.tensor([[1, 0, 1, 1, 1, 1, 0, 0]])
    d, rows = blocks_by_row(y_hat, groups, share=1 / 3)  # two of group 0 to one
    assert d.tolist() == [[0.5, -1.0, 0.0]]
    assert rows.tolist() == [[3, 7, 9]]  # the last one waits for a row
    d, rows = blocks_by_row(y_hat, 1 - groups, share=2 / 3)
    assert d.tolist() == [[-0.5, 1.0, 0.0]]


def test_blocks_have_the_gap_as_their_mean_whoever_arrives_when():
    random = torch.Generator().manual_seed(0)
    for share, order in ((0.5, "mixed"), (0.2, "mixed"), (0.4, "women first")):
        groups = (torch.rand(200, 500, generator=random) < 0.3).long()
        if order == "women first":
            groups = groups.sort(1, descending=True).values
        chance = torch.tensor([0.6, 0.2])[groups]
        y_hat = (torch.rand(200, 500, generator=random) < chance).double()
        d, rows = blocks_by_row(y_hat, groups, share)
        seen = d[rows <= 500]
        error = seen.std().item() / math.sqrt(len(seen))
        assert seen.mean().item() == pytest.approx(-0.4, abs=4 * error)


@pytest.mark.parametrize(("share", "step"), [(0.5, 1), (0.3, 7), (0.75, 250)])
def test_looks_in_batches_are_those_of_the_simulation(share, step):
    y_hat, groups = draw(2, 600, (0.2, 0.5), share, seed=4)
    first = verdict_rows(y_hat, groups, 0.1, 0.95, share)["violates"]
    for run in range(2):
        audit = SequentialAudit(0.1, 0.95, share)
        for start in range(0, 600, step):
            part = slice(start, start + step)
            audit.look(y_hat[run, part], groups[run, part])
        assert audit.rows == 600 and audit.verdict == "violates"
        # A look may come too late for wealth that a later row has lost again.
        late = audit.rows_at_verdict - int(first[run])
        assert late >= 0 and (late < step or step > 100)
        _, lower, upper = limits_by_row(y_hat[run], groups[run], 0.95, share)
        # Fewer looks refute less; looking at every row gives the very same limits.
        tight = audit.interval[0] <= lower[-1] + 1e-6, audit.interval[1] >= upper[-1]
        assert tight[0] and (tight[1] or step == 1)
        if step == 1:
            expected = lower[-1].item(), upper[-1].item()
            assert audit.interval == pytest.approx(expected, abs=1e-6)


def test_a_verdict_stays():
    audit = SequentialAudit(0.1)
    group = torch.arange(400) % 2
    assert audit.look(group, group) == "violates"
    decided = audit.rows_at_verdict
    assert audit.look(torch.zeros(4000), torch.arange(4000) % 2) == "violates"
    assert audit.rows_at_verdict == decided and audit.rows == 4400
    assert audit.interval[0] <= audit.interval[1]
    assert str(audit).startswith("After 4,400 rows violates: gap between")


def test_nothing_is_known_before_both_groups_have_come():
    audit = SequentialAudit(0.1)
    assert audit.look([1, 1, 1], [1, 1, 1]) == "undecided"
    assert audit.interval == (-1.0, 1.0) and audit.rows == 3
    audit.look([], [])
    assert audit.rows == 3


def test_scores_work_like_decisions():
    random = torch.Generator().manual_seed(0)
    group = (torch.rand(4000, generator=random) < 0.5).long()
    scores = 0.5 * torch.rand(4000, generator=random) + 0.3 * group
    audit = SequentialAudit(0.1)
    assert audit.look(scores, group) == "violates"
    assert audit.interval[0] < 0.3 < audit.interval[1]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (([0.5, 1.5], [0, 1]), "not between 0 and 1"),
        (([float("nan")], [0]), "not between 0 and 1"),
        (([1, 0], [0, 2]), "one audit for each pair"),
        ((["yes"], [0]), "must be numbers"),
        (([1], ["f"]), "must be numbers"),
        (([1, 0, 1], [0, 1]), r"y_hat has shape \(3,\) and groups \(2,\)"),
    ],
)
def test_rows_that_make_no_sense_are_named(rows, message):
    with pytest.raises(FairtutorError, match=message):
        SequentialAudit(0.1).look(*rows)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tolerance": 1.0}, r"tolerance is 1\.0"),
        ({"confidence": 1.0}, r"confidence is 1\.0; use a number from 0\.5"),
        ({"share": 0.0}, r"share is 0\.0"),
        ({"tolerance": "0.1"}, "tolerance is '0.1'"),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(FairtutorError, match=message):
        SequentialAudit(**{"tolerance": 0.1, **settings})


# ---------------------------------------------------------------- the long run


@pytest.fixture(scope="module")
def experiment(script):
    """The script that computed the stored result."""
    return script("experiments/sequential.py")


def test_the_stored_result_keeps_the_promise_that_peeking_breaks(experiment):
    result = load_result("sequential")
    assert result["runs"]["false_alarms"] >= 2000
    seen = {"betting": [], "peeking": []}
    for row in result["false_alarms"]:
        seen.setdefault(row["way"], []).append(row["share_by"]["10000"])
    assert max(seen["betting"]) <= 0.025
    assert min(seen["peeking"]) > 0.15
    # An independent draw of one cell: seed 5, 100 runs.
    share, rate = experiment.SETTINGS["third"]
    [(y_hat, groups)] = experiment.draw(100, 3000, share, rate, 0.1, seed=5)
    again = experiment.peeking_rows(y_hat, groups, 0.05)["meets"] <= 3000
    [row] = [
        row
        for row in result["false_alarms"]
        if (row["setting"], row["way"], row["verdict"]) == ("third", "peeking", "meets")
    ]
    assert again.double().mean() == pytest.approx(row["share_by"]["3000"], abs=0.12)


def test_rows_in_the_stored_result_can_be_found_again(experiment):
    result = load_result("sequential")
    [row] = [
        row
        for row in result["rows_to_verdict"]
        if (row["setting"], row["gap"]) == ("third", 0.18)
    ]
    share, rate = experiment.SETTINGS["third"]
    [(y_hat, groups)] = experiment.draw(100, 4000, share, rate, 0.18, seed=6)
    ours = verdict_rows(y_hat, groups, 0.1, 0.95, share)["violates"]
    newton = experiment.newton_rows(y_hat, groups, 0.05)["violates"]
    for way, rows in (("betting", ours), ("online Newton", newton)):
        found = experiment.summary(rows, 4000)
        assert found["mean"] == pytest.approx(row[way]["mean"], rel=0.3), way
    plan = AuditPlan(1000, share, rate)
    assert row["fixed"] == {
        str(chance): rows_needed(0.18, plan, chance) for chance in (0.5, 0.8, 0.9)
    }
    planned = experiment.planned_for_another_gap(share, rate, 0.18)
    stored = result["planned_for_another_gap"]
    assert planned["rows"] == stored["rows"]
    for gap, chance in planned["violates"].items():
        assert stored["violates"][str(gap)] == pytest.approx(chance, abs=1e-5)


def test_the_online_newton_bet_against_a_plain_loop(experiment):
    [(y_hat, groups)] = experiment.draw(3, 400, 0.5, 0.1, 0.5, seed=7)
    found = experiment.newton_rows(y_hat, groups, 0.05)["violates"]
    for run in range(3):
        d, rows = blocks_by_row(y_hat[run : run + 1], groups[run : run + 1])
        first = 401
        for sign in (1, -1):
            wealth, stake, total = 1.0, 0.0, 1.0
            for value, n in zip(d[0].tolist(), rows[0].tolist(), strict=True):
                g = sign * value - 0.1
                wealth *= 1 + stake * g
                if wealth >= 40:
                    first = min(first, n)
                    break
                gradient = -g / (1 + stake * g)
                total += gradient**2
                stake -= 2 / (2 - math.log(3)) * gradient / total
                stake = min(max(stake, 0.0), 0.5)
        assert int(found[run]) == first < 401


def test_adult_is_told_to_violate_with_a_fraction_of_its_rows():
    [row] = [
        r for r in load_result("sequential")["adult"] if r["producer"] == "identity"
    ]
    assert row["gap"] == pytest.approx(0.18, abs=0.01)
    assert row["violates"]["decided"] == 1 and row["meets"]["decided"] == 0
    assert row["violates"]["median"] < row["rows"] / 10
