"""The worst similar individual: treated most differently, at the least distance."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from ..exchange.errors import FairtutorError

BETAS, EPSILON = (0.9, 0.999), 1e-8  # Adam's own

Derivative = Callable[[Tensor], Tensor]


class FairDistance(nn.Module):
    r"""dₓ(x, x') = ‖(I − U Uᵀ)(x − x')‖₂²: what lies along U does not count.

    Parameters
    ----------
    U
        Orthonormal columns, (d, k), or columns of zeros, as
        :func:`fairtutor.similarity.sensitive_subspace` returns them.

    Raises
    ------
    FairtutorError
        The columns are not orthonormal, or a difference has another width than U.

    References
    ----------
    Yurochkin, Bower & Sun (2020), "Training individually fair ML models with
    sensitive subspace robustness", equation 2.1 and section 3.1.

    Examples
    --------
    >>> distance = FairDistance(torch.tensor([[1.0], [0.0]]))
    >>> distance(torch.tensor([[9.0, 2.0]]))
    tensor([4.])
    """

    def __init__(self, U: Tensor) -> None:
        super().__init__()
        if U.ndim != 2 or not torch.allclose(U @ (U.T @ U), U, atol=1e-4):
            raise FairtutorError(
                f"The columns of U, {tuple(U.shape)}, are not orthonormal; take what "
                "sensitive_subspace returns, or the Q of torch.linalg.qr."
            )
        self.register_buffer("U", U)

    def forward(self, delta: Tensor) -> Tensor:
        """Return the distances, (n,), for differences x' − x, (n, d)."""
        return self.outside(delta).square().sum(1)

    def outside(self, delta: Tensor) -> Tensor:
        """Return what counts of each difference: half of the gradient."""
        if delta.shape[1] != len(self.U):
            raise FairtutorError(
                f"The rows have {delta.shape[1]} numbers and U {len(self.U)} rows; "
                "learn U from the same columns."
            )
        return torch.addmm(delta, delta @ self.U, self.U.T, alpha=-1)


def worst_similar(
    network: nn.Module,
    X: Tensor,
    gain_slope: Derivative,
    distance: FairDistance,
    *,
    lam: Tensor | float,
    steps: int,
    lr: float,
    start: Tensor,
) -> Tensor:
    r"""Look for the x' that maximises gain(f(x')) − λ dₓ(x, x'), for every row at once.

    Adam ascends from x + start. What can be written down is: the gain's derivative, the
    distance's, 2 λ (I − UUᵀ) δ, and for linear layers with ReLUs between them the
    network's; others are left to autograd. Nothing needs gradients of the parameters.

    Parameters
    ----------
    network
        f. In whatever mode it is in; nothing in it is changed.
    X
        (n, d).
    gain_slope
        From outputs f(x'), (n, C), to the derivative of each row's gain, (n, C).
    distance
        dₓ.
    lam
        λ ≥ 0.
    steps, lr
        Of Adam.
    start
        (n, d): where to start, as x' − x.

    Returns
    -------
    torch.Tensor
        (n, d), without a gradient.

    References
    ----------
    Yurochkin & Sun (2021), "SenSeI: Sensitive set invariance for enforcing individual
    fairness", algorithm 1.

    Examples
    --------
    >>> f = nn.Linear(2, 1, bias=False)
    >>> _ = f.weight.data.copy_(torch.tensor([[0.0, 2.0]]))
    >>> U, x = torch.tensor([[1.0], [0.0]]), torch.zeros(1, 2)
    >>> found = worst_similar(f, x, torch.ones_like, FairDistance(U), lam=1.0,
    ...                       steps=500, lr=0.05, start=torch.zeros(1, 2))
    >>> found.round(decimals=2)  # of 2 t − t² at t = 1
    tensor([[0., 1.]])
    """
    delta, first, second = start.clone(), torch.zeros_like(X), torch.zeros_like(X)
    beta, beta2 = BETAS
    slope_of = _written_down if _only_relus(network) else _by_autograd
    for step in range(1, steps + 1):
        slope = slope_of(network, gain_slope, X + delta)
        slope -= distance.outside(delta).mul_(2 * lam)
        first.lerp_(slope, 1 - beta)
        second.mul_(beta2).addcmul_(slope, slope, value=1 - beta2)
        correction = (1 - beta2**step) ** 0.5
        size = lr * correction / (1 - beta**step)
        delta.addcdiv_(first, second.sqrt().add_(EPSILON * correction), value=size)
    return X + delta


def _only_relus(network: nn.Module) -> bool:
    kinds = (nn.Linear, nn.ReLU)
    return isinstance(network, nn.Sequential) and all(type(f) in kinds for f in network)


@torch.no_grad()
def _written_down(network: nn.Sequential, gain_slope: Derivative, x: Tensor) -> Tensor:
    """Around x the network is a product of its matrices and of ReLUs on or off."""
    passed = []
    for layer in network:
        x = linear(x, layer.weight, layer.bias) if _is_linear(layer) else x.relu()
        passed.append(x)
    slope = gain_slope(x)
    for layer, made in zip(reversed(network), reversed(passed), strict=True):
        slope = slope @ layer.weight if _is_linear(layer) else slope * (made > 0)
    return slope


def _is_linear(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear)


def _by_autograd(network: nn.Module, gain_slope: Derivative, x: Tensor) -> Tensor:
    with torch.enable_grad():
        outputs = network(x.requires_grad_(True))
    return torch.autograd.grad(outputs, x, gain_slope(outputs.detach()))[0]
