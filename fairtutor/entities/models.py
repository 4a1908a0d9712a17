"""What a user can train: models of P(y = 1 | z), as declared layers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ..exchange import FairtutorError, architecture
from ..exchange.architecture import Layers, build
from ..exchange.values import Number, require_number
from ..similarity import mean_pair_distance
from ..theory.lipschitz import LipschitzNetwork, Margins, lipschitz_bound
from ..training import History, Stopped, fit, seeded
from ..training.fit import OnEpoch
from ..training.progress import bar

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

TREES_PER_EPOCH = 10
DEPTH = 5
UNIT_ROWS = 3_000  # for the mean distance of two rows
STEEPNESS = Number(1e-6, 1e6)
SETTINGS = {"L": 1.0, "method": "spectral", "hidden": 64, "temperature": 1.0}


@dataclass(frozen=True)
class Lesson:
    """What a model learns from.

    Attributes
    ----------
    train, validation
        Z, (n, width) float32, and y, (n,) as 0.0 or 1.0.
    seed
        Of weights and row order.
    settings
        The model's own, by name; only ``"lipschitz"`` has any.
    training
        Keyword arguments for :func:`fairtutor.training.fit`: epochs, patience,
        progress, stop, on_epoch.
    """

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    seed: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)
    training: Mapping[str, object] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """The number of features of z."""
        return self.train[0].shape[1]


@dataclass(frozen=True)
class Learned:
    """A model, its declaration, how it was trained, and the constants it claims."""

    module: nn.Sequential
    layers: Layers
    history: History
    claims: Mapping[str, float] = field(default_factory=dict)


def logistic(lesson: Lesson) -> Learned:
    """Train a logistic regression: one linear layer.

    Parameters
    ----------
    lesson
        What it learns from.

    Examples
    --------
    >>> Z = torch.randn(64, 3)
    >>> rows = Z, (Z[:, 0] > 0).float()
    >>> lesson = Lesson(rows, rows, training={"epochs": 2, "progress": False})
    >>> logistic(lesson).layers
    (('linear', 3, 1),)
    """
    return _network(lesson)


def mlp(lesson: Lesson) -> Learned:
    """Train a network with one hidden layer of 64 units.

    Parameters
    ----------
    lesson
        What it learns from.

    Examples
    --------
    >>> Z = torch.randn(64, 3)
    >>> rows = Z, (Z[:, 0] > 0).float()
    >>> lesson = Lesson(rows, rows, training={"epochs": 2, "progress": False})
    >>> mlp(lesson).layers
    (('linear', 3, 64), ('relu',), ('linear', 64, 1))
    """
    return _network(lesson, 64)


def lipschitz(lesson: Lesson) -> Learned:
    """Train a network that is certified to treat similar z similarly.

    P(y = 1 | z) changes by at most L ρ(z, z') between any two z, where ρ is the
    Euclidean distance in units of the mean distance of two validation rows.

    Parameters
    ----------
    lesson
        What it learns from. Its settings are ``L``, above 0 and by default 1: between
        people who are as far apart as usual probabilities may just differ by 1;
        ``method``, one of :data:`fairtutor.theory.lipschitz.METHODS` other than
        ``"unconstrained"``; ``hidden``, the width of both hidden layers, 64, even; and
        ``temperature``, of :class:`fairtutor.theory.lipschitz.Margins`, 1: above, more
        is paid for decisions and less for the probabilities handed in.

    Returns
    -------
    Learned
        What it claims is the constant of z ↦ logit in plain Euclidean distance, 4 L
        over the unit, since |σ(t) − σ(t')| ≤ |t − t'| / 4.

    Raises
    ------
    FairtutorError
        L or the temperature is not above 0, the method is unknown or promises no
        constant, or there is another setting.

    References
    ----------
    Dwork et al. (2012), "Fairness through awareness": the condition.

    Examples
    --------
    >>> Z = torch.randn(64, 3)
    >>> rows = Z, (Z[:, 0] > 0).float()
    >>> training = {"epochs": 2, "progress": False}
    >>> learned = lipschitz(Lesson(rows, rows, settings={"L": 0.5}, training=training))
    >>> unit = mean_pair_distance(Z)
    >>> learned.claims["lipschitz"] <= 4 * 0.5 / unit
    True
    """
    chosen = {**SETTINGS, **lesson.settings}
    for name in set(chosen) - set(SETTINGS):
        raise FairtutorError(
            f"The model 'lipschitz' has no setting {name!r}; it has "
            f"{', '.join(SETTINGS)}."
        )
    L, method, hidden, temperature = (chosen[name] for name in SETTINGS)
    require_number("L", L, STEEPNESS, "L")
    if method == "unconstrained":
        raise FairtutorError(
            "The method 'unconstrained' promises no constant. Use another, or the "
            "model 'mlp'."
        )
    unit = mean_pair_distance(lesson.validation[0][:UNIT_ROWS]) or 1.0
    with seeded(lesson.seed):
        widths = lesson.width, hidden, hidden, 1
        network = LipschitzNetwork(*widths, L=4 * L / unit, method=method)
    history = _fitted(network, lesson, temperature)
    module, layers = network.export()
    return Learned(module, layers, history, {"lipschitz": lipschitz_bound(module)})


def trees(lesson: Lesson) -> Learned:
    """Train gradient-boosted trees of depth 5, ten in an epoch.

    Scikit-learn grows them on histograms of z, each along the gradient of the log loss
    that those before it leave; the log loss of the validation rows says how many are
    kept. Nothing is drawn at random up to 200,000 rows (beyond, the rows that the
    histograms' bins are made from), so that every seed gives the same trees.

    Parameters
    ----------
    lesson
        What it learns from; of its training settings, those that are named there.

    Raises
    ------
    FairtutorError
        Z is not finite, or all train rows have the same outcome.

    References
    ----------
    Friedman (2001), "Greedy function approximation: a gradient boosting machine",
    Annals of Statistics 29. Ke et al. (2017), "LightGBM", NeurIPS: histograms.

    Examples
    --------
    >>> Z = torch.randn(64, 3)
    >>> rows = Z, (Z[:, 0] > 0).float()
    >>> lesson = Lesson(rows, rows, training={"epochs": 2, "progress": False})
    >>> trees(lesson).layers[0][:3]  # their depth is that of the deepest
    ('trees', 3, 20)
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingClassifier(
        max_depth=DEPTH,
        max_leaf_nodes=None,
        early_stopping=False,  # it would hold out rows of its own
        warm_start=True,  # each call of fit adds trees
        random_state=lesson.seed,
    )
    with threadpool_limits(1, "openmp"):  # sums whose order is always the same
        history = _boost(model, lesson, **lesson.training)
    kept = TREES_PER_EPOCH * (history.best_epoch or len(history))
    return Learned(*ensemble_of(model, kept), history)


def _require_rows(Z: Tensor, y: Tensor) -> None:
    if not Z.isfinite().all():
        raise FairtutorError("The representation gives values that are not finite.")
    if len(y.unique()) < 2:
        raise FairtutorError(
            f"All {len(y):,} train rows have the same outcome; trees need both."
        )


def ensemble_of(
    model: "HistGradientBoostingClassifier", num_trees: int | None = None
) -> tuple[nn.Sequential, Layers]:
    """Write a fitted scikit-learn model down as declared trees.

    The result decides every comparison as scikit-learn does, for all float32 rows:
    thresholds there are float64, and x ≤ t holds for the same x in float32 if t is
    replaced by the largest float32 that is not above it. Missing values (NaN) are not
    taken to where scikit-learn may have learned to send them.

    Parameters
    ----------
    model
        A fitted ``HistGradientBoostingClassifier`` of two classes, without categorical
        features, its trees at most 12 deep (``max_depth=12``).
    num_trees
        How many of its trees, from the first; by default all.

    Returns
    -------
    torch.nn.Sequential and its declaration
        For :meth:`fairtutor.Submission.from_module`. The trees are filled up to the
        depth of the deepest.

    Raises
    ------
    FairtutorError
        The model is of another kind.
    Refused
        It is too deep or too large.

    Examples
    --------
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> Z = np.arange(100, dtype=np.float32)[:, None]
    >>> model = HistGradientBoostingClassifier(max_iter=3, max_depth=2)
    >>> module, layers = ensemble_of(model.fit(Z, Z[:, 0] > 40))
    >>> layers
    (('trees', 1, 3, 2),)
    >>> z = torch.tensor([[40.0], [41.0]])
    >>> expected = model.predict_proba(z.numpy())[:, 1]
    >>> np.abs(module(z)[:, 0].sigmoid().numpy() - expected).max() < 1e-6
    np.True_
    """
    # The trees have no public name in scikit-learn; a test compares all the scores.
    if len(model.classes_) != 2 or model.is_categorical_ is not None:
        raise FairtutorError(
            f"The model tells {len(model.classes_)} classes apart"
            f"{' by categorical features' if model.is_categorical_ is not None else ''}"
            "; fit two classes on columns of numbers."
        )
    nodes = [tree.nodes for (tree,) in model._predictors[:num_trees]]
    return _written(nodes, model._baseline_prediction.item(), model.n_features_in_)


def _written(
    trees: Sequence[np.ndarray], base: float, inputs: int
) -> tuple[nn.Sequential, Layers]:
    """Return scikit-learn's nodes of every tree as declared trees."""
    depth = max(1, *(int(nodes["depth"].max()) for nodes in trees))
    layers = (("trees", inputs, len(trees), depth),)
    module = build(layers, inputs)
    columns = zip(*(_complete(nodes, depth) for nodes in trees), strict=True)
    values = dict(zip(("feature", "threshold", "leaf"), columns, strict=True))
    weights = {f"0.{k}": torch.from_numpy(np.stack(v)) for k, v in values.items()}
    module.load_state_dict({**weights, "0.base": torch.tensor([base])})
    return module.eval(), layers


def _complete(nodes: np.ndarray, depth: int) -> tuple[np.ndarray, ...]:
    """Return features, thresholds and leaves of one tree, complete, in float32."""
    feature, threshold, at = [], [], np.zeros(1, dtype=np.int64)
    for _ in range(depth):
        ends = nodes["is_leaf"][at]  # whatever it compares, both sides stay here
        feature.append(np.where(ends, 0, nodes["feature_idx"][at]))
        threshold.append(np.where(ends, 0.0, nodes["num_threshold"][at]))
        sides = [np.where(ends, at, nodes[side][at]) for side in ("left", "right")]
        at = np.stack(sides, axis=1).ravel()
    return (
        np.concatenate(feature).astype(np.float32),
        _not_above(np.concatenate(threshold)),
        nodes["value"][at].astype(np.float32),
    )


def _not_above(values: np.ndarray) -> np.ndarray:
    """Return the largest float32 that is at most each float64, where there is one."""
    near = np.minimum(values, np.finfo(np.float32).max).astype(np.float32)
    lower = np.nextafter(near, np.float32(-np.inf))
    return np.where(near.astype(np.float64) > values, lower, near)


MODELS: Mapping[str, Callable[[Lesson], Learned]] = {
    "logistic": logistic,
    "mlp": mlp,
    "lipschitz": lipschitz,
    "trees": trees,
}


def _network(lesson: Lesson, *hidden: int) -> Learned:
    layers = architecture.mlp(lesson.width, *hidden, 1)
    with seeded(lesson.seed):
        module = build(layers, lesson.width)
    return Learned(module, layers, _fitted(module, lesson))


def _fitted(module: nn.Module, lesson: Lesson, temperature: float = 1.0) -> History:
    return fit(
        Margins(module, temperature=temperature),
        lesson.train,
        lr=2e-3,
        seed=lesson.seed,
        validation=lesson.validation,
        **lesson.training,
    )


def _boost(
    model: "HistGradientBoostingClassifier",
    lesson: Lesson,
    *,
    epochs: int,
    patience: int | None = None,
    progress: bool | str = True,
    stop: Event | None = None,
    on_epoch: OnEpoch | None = None,
) -> History:
    """Grow trees until the validation loss has not fallen for some epochs."""
    if epochs < 1:
        raise FairtutorError(f"epochs is {epochs!r}; use a whole number from 1.")
    _require_rows(*lesson.train)
    rows = {
        name: [tensor.cpu() for tensor in split]  # scikit-learn has no GPU
        for name, split in (
            ("loss", lesson.train),
            ("validation loss", lesson.validation),
        )
    }
    Z, y = (tensor.numpy() for tensor in rows["loss"])
    scores: dict[str, Tensor | float] = dict.fromkeys(rows, 0.0)
    history, lowest = History(), float("inf")
    for epoch in bar(epochs, progress):
        if stop is not None and stop.is_set():
            raise Stopped
        model.set_params(max_iter=TREES_PER_EPOCH * epoch).fit(Z, y)
        base = model._baseline_prediction.item() if epoch == 1 else 0.0
        new = [tree.nodes for (tree,) in model._predictors[-TREES_PER_EPOCH:]]
        grown, _ = _written(new, base, lesson.width)
        losses = {}
        for name, (inputs, outcomes) in rows.items():
            scores[name] = scores[name] + grown(inputs)[:, 0]
            losses[name] = binary_cross_entropy_with_logits(
                scores[name], outcomes
            ).item()
        history.epochs.append(losses)
        if on_epoch is not None:
            on_epoch({**losses, "epoch": epoch, "epochs": epochs})
        if patience is None:
            continue
        if losses["validation loss"] < lowest:
            history.best_epoch, lowest = epoch, losses["validation loss"]
        elif epoch - history.best_epoch >= patience:
            break
    return history
