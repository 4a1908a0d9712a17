"""Means over nearest neighbours, with ties shared instead of broken by row order."""

import torch
from torch import Tensor

TIE = 1e-9  # squared distances this close are one distance (float64 rounds at 1e-13)
CHUNK = 1024  # queries at a time: bounds memory at CHUNK × reference × 8 bytes


def neighbour_mean(
    X: Tensor,
    reference: Tensor,
    values: Tensor,
    k: int,
    *,
    own_position: Tensor | None = None,
) -> Tensor:
    """Average a value over each row's k nearest reference points.

    Reference points tied at the k-th distance share the weight that is left, so the
    answer does not depend on the order of the rows.

    Parameters
    ----------
    X
        Query rows, (m, d).
    reference
        Points to search, (n, d).
    values
        One number per reference point, (n,).
    k
        How many neighbours, from 1 to the number of reference points.
    own_position
        Where each query itself stands in the reference, (m,), so that it is not its
        own neighbour. ``None`` when queries and reference are disjoint.

    Returns
    -------
    torch.Tensor
        (m,) float64 means.

    Raises
    ------
    ValueError
        k is out of its range.

    Examples
    --------
    >>> line = torch.tensor([[0.0], [1.0], [1.0], [5.0]])
    >>> values = torch.tensor([9.0, 1.0, 0.0, 9.0])
    >>> neighbour_mean(line[:1], line[1:], values[1:], k=1)
    tensor([0.5000], dtype=torch.float64)
    """
    available = len(reference) - (own_position is not None)
    if not 1 <= k <= available:
        raise ValueError(f"k is {k}; use 1 to {available}, the points there are.")
    reference, values = reference.double(), values.double()
    means = []
    for start in range(0, len(X), CHUNK):
        rows = slice(start, start + CHUNK)
        squared = _squared_distances(X[rows].double(), reference)
        if own_position is not None:
            squared.scatter_(1, own_position[rows, None], torch.inf)
        means.append(_tied_mean(squared, values, k))
    return torch.cat(means) if means else values.new_empty(0)


def _squared_distances(X: Tensor, reference: Tensor) -> Tensor:
    """‖x − r‖² = ‖x‖² + ‖r‖² − 2 x·r, one matrix product."""
    squared = torch.addmm(
        X.square().sum(1, keepdim=True) + reference.square().sum(1),
        X,
        reference.T,
        alpha=-2,
    )
    return squared.clamp_(min=0)


def _tied_mean(squared: Tensor, values: Tensor, k: int) -> Tensor:
    kth = squared.topk(k, largest=False).values[:, -1:]
    nearer = (squared < kth - TIE).double()
    tied = ((squared - kth).abs() <= TIE).double()
    left = k - nearer.sum(1)
    return (nearer @ values + left * (tied @ values) / tied.sum(1)) / k
