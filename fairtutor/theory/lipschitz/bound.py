"""An upper bound on how far a network can stretch a distance, layer by layer."""

import torch
from torch import Tensor, nn

from ...exchange.errors import FairtutorError
from ...exchange.layers import Convolution, GroupSort, Residual

ROUNDING = 1 + 1e-12
ONE_LIPSCHITZ = (nn.ReLU, nn.Tanh, GroupSort)
CONSTANTS = {nn.GELU: 1.13, nn.Softmax: 0.5}


def lipschitz_bound(network: nn.Sequential) -> float:
    r"""Bound L in ‖f(x) − f(x')‖₂ ≤ L ‖x − x'‖₂ for all x, x'.

    The bound is the product of the layers' own constants (:func:`layer_constants`).

    Parameters
    ----------
    network
        Layers that :func:`fairtutor.exchange.build` makes, other than trees.

    Returns
    -------
    float
        At least 0; computed in float64 and rounded up. It is rarely tight.

    Raises
    ------
    FairtutorError
        It is no sequence of layers, or a layer's constant is not known.

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
    for _, constant in layer_constants(network):
        bound *= constant
    return bound


def layer_constants(network: nn.Sequential) -> list[tuple[str, float]]:
    r"""Return each layer's own constant.

    It is the largest singular value σ₁(W) for a linear layer; 1 for ReLU, tanh and
    GroupSort; 1.13 for GELU; ½ for softmax. (The derivative of p = softmax(t) is
    diag(p) − p pᵀ, and no row of it has absolute values that add up to more than
    2 pᵢ (1 − pᵢ) ≤ ½.)

    A residual layer x − 2 V relu(Vᵀx + b): relu(u) − relu(u') = D (u − u') for a
    diagonal D between 0 and 1, so two outputs differ by (I − 2 V D Vᵀ)(x − x'). That
    matrix is symmetric, and its eigenvalues lie between 1 − 2 σ₁(V)² and 1. Hence
    max(1, 2 σ₁(V)² − 1).

    A convolution: put the image on a torus with zeros beside it, as wide as the filter
    reaches. The circular convolution there agrees with ours on the image, so that ours
    cannot stretch more. The Fourier transform takes the circular one apart into one
    small matrix, outputs × inputs, for each frequency, and the largest σ₁ of these is
    its norm (Sedghi, Gupta & Long 2019). A stride leaves out pixels, and cannot
    lengthen a vector.

    Parameters
    ----------
    network
        As for :func:`lipschitz_bound`.

    Returns
    -------
    list of (str, float)
        Kind and constant, in the order of the layers.

    Raises
    ------
    FairtutorError
        A layer's constant is not known.

    Examples
    --------
    >>> layer_constants(nn.Sequential(nn.ReLU(), nn.Softmax(dim=1)))
    [('ReLU', 1.0), ('Softmax', 0.5)]
    """
    if not isinstance(network, nn.Sequential):
        raise FairtutorError(
            f"{type(network).__name__} is no nn.Sequential. Put the layers into "
            "one, or take what a LipschitzNetwork's export() returns."
        )
    return [(type(layer).__name__, _constant(layer)) for layer in network]


def spectral_norm(weight: Tensor) -> float:
    """Return σ₁ of a matrix or of a stack of them, in float64 and rounded up.

    Parameters
    ----------
    weight
        (..., m, n), real or complex, any precision.

    Returns
    -------
    float
        At least 0.

    Examples
    --------
    >>> round(spectral_norm(torch.tensor([[0.0, 2.0], [1.0, 0.0]])), 6)
    2.0
    """
    precise = torch.complex128 if weight.is_complex() else torch.float64
    exact = weight.detach().cpu().to(precise)
    return torch.linalg.matrix_norm(exact, ord=2).max().item() * ROUNDING


def _constant(layer: nn.Module) -> float:
    if _is(layer, nn.Linear):
        return spectral_norm(layer.weight)
    if _is(layer, Residual):
        return max(1.0, 2 * spectral_norm(layer.weight) ** 2 - 1)
    if _is(layer, Convolution):
        return _convolution(layer)
    if any(_is(layer, kind) for kind in ONE_LIPSCHITZ):
        return 1.0
    if type(layer) in CONSTANTS:
        return CONSTANTS[type(layer)]
    raise FairtutorError(
        f"No Lipschitz constant is known for {type(layer).__name__}. Use layers that "
        "have one: linear, residual, convolution, relu, tanh, gelu, groupsort, "
        "softmax. Of a LipschitzNetwork, take what export() returns."
    )


def _is(layer: nn.Module, kind: type[nn.Module]) -> bool:
    """Say whether a layer computes what its kind does: a subclass may do otherwise."""
    return isinstance(layer, kind) and type(layer).forward is kind.forward


def _convolution(layer: Convolution) -> float:
    weight = layer.weight.detach().cpu().double()
    torus = layer.side + weight.shape[-1] // 2
    spectrum = torch.fft.rfft2(weight, s=(torus, torus))  # the rest is conjugate
    columns = spectrum.permute(3, 2, 0, 1)
    return max(spectral_norm(matrices) for matrices in columns)
