"""Distances between pairs of people, in units of the mean distance of two of them."""

import torch
from torch import Tensor

from ..data.splits import permutation
from ..exchange.errors import FairtutorError

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
