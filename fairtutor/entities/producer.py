"""The data producer: takes criteria and data, makes a representation."""

import inspect
import math
from collections.abc import Callable, Mapping
from threading import Event

import torch
from torch import Tensor, nn

from ..data import Dataset
from ..exchange import FairnessCriteria, FairtutorError, Representation, did_you_mean
from ..producers import DEFAULT_STRENGTHS, METHODS, NOTIONS, Encoder, Task
from ..theory.lipschitz import lipschitz_bound
from ..training import History
from ..training.fit import OnEpoch

NOTION_OF: Mapping[str, str] = {
    "equalized_odds_difference": "equalized odds",
    "false_positive_rate_difference": "equalized odds",
    "true_positive_rate_difference": "equal opportunity",
}


class DataProducer:
    """Make a fair representation by a named method.

    Parameters
    ----------
    method
        A name in :data:`fairtutor.producers.METHODS`.
    strength
        How much fairness is preferred to usefulness, from 0; ignored by ``identity``.
        At most 1 for ``erasure`` and ``projection``, the share that is removed, and
        for ``pairwise``, γ: judgements against neighbours. The weight of the group
        difference for ``prototypes``, of the adversary for ``adversarial``, of the
        MMD² for ``moments``. By default the method's own in
        :data:`fairtutor.producers.DEFAULT_STRENGTHS`.
    seed
        Of weights and row order, a whole number from 0.
    **settings
        The method's own, such as ``width=8`` for ``adversarial``.

    Attributes
    ----------
    history : History
        Of the last training; empty before it, and for closed forms.

    Raises
    ------
    FairtutorError
        The method or a setting is unknown, or the strength no number from 0.

    Examples
    --------
    >>> from fairtutor import Criterion, FairnessCriteria, load
    >>> criterion = Criterion("selection_rate_difference", 0.1, "sex")
    >>> criteria = FairnessCriteria((criterion,))
    >>> producer = DataProducer("erasure")
    >>> producer.produce(criteria, load("german")).method
    'erasure (strength 1)'
    """

    def __init__(
        self,
        method: str = "adversarial",
        *,
        strength: float | None = None,
        seed: int = 0,
        **settings: object,
    ) -> None:
        if method not in METHODS:
            raise FairtutorError(
                f"There is no method {method!r}. {did_you_mean(method, METHODS)}"
            )
        strength = DEFAULT_STRENGTHS[method] if strength is None else strength
        if not isinstance(strength, int | float) or not 0 <= strength < math.inf:
            raise FairtutorError(f"The strength is {strength!r}; use a number from 0.")
        _require_settings(method, settings)
        self.method, self.strength, self.seed = method, strength, seed
        self.settings = settings
        self.history = History()

    def produce(
        self,
        criteria: FairnessCriteria,
        dataset: Dataset,
        *,
        progress: bool = True,
        stop: Event | None = None,
        on_epoch: OnEpoch | None = None,
        on_encoder: Callable[[nn.Module], None] | None = None,
    ) -> Representation:
        """Train an encoder on the encoder rows for the attributes the criteria name.

        Parameters
        ----------
        criteria
            What the regulator published.
        dataset
            Its split ``"encoder"`` is used, and no other.
        progress, stop, on_epoch
            As for :func:`fairtutor.training.fit`.
        on_encoder
            Called after each epoch with the encoder so far, on the training device.

        Returns
        -------
        Representation
            With a claimed Lipschitz constant, which the regulator recomputes.

        Raises
        ------
        FairtutorError
            The criteria name an attribute that this data set lacks; or there is none,
            and the method is not ``identity``, the only one that needs no groups.
        """
        rows = dataset.rows("encoder")
        attributes = attributes_of(criteria, dataset)
        codes, names = self._groups_of(attributes, dataset)
        task = Task(
            X=rows.X,
            y=rows.y,
            groups=codes[rows.index],
            num_groups=len(names),
            strength=self.strength,
            seed=self.seed,
            notion=notion_of(criteria),
            sensitive=_columns_made_from(attributes, dataset),
            training={
                "progress": progress and f"producer: {self.method}",
                "stop": stop,
                "on_epoch": on_epoch,
            },
            on_encoder=on_encoder,
        )
        encoder = METHODS[self.method](task, **self.settings)
        self.history = encoder.history
        return hand_over(encoder, rows.X.shape[1], criteria, method=str(self))

    def _groups_of(
        self, attributes: tuple[str, ...], dataset: Dataset
    ) -> tuple[Tensor, tuple[str, ...]]:
        if attributes:
            return dataset.groups(attributes)
        if self.method != "identity":
            raise FairtutorError(
                f"{self.method!r} makes groups alike, and these data have no sensitive "
                "attribute. Use DataProducer('identity')."
            )
        return torch.zeros(len(dataset.y), dtype=torch.long), ("everyone",)

    def __str__(self) -> str:
        if self.method == "identity":
            return self.method
        return f"{self.method} (strength {self.strength:g})"


def hand_over(
    encoder: Encoder, width: int, criteria: FairnessCriteria, *, method: str
) -> Representation:
    """Pack an encoder, however it was made, as a representation with its claim.

    Parameters
    ----------
    encoder
        Such as :func:`fairtutor.producers.learn_distance` returns.
    width
        The number of features of x.
    criteria
        The document it was made for.
    method
        How it was made, for people to read.

    Returns
    -------
    Representation
        With a claimed Lipschitz constant, which the regulator recomputes.

    Raises
    ------
    FairtutorError
        What is handed over is no encoder with its declared layers.

    Examples
    --------
    >>> import torch
    >>> from fairtutor import Criterion
    >>> from fairtutor.producers import linear_encoder
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.8),))
    >>> made = hand_over(linear_encoder(2 * torch.eye(3)), 3, criteria, method="twice")
    >>> round(made.claims["lipschitz"], 3)
    2.0
    """
    if not isinstance(encoder, Encoder):
        raise FairtutorError(
            f"The encoder is of type {type(encoder).__name__}; give an Encoder with "
            "its declared layers, as linear_encoder and learn_distance return it, or "
            "fairtutor.producers.Encoder(module, layers)."
        )
    return Representation.from_module(
        encoder.module,
        encoder.layers,
        width,
        criteria,
        method=method,
        claims={"lipschitz": lipschitz_bound(encoder.module)},
    )


def attributes_of(criteria: FairnessCriteria, dataset: Dataset) -> tuple[str, ...]:
    """Return every attribute that the criteria name, in their order.

    Criteria that name none mean all attributes of the data set. A column that a flip
    metric sets, and that is no sensitive attribute, has no groups and is left out.
    """
    every = [attribute.name for attribute in dataset.attributes]
    named = [
        name
        for criterion in criteria.criteria
        for name in dataset.single_names(criterion.attribute or ())
        if name in every or criterion.spec.kind != "individual"
    ]
    return tuple(dict.fromkeys(named or every))


def notion_of(criteria: FairnessCriteria) -> str:
    """Return which group fairness the criteria ask for: one of producers.NOTIONS.

    The first criterion that speaks of error rates decides; if none does, it is
    demographic parity.

    Examples
    --------
    >>> from fairtutor import Criterion
    >>> criterion = Criterion("true_positive_rate_difference", 0.1, "sex")
    >>> notion_of(FairnessCriteria((criterion,)))
    'equal opportunity'
    """
    named = (criterion.metric for criterion in criteria.criteria)
    return next((NOTION_OF[m] for m in named if m in NOTION_OF), NOTIONS[0])


def _columns_made_from(attributes: tuple[str, ...], dataset: Dataset) -> Tensor | None:
    """Return which columns of X tell the attributes outright, (d,), if any does."""
    made_of = [c for name in attributes for c in dataset.attribute(name).columns]
    named = [column for column in made_of if column in dataset.feature_columns]
    return dataset.columns_mask(named) if named else None


def _require_settings(method: str, settings: Mapping[str, object]) -> None:
    known = list(inspect.signature(METHODS[method]).parameters)[1:]
    for name in settings:
        if name not in known:
            hint = did_you_mean(name, known) if known else "It has none."
            raise FairtutorError(f"{method!r} has no setting {name!r}. {hint}")
