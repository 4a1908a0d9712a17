"""Planned audits: chances summed over every count, and false meets over rounds."""

import numpy as np
import pytest
from scipy.stats import binom

from fairtutor import FairtutorError
from fairtutor.audit import (
    AuditPlan,
    false_meets,
    rows_needed,
    verdict_chances,
    verdict_limits,
)
from fairtutor.audit.intervals import difference, largest_difference
from fairtutor.results import load_result


def chances_by_brute_force(gap, plan):
    """Judge every pair of counts as an audit does, and weigh it."""
    n0, n1 = plan.sizes
    total = {"meets": 0.0, "undecided": 0.0, "violates": 0.0}
    for k0 in range(n0 + 1):
        for k1 in range(n1 + 1):
            lower, upper = largest_difference(
                [(k0, n0), (k1, n1)], plan.error_budget, plan.min_group_size
            )
            verdict = "undecided"
            if upper <= plan.tolerance:
                verdict = "meets"
            elif lower > plan.tolerance:
                verdict = "violates"
            chance = binom.pmf(k0, n0, plan.rate) * binom.pmf(k1, n1, plan.rate + gap)
            total[verdict] += chance
    return total


@pytest.mark.parametrize(
    ("gap", "plan"),
    [
        (0.3, AuditPlan(100, 0.4, 0.1)),
        (-0.25, AuditPlan(80, 0.5, 0.5)),
        (0.0, AuditPlan(90, 0.35, 0.02, tolerance=0.2, findings=3)),
        (0.5, AuditPlan(70, 0.5, 0.5, tolerance=0.0, confidence=0.9)),
        (0.9, AuditPlan(70, 0.3, 0.05, min_group_size=22)),  # a group of 21
    ],
)
def test_chances_are_those_of_all_counts_together(gap, plan):
    expected = chances_by_brute_force(gap, plan)
    assert verdict_chances(gap, plan) == pytest.approx(expected, abs=1e-9)


def test_chances_agree_with_simulated_audits():
    plan = AuditPlan(3000, 1 / 3, 0.08, findings=5)
    random, (n0, n1) = np.random.default_rng(0), plan.sizes
    k0 = random.binomial(n0, plan.rate, 40_000)
    k1 = random.binomial(n1, plan.rate + 0.14, 40_000)
    lower, _ = difference((k1, n1), (k0, n0), plan.error_budget)
    chance = verdict_chances(0.14, plan)["violates"]
    assert 0.1 < chance < 0.9
    assert (lower > plan.tolerance).mean() == pytest.approx(chance, abs=0.01)


def test_large_samples_agree_with_the_normal_approximation():
    from scipy.stats import norm

    plan, gap = AuditPlan(200_000, 0.4, 0.3), 0.105
    (n0, n1), p0 = plan.sizes, plan.rate
    spread = np.sqrt(p0 * (1 - p0) / n0 + (p0 + gap) * (1 - p0 - gap) / n1)
    z = norm.isf(plan.error_budget / 2)
    expected = norm.sf(z - (gap - plan.tolerance) / spread)
    assert 0.1 < expected < 0.9
    assert verdict_chances(gap, plan)["violates"] == pytest.approx(expected, abs=0.005)


def test_at_the_tolerance_each_error_has_half_the_budget():
    for findings in (1, 10):
        plan = AuditPlan(20_000, findings=findings)
        chances = verdict_chances(plan.tolerance, plan)
        for verdict in ("meets", "violates"):
            assert chances[verdict] == pytest.approx(0.025 / findings, rel=0.05)


@pytest.mark.parametrize(("gap", "verdict"), [(0.18, "violates"), (0.03, "meets")])
def test_rows_needed_are_enough_and_not_many_more(gap, verdict):
    plan = AuditPlan(1000, 1 / 3, 0.08, findings=3)
    rows = rows_needed(gap, plan, 0.8)

    def chance(n):
        return verdict_chances(gap, AuditPlan(n, 1 / 3, 0.08, findings=3))[verdict]

    assert chance(rows) >= 0.79  # counts are whole: chances go up in a saw's teeth
    assert chance(int(0.85 * rows)) < 0.8


def test_rows_needed_rise_with_what_makes_an_audit_hard():
    plan = AuditPlan(1000, 0.5, 0.3)
    base = rows_needed(0.18, plan)
    assert rows_needed(0.15, plan) > base
    assert rows_needed(0.18, plan, chance=0.95) > base
    assert rows_needed(0.18, AuditPlan(1000, 0.1, 0.3)) > base
    assert rows_needed(0.18, AuditPlan(1000, 0.5, 0.3, findings=20)) > base
    with pytest.raises(FairtutorError, match=r"gap of 0\.1 and a tolerance of 0\.1"):
        rows_needed(0.1, plan)


def test_limits_are_where_the_interval_touches_the_tolerance():
    plan = AuditPlan(1000, 0.25, 0.2, findings=2)
    rows = np.array([400, 3000, 50_000])
    limits = verdict_limits(plan, rows)
    n0, n1 = 0.25 * rows, 0.75 * rows

    def interval(gap):
        return difference(((0.2 + gap) * n1, n1), (0.2 * n0, n0), plan.error_budget)

    assert interval(limits["violates"])[0] == pytest.approx(plan.tolerance, abs=1e-6)
    some = limits["meets"] >= 0
    assert some.tolist() == [False, True, True]
    upper = interval(np.maximum(limits["meets"], 0))[1][some]
    assert upper == pytest.approx(plan.tolerance, abs=1e-6)
    gaps = np.linspace(0, 0.1, 201)
    small = difference(((0.2 + gaps) * 300, 300), (20, 100), plan.error_budget)
    assert not ((small[0] >= -0.1) & (small[1] <= 0.1)).any()  # with 400 rows


def test_no_estimate_decides_in_a_group_that_is_too_small():
    limits = verdict_limits(AuditPlan(1000, 0.1), [290, 310])
    assert limits["meets"][0] == -1 and np.isnan(limits["violates"][0])
    assert limits["violates"][1] > 0.1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rows": 1}, "rows is 1"),
        ({"rows": "1000"}, "rows is '1000'; use a whole number from 2 to 10000000"),
        ({"rows": 1000.5}, "rows is 1000.5; use a whole number"),
        ({"rate": None}, "rate is None"),
        ({"share": 0.6}, "share is 0.6; use a number from 0.001 to 0.5"),
        ({"confidence": 1.0}, "confidence is 1.0"),
        ({"findings": 0}, "findings is 0"),
        ({"rate": -0.1}, "rate is -0.1"),
    ],
)
def test_a_plan_out_of_range_says_so(settings, message):
    with pytest.raises(FairtutorError, match=message):
        AuditPlan(**{"rows": 1000, **settings})


def test_a_gap_that_cannot_be_says_so():
    with pytest.raises(FairtutorError, match="gap is 'x'; use a number"):
        verdict_chances("x", AuditPlan(1000, rate=0.3))
    with pytest.raises(FairtutorError, match=r"use a gap from -0.3 to 0.7"):
        verdict_chances(0.8, AuditPlan(1000, rate=0.3))


# ---------------------------------------------------------------- rounds


def test_one_round_is_what_the_chances_say():
    exact = verdict_chances(0.1, AuditPlan(2000, rate=0.3))["meets"]
    for settings in ({}, {"reused": True}, {"reused": True, "adaptive": True}):
        share = false_meets(1, simulations=100_000, **settings)[0]
        assert share == pytest.approx(exact, abs=0.0025)


def test_models_drawn_anew_do_not_care_about_reused_rows():
    fresh = false_meets(20, simulations=20_000)
    reused = false_meets(20, reused=True, simulations=20_000)
    assert np.abs(fresh - reused).max() < 0.015


def test_a_producer_that_reads_reports_fits_reused_rows_and_no_fresh_ones():
    tuned = {"adaptive": True, "change": 0.1, "spread_budget": True}
    assert false_meets(50, reused=True, **tuned)[-1] > 0.8
    assert false_meets(50, **tuned)[-1] < 0.05
    blind = false_meets(50, reused=True, change=0.1, spread_budget=True)[-1]
    assert blind < 0.05  # without reading, the spread budget holds on reused rows too


def test_versions_keep_their_true_gap_and_their_overlap():
    from fairtutor.audit.rounds import _versions

    random, rates = np.random.default_rng(0), np.array([0.4, 0.3])
    versions = _versions(random, rates, 500, (20_000, 8), False, 0.25)
    high, low = (np.stack(k, 1) / 500 for k in zip(*versions, strict=True))
    assert high.mean(0) == pytest.approx(0.4, abs=0.001)
    assert low.mean(0) == pytest.approx(0.3, abs=0.001)
    assert high.std(0) == pytest.approx(np.sqrt(0.4 * 0.6 / 500), rel=0.03)
    kept = np.corrcoef(high.T)[0]  # three quarters are kept each time
    assert kept == pytest.approx(0.75 ** np.arange(8), abs=0.03)


@pytest.mark.parametrize("change", [0, -0.1, 1.1])
def test_a_change_is_a_share(change):
    with pytest.raises(FairtutorError, match="change is"):
        false_meets(2, change=change)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"confidence": 95}, "confidence is 95; use a number from 0.5 to 0.9999"),
        ({"rate": 0.95}, "rate is 0.95; use a number from 0 to 0.9"),
        ({"tolerance": "0.1"}, "tolerance is '0.1'"),
        ({"rounds": 0}, "rounds is 0; use a whole number from 1"),
    ],
)
def test_a_story_that_cannot_be_told_says_so(settings, message):
    """A confidence in percent once gave a chance of error below 0, and no error."""
    with pytest.raises(FairtutorError, match=message):
        false_meets(**{"rounds": 2, **settings})


def test_the_stored_table_over_rounds_can_be_found_again():
    result = load_result("rounds")
    table = {(row["way"], row["spread_budget"]): row for row in result["table"]}
    fresh = "fresh rows, tuned on reports or not"
    tuned = "same rows, tuned on reports"
    for way, spread, settings in (
        (fresh, False, {}),
        (tuned, True, {"reused": True, "adaptive": True, "change": 0.1}),
    ):
        stored = table[way, spread]["false_meets"]
        again = false_meets(
            50, spread_budget=spread, simulations=4000, seed=9, **settings
        )[-1]
        assert again == pytest.approx(stored["50"], abs=0.035)
    kept = table[fresh, True]["false_meets"].values()
    assert max(kept) <= 0.035  # half of 5%, and what Newcombe's interval lacks
    assert table[tuned, True]["false_meets"]["50"] > 0.5
