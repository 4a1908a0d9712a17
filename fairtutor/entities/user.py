"""The data user: trains a model on the representation and hands it back."""

from threading import Event

from ..data import Dataset
from ..exchange import FairtutorError, Representation, Submission, did_you_mean
from ..training import History
from ..training.fit import OnEpoch
from .models import MODELS, Lesson


class DataUser:
    """Train a model that wants only accuracy.

    Parameters
    ----------
    model
        ``"logistic"`` regression, an ``"mlp"`` with one hidden layer of 64 units, a
        ``"lipschitz"`` network with a certified constant, or gradient-boosted
        ``"trees"``.
    seed
        Of weights and row order, a whole number from 0. Trees draw nothing at random.
    **settings
        Of ``"lipschitz"``: ``L``, ``method``, ``hidden`` and ``temperature``, see
        :func:`fairtutor.entities.models.lipschitz`. The others have none.

    Attributes
    ----------
    history : History
        Of the last training.

    Raises
    ------
    FairtutorError
        The model is unknown, or has no settings.

    Examples
    --------
    >>> from fairtutor import Criterion, DataProducer, FairnessCriteria, load
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.7),))
    >>> german = load("german")
    >>> representation = DataProducer("identity").produce(criteria, german)
    >>> DataUser("logistic").train(representation, german, progress=False).model
    'logistic'
    """

    def __init__(
        self, model: str = "mlp", *, seed: int = 0, **settings: object
    ) -> None:
        if model not in MODELS:
            raise FairtutorError(
                f"There is no model {model!r}. {did_you_mean(model, MODELS)}"
            )
        if settings and model != "lipschitz":
            raise FairtutorError(
                f"The model {model!r} has no settings; {', '.join(settings)} was given."
            )
        self.model, self.seed, self.settings = model, seed, settings
        self.history = History()

    def train(
        self,
        representation: Representation,
        dataset: Dataset,
        *,
        epochs: int = 40,
        patience: int = 5,
        progress: bool = True,
        stop: Event | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> Submission:
        """Train on the train rows, stop early on the validation rows.

        Parameters
        ----------
        representation
            The only thing the user learns about a row is its z = f(x).
        dataset
            Its splits ``"train"`` and ``"validation"`` are used, and no others.
        epochs, patience, progress, stop, on_epoch
            As for :func:`fairtutor.training.fit`. An epoch of the trees is ten trees;
            ``stop`` then acts between epochs.

        Returns
        -------
        Submission

        Raises
        ------
        FairtutorError
            The data set has more than two outcomes.
        """
        if len(dataset.outcomes) != 2:
            raise FairtutorError(
                f"{dataset.name!r} has {len(dataset.outcomes)} outcomes; this user "
                "learns to tell two apart."
            )
        train, validation = dataset.rows("train"), dataset.rows("validation")
        lesson = Lesson(
            train=(representation.encode(train.X), train.y.float()),
            validation=(representation.encode(validation.X), validation.y.float()),
            seed=self.seed,
            settings=self.settings,
            training={
                "epochs": epochs,
                "patience": patience,
                "progress": progress and f"user: {self.model}",
                "stop": stop,
                "on_epoch": on_epoch,
            },
        )
        learned = MODELS[self.model](lesson)
        self.history = learned.history
        return Submission.from_module(
            learned.module,
            learned.layers,
            representation,
            model=self.model,
            claims=learned.claims,
        )

    def __str__(self) -> str:
        return self.model
