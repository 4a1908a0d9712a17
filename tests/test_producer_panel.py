"""The data producer's panel: every method, the live picture, the points."""

import inspect
import re
import threading
import time

import numpy as np
import pytest
import torch
from torch import nn

from fairtutor import (
    Criterion,
    DataProducer,
    DataUser,
    FairnessCriteria,
    FairtutorError,
    load,
)
from fairtutor.audit import accuracy_and_gap
from fairtutor.audit.intervals import clopper_pearson
from fairtutor.figures import Picture, live_embedding, principal_plane
from fairtutor.figures.style import GROUP_MARKERS
from fairtutor.producers import DEFAULT_STRENGTHS, METHODS, STRENGTHS
from fairtutor.widgets import ProducerPanel, training_view
from fairtutor.widgets.controls import ProducerControls, words_of
from fairtutor.widgets.embedding_view import EmbeddingView
from fairtutor.widgets.training_view import Pace

CRITERIA = FairnessCriteria(
    (Criterion("accuracy", 0.6), Criterion("selection_rate_difference", 0.1, "sex"))
)
ENDLESS = DataProducer("adversarial", epochs=1_000_000)


@pytest.fixture(scope="module")
def german():
    return load("german")


@pytest.fixture(autouse=True)
def words_for_pixels(monkeypatch):
    """Most of the time would go into images; their words tell the same."""
    monkeypatch.setattr(Picture, "png", lambda picture: picture.alt.encode())


def producer(method) -> DataProducer:
    """With few epochs where there are epochs."""
    takes_epochs = "epochs" in inspect.signature(METHODS[method]).parameters
    return DataProducer(method, **({"epochs": 6} if takes_epochs else {}))


def trained(panel, made_by) -> ProducerPanel:
    panel.producer = made_by
    panel.train()
    panel.wait()
    return panel


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


# ---------------------------------------------------------------- controls


@pytest.mark.parametrize("method", METHODS)
def test_every_method_says_what_it_does_and_what_its_strength_means(method):
    controls = ProducerControls()
    controls.method.value = method
    what, strength = words_of(METHODS[method])
    assert controls.words.startswith(what) and what.endswith(".")
    assert not re.search(r"[`*]|:\w+:", controls.words)
    if STRENGTHS[method][-1] == 0:
        assert "no strength" in controls.words and controls.strength.disabled
    else:
        assert "strength" in strength and not controls.strength.disabled
    shown = [w.value for w in controls.children if "style" in str(w.value)]
    assert len(shown) == 1 and what.split("<")[0][:20] in shown[0]


@pytest.mark.parametrize("method", METHODS)
def test_the_slider_follows_the_methods_strengths(method):
    controls = ProducerControls(DataProducer("identity"))
    controls.method.value = method
    assert controls.value.strength == DEFAULT_STRENGTHS[method]
    assert controls.strength.max == (STRENGTHS[method][-1] or 1)
    beyond = 3 * STRENGTHS[method][-1] + 1  # code may go further than the slider did
    controls.value = DataProducer(method, strength=beyond)
    assert controls.value.strength == beyond <= controls.strength.max


def test_the_words_are_the_docstrings_own():
    def method(task, *, lr=1):
        """Do ``this`` with :func:`fairtutor.producers.erasure`
        and **that**.

        More about it.

        Parameters
        ----------
        task
            ``strength`` is λ, and
            a < b.
        lr
            Of Adam.
        """

    assert words_of(method) == (
        "Do this with erasure and that.",
        "strength is λ, and a < b.",
    )
    assert words_of(lambda: None) == ("", "")


# ---------------------------------------------------------------- every method


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_trained_in_the_panel(german, method):
    panel = trained(ProducerPanel(german, CRITERIA), producer(method))
    assert panel.representation.method == str(panel.producer)
    [point] = panel.points
    assert point.producer == str(panel.producer)
    assert point.fingerprint == panel.representation.fingerprint
    assert panel.representation.method in panel.snapshot()
    panel.raise_errors()


# ---------------------------------------------------------------- points


def test_a_point_is_what_a_logistic_user_reaches_on_validation_rows(german):
    panel = trained(ProducerPanel(german, CRITERIA), DataProducer("erasure", seed=3))
    [point] = panel.points
    view, made = german.without_audit(), panel.representation
    model = DataUser("logistic", seed=3).train(made, view, progress=False)
    rows = view.rows("validation")
    decisions = model.scores(made.encode(rows.X)) >= 0.5
    groups, names = view.groups("sex")
    expected = accuracy_and_gap(rows.y, decisions, groups[rows.index], len(names))
    assert point.measured.accuracy[0] == pytest.approx(expected[0])
    assert point.measured.gap[0] == pytest.approx(expected[1])
    right = int((decisions == rows.y.bool()).sum())
    interval = clopper_pearson(right, len(rows), 0.05)
    assert point.measured.accuracy[1:] == pytest.approx(tuple(map(float, interval)))
    assert point.measured.gap[1] <= point.measured.gap[0] <= point.measured.gap[2]
    share = rows.y.double().mean().item()
    assert point.measured.constant_accuracy == pytest.approx(max(share, 1 - share))


def test_points_collect_beside_identity_and_constant(german):
    panel = ProducerPanel(german, CRITERIA)
    assert panel.points == [] and panel.frontier.value == ""
    trained(panel, DataProducer("erasure"))
    trained(panel, DataProducer("erasure", strength=0.5))
    shown = panel.frontier.value
    assert 'data-points="2"' in shown
    for words in ("erasure (strength 1)", "erasure (strength 0.5)", "constant"):
        assert words in shown
    assert "Identity: " in shown and "constant predictor&#x27;s accuracy" in shown
    identity = panel.frontier.identity
    alone = trained(ProducerPanel(german, CRITERIA), DataProducer("identity"))
    assert alone.points == [identity]
    assert "validation rows" in shown and "luck" in shown
    panel.raise_errors()


def test_criteria_for_an_intersection_are_followed_too(german):
    both = Criterion("selection_rate_difference", 0.3, "sex × age_group")
    panel = ProducerPanel(german, FairnessCriteria((both,)), DataProducer("erasure"))
    assert panel.colour_by.value == "sex"
    trained(panel, panel.producer)
    assert panel.points[0].measured.criterion == both


def test_the_same_training_again_takes_its_own_place(german):
    panel = trained(ProducerPanel(german, CRITERIA), DataProducer("erasure"))
    before = panel.points
    trained(panel, DataProducer("erasure"))
    assert panel.points == before


def test_points_are_cleared_by_a_button(german):
    panel = trained(ProducerPanel(german, CRITERIA), DataProducer("erasure"))
    panel.clear_button.click()
    assert panel.points == [] and panel.frontier.value == ""
    assert "data-points" not in panel.snapshot()
    assert panel.representation is not None
    trained(panel, DataProducer("erasure"))
    assert len(panel.points) == 1
    panel.producer = ENDLESS
    panel.train()
    with pytest.raises(FairtutorError, match="press Stop before clearing"):
        panel.clear()
    panel.stop()
    panel.wait()


def test_the_first_criterion_between_groups_is_followed(german):
    criterion = Criterion("true_positive_rate_difference", 0.2, "age_group")
    criteria = FairnessCriteria((Criterion("consistency", 0.7), criterion))
    panel = trained(ProducerPanel(german, criteria), DataProducer("identity"))
    assert panel.colour_by.value == "age_group"
    [point] = panel.points
    assert point.measured.criterion == criterion
    assert "true positive rate difference" in panel.frontier.value


def test_a_stop_after_the_representation_keeps_it_and_says_so(german, monkeypatch):
    panel = ProducerPanel(german, CRITERIA, DataProducer("erasure"))
    train = DataUser.train

    def stopped(*args, stop, **settings):
        stop.set()
        return train(*args, stop=stop, **settings)

    monkeypatch.setattr(DataUser, "train", stopped)
    panel.train()
    panel.wait()
    assert panel.representation is not None and panel.points == []
    assert "no point was added" in panel.status
    monkeypatch.undo()
    trained(panel, panel.producer)
    assert len(panel.points) == 1


def test_an_error_of_the_quick_user_is_shown_and_raised(german, monkeypatch):
    panel = ProducerPanel(german, CRITERIA, DataProducer("erasure"))

    def broken(*_, **__):
        raise FairtutorError("No quick user today.")

    monkeypatch.setattr(DataUser, "train", broken)
    panel.train()
    with pytest.raises(FairtutorError, match="No quick user"):
        panel.wait()
    assert [str(error) for error in panel.errors] == ["No quick user today."]
    assert "No quick user today." in panel.snapshot()


# ---------------------------------------------------------------- the live picture


def test_the_embedding_changes_while_training_and_ends_as_the_full_picture(german):
    panel = ProducerPanel(german, CRITERIA, ENDLESS)
    seen = []
    panel.embedding.observe(lambda change: seen.append(change.new), names="value")
    panel.train()
    wait_until(lambda: len(set(seen)) >= 4)
    panel.stop()
    panel.wait(timeout=10)
    epochs = [
        int(found) for text in seen for found in re.findall(r"epoch (\d+):", text)
    ]
    assert epochs == sorted(set(epochs)) and len(epochs) >= 4
    assert panel.embedding.value == ""  # no representation was made
    trained(panel, DataProducer("adversarial", epochs=3))
    assert panel.embedding.frames >= 1 and "<img alt=" in panel.embedding.value
    panel.raise_errors()


def test_a_stopped_training_leaves_the_earlier_picture(german):
    panel = trained(ProducerPanel(german, CRITERIA), DataProducer("erasure"))
    before = panel.embedding.value
    panel.producer = ENDLESS
    panel.train()
    wait_until(lambda: panel.embedding.frames >= 2)
    panel.colour_by.value = "age_group"  # while it trains
    panel.stop()
    panel.wait(timeout=10)
    assert panel.representation.method == "erasure (strength 1)"
    panel.colour_by.value = "sex"
    assert panel.embedding.value == before
    panel.raise_errors()


def test_stop_ends_a_training_that_would_go_on_and_another_may_begin(german):
    panel = ProducerPanel(german, CRITERIA, ENDLESS)
    for _ in range(2):
        panel.train()
        wait_until(lambda: panel.embedding.frames >= 3)
        panel.stop()
        panel.wait(timeout=10)
    panel.raise_errors()


def test_drawing_takes_a_small_share_of_the_time_however_slow(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(training_view.time, "monotonic", lambda: now[0])
    for slow, most in ((0.001, 7), (0.5, 0.31)):
        pace, start, drawn = Pace(), now[0], 0
        while now[0] < start + 60:
            now[0] += 0.01  # an epoch
            if pace.due:
                drawn += 1
                with pace.drawing():
                    now[0] += slow
        assert drawn / 60 <= most and drawn * slow / 60 <= 0.16
        assert drawn >= 10


def test_the_live_picture_is_not_mirrored_from_one_to_the_next(german):
    Z = torch.randn(100, 5, generator=torch.Generator().manual_seed(0)).numpy()
    before, _ = principal_plane(Z)
    for sign in (np.array([1, -1, 1, -1, 1]), -np.ones(5)):
        after, _ = principal_plane(Z * sign, like=before)
        assert np.allclose(after, before)
    with pytest.raises(FairtutorError, match="the same rows"):
        principal_plane(Z, like=before[:50])
    view = EmbeddingView(german)
    view.begin("turning")
    layer = nn.Linear(german.X.shape[1], 3, bias=False)
    view.on_encoder(layer)
    first = view._points
    with torch.no_grad():
        layer.weight.neg_()
    view._pace = Pace()
    view.on_encoder(layer)
    assert np.allclose(view._points, first, atol=1e-5) and view.frames == 2


def test_a_snapshot_does_not_depend_on_the_clock(german, monkeypatch):
    made_by = DataProducer("adversarial", epochs=12)
    snapshots = []
    for seconds in (0.0, 1e9):  # a picture after each epoch, and one only
        monkeypatch.setattr(training_view, "SECONDS_BETWEEN_UPDATES", seconds)
        monkeypatch.setattr(training_view, "MOST_OF_THE_TIME", 1e9)
        panel = trained(ProducerPanel(german, CRITERIA), made_by)
        assert panel.embedding.frames == (12 if seconds == 0 else 1)
        snapshots.append(panel.snapshot())
    assert snapshots[0] == snapshots[1]


def test_the_live_picture_shows_every_point_where_it_is():
    points = np.array([[-2.0, 0.5], [2.0, -0.5], [0.0, 0.0]])
    codes, labels = np.array([0, 1, 1]), ["a <b>", "c"]
    drawn = live_embedding(points, [0.9, 0.1], codes, labels, "epoch 1")
    clouds = re.findall(r'<path d="(M[^"]*)" fill="#\w+" fill-opacity', drawn.svg)
    places = [re.findall(r"M([\d.]+) ([\d.]+)", cloud) for cloud in clouds]
    assert [len(cloud) for cloud in places] == [1, 2]
    (left, high), (right, low), (middle, centre) = (
        tuple(map(float, place)) for cloud in places for place in cloud
    )
    assert left < middle < right and high < centre < low
    assert middle == pytest.approx((left + right) / 2, abs=0.1)
    assert "a &lt;b&gt;" in drawn.svg and "<b>" not in drawn.svg
    assert "Group means: a <b> (-2.00, 0.50), c (1.00, -0.25)." in drawn.alt
    with pytest.raises(FairtutorError, match="one group code a row"):
        live_embedding(points, [1, 0], codes[:2], labels, "epoch 1")


def test_the_live_picture_has_a_shape_for_every_marker_and_a_scale_for_every_size():
    labels = [f"a group with a long name, number {k}" for k in range(10)]
    drawn = live_embedding(
        np.eye(10, 2) * 1e-9, [1, 0], range(10), labels, "many groups"
    )
    assert len(set(re.findall(r"M[\d.]+ [\d.]+([^\"]+)", drawn.svg))) >= len(
        GROUP_MARKERS
    )
    for size, end in ((0.0, "1"), (0.9, "1"), (1.2, "1.5"), (830.0, "1000")):
        drawn = live_embedding([[size, 0], [-size, 0]], [1, 0], [0, 0], ["a"], "x")
        assert f'text-anchor="end">{end}</text>' in drawn.svg


def test_the_picture_is_drawn_in_the_thread_that_trains(german):
    panel, threads = ProducerPanel(german, CRITERIA, producer("adversarial")), set()
    panel.embedding.observe(
        lambda _: threads.add(threading.current_thread()), names="value"
    )
    panel.train()
    panel.wait()
    assert threads and threading.main_thread() not in threads
