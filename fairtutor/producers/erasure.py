"""Linear erasure: remove what a linear probe could know of the group, and no more."""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ..exchange.architecture import build, mlp
from ..exchange.errors import FairtutorError
from .base import Encoder, Task

TINY = 1e-8  # variances below this share of the largest one count as none


def erasure(task: Task) -> Encoder:
    """Apply LEACE, the smallest affine change after which linear probes fail.

    On the rows it was fitted on, no linear probe beats a constant at telling the
    group from r(x) = x − s · W⁺ P W (x − μ), with strength s = 1, and a non-linear
    probe may still succeed. On other rows this holds up to sampling error in each
    column, which can be large in columns of rare categories: such a column differs
    between the groups for nearly everyone and is evened out by the few in that
    category. Where they are missing, a linear probe tells the group.

    It knows demographic parity only: ``task.notion`` is not looked at, and the error
    rates of a user of r(x) may differ between the groups.

    Parameters
    ----------
    task
        ``strength`` s from 0 (nothing is erased) to 1.

    Returns
    -------
    Encoder
        One linear layer of full width.

    Raises
    ------
    FairtutorError
        The strength is not between 0 and 1.

    References
    ----------
    Belrose et al. (2023), "LEACE: Perfect linear concept erasure in closed form",
    Theorem 4.3.

    Examples
    --------
    >>> groups = torch.tensor([0, 1]).repeat(50)
    >>> X = torch.randn(100, 3) + groups[:, None]
    >>> Z = erasure(Task(X, groups, groups, 2)).module(X)
    >>> gap = Z[groups == 1].mean(0) - Z[groups == 0].mean(0)
    >>> bool(gap.abs().max() < 1e-5)
    True
    """
    if not 0 <= task.strength <= 1:
        raise FairtutorError(
            f"The strength of erasure is {task.strength}; use 0 (nothing) to 1 (all)."
        )
    X = task.X.double()
    mean = X.mean(0)  # μ
    X = X - mean
    Z = one_hot(task.groups, task.num_groups).double()
    covariance = X.T @ X / len(X)  # Σ_xx
    erased = erased_part(covariance, X.T @ (Z - Z.mean(0)) / len(X))  # W⁺ P W
    layers = mlp(X.shape[1], X.shape[1])
    module = build(layers, X.shape[1])
    remove(task.strength * erased, mean, covariance, module[0])
    return Encoder(module.eval(), layers)


def remove(removed: Tensor, mean: Tensor, covariance: Tensor, layer: nn.Linear) -> None:
    """Set a layer to x − R (x − μ), without what rounding would leave of x.

    Parameters
    ----------
    removed
        R, (d, d) float64.
    mean, covariance
        μ, (d,), and Σ_xx, (d, d), of the rows that R was made for, float64.
    layer
        From d to d features.

    Examples
    --------
    >>> layer = nn.Linear(2, 2)
    >>> remove(torch.diag(torch.tensor([1.0, 0])), torch.ones(2), torch.eye(2), layer)
    >>> layer(torch.tensor([[3.0, 5.0]])).tolist()
    [[1.0, 5.0]]
    """
    weight = torch.eye(len(mean), device=mean.device) - removed
    # A column of which nothing is left must be constant: float32's rounding of what
    # should cancel would still tell the group, and a probe reads it.
    left = (weight @ covariance * weight).sum(1)
    weight[left <= TINY * covariance.diagonal()] = 0
    weight[weight.abs() < TINY] = 0  # rounding as well, in columns that never vary
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(mean - weight @ mean)


def erased_part(covariance: Tensor, shared: Tensor) -> Tensor:
    """Return W⁺ P W, what LEACE takes from x − μ.

    W = (Σ_xx^½)⁺, and P is the projection onto the columns of W Σ_xz.

    Parameters
    ----------
    covariance, shared
        Σ_xx, (d, d), and Σ_xz, (d, G), between x and the group, one-hot; float64.

    Returns
    -------
    torch.Tensor
        (d, d), of rank G − 1 at most.

    Examples
    --------
    >>> erased_part(torch.eye(2), torch.tensor([[0.5, -0.5], [0.0, 0.0]])).abs()
    tensor([[1., 0.],
            [0., 0.]])
    """
    variances, directions = torch.linalg.eigh(covariance)
    kept = variances > TINY * variances.max()
    roots, directions = variances[kept].sqrt(), directions[:, kept]
    whiten = directions / roots @ directions.T  # W
    unwhiten = directions * roots @ directions.T  # W⁺
    told, sizes, _ = torch.linalg.svd(whiten @ shared, full_matrices=False)
    told = told[:, sizes > TINY**0.5 * sizes.max().clamp(min=TINY)]
    return unwhiten @ told @ told.T @ whiten  # P = told toldᵀ
