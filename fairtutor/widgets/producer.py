"""The data producer's panel: choose a method, train it, look at the representation."""

from threading import Event

from ipywidgets import HTML, Dropdown, HBox, Layout

from ..data import Dataset
from ..entities import DataProducer
from ..exchange import FairnessCriteria, Representation
from ..figures import Picture, embedding
from .base import Panel, button
from .controls import WRAP, ProducerControls
from .training_view import TrainingView

SHOWN_SPLIT = "validation"  # no row the encoder was trained on


class ProducerPanel(Panel):
    """Make a representation with the mouse, the keyboard or from code.

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
    train_button, stop_button, controls, training
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
        self.controls = ProducerControls(producer)
        self.training = TrainingView("producer")
        self.colour_by = Dropdown(
            options=[attribute.name for attribute in dataset.attributes],
            description="colour by",
            tooltip="The sensitive attribute that colours the points",
        )
        self._plane = HTML(layout=Layout(margin="0 10px"))
        self.train_button = button("Train", "Make a representation", style="primary")
        buttons = [self.train_button, self.stop_button, self.colour_by]
        self.fill(
            [self.controls, HBox(buttons, layout=WRAP)], [self.training, self._plane]
        )
        self.on_click(self.train_button, self.train)
        self.colour_by.observe(self.guard(self.show), names="value")
        self.status = f"Ready to work for the criteria “{criteria.name}”."

    @property
    def producer(self) -> DataProducer:
        """A producer with the settings of the controls; settable."""
        return self.controls.value

    @producer.setter
    def producer(self, producer: DataProducer) -> None:
        self.controls.value = producer

    def train(self) -> None:
        """Make a representation in the background; :meth:`wait` waits for it.

        Raises
        ------
        FairtutorError
            Training is under way already.
        """
        producer = self.producer
        self.start(lambda stop: self._produce(producer, stop))

    def picture(self) -> Picture:
        """Draw the representation of rows it was not trained on.

        Returns
        -------
        Picture
        """
        rows = self.view.rows(SHOWN_SPLIT)
        codes, labels = self.view.groups(self.colour_by.value)
        Z = self.representation.encode(rows.X)
        return embedding(
            Z.cpu().numpy(),
            codes[rows.index].cpu().numpy(),
            labels,
            title=f"{self.representation.method}, {SHOWN_SPLIT} rows",
        )

    def show(self) -> None:
        """Bring the pictures in line with the state."""
        if self.representation is not None:
            self._plane.value = self.picture().html()

    def static_html(self) -> str:
        """Return the settings and both pictures, as HTML that needs no kernel."""
        settings = f"<p>Method: {self.producer}, seed {self.producer.seed}.</p>"
        return settings + self.training.static_html() + self._plane.value

    def _produce(self, producer: DataProducer, stop: Event) -> None:
        self.training.begin("producer")
        self.status = f"Training: {producer}."
        self.representation = producer.produce(
            self.criteria,
            self.view,
            progress=False,
            stop=stop,
            on_epoch=self.training.on_epoch,
        )
        self.training.show()
        made = self.representation
        self.status = (
            f"Done: {made.method}, {made.width} features became {made.output_width}; "
            f"fingerprint {made.fingerprint[:12]}."
        )
