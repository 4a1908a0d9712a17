"""The reader as the oracle: which would you rather have, until your metric is clear."""

from collections.abc import Callable, Sequence

from ipywidgets import HBox

from ..audit.elicitation import QUESTIONS, Elicitation, FairMetric, RateCard
from ..exchange.errors import FairtutorError
from ..exchange.html import table
from ..figures import Diagram, rate_cards
from .base import Panel, button
from .controls import WRAP
from .page import Board

ABOUT = {
    "rates": "the two kinds of error; both groups are treated alike",
    "gaps": "where a gap between the groups is worse; the averages are the same",
    "trade-off": "more right decisions against a smaller gap",
}
WEIGHTS = (
    ("a", "right approvals, against right refusals"),
    ("b", "the gap in right approvals, against that in right refusals"),
    ("λ", "the gaps, against right decisions"),
)


class ElicitationPanel(Panel):
    """Compare two models at a time; after the last pair your metric is written out.

    Parameters
    ----------
    groups
        The names of the two groups. Each is as large as the other in these questions.
    deserving, undeserving
        Descriptions of the two rates, each "of 100 …".
    questions
        How many for the rates, the gaps, and the trade-off between them.

    Attributes
    ----------
    asked : fairtutor.audit.elicitation.Elicitation
        The answers so far.

    Raises
    ------
    FairtutorError
        There are not two groups, or the numbers of questions are not three.

    Examples
    --------
    >>> panel = ElicitationPanel(("white", "black"))
    >>> panel.choose(first=True)
    >>> panel.value
    (True,)
    >>> panel.undo()
    >>> panel.asked.left
    10
    """

    def __init__(
        self,
        groups: Sequence[str] = ("group A", "group B"),
        deserving: str = "of 100 who would repay, approved:",
        undeserving: str = "of 100 who would not repay, refused:",
        questions: Sequence[int] = QUESTIONS,
    ) -> None:
        super().__init__("Which would you rather have?", "regulator")
        if len(groups) != 2:
            raise FairtutorError(f"{len(groups)} groups; this panel compares two.")
        self.groups, self._rates = tuple(groups), (deserving, undeserving)
        self.asked = Elicitation(questions=tuple(questions))
        self.first_button = self._button(
            "First", "The first card is better", lambda: self.choose(True), "primary"
        )
        self.second_button = self._button(
            "Second", "The second card is better", lambda: self.choose(False), "primary"
        )
        self.undo_button = self._button("Undo", "Take back the last answer", self.undo)
        self.reset_button = self._button("Start over", "Forget all answers", self.reset)
        buttons = [
            self.first_button,
            self.second_button,
            self.undo_button,
            self.reset_button,
        ]
        self._board = Board()
        self.fill([self._board, HBox(buttons, layout=WRAP)], [])
        self.show()

    def _button(
        self, text: str, tooltip: str, action: Callable[[], None], style: str = ""
    ):
        made = button(text, tooltip, style=style)
        self.on_click(made, action)
        return made

    @property
    def value(self) -> tuple[bool, ...]:
        """The answers, whether the first card was better; settable.

        Raises
        ------
        FairtutorError
            There are more answers than questions.
        """
        return self.asked.answers

    @value.setter
    def value(self, answers: Sequence[bool]) -> None:
        self.asked = Elicitation(tuple(map(bool, answers)), self.asked.questions)
        self.show()

    @property
    def metric(self) -> FairMetric:
        """The metric that fits the answers so far."""
        return self.asked.metric

    def choose(self, first: bool) -> None:
        """Answer the question that is shown.

        Parameters
        ----------
        first
            Whether the first card is better.

        Raises
        ------
        FairtutorError
            All questions are answered.
        """
        self.asked = self.asked.answered(first)
        self.show()

    def undo(self) -> None:
        """Take back the last answer; without one, nothing happens."""
        self.asked = self.asked.undone()
        self.show()

    def reset(self) -> None:
        """Forget all answers."""
        self.value = ()

    def show(self) -> None:
        """Show the next pair, or the metric once all questions are answered."""
        asked = self.asked
        if asked.left:
            number, total = len(asked.answers) + 1, sum(asked.questions)
            self.status = f"Question {number} of {total}: {ABOUT[asked.step]}."
            self._board.value = (
                f'<div data-question="{number}">{self._pair().html()}</div>'
            )
        else:
            self.status = f"Your metric. {self.metric.words()}"
            self._board.value = f'<div data-question="done">{self._weights()}</div>'

    def static_html(self) -> str:
        """Return the pair or the metric, as HTML that needs no kernel."""
        return self._pair().image() if self.asked.left else self._weights()

    def _pair(self) -> Diagram:
        first, second = self.asked.pair
        cards = {"First": self._card(first), "Second": self._card(second)}
        return rate_cards(cards, self.groups, "Which would you rather have?")

    def _card(self, card: RateCard) -> dict[str, tuple[float, float]]:
        rates = card.true_positive, card.true_negative
        return dict(zip(self._rates, rates, strict=True))

    def _weights(self) -> str:
        metric = self.metric
        rows = [
            (name, meaning, f"{value:.2f}", f"{low:.2f} to {high:.2f}")
            for (name, meaning), value, (low, high) in zip(
                WEIGHTS,
                (metric.a, metric.b, metric.trade_off),
                self.asked.ranges,
                strict=True,
            )
        ]
        return table(("", "weight of", "yours", "what fits your answers"), rows)
