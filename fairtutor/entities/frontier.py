"""What a sweep found: usefulness against fairness, over strengths and seeds."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING, NamedTuple

from ..exchange import Criterion, FairtutorError, html

if TYPE_CHECKING:
    import pandas as pd

    from ..figures import Picture

Estimate = tuple[float, float, float]  # estimate, lower and upper limit
MEANING = (
    "± is one standard deviation over seeds: how much another seed would change. The "
    "interval is about rows: how far other rows of the same kind might be off; all "
    "seeds are measured on the same rows, and more seeds do not narrow it."
)


class Spread(NamedTuple):
    """Several seeds in four numbers.

    Attributes
    ----------
    mean
        Over seeds; NaN if a seed's value could not be computed.
    deviation
        Standard deviation over seeds (n − 1), NaN for a single one: what chance in
        training does.
    lower, upper
        Means of the seeds' own limits: what chance in sampling rows does. The seeds
        share the rows, so that averaging them does not narrow this interval.
    """

    mean: float
    deviation: float
    lower: float
    upper: float

    def __str__(self) -> str:
        if math.isnan(self.mean):
            return "could not be computed"
        if math.isnan(self.deviation):
            return f"{self.mean:.3f}"
        return f"{self.mean:.3f} ± {self.deviation:.3f}"


@dataclass(frozen=True)
class Trial:
    """One strength with one seed: a representation, a user, and its rehearsal.

    Attributes
    ----------
    strength, seed
        What the producer was given; the user has the same seed.
    gap, accuracy
        (estimate, lower, upper) on the rows that were measured.
    """

    strength: float
    seed: int
    gap: Estimate
    accuracy: Estimate


@dataclass(frozen=True)
class FrontierPoint:
    """One strength with all its seeds.

    Attributes
    ----------
    strength
        How much fairness is preferred to usefulness, in the method's own scale.
    trials
        One per seed.

    Examples
    --------
    >>> trials = (
    ...     Trial(1.0, 0, (0.1, 0.0, 0.2), (0.8, 0.7, 0.9)),
    ...     Trial(1.0, 1, (0.2, 0.1, 0.3), (0.8, 0.7, 0.9)),
    ... )
    >>> str(FrontierPoint(1.0, trials).gap)
    '0.150 ± 0.071'
    """

    strength: float
    trials: tuple[Trial, ...]

    @property
    def gap(self) -> Spread:
        """The fairness metric that is followed."""
        return _spread([trial.gap for trial in self.trials])

    @property
    def accuracy(self) -> Spread:
        """The share of right decisions."""
        return _spread([trial.accuracy for trial in self.trials])


@dataclass(frozen=True, repr=False)
class Frontier:
    """What a method reaches at each strength, beside identity and constant predictor.

    Attributes
    ----------
    method, user
        Who made the representations and who trained on them.
    data, split, rows
        On which rows the gap and the accuracy were measured, and how many they are.
    criterion
        The one that is followed; its metric is the gap.
    points
        One per strength.
    identity
        The same user on the data as they are.
    constant_accuracy
        Of always giving the more frequent decision.
    """

    method: str
    user: str
    data: str
    split: str
    rows: int
    criterion: Criterion
    points: tuple[FrontierPoint, ...]
    identity: FrontierPoint
    constant_accuracy: float

    def best(self, max_gap: float | None = None) -> FrontierPoint:
        """Return the most accurate strength whose mean gap is small enough.

        It was chosen on these rows, and is a little worse on others; fresh rows tell.

        Parameters
        ----------
        max_gap
            The largest gap that is acceptable; of a metric that should be large, such
            as a ratio, the smallest value. By default the criterion's tolerance.

        Raises
        ------
        FairtutorError
            No strength reaches it.

        Examples
        --------
        >>> def point(strength, gap, accuracy):
        ...     trial = Trial(strength, 0, (gap, 0, 1), (accuracy, 0, 1))
        ...     return FrontierPoint(strength, (trial,))
        >>> weak, strong = point(1.0, 0.2, 0.8), point(2.0, 0.05, 0.7)
        >>> criterion = Criterion("selection_rate_difference", 0.1, "sex")
        >>> about = ("erasure", "mlp", "adult", "test", 100, criterion)
        >>> Frontier(*about, (weak, strong), weak, 0.6).best().strength
        2.0
        """
        limit = self.criterion.tolerance if max_gap is None else max_gap
        at_least = self.criterion.spec.at_least
        good = [
            point
            for point in self.points
            if (point.gap.mean >= limit if at_least else point.gap.mean <= limit)
        ]
        if good:
            return max(good, key=lambda point: point.accuracy.mean)
        reached = [p.gap.mean for p in self.points if not math.isnan(p.gap.mean)]
        nearest = (max if at_least else min)(reached, default=math.nan)
        sign = "≥" if at_least else "≤"
        raise FairtutorError(
            f"No strength of {self.method!r} has a {self.criterion.title} {sign} "
            f"{limit:g}; the nearest has {nearest:.3f}. Try other strengths, or "
            "another method."
        )

    def table(self) -> "pd.DataFrame":
        """Return a row for each strength, and before them constant and identity.

        Returns
        -------
        pandas.DataFrame
            Gap and accuracy with mean, deviation over seeds, and the limits of the
            interval over rows. The constant predictor has no deviation.
        """
        import pandas as pd

        about = {"predictor": "constant", "accuracy": self.constant_accuracy}
        if self.criterion.metric.endswith("_difference"):
            about["gap"] = 0.0
        rows = [about]
        for name, point in self._named_points():
            row = {"predictor": name, "strength": point.strength}
            for what in ("gap", "accuracy"):
                spread = getattr(point, what)._asdict()
                row[what] = spread.pop("mean")
                row |= {f"{what} {part}": value for part, value in spread.items()}
            rows.append({**row, "seeds": len(point.trials)})
        return pd.DataFrame(rows, columns=[*rows[-1]])

    def plot(self, *others: "Frontier") -> "Picture":
        """Draw this frontier and others in one picture.

        Parameters
        ----------
        *others
            Of other methods or users, on the same rows and criterion.

        Returns
        -------
        Picture

        Raises
        ------
        FairtutorError
            Two of them were measured on other rows or by another criterion.
        """
        from ..figures import FrontierDot, fairness_utility_frontier

        frontiers = (self, *others)
        for other in others:
            _require_comparable(self, other)
        users = {frontier.user for frontier in frontiers}
        curves = {
            f.method if len(users) == 1 else f"{f.method}, {f.user}": [
                FrontierDot(p.strength, p.gap[:2], p.accuracy[:2]) for p in f.points
            ]
            for f in frontiers
        }
        identity = self.identity
        return fairness_utility_frontier(
            {name: dots for name, dots in curves.items() if name != "identity"},
            FrontierDot(0.0, identity.gap[:2], identity.accuracy[:2]),
            self.criterion,
            self.constant_accuracy,
            seeds=len(identity.trials),
        )

    def to_dict(self) -> dict:
        """Return everything as plain lists and numbers, for JSON; NaN is ``None``."""
        return {
            "method": self.method,
            "user": self.user,
            "data": self.data,
            "split": self.split,
            "rows": self.rows,
            "criterion": asdict(self.criterion),
            "points": [_point_as_dict(point) for point in self.points],
            "identity": _point_as_dict(self.identity),
            "constant_accuracy": self.constant_accuracy,
        }

    @classmethod
    def from_dict(cls, document: Mapping) -> "Frontier":
        """Read what :meth:`to_dict` gave, also after a round trip through JSON."""
        read = dict(document)
        read["criterion"] = Criterion(**document["criterion"])
        read["points"] = tuple(_point_of(point) for point in document["points"])
        read["identity"] = _point_of(document["identity"])
        return cls(**read)

    def to_json(self) -> str:
        """Return the frontier as JSON."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)

    def _named_points(self) -> list[tuple[str, FrontierPoint]]:
        named = [("identity", self.identity)]
        if self.method != "identity":
            named += [(self.method, point) for point in self.points]
        return named

    @property
    def _title(self) -> str:
        return (
            f"Frontier of {self.method} for a user with {self.user}: {self.data}, "
            f"{self.rows:,} {self.split} rows"
        )

    def __repr__(self) -> str:
        lines = [
            f"  {name} {point.strength:g}: gap {point.gap}, accuracy {point.accuracy}"
            for name, point in self._named_points()
        ]
        constant = f"  constant: accuracy {self.constant_accuracy:.3f}"
        return "\n".join([self._title, constant, *lines])

    def _repr_html_(self) -> str:
        constant = ("constant", "", "", "", f"{self.constant_accuracy:.3f}", "")
        rows = [
            (
                name,
                f"{point.strength:g}",
                point.gap,
                f"{point.gap.lower:.3f} to {point.gap.upper:.3f}",
                point.accuracy,
                f"{point.accuracy.lower:.3f} to {point.accuracy.upper:.3f}",
            )
            for name, point in self._named_points()
        ]
        head = ("", "strength", self.criterion.title, "interval", "accuracy", "")
        body = html.table(head, [constant, *rows])
        card = html.card("producer", self._title, body, MEANING)
        return self.plot()._repr_html_() + card


def _spread(values: Sequence[Estimate]) -> Spread:
    estimates, lower, upper = zip(*values, strict=True)
    deviation = stdev(estimates) if len(estimates) > 1 else math.nan
    return Spread(mean(estimates), deviation, mean(lower), mean(upper))


def _require_comparable(one: Frontier, other: Frontier) -> None:
    for what in ("data", "split", "rows", "criterion"):
        mine, its = getattr(one, what), getattr(other, what)
        if mine != its:
            raise FairtutorError(
                f"These frontiers do not belong in one picture: the {what} of "
                f"{one.method!r} is {str(mine)!r}, of {other.method!r} {str(its)!r}."
            )


def _point_as_dict(point: FrontierPoint) -> dict:
    return {
        "strength": point.strength,
        "seeds": [trial.seed for trial in point.trials],
        "gap": [[*map(_null_for_nan, trial.gap)] for trial in point.trials],
        "accuracy": [[*trial.accuracy] for trial in point.trials],
    }


def _point_of(document: Mapping) -> FrontierPoint:
    trials = tuple(
        Trial(
            document["strength"],
            seed,
            tuple(math.nan if number is None else number for number in gap),
            tuple(accuracy),
        )
        for seed, gap, accuracy in zip(
            document["seeds"], document["gap"], document["accuracy"], strict=True
        )
    )
    return FrontierPoint(document["strength"], trials)


def _null_for_nan(number: float) -> float | None:
    return None if math.isnan(number) else number
