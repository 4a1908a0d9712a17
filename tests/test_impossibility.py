"""The theorems and the search through thresholds, checked against counting."""

import math
from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fairtutor.audit import RATES, group_counts, rates
from fairtutor.data import load
from fairtutor.exchange.errors import FairtutorError
from fairtutor.theory import (
    DEFINITIONS,
    hold_together,
    implied_false_positive_rate,
    implied_negative_score,
)

CHOULDECHOVA = {"equal opportunity", "predictive equality", "predictive parity"}


@st.composite
def scored(draw, most=30):
    """Scores with ties, outcomes and two groups that have rows of both outcomes."""
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    more = draw(st.lists(st.sampled_from(corners), max_size=most))
    groups, y = torch.tensor(corners + more).T
    scores = draw(
        st.lists(st.integers(0, 6), min_size=len(y), max_size=len(y)).map(torch.tensor)
    )
    return scores, y, groups


def by_counting(scores, y, groups, tolerance, min_share):
    """Do what hold_together does, one pair at a time, with the audit's own counts."""
    ends = [
        [*s.unique().tolist(), math.inf]
        for s in (scores[groups == 0], scores[groups == 1])
    ]
    found = {
        subset: [0, math.inf]
        for size in range(1, 5)
        for subset in combinations(DEFINITIONS, size)
    }
    pairs = 0
    for a in ends[0]:
        for b in ends[1]:
            at = torch.where(groups == 0, a, b)
            counts = group_counts(y, scores >= at, groups, 2)
            share = rates(counts, "selection rate")
            if share.min() < min_share or share.max() > 1 - min_share:
                continue
            pairs += 1
            for subset, entry in found.items():
                gaps = [
                    float(rates(counts, DEFINITIONS[name]).diff().abs())
                    for name in subset
                ]
                worst = math.inf if any(map(math.isnan, gaps)) else max(gaps)
                entry[0] += worst <= tolerance
                entry[1] = min(entry[1], worst)
    return pairs, found


@given(scored(), st.sampled_from([0.0, 0.1, 0.3]), st.sampled_from([0, 0.05, 0.2]))
def test_search_equals_counting_pair_by_pair(data, tolerance, min_share):
    pairs, found = by_counting(*data, tolerance, min_share)
    if not pairs:
        with pytest.raises(FairtutorError, match="min_share"):
            hold_together(*data, tolerance=tolerance, min_share=min_share)
        return
    together = hold_together(*data, tolerance=tolerance, min_share=min_share)
    assert {t.definitions: [t.holding, t.smallest] for t in together} == found
    assert {t.pairs for t in together} == {pairs}


@given(scored())
def test_thresholds_named_are_where_the_smallest_gap_is(data):
    scores, y, groups = data
    for found in hold_together(scores, y, groups, min_share=0):
        at = torch.tensor(found.thresholds)[groups]
        counts = group_counts(y, scores >= at, groups, 2)
        gaps = [rates(counts, DEFINITIONS[d]).diff().abs() for d in found.definitions]
        if found.smallest < math.inf:
            assert max(gaps).item() == found.smallest


def test_blocks_change_nothing(monkeypatch):
    torch.manual_seed(0)
    data = torch.rand(300), torch.rand(300).round().long(), torch.arange(300) % 2
    whole = hold_together(*data)
    monkeypatch.setattr("fairtutor.theory.impossibility.BLOCK", 1000)
    assert hold_together(*data) == whole


def test_definitions_are_rates_that_the_audit_knows():
    assert set(DEFINITIONS.values()) <= set(RATES)


@given(scored())
def test_chouldechovas_identity_holds_for_every_decision(data):
    scores, y, groups = data
    counts = group_counts(y, scores >= 3, groups, 2)
    tpr, fpr, ppv = (
        rates(counts, f"{name} {kind}")
        for name, kind in [
            ("true positive", "rate"),
            ("false positive", "rate"),
            ("positive predictive", "value"),
        ]
    )
    for group in (0, 1):
        p = y[groups == group].double().mean().item()
        if ppv[group] > 0:
            implied = implied_false_positive_rate(
                p, tpr[group].item(), ppv[group].item()
            )
            assert implied == pytest.approx(fpr[group].item(), abs=1e-12)


@given(scored())
def test_calibration_fixes_the_negatives_mean_score(data):
    scores, y, groups = data
    for group in (0, 1):
        s, outcome = scores[groups == group], y[groups == group].double()
        calibrated = torch.bincount(s, outcome)[s] / torch.bincount(s)[s]
        implied = implied_negative_score(
            outcome.mean().item(), min(1.0, calibrated[outcome == 1].mean().item())
        )
        assert implied == pytest.approx(
            calibrated[outcome == 0].mean().item(), abs=1e-12
        )


@given(scored())
def test_the_three_hold_exactly_only_in_the_cases_the_theorem_leaves_out(data):
    scores, y, groups = data
    base = [y[groups == g].double().mean().item() for g in (0, 1)]
    [found] = [
        t
        for t in hold_together(*data, tolerance=0, min_share=0)
        if set(t.definitions) == CHOULDECHOVA
    ]
    if found.holding and base[0] != base[1]:
        at = torch.tensor(found.thresholds)[groups]
        counts = group_counts(y, scores >= at, groups, 2)
        no_false_positive = (rates(counts, "false positive rate") == 0).all()
        no_true_positive = (rates(counts, "true positive rate") == 0).all()
        assert no_false_positive or no_true_positive


def test_perfect_prediction_satisfies_the_three_despite_base_rates():
    y = torch.tensor([0, 0, 0, 1, 0, 1, 1, 1])
    groups = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    holding = {
        t.definitions: t.holding for t in hold_together(y, y, groups, tolerance=0)
    }
    assert holding[tuple(d for d in DEFINITIONS if d in CHOULDECHOVA)] == 1
    assert holding[tuple(DEFINITIONS)] == 0  # parity fails: the base rates differ


def test_everybody_or_nobody_satisfies_all_but_predictive_parity():
    scores = torch.tensor([1, 2, 3, 1, 2, 3])
    y = torch.tensor([0, 1, 0, 1, 0, 1])
    groups = torch.tensor([0, 0, 0, 1, 1, 1])
    found = {
        t.definitions: t
        for t in hold_together(scores, y, groups, tolerance=0, min_share=0)
    }
    three = tuple(DEFINITIONS)[:3]
    assert found[three].holding >= 2
    assert found[three].thresholds == (1, 1)


def test_compas_needs_more_than_five_points_for_error_rates_and_predictive_parity():
    compas = load("compas")
    table = compas.table
    two = table["race"].isin(["African-American", "Caucasian"]).to_numpy()
    scores = torch.tensor(table["decile_score"].to_numpy()[two])
    groups = torch.tensor((table["race"] == "Caucasian").to_numpy()[two]).long()
    together = hold_together(scores, compas.y[torch.tensor(two)], groups, min_share=0.1)
    smallest = {t.definitions: round(t.smallest, 3) for t in together}
    assert smallest[tuple(DEFINITIONS)[1:3]] == 0.008
    assert smallest[tuple(DEFINITIONS)[1:]] == 0.055


@pytest.mark.parametrize(
    "change, told",
    [
        ({"definitions": ["predictive parity", "equal chance"]}, "'equal chance'"),
        ({"tolerance": 1.5}, "tolerance is 1.5"),
        ({"min_share": 0.5}, "below 0.5"),
        ({"scores": torch.tensor([1.0, math.nan, 1, 2])}, "not finite"),
        ({"groups": torch.tensor([0, 0, 2, 2])}, "0 or 1, but 2"),
        ({"y": torch.tensor([0, 0, 0, 1])}, "group 0 has outcome 1"),
        ({"y": torch.tensor([0, 1, 1])}, "one of each for every row"),
    ],
)
def test_errors_say_what_is_wrong(change, told):
    given_well = {
        "scores": torch.tensor([1, 2, 1, 2]),
        "y": torch.tensor([0, 1, 0, 1]),
        "groups": torch.tensor([0, 0, 1, 1]),
    }
    with pytest.raises(FairtutorError, match=told):
        hold_together(**{**given_well, **change})


@pytest.mark.parametrize("arguments", [(0, 0.5, 0.5), (1, 0.5, 0.5), (0.5, 0.5, 0)])
def test_implied_rate_refuses_what_it_would_divide_by(arguments):
    with pytest.raises(FairtutorError, match="above 0"):
        implied_false_positive_rate(*arguments)


def test_an_implied_rate_above_one_means_impossible():
    assert implied_false_positive_rate(0.9, 0.9, 0.5) > 1
    assert implied_negative_score(0.5, 1.0) == 0
    with pytest.raises(FairtutorError, match=r"mean score is 1\.2"):
        implied_negative_score(0.5, 1.2)
