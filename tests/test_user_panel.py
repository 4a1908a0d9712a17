"""The data user's panel: several tasks and models on one representation."""

import time
from dataclasses import replace

import pytest
import torch

from fairtutor import (
    Criterion,
    DataProducer,
    DataUser,
    FairnessCriteria,
    FairtutorError,
    load,
)
from fairtutor.audit import accuracy_and_gap
from fairtutor.data import COMPAS_TASKS
from fairtutor.entities.user import MODELS
from fairtutor.widgets import UserPanel
from fairtutor.widgets.controls import UserControls, words_of

CRITERIA = FairnessCriteria((Criterion("selection_rate_difference", 0.1, "sex"),))


@pytest.fixture(scope="module")
def tasks():
    return load("compas").tasks(COMPAS_TASKS)


@pytest.fixture(scope="module")
def representation(tasks):
    first = next(iter(tasks.values()))
    return DataProducer("erasure").produce(CRITERIA, first, progress=False)


def trained(panel, task, user) -> UserPanel:
    panel.task, panel.user = task, user
    panel.train()
    panel.wait()
    return panel


# ---------------------------------------------------------------- tasks


def test_one_data_set_is_one_task_named_by_its_target():
    panel = UserPanel(load("german"))
    assert panel.task == "credit" and list(panel.tasks) == ["credit"]
    assert panel.task_control not in panel.controls.children  # nothing to choose
    with pytest.raises(FairtutorError, match="no task 'income'"):
        panel.task = "income"
    assert panel.task == "credit"


def test_no_task_has_audit_rows(tasks):
    panel = UserPanel(tasks)
    assert list(panel.tasks) == list(COMPAS_TASKS)
    for view in panel.tasks.values():
        assert not any("audit" in split for split in view.splits)
    assert panel.task_control in panel.controls.children
    panel.task = "scored above low"
    assert torch.equal(panel.view.y, tasks["scored above low"].without_audit().y)
    assert panel.status == (
        "Task “scored above low”: low score or medium or high score. Press Train."
    )


def test_another_task_or_representation_discards_the_trained_model(
    tasks, representation
):
    panel = UserPanel(tasks, representation)
    trained(panel, "arrested again", DataUser("logistic"))
    assert panel.trained is not None
    panel.task = "charged with a felony"
    with pytest.raises(FairtutorError, match="press Train first"):
        panel.submit()
    trained(panel, "charged with a felony", DataUser("logistic"))
    panel.submit()
    assert panel.submission is panel.trained
    panel.representation = representation
    assert panel.trained is None and len(panel.results) == 2
    panel.raise_errors()


def test_a_task_that_is_changed_during_training_is_not_submitted(
    tasks, representation, monkeypatch
):
    panel = UserPanel(tasks, representation)
    train = DataUser.train

    def train_and_change(*args, **settings):
        panel.task = "scored above low"
        return train(*args, **settings)

    monkeypatch.setattr(DataUser, "train", train_and_change)
    panel.train()
    panel.wait()
    assert panel.trained is None and "have changed" in panel.status
    [result] = panel.results
    assert result.task == "arrested again"
    panel.raise_errors()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda tasks: {}, "neither a data set nor data sets by the name"),
        (lambda tasks: list(tasks.values()), "neither a data set nor data sets"),
        (lambda tasks: None, "None is neither"),
        (lambda tasks: {"a": tasks}, "'a' is a dict, not a data set"),
        (lambda tasks: {1: tasks["arrested again"]}, "task 1 has no name"),
        (lambda tasks: {"digit": load("digits")}, "'digit' has 10 outcomes"),
        (
            lambda tasks: {**tasks, "credit": load("german")},
            "'arrested again' and 'credit' have different features",
        ),
        (
            lambda tasks: {
                "a": tasks["arrested again"],
                "b": replace(
                    tasks["arrested again"], X=tasks["arrested again"].X.clone() + 1
                ),
            },
            "'a' and 'b' have different features",
        ),
        (
            lambda tasks: {
                "a": tasks["arrested again"],
                "b": replace(
                    tasks["arrested again"],
                    splits=tasks["arrested again"].resplit(seed=1).splits,
                ),
            },
            "'a' and 'b' have different splits",
        ),
        (
            lambda tasks: {
                "a": tasks["arrested again"],
                "b": replace(
                    tasks["arrested again"],
                    attributes=tasks["arrested again"].attributes[:1],
                ),
            },
            "'a' and 'b' have different sensitive attributes",
        ),
    ],
)
def test_tasks_that_do_not_belong_together_are_refused(tasks, given, message):
    with pytest.raises(FairtutorError, match=message):
        UserPanel(given(tasks))


def test_a_representation_that_does_not_fit_is_refused_and_changes_nothing(
    tasks, representation
):
    panel = UserPanel(tasks, representation)
    german = load("german")
    other = DataProducer("identity").produce(CRITERIA, german, progress=False)
    for wrong, message in ((other, "takes 61 features"), ("z", "A str is no")):
        with pytest.raises(FairtutorError, match=message):
            panel.representation = wrong
        assert panel.representation is representation
    with pytest.raises(FairtutorError, match="takes 61 features"):
        UserPanel(tasks, other)


# ---------------------------------------------------------------- models and results


@pytest.mark.parametrize("model", MODELS)
def test_every_model_says_what_it_is(model):
    controls = UserControls(DataUser(model))
    assert controls.words == words_of(MODELS[model])[0] and controls.words[-1] == "."
    assert any(controls.words[:20] in str(w.value) for w in controls.children)


@pytest.mark.parametrize("model", MODELS)
def test_a_result_is_what_the_model_does_on_validation_rows(
    tasks, representation, model
):
    panel = UserPanel(tasks, representation)
    trained(panel, "charged with a felony", DataUser(model, seed=4))
    [result] = panel.results
    assert (result.task, result.model, result.seed) == (panel.task, model, 4)
    assert result.representation == "erasure (strength 1)"
    view = panel.view
    rows = view.rows("validation")
    decisions = panel.trained.scores(representation.encode(rows.X)) >= 0.5
    for attribute in view.attributes:
        panel.compare.value = attribute.name
        codes, names = view.groups(attribute.name)
        accuracy, gap = accuracy_and_gap(
            rows.y, decisions, codes[rows.index], len(names)
        )
        [result] = panel.results
        measured = result.measured
        assert measured.accuracy[0] == pytest.approx(accuracy)
        assert measured.gap[0] == pytest.approx(gap)
        assert measured.gap[1] <= gap <= measured.gap[2]
        assert measured.accuracy[1] < accuracy < measured.accuracy[2]
        assert f"gap by {attribute.name}" in panel.table.value
        assert f"{gap:.3f} (" in panel.table.value
    share = rows.y.double().mean().item()
    assert measured.constant_accuracy == pytest.approx(max(share, 1 - share))
    panel.raise_errors()


def test_every_task_and_model_has_a_row_and_a_repetition_has_none(
    tasks, representation
):
    panel = UserPanel(tasks, representation)
    assert panel.results == [] and panel.table.value == ""
    for task in ("arrested again", "scored above low"):
        for model in ("logistic", "trees"):
            trained(panel, task, DataUser(model))
    trained(panel, "arrested again", DataUser("logistic"))
    pairs = [(result.task, result.model) for result in panel.results]
    assert pairs == [
        ("arrested again", "trees"),
        ("scored above low", "logistic"),
        ("scored above low", "trees"),
        ("arrested again", "logistic"),
    ]
    plain = DataProducer("identity").produce(CRITERIA, panel.view, progress=False)
    panel.representation = plain
    trained(panel, "arrested again", DataUser("logistic"))
    assert len(panel.results) == 5 and 'data-rows="5"' in panel.table.value
    assert {r.fingerprint for r in panel.results} == {
        representation.fingerprint,
        plain.fingerprint,
    }
    snapshot = panel.snapshot()
    for words in ("scored above low", "trees, seed 0", "majority class", "identity"):
        assert words in snapshot
    assert "validation rows" in snapshot and "luck" in snapshot
    panel.raise_errors()


def test_a_task_may_be_called_anything(tasks):
    name = "<script>alert(1)</script>"
    panel = UserPanel({name: tasks["arrested again"], "b": tasks["arrested again"]})
    panel.representation = DataProducer("identity").produce(
        CRITERIA, panel.view, progress=False
    )
    trained(panel, name, DataUser("logistic"))
    assert "<script>" not in panel.snapshot() + panel.table.value + panel._status.value


@pytest.mark.parametrize("model", MODELS)
def test_stop_acts_within_half_a_second_and_adds_no_row(tasks, representation, model):
    panel, seconds = UserPanel(tasks, representation, DataUser(model)), []
    train = DataUser.train

    def endless(*args, **settings):
        return train(*args, **settings, epochs=100_000, patience=100_000)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DataUser, "train", endless)
        for _ in range(3):  # a busy machine may be late once
            panel.train()
            while len(panel.training.values) < 2:
                time.sleep(0.005)
                assert panel.busy
            asked = time.monotonic()
            panel.stop_button.click()
            panel.wait(timeout=10)
            seconds.append(time.monotonic() - asked)
    assert min(seconds) < 0.5
    assert panel.results == [] and panel.trained is None
    assert panel.status.startswith("Stopped")
    panel.raise_errors()
