"""The data regulator's panel: build the criteria, publish them, read the report."""

from html import escape

from ipywidgets import HTML, HBox, Layout, Text, Textarea, Widget

from ..data import Dataset
from ..entities import DataRegulator
from ..exchange import (
    AuditReport,
    Criterion,
    FairnessCriteria,
    FairtutorError,
    Representation,
    Submission,
)
from ..exchange.prose import prose_html
from ..figures import audit_findings
from .base import Panel, button
from .controls import WRAP
from .criteria_builder import CriteriaBuilder, CriterionRow, comparable

SCROLLED = (
    "max-height:340px;overflow:auto;border:1px solid #8888;padding:4px 10px;"
    "line-height:1.4;font-size:14px"
)


class RegulatorPanel(Panel):
    """Write criteria as one document, publish it, and audit what comes back.

    Whatever changes, the document and its words follow at once. A document that
    somebody else wrote can be pasted as JSON.

    Parameters
    ----------
    dataset
        With its audit batches.
    criteria
        What to start from; by default equal selection rates, within 0.1, for the
        first sensitive attribute.

    Attributes
    ----------
    regulator : DataRegulator or None
        From publishing on.
    report : AuditReport or None
        The last one.
    builder : CriteriaBuilder
        All controls of the document.
    pasted, load_button, publish_button
        The other controls.

    Examples
    --------
    >>> from fairtutor import load
    >>> panel = RegulatorPanel(load("german"))
    >>> panel.rows["accuracy"].asked.value = True
    >>> [criterion.metric for criterion in panel.criteria.criteria]
    ['selection_rate_difference', 'accuracy']
    """

    def __init__(
        self, dataset: Dataset, criteria: FairnessCriteria | None = None
    ) -> None:
        super().__init__("data regulator", "regulator")
        self.dataset = dataset
        self.regulator: DataRegulator | None = None
        self.report: AuditReport | None = None
        self.builder = CriteriaBuilder(dataset)
        self._make_controls()
        wide = Layout(flex="1 1 400px", margin="0")
        self._table = HTML(layout=Layout(margin="6px 10px"))
        self._words, self._document = HTML(layout=wide), HTML(layout=wide)
        self._answer, self._drawn = HTML(layout=Layout(margin="0 10px")), None
        self.fill(
            [
                self.builder,
                self._table,
                HBox([self._words, self._document], layout=WRAP),
                HBox([self.pasted, self.load_button], layout=WRAP),
                HBox([self.publish_button], layout=WRAP),
            ],
            [self._answer],
        )
        self.on_click(self.load_button, lambda: self.load(self.pasted.value))
        self.on_click(self.publish_button, self.publish)
        self._setting = False
        self.builder.on_change(self.guard(self._follow))
        self.criteria = criteria or _default(dataset)

    # ------------------------------------------------------------ the document

    @property
    def criteria(self) -> FairnessCriteria:
        """The document that the controls make up; settable until it is published.

        Raises
        ------
        FairtutorError
            No metric is ticked; or, when setting, the criteria are published, use a
            metric twice, or compare groups that this data set does not have.
        """
        return self.builder.value if self.regulator is None else self.regulator.criteria

    @criteria.setter
    def criteria(self, criteria: FairnessCriteria) -> None:
        self._require_unpublished()
        self.builder.by_metric(criteria)  # refuses what has no row of its own, and
        DataRegulator(criteria, self.dataset)  # what this data set cannot do
        self._setting = True
        try:
            self.builder.value = criteria
        finally:
            self._setting = False
        self.show()

    def load(self, text: str) -> FairnessCriteria:
        """Read a document from JSON and set the controls to it.

        Parameters
        ----------
        text
            As :meth:`fairtutor.FairnessCriteria.to_json` writes it.

        Returns
        -------
        FairnessCriteria

        Raises
        ------
        FairtutorError
            It is not valid, does not fit this data set, or the criteria are published.
        """
        self.criteria = FairnessCriteria.from_json(text)
        return self.criteria

    def publish(self) -> FairnessCriteria:
        """Publish the document: from now on it is fixed.

        Returns
        -------
        FairnessCriteria

        Raises
        ------
        FairtutorError
            It is published already, asks for nothing, or for what this data set does
            not have.
        """
        self._require_unpublished()
        self.regulator = DataRegulator(self.criteria, self.dataset)
        for control in self._controls():
            control.disabled = True
        self.show()
        return self.regulator.publish()

    def audit(
        self, representation: Representation, submission: Submission
    ) -> AuditReport:
        """Audit what came back on the next batch, and show the report.

        Parameters
        ----------
        representation, submission
            From the producer and the user.

        Returns
        -------
        AuditReport

        Raises
        ------
        FairtutorError
            Nothing has been published yet.
        Refused
            As for :meth:`fairtutor.DataRegulator.audit`.
        """
        if self.regulator is None:
            raise FairtutorError("Publish the criteria before anything is audited.")
        self.report = self.regulator.audit(representation, submission)
        self.show()
        return self.report

    # ------------------------------------------------------------ what is shown

    def show(self) -> None:
        """Bring document, report and status line in line with the state."""
        try:
            criteria = self.criteria
        except FairtutorError as problem:  # while someone is still choosing
            self._table.value = f"<p>Not a document yet: {escape(str(problem))}</p>"
            self._words.value = self._document.value = ""
        else:
            self._table.value = criteria._repr_html_()
            self._words.value = _region("In words", prose_html(criteria, level=4))
            text = f'<pre style="margin:0">{escape(criteria.to_json())}</pre>'
            self._document.value = _region("The document, as JSON", text)
        if self.report is not self._drawn:  # drawing is slow, so once a report
            picture = audit_findings(self.report).html()
            self._answer.value = self.report._repr_html_() + picture
            self._drawn = self.report
        self.status = self._where_things_stand()

    def static_html(self) -> str:
        """Return document and report, as HTML that needs no kernel."""
        return self._table.value + self._words.value + self._answer.value

    @property
    def rows(self) -> dict[str, CriterionRow]:
        """The controls of each metric."""
        return self.builder.rows

    @property
    def name(self) -> Text:
        """What the document is called."""
        return self.builder.name

    @property
    def confidence(self) -> Widget:
        """The chance that all intervals of all rounds hold."""
        return self.builder.options["confidence"]

    @property
    def rounds(self) -> Widget:
        """How many audits share the error budget."""
        return self.builder.rounds

    def _follow(self) -> None:
        if not self._setting:
            self.show()

    def _where_things_stand(self) -> str:
        if self.regulator is None:
            return "A draft: nothing is published yet."
        left, all_of_them = self.regulator.rounds_left, self.criteria.rounds
        return (
            f"Published, fingerprint {self.criteria.fingerprint[:12]}. "
            f"{left} of {all_of_them} audit batches left."
        )

    def _require_unpublished(self) -> None:
        if self.regulator is not None:
            raise FairtutorError(
                "These criteria are published and can no longer change; make a new "
                "RegulatorPanel to start again."
            )

    def _make_controls(self) -> None:
        self.pasted = Textarea(
            description="JSON",
            placeholder="Paste a criteria document here, then press Load",
            tooltip="A criteria document, as JSON",
            rows=3,
            style={"description_width": "40px"},
            layout=Layout(flex="1 1 300px"),
        )
        self.load_button = button("Load", "Set all controls to the pasted document")
        self.publish_button = button(
            "Publish", "Fix the criteria and hand them to the producer", style="primary"
        )

    def _controls(self) -> list[Widget]:
        return [
            *self.builder.controls,
            self.pasted,
            self.load_button,
            self.publish_button,
        ]


def _region(title: str, content: str) -> str:
    """Return a scrolled box that the keyboard can reach and scroll."""
    return (
        f'<div role="region" tabindex="0" aria-label="{title}" style="{SCROLLED}">'
        f"{content}</div>"
    )


def _default(dataset: Dataset) -> FairnessCriteria:
    compared = next(iter(comparable(dataset).values()), None)
    criterion = (
        Criterion("selection_rate_difference", 0.1, compared)
        if compared
        else Criterion("accuracy", 0.8)
    )
    return FairnessCriteria((criterion,), rounds=min(5, max(1, dataset.num_audits)))
