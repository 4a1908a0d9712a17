"""Metrics against fairlearn's and against counting; findings, verdicts, many rounds."""

import math

import numpy as np
import pytest
import torch
from fairlearn import metrics as fairlearn
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from fairtutor.audit import (
    RATES,
    Audited,
    accuracy_and_gap,
    audit,
    group_counts,
    rates,
    weighed,
)
from fairtutor.audit.intervals import (
    clopper_pearson,
    difference,
    largest_difference,
    wilson,
)
from fairtutor.exchange import METRICS, Criterion, FairnessCriteria
from fairtutor.similarity import neighbour_mean

many = settings(derandomize=True, deadline=None, max_examples=60)
EQUAL = pytest.approx
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


def find(metric, seen, tolerance=0.1, **options):
    attribute = "a" if METRICS[metric].names_attribute else None
    criterion = Criterion(metric, tolerance, attribute)
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
        if "ratio" in metric:
            gaps.append(min(known) / max(known) if max(known) > 0 else math.nan)
        else:
            gaps.append(max(known) - min(known) if len(known) > 1 else math.nan)
    if any(map(math.isnan, gaps)):
        assert math.isnan(finding.estimate)
        assert (finding.lower, finding.upper) == (0, 1)
    else:
        assert finding.estimate == EQUAL(max(gaps))
        assert finding.lower <= finding.estimate <= finding.upper


def test_equalized_odds_is_the_larger_gap_at_half_the_budget_each():
    random = np.random.default_rng(0)
    groups, y = random.integers(0, 2, 2000), random.integers(0, 2, 2000)
    scores = random.random(2000) * (0.6 + 0.4 * groups)
    seen = audited(y, scores, groups)
    both = find("equalized_odds_difference", seen)
    halves = [
        find(f"{kind}_positive_rate_difference", seen, rounds=10)  # half of 5 rounds'
        for kind in ("true", "false")
    ]
    assert both.estimate == max(half.estimate for half in halves)
    assert both.lower == EQUAL(max(half.lower for half in halves))
    assert both.upper == EQUAL(max(half.upper for half in halves))
    labels = ["g0, y = 1", "g1, y = 1", "g0, y = 0", "g1, y = 0"]
    assert [g.group for g in both.groups] == labels


# Calibration and consistency.


def calibration_by_hand(y, scores, groups, num_groups, least, alpha):
    gaps, limits = [], []
    for b in range(5):
        inside = [min(int(s * 5), 4) == b for s in scores]
        parts = []
        for g in range(num_groups):
            cell = [
                yi
                for yi, i, code in zip(y, inside, groups, strict=True)
                if i and code == g
            ]
            parts.append((int(sum(cell)), len(cell)))
        if min(n for _, n in parts) >= least:
            shares = [k / n for k, n in parts]
            gaps.append(max(shares) - min(shares))
            limits.append(parts)
    intervals = [largest_difference(parts, alpha / len(gaps)) for parts in limits]
    return gaps, intervals


@given(case=rows(least=100, most=600), least=st.sampled_from([1, 5, 10]))
@many
def test_the_calibration_gap_is_counted_bin_by_bin(case, least):
    y, scores, groups, num_groups = case
    seen = audited(y, scores, groups, num_groups)
    finding = find("calibration_gap", seen, min_group_size=least)
    gaps, limits = calibration_by_hand(y, scores, groups, num_groups, least, 0.01)
    assert finding.note == f"compared in {len(gaps)} of 5 score bins"
    assert len(finding.groups) == num_groups * len(gaps)
    if not gaps:
        assert math.isnan(finding.estimate)
        assert (finding.lower, finding.upper) == (0, 1)
        return
    assert finding.estimate == EQUAL(max(gaps), abs=1e-12)
    assert finding.lower == EQUAL(max(low for low, _ in limits), abs=1e-12)
    assert finding.upper == EQUAL(max(high for _, high in limits), abs=1e-12)


def test_a_score_of_one_is_in_the_last_bin():
    finding = find(
        "calibration_gap",
        audited([0, 1] * 100, torch.ones(200), torch.arange(200) // 100),
    )
    assert [g.group for g in finding.groups] == ["g0, score 0.8–1", "g1, score 0.8–1"]
    assert finding.estimate == 0


def test_consistency_is_the_mean_agreement_with_its_reference():
    torch.manual_seed(0)
    X, reference = torch.randn(80, 3), torch.randn(60, 3)
    scores, decided = torch.rand(80), torch.rand(60)
    seen = audited([0, 1] * 40, scores, [0, 1] * 40, None, X, reference, decided)
    finding = find("consistency", seen, neighbours=7, threshold=0.3)
    around = neighbour_mean(X, reference, decided >= 0.3, 7)
    expected = 1 - ((scores >= 0.3).double() - around).abs().mean()
    assert finding.estimate == EQUAL(expected.item(), abs=1e-12)
    assert 0 < finding.lower < finding.estimate < finding.upper <= 1


# Findings.


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


def test_findings_stand_in_the_order_of_the_criteria():
    criteria = tuple(
        Criterion(name, 0.5, "a" if metric.names_attribute else None)
        for name, metric in METRICS.items()
    )
    random = np.random.default_rng(3)
    seen = audited(
        random.integers(0, 2, 400), random.random(400), random.integers(0, 2, 400)
    )
    findings = audit(seen, FairnessCriteria(criteria))
    assert [finding.criterion for finding in findings] == list(criteria)
    for finding in findings:
        assert finding.lower <= finding.estimate <= finding.upper
        verdict = finding.criterion.verdict(finding.lower, finding.upper)
        assert finding.verdict == verdict


# All findings of all rounds together.


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
