"""What the models of a user's panel reach: one row a task, model and representation."""

from dataclasses import dataclass
from html import escape

from ipywidgets import HTML, Dropdown, Layout

from ..data import Dataset
from ..entities import DataUser
from ..exchange import Representation, Submission
from ..exchange.html import table
from .measured import SHOWN_SPLIT, Measured, in_words, measure, selection_gap


@dataclass(frozen=True)
class UserResult:
    """One trained model.

    Attributes
    ----------
    representation, fingerprint
        What it was trained on: the producer's words, and which one.
    task, model, seed
        What the user wanted to tell, with what, from which seed.
    measured
        Accuracy, majority class and gap on validation rows.
    """

    representation: str
    fingerprint: str
    task: str
    model: str
    seed: int
    measured: Measured


@dataclass(frozen=True, eq=False)
class _Trained:
    """A model and what it was trained on, to be measured for the groups in view."""

    dataset: Dataset
    task: str
    user: DataUser
    representation: Representation
    submission: Submission

    @property
    def key(self) -> tuple:
        """What it has in common with a repetition of the same training."""
        user = self.user
        return self.representation.fingerprint, self.task, user.model, user.seed

    def result(self, attribute: str) -> UserResult:
        return UserResult(
            representation=self.representation.method,
            fingerprint=self.representation.fingerprint,
            task=self.task,
            model=self.user.model,
            seed=self.user.seed,
            measured=measure(
                self.dataset,
                selection_gap(attribute),
                self.representation,
                self.submission,
            ),
        )


class ResultsView(HTML):
    """A table of all models, each beside the majority class.

    Parameters
    ----------
    attributes
        Names of sensitive attributes.

    Attributes
    ----------
    compare : ipywidgets.Dropdown
        The attribute whose groups are compared; to stand among the controls.

    Examples
    --------
    >>> ResultsView(["sex"]).results
    []
    """

    def __init__(self, attributes: list[str]) -> None:
        super().__init__(layout=Layout(margin="0 10px", max_width="100%"))
        self._models: list[_Trained] = []
        self.compare = Dropdown(
            options=attributes,
            description="gap by",
            tooltip="The sensitive attribute whose groups the table compares",
        )

    @property
    def results(self) -> list[UserResult]:
        """A result for each model, in the order in which they were trained."""
        return [model.result(self.compare.value) for model in self._models]

    def add(
        self,
        dataset: Dataset,
        task: str,
        user: DataUser,
        representation: Representation,
        submission: Submission,
    ) -> UserResult:
        """Add a model; a repetition takes the place of the earlier one.

        Parameters
        ----------
        dataset, task
            On whose validation rows it is measured, and what the task is called.
        user, representation, submission
            Who trained it, on what, and what came out.

        Returns
        -------
        UserResult
        """
        model = _Trained(dataset, task, user, representation, submission)
        self._models = [m for m in self._models if m.key != model.key] + [model]
        return model.result(self.compare.value)

    def show(self) -> None:
        """Bring the table in line with the models and the attribute."""
        self.value = self.static_html()

    def static_html(self) -> str:
        """Return the table, and below it what it does not promise, as HTML."""
        results = self.results
        if not results:
            return ""
        header = (
            "representation",
            "task",
            "model",
            "accuracy",
            "majority class",
            f"gap by {self.compare.value}",
        )
        note = escape(_note(results[-1].measured))
        found = table(header, map(_row, results))
        return (
            f'<div class="fairtutor-results" data-rows="{len(results)}" '
            f'style="overflow-x:auto;line-height:1.4">{found}'
            f'<p style="max-width:60em">{note}</p></div>'
        )


def _row(result: UserResult) -> tuple[str, ...]:
    found = result.measured
    return (
        f"{result.representation}, {result.fingerprint[:6]}",
        result.task,
        f"{result.model}, seed {result.seed}",
        in_words(found.accuracy),
        f"{found.constant_accuracy:.3f}",
        in_words(found.gap),
    )


def _note(found: Measured) -> str:
    return (
        f"On {found.rows:,} {SHOWN_SPLIT} rows, on which training stopped where it "
        f"looked best. The gap is the {found.criterion.title}; 95% intervals, each on "
        "its own. Who chooses by this table keeps its luck as well: expect less on "
        "fresh rows. The user does not see the groups; the panel compares them."
    )
