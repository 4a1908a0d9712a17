"""Means over nearest neighbours, with ties shared instead of broken by row order."""

from typing import NamedTuple

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError
from ..exchange.values import Number
from .checks import require_finite
from .search import Search


def neighbour_mean(
    X: Tensor,
    reference: Tensor,
    values: Tensor,
    k: int,
    *,
    own_position: Tensor | None = None,
    progress: bool = True,
) -> Tensor:
    """Average a value over each row's k nearest reference points.

    Reference points tied at the k-th distance share the weight that is left, so the
    answer does not depend on the order of the rows. Two distances are tied if rounding
    the rows to their dtype can make the difference between them. The search is exact,
    and identical rows are searched once.

    Parameters
    ----------
    X
        Query rows, (m, d).
    reference
        Points to search, (n, d).
    values
        One number per reference point, (n,), or several, (n, C).
    k
        How many neighbours, from 1 to the number of reference points.
    own_position
        Where each query itself stands in the reference, (m,), so that it is not its
        own neighbour. ``None`` when no query is in the reference, or when it is to
        count as its own neighbour.
    progress
        Whether to show a bar over a search of more than two seconds.

    Returns
    -------
    torch.Tensor
        Means, (m,) or (m, C), float64.

    Raises
    ------
    FairtutorError
        k is out of its range; a number is NaN or infinite; shapes do not fit; a query
        is not what stands in the reference at its own position.

    Examples
    --------
    >>> line = torch.tensor([[0.0], [1.0], [1.0], [5.0]])
    >>> values = torch.tensor([9.0, 1.0, 0.0, 9.0])
    >>> neighbour_mean(line[:1], line[1:], values[1:], k=1)
    tensor([0.5000], dtype=torch.float64)
    """
    if values.ndim not in (1, 2) or len(values) != len(reference):
        raise FairtutorError(
            f"values has the shape {tuple(values.shape)}; use one value, or one row of "
            f"values, for each of the {len(reference)} reference points."
        )
    asked = prepare(X, reference, k, own_position)
    columns = values.double().reshape(len(values), -1)
    each = torch.cat([torch.ones_like(columns[:, :1]), columns], 1)
    table = each.new_zeros(len(asked.search.order), each.shape[1])
    table.index_add_(0, asked.search.place[asked.who], each)

    nearer, tied, twins_nearer = [], [], []
    for chunk in asked.search.chunks(asked.queries, asked.own, progress):
        kth = asked.search.kth(chunk)
        sums = asked.search.sums(chunk, kth, table)
        nearer.append(sums[0]), tied.append(sums[1])
        twins_nearer.append(kth > asked.search.tie(chunk, kth))
    if not nearer:
        return each.new_empty(0, *values.shape[1:])
    nearer, tied, twins_nearer = (
        torch.cat(found)[asked.back] for found in (nearer, tied, twins_nearer)
    )
    if own_position is not None:
        own, at_home = each[own_position], twins_nearer[:, None]
        nearer, tied = nearer - own * at_home, tied - own * ~at_home
    left = (k - nearer[:, :1]) / tied[:, :1]
    means = (nearer[:, 1:] + left * tied[:, 1:]) / k
    return means.reshape(len(means), *values.shape[1:])


def neighbour_distance(
    X: Tensor, reference: Tensor, k: int, *, own_position: Tensor | None = None
) -> Tensor:
    """Return the Euclidean distance of each row's k-th nearest reference point.

    Parameters
    ----------
    X, reference, k, own_position
        As for :func:`neighbour_mean`.

    Returns
    -------
    torch.Tensor
        (m,) float64.

    Raises
    ------
    FairtutorError
        As :func:`neighbour_mean` does.

    Examples
    --------
    >>> line = torch.tensor([[0.0], [1.0], [1.0], [5.0]])
    >>> neighbour_distance(line, line, k=1, own_position=torch.arange(4))
    tensor([1., 0., 0., 4.], dtype=torch.float64)
    """
    asked = prepare(X, reference, k, own_position)
    kth = [
        asked.search.kth(chunk)
        for chunk in asked.search.chunks(asked.queries, asked.own)
    ]
    if not kth:
        return X.new_empty(0, dtype=torch.float64)
    return torch.cat(kth)[asked.back].sqrt() / asked.scale


class Asked(NamedTuple):
    """What is left to search once identical rows are one.

    Attributes
    ----------
    search
        Over the different rows of the reference.
    who
        (n,), the point each row of the reference is.
    queries
        (q, d), the different rows of X.
    own
        (q,), where they stand in the search, or -1.
    back
        (m,), the query each row of X is.
    scale
        Distances are to be divided by it.
    """

    search: Search
    who: Tensor
    queries: Tensor
    own: Tensor
    back: Tensor
    scale: Tensor


def prepare(X: Tensor, reference: Tensor, k: int, own_position: Tensor | None) -> Asked:
    """Check what is asked of a search for neighbours, and make identical rows one.

    Parameters
    ----------
    X, reference, k, own_position
        As for :func:`neighbour_mean`.
    """
    _check(X, reference, k, own_position)
    points, who, counts = reference.unique(
        dim=0, return_inverse=True, return_counts=True
    )
    if own_position is None:
        queries, back = X.unique(dim=0, return_inverse=True)
    else:
        same, back = who[own_position].unique(return_inverse=True)
        queries = points[same]
    # At most 2, so that no square overflows; a power of two changes no digit.
    largest = torch.cat([points, queries]).double().abs().amax()
    scale = torch.exp2(1.0 - largest.frexp().exponent.clamp(-1000).double())
    points, queries = points.double() * scale, queries.double() * scale
    precision = max(_precision(X), _precision(reference))
    search = Search(points, counts, k, precision)
    if own_position is None:
        own = torch.full_like(back[: len(queries)], -1)
    else:
        own = search.place[same]
    return Asked(search, who, queries, own, back, scale)


def _precision(X: Tensor) -> float:
    return torch.finfo(X.dtype).eps if X.dtype.is_floating_point else 0


def _check(X: Tensor, reference: Tensor, k: int, own_position: Tensor | None) -> None:
    if X.ndim != 2 or X.shape[1:] != reference.shape[1:] or X.shape[1] == 0:
        raise FairtutorError(
            f"X has the shape {tuple(X.shape)} and reference {tuple(reference.shape)}; "
            "use (m, d) and (n, d), with the same columns, at least one."
        )
    available = len(reference) - (own_position is not None)
    if available < 1:
        raise FairtutorError("There is no point to be a neighbour; give two or more.")
    if not Number(1, available, whole=True).holds(k):
        raise FairtutorError(f"k is {k!r}; use 1 to {available}, the points there are.")
    for name, rows in (("X", X), ("reference", reference)):
        require_finite(name, rows)
    if own_position is not None and not torch.equal(X, reference[own_position]):
        raise FairtutorError(
            "own_position does not fit: reference[own_position] must be X."
        )
