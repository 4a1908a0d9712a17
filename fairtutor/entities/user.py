"""The data user: trains a model on the representation and hands it back."""

from collections.abc import Mapping
from threading import Event

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ..data import Dataset
from ..exchange import FairtutorError, Representation, Submission, did_you_mean
from ..exchange.architecture import build, mlp
from ..training import History, fit, seeded
from ..training.fit import OnEpoch

MODELS: Mapping[str, tuple[int, ...]] = {"logistic": (), "mlp": (64,)}  # hidden widths


class DataUser:
    """Train a model that wants only accuracy.

    Parameters
    ----------
    model
        ``"logistic"`` regression, or an ``"mlp"`` with one hidden layer of 64 units.
    seed
        Of weights and row order, a whole number from 0.

    Attributes
    ----------
    history : History
        Of the last training.

    Raises
    ------
    FairtutorError
        The model is unknown.

    Examples
    --------
    >>> from fairtutor import Criterion, DataProducer, FairnessCriteria, load
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.7),))
    >>> german = load("german")
    >>> representation = DataProducer("identity").produce(criteria, german)
    >>> DataUser("logistic").train(representation, german, progress=False).model
    'logistic'
    """

    def __init__(self, model: str = "mlp", *, seed: int = 0) -> None:
        if model not in MODELS:
            raise FairtutorError(
                f"There is no model {model!r}. {did_you_mean(model, MODELS)}"
            )
        self.model, self.seed = model, seed
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
            As for :func:`fairtutor.training.fit`.

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
        width = representation.output_width
        layers = mlp(width, *MODELS[self.model], 1)
        with seeded(self.seed):
            module = build(layers, width)
        self.history = fit(
            LogLoss(module),
            [representation.encode(train.X), train.y.float()],
            epochs=epochs,
            lr=2e-3,
            seed=self.seed,
            validation=[representation.encode(validation.X), validation.y.float()],
            patience=patience,
            progress=progress and f"user: {self.model}",
            stop=stop,
            on_epoch=on_epoch,
        )
        return Submission.from_module(module, layers, representation, model=self.model)

    def __str__(self) -> str:
        return self.model


class LogLoss(nn.Module):
    """−log P(y | z), averaged over rows."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, Z: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return the loss of a batch: Z (n, width), y (n,) as 0.0 or 1.0."""
        return {"loss": binary_cross_entropy_with_logits(self.module(Z)[:, 0], y)}
