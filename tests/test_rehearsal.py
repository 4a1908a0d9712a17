"""A rehearsal finds what the regulator's audit finds, and reads no audit rows."""

from dataclasses import replace

import pytest
import torch

from fairtutor import (
    Criterion,
    DataProducer,
    DataRegulator,
    DataUser,
    FairnessCriteria,
    FairtutorError,
    Refused,
    load,
)
from fairtutor.audit import accuracy_and_gap
from fairtutor.entities.rehearsal import rehearse

GAP = Criterion("selection_rate_difference", 0.2, "sex")
CRITERIA = FairnessCriteria(
    (
        GAP,
        Criterion("equalized_odds_difference", 0.2, "sex"),
        Criterion("consistency", 0.8),
        Criterion("attribute_flip_consistency", 0.9, "sex"),
        Criterion("leakage", 0.6, "sex"),
        Criterion("accuracy", 0.7),
    ),
    rounds=1,
    min_group_size=5,
)


@pytest.fixture(scope="module")
def german():
    return load("german")


@pytest.fixture(scope="module")
def made(german):
    """A representation and a model that is far from constant."""
    representation = DataProducer("erasure").produce(CRITERIA, german)
    user = DataUser("logistic")
    return representation, user.train(representation, german, progress=False)


def test_on_the_same_rows_it_is_the_regulators_audit(german, made):
    report = DataRegulator(CRITERIA, german).audit(*made, progress=False)
    swapped = dict(german.splits)
    swapped["validation"] = german.splits["audit 1"]
    same_rows = replace(german, splits=swapped)
    found = rehearse(same_rows, CRITERIA, *made, "validation", progress=False)
    assert found.findings == report.findings
    assert found.accuracy == report.accuracy
    assert found.constant_accuracy == report.constant_accuracy
    assert found.rows == report.rows


def test_on_the_test_rows_the_gap_is_what_counting_gives(german, made):
    found = rehearse(german, CRITERIA, *made, progress=False)
    rows = german.rows("test")
    representation, model = made
    decisions = model.scores(representation.encode(rows.X)) >= CRITERIA.threshold
    codes, names = german.groups("sex")
    accuracy, gap = accuracy_and_gap(rows.y, decisions, codes[rows.index], len(names))
    assert gap > 0
    assert found.finding(GAP).estimate == pytest.approx(gap)
    assert found.accuracy[0] == pytest.approx(accuracy)


def test_nobody_among_the_test_rows_is_compared_with_themselves(german, made):
    """With one neighbour among the test rows, each row would be its own."""
    nearest = FairnessCriteria((Criterion("consistency", 0.8),), neighbours=1)
    z = DataProducer("identity").produce(nearest, german)
    model = DataUser("logistic").train(z, german, progress=False)
    found = rehearse(german, nearest, z, model, progress=False)
    assert found.findings[0].estimate < 1


def test_a_view_without_audit_rows_gives_the_same(german, made):
    view = german.without_audit()
    assert rehearse(view, CRITERIA, *made, progress=False).findings == (
        rehearse(german, CRITERIA, *made, progress=False).findings
    )


def test_audit_rows_are_never_read(german, made):
    poisoned = german.copy()
    for split, rows in poisoned.splits.items():
        if split.startswith("audit"):
            poisoned.X[rows] = torch.nan
    assert rehearse(poisoned, CRITERIA, *made, progress=False).findings == (
        rehearse(german, CRITERIA, *made, progress=False).findings
    )
    with pytest.raises(FairtutorError, match="'audit 1' are the regulator's"):
        rehearse(german, CRITERIA, *made, "audit 1")
    with pytest.raises(FairtutorError, match="no split 'tests'"):
        rehearse(german, CRITERIA, *made, "tests")


def test_it_refuses_what_the_regulator_would(german, made):
    other = FairnessCriteria((GAP,))
    with pytest.raises(Refused, match="made for other criteria"):
        rehearse(german, other, *made)
    again = DataProducer("erasure", strength=0.5).produce(CRITERIA, german)
    with pytest.raises(Refused, match="trained on another representation"):
        rehearse(german, CRITERIA, again, made[1])
    many = replace(CRITERIA, neighbours=400)
    with pytest.raises(FairtutorError, match="350 reference rows"):
        rehearse(german, many, *made)


def test_it_says_what_it_is_and_is_not(german, made):
    found = rehearse(german, CRITERIA, *made, progress=False)
    for text in (repr(found), found._repr_html_()):
        assert "Rehearsal on the test rows" in text
        assert f"{found.finding(GAP).estimate:.3f}" in text
        assert "No verdict" in text
        assert "meets" not in text
    with pytest.raises(KeyError, match="was not rehearsed"):
        found.finding(Criterion("accuracy", 0.123))
