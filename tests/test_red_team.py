"""Attacks on the regulator: each ends as said, and honest participants go on."""

import pickle

import pytest
import torch

from fairtutor import load
from fairtutor.audit import leakage
from fairtutor.audit.probes import FAMILIES
from fairtutor.exchange import FairtutorError, Refused, Submission
from fairtutor.exchange.weights import read_header
from fairtutor.red_team import (
    ATTACKS,
    CHANNELS,
    CLAIMS,
    FILES,
    LAYERS,
    OUTCOMES,
    TREES,
    Attempt,
    Attempts,
    Bench,
    channels,
    false_meets_when_tuned,
    files,
    reference,
    run,
    tuning,
)
from fairtutor.results import load_result

NOT_REFUSED = {
    "object with an encoder of its own": "no effect",
    "constant predictor": "flagged",
}
COSTS_A_BATCH = {
    *NOT_REFUSED,
    "encoder swapped after approval",  # the approval
    "overflow on audit rows only",  # the refusal tells something of these rows
}
WORDS = {
    "pickle": "pickle or an archive",
    "pickle that runs code": "pickle or an archive",
    "old pickle that runs code": "header is damaged",
    "torch.save archive": "pickle or an archive",
    "npz archive, zip bomb": "pickle or an archive",
    "two files in one": "file not fully covered",
    "bytes with methods": "got Chameleon",
    "oversized file": "larger than 134,217,728 bytes",
    "oversized architecture": "5,370,822,657 parameters declared",
    "nested architecture": "cannot be read",
    "nested header": "not one that fairtutor wrote",
    "endless header": "damaged or too long",
    "name of half a character": "not one that fairtutor wrote",
    "wrong dtype": "float64; float32 is required",
    "wrong shape": "(107, 1); the architecture declares (1, 107)",
    "missing weight": "missing ['0.bias']",
    "superfluous weight": "superfluous ['1.weight']",
    "duplicate weight": "names '0.bias' twice",
    "overlapping weights": "invalid offset",
    "NaN weight": "NaN or infinite",
    "infinite weight": "NaN or infinite",
    "tree: feature out of range": "compares feature 107; features are whole numbers",
    "tree: negative feature": "compares feature -1;",
    "tree: half a feature": "compares feature 0.5;",
    "tree: NaN threshold": "'0.threshold' holds NaN",
    "tree: infinite leaf": "'0.leaf' holds NaN or infinite",
    "tree: missing nodes": "(3, 1); the architecture declares (3, 3)",
    "tree: features of another type": "int64; float32 is required",
    "tree: too many": "201,293,825 parameters declared",
    "tree: too deep": "has depth 16384; at most 12",
    "tree: behind another layer": "must be the whole model",
    "tree: as an encoder": "has no Lipschitz constant",
    "layer: groupsort of seven": "sorts pairs, and 7 features arrive",
    "layer: stride beyond the image": "a stride of 5 pixels, and images of 4",
    "layer: kernel without a middle": "a kernel of 2 pixels; an odd number",
    "layer: convolution too wide": "makes 268,435,456 features",
    "layer: convolution too heavy": "135,474,990 parameters declared",
    "layer: convolutions without end": "7,929,479,168 multiplications for each row",
    "layer: NaN residual": "'1.weight' holds NaN",
    "layer: infinite filter": "'2.weight' holds NaN or infinite",
    "layer: residual that claims 1": "constant is 1; recomputed, it is 7.",
    "layer: norm of a reshaped filter": "constant is 4.24264; recomputed, it is 12.7",
    "other criteria": "made for other criteria",
    "encoder swapped after approval": "trained on another representation",
    "encoder renamed": "trained on another representation",
    "object with an encoder of its own": "that of the honest bytes",
    "no submission": "Expected a Submission, got NoneType",
    "other distance": "distance is Euclidean",
    "claimed constant too small": "recomputed, it is",
    "nested claims": "cannot be read as numbers",
    "overflow on some rows": "not finite numbers",
    "overflow on audit rows only": "not finite numbers",
    "constant predictor": "rows get the negative decision",
}


@pytest.fixture(scope="module")
def bench():
    made = Bench(load("adult"))
    assert made.submission.width == 107
    return made


@pytest.mark.parametrize(
    "attack", [*FILES, *TREES, *LAYERS, *CLAIMS], ids=lambda a: a.__name__
)
def test_an_attack_by_file_trees_layers_or_claim_ends_as_said(attack, bench):
    done = attack(bench)
    assert done.outcome == NOT_REFUSED.get(done.name, "refused")
    assert WORDS[done.name] in done.said
    assert done.batches == (done.name in COSTS_A_BATCH)
    assert done.afterwards == "meets", "the same regulator accepts the honest ones"


def test_the_payload_would_run_where_pickles_are_opened(tmp_path):
    path = tmp_path / "was here"
    for protocol in (0, 4):
        packed = pickle.dumps(files.Payload(path), protocol=protocol)
        with pytest.raises(Refused):
            Submission(packed, 3)
        assert not path.exists()
        pickle.loads(packed)
        assert path.exists()
        path.unlink()


def test_a_hole_is_not_taken_for_a_refusal(bench):
    def hand_in(regulator):
        raise AttributeError("a crash")

    with pytest.raises(AttributeError, match="a crash"):
        bench.attempt("", "", hand_in)


def test_an_honest_name_with_any_letters_is_read(bench):
    fields = read_header(files._fields(bench, model="Gültig 😀"))
    assert fields["model"] == "Gültig 😀"


# Hidden channels.


@pytest.fixture(scope="module")
def hidden(bench):
    return {way: make(bench, bench.criteria) for way, make in channels.WAYS.items()}


@pytest.mark.parametrize("way", channels.WAYS)
def test_whoever_knows_the_channel_reads_the_attribute(way, bench, hidden):
    """From z alone, but for the rounding of float32 in the low-order digits."""
    channel = hidden[way]
    audit = bench.dataset.rows("audit 1")
    codes, _ = bench.dataset.groups("sex")
    module, _ = channels.network(
        channel.representation.output_width, *channel.decode([0.0] * 3, 0.0)
    )
    with torch.no_grad():
        read = module(channel.representation.encode(audit.X))[:, 0]
    agreed = ((read > 0) == (codes[audit.index] == 1)).double().mean()
    assert agreed >= (0.995 if way == "low-order digits" else 1.0)
    assert read.abs().sub(channels.PREFERENCE / 2).abs().median() < 0.1


@pytest.mark.parametrize(
    ("way", "seen"),
    [
        ("a tiny column", True),
        ("low-order digits", True),
        ("a code (XOR)", True),
        ("a code with a key", False),
    ],
)
def test_trees_read_every_channel_but_the_one_with_a_key(way, seen, bench, hidden):
    """And the linear probe sees only the first: a bound holds for the probes tried."""
    dataset, encode = bench.dataset, hidden[way].representation.encode
    codes, _ = dataset.groups("sex")
    train, score = dataset.rows("test"), dataset.rows("audit 1")
    told = leakage(
        encode(train.X),
        codes[train.index],
        encode(score.X),
        codes[score.index],
        2,
        families={name: FAMILIES[name] for name in ("linear", "trees")},
    )
    linear, trees = told.families
    assert (trees.lower > 0.85) == seen
    assert (linear.lower > 0.85) == (way == "a tiny column")
    if not seen:
        assert told.upper < 0.75


@pytest.mark.parametrize("way", ["a tiny column", "a code with a key"])
def test_using_a_channel_violates_equal_selection(way, bench):
    attack = CHANNELS[len(channels.WAYS) + list(channels.WAYS).index(way)]
    done = attack(bench)
    assert done.name == f"channel in {way}, used"
    assert (done.outcome, done.batches, done.afterwards) == ("violates", 1, "meets")
    assert "selection rate difference between sex groups" in done.said


def test_criteria_that_do_not_ask_are_not_answered(bench):
    done = CHANNELS[-1](bench)
    assert (done.outcome, done.batches) == ("not seen", 1)


def test_what_the_attacks_need_of_the_data_is_said():
    compas = Bench(load("compas"), attribute="race")
    with pytest.raises(FairtutorError, match=r"'race' has . groups; one bit"):
        channels.secret_column(compas)


# Tuning on reports.


def test_the_extra_round_is_refused(bench):
    done = tuning.tuned_on_reports(bench)
    assert (done.outcome, done.batches) == ("refused", bench.rounds)
    assert "All 5 audit batches are used up" in done.said


def test_tuning_fools_an_audit_on_reused_rows_and_none_on_fresh_ones(bench):
    generator = torch.Generator().manual_seed(0)
    groups = torch.randint(0, 2, (20_000,), generator=generator)
    logits = torch.randn(20_000, generator=generator) + 0.9 * groups - 1
    reused, fresh = (
        false_meets_when_tuned(logits, groups, reused=r, repetitions=40, rows=1500)
        for r in (True, False)
    )
    assert reused["true"] == fresh["true"] > reused["tolerance"]
    assert fresh["false meets"] <= 0.1
    assert reused["false meets"] > fresh["false meets"] + 0.1


# Known rows.


def test_a_representation_that_knows_the_reference_rows_is_left_undecided(bench):
    made = reference.quiet_on_reference(bench, channels.leakage_of(bench))
    assert not made.encode(bench.view.rows("test").X).any()
    fresh = bench.dataset.rows("audit 1")
    bit = fresh.X[:, channels.secret_column(bench)].bool()
    # Who has the same features as a reference person is taken for that person.
    assert (made.encode(fresh.X)[:, 0].bool() == bit).double().mean() > 0.9
    attempt = reference.known_reference(bench)
    assert (attempt.outcome, attempt.batches) == ("undecided", 1)
    assert "trees that learn on half of the audit rows" in attempt.said


def test_only_as_many_reference_rows_are_recognised_as_a_layer_has_room_for(
    bench, monkeypatch
):
    monkeypatch.setattr(reference, "MOST", 1000)
    made = reference.quiet_on_reference(bench, channels.leakage_of(bench))
    assert made.module[0].out_features == 2001
    assert made.encode(bench.view.rows("test").X).any()


# The table.


def test_attempts_show_themselves():
    hostile = Attempt("<script>", "a", "refused", "b & c", 0)
    table = run(None, [lambda bench: hostile], progress=False)
    assert table["<script>"] is hostile
    assert "&lt;script&gt;" in table._repr_html_()
    assert "b &amp; c" in table._repr_html_()
    assert "1 refused" in table._repr_html_()
    assert str(table).startswith("refused")
    assert isinstance(table, Attempts)


def test_the_published_table_holds_every_attack_with_its_outcome(bench):
    result = load_result("red_team")
    outcomes = {a["name"]: a["outcome"] for a in result["attempts"]}
    assert len(outcomes) == len(ATTACKS)
    assert set(WORDS) < set(outcomes)
    assert set(outcomes.values()) <= set(OUTCOMES)
    for name in WORDS:
        assert outcomes[name] == NOT_REFUSED.get(name, "refused")
    assert outcomes["model tuned on earlier reports"] == "refused"
    knowing = "representation that knows the reference rows, probed"
    assert outcomes[knowing] == "undecided"
    assert {name for name, outcome in outcomes.items() if outcome == "not seen"} == {
        "channel in a code with a key, probed",
        "channel in a tiny column, accuracy alone asked",
    }
    for name, outcome in outcomes.items():
        if name.startswith("channel") and outcome != "not seen":
            assert outcome == "violates"
    reused, fresh = (
        [run["false meets"] for run in result["tuned"][rows]]
        for rows in ("reused rows", "fresh rows")
    )
    assert max(fresh) <= 0.05 < min(reused)
