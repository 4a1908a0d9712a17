"""Individual metrics against loops over people, and their intervals against truth."""

import math
from dataclasses import replace
from itertools import product

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fairtutor import Dataset, FairtutorError
from fairtutor.audit import (
    Audited,
    audit,
    cell_terms,
    consistency_terms,
    flips_kept,
)
from fairtutor.audit.intervals import clopper_pearson, mean_interval
from fairtutor.data import load
from fairtutor.exchange import METRICS, Criterion, FairnessCriteria
from fairtutor.similarity import (
    Cells,
    disjoint_pairs,
    mean_pair_distance,
    neighbour_mean,
)

many = settings(derandomize=True, deadline=None, max_examples=15)
EQUAL = pytest.approx
AGREEMENT = ("consistency", "same_cell_same_treatment")


def seen(n=80, m=60, settings=3, seed=0):
    random = torch.Generator().manual_seed(seed)
    return Audited(
        y=torch.arange(n) % 2,
        scores=torch.rand(n, generator=random),
        groups={},
        X=torch.randn(n, 3, generator=random),
        reference=torch.randn(m, 3, generator=random),
        reference_scores=torch.rand(m, generator=random),
        flips={("a",): torch.rand(n, settings, generator=random)},
    )


def find(metric, audited, tolerance=0.5, score=None, **options):
    attribute = "a" if METRICS[metric].names_attribute else None
    criterion = Criterion(metric, tolerance, attribute, score)
    (finding,) = audit(audited, FairnessCriteria((criterion,), **options))
    return finding


def treated(score, scores, threshold):
    return [float(s >= threshold) if score == "decision" else float(s) for s in scores]


# Each metric, person by person.


@pytest.mark.parametrize("score", ["decision", "probability"])
@given(seed=st.integers(0, 1000), k=st.integers(1, 20))
@many
def test_consistency_is_agreement_with_the_nearest(score, seed, k):
    audited = seen(seed=seed)
    finding = find("consistency", audited, score=score, neighbours=k, threshold=0.3)
    ours = treated(score, audited.scores, 0.3)
    theirs = treated(score, audited.reference_scores, 0.3)
    terms = []
    X, reference = audited.X.tolist(), audited.reference.tolist()
    for x, mine in zip(X, ours, strict=True):
        by_distance = sorted(
            range(len(theirs)), key=lambda i, x=x: math.dist(x, reference[i])
        )
        terms.append(1 - abs(mine - sum(theirs[i] for i in by_distance[:k]) / k))
    assert finding.estimate == EQUAL(sum(terms) / len(terms), abs=1e-9)
    assert 0 <= finding.lower <= finding.estimate <= finding.upper <= 1
    around = neighbour_mean(audited.X, audited.reference, torch.tensor(theirs), k)
    assert finding.estimate == EQUAL(
        1 - (torch.tensor(ours).double() - around).abs().mean().item(), abs=1e-9
    )


@pytest.mark.parametrize("score", ["decision", "probability"])
@given(seed=st.integers(0, 1000), k=st.integers(1, 60))
@many
def test_same_cell_is_agreement_with_everyone_in_the_cell(score, seed, k):
    audited = seen(seed=seed)
    finding = find("same_cell_same_treatment", audited, score=score, cells=k)
    centres = Cells.fit(audited.reference, k).centres.tolist()
    theirs = treated(score, audited.reference_scores, 0.5)

    def nearest(x):
        return min(range(len(centres)), key=lambda c: math.dist(x, centres[c]))

    homes = [nearest(x) for x in audited.reference.tolist()]
    terms, taken = [], set()
    ours = treated(score, audited.scores, 0.5)
    for x, mine in zip(audited.X.tolist(), ours, strict=True):
        cell = nearest(x)
        taken.add(cell)
        others = [t for t, home in zip(theirs, homes, strict=True) if home == cell]
        terms.append(1 - abs(mine - sum(others) / len(others)))
    assert finding.estimate == EQUAL(sum(terms) / len(terms), abs=1e-9)
    assert finding.note == f"the 80 rows fell in {len(taken)} of {len(centres)} cells"


@given(seed=st.integers(0, 1000), settings=st.integers(1, 4))
@many
def test_a_flip_is_kept_if_no_setting_changes_the_decision(seed, settings):
    audited = seen(settings=settings, seed=seed)
    finding = find("attribute_flip_consistency", audited, threshold=0.4)
    kept = 0
    for own, flipped in zip(audited.scores, audited.flips[("a",)], strict=True):
        kept += all((f >= 0.4) == (own >= 0.4) for f in flipped)
    assert finding.estimate == kept / 80
    expected = tuple(map(float, clopper_pearson(kept, 80, 0.01)))
    assert (finding.lower, finding.upper) == EQUAL(expected)
    assert finding.note.startswith(f"{settings} settings, all other columns as they")
    assert "not what causes what" in finding.note


@given(seed=st.integers(0, 1000), L=st.sampled_from([0.05, 0.3, 1.0]))
@many
def test_lipschitz_violations_are_counted_over_pairs_of_strangers(seed, L):
    audited = seen(n=81, seed=seed)
    finding = find("lipschitz_violations", audited, lipschitz=L)
    unit = mean_pair_distance(audited.reference)
    violated, largest = 0, 0
    for i, j in zip(*map(torch.Tensor.tolist, disjoint_pairs(81)), strict=True):
        gap = abs(float(audited.scores[i]) - float(audited.scores[j]))
        ratio = gap / (math.dist(audited.X[i], audited.X[j]) / unit)
        violated += ratio > L
        largest = max(largest, ratio)
    assert finding.estimate == violated / 40
    expected = tuple(map(float, clopper_pearson(violated, 40, 0.01)))
    assert (finding.lower, finding.upper) == EQUAL(expected)
    assert f"40 random pairs; the largest ratio among them is {largest:.3g}," in (
        finding.note
    )


# What each of them says of models that are known.


@pytest.mark.parametrize("metric", AGREEMENT)
@pytest.mark.parametrize("score", ["decision", "probability"])
def test_a_model_that_treats_everyone_alike_agrees_with_itself(metric, score):
    audited = seen()
    alike = replace(
        audited,
        scores=torch.full((80,), 0.7),
        reference_scores=torch.full((60,), 0.7),
    )
    assert find(metric, alike, score=score).estimate == EQUAL(1, abs=1e-6)


def test_one_cell_for_everyone_compares_with_the_mean_decision():
    audited = seen()
    finding = find("same_cell_same_treatment", audited, cells=1)
    mean = (audited.reference_scores >= 0.5).double().mean()
    terms = 1 - ((audited.scores >= 0.5).double() - mean).abs()
    assert finding.estimate == EQUAL(terms.mean().item())


def test_a_model_of_a_known_slope_violates_no_larger_constant():
    """p = x/10 on a line, with a mean pair distance of u, has the constant u/10."""
    reference, X = torch.rand(200, 1), torch.rand(500, 1)
    unit = mean_pair_distance(reference)
    line = replace(seen(500, 200), X=X, reference=reference, scores=X[:, 0] / 10)
    kept = find("lipschitz_violations", line, lipschitz=1.001 * unit / 10)
    assert (kept.estimate, kept.verdict) == (0, "meets")
    assert f"is {unit / 10:.3g}," in kept.note
    broken = find("lipschitz_violations", line, lipschitz=0.99 * unit / 10)
    assert broken.estimate > 0.9
    assert broken.verdict == "violates"


def test_two_people_without_a_distance_must_get_the_same_probability():
    """They differ in sensitive columns only; rounding is no difference."""
    same = replace(seen(40), X=torch.zeros(40, 3))
    assert find("lipschitz_violations", same, lipschitz=1e6).estimate == 1
    assert "is inf, which bounds" in find("lipschitz_violations", same).note
    rounded = replace(same, scores=0.5 + 1e-7 * torch.rand(40))
    assert find("lipschitz_violations", rounded, lipschitz=0).estimate == 0
    nobody = replace(same, reference=torch.zeros(60, 3))
    assert find("lipschitz_violations", nobody).estimate == 1


@pytest.mark.parametrize("n", [0, 1])
def test_without_a_pair_the_share_is_unknown(n):
    alone = seen(max(n, 1))
    if n == 0:
        alone = replace(alone, X=alone.X[:0], scores=alone.scores[:0])
    finding = find("lipschitz_violations", alone)
    assert math.isnan(finding.estimate)
    assert (finding.lower, finding.upper, finding.verdict) == (0, 1, "undecided")


def test_flips_kept_counts_the_decision_as_it_is():
    decisions = torch.tensor([1, 1, 0, 0])
    flipped = torch.tensor([[1, 1], [0, 0], [0, 0], [0, 1]])
    assert flips_kept(decisions, flipped).tolist() == [True, False, True, False]


def test_the_order_of_people_changes_no_estimate():
    audited, order = seen(), torch.randperm(80)
    moved = replace(
        audited,
        X=audited.X[order],
        scores=audited.scores[order],
        flips={("a",): audited.flips[("a",)][order]},
    )
    for metric in (*AGREEMENT, "attribute_flip_consistency"):
        one, other = find(metric, audited), find(metric, moved)
        assert one.estimate == EQUAL(other.estimate, abs=1e-12)
        assert one.note == other.note


# Settings of columns.


def test_settings_write_one_value_of_each_column_and_leave_the_rest():
    adult = load("adult")
    rows = adult.rows("audit 1")
    chosen = adult.settings(("sex", "race"))
    sexes, races = adult.attribute("sex").groups, adult.attribute("race").groups
    assert chosen.labels == tuple(
        f"sex={s}, race={r}" for s, r in product(sexes, races)
    )
    mask = adult.columns_mask(["sex", "race"])
    for label, X in zip(chosen.labels, chosen.apply(rows.X), strict=True):
        assert torch.equal(X[:, ~mask], rows.X[:, ~mask])
        for part in label.split(", "):
            assert (X[:, adult.feature_names.index(part)] == 1).all()
        assert (X[:, mask].sum(1) == 2).all()
    assert not torch.equal(rows.X[:, mask], X[:, mask])


def test_settings_hold_every_value_outside_the_audit_batches_once():
    german = load("german")
    view = german.without_audit()
    for name, column in (("sex", "status_sex"), ("age_group", "age"), ("age", "age")):
        labels = german.settings(name).labels
        values = view.table[column]
        assert labels == tuple(f"{column}={v}" for v in sorted(values.unique()))
        assert view.settings(name).labels == labels
    ages = german.settings("age")
    (at,) = ages.features.tolist()
    for label, X in zip(ages.labels, ages.apply(german.X), strict=True):
        age = int(label.removeprefix("age="))
        own = german.X[torch.tensor(german.table["age"] == age), at]
        assert torch.equal(X[:, at], own[:1].expand(len(X)))


def test_missing_is_a_setting_too():
    compas = load("adult").settings("occupation")
    assert compas.labels[-1] == "occupation=(missing)"
    assert len(compas) == 15


def test_settings_that_make_no_sense_are_refused():
    adult = load("adult")
    with pytest.raises(FairtutorError, match=r"'relationshp'\. Did you mean"):
        adult.settings(["relationshp"])
    with pytest.raises(FairtutorError, match=r"combinations of values; at most 1,000"):
        adult.settings(["age", "native-country"])
    df = pd.DataFrame({"g": ["a", "b"] * 50, "x": range(100), "t": [0, 0, 1, 1] * 25})
    blind = Dataset.from_frame(df, target="t", sensitive="g", drop="g")
    with pytest.raises(FairtutorError, match="'g' was left out of X"):
        blind.settings("g")


# Intervals that hold.

POOL = 400


def pool():
    """People who are the truth: 400, from whom audit rows are drawn."""
    random = torch.Generator().manual_seed(1)
    X = torch.randn(POOL, 2, generator=random)
    scores = (X[:, 0] / 2 + torch.randn(POOL, generator=random) / 2).sigmoid()
    flips = (scores[:, None] + torch.randn(POOL, 2, generator=random) / 8).clamp(0, 1)
    reference = torch.randn(60, 2, generator=random)
    return Audited(
        y=(torch.rand(POOL, generator=random) < scores).long(),
        scores=scores,
        groups={},
        X=X,
        reference=reference,
        reference_scores=(reference[:, 0] / 2).sigmoid(),
        flips={("a",): flips},
    )


def drawn(audited, random, n=150):
    rows = torch.randint(POOL, (n,), generator=random)
    return replace(
        audited,
        y=audited.y[rows],
        scores=audited.scores[rows],
        X=audited.X[rows],
        flips={names: flipped[rows] for names, flipped in audited.flips.items()},
    )


def truth(metric, score, everyone, L):
    if metric != "lipschitz_violations":
        return find(metric, everyone, score=score, cells=10).estimate
    unit = mean_pair_distance(everyone.reference)
    X, p = everyone.X.double(), everyone.scores.double()
    ratio_too_large = (p[:, None] - p).abs() > L * torch.cdist(X, X) / unit + 1e-6
    return ratio_too_large.double().mean().item()


@pytest.mark.parametrize(
    ("metric", "score"),
    [(m, s) for m in METRICS for s in METRICS[m].scores if METRICS[m].kind[0] == "i"],
)
def test_intervals_of_individual_metrics_hold_as_often_as_they_say(metric, score):
    everyone, stories, options = pool(), 150, {"confidence": 0.8, "rounds": 1}
    L = 0.3
    true = truth(metric, score, everyone, L)
    assert 0.05 < true < 0.95, "else there is little to miss"
    random, missed, widths = torch.Generator().manual_seed(2), 0, []
    for _ in range(stories):
        finding = find(
            metric,
            drawn(everyone, random),
            score=score,
            cells=10,
            lipschitz=L,
            **options,
        )
        missed += not finding.lower <= true <= finding.upper
        widths.append(finding.upper - finding.lower)
    spread = 2 * math.sqrt(0.2 * 0.8 / stories)
    assert 0 < missed / stories <= 0.2 + spread
    assert max(widths) < 0.3, "and says something"


def test_rows_sorted_by_their_scores_are_not_taken_in_that_order():
    """An interval that bets on one value after another would be misled."""
    audited = seen(400)
    order = audited.scores.argsort()
    ordered = replace(audited, scores=audited.scores[order], X=audited.X[order])
    finding = find("consistency", ordered, score="probability")
    around = neighbour_mean(ordered.X, ordered.reference, ordered.reference_scores, 5)
    terms = 1 - (ordered.scores.double() - around).abs()
    mean = terms.mean().item()
    assert finding.lower < mean < finding.upper
    as_they_come = tuple(map(float, mean_interval(terms, 0.01)))
    assert (finding.lower, finding.upper) != EQUAL(as_they_come)


def test_cell_terms_know_the_cells_they_were_given():
    cells = Cells(torch.tensor([[0.0], [1.0]]).double())
    X = torch.tensor([[0.1], [0.9]])
    p = torch.tensor([0.2, 0.4])
    terms = cell_terms(cells, X, p, X, torch.tensor([0.1, 0.9]))
    assert terms.tolist() == EQUAL([0.9, 0.5])


# Classes.


def test_classes_are_compared_by_total_variation():
    draw = torch.Generator().manual_seed(0)
    X, reference = (torch.randn(n, 2, generator=draw) for n in (20, 50))
    p, around = (torch.rand(n, 3, generator=draw).softmax(1) for n in (20, 50))
    terms = consistency_terms(X, p, reference, around, 4)
    for row in range(20):
        nearest = (reference - X[row]).norm(dim=1).topk(4, largest=False).indices
        apart = (p[row] - around[nearest].mean(0)).abs().sum() / 2
        assert terms[row].item() == pytest.approx(1 - apart.item(), abs=1e-6)
    cells = Cells.fit(reference, 5)
    terms, code = cell_terms(cells, X, p, reference, around), cells.assign(reference)
    for row, own in enumerate(cells.assign(X).tolist()):
        apart = (p[row] - around[code == own].mean(0)).abs().sum() / 2
        assert terms[row].item() == pytest.approx(1 - apart.item(), abs=1e-6)


def test_two_classes_give_what_one_probability_gives():
    draw = torch.Generator().manual_seed(1)
    X, reference = (torch.randn(n, 2, generator=draw) for n in (20, 50))
    p, around = (torch.rand(n, generator=draw) for n in (20, 50))
    both = [torch.stack([1 - part, part], 1) for part in (p, around)]
    one = consistency_terms(X, p, reference, around, 4)
    assert torch.allclose(consistency_terms(X, both[0], reference, both[1], 4), one)
