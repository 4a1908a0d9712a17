"""The data user's panel: choose a model, train it, submit it."""

from collections.abc import Callable
from html import escape
from threading import Event

from ipywidgets import HBox

from ..data import Dataset
from ..entities import DataUser
from ..exchange import FairtutorError, Representation, Submission
from .base import Panel, button
from .controls import WRAP, UserControls
from .training_view import TrainingView


class UserPanel(Panel):
    """Train a model on a representation and hand it back.

    Parameters
    ----------
    dataset
        Its audit rows, if it has any, are taken out first.
    representation
        What the producer handed on; can be set later.
    user
        The settings to start from.
    on_submit
        Called with the submission when it is submitted.

    Attributes
    ----------
    view : Dataset
        What the user sees.
    trained : Submission or None
        The last model that was trained.
    submission : Submission or None
        The last model that was handed in.
    train_button, stop_button, submit_button, controls, training
        What it is made of, to press and to read from code.

    Examples
    --------
    >>> from fairtutor import Criterion, DataProducer, FairnessCriteria, load
    >>> german = load("german")
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.7),))
    >>> panel = UserPanel(german, DataProducer("identity").produce(criteria, german))
    >>> panel.train()
    >>> panel.wait()
    >>> panel.submit()
    >>> panel.submission.model
    'logistic'
    """

    def __init__(
        self,
        dataset: Dataset,
        representation: Representation | None = None,
        user: DataUser | None = None,
        on_submit: Callable[[Submission], None] | None = None,
    ) -> None:
        super().__init__("data user", "user")
        self.view, self._on_submit = dataset.without_audit(), on_submit
        self.trained: Submission | None = None
        self.submission: Submission | None = None
        self.controls = UserControls(user)
        self.training = TrainingView("user")
        self.train_button = button(
            "Train", "Train the model on the representation", style="primary"
        )
        self.submit_button = button("Submit", "Hand the model to the regulator")
        buttons = [self.train_button, self.stop_button, self.submit_button]
        self.fill([self.controls, HBox(buttons, layout=WRAP)], [self.training])
        self.on_click(self.train_button, self.train)
        self.on_click(self.submit_button, self.submit)
        self.representation = representation

    @property
    def user(self) -> DataUser:
        """A user with the settings of the controls; settable."""
        return self.controls.value

    @user.setter
    def user(self, user: DataUser) -> None:
        self.controls.value = user

    @property
    def representation(self) -> Representation | None:
        """What the model is trained on; setting another discards the trained model."""
        return self._representation

    @representation.setter
    def representation(self, representation: Representation | None) -> None:
        self._representation, self.trained = representation, None
        if representation is None:
            self.status = "Waiting for a representation from the producer."
        else:
            self.status = (
                f"Received a representation: {representation.method}, "
                f"{representation.output_width} features."
            )

    def train(self) -> None:
        """Train in the background; :meth:`wait` waits for it.

        Raises
        ------
        FairtutorError
            There is no representation yet, or training is under way already.
        """
        if self.representation is None:
            raise FairtutorError(
                "There is no representation to train on: let the producer make one "
                "and set panel.representation."
            )
        user = self.user
        self.start(lambda stop: self._train(user, stop))

    def submit(self) -> None:
        """Hand the trained model in.

        Raises
        ------
        FairtutorError
            No model has been trained on this representation.
        """
        if self.trained is None:
            raise FairtutorError("There is no model to submit: press Train first.")
        self.submission = self.trained
        self.status = f"Submitted {_words(self.submission)}."
        if self._on_submit is not None:
            self._on_submit(self.submission)

    def static_html(self) -> str:
        """Return the settings and the curve, as HTML that needs no kernel."""
        settings = f"<p>Model: {escape(str(self.user))}, seed {self.user.seed}.</p>"
        return settings + self.training.static_html()

    def _train(self, user: DataUser, stop: Event) -> None:
        self.training.begin("user")
        self.status = f"Training: {user}."
        self.trained = user.train(
            self.representation,
            self.view,
            progress=False,
            stop=stop,
            on_epoch=self.training.on_epoch,
        )
        self.training.show()
        self.status = f"Trained {_words(self.trained)}. It has not been submitted."


def _words(submission: Submission) -> str:
    return f"{submission.model}, fingerprint {submission.fingerprint[:12]}"
