"""Cost of mistrust and error sums, against brute force and linear programs."""

from itertools import combinations, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial.distance import jensenshannon

from fairtutor.exchange import FairtutorError
from fairtutor.theory.leakage import total_variation
from fairtutor.theory.mistrust import (
    Beliefs,
    best_fair_risk,
    best_fair_rule,
    exact_cost_of_mistrust,
)
from fairtutor.theory.tradeoff import (
    best_error_sum,
    jensen_shannon,
    joint_counts,
    least_error_sum,
    least_error_sum_given,
)

many = settings(derandomize=True, deadline=None, max_examples=60)
GAPS = st.sampled_from([0.0, 0.03, 0.1, 0.3, 1.0])


@st.composite
def tables(draw, least=2, most=5):
    """Counts (2, 2, K), each group with a row."""
    k = draw(st.integers(least, most))
    cells = draw(st.lists(st.integers(0, 9), min_size=4 * k, max_size=4 * k))
    counts = torch.tensor(cells).view(2, 2, k)
    counts[:, 0, 0] += 1
    return counts


def every_decision(counts):
    """Yield errors by group and selection rates of all 2^K decisions, by loops."""
    for g in product([0, 1], repeat=counts.shape[2]):
        errors, selected = [], []
        for a in (0, 1):
            n = counts[a].sum().item()
            wrong = sum(counts[a, 1 - d, z].item() for z, d in enumerate(g))
            errors.append(wrong / n)
            yes = sum(counts[a, :, z].sum().item() for z, d in enumerate(g) if d)
            selected.append(yes / n)
        yield g, errors, selected


# The bound on the sum of errors.


@given(tables())
@many
def test_no_decision_has_a_smaller_error_sum_than_the_bound(counts):
    p = counts[:, 1].sum(1).double() / counts.sum((1, 2))
    tv = least_error_sum_given(counts)
    js = least_error_sum_given(counts, "jensen-shannon")
    sums = []
    for _, errors, (s0, s1) in every_decision(counts):
        sums.append(sum(errors))
        assert sums[-1] >= least_error_sum(p, abs(s0 - s1)) - 1e-9
        assert sums[-1] >= max(tv, js) - 1e-9
    assert best_error_sum(counts) == pytest.approx(min(sums))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=5), GAPS)
@many
def test_the_bound_is_the_least_over_all_selection_rates(rates, gap):
    """A linear program: minimise Σ |p_a − s_a| over s within the gap."""
    G, p = len(rates), np.array(rates)
    # Unknowns: s (G), the distances t (G), the lowest selection rate.
    rows, limits = [], []
    for a in range(G):
        for sign in (1, -1):
            row = np.zeros(2 * G + 1)
            row[a], row[G + a] = sign, -1
            rows.append(row)
            limits.append(sign * p[a])
        for sign, limit in ((1, gap), (-1, 0.0)):
            row = np.zeros(2 * G + 1)
            row[a], row[-1] = sign, -sign
            rows.append(row)
            limits.append(limit)
    cost = np.r_[np.zeros(G), np.ones(G), 0.0]
    free = [(0, 1)] * G + [(0, None)] * G + [(None, None)]
    found = linprog(cost, A_ub=np.array(rows), b_ub=limits, bounds=free)
    assert least_error_sum(rates, gap) == pytest.approx(found.fun, abs=1e-9)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
@many
def test_two_groups_give_the_theorem(p0, p1, gap):
    expected = max(0.0, abs(p0 - p1) - gap)
    assert least_error_sum([p0, p1], gap) == pytest.approx(expected, abs=1e-12)


def test_several_groups_are_bound_at_least_as_much_as_their_worst_pair():
    rates = [0.1, 0.2, 0.25, 0.5]
    for gap in (0.0, 0.1, 0.2, 0.6):
        pairs = [least_error_sum(pair, gap) for pair in combinations(rates, 2)]
        assert least_error_sum(rates, gap) >= max(pairs) - 1e-12
    assert least_error_sum(rates, 0.0) > max(
        least_error_sum(pair, 0.0) for pair in combinations(rates, 2)
    )


@pytest.mark.parametrize("gap", [0.0, 0.1, 0.3, 0.4])
def test_who_knows_y_attains_the_bound(gap):
    """Base rates .2 and .6 in 10 and 10 people; z tells the outcome and the group."""
    counts = torch.tensor([[[8, 0, 0, 0], [0, 2, 0, 0]], [[0, 0, 4, 0], [0, 0, 0, 6]]])
    selected = {(0.2, 0.6 - (0.4 - gap))}
    y0, y1 = [0] * 8 + [1] * 2, [0] * 4 + [1] * 6
    for s0, s1 in selected:
        flips = round(10 * (0.6 - s1))
        y_hat = [0] * (4 + flips) + [1] * (6 - flips)
        errors = sum(a != b for a, b in zip(y1, y_hat, strict=True)) / 10
        assert errors == pytest.approx(least_error_sum([0.2, 0.6], s1 - s0))
        assert sum(y0) / 10 == s0
    assert best_error_sum(counts) == 0.0  # allowed the whole gap, no error is needed


def test_a_representation_that_says_nothing_attains_its_bound():
    """Base rates 0 and 1: z the same for all, so half the decisions are wrong."""
    counts = torch.tensor([[[7], [0]], [[0], [5]]])
    assert total_variation(counts.sum(1)) == 0.0
    assert least_error_sum_given(counts) == best_error_sum(counts) == 1.0
    js = least_error_sum_given(counts, "jensen-shannon")
    assert js == pytest.approx(0.5)  # the published constant loses a half here


def test_neither_distance_always_gives_the_larger_bound():
    both = []
    for cells in (
        [[[8, 1], [0, 1]], [[4, 1], [4, 1]]],
        [[[130, 70], [0, 0]], [[49, 91], [21, 39]]],
    ):
        counts = torch.tensor(cells)
        both.append(
            [
                least_error_sum_given(counts, name)
                for name in ("total variation", "jensen-shannon")
            ]
        )
    assert both[0][0] > both[0][1]
    assert both[1][0] < both[1][1]


@given(tables())
@many
def test_jensen_shannon_is_scipys_and_at_most_the_root_of_total_variation(counts):
    z = counts.sum(1)
    shares = (z / z.sum(1, keepdim=True)).double()
    expected = jensenshannon(*shares.numpy(), base=2)
    assert jensen_shannon(z) == pytest.approx(expected, abs=1e-6)
    assert jensen_shannon(z) ** 2 <= total_variation(z) + 1e-9


@pytest.mark.parametrize(
    ("rates", "gap", "said"),
    [
        ([0.2], 0.1, "two groups or more"),
        ([0.2, 1.5], 0.1, "A base rate is"),
        ([0.2, float("nan")], 0.1, "A base rate is"),
        ([0.2, 0.5], -0.1, "The gap is"),
    ],
)
def test_numbers_that_are_no_shares_are_refused(rates, gap, said):
    with pytest.raises(FairtutorError, match=said):
        least_error_sum(rates, gap)


def test_a_distance_has_a_name():
    with pytest.raises(FairtutorError, match="Did you mean 'total variation'"):
        least_error_sum_given(torch.ones(2, 2, 1), "total variatio")


# The cost of mistrust, exactly.


def risk_by_linear_program(counts, max_gap):
    shares = (counts.double() / counts.sum()).numpy()
    gain = (shares[:, 1] - shares[:, 0]).sum(0)
    z = shares.sum(1) / shares.sum((1, 2))[:, None]
    pull = z[1] - z[0]
    found = linprog(
        -gain, A_ub=[pull, -pull], b_ub=[max_gap, max_gap], bounds=[(0, 1)] * len(gain)
    )
    return shares[:, 1].sum() + found.fun


@given(tables(most=7), GAPS)
@settings(many, max_examples=150)
def test_the_best_fair_risk_solves_the_linear_program(counts, max_gap):
    found = best_fair_risk(counts, max_gap)
    assert found.risk == pytest.approx(
        risk_by_linear_program(counts, max_gap), abs=1e-9
    )
    assert found.gap <= max_gap + 1e-9
    g = found.decisions
    assert ((g >= 0) & (g <= 1)).all() and ((g > 1e-9) & (g < 1 - 1e-9)).sum() <= 1
    shares = counts.double() / counts.sum()
    by_hand = (shares[:, 0] * g + shares[:, 1] * (1 - g)).sum().item()
    assert found.risk == pytest.approx(by_hand)


@given(tables(), GAPS)
@many
def test_no_deterministic_decision_within_the_gap_has_a_smaller_risk(counts, max_gap):
    n = counts.sum((1, 2)).double()
    risks = [
        (errors[0] * n[0] + errors[1] * n[1]).item() / n.sum().item()
        for _, errors, (s0, s1) in every_decision(counts)
        if abs(s0 - s1) <= max_gap
    ]
    best = best_fair_risk(counts, max_gap).risk
    assert best <= min(risks) + 1e-9  # the constant decisions are always among them
    if max_gap == 1.0:
        assert best == pytest.approx(min(risks))


@given(tables(least=3), GAPS, st.data())
@settings(many, max_examples=120)
def test_merging_values_never_makes_a_user_better(counts, max_gap, data):
    """Data processing: z = f(x) for every f, and zero where f merges nothing."""
    k = counts.shape[2]
    cells = torch.tensor(data.draw(st.lists(st.integers(0, 2), min_size=k, max_size=k)))
    merged = torch.zeros(2, 2, 3, dtype=counts.dtype).index_add_(2, cells, counts)
    before, after = (best_fair_risk(c, max_gap).risk for c in (counts, merged))
    assert after >= before - 1e-9
    cost = exact_cost_of_mistrust(counts, cells, max_gap)
    assert cost == pytest.approx(after - before, abs=1e-9)
    renamed = torch.randperm(k, generator=torch.Generator().manual_seed(0))
    assert exact_cost_of_mistrust(counts, renamed, max_gap) == pytest.approx(0)


def test_a_wider_gap_never_costs_the_trusted_user_more():
    torch.manual_seed(0)
    counts = torch.randint(1, 50, (2, 2, 12))
    risks = [best_fair_risk(counts, gap / 20).risk for gap in range(21)]
    assert risks == sorted(risks, reverse=True)
    assert risks[0] > risks[-1]


@pytest.mark.parametrize(
    ("counts", "gap", "said"),
    [
        (torch.ones(3, 2, 4), 0.1, "two groups with rows"),
        (torch.tensor([[[1], [0]], [[0], [0]]]), 0.1, "two groups with rows"),
        (torch.ones(2, 2, 4), 1.5, "max_gap is 1.5"),
    ],
)
def test_a_fair_risk_needs_two_groups_and_a_share(counts, gap, said):
    with pytest.raises(FairtutorError, match=said):
        best_fair_risk(counts, gap)


def test_joint_counts_are_those_of_a_loop():
    torch.manual_seed(1)
    Z = torch.randint(0, 4, (60, 1))
    groups, y = torch.randint(0, 2, (60,)), torch.randint(0, 2, (60,))
    counts = joint_counts(Z, groups, y)
    for a, t, z in product((0, 1), (0, 1), range(4)):
        seen = ((groups == a) & (y == t) & (Z[:, 0] == z)).sum()
        assert counts[a, t, z] == seen


# The rule that is fitted on rows.


def rows_of(counts):
    """One row for each count: value, group, outcome; and the true chances of each."""
    a, y, z = counts.nonzero().T
    each = counts[a, y, z]
    z, a, y = (t.repeat_interleave(each) for t in (z, a, y))
    totals = counts.sum((0, 1)).double()
    truth = Beliefs((counts[:, 1].sum(0) / totals)[z], (counts[1].sum(0) / totals)[z])
    return truth, y, a


@given(tables(least=3, most=6), GAPS)
@settings(many, max_examples=100)
def test_a_rule_from_true_chances_is_as_good_as_the_best_decision_it_can_express(
    counts, max_gap
):
    counts = counts + 1
    beliefs, y, a = rows_of(counts)
    rule = best_fair_rule(beliefs, y, a, max_gap, steps=4000)
    y_hat = rule.decide(beliefs)
    gap = (y_hat[a == 1].double().mean() - y_hat[a == 0].double().mean()).abs()
    assert gap <= max_gap + 1e-9
    risk = (y_hat != y.bool()).double().mean().item()
    best = best_fair_risk(counts, max_gap)
    assert risk >= best.risk - 1e-9
    if set(best.decisions.tolist()) <= {0.0, 1.0} and 0 < best.gap < max_gap:
        assert risk == pytest.approx(best.risk)  # no coin is needed


def test_with_many_rows_the_rule_comes_close_to_the_best_risk():
    """A trusted user who sees the group, in 20,000 rows of known chances."""
    generator = torch.Generator().manual_seed(0)
    a = torch.randint(0, 2, (20000,), generator=generator)
    x = torch.randint(0, 60, (20000,), generator=generator)
    eta = ((x + 1) / 62) ** (2 - a).double()
    y = (torch.rand(20000, generator=generator) < eta).long()
    beliefs = Beliefs(eta, a.double())
    counts = joint_counts(2 * x + a, a, y)
    for max_gap in (0.01, 0.05, 0.2):
        rule = best_fair_rule(beliefs, y, a, max_gap)
        risk = (rule.decide(beliefs) != y.bool()).double().mean().item()
        best = best_fair_risk(counts, max_gap).risk  # also fits the noise of each cell
        assert best <= risk <= best + 0.02


def test_the_rule_of_a_user_who_cannot_tell_groups_is_one_threshold():
    outcome = torch.linspace(0, 1, 101)
    blind = Beliefs(outcome, torch.full((101,), 0.5))
    groups = torch.arange(101) % 2
    rule = best_fair_rule(blind, (outcome > 0.4).long(), groups, 0.5)
    assert torch.equal(rule.decide(blind), outcome > outcome[~rule.decide(blind)].max())


def test_where_no_slope_is_within_the_gap_the_rule_is_a_constant():
    """One value for all of group 1, another for group 0, each right about itself."""
    groups = torch.tensor([0, 0, 0, 1, 1])
    beliefs = Beliefs(torch.tensor([0.1, 0.1, 0.1, 0.9, 0.9]), groups.double())
    rule = best_fair_rule(beliefs, groups, groups, max_gap=0.0)
    assert not rule.decide(beliefs).any()  # no to all: wrong about two, yes about three


@pytest.mark.parametrize(
    ("groups", "gap", "said"),
    [
        ([0, 0, 0], 0.1, "two groups"),
        ([0, 1, 2], 0.1, "two groups"),
        ([0, 1, 1], 2, "2"),
    ],
)
def test_a_rule_needs_two_groups_and_a_share(groups, gap, said):
    beliefs = Beliefs(torch.rand(3), torch.rand(3))
    with pytest.raises(FairtutorError, match=said):
        best_fair_rule(beliefs, torch.tensor([0, 1, 1]), torch.tensor(groups), gap)
