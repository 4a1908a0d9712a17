"""What the regulator publishes: which metrics, for whom, within which tolerance."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property

from . import html
from .errors import did_you_mean
from .metrics import METRICS, Metric
from .values import (
    CHOICES,
    MAX_ATTRIBUTES,
    MAX_CRITERIA,
    MAX_TEXT,
    NUMBERS,
    TOLERANCE,
    InvalidValue,
    is_text,
    require_choice,
    require_number,
    shown,
)

_NEEDS = {
    "group": "compares groups: name a sensitive attribute",
    "individual": "sets columns anew: name the attribute they hold",
    "representation": "asks what the representation tells: name a sensitive attribute",
}


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
    InvalidValue
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
            raise InvalidValue(
                f"There is no metric {shown(self.metric)}. "
                f"{did_you_mean(self.metric, METRICS)}",
                "metric",
            )
        what = f"The tolerance of {self.metric!r}"
        tolerance = require_number(what, self.tolerance, TOLERANCE, "tolerance")
        object.__setattr__(self, "tolerance", tolerance)
        object.__setattr__(self, "attribute", self._attribute_names())
        if self.score is None:
            object.__setattr__(self, "score", self.spec.scores[0])
        if self.score not in self.spec.scores:
            raise InvalidValue(
                f"{self.metric!r} is not taken of {shown(self.score)}. "
                f"{did_you_mean(self.score, self.spec.scores)}",
                "score",
            )

    def _attribute_names(self) -> tuple[str, ...] | None:
        given = self.attribute
        names = () if given is None else (given,) if isinstance(given, str) else given
        if (
            not isinstance(names, tuple | list)
            or not all(is_text(name, least=1) for name in names)
            or len(set(names)) < len(names)
            or len(names) > MAX_ATTRIBUTES
        ):
            raise InvalidValue(
                f"The attribute of {self.metric!r} is {shown(given)}; use a name, or "
                "several different ones for their intersection. A name has 1 to "
                f"{MAX_TEXT} characters, an intersection at most {MAX_ATTRIBUTES} "
                "names.",
                "attribute",
            )
        if self.spec.names_attribute and not names:
            raise InvalidValue(
                f"{self.metric!r} {_NEEDS[self.spec.kind]}, as in "
                f"Criterion({self.metric!r}, {self.tolerance:g}, attribute='sex').",
                "attribute",
            )
        if names and not self.spec.names_attribute:
            raise InvalidValue(
                f"{self.metric!r} compares no groups: leave the attribute out.",
                "attribute",
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

    @property
    def title(self) -> str:
        """The metric's title, and what is scored where that is not the decision.

        Examples
        --------
        >>> Criterion("consistency", 0.9, score="probability").title
        'consistency (probability)'
        """
        plain = self.score == "decision" or len(self.spec.scores) == 1
        return self.spec.title if plain else f"{self.spec.title} ({self.score})"

    @property
    def tolerated(self) -> str:
        """The tolerance with its direction, such as ``"≤ 0.1"``."""
        return f"{'≥' if self.spec.at_least else '≤'} {self.tolerance:g}"

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
        about = ""
        if self.attribute:
            between = f" between {self.groups_of} groups"
            about = between if self.spec.kind == "group" else f" of {self.groups_of}"
        return f"{self.title}{about} {self.tolerated}"


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
    InvalidValue
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
        if not isinstance(self.criteria, Iterable):
            raise InvalidValue(
                f"criteria is {shown(self.criteria)}; use a list, even of a single "
                "one: [Criterion('accuracy', 0.8)].",
                "criteria",
            )
        object.__setattr__(self, "criteria", tuple(self.criteria))
        self._check_criteria()
        if not is_text(self.name):
            raise InvalidValue(
                f"name is {shown(self.name)}; use text of at most {MAX_TEXT} "
                "characters.",
                "name",
            )
        for key, allowed in NUMBERS.items():
            number = require_number(key, getattr(self, key), allowed, key)
            object.__setattr__(self, key, number)
        for key, known in CHOICES.items():
            require_choice(key, getattr(self, key), known)

    def _check_criteria(self) -> None:
        if not self.criteria:
            raise InvalidValue("Criteria need at least one Criterion.", "criteria")
        if len(self.criteria) > MAX_CRITERIA:
            raise InvalidValue(
                f"{len(self.criteria)} criteria; at most {MAX_CRITERIA} are taken.",
                "criteria",
            )
        for position, criterion in enumerate(self.criteria):
            path = f"criteria[{position}]"
            if not isinstance(criterion, Criterion):
                raise InvalidValue(f"{shown(criterion)} is not a Criterion.", path)
            if criterion in self.criteria[:position]:
                raise InvalidValue("The same criterion is listed twice.", path)

    @property
    def error_budget(self) -> float:
        """The chance of error left to each finding of each round (Bonferroni).

        Examples
        --------
        >>> FairnessCriteria((Criterion("accuracy", 0.8),), rounds=5).error_budget
        0.01
        """
        return round((1 - self.confidence) / (self.rounds * len(self.criteria)), 12)

    def followed(self, metric: str | None = None) -> Criterion:
        """Return the criterion that pictures of fairness and utility follow.

        Parameters
        ----------
        metric
            A metric of these criteria; by default the first that compares groups, or
            the first of all if none does.

        Raises
        ------
        InvalidValue
            None of the criteria uses the metric.

        Examples
        --------
        >>> gap = Criterion("selection_rate_difference", 0.1, "sex")
        >>> FairnessCriteria((Criterion("accuracy", 0.8), gap)).followed() == gap
        True
        """
        metrics = [criterion.metric for criterion in self.criteria]
        if metric is None:
            kinds = [criterion.spec.kind for criterion in self.criteria]
            return self.criteria[kinds.index("group") if "group" in kinds else 0]
        if metric not in metrics:
            named = ", ".join(repr(name) for name in metrics)
            raise InvalidValue(
                f"No criterion uses {metric!r}. The criteria: {named}.", "metric"
            )
        return self.criteria[metrics.index(metric)]

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

        Parameters
        ----------
        text
            JSON, as described by :func:`fairtutor.exchange.criteria_schema`.

        Raises
        ------
        InvalidValue
            The text is not JSON, or a key or value in it is not valid. The message
            begins with the place, which is also its ``path``.

        Examples
        --------
        >>> FairnessCriteria.from_json(
        ...     '{"criteria": [{"metric": "accuracy", "tolerance": 80}]}'
        ... )
        Traceback (most recent call last):
            ...
        fairtutor.exchange.values.InvalidValue: criteria[0].tolerance: The tolerance \
of 'accuracy' is 80; use a number from 0 to 1. The nearest valid value is 1.
        """
        from .document import read_criteria

        return read_criteria(text)

    def prose(self) -> str:
        """Return the document as numbered articles in plain words.

        Returns
        -------
        str
            What is scored, of whom, compared with whom, how strictly, how surely; what
            each verdict means; and what the criteria do not say.

        Examples
        --------
        >>> criteria = FairnessCriteria((Criterion("accuracy", 0.8),), name="useful")
        >>> criteria.prose().splitlines()[0]
        'CRITERIA “useful”'
        """
        from .prose import prose

        return prose(self)

    def _repr_html_(self) -> str:
        rows = [
            (
                criterion.title,
                criterion.groups_of or "everyone",
                criterion.tolerated,
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
