"""A lower bound on a Lipschitz constant: the largest stretch that was found."""

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

Function = Callable[[Tensor], Tensor]


def sampled_lower_bound(
    f: nn.Module, X: Tensor, *, pairs: int = 10_000, steps: int = 50, seed: int = 0
) -> float:
    """Search for two points that f pulls apart the most.

    Random pairs of rows come first. Then, from the rows of the best pairs, small steps
    follow the direction in which f changes the fastest (power iteration on the
    derivative), and a last one measures a pair of points, not a derivative.

    Parameters
    ----------
    f
        Takes (m, d) and returns (m, c). It is not changed.
    X
        Rows to start from, (n, d), n ≥ 2.
    pairs
        How many random pairs are tried.
    steps
        Of the search, from 64 rows at once.
    seed
        Of the pairs.

    Returns
    -------
    float
        The largest ‖f(x) − f(x')‖₂ / ‖x − x'‖₂ found, in float64. The true constant is
        at least this large (up to the rounding of float64), and may be larger.

    Examples
    --------
    >>> layer = nn.Linear(3, 3, bias=False)
    >>> layer.weight.data = torch.diag(torch.tensor([4.0, 1.0, 0.5]))
    >>> round(sampled_lower_bound(layer, torch.randn(50, 3)), 4)
    4.0
    """
    f = deepcopy(f).double().eval().requires_grad_(False)
    X = X.double()
    draw = torch.Generator().manual_seed(seed)
    left, right = torch.randint(len(X), (2, pairs), generator=draw)
    apart = (X[left] != X[right]).any(1).cpu()
    left, right = left[apart], right[apart]
    ratios = _ratios(f, X[left], X[right])
    if not len(ratios):
        return 0.0
    best = ratios.topk(min(64, len(ratios))).indices.cpu()
    x, direction = X[left[best]], X[right[best]] - X[left[best]]
    direction = _fastest(f, x, direction, steps)
    near = 1e-4 * X.std(0).norm() * direction
    return max(ratios.max().item(), _ratios(f, x, x + near).max().item())


def _ratios(f: Function, x: Tensor, other: Tensor) -> Tensor:
    ratios = (f(x) - f(other)).norm(dim=1) / (x - other).norm(dim=1)
    return ratios.nan_to_num(0.0)  # where f is constant, no direction is the fastest


def _fastest(f: Function, x: Tensor, direction: Tensor, steps: int) -> Tensor:
    """Return unit vectors v that ‖J v‖ is large for, J the derivative at each x."""
    v = nn.functional.normalize(direction, dim=1)
    _, pull = torch.func.vjp(f, x)  # pull(u) = Jᵀ u
    for _ in range(steps):
        _, stretched = torch.func.jvp(f, (x,), (v,))
        (v,) = pull(stretched)
        v = nn.functional.normalize(v, dim=1)
    return v
