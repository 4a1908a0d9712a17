"""Pairs of people: how far apart they are, and how differently they are treated."""

from typing import NamedTuple

import torch
from torch import Tensor

from ..data.splits import permutation
from ..exchange.errors import FairtutorError
from ..exchange.values import Number, require_number
from ..training.progress import bar

TINY = 1e-9
HOW_MANY = Number(1, 1_000_000, whole=True)
CHUNK = 1024  # rows at a time: bounds memory at CHUNK × n × 8 bytes


def mean_pair_distance(X: Tensor) -> float:
    """Return the mean Euclidean distance between two different rows.

    Parameters
    ----------
    X
        (n, d), at least two rows.

    Returns
    -------
    float
        Over all n (n − 1) / 2 pairs.

    Raises
    ------
    FairtutorError
        There are fewer than two rows.

    Examples
    --------
    >>> mean_pair_distance(torch.tensor([[0.0], [1.0], [2.0]]))
    1.3333333333333333
    """
    if len(X) < 2:
        raise FairtutorError(
            f"{len(X)} rows have no distance to each other; give two or more."
        )
    X = X.double()
    sums = [torch.cdist(rows, X).sum() for rows in X.split(CHUNK)]
    return (torch.stack(sums).sum() / (len(X) * (len(X) - 1))).item()


def disjoint_pairs(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Pair rows at random, each with one other, so that the pairs are independent.

    Parameters
    ----------
    n
        Number of rows; if it is odd, one stays alone.
    seed
        Of the order.

    Returns
    -------
    tuple of torch.Tensor
        Positions of the first and of the second of each pair, (n // 2,) each.

    Examples
    --------
    >>> first, second = disjoint_pairs(5)
    >>> len(first), len(set(torch.cat([first, second]).tolist()))
    (2, 4)
    """
    order = torch.from_numpy(permutation(n, seed))
    half = n // 2
    return order[:half], order[half : 2 * half]


class Pairs(NamedTuple):
    """Pairs of rows, the largest ratio first.

    Attributes
    ----------
    first, second
        Positions, (k,), the smaller one first.
    distance
        ρ, (k,) float64.
    difference
        D, (k,) float64.
    ratio
        D / ρ, (k,); infinite where people who are the same are treated differently.
    """

    first: Tensor
    second: Tensor
    distance: Tensor
    difference: Tensor
    ratio: Tensor


def total_variation(p: Tensor, other: Tensor) -> Tensor:
    """Return the total variation between distributions of outcomes, row by row.

    Parameters
    ----------
    p, other
        Probabilities of the positive outcome, (n,), or of each class, (n, C).

    Returns
    -------
    torch.Tensor
        D, (n,) float64 in [0, 1]: the largest difference in the probability of any set
        of outcomes. For two outcomes it is |p − p'|, else ½ Σ |pᵢ − pᵢ'|.

    Examples
    --------
    >>> total_variation(torch.tensor([0.75]), torch.tensor([0.25]))
    tensor([0.5000], dtype=torch.float64)
    >>> p, other = torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.0, 0.5, 0.5]])
    >>> total_variation(p, other)
    tensor([0.5000], dtype=torch.float64)
    """
    apart = (p.double() - other.double()).abs()
    return apart if apart.ndim == 1 else apart.sum(1) / 2


def worst_pairs(X: Tensor, p: Tensor, k: int = 10, *, progress: bool = True) -> Pairs:
    """Return the pairs that are treated most differently for their distance.

    All n (n − 1) / 2 pairs are looked at. The largest D / ρ is a lower bound on the
    constant L of any model that gives these p: the Lipschitz condition of Dwork et al.
    fails for every smaller one.

    Parameters
    ----------
    X
        (n, d), n ≥ 2.
    p
        Probabilities of the positive outcome, (n,), or of each class, (n, C).
    k
        How many pairs.
    progress
        Whether to show a bar over a search of more than two seconds.

    Returns
    -------
    Pairs

    Raises
    ------
    FairtutorError
        There are fewer than two rows, k is no whole number from 1, X is not finite, or
        a p is no probability.

    References
    ----------
    Dwork et al. (2012), "Fairness through awareness", definition 2.1.

    Examples
    --------
    >>> X, p = torch.tensor([[0.0], [1.0], [5.0]]), torch.tensor([0.0, 0.5, 1.0])
    >>> worst = worst_pairs(X, p, k=1)
    >>> worst.first.item(), worst.second.item(), worst.ratio.item()
    (0, 1, 0.5)
    """
    if len(X) < 2 or len(p) != len(X):
        raise FairtutorError(
            f"X has {len(X)} rows and p {len(p)}; give one p a row, and two rows."
        )
    require_number("k", k, HOW_MANY, "k")
    if not X.isfinite().all() or not ((p >= 0) & (p <= 1)).all():
        raise FairtutorError("Some X is not finite, or some p not from 0 to 1.")
    X, p, found = X.double(), p.double(), []
    columns = p.reshape(len(p), -1)
    half = 1.0 if p.ndim == 1 else 0.5
    for number in bar(-(-len(X) // CHUNK), progress, name="pairs", unit="chunk"):
        start = (number - 1) * CHUNK
        rows = slice(start, start + CHUNK)
        ratio = half * torch.cdist(columns[rows], columns, p=1)
        ratio /= torch.cdist(X[rows], X).clamp(min=TINY)
        ratio.triu_(start + 1)  # each pair once, and nobody with themselves
        best = ratio.flatten().topk(min(2 * k, ratio.numel())).indices
        found.append(torch.stack([best // len(X) + start, best % len(X)], 1))
    first, second = torch.cat(found).unbind(1)
    once = first < second
    return _ranked(X, p, first[once], second[once], k)


def _ranked(X: Tensor, p: Tensor, first: Tensor, second: Tensor, k: int) -> Pairs:
    """Compute the pairs' numbers without products of matrices, and sort them."""
    distance = (X[first] - X[second]).norm(dim=1)
    difference = total_variation(p[first], p[second])
    ratio = torch.where(difference > 0, difference / distance, 0.0)
    best = ratio.argsort(descending=True, stable=True)[:k]
    return Pairs(*(part[best] for part in (first, second, distance, difference, ratio)))
