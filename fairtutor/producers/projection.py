"""Iterative null-space projection: remove what a linear classifier finds, and again."""

import warnings
from collections.abc import Iterator, Mapping
from threading import Event

import torch
from torch import Tensor

from ..exchange.architecture import build, mlp
from ..exchange.errors import FairtutorError
from ..training import History, Stopped
from ..training.progress import bar
from .base import Encoder, Task
from .erasure import TINY, remove

ENOUGH = 0.01  # the classifier has failed when it is this near to chance


def projection(task: Task, *, rounds: int = 40) -> Encoder:
    """Train a linear classifier for the group, project its weights away, repeat.

    The result is r(x) = x − s · B Bᵀ (x − μ), where the columns of B span every
    classifier's weights and s is the strength. Each round removes one direction for
    two groups, G − 1 for G groups.

    **What it guarantees.** Each classifier that was trained is made a constant, and
    nothing else. Another linear classifier may succeed where they failed, even on the
    rows that they were trained on; training stops early once the next one fails there.
    It removes more than needed as well: :func:`fairtutor.producers.erasure` takes away
    as many directions as one round, chosen so that *no* linear probe beats a constant
    on these rows, with the smallest change that does this. A non-linear probe may see
    through both.

    It knows demographic parity only: ``task.notion`` is not looked at.

    Parameters
    ----------
    task
        ``strength`` s from 0 (nothing is removed) to 1 (all that the classifiers
        found). Directions are chosen with all of the earlier ones removed, whatever s.
    rounds
        Classifiers at most, from 1. Fewer are trained if one's balanced accuracy, on
        the rows it was trained on, is within 0.01 of chance.

    Returns
    -------
    Encoder
        One linear layer of full width. Its history has one entry a round: the
        classifier's ``"balanced accuracy"`` before its directions are removed, and the
        ``"removed variance"`` after it, as a share of that of x.

    Raises
    ------
    FairtutorError
        The strength is not between 0 and 1, or the rounds are no number from 1.
    Stopped
        ``stop`` in the task's training settings was set.

    Notes
    -----
    The classifier is scikit-learn's logistic regression (L-BFGS), which for 12,000 rows
    of a hundred columns takes a few tenths of a second a round; nothing about it is
    particular to this method. Groups weigh the same in it, however many rows they have.

    References
    ----------
    Ravfogel et al. (2020), "Null It Out: Guarding Protected Attributes by Iterative
    Nullspace Projection", Algorithm 1. Rows are centred first, so that the mean stays
    where it is.

    Examples
    --------
    >>> groups = torch.tensor([0, 1]).repeat(200)
    >>> X = torch.randn(400, 3, generator=torch.Generator().manual_seed(0))
    >>> X[:, 0] += 2 * groups
    >>> encoder = projection(Task(X, groups, groups, 2))
    >>> Z = encoder.module(X)
    >>> gap = Z[groups == 1].mean(0) - Z[groups == 0].mean(0)
    >>> bool(gap.abs().max() < 0.2)
    True
    """
    if not 0 <= task.strength <= 1:
        raise FairtutorError(
            f"The strength of projection is {task.strength}; use 0 (nothing) to 1 "
            "(all that the classifiers found)."
        )
    if not isinstance(rounds, int) or rounds < 1:
        raise FairtutorError(f"rounds is {rounds!r}; use a whole number from 1.")
    X = task.X.double().cpu()
    mean = X.mean(0)  # μ
    X = X - mean
    covariance = X.T @ X / len(X)
    layers = mlp(X.shape[1], X.shape[1])
    module = build(layers, X.shape[1]).eval()
    remove(torch.zeros_like(covariance), mean, covariance, module[0])
    settings, history = task.watching(module), History()
    on_epoch = settings.get("on_epoch")
    for found, basis in _rounds(
        X, task.groups.cpu(), task.num_groups, rounds, settings
    ):
        whole = basis @ basis.T  # B Bᵀ
        remove(task.strength * whole, mean, covariance, module[0])
        gone = (basis.T @ covariance * basis.T).sum() / covariance.trace()
        told = {"balanced accuracy": found, "removed variance": gone.item()}
        history.epochs.append(told)
        if on_epoch is not None:
            on_epoch({**told, "epoch": len(history), "epochs": rounds})
    return Encoder(module, layers, history)


def _rounds(
    X: Tensor,
    groups: Tensor,
    num_groups: int,
    rounds: int,
    settings: Mapping[str, object],
) -> Iterator[tuple[float, Tensor]]:
    """Yield each classifier's balanced accuracy, and B with its directions in it."""
    stop: Event | None = settings.get("stop")
    progress = settings.get("progress", True)
    basis = X.new_zeros(X.shape[1], 0)
    sizes = torch.bincount(groups, minlength=num_groups)
    chance = 1 / max(1, int((sizes > 0).sum()))
    for _ in bar(rounds, progress, name="projection", unit="round"):
        if stop is not None and stop.is_set():
            raise Stopped
        if chance == 1:
            return  # there is nobody to tell apart
        weights, predicted = _classifier(X, groups)
        right = torch.bincount(groups[predicted == groups], minlength=num_groups)
        found = (right[sizes > 0] / sizes[sizes > 0]).mean().item()
        if found <= chance + ENOUGH:
            return
        new, lengths, _ = torch.linalg.svd(weights.T, full_matrices=False)
        new = new[:, lengths > TINY**0.5 * lengths.max()]
        kept = basis.shape[1]
        basis = torch.linalg.qr(torch.cat([basis, new], 1)).Q
        X = X - X @ basis[:, kept:] @ basis[:, kept:].T
        yield found, basis


def _classifier(X: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights, (1 or G, d), and its predictions for the rows, (n,)."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced", max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged: then it is weaker
        model.fit(X.numpy(), groups.numpy())
    predicted = torch.from_numpy(model.predict(X.numpy()))
    return torch.from_numpy(model.coef_), predicted
