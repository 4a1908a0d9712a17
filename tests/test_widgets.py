"""Panels, driven from code as from the mouse: by value, by click, by bad input."""

import html
import json
import re
import threading
import time
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from ipywidgets import HTML, Button, ValueWidget

from fairtutor import (
    Criterion,
    DataProducer,
    DataUser,
    FairnessCriteria,
    FairtutorError,
    Refused,
    load,
)
from fairtutor.exchange import METRICS
from fairtutor.theory.impossibility import DEFINITIONS
from fairtutor.widgets import (
    LoopPanel,
    Panel,
    ProducerPanel,
    RegulatorPanel,
    ThresholdExplorer,
    UserPanel,
    training_view,
)

WIDGET = "application/vnd.jupyter.widget-view+json"
CRITERIA = FairnessCriteria(
    (Criterion("accuracy", 0.6), Criterion("selection_rate_difference", 0.1, "sex")),
    name="credit <for all>",
    rounds=2,
)
ENDLESS = DataProducer("adversarial", epochs=1_000_000)


@pytest.fixture(scope="module")
def german():
    return load("german")


def loop_panel(dataset):
    return LoopPanel(dataset, CRITERIA, DataProducer("erasure"), DataUser("logistic"))


def all_widgets(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from all_widgets(child)


def shown_text(panel) -> str:
    return " ".join(w.value for w in all_widgets(panel) if isinstance(w, HTML))


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


# ---------------------------------------------------------------- every panel


class Images(HTMLParser):
    def __init__(self):
        super().__init__()
        self.alts = []

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.alts.append(dict(attributes).get("alt", ""))


def used_panels(dataset) -> list[Panel]:
    """One of each, after it has done its work."""
    regulator = RegulatorPanel(dataset, CRITERIA)
    regulator.publish()
    producer = ProducerPanel(dataset, CRITERIA, DataProducer("erasure"))
    producer.train()
    producer.wait()
    user = UserPanel(dataset, producer.representation)
    user.train()
    user.wait()
    user.submit()
    regulator.audit(producer.representation, user.submission)
    loop = loop_panel(dataset)
    loop.run_round()
    loop.wait()
    explorer = ThresholdExplorer([1, 2, 3, 1, 2, 3], [0, 1, 1, 0, 0, 1], list("aaabbb"))
    return [regulator, producer, user, loop, explorer]


def test_snapshots_stand_alone_and_are_the_same_every_time(german):
    first, second = used_panels(german), used_panels(german)
    for panel, again in zip(first, second, strict=True):
        assert panel.snapshot() == again.snapshot()
        assert "<svg" not in panel.snapshot()  # removed from untrusted notebooks
        assert "run the cell" in panel.snapshot()
        images = Images()
        images.feed(panel.snapshot())
        assert images.alts and all(re.search(r"\d", alt) for alt in images.alts)
        panel.raise_errors()


def test_a_notebook_gets_the_widget_and_its_picture(german):
    panel = loop_panel(german)
    shown, _ = DisplayFormatter().format(panel)
    assert shown[WIDGET]["model_id"] == panel.model_id
    assert shown["text/html"] == panel.snapshot()
    assert shown["text/plain"].startswith("LoopPanel: 2 of 2 rounds left")


def test_every_control_has_a_label_and_says_what_it_does(german):
    for panel in [RegulatorPanel(german), loop_panel(german), *used_panels(german)]:
        for widget in all_widgets(panel):
            if isinstance(widget, ValueWidget) and not isinstance(widget, HTML):
                assert widget.description, widget
            if isinstance(widget, Button):
                assert widget.description and widget.tooltip, widget


def test_colours_name_the_entities(german):
    colours = ["#0072B2", "#009E73", "#D55E00"]
    for panel, colour in zip(used_panels(german), colours, strict=False):
        assert colour in panel.children[0].value and colour in panel.layout.border_top


# ---------------------------------------------------------------- errors


def test_our_errors_are_shown_by_their_sentence_and_kept(german):
    panel = UserPanel(german)
    panel.train_button.click()
    assert "There is no representation to train on" in shown_text(panel)
    assert "Where it came from" not in shown_text(panel)
    assert "There is no representation to train on" in panel.snapshot()
    with pytest.raises(FairtutorError, match="no representation"):
        panel.raise_errors()
    panel.submit_button.click()
    assert "press Train first" in shown_text(panel)
    assert "no representation to train on:" not in shown_text(panel)
    assert len(panel.errors) == 2
    with pytest.raises(FairtutorError, match="press Train first"):
        panel.submit()  # from code it raises


def test_foreign_errors_are_shown_with_their_type_and_origin(german, monkeypatch):
    panel = ProducerPanel(german, CRITERIA)

    def broken(*args, **settings):
        raise KeyError("<no such key>")

    monkeypatch.setattr(DataProducer, "produce", broken)
    panel.train_button.click()
    wait_until(lambda: panel.errors and not panel.busy)
    assert "KeyError: &#x27;&lt;no such key&gt;&#x27;" in shown_text(panel)
    assert "Where it came from" in shown_text(panel)
    assert "Where it came from" not in panel.snapshot()  # it names folders
    with pytest.raises(KeyError):
        panel.wait()
    with pytest.raises(KeyError):
        panel.raise_errors()
    assert panel.stop_button.disabled and not panel.busy


def test_an_error_while_drawing_is_shown_too(german, monkeypatch):
    panel = ProducerPanel(german, CRITERIA)
    monkeypatch.setattr(panel, "picture", lambda **_: 1 / 0)
    panel.train()
    with pytest.raises(ZeroDivisionError):
        panel.wait()
    assert "ZeroDivisionError" in shown_text(panel)


def test_a_panel_without_errors_raises_none(german):
    loop_panel(german).raise_errors()


# ---------------------------------------------------------------- training


def test_training_leaves_the_page_usable_and_can_be_stopped(german):
    panel = ProducerPanel(german, CRITERIA, ENDLESS)
    panel.train_button.click()
    wait_until(lambda: len(panel.training.values) >= 3)
    assert panel.busy and not panel.stop_button.disabled
    panel.train_button.click()  # says so, and does not start a second one
    assert "under way" in panel.status and panel.errors == []
    with pytest.raises(FairtutorError, match="still under way"):
        panel.train()
    with pytest.raises(FairtutorError, match=r"Still training after 0.01 seconds"):
        panel.wait(timeout=0.01)
    panel.stop_button.click()
    panel.wait(timeout=10)
    assert not panel.busy and panel.stop_button.disabled
    assert panel.status.startswith("Stopped")
    assert panel.representation is None
    panel.raise_errors()


def test_a_stopped_panel_can_train_again(german):
    panel = ProducerPanel(german, CRITERIA, ENDLESS)
    panel.train()
    panel.stop()
    panel.wait(timeout=10)
    panel.producer = DataProducer("adversarial", epochs=2, width=3)
    panel.train()
    panel.wait()
    assert panel.representation.output_width == 3
    assert len(panel.training.values) == panel.training.bar.value == 2
    assert "loss after 2 of 2 epochs" in shown_text(panel)


def test_updates_are_counted_by_the_clock_not_by_the_epoch(monkeypatch):
    now, shown = [0.0], []
    monkeypatch.setattr(training_view.time, "monotonic", lambda: now[0])
    view = training_view.TrainingView("producer")
    view.curve.observe(lambda change: shown.append(now[0]), names="value")
    for epoch in range(1, 1001):
        now[0] += 0.01
        view.on_epoch({"epoch": epoch, "epochs": 1000, "loss": 1 / epoch})
    assert 5 <= len(shown) / now[0] <= 10  # a second
    view.show()
    assert view.bar.value == len(view.values) == 1000


def test_nothing_is_displayed_from_a_thread(german, monkeypatch):
    threads = []
    monkeypatch.setattr(
        "IPython.display.display",
        lambda *_, **__: threads.append(threading.current_thread()),
    )
    panel = loop_panel(german)
    panel.run_round()
    panel.wait()
    assert threads == []


# ---------------------------------------------------------------- producer and user


def test_settings_are_readable_and_settable():
    panel_settings = DataProducer("adversarial", strength=7.5, seed=3, epochs=2)
    panel = ProducerPanel(load("german"), CRITERIA)
    panel.producer = panel_settings
    assert (panel.producer.method, panel.producer.strength) == ("adversarial", 7.5)
    assert panel.producer.seed == 3 and panel.producer.settings == {"epochs": 2}
    panel.controls.method.value = "identity"  # its settings are not this method's
    assert panel.producer.settings == {} and panel.producer.strength == 0
    panel.controls.method.value = "adversarial"
    assert (panel.producer.strength, panel.producer.settings) == (7.5, {"epochs": 2})


def test_the_producer_sees_no_audit_row_and_draws_validation_rows(german):
    panel = ProducerPanel(german, CRITERIA, DataProducer("erasure"))
    assert not any("audit" in split for split in panel.view.splits)
    panel.train()
    panel.wait()
    codes, labels = panel.view.groups("sex")
    points = [len(c.get_offsets()) for c in panel.picture().axes[0].collections]
    assert sum(points) == len(panel.view.rows("validation"))
    women = labels.index("female") if "female" in labels else 0
    rows = panel.view.splits["validation"]
    assert points[women] == int((codes[rows] == women).sum())
    panel.colour_by.value = panel.view.attributes[1].name
    assert panel.view.attributes[1].groups[0] in shown_text(panel)


def test_the_user_trains_and_submits(german):
    handed_in = []
    representation = DataProducer("identity").produce(CRITERIA, german, progress=False)
    panel = UserPanel(german, representation, DataUser("mlp"), handed_in.append)
    panel.train_button.click()
    panel.wait()
    assert handed_in == [] and "not been submitted" in panel.status
    panel.submit_button.click()
    assert handed_in == [panel.submission] == [panel.trained]
    assert panel.submission.representation_fingerprint == representation.fingerprint
    panel.representation = representation
    with pytest.raises(FairtutorError, match="press Train first"):
        panel.submit()
    panel.raise_errors()


# ---------------------------------------------------------------- regulator


def test_the_regulator_builds_what_the_controls_say(german):
    panel = RegulatorPanel(german)
    panel.rows["selection_rate_difference"].asked.value = False
    assert "Not a document yet" in shown_text(panel)
    with pytest.raises(FairtutorError, match="at least one Criterion"):
        _ = panel.criteria
    row = panel.rows["selection_rate_ratio"]
    row.asked.value, row.tolerance.value = True, 0.75
    row.compared.value = ("sex", "age_group")
    panel.name.value, panel.confidence.value, panel.rounds.value = "<credit>", 0.9, 2
    expected = Criterion("selection_rate_ratio", 0.75, ("sex", "age_group"))
    assert panel.criteria.criteria == (expected,)
    assert (panel.criteria.name, panel.criteria.confidence) == ("<credit>", 0.9)
    assert (
        "&lt;credit&gt;" in shown_text(panel) and "sex × age_group" in panel.snapshot()
    )
    panel.raise_errors()


def test_criteria_pass_through_the_panel_unchanged(german):
    criteria = FairnessCriteria(
        (Criterion("consistency", 0.7), Criterion("calibration_gap", 0.2, "sex")),
        name="mine",
        confidence=0.99543,
        rounds=1,
        threshold=0.4,
        min_group_size=10,
        neighbours=3,
        lipschitz=2.5,
        cells=12,
        intervals="exact",
    )
    panel = RegulatorPanel(german, criteria)
    assert panel.criteria == criteria
    assert panel.criteria.fingerprint == criteria.fingerprint
    panel.rows["accuracy"].asked.value = True
    metrics = [criterion.metric for criterion in panel.criteria.criteria]
    assert metrics == ["consistency", "calibration_gap", "accuracy"]


def panel_texts(panel) -> tuple[dict, str]:
    """Return the document and the words that the panel shows."""
    shown = re.search(r"<pre[^>]*>(.*)</pre>", panel._document.value, re.DOTALL)
    words = re.sub(r"<[^>]+>", " ", html.unescape(panel._words.value))
    return json.loads(html.unescape(shown.group(1))), words


def test_document_and_words_follow_every_control(german):
    panel = RegulatorPanel(german)
    rows, builder = panel.rows, panel.builder
    rows["mean_score_difference"].asked.value = True
    rows["mean_score_difference"].score.value = "loss"
    rows["lipschitz_violations"].asked.value = True
    builder.options["lipschitz"].value = 2.5
    builder.options["min_group_size"].value = 42
    builder.options["threshold"].value = 0.35
    builder.intervals.value = "exact"
    document, words = panel_texts(panel)
    assert document == json.loads(panel.criteria.to_json())
    assert document["criteria"][1]["score"] == "loss"
    assert (document["lipschitz"], document["min_group_size"]) == (2.5, 42)
    for said in ("mean of the loss", "2.5 times", "fewer than 42", "0.35", "“exact”"):
        assert said in words
    assert "In words" in panel.snapshot() and "fewer than 42" in panel.snapshot()
    panel.raise_errors()


def test_every_metric_and_score_can_be_chosen(german):
    panel = RegulatorPanel(german)
    for row in panel.rows.values():
        row.asked.value = True
    for metric, row in panel.rows.items():
        for score in METRICS[metric].scores:
            row.score.value = score
            [made] = [c for c in panel.criteria.criteria if c.metric == metric]
            assert made.score == score
            assert bool(made.attribute) == METRICS[metric].names_attribute
    assert panel_texts(panel)[0] == json.loads(panel.criteria.to_json())
    assert {row.metric for row in all_widgets(panel) if hasattr(row, "asked")} == set(
        METRICS
    )


def test_only_what_changed_is_sent(german):
    panel = RegulatorPanel(german)
    for row in panel.rows.values():
        row.asked.value = True
    sent = []
    for widget in all_widgets(panel):
        if isinstance(widget, HTML):
            widget.observe(lambda change: sent.append(change.owner), names="value")
    for neighbours in range(10, 20):
        panel.builder.options["neighbours"].value = neighbours
    assert set(sent) == {panel._document, panel._words} and len(sent) == 20
    sent.clear()
    panel.show()
    assert sent == []


def test_setting_criteria_draws_them_once(german):
    panel, drawn = RegulatorPanel(german), []
    panel._document.observe(drawn.append, names="value")
    panel.criteria = CRITERIA
    assert len(drawn) == 1


def test_a_pasted_document_sets_the_controls(german):
    panel = RegulatorPanel(german)
    panel.pasted.value = CRITERIA.to_json()
    panel.load_button.click()
    assert panel.criteria == CRITERIA
    panel.pasted.value = CRITERIA.to_json().replace("0.6", "1.6")
    panel.load_button.click()
    said = "criteria[0].tolerance: The tolerance of &#x27;accuracy&#x27; is 1.6"
    assert said in shown_text(panel) and "nearest valid value is 1." in panel.snapshot()
    assert panel.criteria == CRITERIA  # as it was
    with pytest.raises(FairtutorError, match="not valid JSON"):
        panel.load("{")
    other = Criterion("leakage", 0.6, "race")
    with pytest.raises(FairtutorError, match="'race'"):
        panel.load(FairnessCriteria((other,), rounds=1).to_json())
    assert panel.load(CRITERIA.to_json()) == CRITERIA


def test_what_the_menus_do_not_offer_can_be_set_from_code(german):
    columns = ("sex", "age_group", "housing")
    criteria = FairnessCriteria(
        (Criterion("attribute_flip_consistency", 0.9, columns),), rounds=1
    )
    assert RegulatorPanel(german, criteria).criteria == criteria


def test_without_an_attribute_the_panel_says_what_cannot_be_asked(german):
    bare = replace(german, attributes=(), A=german.A[:, :0])
    panel = RegulatorPanel(bare)
    assert [c.metric for c in panel.criteria.criteria] == ["accuracy"]
    assert "german has no sensitive attribute" in shown_text(panel)
    assert panel.rows["selection_rate_ratio"].asked.disabled
    assert panel.rows["leakage"].asked.disabled
    panel.rows["attribute_flip_consistency"].asked.value = True  # columns are left
    [_, flips] = panel.criteria.criteria
    assert flips.attribute == (german.feature_columns[0],)
    panel.publish()
    panel.raise_errors()


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        (
            FairnessCriteria(
                (
                    Criterion("selection_rate_difference", 0.1, "sex"),
                    Criterion("selection_rate_difference", 0.2, "age_group"),
                )
            ),
            "one row a metric",
        ),
        (
            FairnessCriteria((Criterion("calibration_gap", 0.2, "race"),), rounds=1),
            "'race'",
        ),
        (FairnessCriteria((Criterion("accuracy", 0.6),), rounds=9), "Set rounds=2"),
    ],
)
def test_criteria_that_do_not_fit_are_refused(german, criteria, message):
    with pytest.raises(FairtutorError, match=message):
        RegulatorPanel(german, criteria)


def test_published_criteria_are_fixed(german):
    panel = RegulatorPanel(german, CRITERIA)
    with pytest.raises(FairtutorError, match="Publish the criteria before"):
        panel.audit(None, None)
    panel.publish_button.click()
    assert panel.publish_button.disabled and panel.rows["accuracy"].asked.disabled
    panel.rows["accuracy"].tolerance.value = 0.1  # only code can still do this
    assert panel.criteria == panel.regulator.criteria
    with pytest.raises(FairtutorError, match="can no longer change"):
        panel.publish()
    with pytest.raises(FairtutorError, match="can no longer change"):
        panel.criteria = CRITERIA
    panel.raise_errors()


# ---------------------------------------------------------------- the loop


def rounds_in_page(panel) -> int:
    return int(re.search(r'data-rounds="(\d+)"', shown_text(panel)).group(1))


def test_the_trail_grows_until_the_batches_are_used_up(german):
    panel = loop_panel(german)
    assert rounds_in_page(panel) == 0
    for count in (1, 2):
        panel.round_button.click()
        panel.wait()
        panel.raise_errors()
        assert rounds_in_page(panel) == len(panel.rounds) == count
        assert f"round {count}: " in shown_text(panel)
    assert "used up" in panel.status and panel.rounds_left == 0
    with pytest.raises(Refused, match="used up"):
        panel.run_round()
    panel.round_button.click()
    assert isinstance(panel.errors[0], Refused) and "did not work" in shown_text(panel)
    panel.reset_button.click()
    assert rounds_in_page(panel) == len(panel.rounds) == 0 and panel.rounds_left == 2
    assert "same rows as before" in panel.status


def test_rounds_are_those_of_the_closed_loop(german):
    from fairtutor import ClosedLoop

    panel, loop = loop_panel(german), ClosedLoop(german, CRITERIA)
    panel.run_round()
    panel.wait()
    expected = loop.round(DataProducer("erasure"), DataUser("logistic"), progress=False)
    [made] = panel.rounds
    assert made.report.to_json() == expected.report.to_json()
    assert (made.producer, made.user) == (expected.producer, expected.user)


def test_step_by_step_each_arrow_is_used_in_turn(german):
    panel = loop_panel(german)
    arrows = ["criteria", "representation", "submission", "report"]
    for used, arrow in enumerate(arrows, start=1):
        assert panel.next_step == arrow
        panel.step_button.click()
        panel.wait()
        drawing = panel.snapshot()
        waiting = arrows[used:]
        assert ("Not passed on yet: " + ", ".join(waiting) in drawing) == bool(waiting)
    assert panel.next_step == "criteria" and len(panel.rounds) == 1
    panel.run_step()
    panel.wait()
    panel.run_round()  # finishes the round that was begun
    panel.wait()
    assert len(panel.rounds) == 2
    panel.raise_errors()


def test_stopping_a_round_keeps_what_had_passed(german):
    panel = loop_panel(german)
    panel.producer = ENDLESS
    panel.run_round()
    wait_until(lambda: len(panel.training.values) >= 2)
    with pytest.raises(FairtutorError, match="press Stop before Reset"):
        panel.reset()
    panel.stop_button.click()
    panel.wait(timeout=10)
    assert panel.next_step == "representation" and panel.rounds == []
    assert panel.status.startswith("Stopped")
    panel.producer = DataProducer("identity")
    panel.run_round()
    panel.wait()
    assert panel.rounds[0].producer == "identity"
    assert panel.rounds_left == 1  # stopping used up no audit batch


def test_names_are_escaped(german):
    panel = RegulatorPanel(german, CRITERIA)
    assert "<for all>" not in panel.snapshot()
    assert "&lt;for all&gt;" in panel.snapshot()


# ---------------------------------------------------------------- thresholds


SCORES = np.array([1, 2, 3, 4, 1, 2, 3, 4])
Y = np.array([0, 1, 0, 1, 0, 0, 0, 1])


def test_the_explorer_counts_right_and_follows_its_sliders():
    panel = ThresholdExplorer(SCORES, Y, list("aaaabbbb"), tolerance=0.3)
    panel.sliders[0].value, panel.sliders[1].value = 2, 4
    assert panel.value == [2, 4]
    assert panel.rates["a"] == {
        "selection rate": 3 / 4,
        "true positive rate": 1.0,
        "false positive rate": 1 / 2,
        "positive predictive value": 2 / 3,
    }
    assert panel.gaps["predictive parity"] == pytest.approx(1 / 3)
    assert panel.holding == ["equal opportunity"]
    assert 'data-holding="equal opportunity"' in shown_text(panel)
    panel.tolerance.value = 0.4
    assert panel.holding == ["equal opportunity", "predictive parity"]
    panel.value = [1, 1]
    assert list(panel.gaps) == list(DEFINITIONS)
    assert list(panel.gaps.values()) == [0, 0, 0, 0.25]  # everybody is selected
    panel.raise_errors()


def test_an_undefined_rate_never_holds():
    panel = ThresholdExplorer(SCORES, Y, list("aaaabbbb"), thresholds=[5, 5])
    assert np.isnan(panel.gaps["predictive parity"])  # nobody is selected
    assert "predictive parity" not in panel.holding
    assert "demographic parity" in panel.holding


def test_groups_may_be_names_or_codes():
    by_name = ThresholdExplorer(SCORES, Y, list("bbbbaaaa"), ["b", "a"])
    by_code = ThresholdExplorer(SCORES, Y, [0] * 4 + [1] * 4, ["b", "a"])
    assert by_name.rates == by_code.rates and by_name.labels == ("b", "a")


def test_many_score_values_get_a_slider_that_reaches_both_ends():
    scores = np.random.default_rng(0).random(500)
    y, groups = (scores > 0.5).astype(int), np.arange(500) % 3
    panel = ThresholdExplorer(scores, y, groups, ["a", "b", "c"])
    slider = panel.sliders[0]
    panel.value = [slider.min, slider.max, 0.5]
    rates = [panel.rates[name]["selection rate"] for name in "abc"]
    assert rates[0] == 1 and rates[1] == 0 and 0 < rates[2] < 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"groups": ["a"] * 8}, "1 groups; this panel compares two to six"),
        ({"groups": ["a", "b", "a"]}, r"8 scores, but groups of shape \(3,\)"),
        ({"labels": ["a", "z"]}, "No row is in group 'z'"),
        ({"thresholds": [1]}, "1 thresholds for 2 groups"),
        ({"thresholds": [1, 99]}, "99 of 'b' is outside the scores; use 1 to 5"),
        ({"y": Y + 1}, "0 or 1, but 2"),
        ({"scores": [np.inf, *SCORES[1:]]}, "row 0 is inf"),
    ],
)
def test_the_explorer_says_what_is_wrong(settings, message):
    given = {"scores": SCORES, "y": Y, "groups": list("aaaabbbb"), **settings}
    with pytest.raises(FairtutorError, match=message):
        ThresholdExplorer(**given)
