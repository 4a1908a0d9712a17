"""What the regulator publishes: which metrics, for whom, within which tolerance."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from functools import cached_property

from . import html
from .errors import FairtutorError, did_you_mean
from .metrics import DISTANCES, INTERVALS, METRICS, Metric


@dataclass(frozen=True)
class Criterion:
    """One requirement: a metric, whom it compares, and how much is tolerated.

    Attributes
    ----------
    metric
        A name in :data:`METRICS`.
    tolerance
        Between 0 and 1: the largest difference, or smallest ratio or share, that
        still meets the criterion.
    attribute
        The sensitive attribute whose groups are compared, or several for their
        intersection; for flips the columns that are set anew, for leakage what the
        probes try to tell. ``None`` for metrics that name none.
    score
        What is scored, one of the metric's own in :data:`METRICS`; by default its
        first.

    Raises
    ------
    FairtutorError
        The metric or score is unknown, the tolerance no share, or the attribute
        missing or superfluous.

    Examples
    --------
    >>> str(Criterion("selection_rate_difference", 0.1, "sex"))
    'selection rate difference between sex groups ≤ 0.1'
    """

    metric: str
    tolerance: float
    attribute: tuple[str, ...] | str | None = None
    score: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.metric, str) or self.metric not in METRICS:
            raise FairtutorError(
                f"There is no metric {self.metric!r}. "
                f"{did_you_mean(self.metric, METRICS)}"
            )
        _require_share(f"The tolerance of {self.metric!r}", self.tolerance, 0, 1)
        object.__setattr__(self, "tolerance", _plain(self.tolerance))
        object.__setattr__(self, "attribute", self._attribute_names())
        if self.spec.names_attribute and not self.attribute:
            raise FairtutorError(
                f"{self.metric!r} compares groups: name a sensitive attribute, as in "
                f"Criterion({self.metric!r}, {self.tolerance}, attribute='sex')."
            )
        if self.attribute and not self.spec.names_attribute:
            raise FairtutorError(
                f"{self.metric!r} compares no groups: leave the attribute out."
            )
        if self.score is None:
            object.__setattr__(self, "score", self.spec.scores[0])
        if self.score not in self.spec.scores:
            raise FairtutorError(
                f"{self.metric!r} is not taken of {self.score!r}. "
                f"{did_you_mean(self.score, self.spec.scores)}"
            )

    def _attribute_names(self) -> tuple[str, ...] | None:
        given = self.attribute
        names = (given,) if isinstance(given, str) else given or ()
        if (
            not isinstance(names, tuple | list)
            or not all(isinstance(name, str) and name for name in names)
            or len(set(names)) < len(names)
        ):
            raise FairtutorError(
                f"The attribute of {self.metric!r} is {given!r}; use a name, or "
                "several different ones for their intersection."
            )
        return tuple(names) or None

    @property
    def spec(self) -> Metric:
        """The metric's title, question and direction."""
        return METRICS[self.metric]

    @property
    def groups_of(self) -> str:
        """The attribute or intersection in words, empty if no groups are compared."""
        return " × ".join(self.attribute or ())

    def verdict(self, lower: float, upper: float) -> str:
        """Judge an interval: the whole of it must lie on one side of the tolerance.

        Parameters
        ----------
        lower, upper
            A confidence interval of the metric.

        Returns
        -------
        str
            ``"meets"``, ``"violates"`` or ``"undecided"``.

        Examples
        --------
        >>> criterion = Criterion("selection_rate_difference", 0.1, "sex")
        >>> [criterion.verdict(*i) for i in [(0, 0.1), (0.11, 0.2), (0.05, 0.2)]]
        ['meets', 'violates', 'undecided']
        """
        if self.spec.at_least:
            meets, violates = lower >= self.tolerance, upper < self.tolerance
        else:
            meets, violates = upper <= self.tolerance, lower > self.tolerance
        return "meets" if meets else "violates" if violates else "undecided"

    def __str__(self) -> str:
        between = f" between {self.groups_of} groups" if self.attribute else ""
        sign = "≥" if self.spec.at_least else "≤"
        return f"{self.spec.title}{between} {sign} {self.tolerance:g}"


@dataclass(frozen=True)
class FairnessCriteria:
    """A fairness definition turned into technical criteria, as one document.

    Attributes
    ----------
    criteria
        What must hold, all of it at once.
    name
        For headings.
    confidence
        The chance that *all* intervals of *all* rounds hold, e.g. 0.95.
    rounds
        How many audits share the error budget 1 − confidence.
    threshold
        The score from which a decision is positive.
    min_group_size
        Groups with fewer audit rows leave a criterion undecided.
    neighbours
        k of the consistency metric.
    distance
        The distance ρ between individuals.
    lipschitz
        L of the Lipschitz metric: probabilities may differ by L where ρ is the mean
        distance between two people.
    cells
        How many cells the feature space is divided into for the cell metric.
    intervals
        ``"score"`` intervals hold with the stated confidence on average, ``"exact"``
        ones always, and are wider.

    Raises
    ------
    FairtutorError
        A value is out of its range; the message names it.

    Examples
    --------
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.8),))
    >>> FairnessCriteria.from_json(criteria.to_json()) == criteria
    True
    """

    criteria: tuple[Criterion, ...]
    name: str = "fairness criteria"
    confidence: float = 0.95
    rounds: int = 5
    threshold: float = 0.5
    min_group_size: int = 30
    neighbours: int = 5
    distance: str = "euclidean"
    lipschitz: float = 1.0
    cells: int = 50
    intervals: str = "score"

    def __post_init__(self) -> None:
        object.__setattr__(self, "criteria", tuple(self.criteria))
        if not self.criteria:
            raise FairtutorError("Criteria need at least one Criterion.")
        for criterion in self.criteria:
            if not isinstance(criterion, Criterion):
                raise FairtutorError(f"{criterion!r} is not a Criterion.")
        if len(set(self.criteria)) < len(self.criteria):
            raise FairtutorError("The same criterion is listed twice.")
        _require_share("confidence", self.confidence, 0.5, 0.9999)
        _require_share("threshold", self.threshold, 0, 1)
        _require_share("lipschitz", self.lipschitz, 0, 1e6)
        for name in ("confidence", "threshold", "lipschitz"):
            object.__setattr__(self, name, _plain(getattr(self, name)))
        for name in ("rounds", "min_group_size", "neighbours", "cells"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise FairtutorError(f"{name} is {value!r}; use a whole number from 1.")
        for what, known in (("distance", DISTANCES), ("intervals", INTERVALS)):
            value = getattr(self, what)
            if value not in known:
                raise FairtutorError(
                    f"There is no {what} {value!r}. {did_you_mean(value, known)}"
                )

    @property
    def error_budget(self) -> float:
        """The chance of error left to each finding of each round (Bonferroni).

        Examples
        --------
        >>> FairnessCriteria((Criterion("accuracy", 0.8),), rounds=5).error_budget
        0.01
        """
        return round((1 - self.confidence) / (self.rounds * len(self.criteria)), 12)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the document, by which representations refer to it."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Return the document as JSON, the same text for equal criteria."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "FairnessCriteria":
        """Read a document that :meth:`to_json` or a person wrote.

        Raises
        ------
        FairtutorError
            The text is not JSON, or a key or value in it is not known.

        Examples
        --------
        >>> FairnessCriteria.from_json('{"criteria": [], "confidense": 0.9}')
        Traceback (most recent call last):
            ...
        fairtutor.exchange.errors.FairtutorError: There is no key 'confidense' ...
        """
        try:
            document = json.loads(text)
        except ValueError as error:
            raise FairtutorError(f"The criteria are not valid JSON: {error}.") from None
        _require_keys("the criteria", document, cls)
        entries = document.get("criteria", [])
        if not isinstance(entries, list):
            raise FairtutorError("'criteria' must be a list of criteria.")
        for position, entry in enumerate(entries):
            _require_keys(f"criterion {position}", entry, Criterion)
        try:
            criteria = tuple(Criterion(**entry) for entry in entries)
            return cls(**{**document, "criteria": criteria})
        except TypeError as error:
            raise FairtutorError(f"The criteria are incomplete: {error}.") from None

    def _repr_html_(self) -> str:
        rows = [
            (
                criterion.spec.title,
                criterion.groups_of or "everyone",
                f"{'≥' if criterion.spec.at_least else '≤'} {criterion.tolerance:g}",
                criterion.spec.question,
            )
            for criterion in self.criteria
        ]
        note = (
            f"All findings of up to {self.rounds} audits hold together with "
            f"{self.confidence:.0%} confidence. A decision is positive from a score of "
            f"{self.threshold:g}."
        )
        header = ("metric", "compared", "tolerance", "it asks")
        return html.card(
            "regulator", f"Criteria: {self.name}", html.table(header, rows), note
        )


def _require_share(name: str, value: object, low: float, high: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise FairtutorError(
            f"{name} is {value!r}; use a number from {low:g} to {high:g}."
        )


def _plain(number: float) -> float:
    """Write equal numbers alike (1 and 1.0, 0.0 and −0.0), as fingerprints need."""
    return abs(float(number))


def _require_keys(what: str, document: object, kind: type) -> None:
    if not isinstance(document, dict):
        raise FairtutorError(
            f"{what.capitalize()}: expected keys and values in braces."
        )
    known = [field.name for field in fields(kind)]
    for key in document:
        if key not in known:
            raise FairtutorError(
                f"There is no key {key!r} in {what}. {did_you_mean(key, known)}"
            )
