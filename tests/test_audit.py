"""Metrics against fairlearn's and against counting; findings, verdicts, many rounds."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from fairlearn import metrics as fairlearn
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from fairtutor.audit import (
    FINDERS,
    RATES,
    Audited,
    accuracy_and_gap,
    audit,
    group_counts,
    leakage,
    rates,
    weighed,
)
from fairtutor.audit.intervals import (
    bounded_mean,
    clopper_pearson,
    difference,
    largest_difference,
    largest_difference_within,
    smallest_ratio,
    wilson,
)
from fairtutor.audit.probes import FAMILIES
from fairtutor.exchange import METRICS, Criterion, FairnessCriteria

many = settings(derandomize=True, deadline=None, max_examples=60)
few = settings(derandomize=True, deadline=None, max_examples=20)
EQUAL = pytest.approx
METHODS = ("score", "exact")
FAIRLEARN = {
    "selection_rate_difference": fairlearn.demographic_parity_difference,
    "selection_rate_ratio": fairlearn.demographic_parity_ratio,
    "true_positive_rate_difference": fairlearn.true_positive_rate_difference,
    "false_positive_rate_difference": fairlearn.false_positive_rate_difference,
    "equalized_odds_difference": fairlearn.equalized_odds_difference,
}


def audited(y, scores, groups, num_groups=None, X=None, reference=None, decided=None):
    """What an audit looks at, with group names g0, g1, ... of the attribute a."""
    y, scores, groups = (torch.as_tensor(part) for part in (y, scores, groups))
    num_groups = num_groups or int(groups.max()) + 1
    X = torch.zeros(len(y), 1) if X is None else X
    return Audited(
        y=y,
        scores=scores.double(),
        groups={("a",): (groups, tuple(f"g{i}" for i in range(num_groups)))},
        X=X,
        reference=torch.zeros(5, 1) if reference is None else reference,
        reference_scores=torch.zeros(5) if decided is None else decided,
    )


def find(metric, seen, tolerance=0.1, score=None, **options):
    attribute = "a" if METRICS[metric].names_attribute else None
    criterion = Criterion(metric, tolerance, attribute, score)
    (finding,) = audit(seen, FairnessCriteria((criterion,), **options))
    return finding


@st.composite
def rows(draw, whole=False, least=20, most=200):
    """Outcomes, scores and 2–6 groups; ``whole`` groups have rows of both outcomes."""
    num_groups = draw(st.integers(2, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(least, most))
    groups = random.integers(0, num_groups, n)
    y = (random.random(n) < random.random(num_groups)[groups]).astype(int)
    scores = random.random(n) ** (3 * random.random(num_groups))[groups]
    if whole:
        groups = np.concatenate([groups, np.repeat(np.arange(num_groups), 2)])
        y = np.concatenate([y, np.tile([0, 1], num_groups)])
        scores = np.concatenate([scores, random.random(2 * num_groups)])
    return y, scores, groups, num_groups


# Group metrics.


@pytest.mark.parametrize("metric", FAIRLEARN)
@given(case=rows(whole=True), threshold=st.sampled_from([0.2, 0.5, 0.8]))
@many
def test_group_metrics_are_fairlearns(metric, case, threshold):
    y, scores, groups, num_groups = case
    decisions = scores >= threshold
    assume(metric != "selection_rate_ratio" or decisions.any())
    expected = FAIRLEARN[metric](y, decisions, sensitive_features=groups)
    got = find(metric, audited(y, scores, groups, num_groups), threshold=threshold)
    assert got.estimate == EQUAL(expected, abs=1e-12)


@given(case=rows())
@many
def test_accuracy_is_sklearns(case):
    y, scores, groups, num_groups = case
    seen = audited(y, scores, groups, num_groups)
    expected = accuracy_score(y, scores >= 0.5)
    assert find("accuracy", seen).estimate == EQUAL(expected, abs=1e-12)
    frame = fairlearn.MetricFrame(
        metrics=accuracy_score,
        y_true=y,
        y_pred=scores >= 0.5,
        sensitive_features=groups,
    )
    counts = group_counts(
        seen.y, seen.scores >= 0.5, seen.groups[("a",)][0], num_groups
    )
    by_group = rates(counts, "accuracy")
    for code, value in frame.by_group.items():
        assert by_group[code].item() == EQUAL(value, abs=1e-12)


@given(case=rows())
@many
def test_accuracy_and_gap_are_fairlearns(case):
    y, scores, groups, num_groups = case
    y, groups, decisions = map(torch.tensor, (y, groups, scores >= 0.5))
    accuracy, gap = accuracy_and_gap(y, decisions, groups, num_groups)
    assert accuracy == EQUAL(accuracy_score(y, decisions), abs=1e-12)
    expected = fairlearn.demographic_parity_difference(
        y, decisions, sensitive_features=groups
    )
    assert gap == EQUAL(expected, abs=1e-12)


CONDITIONS = {
    "selection rate": (lambda y, d: True, lambda y, d: d),
    "true positive rate": (lambda y, d: y, lambda y, d: d),
    "false positive rate": (lambda y, d: not y, lambda y, d: d),
    "positive predictive value": (lambda y, d: d, lambda y, d: y),
    "accuracy": (lambda y, d: True, lambda y, d: y == d),
}


def test_every_rate_has_its_definition_here():
    assert set(CONDITIONS) == set(RATES)


@pytest.mark.parametrize("rate", CONDITIONS)
@given(case=rows(least=1, most=40))
@many
def test_rates_are_counts_and_nan_without_rows(rate, case):
    y, scores, groups, num_groups = case
    decisions = (scores >= 0.5).astype(int)
    counts = group_counts(*map(torch.tensor, (y, decisions, groups)), num_groups)
    assert counts.sum() == len(y)
    among, success = CONDITIONS[rate]
    people = list(zip(y.tolist(), decisions.tolist(), groups.tolist(), strict=True))
    for g in range(num_groups):
        chosen = [(a, b) for a, b, code in people if code == g and among(a, b)]
        k = sum(bool(success(a, b)) for a, b in chosen)
        successes, trials = weighed(counts, rate)
        assert (successes[g], trials[g]) == (k, len(chosen))
        value = rates(counts, rate)[g].item()
        assert math.isnan(value) if not chosen else value == EQUAL(k / len(chosen))


@pytest.mark.parametrize("metric", FAIRLEARN)
@given(case=rows(least=1, most=30))
@many
def test_groups_without_the_outcome_are_left_out_but_keep_it_open(metric, case):
    """Fairlearn calls the rate of nobody 0; here it is unknown, and so is the gap."""
    y, scores, groups, num_groups = case
    finding = find(metric, audited(y, scores, groups, num_groups), min_group_size=1)
    assert 0 <= finding.lower <= finding.upper <= 1
    empty = [g for g in finding.groups if g.n == 0]
    for group in empty:
        assert math.isnan(group.rate)
        assert (group.lower, group.upper) == (0, 1)
        assert f"{group.group} (0)" in finding.note or "nobody got" in finding.note
    if empty:
        assert finding.verdict != "meets"
        open_end = finding.lower == 0 if "ratio" in metric else finding.upper == 1
        assert open_end
    kinds = {}
    for g in finding.groups:
        kinds.setdefault(g.group.partition(", ")[2], []).append(g.rate)
    gaps = []
    for shares in kinds.values():
        known = [s for s in shares if not math.isnan(s)]
        if len(known) < 2 or ("ratio" in metric and max(known) == 0):
            gaps.append(math.nan)
        elif "ratio" in metric:
            gaps.append(min(known) / max(known))
        else:
            gaps.append(max(known) - min(known))
    if any(map(math.isnan, gaps)):
        assert math.isnan(finding.estimate)
        assert (finding.lower, finding.upper) == (0, 1)
    else:
        assert finding.estimate == EQUAL(max(gaps))
        assert finding.lower <= finding.estimate <= finding.upper


def test_equalized_odds_is_the_larger_gap_within_one_interval_for_both():
    random = np.random.default_rng(0)
    groups, y = random.integers(0, 2, 2000), random.integers(0, 2, 2000)
    scores = random.random(2000) * (0.6 + 0.4 * groups)
    both = find("equalized_odds_difference", audited(y, scores, groups))
    tables = []
    for outcome in (1, 0):
        chosen = [(scores[(groups == g) & (y == outcome)] >= 0.5) for g in (0, 1)]
        tables.append([(int(c.sum()), len(c)) for c in chosen])
    gaps = [abs(k / n - j / m) for (k, n), (j, m) in tables]
    assert both.estimate == EQUAL(max(gaps))
    expected = largest_difference_within(tables, 0.01)
    assert (both.lower, both.upper) == EQUAL(expected)
    labels = ["g0, y = 1", "g1, y = 1", "g0, y = 0", "g1, y = 0"]
    assert [g.group for g in both.groups] == labels


OTHER_RATES = {
    "predictive_parity_difference": "positive predictive value",
    "accuracy_difference": "accuracy",
}


@pytest.mark.parametrize("metric", OTHER_RATES)
@given(case=rows(whole=True), threshold=st.sampled_from([0.2, 0.5, 0.8]))
@many
def test_other_differences_are_counted_person_by_person(metric, case, threshold):
    y, scores, groups, num_groups = case
    among, success = CONDITIONS[OTHER_RATES[metric]]
    people = list(zip(y, scores >= threshold, groups, strict=True))
    parts = []
    for g in range(num_groups):
        chosen = [(a, d) for a, d, code in people if code == g and among(a, d)]
        parts.append((sum(bool(success(a, d)) for a, d in chosen), len(chosen)))
    finding = find(
        metric,
        audited(y, scores, groups, num_groups),
        threshold=threshold,
        min_group_size=1,
    )
    shares = [k / n for k, n in parts if n]
    if len(shares) < 2:
        assert math.isnan(finding.estimate)
        return
    assert finding.estimate == EQUAL(max(shares) - min(shares))
    assert (finding.lower, finding.upper) == EQUAL(largest_difference(parts, 0.01))
    assert [(g.n, g.rate) for g in finding.groups if g.n] == [
        (n, EQUAL(k / n)) for k, n in parts if n
    ]


@pytest.mark.parametrize("score", ["probability", "loss"])
@given(case=rows())
@few
def test_a_mean_score_difference_is_the_gap_between_means(score, case):
    y, scores, groups, num_groups = case
    values = scores if score == "probability" else abs(y - scores)
    finding = find("mean_score_difference", audited(*case), score=score)
    means = [values[groups == g].mean() for g in range(num_groups) if g in groups]
    gap = max(means) - min(means) if len(means) > 1 else math.nan
    assert finding.estimate == EQUAL(gap, nan_ok=True)
    sizes = np.bincount(groups, minlength=num_groups)
    assert [g.n for g in finding.groups] == sizes.tolist()
    for g, shown in enumerate(finding.groups):
        if shown.n:
            assert shown.rate == EQUAL(values[groups == g].mean())
            assert shown.lower <= shown.rate <= shown.upper
        else:
            assert (shown.lower, shown.upper) == (0, 1)
    small = [g for g in range(num_groups) if sizes[g] < 30]
    assert [f"g{g} ({sizes[g]})" in finding.note for g in small] == [True] * len(small)
    if small:
        assert finding.upper == 1


def test_a_mean_loss_is_what_drawn_decisions_get_wrong():
    y, scores = torch.tensor([1, 0]).repeat(5000), torch.full((10_000,), 0.7)
    groups = 1 - y  # in g0 each loss is .3, in g1 .7
    finding = find("mean_score_difference", audited(y, scores, groups), score="loss")
    assert finding.estimate == EQUAL(0.4)
    drawn = torch.rand(10_000, generator=torch.Generator().manual_seed(0)) < scores
    for g in (0, 1):
        wrong = (drawn.long() != y)[groups == g].double().mean().item()
        assert wrong == EQUAL(finding.groups[g].rate, abs=0.02)


EXACT = [*FAIRLEARN, *OTHER_RATES, "calibration_gap"]


@pytest.mark.parametrize("metric", EXACT)
def test_exact_intervals_are_used_where_the_criteria_ask_for_them(metric):
    random = np.random.default_rng(1)
    groups, y = random.integers(0, 2, 300), random.integers(0, 2, 300)
    seen = audited(y, random.random(300) * (0.7 + 0.3 * groups), groups)
    options = {"min_group_size": 5}
    score, exact = (find(metric, seen, intervals=i, **options) for i in METHODS)
    assert score.estimate == exact.estimate
    assert exact.upper - exact.lower > score.upper - score.lower


def test_exact_intervals_are_those_of_the_counts():
    seen = counted((40, 100), (10, 60), (30, 50))
    parts = [(40, 100), (10, 60), (30, 50)]
    finding = find("selection_rate_difference", seen, intervals="exact")
    expected = largest_difference(parts, 0.01, method="exact")
    assert (finding.lower, finding.upper) == EQUAL(expected)
    finding = find("selection_rate_ratio", seen, intervals="exact")
    expected = smallest_ratio(parts, 0.01, method="exact")
    assert (finding.lower, finding.upper) == EQUAL(expected)


# Calibration.


def calibration_by_hand(y, scores, groups, num_groups, least):
    """Return counts of the groups compared in each bin, and the worst pair's share."""
    tables, held = [], {}
    for b in range(5):
        inside = [min(int(s * 5), 4) == b for s in scores]
        parts = {}
        for g in range(num_groups):
            cell = [
                yi
                for yi, i, code in zip(y, inside, groups, strict=True)
                if i and code == g
            ]
            if len(cell) >= least:
                parts[g] = int(sum(cell)), len(cell)
        if len(parts) > 1:
            tables.append(list(parts.values()))
        for g in parts:
            for other in parts:
                held[g, other] = held.get((g, other), 0) + parts[g][1]
    shares = [
        held.get((g, other), 0) / max(1, list(groups).count(g))
        for g in range(num_groups)
        for other in range(num_groups)
    ]
    return tables, min(shares)


@given(case=rows(least=100, most=600), least=st.sampled_from([1, 5, 10, 20]))
@many
def test_the_calibration_gap_is_counted_bin_by_bin(case, least):
    y, scores, groups, num_groups = case
    seen = audited(y, scores, groups, num_groups)
    finding = find("calibration_gap", seen, min_group_size=least)
    tables, held = calibration_by_hand(y, scores, groups, num_groups, least)
    note = f"compared in {len(tables)} of 5 score bins"
    assert [g.n for g in finding.groups] == [n for parts in tables for _, n in parts]
    if not tables:
        assert finding.note == note
        assert math.isnan(finding.estimate)
        assert (finding.lower, finding.upper) == (0, 1)
        return
    assert finding.note == f"{note}, at least {held:.0%} of each group with each other"
    shares = [[k / n for k, n in parts] for parts in tables]
    gaps = [max(each) - min(each) for each in shares]
    assert finding.estimate == EQUAL(max(gaps), abs=1e-12)
    lower, upper = largest_difference_within(tables, 0.01)
    assert finding.lower == EQUAL(lower, abs=1e-12)
    assert finding.upper == EQUAL(1 if held < 0.5 else upper, abs=1e-12)


def half_compared(beside, gap=0):
    """Both groups in the first bin, and ``beside`` more rows of g0 in the last."""
    n = 2000
    y = [i % 10 == 0 for i in range(n)] + [i % 10 <= gap for i in range(n)]
    y += [True] * beside
    scores, groups = [0.1] * 2 * n + [0.9] * beside, [0] * n + [1] * n + [0] * beside
    return audited(torch.tensor(y).long(), torch.tensor(scores), torch.tensor(groups))


def test_a_group_that_is_mostly_compared_with_nobody_is_not_called_calibrated():
    kept = find("calibration_gap", half_compared(2000), 0.2)
    assert (kept.verdict, kept.estimate) == ("meets", 0)
    assert kept.note.endswith("at least 50% of each group with each other")
    lost = find("calibration_gap", half_compared(2001), 0.2)
    assert (lost.verdict, lost.upper) == ("undecided", 1)
    found = find("calibration_gap", half_compared(2001, gap=7), 0.2)
    assert found.verdict == "violates"


def test_a_score_of_one_is_in_the_last_bin():
    finding = find(
        "calibration_gap",
        audited([0, 1] * 100, torch.ones(200), torch.arange(200) // 100),
    )
    assert [g.group for g in finding.groups] == ["g0, score 0.8–1", "g1, score 0.8–1"]
    assert finding.estimate == 0


# Findings.


@pytest.mark.parametrize(
    "metric", [name for name, metric in METRICS.items() if metric.kind == "group"]
)
def test_one_group_alone_is_compared_with_nobody(metric):
    finding = find(metric, counted((300, 500)), 0.5)
    assert math.isnan(finding.estimate) and finding.verdict == "undecided"
    beside_nobody = find(metric, counted((300, 500), (0, 0)), 0.5)
    assert math.isnan(beside_nobody.estimate)


def counted(*groups):
    """Rows in which group i has (selected, rows)."""
    codes = [code for code, (_, n) in enumerate(groups) for _ in range(n)]
    scores = [float(i < k) for k, n in groups for i in range(n)]
    return audited([0, 1] * (len(codes) // 2) + [0] * (len(codes) % 2), scores, codes)


@pytest.mark.parametrize(
    ("selected", "tolerance", "verdict"),
    [
        ((500, 500), 0.2, "meets"),
        ((500, 100), 0.2, "violates"),
        ((500, 400), 0.1, "undecided"),
    ],
)
def test_a_difference_is_judged_by_its_whole_interval(selected, tolerance, verdict):
    seen = counted(*((k, 1000) for k in selected))
    finding = find("selection_rate_difference", seen, tolerance)
    assert finding.verdict == verdict
    k, m = selected
    low, high = difference((k, 1000), (m, 1000), 0.05 / 5)
    assert (finding.lower, finding.upper) == EQUAL(
        (max(0, float(low)), float(max(high, -low)))
    )
    assert finding.note == ""
    for shown, count in zip(finding.groups, selected, strict=True):
        own = tuple(map(float, wilson(count, 1000, 0.05)))
        assert (shown.n, shown.rate) == (1000, count / 1000)
        assert (shown.lower, shown.upper) == own


def test_a_small_group_keeps_it_undecided_and_is_named():
    seen = counted((500, 1000), (500, 1000), (15, 29))
    finding = find("selection_rate_difference", seen, 0.9)
    assert (finding.verdict, finding.upper) == ("undecided", 1.0)
    assert finding.note == "fewer than 30 rows: g2 (29)"
    seen = counted((500, 1000), (500, 1000), (15, 30))
    finding = find("selection_rate_difference", seen, 0.9)
    assert (finding.verdict, finding.note) == ("meets", "")


def test_a_small_group_does_not_hide_a_violation_between_large_ones():
    finding = find("selection_rate_difference", counted((900, 1000), (1, 1000), (1, 2)))
    assert finding.verdict == "violates"


def test_without_any_selected_there_is_no_ratio():
    finding = find("selection_rate_ratio", counted((0, 500), (0, 500)), 0.8)
    assert math.isnan(finding.estimate)
    assert (finding.lower, finding.upper, finding.verdict) == (0.0, 1.0, "undecided")
    assert finding.note == "nobody got the positive decision, so there is no ratio"


def test_one_group_alone_has_no_difference():
    finding = find("selection_rate_difference", counted((50, 100)))
    assert math.isnan(finding.estimate)
    assert finding.verdict == "undecided"


def test_the_threshold_itself_is_a_positive_decision():
    seen = audited([1, 0], [0.5, 0.49], [0, 1])
    assert find("accuracy", seen).estimate == 1
    assert find("selection_rate_difference", seen).estimate == 1
    assert find("accuracy", seen, threshold=0.51).estimate == 0.5


def test_accuracy_is_judged_from_below():
    seen = audited([1] * 900 + [0] * 100, torch.ones(1000), [0] * 1000)
    low, high = clopper_pearson(900, 1000, 0.01)
    verdicts = [
        find("accuracy", seen, t).verdict for t in (low - 0.01, 0.9, high + 0.01)
    ]
    assert verdicts == ["meets", "undecided", "violates"]


def test_every_metric_has_its_finder():
    assert set(FINDERS) == set(METRICS)


@pytest.mark.parametrize("size", [1, 2, 60, 400])
def test_findings_stand_in_the_order_of_the_criteria(size):
    criteria = tuple(
        Criterion(name, 0.5, "a" if metric.names_attribute else None, score)
        for name, metric in METRICS.items()
        for score in metric.scores
    )
    torch.manual_seed(size)
    random = np.random.default_rng(3)
    y, groups = random.integers(0, 2, size), random.integers(0, 2, size)
    groups = torch.from_numpy(groups)
    seen = replace(
        audited(y, random.random(size), groups, 2, torch.randn(size, 2)),
        reference=torch.randn(60, 2),
        reference_scores=torch.rand(60),
        flips={("a",): torch.rand(size, 3)},
        Z=torch.randn(size, 2),
        Z_reference=torch.randn(60, 2),
        reference_groups={("a",): torch.arange(60) % 2},
    )
    findings = audit(seen, FairnessCriteria(criteria))
    assert [finding.criterion for finding in findings] == list(criteria)
    for finding in findings:
        unknown = math.isnan(finding.estimate)
        assert unknown or finding.lower <= finding.estimate <= finding.upper
        assert not unknown or (finding.lower, finding.upper) == (0, 1)
        assert 0 <= finding.lower <= finding.upper <= 1
        verdict = finding.criterion.verdict(finding.lower, finding.upper)
        assert finding.verdict == verdict
    if size < 10:
        assert "meets" not in {f.verdict for f in findings if f.criterion.attribute}


def test_without_a_model_or_a_representation_nothing_is_said_about_it():
    seen = counted((300, 500), (250, 500))
    gap = find("selection_rate_difference", replace(seen, scores=None), 0.9)
    assert gap.note == "needs a model, and none was handed in"
    assert (gap.verdict, gap.lower, gap.upper) == ("undecided", 0, 1)
    probed = find("leakage", seen, 0.9)
    assert probed.note == "needs a representation, and none was handed in"
    assert (probed.verdict, probed.lower, probed.upper) == ("undecided", 0, 1)


# Leakage.


def told(size, gap, num_groups=2, seed=0):
    """Audit and reference rows whose z tells the group by ``gap``."""
    torch.manual_seed(seed)
    codes = torch.arange(size) % num_groups
    Z, Z_reference = torch.randn(size, 2), torch.randn(size, 2)
    Z[:, 0] += gap * codes
    Z_reference[:, 0] += gap * codes
    return replace(
        audited(torch.zeros(size), torch.zeros(size), codes, num_groups),
        Z=Z,
        Z_reference=Z_reference,
        reference_groups={("a",): codes},
    )


def test_leakage_is_that_of_the_best_probe_and_bounds_no_other():
    seen = told(300, 1.5)
    finding = find("leakage", seen, 0.6)
    best = max(finding.groups, key=lambda probe: probe.rate)
    assert [g.group for g in finding.groups] == list(FAMILIES)
    assert finding.estimate == best.rate > 0.7
    assert finding.lower == max(g.lower for g in finding.groups)
    assert finding.upper == max(g.upper for g in finding.groups)
    assert finding.verdict == "violates"
    assert finding.note == "bounds these 4 probes and no others; chance is 0.5"
    expected = leakage(
        seen.Z_reference, seen.reference_groups[("a",)], seen.Z, *LABELS, alpha=0.01
    )
    assert (finding.lower, finding.upper) == (expected.lower, expected.upper)


LABELS = (torch.arange(300) % 2, 2)


def test_what_does_not_leak_meets_and_a_small_group_leaves_it_open():
    assert find("leakage", told(600, 0), 0.7).verdict == "meets"
    open_one = find("leakage", told(50, 0), 0.7)
    assert open_one.verdict == "undecided"
    assert open_one.note.startswith("fewer than 30 rows: g0 (25), g1 (25); bounds")


def test_a_representation_that_knows_the_reference_rows_does_not_meet():
    """It tells the group of everyone but them, so probes that learn there find none."""
    seen = told(600, 9)
    quiet = replace(seen, Z_reference=torch.randn(600, 2))
    finding = find("leakage", quiet, 0.7)
    assert finding.estimate < 0.65 and finding.upper == 1
    assert finding.verdict == "undecided"
    assert "trees that learn on half of the audit rows tell at least 0.9" in (
        finding.note
    )


# Intervals that hold, and all findings of all rounds together.


def three_groups():
    """2,000 people in three groups, two of which are equal: the truth to draw from."""
    random = np.random.default_rng(5)
    groups = random.integers(0, 3, 2000)
    p = random.beta(1 + 2 * (groups == 2), 2, 2000)
    y = (random.random(2000) < p * (0.6 + 0.4 * (groups == 2))).astype(int)
    return y, p, groups


def share_missed(metric, stories, **options):
    """Return how often a gap is missed in draws of 300, and the intervals' widths."""
    y, p, groups = three_groups()
    random, missed, widths = np.random.default_rng(6), 0, []
    true = find(metric, audited(y, p, groups), **options).estimate
    assert 0.05 < true < 0.5
    for _ in range(stories):
        rows = random.integers(0, 2000, 300)
        drawn = find(metric, audited(y[rows], p[rows], groups[rows], 3), **options)
        missed += not drawn.lower <= true <= drawn.upper
        widths.append(drawn.upper - drawn.lower)
    return missed / stories, np.mean(widths)


@pytest.mark.parametrize("metric", OTHER_RATES)
@pytest.mark.parametrize("method", METHODS)
def test_intervals_of_new_rates_hold_as_often_as_they_say(metric, method):
    options = {"confidence": 0.8, "rounds": 1, "intervals": method}
    missed, _ = share_missed(metric, 200, **options)
    assert 0 < missed <= 0.2 + 2 * math.sqrt(0.2 * 0.8 / 200)


@pytest.mark.parametrize("score", ["probability", "loss"])
def test_intervals_of_mean_scores_hold_and_are_narrower_than_hoeffdings(score):
    """They hold more often than they must: no assumption is made on the scores."""
    missed, width = share_missed(
        "mean_score_difference", 40, score=score, confidence=0.8, rounds=1
    )
    assert missed <= 0.2
    low, high = bounded_mean(0.5, 100, 0.2 / 2)  # each of two groups, at half of α
    assert width < 2 * (high - low)


def gaps_at_the_tolerance(random):
    """Rows on which selection, true and false positive rates all differ by .1."""
    n = random.integers(0, 2, 900)
    y = random.integers(0, 2, 900)
    positive = random.random(900) < 0.3 + 0.1 * n
    return audited(y, positive.astype(float), n, 2)


def test_false_verdicts_of_all_criteria_in_all_rounds_keep_the_confidence():
    """Each true gap is .1, a little over the tolerance, so that *meets* is false."""
    names = ("selection_rate", "true_positive_rate", "false_positive_rate")
    criteria = FairnessCriteria(
        tuple(Criterion(f"{name}_difference", 0.0999999, "a") for name in names),
        confidence=0.8,
        rounds=3,
    )
    random, stories = np.random.default_rng(4), 400
    meets = missed = 0
    for _ in range(stories):
        findings = [
            finding
            for _ in range(criteria.rounds)
            for finding in audit(gaps_at_the_tolerance(random), criteria)
        ]
        meets += any(finding.verdict == "meets" for finding in findings)
        missed += any(not f.lower <= 0.1 <= f.upper for f in findings)
    spread = 2 * math.sqrt(0.2 * 0.8 / stories)
    assert 0 < missed / stories <= 0.2 + spread
    assert 0 < meets / stories <= 0.1 + spread  # one of the two sides
