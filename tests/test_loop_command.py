"""`fairtutor loop` on real data: what it prints, what it writes, what it refuses."""

import json
import re

import pytest
import torch

from fairtutor.cli import main
from fairtutor.data import load
from fairtutor.exchange import Criterion, FairtutorError
from fairtutor.loop_command import (
    METHODS,
    Outcome,
    default_criteria,
    summary,
    with_batches,
)


def no_constant(name):
    pytest.fail(f"the JSON has {name}")


@pytest.mark.parametrize("name", ["german", "compas"])
def test_three_rounds_are_printed_and_written(name, tmp_path, capsys):
    path = tmp_path / "rounds.json"
    words = ["--data", name, "--seeds", "1", "--model", "logistic", "--json", str(path)]
    assert main(["loop", *words]) == 0
    said = capsys.readouterr().out
    dataset = load(name)
    for expected in (f"{len(dataset):,} rows", "Round 1:", "Round 3:", str(path)):
        assert expected in said
    y = dataset.rows("test").y.double().mean().item()
    row = re.search(r"constant predictor +([\d.]+) +([\d.]+)", said)
    assert row[1] == f"{max(y, 1 - y):.3f}"
    assert float(row[2]) == 0
    (rounds,) = json.loads(path.read_text(), parse_constant=no_constant)
    assert [r["round"] for r in rounds] == [1, 2, 3]
    assert [r["producer"].split()[0] for r in rounds] == list(METHODS)
    for r in rounds:
        findings = r["report"]["findings"]
        assert len(findings) == 3
        for finding in findings:
            assert finding["lower"] <= finding["estimate"] <= finding["upper"]
        accuracy = r["report"]["accuracy"][0]
        assert f"Accuracy {accuracy:.3f}" in said


def test_two_seeds_are_summarised_with_their_spread(tmp_path, capsys):
    path = tmp_path / "rounds.json"
    words = ["--data", "loans", "--seeds", "2", "--model", "logistic"]
    assert main(["loop", *words, "--tolerance", "0.2", "--json", str(path)]) == 0
    said = capsys.readouterr().out
    assert "over 2 seeds" in said
    for method in METHODS:
        assert re.search(rf"{method} +0\.\d+ ± 0\.\d+ +0\.\d+ ± 0\.\d+", said)
    assert "≤ 0.2" in said
    assert len(json.loads(path.read_text())) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "compass"], "No data set 'compass'. Did you mean 'compas'?"),
        (["--data", "digits"], "'digits' has no sensitive attribute"),
        (["--attribute", "sexx"], "no sensitive attribute 'sexx'. Did you mean 'sex'?"),
        (["--model", "logistics"], "no model 'logistics'. Did you mean 'logistic'?"),
        (["--tolerance", "3"], "is 3.0; use a number from 0 to 1"),
        (["--seeds", "0"], "--seeds is 0; use a whole number from 1"),
        (["--json", "no-such-folder/x.json"], "There is no folder 'no-such-folder'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained(
    words, said, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "fairtutor.entities.models.fit", lambda *_, **__: pytest.fail("it trained")
    )
    words = words if "--data" in words else ["--data", "compas", *words]
    assert main(["loop", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not list(tmp_path.iterdir())


def test_the_command_compares_the_groups_of_the_attribute():
    criteria = default_criteria("race", 0.2)
    assert criteria.criteria[0] == Criterion("selection_rate_difference", 0.2, "race")
    assert criteria.rounds == len(METHODS)
    with pytest.raises(FairtutorError):
        default_criteria("race", -1)


def test_audit_rows_are_shared_out_anew_and_nothing_else_moves():
    german = load("german")
    more = with_batches(german, 3)
    for split in ("encoder", "train", "validation", "test"):
        assert torch.equal(more.splits[split], german.splits[split])
    pool, shared = (
        sorted(i for s, rows in d.splits.items() if "audit" in s for i in rows.tolist())
        for d in (german, more)
    )
    assert pool == shared
    assert more.num_audits == 3
    assert torch.equal(more.X, german.X)
    assert with_batches(german, 2) is german


def test_the_summary_means_and_spreads_what_it_is_given():
    outcomes = [
        Outcome(method, seed, accuracy=0.8 + 0.02 * seed, gap=0.1)
        for method in METHODS
        for seed in (0, 1)
    ]
    text = summary(load("german"), outcomes, "sex")
    assert text.count("0.810 ± 0.014") == 3
    assert text.count("0.100 ± 0.000") == 3
    assert "over 2 seeds" in text
    assert "gap by sex" in text
