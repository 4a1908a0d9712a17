"""What travels is checked: criteria, networks as bytes, reports, and their HTML."""

import json
import math
import pickle
import re
import struct
import tracemalloc
import zipfile
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.torch import save as save_safetensors

from fairtutor.exchange import (
    METRICS,
    AuditReport,
    Criterion,
    FairnessCriteria,
    FairtutorError,
    Finding,
    GroupRate,
    Refused,
    Representation,
    Submission,
    architecture,
    build,
    did_you_mean,
    mlp,
    weights,
)

many = settings(derandomize=True, deadline=None, max_examples=200)
few = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
HOSTILE = "<script>alert('x')</script>"

shares = st.floats(0, 1)
names = st.text(min_size=1, max_size=8)


@st.composite
def criterion(draw):
    metric = draw(st.sampled_from(sorted(METRICS)))
    attribute = None
    if METRICS[metric].names_attribute:
        several = st.lists(names, min_size=1, max_size=3, unique=True)
        attribute = draw(names | several)
    return Criterion(metric, draw(shares | st.sampled_from([0, 1])), attribute)


documents = st.builds(
    FairnessCriteria,
    criteria=st.lists(criterion(), min_size=1, max_size=4, unique=True),
    name=st.text(max_size=10),
    confidence=st.floats(0.5, 0.9999),
    rounds=st.integers(1, 100),
    threshold=shares | st.sampled_from([0, 1]),
    min_group_size=st.integers(1, 1000),
    neighbours=st.integers(1, 50),
)


# Criteria.


@given(documents)
@few
def test_criteria_survive_the_way_through_json(criteria):
    back = FairnessCriteria.from_json(criteria.to_json())
    assert back == criteria
    assert back.to_json() == criteria.to_json()
    assert back.fingerprint == criteria.fingerprint
    assert json.loads(criteria.to_json())["rounds"] == criteria.rounds


@given(documents, documents)
@few
def test_fingerprints_are_equal_exactly_for_equal_criteria(first, second):
    assert (first.fingerprint == second.fingerprint) == (first == second)


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (0, 0.0), (0.0, -0.0)])
def test_numbers_that_are_equal_give_one_fingerprint(one, other):
    first, second = (
        FairnessCriteria((Criterion("accuracy", t),), threshold=t) for t in (one, other)
    )
    assert first == second
    assert first.fingerprint == second.fingerprint


def test_one_attribute_is_the_intersection_of_one():
    alone, listed = (
        Criterion("calibration_gap", 0.1, attribute) for attribute in ("sex", ["sex"])
    )
    assert alone == listed
    assert alone.groups_of == "sex"
    assert Criterion("calibration_gap", 0.1, ("a", "b")).groups_of == "a × b"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("acuracy", 0.8), "There is no metric 'acuracy'. Did you mean 'accuracy'?"),
        ((None, 0.8), "There is no metric None. Valid: "),
        ((["accuracy"], 0.8), "There is no metric ['accuracy']."),
        (("accuracy", 1.5), "The tolerance of 'accuracy' is 1.5; use a number from 0"),
        (("accuracy", -0.1), "is -0.1"),
        (("accuracy", math.nan), "is nan"),
        (("accuracy", True), "is True"),
        (("accuracy", "0.8"), "is '0.8'"),
        (("accuracy", None), "is None"),
        (("accuracy", 0.8, "sex"), "'accuracy' compares no groups: leave"),
        (("calibration_gap", 0.1), "compares groups: name a sensitive attribute"),
        (("calibration_gap", 0.1, ()), "compares groups: name a sensitive attribute"),
        (("calibration_gap", 0.1, ""), "The attribute of 'calibration_gap' is ''"),
        (("calibration_gap", 0.1, 5), "The attribute of 'calibration_gap' is 5"),
        (("calibration_gap", 0.1, ["a", 1]), "is ['a', 1]; use a name, or several"),
        (("calibration_gap", 0.1, ["a", "a"]), "several different ones"),
    ],
)
def test_a_wrong_criterion_is_named(arguments, said):
    with pytest.raises(FairtutorError) as error:
        Criterion(*arguments)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"criteria": ()}, "Criteria need at least one Criterion."),
        ({"criteria": ("accuracy",)}, "'accuracy' is not a Criterion."),
        (
            {"criteria": (Criterion("accuracy", 1), Criterion("accuracy", 1.0))},
            "The same criterion is listed twice.",
        ),
        ({"confidence": 0.2}, "confidence is 0.2; use a number from 0.5 to 0.9999."),
        ({"confidence": 1}, "confidence is 1; use a number from 0.5 to 0.9999."),
        ({"confidence": True}, "confidence is True"),
        ({"threshold": 2}, "threshold is 2; use a number from 0 to 1."),
        ({"threshold": False}, "threshold is False"),
        ({"rounds": 0}, "rounds is 0; use a whole number from 1 to"),
        ({"rounds": 2.0}, "rounds is 2.0"),
        ({"rounds": True}, "rounds is True"),
        ({"min_group_size": -1}, "min_group_size is -1"),
        ({"neighbours": "5"}, "neighbours is '5'"),
        ({"distance": "euklidean"}, "no distance 'euklidean'. Did you mean 'euclidean"),
    ],
)
def test_a_wrong_value_of_the_criteria_is_named(changed, said):
    with pytest.raises(FairtutorError) as error:
        FairnessCriteria(**{"criteria": (Criterion("accuracy", 0.8),)} | changed)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "The criteria are not valid JSON"),
        ("[]", "The criteria: expected keys and values in braces."),
        ("{}", "Criteria need at least one Criterion."),
        (
            '{"confidense": 0.9}',
            "There is no key 'confidense' in the criteria. Did you",
        ),
        ('{"criteria": {}}', "'criteria' must be a list of criteria."),
        ('{"criteria": [5]}', "criteria[0]: A criterion: expected keys and values"),
        (
            '{"criteria": [{"metrik": 1}]}',
            "criteria[0].metrik: There is no key 'metrik' in a criterion. Did you",
        ),
        ('{"criteria": [{"metric": "accuracy"}]}', "incomplete"),
        ('{"criteria": [{"metric": "accuracy", "tolerance": NaN}]}', "is nan"),
        ('{"criteria": [{"metric": "accuracy", "tolerance": true}]}', "is True"),
        (
            '{"criteria": [{"metric": "calibration_gap", "tolerance": 0, '
            '"attribute": {"a": 1}}]}',
            "The attribute of 'calibration_gap' is {'a': 1}",
        ),
    ],
)
def test_wrong_json_is_named(text, said):
    with pytest.raises(FairtutorError) as error:
        FairnessCriteria.from_json(text)
    assert said in str(error.value)


def test_the_nearest_name_is_found_in_any_case():
    assert did_you_mean("SEXX", ["race", "Sex"]) == (
        "Did you mean 'Sex'? Valid: 'race', 'Sex'."
    )


def test_the_error_budget_is_shared_by_all_findings_of_all_rounds():
    two = (Criterion("accuracy", 0.8), Criterion("consistency", 0.8))
    criteria = FairnessCriteria(two, confidence=0.9, rounds=4)
    assert criteria.error_budget * 2 * 4 == pytest.approx(0.1, abs=1e-10)


@pytest.mark.parametrize(
    ("metric", "interval", "verdict"),
    [
        ("selection_rate_difference", (0.0, 0.5), "meets"),
        ("selection_rate_difference", (0.5, 0.6), "undecided"),
        ("selection_rate_difference", (0.51, 0.6), "violates"),
        ("selection_rate_ratio", (0.5, 1.0), "meets"),
        ("selection_rate_ratio", (0.4, 0.5), "undecided"),
        ("selection_rate_ratio", (0.4, 0.49), "violates"),
        ("accuracy", (0.0, 1.0), "undecided"),
    ],
)
def test_a_verdict_needs_the_whole_interval(metric, interval, verdict):
    attribute = "sex" if METRICS[metric].names_attribute else None
    assert Criterion(metric, 0.5, attribute).verdict(*interval) == verdict


# Networks as bytes.

CRITERIA = FairnessCriteria((Criterion("accuracy", 0.8),))


def network(*widths, seed=0):
    torch.manual_seed(seed)
    layers = mlp(*widths)
    return build(layers, widths[0]), layers


def represent(*widths, seed=0, **more):
    module, layers = network(*widths, seed=seed)
    more = {"method": "test"} | more
    return Representation.from_module(module, layers, widths[0], CRITERIA, **more)


HEADER = {
    "kind": "representation",
    "distance": "euclidean",
    "layers": '[["linear",1,1]]',
    "claims": "{}",
}
TENSORS = {
    "0.weight": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]},
    "0.bias": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
}


def raw(tensors=TENSORS, data=bytes(8), **fields):
    """Write a safetensors file by hand; fields replace those of a good header."""
    header = dict(tensors) | {
        "__metadata__": {"fairtutor": json.dumps(HEADER | fields)}
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def refusal(packed, width=1, kind=Representation):
    with pytest.raises(Refused) as error:
        kind(packed, width)
    return str(error.value)


def test_the_file_written_by_hand_is_good_before_it_is_spoiled():
    assert Representation(raw(), 1).output_width == 1


class Armed:
    """Makes a pickle that leaves a mark when it is opened."""

    def __reduce__(self):
        return (open, (Armed.mark, "w"))


@pytest.fixture
def armed(tmp_path):
    Armed.mark = str(tmp_path / "pwned")
    return tmp_path / "pwned"


def test_a_pickle_is_refused_and_never_opened(armed, tmp_path):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert refusal(pickle.dumps(Armed(), protocol))
    assert "pickle" in refusal(pickle.dumps(Armed()))
    buffer = BytesIO()
    torch.save({"0.weight": Armed()}, buffer)
    assert "archive" in refusal(buffer.getvalue())
    old = BytesIO()
    torch.save(Armed(), old, _use_new_zipfile_serialization=False)
    assert "pickle" in refusal(old.getvalue())
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Armed()))
    with pytest.raises(Refused, match="pickle"):
        Submission.read(path, 1)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(Armed()))
    with pytest.raises(Refused, match="archive"):
        Submission.read(path, 1)
    assert not armed.exists()
    pickle.loads(pickle.dumps(Armed())).close()
    assert armed.exists(), "the pickle was harmless, so this test showed nothing"


def test_a_good_file_whose_length_looks_like_a_pickle_is_read():
    """A header of 128, 384, ... bytes begins with the first byte of a pickle."""
    for padding in range(256):
        packed = raw(method="m" * padding)
        if packed[:1] == b"\x80":
            assert Representation(packed, 1).method == "m" * padding
            return
    pytest.fail("no padding gave the byte")


@given(st.binary(max_size=300))
@many
def test_any_bytes_are_refused_and_nothing_else_happens(packed):
    for kind in (Representation, Submission):
        with pytest.raises(Refused):
            kind(packed, 3)


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=8))
@many
def test_a_damaged_file_is_refused_or_a_sound_network(place, piece):
    good = represent(3, 4, 2).packed
    place %= len(good)
    packed = good[:place] + piece + good[place + len(piece) :]
    try:
        representation = Representation(packed, 3)
    except Refused:
        return
    assert representation.encode(torch.zeros(2, 3)).shape[0] == 2
    assert all(p.isfinite().all() for p in representation.module.parameters())


@given(st.integers(0, 10**6))
@many
def test_a_truncated_or_lengthened_file_is_refused(place):
    good = represent(3, 4, 2).packed
    assert refusal(good[: place % len(good)], 3)
    assert refusal(good + bytes(1 + place % 9), 3)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from([*HEADER, "method", "other"]), json_values.map(json.dumps)
    )
)
@example({"claims": '{"lipschitz": 1' + "0" * 400 + "}"})
@example({"claims": "[" * 100_000})
@example({"layers": "[" * 100_000})
@example({"layers": '[["linear", 1, 1e400]]'})
@many
def test_any_header_is_refused_or_a_sound_network(fields):
    try:
        representation = Representation(raw(**fields), 1)
    except Refused:
        return
    assert representation._repr_html_()
    assert all(0 <= claim < math.inf for claim in representation.claims.values())


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        ("text", "Expected the bytes of a safetensors file, got str."),
        (bytearray(raw()), "got bytearray"),
        (b"", "too short"),
        (struct.pack("<Q", 2**40) + b"{}" * 9, "damaged or too long"),
        (struct.pack("<Q", 2) + b"{}", "not one that fairtutor wrote"),
        (
            save_safetensors({"0.weight": torch.zeros(1)}),
            "not one that fairtutor wrote",
        ),
        (raw(kind="submission"), "This file does not hold a representation."),
        (raw(distance="cosine"), "distance is Euclidean on its output"),
        (raw(layers="5"), "The declared architecture cannot be read"),
        (raw(layers='{"a": 1}'), "unknown kind 'a'"),
        (raw(layers='[["Linear", 1, 1]]'), "Did you mean 'linear'?"),
        (raw(layers='[["linear", 1]]'), "wrong number of sizes"),
        (raw(layers='[["relu", 1]]'), "wrong number of sizes"),
        (raw(layers='[["linear", 1, 1.0]]'), "has size 1.0; sizes are whole numbers"),
        (raw(layers='[["linear", 1, true]]'), "has size True"),
        (raw(layers='[["linear", 1, 0]]'), "has size 0"),
        (raw(layers='[["linear", 1, 99999]]'), "from 1 to 16,384"),
        (raw(layers="[[]]"), "not a name and its sizes"),
        (raw(layers='[["linear", 2, 1]]'), "Layer 0 expects 2 features, but 1 arrive."),
        (raw(layers=json.dumps([["relu"]] * 33)), "33 layers declared; at most 32"),
        (raw(layers="[]"), "superfluous ['0.bias', '0.weight']"),
        (raw(layers='[["linear", 1, 1], ["linear", 1, 1]]'), "missing ['1.bias', "),
        (raw(layers='[["linear", 1, 2]]'), "has shape (1,); the architecture declares"),
        (raw(claims="[1]"), "cannot be read as numbers"),
        (raw(claims='{"lipschitz": "much"}'), "cannot be read as numbers"),
        (raw(claims='{"lipschitz": null}'), "cannot be read as numbers"),
        (raw(claims='{"lipschitz": NaN}'), "The claimed 'lipschitz' is nan"),
        (raw(claims='{"lipschitz": -1}'), "The claimed 'lipschitz' is -1.0"),
        (raw(claims='{"lipschitz": Infinity}'), "The claimed 'lipschitz' is inf"),
        (raw(data=struct.pack("<2f", math.nan, 0)), "'0.weight' holds NaN or infinite"),
        (raw(data=struct.pack("<2f", 0, -math.inf)), "'0.bias' holds NaN or infinite"),
    ],
)
def test_each_refusal_says_why(packed, said):
    assert said in refusal(packed)


@pytest.mark.parametrize("name", "F64 F16 BF16 I8 I64 U16 BOOL C64 F8_E4M3 F4".split())
def test_weights_of_another_type_are_refused(name):
    size = {"F64": 8, "I64": 8, "C64": 8, "F16": 2, "BF16": 2, "U16": 2}.get(name, 1)
    weight = {"dtype": name, "shape": [1, 1], "data_offsets": [0, size]}
    if name == "F4":  # two in a byte
        weight["shape"] = [1, 2]
    bias = {"dtype": "F32", "shape": [1], "data_offsets": [size, size + 4]}
    said = refusal(raw({"0.weight": weight, "0.bias": bias}, bytes(size + 4)))
    assert "float32 is required" in said or (name == "F4" and "cannot be read" in said)


def test_a_weight_of_the_right_size_and_wrong_shape_is_refused():
    weight = {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}
    bias = {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}
    packed = raw(
        {"0.weight": weight, "0.bias": bias}, bytes(16), layers='[["linear",1,2]]'
    )
    said = "Weight '0.weight' has shape (1, 2); the architecture declares (2, 1)."
    assert refusal(packed) == said


@pytest.mark.parametrize(
    "metadata",
    [
        5,
        [1],
        {"fairtutor": 5},
        {"fairtutor": "[1]"},
        {"fairtutor": "null"},
        {"fairtutor": "[" * 100_000},
        {"other": "{}"},
    ],
    ids=range(7),
)
def test_a_header_of_another_form_is_refused(metadata):
    text = json.dumps({"__metadata__": metadata}).encode()
    packed = struct.pack("<Q", len(text)) + text
    assert "not one that fairtutor wrote" in refusal(packed)


def test_a_file_that_declares_no_architecture_is_refused():
    text = json.dumps({"__metadata__": {"fairtutor": '{"kind": "representation"}'}})
    packed = struct.pack("<Q", len(text)) + text.encode()
    assert "declares no architecture" in refusal(packed)


def test_a_submission_gives_one_score():
    weight = {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}
    bias = {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}
    packed = raw(
        {"0.weight": weight, "0.bias": bias},
        bytes(16),
        kind="submission",
        layers='[["linear",1,2]]',
    )
    assert "2 scores per row; one is required" in refusal(packed, kind=Submission)


@pytest.mark.parametrize(
    "layers",
    [
        [["linear", 16_384, 16_384]] * 3,
        [["linear", 16_384, 1_300]],
    ],
)
def test_no_memory_is_taken_for_a_network_that_is_too_large(layers, monkeypatch):
    def build_it(*_):
        raise AssertionError("a layer was made before its size was checked")

    monkeypatch.setattr(architecture, "_module", build_it)
    said = refusal(raw(layers=json.dumps(layers)), 16_384)
    assert "parameters declared; at most 20,000,000" in said


def test_no_memory_is_taken_for_weights_that_are_not_there():
    huge = {"dtype": "F32", "shape": [10**5, 10**5], "data_offsets": [0, 4 * 10**10]}
    packed = raw({**TENSORS, "0.weight": huge})
    tracemalloc.start()
    assert "cannot be read" in refusal(packed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**7


def test_a_header_or_file_that_is_too_long_is_refused(monkeypatch, tmp_path):
    assert "damaged or too long" in refusal(raw(method="m" * 2**20))
    monkeypatch.setattr(weights, "MAX_BYTES", 100)
    assert "at most 100 are taken" in refusal(raw())
    path = tmp_path / "large.safetensors"
    path.write_bytes(raw())
    monkeypatch.setattr(
        type(path), "read_bytes", lambda _: pytest.fail("opened a file too large")
    )
    with pytest.raises(Refused, match="larger than 100 bytes"):
        Representation.read(path, 1)


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(Refused, match=r"no file 'gone\.safetensors'"):
        Submission.read(tmp_path / "gone.safetensors", 1)


def test_equal_networks_are_equal_bytes():
    first, again = represent(5, 3, 2), represent(5, 3, 2)
    assert first.packed == again.packed
    assert first.fingerprint == again.fingerprint
    others = [
        represent(5, 3, 2, seed=1),
        represent(5, 3, 2, method="other"),
        represent(5, 3, 2, claims={"lipschitz": 9}),
        represent(5, 4, 2),
    ]
    prints = {other.fingerprint for other in others}
    assert len(prints | {first.fingerprint}) == 5


def test_a_network_survives_the_way_through_a_file(tmp_path):
    module, layers = network(4, 3, 2)
    sent = Representation.from_module(
        module, layers, 4, CRITERIA, method="größe", claims={"lipschitz": 2}
    )
    sent.write(tmp_path / "f.safetensors")
    got = Representation.read(tmp_path / "f.safetensors", 4)
    X = torch.randn(7, 4)
    assert torch.equal(got.encode(X), module(X))
    assert (got.method, got.claims) == ("größe", {"lipschitz": 2.0})
    assert got.fingerprint == sent.fingerprint
    assert got.criteria_fingerprint == CRITERIA.fingerprint
    assert not got.module.training
    assert not any(p.requires_grad for p in got.module.parameters())


def test_scores_are_probabilities_bound_to_the_representation():
    representation = represent(4, 2)
    module, layers = network(2, 1)
    submission = Submission.from_module(
        module, layers, representation, model="logistic"
    )
    Z = torch.randn(9, 2)
    assert torch.equal(submission.scores(Z), module(Z)[:, 0].sigmoid())
    assert submission.representation_fingerprint == representation.fingerprint


def test_rows_of_another_width_are_named_even_by_the_identity():
    identity = Representation.from_module(build((), 3), (), 3, CRITERIA, method="none")
    with pytest.raises(FairtutorError, match=r"takes rows of 3 features.*\(2, 4\)"):
        identity.encode(torch.zeros(2, 4))
    module, layers = network(3, 1)
    submission = Submission.from_module(module, layers, identity, model="logistic")
    with pytest.raises(FairtutorError, match="takes rows of 3 features"):
        submission.scores(torch.zeros(2, 4))


# Reports and HTML.


def report(attribute="sex", group="f", note="", estimate=math.nan, **more):
    gap = Criterion("selection_rate_difference", 0.1, attribute)
    criteria = FairnessCriteria((gap,), name=HOSTILE)
    rates = (GroupRate(group, 0, math.nan, 0.0, 1.0),)
    finding = Finding(gap, estimate, 0.0, 1.0, "undecided", rates, note)
    values = {
        "number": 2,
        "criteria": criteria,
        "findings": (finding,),
        "accuracy": (0.812, 0.8, 0.82),
        "constant_accuracy": 0.761,
        "rows": 2800,
        "representation": "r",
        "submission": "s",
        "recomputed": {"lipschitz": 3.0},
    }
    return AuditReport(**values | more)


def strict(text):
    """Parse JSON, refusing the NaN and Infinity that Python's reader lets through."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"JSON has {name}"))


def test_a_reports_json_is_json():
    document = strict(report(recomputed={"lipschitz": math.inf}).to_json())
    assert document["findings"][0]["estimate"] is None
    assert document["findings"][0]["groups"][0]["rate"] is None
    assert document["recomputed"]["lipschitz"] is None
    assert (document["verdict"], document["rows"]) == ("undecided", 2800)
    assert strict(report(estimate=0.25).to_json())["findings"][0]["estimate"] == 0.25


@pytest.mark.parametrize(
    ("verdicts", "together"),
    [
        (("meets", "meets"), "meets"),
        (("meets", "undecided"), "undecided"),
        (("undecided", "violates"), "violates"),
        (("meets", "violates"), "violates"),
    ],
)
def test_all_criteria_must_hold_together(verdicts, together):
    criterion = Criterion("accuracy", 0.5)
    findings = tuple(Finding(criterion, 0.5, 0.0, 1.0, verdict) for verdict in verdicts)
    assert report(findings=findings).verdict == together


def test_a_report_finds_a_metric_or_says_that_it_has_none():
    gap = "selection_rate_difference"
    assert report().finding(gap).criterion.metric == gap
    with pytest.raises(KeyError, match="accuracy"):
        report().finding("accuracy")


def test_a_report_says_in_words_what_was_found():
    text = str(report(note="fewer than 30 rows: f (2)"))
    for said in ("Round 2: ? undecided", "2,800", "0.812", "0.761", "f (2)", "≤ 0.1"):
        assert said in text
        assert said in report(note="fewer than 30 rows: f (2)")._repr_html_()


def test_flags_are_shown_wherever_the_report_is():
    flag = "The model gives one decision to everyone: a constant predictor."
    flagged, plain = report(flags=(flag,)), report()
    assert flag in str(flagged) and flag in flagged._repr_html_()
    assert strict(flagged.to_json())["flags"] == [flag]
    assert strict(plain.to_json())["flags"] == []
    assert "Noticed" not in plain._repr_html_()


def test_a_report_without_a_model_says_so():
    alone = report(accuracy=(math.nan, 0.0, 1.0), submission="")
    assert "No model was audited; 2,800 fresh rows were used." in str(alone)
    assert "nan" not in alone.utility


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and their text."""

    VOID = frozenset({"img", "meta", "br"})

    def __init__(self, page):
        super().__init__()
        self.elements, self.open, self.text = [], [], {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        self.text.setdefault(inside, []).append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def whole_report():
    """A report with hostile names wherever a name may stand."""
    asked = (
        Criterion("selection_rate_difference", 0.1, (HOSTILE, "b")),
        Criterion("leakage", 0.6, HOSTILE),
        Criterion("accuracy", 0.8),
        Criterion("mean_score_difference", 0.1, "sex", "loss"),
    )
    groups = (
        GroupRate(HOSTILE, 90, 0.25, 0.2, 0.31),
        GroupRate("m", 0, math.nan, 0.0, 1.0),
    )
    many = tuple(GroupRate(f"g{k}", 9, 0.5, 0.2, 0.8) for k in range(50))
    findings = (
        Finding(asked[0], 0.25, 0.125, 0.375, "violates", groups, HOSTILE),
        Finding(asked[1], 0.55, 0.5, 0.59, "meets", groups[:1]),
        Finding(asked[2], math.nan, 0.0, 1.0, "undecided", (), "</script>"),
        Finding(asked[3], 0.0, 0.0, 0.3, "undecided", many),
    )
    criteria = FairnessCriteria(asked, name=f"</title>{HOSTILE}")
    return report(
        criteria=criteria,
        findings=findings,
        flags=(HOSTILE, "</script><b>"),
        recomputed={HOSTILE: math.inf},
        submission=HOSTILE,
    )


def test_the_page_stands_alone_and_runs_nothing():
    page = Page(whole_report().to_html())
    [html] = page.all("html")
    assert html == {"lang": "en"}
    [script] = page.all("script")
    assert script == {"type": "application/json", "id": "report"}
    assert {"iframe", "link", "object", "form", "a", "b"}.isdisjoint(
        tag for tag, _ in page.elements
    )
    [policy] = [m for m in page.all("meta") if "http-equiv" in m]
    assert policy["content"].startswith("default-src 'none'")
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes), tag
        assert set(attributes) & {"src", "href", "action", "srcset"} <= {"src"}
    for image in page.all("img"):
        assert image["src"].startswith("data:image/png;base64,")
        assert re.search(r"\d", image["alt"])
    [style] = page.text["style"]
    assert "url(" not in style and "@import" not in style
    assert not re.search(r"https?:", whole_report().to_html())


def test_the_page_says_everything_in_order():
    made = whole_report()
    page = Page(made.to_html())
    heads = [int(t[1]) for t, _ in page.elements if re.fullmatch(r"h\d", t)]
    assert heads[0] == 1 and heads.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(heads))
    assert page.text["title"] == ["Audit report, round 2: violates"]
    [data] = page.text["script"]
    assert json.loads(data) == json.loads(made.to_json())
    told = " ".join(text for texts in page.text.values() for text in texts)
    for said in (
        "2,800 audited people",
        "0.125 to 0.375",
        "not computed",
        "meets: 1, ✗ violates: 1, ? undecided: 2",
        "Article 1. What this document is",
        "mean loss",
        made.criteria.fingerprint,
    ):
        assert said in told
    # Of the findings with groups, the one with fifty has a table and no picture.
    assert len(page.all("img")) == 1 + 2
    assert all(f"g{k}" in page.text["td"] for k in range(50))


def test_the_page_is_written_and_the_same_every_time(tmp_path):
    made = report(estimate=0.25)
    made.write_html(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == made.to_html()
    assert "Noticed" not in made.to_html()


def test_names_cannot_bring_html_with_them():
    hostile = report(attribute=HOSTILE, group=HOSTILE, note=HOSTILE, flags=(HOSTILE,))
    module, layers = network(2, 1)
    representation = represent(2, 2, method=HOSTILE, claims={HOSTILE: 1.0})
    shown = [
        hostile._repr_html_(),
        hostile.criteria._repr_html_(),
        representation._repr_html_(),
        Submission.from_module(
            module, layers, representation, model=HOSTILE
        )._repr_html_(),
    ]
    for html in shown:
        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_criteria_show_their_questions_and_tolerances():
    html = FairnessCriteria(
        (Criterion("selection_rate_ratio", 0.8, ("sex", "race")),), name="four fifths"
    )._repr_html_()
    for said in ("four fifths", "sex × race", "≥ 0.8", "95%", "up to 5 audits"):
        assert said in html
    assert "Is the lowest group" in html
