"""What an arbiter's answers must be: "a is more like b than like c", by positions."""

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError

WHOLE = (torch.int64, torch.int32)  # torch takes no others for positions


def require_triplets(of: str, triplets: Tensor, n: int) -> None:
    """Refuse what is not three positions in n rows each.

    Parameters
    ----------
    of
        What the positions are in, for the message, such as ``"Z"``.
    triplets
        (m, 3), m may be 0.
    n
        How many rows there are.

    Raises
    ------
    FairtutorError

    Examples
    --------
    >>> require_triplets("Z", torch.tensor([[0, 1, 2]]), 3)
    >>> require_triplets("Z", torch.tensor([[0, 1, 3]]), 3)
    Traceback (most recent call last):
        ...
    fairtutor.exchange.errors.FairtutorError: The triplets name position 3 of Z, ...
    """
    whole = "whole numbers (int64), (m, 3): positions of a, b and c"
    if not isinstance(triplets, Tensor):
        raise FairtutorError(
            f"The triplets given for {of} are of type {type(triplets).__name__}; "
            f"return a torch.Tensor of {whole}."
        )
    if triplets.ndim != 2 or triplets.shape[1] != 3 or triplets.dtype not in WHOLE:
        raise FairtutorError(
            f"The triplets given for {of} are {triplets.dtype} of the shape "
            f"{tuple(triplets.shape)}; return {whole}."
        )
    for wrong in triplets[(triplets < 0) | (triplets >= n)][:1].tolist():
        raise FairtutorError(
            f"The triplets name position {wrong} of {of}, which has {n} rows; use "
            f"positions from 0 to {n - 1}."
        )


def require_three_rows(of: str, triplets: Tensor) -> None:
    """Refuse a triplet in which one row stands twice; arguments as above.

    Raises
    ------
    FairtutorError
    """
    a, b, c = triplets.unbind(1)
    for place in ((a == b) | (a == c) | (b == c)).nonzero()[:1, 0].tolist():
        raise FairtutorError(
            f"Triplet {place} of {of} is {triplets[place].tolist()}; name three "
            "different rows. Nobody is more or less like oneself."
        )
