"""A metric is found again from comparisons alone; the panel asks a reader the same."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairtutor import FairtutorError, load
from fairtutor.audit.elicitation import (
    _CARDS,
    QUESTIONS,
    STEPS,
    Elicitation,
    FairMetric,
    RateCard,
    elicit,
    noisy,
)
from fairtutor.figures import elicitation_errors, rate_cards
from fairtutor.widgets import ElicitationPanel

weights = st.floats(0.02, 0.98)


def angle(weight):
    """θ of the pair of weights (w, 1 − w)."""
    return math.degrees(math.atan2(1 - weight, weight))


# ------------------------------------------------------------------ without noise


@given(weights, weights, weights)
@settings(max_examples=100, deadline=None)
def test_a_metric_is_found_again_from_comparisons(a, b, trade_off):
    metric = FairMetric(a, b, trade_off)
    found = elicit(metric.prefers, (10, 10, 10))
    for name, (low, high) in zip(("a", "b", "trade_off"), found.ranges, strict=True):
        assert low - 1e-9 <= getattr(metric, name) <= high + 1e-9
    assert abs(angle(found.metric.a) - angle(a)) <= 45 / 2**10 + 1e-6
    assert abs(angle(found.metric.b) - angle(b)) <= 45 / 2**10 + 1e-6


@pytest.mark.parametrize("k", [1, 2, 4, 6])
def test_each_question_halves_what_is_left(k):
    errors = [
        abs(
            angle(elicit(FairMetric(a, 0.5, 0.3).prefers, (k, 1, 1)).metric.a)
            - angle(a)
        )
        for a in np.linspace(0.02, 0.98, 40)
    ]
    assert max(errors) <= 45 / 2**k + 1e-9
    assert max(errors) > 0.7 * 45 / 2**k  # the bound is reached, nearly


def four_question_search(better, tolerance):
    """As the papers do it: quarters of the interval, four comparisons a round.

    Uses nothing but that preference rises and then falls along the curve.
    """
    low, high, asked = 0.0, math.pi / 2, 0
    while high - low > tolerance * (1 + 1e-9):
        at = np.linspace(low, high, 5)
        second_better = [better(at[i + 1], at[i]) for i in range(4)]
        asked += 4
        peak = next((i for i, up in enumerate(second_better) if not up), 4)
        low, high = at[max(peak - 1, 0)], at[min(peak + 1, 4)]
    return (low + high) / 2, asked


@pytest.mark.parametrize("a", [0.17, 0.5, 0.66, 0.9])
def test_the_papers_search_finds_the_same_with_four_times_the_questions(a):
    metric, card = FairMetric(a, 0.5, 0.2), _CARDS[0]
    tolerance = math.pi / 2 / 2**8
    theta, asked = four_question_search(
        lambda s, t: metric.prefers(card(s), card(t)), tolerance
    )
    ours = elicit(metric.prefers, (8, 1, 1)).metric.a
    assert 4 * 6 < asked <= 4 * 8  # at the ends of the curve a round may quarter
    assert abs(math.degrees(theta) - angle(ours)) <= math.degrees(tolerance)


def test_each_step_varies_only_what_it_asks_about():
    for theta in np.linspace(-math.pi / 4, 3 * math.pi / 4, 30):
        rates, gaps, trade = (card(theta) for card in _CARDS)
        for pair in (rates.true_positive, rates.true_negative):
            assert pair[0] == pair[1]
        assert sum(gaps.true_positive) == pytest.approx(sum(gaps.true_negative))
        assert trade.true_positive == trade.true_negative
        for card in (gaps, trade):
            for pair in (card.true_positive, card.true_negative):
                assert pair[0] >= pair[1] - 1e-12  # no gap turns round


def test_every_card_is_within_reach_of_a_model_on_the_mortgage_data():
    """The rates lie in a disc around the coin that the model's ROC curve encloses."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_curve

    loans = load("loans")
    fit = np.concatenate([loans.splits[s].numpy() for s in ("encoder", "train")])
    held_out = np.setdiff1d(np.arange(len(loans)), fit)
    X, y = loans.X.numpy(), loans.y.numpy()
    model = LogisticRegression(max_iter=1000).fit(X[fit], y[fit])
    scores = model.predict_proba(X[held_out])[:, 1]
    false, true, _ = roc_curve(y[held_out], scores)
    distance = np.hypot(true - 0.5, 0.5 - false).min()  # of its corners
    assert 0.28 < distance < 0.34
    farthest = max(
        math.hypot(tp - 0.5, tn - 0.5)
        for card in _CARDS
        for theta in np.linspace(-math.pi / 4, 3 * math.pi / 4, 200)
        for tp, tn in zip(
            card(theta).true_positive, card(theta).true_negative, strict=True
        )
    )
    assert farthest < distance


# ------------------------------------------------------------------ with noise


def mean_error(scale, k, votes=1, seeds=60):
    rng = np.random.default_rng(0)
    errors = []
    for seed in range(seeds):
        a = rng.uniform(0.1, 0.9)
        oracle = noisy(FairMetric(a, 0.5, 0.2), scale, seed)
        errors.append(abs(angle(elicit(oracle, (k, 1, 1), votes).metric.a) - angle(a)))
    return float(np.mean(errors))


def test_noise_sets_a_floor_and_votes_lower_it():
    clear, unclear = mean_error(1e-6, 8), mean_error(0.05, 8)
    assert clear < 0.2 and unclear > 3
    assert mean_error(0.05, 8, votes=9) < 0.6 * unclear


@pytest.mark.parametrize("epsilon", [0.003, 0.03])
def test_an_oracle_that_is_wrong_on_close_calls_costs_in_proportion(epsilon):
    """The papers' noise: any answer where the difference is below ε, here the wrong."""
    for a in np.linspace(0.1, 0.9, 17):
        metric = FairMetric(a, 0.5, 0.0)

        def oracle(first, second, metric=metric):
            close = abs(metric.value(first) - metric.value(second)) < epsilon
            return metric.prefers(first, second) != close

        error = abs(angle(elicit(oracle, (12, 1, 1)).metric.a) - angle(a))
        norm = math.hypot(a, 1 - a)
        # |difference| = 2 · radius · ‖(a, 1 − a)‖ · sin 45° · sin|middle − θ*|
        allowed = math.degrees(math.asin(epsilon / (2 * 0.25 * norm * math.sqrt(0.5))))
        assert error <= allowed + 45 / 2**12 + 1e-9


def test_the_noisy_oracle_answers_as_often_as_its_scale_says():
    metric = FairMetric(1.0, 0.5, 0.0)
    better, worse = RateCard((0.6, 0.6), (0.5, 0.5)), RateCard((0.5, 0.5), (0.5, 0.5))
    oracle = noisy(metric, scale=0.1, seed=0)
    share = np.mean([oracle(better, worse) for _ in range(4000)])
    assert share == pytest.approx(1 / (1 + math.exp(-1)), abs=0.025)


# ------------------------------------------------------------------ state and errors


def test_undo_goes_back_one_question_and_the_start_has_nothing_to_undo():
    start = Elicitation()
    once = start.answered(True)
    assert once.undone() == start and start.undone() == start
    assert once.pair != start.pair and start.left == sum(QUESTIONS)
    steps, asked = [], start
    while asked.left:
        steps.append(asked.step)
        asked = asked.answered(len(steps) % 2 == 0)
    assert [steps.count(step) for step in STEPS] == list(QUESTIONS)
    assert asked.step is None


def test_what_makes_no_sense_is_said():
    done = elicit(lambda first, second: True, (1, 1, 1))
    for action in (lambda: done.answered(True), lambda: done.pair):
        with pytest.raises(FairtutorError, match="All questions are answered"):
            action()
    with pytest.raises(FairtutorError, match="3 whole numbers"):
        Elicitation(questions=(1, 0, 1))
    with pytest.raises(FairtutorError, match="4 answers to 3 questions"):
        Elicitation((True,) * 4, (1, 1, 1))
    with pytest.raises(FairtutorError, match="odd"):
        elicit(lambda first, second: True, votes=2)
    with pytest.raises(FairtutorError, match=r"a is 1\.2"):
        FairMetric(1.2, 0.5, 0.5)
    with pytest.raises(FairtutorError, match="above 0"):
        noisy(FairMetric(0.5, 0.5, 0.5), 0)


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (FairMetric(0.75, 0.5, 0.5), "A point of right approvals counts 3.0 times"),
        (FairMetric(0.25, 0.5, 0.5), "A point of right refusals counts 3.0"),
        (FairMetric(0.5, 0.5, 0.5), "count about the same"),
        (FairMetric(1.0, 0.5, 0.5), "hardly at all"),
        (FairMetric(0.5, 0.5, 0.2), "worth up to 2.5 points of correct decisions"),
        (FairMetric(0.5, 0.5, 1.0), "almost any loss"),
    ],
)
def test_weights_are_said_in_words(metric, said):
    assert said in metric.words()


# ------------------------------------------------------------------ figures and panel


def test_cards_say_and_draw_their_numbers():
    drawn = rate_cards(
        {"First": {"approved": (0.81, 0.6)}, "Second": {"approved": (0.7, 0.7)}},
        ["<white>", "black"],
    )
    assert "First: approved: <white> 81, black 60." in drawn.alt
    assert "&lt;white&gt;" in drawn.svg and ">81</text>" in drawn.svg
    with pytest.raises(FairtutorError, match="2 rates for 3 groups"):
        rate_cards({"A": {"x": (0.5, 0.5)}, "B": {"x": (0.5, 0.5)}}, list("abc"))
    with pytest.raises(FairtutorError, match="two are compared"):
        rate_cards({"A": {"x": (0.5,)}}, ["a"])


def test_the_error_curve_is_what_was_passed():
    picture = elicitation_errors({"no noise": [11.0, 5.5], "noise": [12.0, 9.0]})
    [ax] = picture.axes
    assert [line.get_ydata().tolist() for line in ax.lines] == [
        [11.0, 5.5],
        [12.0, 9.0],
    ]
    assert "noise: 12.0° after 1 question, 9.0° after 2" in picture.alt
    with pytest.raises(FairtutorError, match="no curve"):
        elicitation_errors({})


def test_the_panel_finds_the_metric_of_whoever_answers_it():
    metric = FairMetric(0.7, 0.3, 0.4)
    panel = ElicitationPanel(("white", "black"))
    while panel.asked.left:
        assert f"Question {len(panel.value) + 1} of 10" in panel.status
        first = metric.prefers(*panel.asked.pair)
        (panel.first_button if first else panel.second_button).click()
    assert panel.metric == elicit(metric.prefers).metric
    assert panel.metric.words() in panel.status
    assert "what fits your answers" in panel.snapshot() and not panel.errors
    panel.first_button.click()  # one too many is said, not raised
    assert "All questions are answered" in panel.snapshot()
    panel.undo_button.click()
    assert panel.asked.left == 1 and "All questions" not in panel.snapshot()
    panel.reset_button.click()
    assert panel.value == ()


def test_the_panel_can_be_set_and_read_from_code_and_shows_a_picture():
    panel = ElicitationPanel(questions=(1, 1, 1))
    panel.value = [True, False]
    assert panel.value == (True, False) and panel.asked.step == "trade-off"
    assert "data:image/svg" in panel.snapshot() and "<svg" not in panel.snapshot()
    assert panel.snapshot() == panel.snapshot()
    with pytest.raises(FairtutorError, match="4 answers to 3"):
        panel.value = [True] * 4
    with pytest.raises(FairtutorError, match="compares two"):
        ElicitationPanel(("a", "b", "c"))
