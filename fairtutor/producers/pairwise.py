"""Pairwise fair representations: who is comparable ends up close together."""

import torch
from torch import Tensor

from ..exchange.architecture import build, mlp
from ..exchange.errors import FairtutorError
from ..similarity import (
    class_scatter,
    comparable_people,
    neighbour_scatter,
    pair_scatter,
    within_group_quantiles,
)
from .base import Encoder, Task

TINY = 1e-3  # directions of less variance than this share of the largest, such as the
# category of a handful of people, are left out: nothing about them can be estimated
FOLDS = 5


def pairwise(
    task: Task,
    *,
    width: int = 4,
    neighbours: int = 10,
    quantiles: int = 10,
    comparable: Tensor | None = None,
    across_groups: bool = True,
    blind: bool = False,
) -> Encoder:
    """Find the linear z = Vᵀx that holds neighbours and comparable people together.

    min over V of tr Vᵀ((1 − γ) M^X + γ M^F) V subject to Vᵀ Σ V = I, where M is the
    mean of (x − x′)(x − x′)ᵀ over the edges of a graph: W^X joins everybody with their
    nearest neighbours, sought without the sensitive columns, W^F those whom somebody
    judged to be comparable; Σ is the covariance of x. Closed form: eigenvectors of the
    least eigenvalues.

    Parameters
    ----------
    task
        ``strength`` is γ: 0 holds only neighbours together, 1 only comparable people.
    width
        Features of z. There are fewer if x has fewer directions; if it has as many, z
        is x in other coordinates, and a user who learns a linear layer loses nothing
        and gains no fairness.
    neighbours
        How many each person has in W^X.
    quantiles
        Of the default judgement: people of different groups are comparable if they are
        in the same quantile of a score within their group. The score is the
        probability of the positive outcome by a logistic regression on the other
        columns, for each row by one that has not seen it.
    comparable
        Other judgements on the encoder rows: a class for each row, (n,), people of one
        class being comparable, or pairs of rows, (m, 2). See
        :func:`fairtutor.similarity.comparable_people`.
    across_groups
        Whether classes and quantiles compare only people of different groups.
    blind
        Whether z must not depend on the sensitive columns. If it may, it can move a
        whole group to where the others are who were judged equal: that is how the
        groups' rates come close, and it decides on people by their group.

    Returns
    -------
    Encoder
        One linear layer. On the encoder rows, z has mean 0 and covariance I.

    Raises
    ------
    FairtutorError
        The strength, width, or number of neighbours is out of its range, all rows are
        the same, nobody is comparable, or no judgement was given and there are not two
        outcomes.

    Notes
    -----
    The paper minimises tr Vᵀ X((1 − γ) L^X + γ L^F) Xᵀ V subject to VᵀV = I, and so
    does its published code. We change three things.

    - The constraint. With VᵀV = I the least eigenvalues belong to directions in which
      nobody differs from anybody, such as rare categories of one-hot columns: on Adult
      the first eight leave a model no better than a constant (results of
      ``experiments/pairwise.py``). Vᵀ Σ V = I, as in locality preserving projections,
      compares the distance over edges with the distance between any two people.
    - Means over edges in place of sums, so that γ weighs two numbers of the same size:
      on Adult the graph of quantiles has some fifty times as many edges as the other.
    - W^X has weight 1 for each neighbour where theirs has exp(−‖x − x′‖² / t).

    The kernel version of the method, for z that are not linear, is not built.

    References
    ----------
    Lahoti, Gummadi, Weikum (2019), "Operationalizing Individual Fairness with Pairwise
    Fair Representations", PVLDB 13(4). He & Niyogi (2003), "Locality Preserving
    Projections".

    Examples
    --------
    >>> X = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
    >>> y = groups = (X[:, 0] > 0).long()
    >>> task = Task(X, y, groups, 2, strength=0.5, training={"progress": False})
    >>> Z = pairwise(task, width=2).module(X)
    >>> Z.shape, bool((Z.T.cov() - torch.eye(2)).abs().max() < 0.02)
    (torch.Size([200, 2]), True)
    """
    every = torch.ones(task.X.shape[1], dtype=torch.bool, device=task.X.device)
    known = every if task.sensitive is None else ~task.sensitive
    others = task.X[:, known]
    _require_settings(task.strength, width, others)
    X, used = (others, known) if blind else (task.X, every)
    gamma, apart = task.strength, 0.0
    if gamma < 1:
        progress = bool(task.training.get("progress", True))
        apart += (1 - gamma) * neighbour_scatter(
            X, neighbours, by=others, progress=progress
        )
    if gamma > 0:
        if comparable is None:
            comparable = _same_quantile(task, others, quantiles)
        apart += gamma * _judged_scatter(task, X, comparable, across_groups)
    return _centred(closest_directions(X, apart, width), X, used)


def closest_directions(X: Tensor, apart: Tensor, width: int) -> Tensor:
    """Return V, the minimum of tr Vᵀ M V subject to Vᵀ Σ V = I.

    Parameters
    ----------
    X
        (n, d), of which Σ is the covariance.
    apart
        M, (d, d).
    width
        How many directions, at most. Those in which X hardly varies are left out.

    Returns
    -------
    torch.Tensor
        (d, width or fewer) float64, least eigenvalue first.

    Examples
    --------
    >>> X = torch.tensor([[1.0, 2.0], [-1.0, 2.0], [1.0, -2.0], [-1.0, -2.0]])
    >>> closest_directions(X, torch.eye(2).double(), width=1)
    tensor([[0.0000],
            [0.5000]], dtype=torch.float64)
    """
    variances, directions = torch.linalg.eigh(X.double().T.cov(correction=0))  # Σ
    kept = variances > TINY * variances.max()
    whiten = directions[:, kept] / variances[kept].sqrt()
    V = whiten @ torch.linalg.eigh(whiten.T @ apart @ whiten)[1][:, :width]
    # An eigenvector's sign is arbitrary, and processors differ: the largest entry is +.
    return V * V.gather(0, V.abs().argmax(0, keepdim=True)).sign()


def _require_settings(gamma: float, width: int, others: Tensor) -> None:
    if not 0 <= gamma <= 1:
        raise FairtutorError(
            f"The strength of pairwise is {gamma}; use 0 (only neighbours count) to 1 "
            "(only judgements of who is comparable do)."
        )
    if type(width) is not int or width < 1:
        raise FairtutorError(f"width is {width!r}; use a whole number from 1.")
    if others.eq(others[:1]).all():
        raise FairtutorError(
            f"All rows are the same in the {others.shape[1]} columns that are not "
            "sensitive. Without a difference there is nothing to learn."
        )


def _centred(V: Tensor, X: Tensor, used: Tensor) -> Encoder:
    """Return z = Vᵀ(x − μ) as one layer over all columns; V is for those used."""
    weight = V.new_zeros(V.shape[1], len(used))
    weight[:, used] = V.T
    layers = mlp(len(used), len(weight))
    module = build(layers, len(used))
    with torch.no_grad():
        module[0].weight.copy_(weight)
        module[0].bias.copy_(-V.T @ X.double().mean(0))
    return Encoder(module.eval(), layers)


def _same_quantile(task: Task, X: Tensor, quantiles: int) -> Tensor:
    """Judge by default: those who rank equally high in their own group."""
    ranking = _expected_outcome(X, task.y, task.seed)
    return within_group_quantiles(ranking, task.groups, task.num_groups, quantiles)


def _judged_scatter(
    task: Task, X: Tensor, comparable: Tensor, across_groups: bool
) -> Tensor:
    """M^F."""
    judged = comparable_people(comparable, len(X)).to(X.device)
    if judged.ndim == 2:
        return pair_scatter(X, judged)
    return class_scatter(X, judged, task.groups if across_groups else None)


def _expected_outcome(X: Tensor, y: Tensor, seed: int) -> Tensor:
    """P(y = 1 | x) of each row, by a regression fitted on other rows, (n,)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    counts = torch.bincount(y)
    if len(counts) != 2 or counts.min() < FOLDS:
        raise FairtutorError(
            f"The outcomes 0, 1, … occur {counts.tolist()} times. To rank people by "
            f"their expected outcome takes two, {FOLDS} times each; or say who is "
            "comparable."
        )
    scores = cross_val_predict(
        LogisticRegression(solver="newton-cholesky"),
        X.double().cpu().numpy(),
        y.cpu().numpy(),
        cv=StratifiedKFold(FOLDS, shuffle=True, random_state=seed),
        method="predict_proba",
    )
    return torch.as_tensor(scores[:, 1], device=X.device)
