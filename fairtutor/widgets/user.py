"""The data user's panel: choose a task and a model, train it, submit it."""

from collections.abc import Callable, Mapping
from html import escape
from threading import Event

from ipywidgets import Dropdown, HBox, Layout

from ..data import Dataset
from ..entities import DataUser
from ..exchange import FairtutorError, Representation, Submission, did_you_mean
from .base import Panel, button
from .controls import BY_KEYBOARD, WRAP, UserControls, words_html
from .tasks import checked_tasks
from .training_view import TrainingView
from .user_results import ResultsView, UserResult


class UserPanel(Panel):
    """Train models on a representation, for one task or several, and hand one back.

    Parameters
    ----------
    dataset
        Its audit rows, if it has any, are taken out first. Or several tasks: by name,
        data sets with the same X, as :meth:`fairtutor.data.Dataset.tasks` makes them.
    representation
        What the producer handed on; can be set later.
    user
        The settings to start from.
    on_submit
        Called with the submission when it is submitted.

    Attributes
    ----------
    tasks : dict of Dataset
        What the user sees, by the task's name.
    trained : Submission or None
        The last model that was trained.
    submission : Submission or None
        The last model that was handed in.
    train_button, stop_button, submit_button, controls, training
        What it is made of, to press and to read from code.
    task_control, compare
        The dropdown of the tasks, and that of the attribute whose groups the table of
        results compares.

    Raises
    ------
    FairtutorError
        There is no task, one is no data set or has not two outcomes, or their rows are
        not the same.

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
    >>> [(result.task, result.model) for result in panel.results]
    [('credit', 'logistic')]
    """

    def __init__(
        self,
        dataset: Dataset | Mapping[str, Dataset],
        representation: Representation | None = None,
        user: DataUser | None = None,
        on_submit: Callable[[Submission], None] | None = None,
    ) -> None:
        super().__init__("data user", "user")
        self.tasks, self._on_submit = checked_tasks(dataset), on_submit
        self.trained: Submission | None = None
        self.submission: Submission | None = None
        self.controls = UserControls(user)
        self.training = TrainingView("user")
        self.task_control = Dropdown(
            options=list(self.tasks),
            description="task",
            tooltip=f"What the model shall tell of each person. {BY_KEYBOARD}",
            layout=Layout(width="360px"),
        )
        self.table = ResultsView([a.name for a in self.view.attributes])
        self.compare = self.table.compare
        self.train_button = button(
            "Train", "Train the model on the representation", style="primary"
        )
        self.submit_button = button("Submit", "Hand the model to the regulator")
        buttons = [
            self.train_button,
            self.stop_button,
            self.submit_button,
            self.compare,
        ]
        if len(self.tasks) > 1:
            self.controls.children = [self.task_control, *self.controls.children]
        self.fill(
            [self.controls, HBox(buttons, layout=WRAP)], [self.training, self.table]
        )
        self.on_click(self.train_button, self.train)
        self.on_click(self.submit_button, self.submit)
        self.task_control.observe(self.guard(self._take_up_task), names="value")
        self.compare.observe(self.guard(self.show), names="value")
        self.representation = representation

    # ------------------------------------------------------------ state

    @property
    def user(self) -> DataUser:
        """A user with the settings of the controls; settable."""
        return self.controls.value

    @user.setter
    def user(self, user: DataUser) -> None:
        self.controls.value = user

    @property
    def task(self) -> str:
        """The name of the task; setting another discards the trained model.

        Raises
        ------
        FairtutorError
            There is no such task.
        """
        return self.task_control.value

    @task.setter
    def task(self, name: str) -> None:
        if name not in self.tasks:
            raise FairtutorError(
                f"There is no task {name!r}. {did_you_mean(name, self.tasks)}"
            )
        self.task_control.value = name

    @property
    def view(self) -> Dataset:
        """What the user sees of the task: no audit row."""
        return self.tasks[self.task]

    @property
    def representation(self) -> Representation | None:
        """What the model is trained on; setting another discards the trained model.

        Raises
        ------
        FairtutorError
            It is none, or was made of other features.
        """
        return self._representation

    @representation.setter
    def representation(self, representation: Representation | None) -> None:
        if representation is None:
            self.status = "Waiting for a representation from the producer."
        else:
            self._require_fitting(representation)
            self.status = (
                f"Received a representation: {representation.method}, "
                f"{representation.output_width} features."
            )
        self._representation, self.trained = representation, None

    @property
    def results(self) -> list[UserResult]:
        """What each model reached on validation rows, in order; repetitions once."""
        return self.table.results

    # ------------------------------------------------------------ actions

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
        user, task, representation = self.user, self.task, self.representation
        self.start(lambda stop: self._train(user, task, representation, stop))

    def submit(self) -> None:
        """Hand the trained model in.

        Raises
        ------
        FairtutorError
            No model has been trained for this task on this representation.
        """
        if self.trained is None:
            raise FairtutorError("There is no model to submit: press Train first.")
        self.submission = self.trained
        self.status = f"Submitted {_words(self.submission)}."
        if self._on_submit is not None:
            self._on_submit(self.submission)

    def show(self) -> None:
        """Bring the table of results in line with the models and the attribute."""
        self.table.show()

    def static_html(self) -> str:
        """Return settings, curve and table, as HTML that needs no kernel."""
        settings = (
            f"<p>Task: {escape(self.task)}. Model: {escape(str(self.user))}, seed "
            f"{self.user.seed}.</p>"
        )
        return (
            settings
            + words_html(self.controls.words)
            + self.training.static_html()
            + self.table.static_html()
        )

    def _train(
        self, user: DataUser, task: str, representation: Representation, stop: Event
    ) -> None:
        view = self.tasks[task]
        self.training.begin("user")
        self.status = f"Training {user} for the task “{task}”."
        made = user.train(
            representation,
            view,
            progress=False,
            stop=stop,
            on_epoch=self.training.on_epoch,
        )
        self.training.show()
        result = self.table.add(view, task, user, representation, made)
        found = result.measured
        self.status = (
            f"Trained {_words(made)}, for “{task}”: accuracy {found.accuracy[0]:.3f}, "
            f"majority class {found.constant_accuracy:.3f}. It has not been submitted."
        )
        if task == self.task and representation is self.representation:
            self.trained = made
        else:
            self.status += " Task or representation have changed since it began."

    def _take_up_task(self) -> None:
        self.trained = None
        outcomes = " or ".join(self.view.outcomes)
        self.status = f"Task “{self.task}”: {outcomes}. Press Train."

    def _require_fitting(self, representation: Representation) -> None:
        if not isinstance(representation, Representation):
            raise FairtutorError(
                f"A {type(representation).__name__} is no representation: pass what "
                "DataProducer.produce() returns."
            )
        width = self.view.X.shape[1]
        if representation.width != width:
            raise FairtutorError(
                f"The representation takes {representation.width} features, and the "
                f"rows of this panel have {width}: let it be made of the same data."
            )


def _words(submission: Submission) -> str:
    return f"{submission.model}, fingerprint {submission.fingerprint[:12]}"
