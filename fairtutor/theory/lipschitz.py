"""An upper bound on how far a network can stretch a distance."""

import torch
from torch import nn

ROUNDING = 1 + 1e-12
ONE_LIPSCHITZ = (nn.ReLU, nn.Tanh)
CONSTANTS = {nn.GELU: 1.13, nn.Softmax: 0.5}


def lipschitz_bound(network: nn.Sequential) -> float:
    r"""Bound L in ‖f(x) − f(x')‖₂ ≤ L ‖x − x'‖₂ for all x, x'.

    The bound is the product of the layers' own constants: the largest singular
    value σ₁(W) for a linear layer, 1 for ReLU and tanh, 1.13 for GELU, ½ for softmax.
    (The derivative of p = softmax(t) is diag(p) − p pᵀ, and no row of it has absolute
    values that add up to more than 2 pᵢ (1 − pᵢ) ≤ ½.)

    Parameters
    ----------
    network
        Linear layers and activations.

    Returns
    -------
    float
        At least 0; computed in float64 and rounded up. It is rarely tight.

    Raises
    ------
    TypeError
        A layer's constant is not known.

    References
    ----------
    Szegedy et al. (2014), "Intriguing properties of neural networks", section 4.3.

    Examples
    --------
    >>> layer = nn.Linear(2, 2, bias=False)
    >>> _ = layer.weight.data.copy_(torch.diag(torch.tensor([3.0, 1.0])))
    >>> round(lipschitz_bound(nn.Sequential(layer, nn.ReLU())), 6)
    3.0
    """
    bound = 1.0
    for layer in network:
        bound *= _constant(layer)
    return bound


def _constant(layer: nn.Module) -> float:
    if isinstance(layer, nn.Linear):
        weight = layer.weight.detach().cpu().double()
        return torch.linalg.matrix_norm(weight, ord=2).item() * ROUNDING  # σ₁(W)
    if isinstance(layer, ONE_LIPSCHITZ):
        return 1.0
    if type(layer) in CONSTANTS:
        return CONSTANTS[type(layer)]
    raise TypeError(f"No Lipschitz constant is known for {type(layer).__name__}.")
