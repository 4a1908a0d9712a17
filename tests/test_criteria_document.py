"""The criteria as a document: its schema, its errors, and its words."""

import json
import re
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fairtutor.audit.group_findings import LEAST_COMPARED, SCORE_BINS
from fairtutor.exchange import (
    METRICS,
    Criterion,
    FairnessCriteria,
    FairtutorError,
    InvalidValue,
    criteria_schema,
    requirements,
    schema,
)
from fairtutor.exchange.document import MAX_CHARACTERS
from fairtutor.exchange.prose import articles, prose, prose_html
from fairtutor.exchange.values import (
    CHOICES,
    MAX_ATTRIBUTES,
    MAX_CRITERIA,
    MAX_TEXT,
    NUMBERS,
)

VALID = Draft202012Validator(criteria_schema())
few = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
names = st.text(min_size=1, max_size=8)


@st.composite
def criterion(draw):
    metric = draw(st.sampled_from(sorted(METRICS)))
    spec, attribute = METRICS[metric], None
    if spec.names_attribute:
        several = st.lists(names, min_size=1, max_size=3, unique=True)
        attribute = draw(names | several)
    score = draw(st.sampled_from([None, *spec.scores]))
    return Criterion(metric, draw(st.floats(0, 1)), attribute, score)


def number(key):
    allowed = NUMBERS[key]
    of = st.integers if allowed.whole else st.floats
    return of(allowed.low, allowed.high)


documents = st.builds(
    FairnessCriteria,
    criteria=st.lists(criterion(), min_size=1, max_size=4, unique=True),
    name=st.text(max_size=10),
    **{key: number(key) for key in NUMBERS},
    **{key: st.sampled_from(known) for key, known in CHOICES.items()},
)


def everything(**more):
    """Return criteria that use every metric with every score."""
    listed = tuple(
        Criterion(name, 0.25, ("sex", "race") if m.names_attribute else None, score)
        for name, m in METRICS.items()
        for score in m.scores
    )
    return FairnessCriteria(listed, **more)


def refused(document):
    """Return the error of a document, or None if it is read."""
    text = document if isinstance(document, str) else json.dumps(document)
    try:
        FairnessCriteria.from_json(text)
    except FairtutorError as error:
        return error
    return None


# ---------------------------------------------------------------- schema


def test_the_published_schema_is_the_generated_one(root):
    published = (root / "docs" / "criteria.schema.json").read_text(encoding="utf-8")
    assert published == schema.schema_text(), (
        "write fairtutor.exchange.schema.schema_text() to docs/criteria.schema.json"
    )


def test_the_schema_is_a_schema_and_describes_every_key():
    Draft202012Validator.check_schema(criteria_schema())
    made = criteria_schema()
    assert set(made["properties"]) == {f.name for f in fields(FairnessCriteria)}
    entry = made["$defs"]["criterion"]["properties"]
    assert set(entry) == {f.name for f in fields(Criterion)}
    for value in [*made["properties"].values(), *entry.values()]:
        assert value["description"].endswith(".")
    assert [m["const"] for m in entry["metric"]["oneOf"]] == list(METRICS)


@given(documents)
@few
def test_every_valid_document_fits_the_schema(criteria):
    document = json.loads(criteria.to_json())
    assert list(VALID.iter_errors(document)) == []
    assert FairnessCriteria.from_json(criteria.to_json()) == criteria


def test_the_defaults_of_the_schema_are_those_of_the_code():
    short = {"criteria": [{"metric": "accuracy", "tolerance": 0.8}]}
    filled = FairnessCriteria.from_json(json.dumps(short))
    for key, value in criteria_schema()["properties"].items():
        if key != "criteria":
            assert getattr(filled, key) == value["default"], key


WRONG = (
    None,
    True,
    False,
    "",
    "0.5",
    "acuracy",
    -1,
    -1e-9,
    0,
    0.5,
    1.5,
    2.0,
    10**7,
    10**400,
    [],
    [5],
    ["sex", "sex"],
    ["sex"] * 11,
    {},
    {"a": 1},
    "x" * (MAX_TEXT + 1),
    "loss",
    "decision",
    "representation",
)
places = st.sampled_from(
    [*(f.name for f in fields(FairnessCriteria)), "unknown", "Confidence"]
)
inner = st.sampled_from([*(f.name for f in fields(Criterion)), "unknown", "tolerances"])


@st.composite
def mutated(draw):
    """A valid document with one to three values set wrong, missing or moved."""
    document = json.loads(draw(documents).to_json())
    for _ in range(draw(st.integers(1, 3))):
        outside = draw(st.booleans()) or not _entries(document)
        owner = document if outside else draw(st.sampled_from(_entries(document)))
        key = draw(places if outside else inner)
        if draw(st.integers(0, 4)) == 0:
            owner.pop(key, None)
        else:
            owner[key] = draw(st.sampled_from(WRONG) | st.sampled_from(sorted(METRICS)))
    return document


def _entries(document):
    listed = document.get("criteria")
    listed = listed if isinstance(listed, list) else []
    return [entry for entry in listed if isinstance(entry, dict)]


@given(mutated())
@settings(few, max_examples=250)
def test_the_schema_and_the_reader_refuse_the_same(document):
    error = refused(document)
    if error is not None and "listed twice" in str(error):
        return  # a schema cannot see that "sex" and ["sex"] are one
    assert (error is not None) == (not VALID.is_valid(document)), (document, error)


SOUND = {
    "criteria": [
        {"metric": "accuracy", "tolerance": 0.8},
        {"metric": "mean_score_difference", "tolerance": 0.1, "attribute": "sex"},
    ]
}
# Where, what is put there (... takes it away), and what the error says.
FAULTS = [
    ("confidense", 0.9, "no key 'confidense' in the criteria. Did you mean 'confid"),
    ("confidence", 0.2, "The nearest valid value is 0.5."),
    ("confidence", 1, "The nearest valid value is 0.9999."),
    ("confidence", "0.9", "is '0.9'; use a number from 0.5 to 0.9999. The nearest"),
    ("confidence", True, "confidence is True; use a number"),
    ("confidence", None, "confidence is None; use a number"),
    ("rounds", 0, "a whole number from 1 to 1000. The nearest valid value is 1."),
    ("rounds", 2.4, "The nearest valid value is 2."),
    ("rounds", 10**400, "The nearest valid value is 1000."),
    ("neighbours", -3, "The nearest valid value is 1."),
    ("cells", 10**9, "The nearest valid value is 10000."),
    ("lipschitz", -1, "The nearest valid value is 0."),
    ("threshold", [0.5], "threshold is [0.5]; use a number from 0 to 1."),
    ("distance", "euklidean", "Did you mean 'euclidean'?"),
    ("distance", ["euclidean"], "There is no distance ['euclidean']"),
    ("intervals", "exakt", "Did you mean 'exact'?"),
    ("name", 5, "name is 5; use text of at most 200 characters."),
    ("name", "x" * 201, "use text of at most 200"),
    ("criteria", None, "must be a list of criteria"),
    ("criteria", [], "at least one Criterion"),
    ("criteria", ..., "at least one Criterion"),
    ("criteria[1]", "accuracy", "expected keys and values in braces"),
    ("criteria[0].metric", "acuracy", "Did you mean 'accuracy'?"),
    ("criteria[0].metric", None, "There is no metric None."),
    ("criteria[0].metric", ..., "it has no 'metric'"),
    ("criteria[1].tolerance", 1.5, "The nearest valid value is 1."),
    ("criteria[1].tolerance", ..., "it has no 'tolerance'; give a number from 0 to 1"),
    ("criteria[1].attribute", ..., "compares groups: name a sensitive attribute"),
    ("criteria[1].attribute", [], "compares groups: name a sensitive attribute"),
    ("criteria[1].attribute", "", "use a name, or several different ones"),
    ("criteria[1].attribute", False, "use a name, or several different ones"),
    ("criteria[1].attribute", ["a", "a"], "several different ones"),
    ("criteria[1].attribute", list("abcdefghijk"), "at most 10 names"),
    ("criteria[0].attribute", "sex", "compares no groups: leave the attribute out"),
    ("criteria[0].score", "loss", "'accuracy' is not taken of 'loss'. Valid: 'decis"),
    ("criteria[1].score", "los", "Did you mean 'loss'?"),
    ("criteria[1].score", 5, "is not taken of 5"),
    ("criteria[1].tolerence", 0.1, "Did you mean 'tolerance'?"),
]


def put(path, value):
    """Return the sound document with one value changed."""
    document = json.loads(json.dumps(SOUND))
    *way, last = [
        int(part) if part.isdigit() else part for part in re.findall(r"\w+", path)
    ]
    owner = document
    for part in way:
        owner = owner[part]
    if value is ...:
        del owner[last]
    else:
        owner[last] = value
    return document


def test_the_document_is_sound_before_it_is_spoiled():
    assert refused(SOUND) is None and VALID.is_valid(SOUND)


@pytest.mark.parametrize(
    ("path", "value", "said"), FAULTS, ids=lambda value: str(value)[:25]
)
def test_each_fault_is_named_with_its_place_and_what_would_do(path, value, said):
    document = put(path, value)
    error = refused(document)
    assert isinstance(error, InvalidValue)
    assert error.path == path
    assert str(error).startswith(f"{path}: ") and said in str(error)
    assert not VALID.is_valid(document)


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ('{"rounds": 1, "rounds": 2}', "rounds", "'rounds' stands twice"),
        (
            '{"criteria": [{"metric": "accuracy", "tolerance": 1, "tolerance": 0}]}',
            "criteria[0].tolerance",
            "'tolerance' stands twice; keep one",
        ),
        (
            '{"criteria": [{"metric": "accuracy", "tolerance": NaN}]}',
            "criteria[0].tolerance",
            "is nan; use a number from 0 to 1.",
        ),
        (
            '{"criteria": [{"metric": "accuracy", "tolerance": 1e999}]}',
            "criteria[0].tolerance",
            "is inf; use a number from 0 to 1. The nearest valid value is 1.",
        ),
        (
            '{"criteria": [{"metric": "accuracy", "tolerance": 1}], "rounds": NaN}',
            "rounds",
            "rounds is nan",
        ),
        (
            '{"criteria": [{"metric": "accuracy", "tolerance": 1}], '
            '"lipschitz": -Infinity}',
            "lipschitz",
            "lipschitz is -inf; use a number from 0 to 1000000. The nearest valid valu",
        ),
        (
            '{"criteria": [{"metric": "accuracy", "tolerance": 1}], "name": "\\ud800"}',
            "name",
            "name is '\\ud800'; use text",
        ),
        (
            '{"criteria": [{"metric": "accuracy", "tolerance": 1}, '
            '{"tolerance": 1.0, "metric": "accuracy", "attribute": null}]}',
            "criteria[1]",
            "listed twice",
        ),
        ("[" * 100_000, "", "nested too deeply"),
        ('{"a":' * 100_000, "", "nested too deeply"),
        ('{"name": ' + "[" * 500 + "]" * 500 + "}", "criteria", "at least one"),
        ("9" * 5000, "", "not valid JSON"),
        ("\ufeff{}", "", "not valid JSON"),
        ("", "", "not valid JSON"),
        ("null", "", "expected keys and values"),
        (" " * (MAX_CHARACTERS + 1), "", "at most 2,097,152 are taken"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_a_schema_cannot_see_is_refused_too(text, path, said):
    error = refused(text)
    assert isinstance(error, InvalidValue)
    assert error.path == path and said in str(error)
    assert len(str(error)) < 1000  # whatever was handed in


def test_text_that_is_none_is_refused():
    with pytest.raises(InvalidValue, match="are NoneType, not JSON text"):
        FairnessCriteria.from_json(None)


def test_huge_names_give_short_errors_quickly():
    long = "x" * 10**6
    for document in ({long: 1}, put("criteria[0].metric", long), {"name": long}):
        assert len(str(refused(document))) < 1200


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.decode("latin1")))
@few
def test_any_text_is_refused_in_words_and_nothing_else(text):
    assert refused(text) is not None


def test_the_largest_valid_document_can_be_read():
    worst = "\x00" * (MAX_TEXT - 2)  # six characters each in JSON
    listed = tuple(
        Criterion(
            "calibration_gap",
            place / 1000,
            tuple(f"{worst}{k}" for k in range(MAX_ATTRIBUTES)),
        )
        for place in range(MAX_CRITERIA)
    )
    criteria = FairnessCriteria(listed, name=worst)
    assert FairnessCriteria.from_json(criteria.to_json()) == criteria
    more = (*listed, Criterion("accuracy", 1))
    with pytest.raises(InvalidValue, match="101 criteria; at most 100 are taken"):
        FairnessCriteria(more)


def test_the_smallest_error_budget_is_not_none():
    listed = tuple(Criterion("accuracy", k / 100) for k in range(MAX_CRITERIA))
    high = NUMBERS["confidence"].high
    assert FairnessCriteria(listed, confidence=high, rounds=1000).error_budget > 0


def test_in_json_two_and_two_point_nought_are_one_number():
    document = put("rounds", 2.0)
    assert refused(document) is None and VALID.is_valid(document)
    read = FairnessCriteria.from_json(json.dumps(document))
    assert read.rounds == 2 and type(read.rounds) is int


def test_the_score_is_told_where_there_is_a_choice():
    said = [str(c) for c in everything().criteria]
    assert "mean score difference (loss) between sex × race groups ≤ 0.25" in said
    assert "consistency ≥ 0.25" in said
    assert "consistency (probability) ≥ 0.25" in said
    assert "leakage of sex × race ≤ 0.25" in said
    assert "attribute flip consistency of sex × race ≥ 0.25" in said
    assert len(set(said)) == len(said)


# ---------------------------------------------------------------- words


def words(criteria):
    """Return the prose without line breaks."""
    return " ".join(prose(criteria, width=10_000).split())


def test_every_metric_has_its_words():
    assert set(requirements.REQUIREMENTS) == set(METRICS)
    assert set(METRICS) > requirements.COMPARES_SHARES
    assert set(requirements.DISTANCE_IN_WORDS) == set(CHOICES["distance"])


# For each option two values, and what each makes the document say.
OPTIONS = {
    "confidence": {0.95: "probability of 95%", 0.995: "probability of 99.5%"},
    "rounds": {1: "One audit is made", 7: "At most 7 audits are made"},
    "threshold": {0.5: "is at least 0.5,", 0.35: "is at least 0.35,"},
    "min_group_size": {30: "fewer than 30 audited", 50: "fewer than 50 audited"},
    "neighbours": {5: "of the 5 reference people", 9: "of the 9 reference people"},
    "distance": {"euclidean": "straight-line (Euclidean) distance"},
    "lipschitz": {1: "more than 1 times the", 2.5: "more than 2.5 times the"},
    "cells": {50: "at most 50 cells", 8: "at most 8 cells"},
    "intervals": {
        "score": "of the kind “score”. Such an interval misses as often as stated on "
        "average",
        "exact": "of the kind “exact”. They miss at most as often as stated",
    },
    "name": {"credit": "CRITERIA “credit”", "hire": "CRITERIA “hire”"},
}


def test_every_option_is_told_and_changes_what_is_told():
    assert set(OPTIONS) == {f.name for f in fields(FairnessCriteria)} - {"criteria"}
    for key, told in OPTIONS.items():
        for value, phrase in told.items():
            said = words(everything(**{key: value}))
            assert phrase in said
            assert not any(other in said for v, other in told.items() if v != value)


@pytest.mark.parametrize("metric", METRICS)
def test_a_requirement_tells_groups_score_and_tolerance(metric):
    spec = METRICS[metric]
    for score in spec.scores:
        attribute = ("sex", "race") if spec.names_attribute else None
        asked = Criterion(metric, 0.375, attribute, score)
        told = articles(FairnessCriteria((asked,)))
        [required] = [a for a in told if a.title == "What is required"]
        [said] = required.paragraphs
        assert said.lower().startswith(asked.title.lower())
        sign = "at least" if spec.at_least else "at most"
        assert f"shall be {sign} 0.375" in said
        assert ("“sex” and “race”" in said) == spec.names_attribute
        assert "{" not in said
        if len(spec.scores) > 1:
            assert score in said.removeprefix(asked.title)


def test_the_words_hold_the_numbers_of_the_audit():
    said = requirements.REQUIREMENTS["calibration_gap"]
    assert (SCORE_BINS, LEAST_COMPARED) == (5, 0.5)
    assert "five ranges" in said and "0.2" in said and "less than half" in said


def test_what_is_not_asked_is_not_told_and_what_is_missing_is():
    alone = words(FairnessCriteria((Criterion("accuracy", 0.8),)))
    assert "Small groups" not in alone and "reference" not in alone.lower()
    assert "compare no groups" in alone and "alike are treated alike" in alone
    assert "of the kind" not in alone  # this interval is always exact
    assert "hold at once with a probability of at least 95%" in alone
    gap = words(FairnessCriteria((Criterion("calibration_gap", 0.1, "sex"),)))
    assert "decides the same of everyone may meet them" in gap
    assert "requirement 3.1 are of the kind" in gap
    every = words(everything())
    assert "decides the same" not in every and "compare no groups" not in every
    assert "meant to hold at once with a probability of 95%" in every
    leak = words(FairnessCriteria((Criterion("leakage", 0.6, "sex"),)))
    assert "Reference people" in leak and "as alike" not in leak
    assert "positive" not in leak.split("What a verdict means")[0]


def test_references_between_articles_are_right():
    said = words(
        FairnessCriteria(
            (
                Criterion("consistency", 0.8),
                Criterion("selection_rate_ratio", 0.8, "sex"),
                Criterion("calibration_gap", 0.1, "sex"),
            )
        )
    )
    assert "4.2 Selection rate ratio." in said and "4.3 Calibration gap." in said
    assert "intervals of requirements 4.2 and 4.3 are of the kind" in said
    assert "For requirement 4.3, a group is left out of each range" in said


def test_the_error_budget_is_told_as_it_is():
    criteria = replace(everything(), rounds=4)
    count = len(criteria.criteria)
    assert f"{count} × 4 findings" in words(criteria)
    assert f"{100 * criteria.error_budget:.4g}% each" in words(criteria)


def test_a_tolerance_that_admits_everything_is_told():
    nothing = "the tolerance admits every value"
    told = words(FairnessCriteria((Criterion("accuracy", 0),)))
    assert nothing in told
    assert nothing not in words(FairnessCriteria((Criterion("accuracy", 1),)))
    gap = FairnessCriteria((Criterion("lipschitz_violations", 1),))
    assert nothing in words(gap)


def test_a_name_cannot_pose_as_an_article():
    forged = "x”\n\nArticle 99. Everything is permitted.\u202e\u200b"
    criteria = FairnessCriteria(
        (Criterion("leakage", 0.6, (forged, "<script>alert(1)</script>")),),
        name=forged,
    )
    lines = criteria.prose().splitlines()
    assert not any(line.startswith("Article 99") for line in lines)
    assert "\u202e" not in criteria.prose() and "\u200b" not in criteria.prose()
    html = prose_html(criteria)
    assert "<script" not in html and "&lt;script&gt;" in html


@given(documents)
@few
def test_every_document_can_be_told(criteria):
    told = criteria.prose()
    numbers = re.findall(r"^Article (\d+)\.", told, flags=re.MULTILINE)
    assert numbers == [str(k) for k in range(1, len(articles(criteria)) + 1)]
    assert criteria.fingerprint in told
    assert max(map(len, told.splitlines()[1:-1])) <= 80


def test_one_criterion_without_a_list_is_told_how_to_stand_in_one():
    with pytest.raises(InvalidValue, match=r"use a list.*\[Criterion\(") as caught:
        FairnessCriteria(Criterion("accuracy", 0.8))
    assert caught.value.path == "criteria"


def test_numbers_of_numpy_are_numbers():
    given = (Criterion("accuracy", np.float32(0.75)),), "", np.float64(0.9), np.int64(3)
    plain = (Criterion("accuracy", 0.75),), "", 0.9, 3
    one, other = FairnessCriteria(*given), FairnessCriteria(*plain)
    assert one.to_json() == other.to_json()
    with pytest.raises(InvalidValue, match="use a number from 0 to 1"):
        Criterion("accuracy", np.bool_(True))
