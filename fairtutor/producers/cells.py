"""A representation of few values: which cell z lies in, and nothing else."""

import torch
from torch import Tensor

from ..exchange.architecture import build
from ..similarity import Cells
from .base import Encoder

# So large that float32's softmax is exactly 0 or 1, unless z lies on the border between
# two cells up to float32's rounding.
SHARPNESS = 1e8


def in_cells(encoder: Encoder, X: Tensor, num_cells: int, *, seed: int = 0) -> Encoder:
    """Hand on in which cell z lies, one-hot, in place of z.

    Then z takes few values, the best adversary and the widest user can be computed
    instead of tried (:mod:`fairtutor.theory.leakage`), and what holds for the widest
    user holds for everyone. The cells are two declared layers: with centres c_k,
    softmax_k(β (2 z · c_k − ‖c_k‖²)) is 1 at the centre nearest to z, for β very large.

    A step function has no useful Lipschitz constant: the bound that the producer
    claims for it is true and says nothing.

    Parameters
    ----------
    encoder
        What a method made.
    X
        Rows that the cells are fitted to, (n, d): the encoder's own.
    num_cells
        K, at most the number of rows; see :meth:`fairtutor.similarity.Cells.fit`.
    seed
        Of the cells.

    Returns
    -------
    Encoder
        Of width K.

    Raises
    ------
    FairtutorError
        There are fewer rows than cells, or no cell.

    Examples
    --------
    >>> from .base import Task
    >>> from .identity import identity
    >>> X = torch.tensor([[0.0], [0.2], [5.0], [5.2]])
    >>> y = torch.tensor([0, 0, 1, 1])
    >>> Z = in_cells(identity(Task(X, y, y, 2)), X, 2).module(X)
    >>> bool((Z[0] == Z[1]).all()), bool((Z[0] == Z[2]).any()), Z.unique().tolist()
    (True, False, [0.0, 1.0])
    """
    with torch.no_grad():
        Z = encoder.module(X.cpu())  # where an encoder is handed on
    centres = Cells.fit(Z, num_cells, seed=seed).centres
    squares = centres.square().sum(1)
    sharpness = SHARPNESS / squares.max().clamp(min=1e-12)  # whatever the scale of z
    nearest = (("linear", Z.shape[1], len(centres)), ("softmax",))
    end = build(nearest, Z.shape[1])
    with torch.no_grad():
        end[0].weight.copy_(2 * sharpness * centres)
        end[0].bias.copy_(-sharpness * squares)
    module = torch.nn.Sequential(*encoder.module, *end).eval()
    return Encoder(module, (*encoder.layers, *nearest), encoder.history)
