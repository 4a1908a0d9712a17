"""The controls that a criteria document is built with, one row a metric."""

from collections.abc import Callable, Mapping
from html import escape
from itertools import combinations

from ipywidgets import (
    HTML,
    BoundedFloatText,
    BoundedIntText,
    Box,
    Checkbox,
    Dropdown,
    HBox,
    IntSlider,
    Layout,
    Text,
    VBox,
    Widget,
)

from ..data import Dataset
from ..exchange import METRICS, Criterion, FairnessCriteria, FairtutorError
from ..exchange.values import NUMBERS
from .controls import WRAP

Options = Mapping[str, tuple[str, ...]]

KINDS = {
    "group": "Between groups",
    "individual": "Between people",
    "representation": "In the representation",
    "utility": "Usefulness",
}
# What the choice of an attribute is called, by the metric's kind.
CHOOSES = {
    "group": ("between", "Which groups are compared"),
    "individual": ("set anew", "Which columns are set to all their values"),
    "representation": ("to tell", "Which groups the probes try to tell apart"),
}
OPTIONS = {
    "confidence": "The chance that all intervals of all rounds hold",
    "threshold": "The probability from which a decision is positive",
    "min_group_size": "A group with fewer audit rows is not judged",
    "neighbours": "How many people consistency compares each person with",
    "cells": "Into how many cells same cell, same treatment divides people",
    "lipschitz": "L: how far probabilities may differ, per distance of two people",
}
INTERVALS = {
    "score: as sure as stated on average": "score",
    "exact: always, and wider": "exact",
}


class CriterionRow(HBox):
    """One metric as a row: whether it is asked for, of what, of whom, how strictly.

    Parameters
    ----------
    metric
        A name in :data:`fairtutor.exchange.METRICS`.
    attributes
        What can be compared, in words, by attribute names; if it is empty, a metric
        that must name one cannot be asked for.

    Attributes
    ----------
    asked, compared, score, tolerance
        The controls; those without a choice are not shown.

    Examples
    --------
    >>> row = CriterionRow("accuracy", {"sex": ("sex",)})
    >>> row.asked.value = True
    >>> str(row.criterion())
    'accuracy ≥ 0.8'
    """

    def __init__(self, metric: str, attributes: Options) -> None:
        spec = METRICS[metric]
        self.metric, self.possible = (
            metric,
            bool(attributes) or not spec.names_attribute,
        )
        self.asked = Checkbox(
            description=spec.title,
            indent=False,
            tooltip=spec.question,
            disabled=not self.possible,
            layout=Layout(width="235px"),
        )
        between, what = CHOOSES.get(spec.kind, ("", ""))
        self.compared = Dropdown(
            options=list(attributes.items())
            if spec.names_attribute and attributes
            else [("everyone", ())],
            description=between,
            tooltip=what,
            layout=Layout(width="265px"),
        )
        self.score = Dropdown(
            options=list(spec.scores),
            description="of",
            tooltip="What is scored of each person",
            style={"description_width": "20px"},
            layout=Layout(width="150px"),
        )
        self.tolerance = BoundedFloatText(
            value=_usual_tolerance(metric),
            min=0,
            max=1,
            step=0.01,
            description="at least" if spec.at_least else "at most",
            tooltip="The tolerance, from 0 to 1",
            disabled=not self.possible,
            style={"description_width": "55px"},
            layout=Layout(width="140px"),
        )
        super().__init__(
            [
                self.asked,
                self.compared if self._has_choice(self.compared) else _gap("265px"),
                self.score if self._has_choice(self.score) else _gap("150px"),
                self.tolerance,
            ],
            layout=Layout(flex_flow="row wrap", padding="0 10px"),
        )

    def criterion(self) -> Criterion | None:
        """Return the criterion of this row, or None if it is not asked for."""
        if not self.asked.value:
            return None
        attribute = self.compared.value or None
        return Criterion(self.metric, self.tolerance.value, attribute, self.score.value)

    def set(self, criterion: Criterion | None) -> None:
        """Set the row from a criterion, or to not asked for."""
        self.asked.value = criterion is not None
        if criterion is None:
            return
        self.tolerance.value, self.score.value = criterion.tolerance, criterion.score
        names = criterion.attribute or ()
        if names not in [value for _, value in self.compared.options]:
            self.compared.options = [*self.compared.options, (" × ".join(names), names)]
        self.compared.value = names

    @property
    def widgets(self) -> list[Widget]:
        """The controls that can be used at all."""
        if not self.possible:
            return []
        choices = [w for w in (self.compared, self.score) if self._has_choice(w)]
        return [self.asked, *choices, self.tolerance]

    def _has_choice(self, control: Dropdown) -> bool:
        spec = METRICS[self.metric]
        if control is self.score:
            return len(spec.scores) > 1
        return spec.names_attribute and self.possible


class CriteriaBuilder(VBox):
    """All controls of a criteria document.

    Parameters
    ----------
    dataset
        Whose attributes and columns are offered.

    Attributes
    ----------
    rows : dict of str to CriterionRow
        By metric.
    name, rounds, intervals
        The other controls, and
    options : dict of str to BoundedFloatText or BoundedIntText
        confidence, threshold, min_group_size, neighbours, cells and lipschitz. They
        hold every digit, which a slider in a browser would round.

    Examples
    --------
    >>> from fairtutor import load
    >>> builder = CriteriaBuilder(load("german"))
    >>> builder.value = FairnessCriteria((Criterion("accuracy", 0.7),), cells=20)
    >>> builder.options["cells"].value
    20
    """

    def __init__(self, dataset: Dataset) -> None:
        groups, columns = comparable(dataset), settable(dataset)
        self.rows = {
            metric: CriterionRow(
                metric, columns if spec.kind == "individual" else groups
            )
            for metric, spec in METRICS.items()
        }
        self._make_controls(dataset)
        self._order: list[str] = []
        self._distance = "euclidean"
        super().__init__(
            [
                *(self._of_kind(kind, title, dataset) for kind, title in KINDS.items()),
                _heading("For all of them"),
                HBox([self.name, self.rounds], layout=WRAP),
                HBox([*self.options.values(), self.intervals], layout=WRAP),
            ]
        )

    @property
    def value(self) -> FairnessCriteria:
        """The document that the controls make up; settable.

        Raises
        ------
        FairtutorError
            No metric is ticked; or, when setting, one is used twice.
        """
        metrics = [*self._order, *(name for name in METRICS if name not in self._order)]
        asked = (self.rows[metric].criterion() for metric in metrics)
        return FairnessCriteria(
            tuple(criterion for criterion in asked if criterion is not None),
            name=self.name.value,
            rounds=self.rounds.value,
            intervals=self.intervals.value,
            distance=self._distance,
            **{key: control.value for key, control in self.options.items()},
        )

    @value.setter
    def value(self, criteria: FairnessCriteria) -> None:
        by_metric = self.by_metric(criteria)
        self._order, self._distance = list(by_metric), criteria.distance
        for metric, row in self.rows.items():
            row.set(by_metric.get(metric))
        self.name.value, self.rounds.value = criteria.name, criteria.rounds
        self.intervals.value = criteria.intervals
        for key, control in self.options.items():
            control.value = getattr(criteria, key)

    @staticmethod
    def by_metric(criteria: FairnessCriteria) -> dict[str, Criterion]:
        """Return each metric's criterion, in the document's order.

        Raises
        ------
        FairtutorError
            One metric is used twice.
        """
        found = {criterion.metric: criterion for criterion in criteria.criteria}
        if len(found) < len(criteria.criteria):
            raise FairtutorError(
                "This panel has one row a metric, and the criteria use one twice; give "
                "them to DataRegulator(criteria, dataset) instead."
            )
        return found

    @property
    def controls(self) -> list[Widget]:
        """Everything that can be changed, from top to bottom."""
        of_rows = [widget for row in self.rows.values() for widget in row.widgets]
        others = [self.name, self.rounds, *self.options.values(), self.intervals]
        return [*of_rows, *others]

    def on_change(self, action: Callable[[object], None]) -> None:
        """Call an action whenever a control changes."""
        for control in self.controls:
            control.observe(action, names="value")

    def _of_kind(self, kind: str, title: str, dataset: Dataset) -> VBox:
        rows = [row for m, row in self.rows.items() if METRICS[m].kind == kind]
        note = (
            ""
            if all(row.possible for row in rows)
            else f"{dataset.name} has no sensitive attribute: what needs one cannot be "
            "asked for"
        )
        return VBox([_heading(title, note), *rows])

    def _make_controls(self, dataset: Dataset) -> None:
        self.name = Text(description="name", tooltip="What the document is called")
        self.rounds = IntSlider(
            min=1,
            max=max(1, dataset.num_audits),
            description="rounds",
            tooltip="How many audits share the error budget",
        )
        self.options = {key: _number(key, said) for key, said in OPTIONS.items()}
        self.intervals = Dropdown(
            options=list(INTERVALS.items()),
            description="intervals",
            tooltip="How sure the intervals of rates are",
            style={"description_width": "initial"},
            layout=Layout(width="330px"),
        )


def comparable(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Return each attribute and each pair of them, by its name in words.

    Examples
    --------
    >>> from fairtutor import load
    >>> list(comparable(load("german")))
    ['sex', 'age_group', 'sex × age_group']
    """
    names = [attribute.name for attribute in dataset.attributes]
    singles = [(name,) for name in names]
    return {" × ".join(key): key for key in [*singles, *combinations(names, 2)]}


def settable(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Return what can be set anew: attributes, their pairs, and every other column.

    Examples
    --------
    >>> from fairtutor import load
    >>> list(settable(load("german")))[:4]
    ['sex', 'age_group', 'sex × age_group', 'status']
    """
    columns = {column: (column,) for column in dataset.feature_columns}
    return {**comparable(dataset), **columns}


def _usual_tolerance(metric: str) -> float:
    """Return where a row starts: for leakage a little above a coin's 0.5."""
    spec = METRICS[metric]
    if spec.at_least:
        return 0.8
    return 0.6 if spec.kind == "representation" else 0.1


def _number(key: str, said: str) -> BoundedFloatText | BoundedIntText:
    allowed = NUMBERS[key]
    kind = BoundedIntText if allowed.whole else BoundedFloatText
    return kind(
        min=allowed.low,
        max=allowed.high,
        step=1 if allowed.whole else 0.01,
        description=key.replace("_", " "),
        tooltip=said,
        style={"description_width": "initial"},
        layout=Layout(width="190px"),
    )


def _gap(width: str) -> Box:
    return Box(layout=Layout(width=width, margin="2px"))  # as wide as a control


def _heading(title: str, note: str = "") -> HTML:
    said = f' <span style="font-weight:normal">({escape(note)})</span>' if note else ""
    return HTML(
        '<div role="heading" aria-level="5" style="font-weight:bold;font-size:15px;'
        f'padding:4px 10px 0;line-height:1.4">{title}{said}</div>'
    )
