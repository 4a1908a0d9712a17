"""What a quick user reaches on each representation that a panel has made."""

import itertools
import math
from dataclasses import dataclass
from threading import Event

from ipywidgets import HTML, Layout

from ..data import Dataset
from ..entities import DataProducer, DataUser
from ..exchange import FairnessCriteria, Representation
from ..exchange.html import table
from ..figures import FrontierDot, Picture, frontier_point
from .measured import SHOWN_SPLIT, Measured, followed_criterion, in_words, measure

QUICK_USER = "logistic"


@dataclass(frozen=True)
class PanelPoint:
    """A representation, and what a quick user reached on it.

    Attributes
    ----------
    producer, strength, seed
        Who made it: the words, and two of the settings.
    fingerprint
        Of the representation.
    measured
        Accuracy and gap on validation rows.
    """

    producer: str
    strength: float
    seed: int
    fingerprint: str
    measured: Measured

    def __str__(self) -> str:
        found = self.measured
        return (
            f"accuracy {found.accuracy[0]:.3f}, "
            f"{found.criterion.title} {found.gap[0]:.3f}"
        )


class FrontierView(HTML):
    """Collect points of accuracy and gap beside identity and constant predictor.

    Parameters
    ----------
    dataset
        A user trains on its train rows and is measured on its validation rows.
    criteria
        The first criterion that compares groups is followed.

    Attributes
    ----------
    points : list of PanelPoint
        One for each representation, oldest first.
    identity : PanelPoint or None
        The same user on the data as they are; known once there is a point.

    Examples
    --------
    >>> from fairtutor import Criterion, load
    >>> german = load("german").without_audit()
    >>> criterion = Criterion("selection_rate_difference", 0.1, "sex")
    >>> criteria, producer = FairnessCriteria((criterion,)), DataProducer("erasure")
    >>> view = FrontierView(german, criteria)
    >>> point = view.add(producer.produce(criteria, german), producer)
    >>> view.points == [point], view.identity.producer
    (True, 'identity')
    """

    def __init__(self, dataset: Dataset, criteria: FairnessCriteria) -> None:
        super().__init__(layout=Layout(margin="0 10px", max_width="100%"))
        self._dataset, self._criteria = dataset, criteria
        self.criterion = followed_criterion(criteria, dataset)
        self.points: list[PanelPoint] = []
        self.identity: PanelPoint | None = None

    def add(
        self,
        representation: Representation,
        producer: DataProducer,
        stop: Event | None = None,
    ) -> PanelPoint:
        """Train a quick user on a representation and add its point.

        Parameters
        ----------
        representation
            The same one again takes its old point's place.
        producer
            Who made it; the user has the same seed.
        stop
            As for :func:`fairtutor.training.fit`.

        Returns
        -------
        PanelPoint
        """
        if self.identity is None:
            plain = DataProducer("identity")
            made = plain.produce(self._criteria, self._dataset, progress=False)
            self.identity = self._point(made, plain, stop)
        point = self._point(representation, producer, stop)
        others = [p for p in self.points if p.fingerprint != point.fingerprint]
        self.points = [*others, point]
        self.value = self.static_html()
        return point

    def clear(self) -> None:
        """Remove all points; the identity is known again once there is another."""
        self.points, self.value = [], ""

    def picture(self) -> Picture | None:
        """Draw the latest point and the earlier ones; without any, nothing."""
        if not self.points:
            return None
        *earlier, latest = itertools.starmap(_dot, enumerate(self.points, start=1))
        return frontier_point(
            latest,
            earlier,
            self.criterion,
            self.points[-1].measured.constant_accuracy,
            _dot(0, self.identity),
        )

    def static_html(self) -> str:
        """Return picture, table and what they leave out, as HTML."""
        picture = self.picture()
        if picture is None:
            return ""
        constant = self.points[-1].measured.constant_accuracy
        known = self.criterion.metric.endswith("_difference")
        rows = [
            ("constant", "any", f"{constant:.3f}", "0.000" if known else "—"),
            *itertools.starmap(_row, enumerate([self.identity, *self.points])),
        ]
        header = ("point", "representation", "accuracy", self.criterion.title)
        return (
            f'<div class="fairtutor-points" data-points="{len(self.points)}" '
            'style="line-height:1.4">'
            f"{picture.html()}{table(header, rows)}{self._caption()}</div>"
        )

    def _caption(self) -> str:
        rows = self.points[-1].measured.rows
        return (
            '<p style="max-width:36em">A logistic regression on each '
            f"representation, measured on {rows:,} {SHOWN_SPLIT} rows, on which its "
            "training stopped; 95% intervals, each on its own. Who chooses the best "
            "point here keeps its luck as well: expect less on fresh rows. And another "
            "model may make more of the representation, for better or worse.</p>"
        )

    def _point(
        self, made: Representation, producer: DataProducer, stop: Event | None
    ) -> PanelPoint:
        user = DataUser(QUICK_USER, seed=producer.seed)
        model = user.train(made, self._dataset, progress=False, stop=stop)
        return PanelPoint(
            producer=str(producer),
            strength=producer.strength,
            seed=producer.seed,
            fingerprint=made.fingerprint,
            measured=measure(
                self._dataset, self.criterion, made, model, self._criteria.threshold
            ),
        )


def _dot(number: int, point: PanelPoint) -> FrontierDot:
    found = point.measured
    return FrontierDot(
        point.strength,
        (found.gap[0], math.nan),  # one seed has no deviation
        (found.accuracy[0], math.nan),
        f"#{number}",
    )


def _row(number: int, point: PanelPoint) -> tuple[object, ...]:
    found = point.measured
    name = f"{point.producer}, seed {point.seed}"
    which = f"#{number}" if number else "identity"
    return which, name, in_words(found.accuracy), in_words(found.gap)
