"""Eliciting a metric: which of two outcomes is better, asked until weights are clear.

People find it hard to name weights and easy to compare. Hiranandani, Boodaghians, Mehta
and Koyejo (2019) find a linear metric of a binary classifier by comparisons alone;
Hiranandani, Narasimhan and Koyejo (2020) a fair one, in three steps. Every step here
looks for one angle θ: the points of a circle have the value cos(θ − θ*) up to a
constant, so of two points that lie symmetrically about a middle, the one on the side of
θ* is better. One comparison halves what is left.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from ..exchange import FairtutorError

# Asked in this order: 2020, section 4. Each angle is that of two weights that add to 1.
STEPS = ("rates", "gaps", "trade-off")
QUESTIONS = (4, 3, 3)
SPREAD = math.pi / 4  # a comparison's two points lie this far to either side
# Centre and radii of each circle; all rates stay feasible for a model on the mortgage
# data, whose ROC curve keeps a distance of .31 from the coin at (½, ½).
RATE_CENTRE, RATE_RADIUS = 0.5, 0.25
GAP_LEVEL, GAP_CENTRE, GAP_RADIUS = 0.55, 0.2, 0.2
TRADE_LEVEL, TRADE_LEVEL_RADIUS, TRADE_GAP, TRADE_GAP_RADIUS = 0.53, 0.08, 0.14, 0.14


@dataclass(frozen=True)
class RateCard:
    """How a model treats two groups.

    Attributes
    ----------
    true_positive
        The share of those who deserve the positive decision who get it, in each group.
    true_negative
        The share of those who do not deserve it who do not get it, in each group.
    """

    true_positive: tuple[float, float]
    true_negative: tuple[float, float]


Oracle = Callable[[RateCard, RateCard], bool]  # whether the first is better


@dataclass(frozen=True)
class FairMetric:
    """A linear metric of the rates and of their gaps between two groups.

    Ψ = (1 − λ) · (a · TPR + (1 − a) · TNR) − λ · (b · |ΔTPR| + (1 − b) · |ΔTNR|), with
    the rates averaged over the groups.

    Attributes
    ----------
    a
        Weight of the true positive rate against the true negative rate, 0 to 1.
    b
        Weight of the gap between the true positive rates, 0 to 1.
    trade_off
        λ, the weight of fairness, 0 to 1.

    Raises
    ------
    FairtutorError
        A weight is not from 0 to 1.

    References
    ----------
    Hiranandani, Narasimhan & Koyejo (2020), "Fair performance metric elicitation",
    Eq. 3, for two groups of the same size and two classes.

    Examples
    --------
    >>> metric = FairMetric(a=0.5, b=1.0, trade_off=0.5)
    >>> round(metric.value(RateCard((0.9, 0.7), (0.6, 0.6))), 3)
    0.25
    """

    a: float
    b: float
    trade_off: float

    def __post_init__(self) -> None:
        for name in ("a", "b", "trade_off"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise FairtutorError(f"{name} is {value!r}; use a number from 0 to 1.")

    def value(self, card: RateCard) -> float:
        """Return Ψ of a model; larger is better."""
        (tp0, tp1), (tn0, tn1) = card.true_positive, card.true_negative
        right = self.a * (tp0 + tp1) / 2 + (1 - self.a) * (tn0 + tn1) / 2
        gap = self.b * abs(tp0 - tp1) + (1 - self.b) * abs(tn0 - tn1)
        return (1 - self.trade_off) * right - self.trade_off * gap

    def prefers(self, first: RateCard, second: RateCard) -> bool:
        """Answer a comparison: the oracle of somebody who has this metric."""
        return self.value(first) > self.value(second)

    def words(self) -> str:
        """Say the weights in sentences, for a positive decision called approval."""
        right, gap = ("right approvals", "right refusals"), "a point of gap in "
        sentences = (
            _compared(self.a, *(f"a point of {kind}" for kind in right)),
            _compared(self.b, *(gap + kind for kind in right)),
            _exchange(self.trade_off),
        )
        return " ".join(sentences)


@dataclass(frozen=True)
class Elicitation:
    """Where a series of comparisons stands: the answers, and nothing else.

    Attributes
    ----------
    answers
        Whether the first card was preferred, in the order of the questions.
    questions
        How many to ask in each of :data:`STEPS`.

    Examples
    --------
    >>> asked = Elicitation().answered(True).answered(False)
    >>> asked.step, asked.left, asked.undone().answers
    ('rates', 8, (True,))
    """

    answers: tuple[bool, ...] = ()
    questions: tuple[int, int, int] = QUESTIONS

    def __post_init__(self) -> None:
        counts = self.questions
        if len(counts) != len(STEPS) or any(
            type(n) is not int or n < 1 for n in counts
        ):
            raise FairtutorError(
                f"questions is {counts!r}; use {len(STEPS)} whole numbers from 1, for "
                f"the steps {', '.join(STEPS)}."
            )
        if len(self.answers) > sum(counts):
            raise FairtutorError(
                f"{len(self.answers)} answers to {sum(counts)} questions."
            )

    @property
    def left(self) -> int:
        """How many questions are still to be asked."""
        return sum(self.questions) - len(self.answers)

    @property
    def step(self) -> str | None:
        """Which weight is asked for now; ``None`` at the end."""
        return STEPS[self._at] if self.left else None

    @property
    def pair(self) -> tuple[RateCard, RateCard]:
        """The two cards to compare now.

        Raises
        ------
        FairtutorError
            All questions are answered.
        """
        self._require_question()
        low, high = self._interval(self._at)
        middle, card = (low + high) / 2, _CARDS[self._at]
        return card(middle - SPREAD), card(middle + SPREAD)

    def answered(self, first: bool) -> "Elicitation":
        """Return the series with one more answer.

        Parameters
        ----------
        first
            Whether the first card is better.

        Raises
        ------
        FairtutorError
            All questions are answered.
        """
        self._require_question()
        return replace(self, answers=(*self.answers, bool(first)))

    def undone(self) -> "Elicitation":
        """Return the series without its last answer."""
        return replace(self, answers=self.answers[:-1])

    @property
    def metric(self) -> FairMetric:
        """The metric that fits the answers so far: the middle of what is left."""
        middles = [sum(self._interval(step)) / 2 for step in range(len(STEPS))]
        return FairMetric(*map(_weight, range(len(STEPS)), middles))

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        """For a, b and λ, the lowest and highest value that fits the answers."""
        return tuple(
            tuple(sorted(_weight(step, end) for end in self._interval(step)))
            for step in range(len(STEPS))
        )

    def _require_question(self) -> None:
        if not self.left:
            raise FairtutorError("All questions are answered; undo one to go back.")

    @property
    def _at(self) -> int:
        """The step of the next question."""
        done = len(self.answers)
        return next(i for i in range(len(STEPS)) if done < sum(self.questions[: i + 1]))

    def _interval(self, step: int) -> tuple[float, float]:
        """Halve [0, π/2] by this step's answers."""
        before = sum(self.questions[:step])
        low, high = 0.0, math.pi / 2
        for first in self.answers[before : before + self.questions[step]]:
            middle = (low + high) / 2
            low, high = (low, middle) if first else (middle, high)
        return low, high


def elicit(
    oracle: Oracle, questions: Sequence[int] = QUESTIONS, votes: int = 1
) -> Elicitation:
    """Ask an oracle until its metric is clear.

    Parameters
    ----------
    oracle
        Called with two cards; whether the first is better.
    questions
        How many for each of :data:`STEPS`. With k questions a noise-free answer leaves
        its angle uncertain by at most 45° / 2^k.
    votes
        How often each is put, an odd number; the majority counts. For oracles that err
        at random.

    Returns
    -------
    Elicitation
        With all questions answered.

    Raises
    ------
    FairtutorError
        The number of votes is not odd.

    Notes
    -----
    The papers put four comparisons for each halving, because they rely on no more than
    that preference has a single peak on the curve. On a circle and with a linear metric
    one symmetric pair tells as much. Its two points stay far apart to the end, so that
    noise of size ε costs an angle of the order of ε, not of √ε.

    Examples
    --------
    >>> found = elicit(FairMetric(a=0.7, b=0.4, trade_off=0.5).prefers, (10, 10, 10))
    >>> metric = found.metric
    >>> round(metric.a, 2), round(metric.b, 2), round(metric.trade_off, 2)
    (0.7, 0.4, 0.5)
    """
    if type(votes) is not int or votes < 1 or votes % 2 == 0:
        raise FairtutorError(f"votes is {votes!r}; use an odd whole number.")
    asked = Elicitation(questions=tuple(questions))
    while asked.left:
        pair = asked.pair
        yes = sum(bool(oracle(*pair)) for _ in range(votes))
        asked = asked.answered(2 * yes > votes)
    return asked


def noisy(metric: FairMetric, scale: float, seed: int = 0) -> Oracle:
    """Return somebody who has a metric and errs, more often where it matters less.

    Parameters
    ----------
    metric
        What they go by.
    scale
        At a difference of this size the better card is named 73% of the time, at three
        times as much 95%.
    seed
        Of the errors.

    Returns
    -------
    callable

    References
    ----------
    Bradley & Terry (1952), "Rank analysis of incomplete block designs", Biometrika 39.

    Examples
    --------
    >>> asked = elicit(noisy(FairMetric(0.5, 0.5, 0.5), scale=0.01))
    >>> asked.left
    0
    """
    if not scale > 0:
        raise FairtutorError(f"scale is {scale!r}; use a number above 0.")
    generator = torch.Generator().manual_seed(seed)

    def oracle(first: RateCard, second: RateCard) -> bool:
        difference = metric.value(first) - metric.value(second)
        chance = 1 / (1 + math.exp(-max(-500.0, min(500.0, difference / scale))))
        return float(torch.rand((), generator=generator, dtype=torch.float64)) < chance

    return oracle


def _rates_card(theta: float) -> RateCard:
    """Leave no gap between the groups: only the kinds of error differ."""
    tp = RATE_CENTRE + RATE_RADIUS * math.cos(theta)
    tn = RATE_CENTRE + RATE_RADIUS * math.sin(theta)
    return RateCard((tp, tp), (tn, tn))


def _gaps_card(theta: float) -> RateCard:
    """Keep the rates on average: only the gaps differ."""
    gap_tp = GAP_CENTRE - GAP_RADIUS * math.cos(theta)
    gap_tn = GAP_CENTRE - GAP_RADIUS * math.sin(theta)
    return RateCard(
        (GAP_LEVEL + gap_tp / 2, GAP_LEVEL - gap_tp / 2),
        (GAP_LEVEL + gap_tn / 2, GAP_LEVEL - gap_tn / 2),
    )


def _trade_card(theta: float) -> RateCard:
    """Keep both rates alike and both gaps alike: the level against the gap."""
    level = TRADE_LEVEL + TRADE_LEVEL_RADIUS * math.cos(theta)
    gap = TRADE_GAP - TRADE_GAP_RADIUS * math.sin(theta)
    rates = (level + gap / 2, level - gap / 2)
    return RateCard(rates, rates)


_CARDS = (_rates_card, _gaps_card, _trade_card)


def _weight(step: int, theta: float) -> float:
    """Turn the angle of the best point into a weight from 0 to 1.

    On a circle the best point has the direction of the two weights. The trade-off's
    curve is an ellipse, whose axes are divided out.
    """
    x, y = math.cos(theta), math.sin(theta)
    if step == 2:
        level, gap = x / TRADE_LEVEL_RADIUS, y / TRADE_GAP_RADIUS
        return gap / (level + gap)
    return x / (x + y)


def _compared(weight: float, first: str, second: str) -> str:
    """Say how many times as much the first counts as the second, or the reverse."""
    if weight < 0.5:
        weight, first, second = 1 - weight, second, first
    ratio = weight / (1 - weight) if weight < 1 else math.inf
    first = first[0].upper() + first[1:]
    if ratio < 1.1:
        return f"{first} and {second} count about the same."
    if ratio > 20:
        return f"{first} counts, {second} hardly at all."
    return f"{first} counts {ratio:.1f} times as much as {second}."


def _exchange(trade_off: float) -> str:
    if trade_off > 0.95:
        return "To close a gap is worth almost any loss of correct decisions."
    points = 10 * trade_off / (1 - trade_off)
    return (
        f"To close a gap of 10 points is worth up to {points:.1f} points of correct "
        f"decisions (λ = {trade_off:.2f})."
    )
