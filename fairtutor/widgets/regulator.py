"""The data regulator's panel: build the criteria, publish them, read the report."""

from html import escape
from itertools import combinations

from ipywidgets import (
    HTML,
    BoundedFloatText,
    Checkbox,
    Dropdown,
    FloatSlider,
    HBox,
    IntSlider,
    Layout,
    Text,
    VBox,
    Widget,
)

from ..data import Dataset
from ..entities import DataRegulator
from ..exchange import (
    METRICS,
    AuditReport,
    Criterion,
    FairnessCriteria,
    FairtutorError,
    Representation,
    Submission,
)
from ..figures import audit_findings
from .base import Panel, button
from .controls import WRAP


class CriterionRow(HBox):
    """One metric as a row: whether it is asked for, of which groups, how strictly.

    Parameters
    ----------
    metric
        A name in :data:`fairtutor.exchange.METRICS`.
    attributes
        What can be compared, in words, by attribute names.

    Examples
    --------
    >>> row = CriterionRow("accuracy", {"sex": ("sex",)})
    >>> row.asked.value = True
    >>> str(row.criterion())
    'accuracy ≥ 0.8'
    """

    def __init__(self, metric: str, attributes: dict[str, tuple[str, ...]]) -> None:
        spec = METRICS[metric]
        self.metric = metric
        self.asked = Checkbox(
            description=spec.title,
            indent=False,
            tooltip=spec.question,
            layout=Layout(width="250px"),
        )
        self.compared = Dropdown(
            options=list(attributes.items())
            if spec.names_attribute
            else [("everyone", ())],
            description="between",
            tooltip="Which groups are compared",
            disabled=not spec.names_attribute,
            layout=Layout(width="260px"),
        )
        self.tolerance = BoundedFloatText(
            value=0.8 if spec.at_least else 0.1,
            min=0,
            max=1,
            step=0.01,
            description="at least" if spec.at_least else "at most",
            tooltip="The tolerance, from 0 to 1",
            layout=Layout(width="180px"),
        )
        super().__init__([self.asked, self.compared, self.tolerance], layout=WRAP)
        self.layout.padding = "0 10px"

    def criterion(self) -> Criterion | None:
        """Return the criterion of this row, or None if it is not asked for."""
        if not self.asked.value:
            return None
        return Criterion(self.metric, self.tolerance.value, self.compared.value or None)

    def set(self, criterion: Criterion | None) -> None:
        """Set the row from a criterion, or to not asked for."""
        self.asked.value = criterion is not None
        if criterion is not None:
            self.tolerance.value = criterion.tolerance
            self.compared.value = criterion.attribute or ()

    @property
    def widgets(self) -> list[Widget]:
        """The controls that can be used at all."""
        usable = [self.asked, self.tolerance]
        return (
            [*usable, self.compared] if METRICS[self.metric].names_attribute else usable
        )


class RegulatorPanel(Panel):
    """Write criteria as one document, publish it, and audit what comes back.

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
    rows : dict of str to CriterionRow
        The controls of each metric.
    name, confidence, rounds, publish_button
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
        attributes = _comparable(dataset)
        self.rows = {metric: CriterionRow(metric, attributes) for metric in METRICS}
        self._make_controls()
        self._document = HTML(layout=Layout(margin="6px 10px"))
        self._answer = HTML(layout=Layout(margin="0 10px"))
        self.fill(
            [
                VBox(list(self.rows.values())),
                HBox([self.name, self.confidence, self.rounds], layout=WRAP),
                self._document,
                HBox([self.publish_button], layout=WRAP),
            ],
            [self._answer],
        )
        self.on_click(self.publish_button, self.publish)
        for control in self._controls():
            control.observe(self.guard(self.show), names="value")
        self.criteria = criteria or _default(dataset)

    @property
    def criteria(self) -> FairnessCriteria:
        """The document that the controls make up; settable until it is published.

        Raises
        ------
        FairtutorError
            No metric is ticked; or, when setting, the criteria are published, use a
            metric twice, or compare groups that this data set does not have.
        """
        if self.regulator is not None:
            return self.regulator.criteria
        metrics = sorted(METRICS, key=self._place)
        asked = (self.rows[metric].criterion() for metric in metrics)
        return FairnessCriteria(
            tuple(criterion for criterion in asked if criterion is not None),
            name=self.name.value,
            confidence=self.confidence.value,
            rounds=self.rounds.value,
            **self._kept,
        )

    @criteria.setter
    def criteria(self, criteria: FairnessCriteria) -> None:
        self._require_unpublished()
        by_metric = {criterion.metric: criterion for criterion in criteria.criteria}
        if len(by_metric) < len(criteria.criteria):
            raise FairtutorError(
                "This panel has one row a metric, and the criteria use one twice; give "
                "them to DataRegulator(criteria, dataset) instead."
            )
        DataRegulator(criteria, self.dataset)  # refuses what this data set cannot do
        self._order = list(by_metric)
        self._kept = {
            name: getattr(criteria, name)
            for name in ("threshold", "min_group_size", "neighbours", "distance")
        }
        for metric, row in self.rows.items():
            row.set(by_metric.get(metric))
        self.name.value, self.rounds.value = criteria.name, criteria.rounds
        self.confidence.min = min(self.confidence.min, criteria.confidence)
        self.confidence.max = max(self.confidence.max, criteria.confidence)
        self.confidence.value = criteria.confidence
        self.show()

    def publish(self) -> FairnessCriteria:
        """Publish the document: from now on it is fixed.

        Returns
        -------
        FairnessCriteria

        Raises
        ------
        FairtutorError
            It is published already, or asks for nothing.
        """
        self._require_unpublished()
        self.regulator = DataRegulator(self.criteria, self.dataset)
        for control in [*self._controls(), self.publish_button]:
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

    def show(self) -> None:
        """Bring document, report and status line in line with the state."""
        try:
            self._document.value = self.criteria._repr_html_()
        except FairtutorError as problem:  # while someone is still choosing
            self._document.value = f"<p>Not a document yet: {escape(str(problem))}</p>"
        if self.report is not None:
            picture = audit_findings(self.report).html()
            self._answer.value = self.report._repr_html_() + picture
        self.status = self._where_things_stand()

    def static_html(self) -> str:
        """Return document and report, as HTML that needs no kernel."""
        return self._document.value + self._answer.value

    def _place(self, metric: str) -> int:
        """Return where a metric stands: first those that were set, in their order."""
        order = [*self._order, *(name for name in METRICS if name not in self._order)]
        return order.index(metric)

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
        self.name = Text(description="name", tooltip="What the document is called")
        self.confidence = FloatSlider(
            min=0.8,
            max=0.99,
            step=0.01,
            readout_format=".0%",
            description="confidence",
            tooltip="The chance that all intervals of all rounds hold",
        )
        self.rounds = IntSlider(
            min=1,
            max=self.dataset.num_audits,
            description="rounds",
            tooltip="How many audits share the error budget",
        )
        self.publish_button = button(
            "Publish", "Fix the criteria and hand them to the producer", style="primary"
        )

    def _controls(self) -> list[Widget]:
        of_rows = [widget for row in self.rows.values() for widget in row.widgets]
        return [*of_rows, self.name, self.confidence, self.rounds]


def _comparable(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Return each attribute and each pair of them, by its name in words."""
    names = [attribute.name for attribute in dataset.attributes]
    singles = [(name,) for name in names]
    return {" × ".join(key): key for key in [*singles, *combinations(names, 2)]}


def _default(dataset: Dataset) -> FairnessCriteria:
    first = dataset.attributes[0].name
    criterion = Criterion("selection_rate_difference", 0.1, first)
    return FairnessCriteria((criterion,), rounds=min(5, dataset.num_audits))
