"""Error sums and the cost of mistrust, measured: coverage, pairing, and real users."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fairtutor import Criterion, DataProducer, FairnessCriteria, load
from fairtutor.audit import cost_of_mistrust, error_sum
from fairtutor.audit.coverage import simulated
from fairtutor.audit.intervals import difference
from fairtutor.entities.beliefs import beliefs, membership
from fairtutor.exchange import FairtutorError
from fairtutor.theory.mistrust import Beliefs

many = settings(derandomize=True, deadline=None, max_examples=60)


# Error sums.


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1)),
        min_size=1,
        max_size=60,
    )
)
@many
def test_on_the_same_rows_no_decision_is_below_the_line(rows):
    y, y_hat, groups = torch.tensor([*rows, (0, 1, 0), (1, 1, 1)]).T
    found = error_sum(y, y_hat, groups)
    errors, selected, base = [], [], []
    for a in (0, 1):
        mine = [row for row in [*rows, (0, 1, 0), (1, 1, 1)] if row[2] == a]
        errors.append(sum(t != d for t, d, _ in mine) / len(mine))
        selected.append(sum(d for _, d, _ in mine) / len(mine))
        base.append(sum(t for t, _, _ in mine) / len(mine))
    gap, apart = abs(selected[0] - selected[1]), abs(base[0] - base[1])
    assert found.total[0] == pytest.approx(sum(errors))
    assert found.gap[0] == pytest.approx(gap)
    assert found.base_rate_gap[0] == pytest.approx(apart)
    assert found.least[0] == pytest.approx(max(0.0, apart - gap))
    assert found.total[0] >= found.least[0] - 1e-9
    assert found.slack[0] == pytest.approx(max(0.0, sum(errors) - max(0, apart - gap)))
    for value, low, high in (found.total, found.gap, found.least, found.slack):
        assert low - 1e-9 <= value <= high + 1e-9


def test_the_interval_of_the_sum_is_newcombes_for_a_difference():
    """err₀ + err₁ = err₀ − (1 − err₁) + 1, a difference of two groups' shares."""
    wrong, rows = (12, 30), (80, 70)
    y = torch.zeros(150)
    groups = torch.tensor([0] * 80 + [1] * 70)
    decisions = torch.cat(
        [torch.arange(n) < k for k, n in zip(wrong, rows, strict=True)]
    )
    found = error_sum(y, decisions, groups, alpha=0.15)
    low, high = difference((12, 80), (40, 70), 0.05)
    assert found.total[1:] == pytest.approx((low + 1, high + 1))


def test_the_intervals_hold_the_population_together_as_often_as_they_say():
    rng = np.random.default_rng(0)
    p, errs, n = (0.2, 0.5), ((0.1, 0.3), (0.2, 0.25)), (150, 300)
    # err_a given y, so that selection rate and error rate of each group are known.
    true_total = sum(p[a] * errs[a][1] + (1 - p[a]) * errs[a][0] for a in (0, 1))
    rates = [p[a] * (1 - errs[a][1]) + (1 - p[a]) * errs[a][0] for a in (0, 1)]
    true_gap, true_least = (
        abs(rates[0] - rates[1]),
        max(0.0, abs(p[0] - p[1]) - abs(rates[0] - rates[1])),
    )
    truth = {
        "total": true_total,
        "gap": true_gap,
        "base_rate_gap": 0.3,
        "least": true_least,
        "slack": true_total - true_least,
    }
    groups = torch.tensor([0] * n[0] + [1] * n[1])
    held, sums = 0, []
    for _ in range(400):
        y = np.concatenate([rng.random(n[a]) < p[a] for a in (0, 1)])
        turn = np.concatenate(
            [
                rng.random(n[a]) < np.where(y[groups == a], errs[a][1], errs[a][0])
                for a in (0, 1)
            ]
        )
        found = error_sum(torch.tensor(y), torch.tensor(y ^ turn), groups, 0.1)
        limits = {name: getattr(found, name)[1:] for name in truth}
        held += all(low <= truth[k] <= high for k, (low, high) in limits.items())
        sums.append(limits["total"])
    assert held / 400 >= 0.9 - 2 * math.sqrt(0.09 / 400)
    covered = simulated(*np.array(sums).T, true_total).covered
    assert covered == pytest.approx(1 - 0.1 / 3, abs=3 * math.sqrt(0.032 / 400))


def test_a_line_of_other_rows_can_be_undercut_and_it_is_said():
    y = torch.tensor([0, 1] * 200)
    groups = torch.tensor([0] * 200 + [1] * 200)
    right = error_sum(y, y, groups)
    assert right.total[0] == 0 and right.slack[0] == 0
    assert right.undercuts(0.3) and not right.undercuts(0.001)


@pytest.mark.parametrize("groups", [[0, 0, 0], [0, 1, 2]])
def test_error_sums_are_of_two_groups(groups):
    with pytest.raises(FairtutorError, match="Two groups are compared"):
        error_sum(torch.tensor([0, 1, 1]), torch.zeros(3), torch.tensor(groups))


# The cost of mistrust.


def people(n, seed):
    """x is a number, z its sign; the group moves x; the chances are known."""
    generator = torch.Generator().manual_seed(seed)
    a = torch.randint(0, 2, (n,), generator=generator)
    x = torch.randn(n, generator=generator) + 0.7 * a
    eta = (1.5 * x).sigmoid()
    y = (torch.rand(n, generator=generator) < eta).long()
    with_x = Beliefs(eta, (0.7 * (x - 0.35)).sigmoid())
    return x, y, a, with_x


def cell_beliefs(cells, y, a):
    means = [
        torch.zeros(2).index_add_(0, cells, t.float()) / torch.bincount(cells)
        for t in (y, a)
    ]
    return Beliefs(*(m[cells] for m in means))


def test_the_cost_is_the_paired_difference_of_rules_chosen_on_other_rows():
    x, y, a, with_x = people(6000, 0)
    with_z = cell_beliefs((x > 0.9).long(), y, a)
    choose = torch.arange(6000) < 2000
    found = cost_of_mistrust(with_x, with_z, y, a, choose, max_gap=0.1)
    assert found.n == 4000
    estimate, low, high = found.cost
    assert estimate == pytest.approx(found.risks[1] - found.risks[0])
    assert low < estimate < high and high - low < 0.06
    # Outcomes of the scored rows do not touch the choice: turned round, so is the risk.
    turned = torch.where(choose, y, 1 - y)
    opposite = cost_of_mistrust(with_x, with_z, turned, a, choose, max_gap=0.1)
    assert opposite.risks == pytest.approx([1 - risk for risk in found.risks])
    assert opposite.gaps == found.gaps


def test_the_identity_costs_nothing_and_less_costs_more():
    x, y, a, with_x = people(8000, 1)
    choose = torch.arange(8000) < 3000
    same = cost_of_mistrust(with_x, with_x, y, a, choose)
    assert same.cost[0] == 0 and same.cost[1] < 0 < same.cost[2]
    nothing = Beliefs(torch.full((8000,), 0.5), torch.full((8000,), 0.5))
    blind = cost_of_mistrust(with_x, nothing, y, a, choose, max_gap=0.4)
    some = cost_of_mistrust(
        with_x, cell_beliefs((x > 0).long(), y, a), y, a, choose, max_gap=0.4
    )
    assert blind.cost[0] > some.cost[0] and blind.cost[1] > 0
    assert str(same).startswith("+0.0 points (-")


def test_the_intervals_cover_the_difference_of_the_rules():
    """The rules are fixed by the choosing rows; only the scored rows are drawn anew."""
    x, y, a, with_x = people(1000, 2)
    big = people(60_000, 3)
    x, y, a = (torch.cat([s, t]) for s, t in zip((x, y, a), big[:3], strict=True))
    with_x = Beliefs(
        torch.cat([with_x.outcome, big[3].outcome]),
        torch.cat([with_x.group, big[3].group]),
    )
    with_z = cell_beliefs((x > 0.9).long(), y, a)
    first = torch.arange(len(y)) < 1000
    truth = cost_of_mistrust(with_x, with_z, y, a, first, max_gap=0.1).cost[0]
    missed = 0
    for k in range(60):
        rows = torch.cat([torch.arange(1000), torch.arange(1000) + 1000 * (k + 1)])
        cost = cost_of_mistrust(
            with_x.rows(rows),
            with_z.rows(rows),
            y[rows],
            a[rows],
            first[rows],
            max_gap=0.1,
        ).cost
        missed += not cost[1] <= truth <= cost[2]
    assert missed <= 6  # 5% of 60 is 3; more than 6 has a chance of 3% at that rate


def test_both_parts_need_both_groups():
    half = Beliefs(torch.rand(4), torch.rand(4))
    y, a = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 1, 1])
    with pytest.raises(FairtutorError, match=r"here are \[0\]"):
        cost_of_mistrust(half, half, y, a, torch.tensor([True, True, False, False]))


# Beliefs of real users.


def test_beliefs_are_learnt_from_train_rows_and_tell_outcome_and_group():
    german = load("german").without_audit()
    criteria = FairnessCriteria((Criterion("accuracy", 0.5),))
    x = DataProducer("identity").produce(criteria, german, progress=False)
    found = beliefs(x, german, "sex", "female", progress=False)
    member = membership(german, "sex", "female")
    assert found.outcome.min() >= 0 and found.group.max() <= 1
    # status_sex is in X: the group is known.
    assert ((found.group > 0.5).long() == member).double().mean() > 0.95
    test = german.rows("test")
    y_hat = found.outcome[test.index] > 0.5
    assert (y_hat == test.y.bool()).double().mean() > 0.65
    # The test rows' outcomes are not looked at.
    changed = german.copy()
    changed.y[test.index] = 1 - changed.y[test.index]
    again = beliefs(x, changed, "sex", "female", progress=False)
    assert torch.equal(again.outcome, found.outcome)


def test_a_group_has_a_name():
    with pytest.raises(FairtutorError, match="Did you mean 'female'"):
        membership(load("german"), "sex", "femal")
