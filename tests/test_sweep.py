"""A sweep measures what it says, loses nothing, and reuses nothing stale."""

import json
import math
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module
from statistics import mean, stdev
from threading import Event

import pytest
import torch

import fairtutor
from fairtutor import (
    Criterion,
    DataProducer,
    DataUser,
    FairnessCriteria,
    FairtutorError,
    Frontier,
    load,
    rehearse,
    sweep,
)
from fairtutor.entities import FrontierPoint, sweep_users, trial_store
from fairtutor.entities.frontier import Trial
from fairtutor.entities.trial_cache import TrialCache, fingerprint, fingerprint_of_code
from fairtutor.entities.trial_store import Question, TrialStore
from fairtutor.producers import METHODS, adversarial, identity
from fairtutor.training import Stopped, fit

module = import_module("fairtutor.entities.sweep")  # sweep itself is the function

GAP = Criterion("selection_rate_difference", 0.1, "sex")
CRITERIA = FairnessCriteria((Criterion("accuracy", 0.6), GAP))
QUICK = {"user": "logistic", "progress": False}


@pytest.fixture(scope="module")
def german():
    return load("german")


@pytest.fixture(scope="module")
def frontier(german):
    """Erasure at two strengths with two seeds, and two of the identity."""
    return sweep(german, CRITERIA, "erasure", [0.0, 1.0], seeds=2, **QUICK)


@pytest.fixture
def counted(monkeypatch):
    """A list that gets an entry for every trial that is really computed."""
    computed, really = [], module._trial

    def count(producer, *args):
        computed.append((producer.method, producer.strength, producer.seed))
        return really(producer, *args)

    monkeypatch.setattr(module, "_trial", count)
    return computed


def again(german, path, **changed):
    options = {"strengths": [0.0, 1.0], "seeds": 2, "cache": path, **QUICK, **changed}
    return sweep(german, CRITERIA, "erasure", **options)


def point(strength, *pairs):
    return FrontierPoint(
        strength,
        tuple(
            Trial(strength, seed, (gap, gap - 0.1, gap + 0.2), (right, 0.0, 1.0))
            for seed, (gap, right) in enumerate(pairs)
        ),
    )


def made_up(*points, criterion=GAP):
    zero = point(0.0, (0.3, 0.8))
    return Frontier("m", "u", "d", "test", 9, criterion, points, zero, 0.7)


# ------------------------------------------------------------------ what is measured


def test_a_trial_is_producer_user_and_rehearsal_by_hand(german, frontier):
    view = german.without_audit()
    z = DataProducer("erasure", strength=1.0, seed=1).produce(CRITERIA, view)
    model = DataUser("logistic", seed=1).train(z, view, progress=False)
    found = rehearse(view, CRITERIA, z, model)
    finding = found.finding(GAP)
    assert frontier.points[1].trials[1] == Trial(
        1.0, 1, (finding.estimate, finding.lower, finding.upper), found.accuracy
    )
    assert frontier.constant_accuracy == found.constant_accuracy
    assert frontier.rows == found.rows == 100


def test_the_identity_is_beside_every_method_and_is_the_same_as_its_own(
    german, frontier
):
    alone = sweep(german, CRITERIA, "identity", seeds=2, **QUICK)
    assert alone.points == (alone.identity,) == (frontier.identity,)


def test_strengths_and_seeds_are_those_asked_for(frontier):
    assert [p.strength for p in frontier.points] == [0.0, 1.0]
    assert [[t.seed for t in p.trials] for p in frontier.points] == [[0, 1], [0, 1]]


def test_seeds_change_results_and_the_same_seed_does_not(german):
    settings = {"epochs": 2, "width": 4}
    strengths = [1.0]
    one, same = (
        sweep(
            german,
            CRITERIA,
            "adversarial",
            strengths,
            [3, 4, 5],
            settings=settings,
            **QUICK,
        )
        for _ in range(2)
    )
    assert one == same
    assert len({trial.accuracy for trial in one.points[0].trials}) > 1
    assert one.points[0].accuracy.deviation > 0


def test_users_share_each_representation_and_get_what_they_get_alone(
    german, frontier, tmp_path, counted, monkeypatch
):
    produced, really = [], DataProducer.produce

    def count(self, *args, **options):
        produced.append(str(self))
        return really(self, *args, **options)

    monkeypatch.setattr(DataProducer, "produce", count)
    path, about = tmp_path / "points.jsonl", (german, CRITERIA, "erasure")
    options = {"cache": path, "progress": False}
    again(german, path, seeds=1)
    assert (len(produced), len(counted)) == (3, 3)
    both = sweep_users(*about, ["logistic", "mlp"], [0.0, 1.0], 2, **options)
    assert len(produced) == 3 + 6, "for the new user also at the known seed"
    assert len(counted) == 3 + 3 + 6
    assert both["logistic"] == frontier
    assert both["mlp"] == sweep(*about, [0.0, 1.0], 2, user="mlp", progress=False)


def test_another_split_and_metric_are_measured_where_asked(german):
    both = FairnessCriteria((GAP, Criterion("equalized_odds_difference", 0.2, "sex")))
    found = sweep(
        german,
        both,
        "identity",
        seeds=1,
        split="validation",
        metric="equalized_odds_difference",
        **QUICK,
    )
    assert found.criterion == both.criteria[1]
    rows = german.rows("validation").y.double()
    assert found.constant_accuracy == max(rows.mean(), 1 - rows.mean())
    assert math.isnan(found.identity.gap.deviation)


# ------------------------------------------------------------------ what is computed


def test_mean_deviation_and_interval_against_hand_computation():
    gaps, rights = [0.1, 0.2, 0.6], [0.8, 0.7, 0.75]
    spread = point(1.0, *zip(gaps, rights, strict=True))
    assert spread.gap.mean == pytest.approx(0.3)
    assert spread.gap.deviation == pytest.approx(math.sqrt((0.04 + 0.01 + 0.09) / 2))
    assert spread.gap.lower == pytest.approx(0.2)
    assert spread.gap.upper == pytest.approx(0.5)
    assert spread.accuracy.mean == pytest.approx(mean(rights))
    assert spread.accuracy.deviation == pytest.approx(stdev(rights))


def test_best_is_the_most_accurate_within_the_limit():
    found = made_up(
        point(1.0, (0.3, 0.9)), point(2.0, (0.1, 0.8)), point(3.0, (0.0, 0.7))
    )
    assert found.best().strength == 2.0, "by default the tolerance"
    assert found.best(0.3).strength == 1.0
    assert found.best(0.05).strength == 3.0
    with pytest.raises(FairtutorError, match=r"≤ -1; the nearest has 0\.000"):
        found.best(-1)


def test_best_of_a_ratio_wants_it_large_and_skips_what_cannot_be_computed():
    ratio = Criterion("selection_rate_ratio", 0.8, "sex")
    low, high, none = point(1.0, (0.5, 0.9)), point(2.0, (0.9, 0.8)), math.nan
    found = made_up(low, high, point(3.0, (none, 0.99)), criterion=ratio)
    assert found.best().strength == 2.0
    assert found.best(0.4).strength == 1.0
    with pytest.raises(FairtutorError, match=r"≥ 0\.95; the nearest has 0\.900"):
        found.best(0.95)


def test_a_frontier_survives_json_also_with_what_could_not_be_computed():
    found = made_up(point(1.0, (0.3, 0.9), (math.nan, 0.8)))
    read = Frontier.from_dict(json.loads(found.to_json()))
    assert "NaN" not in found.to_json()
    assert read.points[0].trials[0] == found.points[0].trials[0]
    assert math.isnan(read.points[0].trials[1].gap[0])
    assert read.criterion == GAP and read.identity == found.identity


def test_table_and_page_show_what_was_measured(frontier):
    table = frontier.table()
    assert table["predictor"].tolist() == ["constant", "identity", *["erasure"] * 2]
    last, gap = table.iloc[-1], frontier.points[-1].gap
    assert last["gap"] == gap.mean and last["gap deviation"] == gap.deviation
    assert (last["gap lower"], last["gap upper"]) == (gap.lower, gap.upper)
    assert table["accuracy"][0] == frontier.constant_accuracy
    page = frontier._repr_html_()
    assert f"{gap.mean:.3f} ± {gap.deviation:.3f}" in page
    assert "one standard deviation over seeds" in page
    assert f"{gap.mean:.3f}" in repr(frontier)


def test_several_frontiers_make_one_picture_if_they_belong_together(frontier):
    other = replace(frontier, method="moments")
    alt = frontier.plot(other).alt
    assert "erasure, from weak" in alt and "moments, from weak" in alt
    assert f"{frontier.identity.gap}" in alt
    by_user = frontier.plot(replace(frontier, user="mlp")).alt
    assert "erasure, logistic" in by_user and "erasure, mlp" in by_user
    with pytest.raises(FairtutorError, match="the split of 'erasure' is 'test'"):
        frontier.plot(replace(frontier, split="validation"))


# ------------------------------------------------------------------ what is kept


def test_a_finished_sweep_is_read_and_not_computed(german, frontier, tmp_path, counted):
    path = tmp_path / "new folder" / "points.jsonl"
    assert again(german, path) == frontier
    assert len(counted) == 6
    assert again(german, path) == frontier
    assert len(counted) == 6
    more = again(german, path, seeds=3)
    assert {seed for _, _, seed in counted[6:]} == {2}
    assert more.points[0].trials[:2] == frontier.points[0].trials


def test_stopped_in_the_middle_nothing_is_lost(
    german, frontier, tmp_path, counted, monkeypatch
):
    path, stop, add = tmp_path / "points.jsonl", Event(), TrialCache.add

    def add_and_stop_after_three(self, key, record):
        add(self, key, record)
        if len(self.read()) == 3:
            stop.set()

    monkeypatch.setattr(TrialCache, "add", add_and_stop_after_three)
    with pytest.raises(Stopped):
        again(german, path, stop=stop)
    assert len(counted) == 3
    monkeypatch.setattr(TrialCache, "add", add)
    assert again(german, path) == frontier
    assert len(counted) == 3 + 3


def test_a_line_cut_off_is_computed_again_and_the_rest_is_kept(
    german, frontier, tmp_path, counted
):
    path = tmp_path / "points.jsonl"
    again(german, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    assert again(german, path) == frontier
    assert len(counted) == 6 + 1
    assert again(german, path) == frontier, "the new line is whole beside the cut one"
    assert len(counted) == 6 + 1


def test_wherever_the_last_line_is_cut_the_others_are_read(tmp_path):
    cache = TrialCache(tmp_path / "points.jsonl")
    for name in ("a", "b", "c"):
        cache.add(name, {"gap": [0.25, None, 1.0]})
    whole = cache.path.read_bytes()
    start = whole.rindex(b"\n")
    for end in range(start, len(whole)):
        cache.path.write_bytes(whole[:end])
        assert list(cache.read()) == ["a", "b"]
        cache.add("d", {"gap": []})
        assert list(cache.read()) == ["a", "b", "d"]


@pytest.mark.parametrize(
    "odd", ['{"gap": 1}', "[1, 2]", "null", "\x00\x00", '{"key": 3}', "{}"]
)
def test_lines_that_are_no_records_are_left_out(tmp_path, odd):
    cache = TrialCache(tmp_path / "points.jsonl")
    cache.path.write_text(odd, encoding="utf-8")
    cache.add("a", {})
    assert cache.read() == {"a": {}}


def test_a_record_that_is_no_trial_is_computed_again(
    german, frontier, tmp_path, counted
):
    path = tmp_path / "points.jsonl"
    again(german, path)
    broken = [json.loads(line) for line in path.read_text().splitlines() if line]
    broken[0]["gap"], broken[1]["accuracy"] = [0.1, "much", 0.3], [0.9]
    del broken[2]["gap"]
    path.write_text("\n".join(map(json.dumps, broken)))
    assert again(german, path) == frontier
    assert len(counted) == 6 + 3


def test_two_processes_that_write_at_once_do_not_mix_their_lines(tmp_path):
    path = tmp_path / "points.jsonl"
    code = (
        "import sys; from fairtutor.entities.trial_cache import TrialCache\n"
        "cache = TrialCache(sys.argv[1])\n"
        "for i in range(200): cache.add(f'its {i}', {'pad': 'x' * 2000})"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(path)])
    while not path.exists() and other.poll() is None:
        time.sleep(0.001)
    cache, written = TrialCache(path), 0
    while other.poll() is None:
        cache.add(f"mine {written}", {"pad": "y" * 2000})
        written += 1
    assert other.returncode == 0 and written > 0
    assert set(cache.read()) == (
        {f"its {i}" for i in range(200)} | {f"mine {i}" for i in range(written)}
    )


# ------------------------------------------------------------------ what is stale


def key_of(german, **changed):
    about = {
        "view": german.without_audit(),
        "criteria": CRITERIA,
        "criterion": GAP,
        "split": "test",
        **changed,
    }
    producer = about.pop("producer", DataProducer("erasure", strength=1.0))
    user = about.pop("user", "logistic")
    return TrialStore(Question(**about)).key(producer, user)


def other_view(german, what):
    view = german.without_audit().copy()
    if what == "X":
        view.X[5, 3] += 1
    elif what == "y":
        view.y[5] = 1 - view.y[5]
    elif what == "splits":
        view.splits["train"] = view.splits["train"].flip(0)
    return view


def test_the_same_question_has_the_same_key(german):
    assert key_of(german) == key_of(load("german"))


@pytest.mark.parametrize(
    "change",
    [
        lambda g: {"criteria": replace(CRITERIA, threshold=0.4)},
        lambda g: {"criterion": Criterion("accuracy", 0.6)},
        lambda g: {"split": "validation"},
        lambda g: {"view": other_view(g, "X")},
        lambda g: {"view": other_view(g, "y")},
        lambda g: {"view": other_view(g, "splits")},
        lambda g: {"producer": DataProducer("erasure", strength=0.5)},
        lambda g: {"producer": DataProducer("erasure", strength=1.0, seed=1)},
        lambda g: {"producer": DataProducer("identity", strength=1.0)},
        lambda g: {"user": "mlp"},
    ],
    ids="criteria criterion split X y splits strength seed method user".split(),
)
def test_whatever_a_result_depends_on_changes_its_key(german, change):
    assert key_of(german, **change(german)) != key_of(german)


def test_settings_versions_and_device_change_the_key(german, monkeypatch):
    narrow, wide = (DataProducer("adversarial", width=width) for width in (4, 8))
    assert key_of(german, producer=narrow) != key_of(german, producer=wide)
    before = key_of(german)
    monkeypatch.setattr(trial_store, "__version__", "0.0.1")
    changed = key_of(german)
    monkeypatch.setattr(torch, "__version__", "1.0")
    older_torch = key_of(german)
    monkeypatch.setattr(trial_store, "version", lambda package: "1.0")
    assert len({before, changed, older_torch, key_of(german)}) == 4


def test_all_of_the_producers_file_is_in_the_key(german, tmp_path, monkeypatch):
    before, source = key_of(german), trial_store.PRODUCER.read_text()
    copy = tmp_path / "producer.py"
    monkeypatch.setattr(trial_store, "PRODUCER", copy)
    copy.write_text("# a word\n" + source)
    assert key_of(german) == before
    for part, other in (
        ('difference": "equal opportunity"', 'difference": "equalized odds"'),
        ("named or every", "every or named"),
        ("if named else None", "if made_of else None"),
    ):
        assert part in source
        copy.write_text(source.replace(part, other))
        assert key_of(german) != before, part


def test_a_method_written_anew_is_computed_anew(
    german, frontier, tmp_path, counted, monkeypatch
):
    path = tmp_path / "points.jsonl"
    again(german, path)
    source = tmp_path / "another.py"
    source.write_text(
        "from fairtutor.producers import identity\n\n"
        "def another(task):\n    return identity(task)\n"
    )
    spec = import_module("importlib.util").spec_from_file_location("another", source)
    written = import_module("importlib.util").module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "another", written)
    spec.loader.exec_module(written)
    monkeypatch.setitem(METHODS, "erasure", written.another)
    found = again(german, path)
    assert len(counted) == 6 + 4, "the identity's two are still good"
    assert found.points[1].gap == found.identity.gap
    source.write_text(source.read_text() + "\n# a word\n")
    again(german, path)
    assert len(counted) == 10, "words change no result"
    source.write_text(source.read_text() + "\nNUMBER = 3\n")
    again(german, path)
    assert len(counted) == 10 + 4


def test_the_source_of_a_method_is_read_with_all_it_rests_on():
    files = {}
    gather = import_module("fairtutor.entities.trial_cache")._gather
    gather(sys.modules[adversarial.__module__], files)
    assert {"fairtutor.training.fit", "fairtutor.producers.base"} <= files.keys()
    gather(sys.modules[rehearse.__module__], files)
    assert "fairtutor.audit.group_findings" in files, "reached through a mapping"
    assert "fairtutor.audit.sequential" not in files, "in the package, but not used"
    assert "fairtutor.producers.identity" not in files, "others change on their own"
    assert fingerprint_of_code(adversarial) != fingerprint_of_code(identity)
    assert fingerprint_of_code(fit) == fingerprint_of_code(fit)


def test_settings_that_cannot_be_told_apart_are_refused():
    assert fingerprint(torch.ones(2)) != fingerprint(torch.ones(2).double())
    assert fingerprint([1, [2]]) != fingerprint([[1], 2])
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    with pytest.raises(FairtutorError, match="Sweep without a cache"):
        fingerprint(object())


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"method": "erasur"}, "Did you mean 'erasure'"),
        ({"strengths": []}, "strengths are"),
        ({"strengths": [1.0, 1]}, "each once"),
        ({"strengths": [-1.0]}, "strength is -1"),
        ({"seeds": 0}, "seeds are"),
        ({"seeds": [1, 1]}, "each once"),
        ({"seeds": [-1]}, "seed is -1"),
        ({"user": "tree"}, "no model 'tree'"),
        ({"settings": {"wdth": 3}}, "no setting 'wdth'"),
        ({"metric": "consistency"}, "No criterion uses 'consistency'"),
        ({"split": "audit 1"}, "regulator"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained(
    german, monkeypatch, wrong, said
):
    monkeypatch.setattr(module, "_trial", lambda *_: pytest.fail("trained"))
    options = {"method": "adversarial", **QUICK, **wrong}
    with pytest.raises(FairtutorError, match=said):
        sweep(german, CRITERIA, options.pop("method"), **options)


def test_the_names_are_at_the_top():
    assert fairtutor.sweep is module.sweep and fairtutor.Frontier is Frontier
