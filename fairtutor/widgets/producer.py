"""The data producer's panel: choose a method, train it, look at the representation."""

from threading import Event

from ipywidgets import HBox

from ..data import Dataset
from ..entities import DataProducer
from ..exchange import FairnessCriteria, FairtutorError, Representation
from ..figures import Picture
from .base import Panel, button
from .controls import WRAP, ProducerControls, words_html
from .embedding_view import EmbeddingView
from .frontier_view import FrontierView, PanelPoint
from .training_view import TrainingView


class ProducerPanel(Panel):
    """Make a representation with the mouse, the keyboard or from code.

    While an encoder learns, the panel draws what it makes of the validation rows. After
    that a quick user, a logistic regression, shows what the representation is worth:
    one point of accuracy and gap beside all earlier ones.

    Parameters
    ----------
    dataset
        Its audit rows, if it has any, are taken out first.
    criteria
        What the regulator published.
    producer
        The settings to start from.

    Attributes
    ----------
    view : Dataset
        What the producer sees.
    representation : Representation or None
        The last one that was made.
    train_button, stop_button, clear_button, controls, training, embedding, frontier
        What it is made of, to press and to read from code.

    Examples
    --------
    >>> from fairtutor import Criterion, load
    >>> criterion = Criterion("selection_rate_difference", 0.1, "sex")
    >>> panel = ProducerPanel(load("german"), FairnessCriteria((criterion,)))
    >>> panel.producer = DataProducer("erasure")
    >>> panel.train()
    >>> panel.wait()
    >>> panel.representation.method
    'erasure (strength 1)'
    >>> [point.producer for point in panel.points]
    ['erasure (strength 1)']
    """

    def __init__(
        self,
        dataset: Dataset,
        criteria: FairnessCriteria,
        producer: DataProducer | None = None,
    ) -> None:
        super().__init__("data producer", "producer")
        self.view, self.criteria = dataset.without_audit(), criteria
        self.representation: Representation | None = None
        self._drawn: tuple | None = None  # of which representation, coloured by what
        self._making = False
        self.controls = ProducerControls(producer)
        self.training = TrainingView("producer")
        self.embedding = EmbeddingView(self.view)
        self.colour_by = self.embedding.colour_by
        self.frontier = FrontierView(self.view, criteria)
        compared = self.view.single_names(self.frontier.criterion.attribute)
        if compared[0] in self.colour_by.options:
            self.colour_by.value = compared[0]
        self.train_button = button("Train", "Make a representation", style="primary")
        self.clear_button = button(
            "Clear points", "Remove the points of all representations made so far"
        )
        buttons = [
            self.train_button,
            self.stop_button,
            self.clear_button,
            self.colour_by,
        ]
        self.fill(
            [self.controls, HBox(buttons, layout=WRAP)],
            [self.training, HBox([self.embedding, self.frontier], layout=WRAP)],
        )
        self.on_click(self.train_button, self.train)
        self.on_click(self.clear_button, self.clear)
        self.colour_by.observe(self.guard(self._recolour), names="value")
        self.status = f"Ready to work for the criteria “{criteria.name}”."

    @property
    def producer(self) -> DataProducer:
        """A producer with the settings of the controls; settable."""
        return self.controls.value

    @producer.setter
    def producer(self, producer: DataProducer) -> None:
        self.controls.value = producer

    @property
    def points(self) -> list[PanelPoint]:
        """What a quick user reached on each representation made so far."""
        return list(self.frontier.points)

    def train(self) -> None:
        """Make a representation in the background; :meth:`wait` waits for it.

        Raises
        ------
        FairtutorError
            Training is under way already.
        """
        producer = self.producer
        self.start(lambda stop: self._produce(producer, stop))

    def clear(self) -> None:
        """Remove all points.

        Raises
        ------
        FairtutorError
            Training is under way.
        """
        if self.busy:
            raise FairtutorError("Training is under way: press Stop before clearing.")
        self.frontier.clear()
        self.status = "The points are cleared."

    def picture(self, as_last: bool = False) -> Picture:
        """Draw the representation of rows it was not trained on.

        Parameters
        ----------
        as_last
            Whether to mirror it so that it looks like the last live picture.

        Returns
        -------
        Picture

        Raises
        ------
        FairtutorError
            There is no representation yet.
        """
        if self.representation is None:
            raise FairtutorError("There is no representation yet: press Train.")
        return self.embedding.picture(self.representation, as_last)

    def show(self) -> None:
        """Bring the picture of the representation in line with the state."""
        if self.representation is None:
            self.embedding.value = ""  # nothing is left of a training that was stopped
            return
        wanted = self.representation.fingerprint, self.colour_by.value
        if wanted != self._drawn:  # a fifth of a second, so not twice
            self.embedding.value = self.picture(as_last=True).html()
            self._drawn = wanted

    def static_html(self) -> str:
        """Return settings, words and pictures, as HTML that needs no kernel."""
        settings = f"<p>Method: {self.producer}, seed {self.producer.seed}.</p>"
        plane = "" if self.representation is None else self.picture().html()
        return (
            settings
            + words_html(self.controls.words)
            + self.training.static_html()
            + plane
            + self.frontier.static_html()
        )

    def _recolour(self) -> None:
        if not self.busy:  # the next live picture is coloured anew
            self.show()

    def _produce(self, producer: DataProducer, stop: Event) -> None:
        self.training.begin("producer")
        self.embedding.begin(str(producer))
        self._drawn, self._making = None, True
        self.status = f"Training: {producer}."
        try:
            made = producer.produce(
                self.criteria,
                self.view,
                progress=False,
                stop=stop,
                on_epoch=self.training.on_epoch,
                on_encoder=self.embedding.on_encoder,
            )
        except Exception:
            self.embedding.begin("")  # what was drawn is of nothing that stays
            raise
        self.representation = made
        self._making = False
        self.training.show()
        self.show()
        self.status = f"Made {made.method}; a quick user is trained on it."
        point = self.frontier.add(made, producer, stop)
        self.status = (
            f"Done: {made.method}, {made.width} features became {made.output_width}; "
            f"fingerprint {made.fingerprint[:12]}. Quick user: {point}."
        )

    def _say_stopped(self) -> None:
        if self._making:
            super()._say_stopped()
        else:
            self.status = (
                "Stopped after the representation was made: it stays, but no quick "
                "user was trained on it and no point was added."
            )
