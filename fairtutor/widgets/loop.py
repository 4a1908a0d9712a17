"""The loop's panel: go round step by step, and watch the trail of rounds grow."""

from collections.abc import Callable
from threading import Event

from ipywidgets import HTML, HBox, Layout

from ..data import Dataset
from ..entities import ClosedLoop, DataProducer, DataUser, Round
from ..exchange import AuditReport, FairnessCriteria, FairtutorError, Refused
from ..exchange.errors import did_you_mean
from ..exchange.html import table
from ..exchange.report import SYMBOLS
from ..figures import (
    Diagram,
    TrailPoint,
    fairness_utility_trail,
    loop_diagram,
    trail_points,
)
from ..figures.trail import followed_finding
from .base import Panel, button
from .controls import WRAP, ProducerControls, UserControls
from .page import Board
from .training_view import TrainingView

STEPS = ("criteria", "representation", "submission", "report")
NEXT = {
    "criteria": "Next: publish criteria",
    "representation": "Next: make representation",
    "submission": "Next: train model",
    "report": "Next: audit",
}


class LoopPanel(Panel):
    """Choose a producer and a user, go round, and see what passed along each arrow.

    An arrow that is clicked, or pressed with Enter, shows what it carried.

    Parameters
    ----------
    dataset
        With its audit batches; each round uses one up.
    criteria
        What the regulator publishes.
    producer, user
        The settings to start from.

    Attributes
    ----------
    loop : ClosedLoop
        With its rounds and reports.
    round_button, step_button, stop_button, reset_button
        To press from code, with ``.click()``.
    producer_controls, user_controls, training
        What else it is made of.

    Examples
    --------
    >>> from fairtutor import Criterion, load
    >>> criterion = Criterion("selection_rate_difference", 0.1, "sex")
    >>> criteria = FairnessCriteria((criterion,), rounds=2)
    >>> panel = LoopPanel(load("german"), criteria, DataProducer("erasure"))
    >>> panel.run_round()
    >>> panel.wait()
    >>> len(panel.reports), panel.rounds_left
    (1, 1)
    """

    def __init__(
        self,
        dataset: Dataset,
        criteria: FairnessCriteria,
        producer: DataProducer | None = None,
        user: DataUser | None = None,
    ) -> None:
        super().__init__("The closed loop", "loop")
        self.dataset, self.criteria = dataset, criteria
        self.producer_controls = ProducerControls(producer)
        self.user_controls = UserControls(user)
        self.training = TrainingView("producer")
        self._drawing = Board()
        self._drawing.on_pick(self.heard(self._pick))
        self._content = HTML(layout=Layout(margin="0 10px"))
        self._trail = HTML(layout=Layout(margin="0 10px"))
        self._make_buttons()
        buttons = [
            self.round_button,
            self.step_button,
            self.stop_button,
            self.reset_button,
        ]
        self.fill(
            [
                self._drawing,
                self._content,
                self.producer_controls,
                self.user_controls,
                HBox(buttons, layout=WRAP),
            ],
            [self.training, self._trail],
        )
        for pressed, action in (
            (self.round_button, self.run_round),
            (self.step_button, self.run_step),
            (self.reset_button, self.reset),
        ):
            self.on_click(pressed, action)
        self._begin()

    # ------------------------------------------------------------ state

    @property
    def producer(self) -> DataProducer:
        """A producer with the settings of the controls; settable."""
        return self.producer_controls.value

    @producer.setter
    def producer(self, producer: DataProducer) -> None:
        self.producer_controls.value = producer

    @property
    def user(self) -> DataUser:
        """A user with the settings of the controls; settable."""
        return self.user_controls.value

    @user.setter
    def user(self, user: DataUser) -> None:
        self.user_controls.value = user

    @property
    def rounds(self) -> list[Round]:
        """The rounds that are over."""
        return self.loop.rounds

    @property
    def reports(self) -> list[AuditReport]:
        """The report of each round that is over."""
        return [round_.report for round_ in self.rounds]

    @property
    def rounds_left(self) -> int:
        """How many audit batches nobody has seen an answer on."""
        return self.loop.regulator.rounds_left

    @property
    def shown(self) -> str | None:
        """The arrow whose contents are shown, by name, or None; settable.

        Raises
        ------
        FairtutorError
            No arrow is called that.
        """
        return self._shown

    @shown.setter
    def shown(self, arrow: str | None) -> None:
        if arrow is not None and arrow not in STEPS:
            raise FairtutorError(
                f"No arrow of the loop is called {arrow!r}. "
                + did_you_mean(arrow, STEPS)
            )
        self._shown, self._travelling = arrow, None
        self.show()

    @property
    def next_step(self) -> str:
        """What travels next: criteria, representation, submission or report."""
        return STEPS[len(self._passed) % len(STEPS)]

    # ------------------------------------------------------------ actions

    def run_round(self) -> None:
        """Go round, or finish a round begun step by step; :meth:`wait` waits.

        Raises
        ------
        Refused
            The audit batches are used up.
        FairtutorError
            Training is under way already.
        """
        self._run(steps=len(STEPS) - STEPS.index(self.next_step))

    def run_step(self) -> None:
        """Take the next of the four steps; raises as :meth:`run_round` does."""
        self._run(steps=1)

    def reset(self) -> None:
        """Start again with the same data and criteria; the trail is cleared.

        Raises
        ------
        FairtutorError
            Training is under way.
        """
        if self.busy:
            raise FairtutorError("Training is under way: press Stop before Reset.")
        self._begin()
        self.status = (
            "Started again. The audit batches hold the same rows as before: whoever "
            "remembers the earlier reports has seen them."
        )

    def _run(self, steps: int) -> None:
        if self.rounds_left == 0:
            raise Refused(self._where_things_stand())
        producer, user = self.producer, self.user

        def work(stop: Event) -> None:
            for _ in range(steps):
                self._take_step(producer, user, stop)

        self.start(work)

    def _take_step(self, producer: DataProducer, user: DataUser, stop: Event) -> None:
        step = self.next_step
        if step == "criteria":
            self._passed, self._made = {}, {}
        self._made[step], words = self._step(step, producer, user, stop)
        self._passed[step] = words
        self._travelling = step
        self.show()

    def _step(
        self, step: str, producer: DataProducer, user: DataUser, stop: Event
    ) -> tuple[object, str]:
        """Do one step; return what was made and, in a few words, what passed."""
        made, regulator = self._made, self.loop.regulator
        if step == "criteria":
            criteria = regulator.publish()
            return criteria, "; ".join(map(str, criteria.criteria))
        if step == "representation":
            self._made["producer"] = str(producer)
            watch = self._watch("producer", stop)
            z = producer.produce(made["criteria"], self.loop.view, **watch)
            self.training.show()
            return z, f"{producer}, {z.width} → {z.output_width} features"
        if step == "submission":
            self._made["user"] = str(user)
            watch = self._watch("user", stop)
            submission = user.train(made["representation"], self.loop.view, **watch)
            self.training.show()
            return submission, f"{user}, fingerprint {submission.fingerprint[:8]}"
        report = regulator.audit(made["representation"], made["submission"])
        self.rounds.append(Round(number=report.number, report=report, **made))
        return report, _report_in_words(report)

    def _watch(self, entity: str, stop: Event) -> dict[str, object]:
        self.training.begin(entity)
        self.status = f"Round {len(self.rounds) + 1}: the data {entity} is training."
        on_epoch: Callable = self.training.on_epoch
        return {"progress": False, "stop": stop, "on_epoch": on_epoch}

    # ------------------------------------------------------------ what is shown

    def show(self) -> None:
        """Bring drawing, trail and status line in line with the state."""
        self._drawing.value = self._diagram(self._travelling, pickable=True).html()
        self._content.value = self._content_html()
        if self._drawn != len(self.rounds):  # a tenth of a second, not at every step
            self._trail.value, self._drawn = self._trail_html(), len(self.rounds)
        self.step_button.description = NEXT[self.next_step]
        self.status = self._where_things_stand()

    def static_html(self) -> str:
        """Return drawing, trail and table, as HTML that needs no kernel."""
        shown = "" if self._shown is None else self._content_html()
        return self._diagram().image() + shown + self._trail.value

    def _diagram(
        self, travelling: str | None = None, pickable: bool = False
    ) -> Diagram:
        number = len(self.rounds) + ("report" not in self._passed)
        return loop_diagram(
            self._passed,
            f"Round {number} of {self.criteria.rounds}",
            shown=self._shown,
            travelling=travelling,
            pickable=pickable,
        )

    def _content_html(self) -> str:
        """Return what the chosen arrow carried, as the thing shows itself."""
        arrow = self._shown
        if arrow is None:
            inside = (
                "<em>Click an arrow, or press Enter on it: see what it carries.</em>"
            )
        elif arrow in self._passed:
            inside = self._made[arrow]._repr_html_()
        else:
            inside = f"<em>The {arrow} has not been passed on in this round.</em>"
        return f'<div data-shown="{arrow or ""}">{inside}</div>'

    def _pick(self, arrow: str) -> None:
        """Show what an arrow carried; picked again, hide it."""
        self.shown = None if arrow == self._shown else arrow

    def _trail_html(self) -> str:
        """Return picture and table of all rounds; a browser test counts the rounds."""
        inside = ""
        if self.rounds:
            points = trail_points(self.reports)
            rows = list(map(_table_row, self.rounds, points))
            gap = followed_finding(self.reports[0]).criterion.spec.title
            header = ("round", "producer", "user", gap, "accuracy", "all criteria")
            picture = fairness_utility_trail(self.reports).html()
            inside = picture + table(header, rows)
        count = len(self.rounds)
        return f'<div class="fairtutor-trail" data-rounds="{count}">{inside}</div>'

    def _where_things_stand(self) -> str:
        planned = self.criteria.rounds
        if self.rounds_left == 0:
            return (
                f"All {planned} audit batches are used up. Another audit would reuse "
                "rows that earlier reports depended on, and its verdict would mean "
                "nothing. Reset starts again."
            )
        return (
            f"{self.rounds_left} of {planned} rounds left, each on audit rows that "
            "nobody has seen an answer on."
        )

    def _say_stopped(self) -> None:
        self.status = "Stopped. What had been passed on before stands."

    def _begin(self) -> None:
        self.loop = ClosedLoop(self.dataset, self.criteria)
        self._drawn: int | None = None  # how many rounds the trail shows
        self._shown: str | None = None
        self._travelling: str | None = None
        self._passed: dict[str, str] = {}
        self._made: dict[str, object] = {}
        self.training.begin("producer")
        self.show()

    def _make_buttons(self) -> None:
        self.round_button = button(
            "Full round", "Go round once, up to the report", style="primary"
        )
        self.step_button = button(NEXT["criteria"], "Take the next of the four steps")
        self.reset_button = button("Reset", "Start again from the first round")


def _report_in_words(report: AuditReport) -> str:
    finding = followed_finding(report)
    return (
        f"{SYMBOLS[report.verdict]} {report.verdict}: "
        f"{finding.criterion.spec.title} {finding.estimate:.3f}, "
        f"accuracy {report.accuracy[0]:.3f}"
    )


def _table_row(round_: Round, point: TrailPoint) -> tuple[object, ...]:
    verdict = round_.report.verdict
    return (
        round_.number,
        round_.producer,
        round_.user,
        "{:.3f} ({:.3f} to {:.3f})".format(*point.gap),
        "{:.3f} ({:.3f} to {:.3f})".format(*point.accuracy),
        f"{SYMBOLS[verdict]} {verdict}",
    )
