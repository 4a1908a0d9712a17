"""Layers with a Lipschitz constant that anybody can compute from their weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class GroupSort(nn.Module):
    """Sort neighbouring pairs of features: (a, b) becomes (max, min).

    It only changes the order of numbers, so that it keeps every gradient's length.
    A ReLU halves it on average, which is why networks with a small Lipschitz constant
    use this activation.

    References
    ----------
    Anil, Lucas & Grosse (2019), "Sorting out Lipschitz function approximation".
    There it is GroupSort2, or MaxMin.

    Examples
    --------
    >>> GroupSort()(torch.tensor([[1.0, 5.0, 4.0, 3.0]]))
    tensor([[5., 1., 4., 3.]])
    """

    def forward(self, X: Tensor) -> Tensor:
        """Return the rows X, (n, width), sorted in pairs; the width is even."""
        first, second = X.unflatten(1, (-1, 2)).unbind(2)
        larger, smaller = torch.maximum(first, second), torch.minimum(first, second)
        return torch.stack((larger, smaller), 2).flatten(1)


class Residual(nn.Module):
    r"""A residual layer, x − 2 V relu(Vᵀx + b).

    Its derivative is I − 2 V D Vᵀ with a diagonal D of zeros and ones: symmetric, with
    eigenvalues from 1 − 2 σ₁(V)² to 1. Its constant is 1 wherever σ₁(V) ≤ 1.

    Parameters
    ----------
    width
        Features that enter and leave.
    hidden
        Columns of V.

    Attributes
    ----------
    weight
        V, (width, hidden). Its start has σ₁(V) near 1/2.
    bias
        b, (hidden,).

    References
    ----------
    Araujo et al. (2023), "A unified algebraic perspective on Lipschitz neural
    networks" (the SLL layer, x − 2 W T⁻¹ relu(Wᵀx + b'): V = W T^(−1/2) and
    b = T^(−1/2) b').

    Examples
    --------
    >>> layer = Residual(width=1, hidden=1)
    >>> layer.weight.data.fill_(1.0), layer.bias.data.zero_()
    (tensor([[1.]]), tensor([0.]))
    >>> layer(torch.tensor([[3.0], [-3.0]])).detach()
    tensor([[-3.],
            [-3.]])
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        spread = 0.5 / (width**0.5 + hidden**0.5)
        self.weight = nn.Parameter(spread * torch.randn(width, hidden))
        self.bias = nn.Parameter(torch.zeros(hidden))

    def forward(self, X: Tensor) -> Tensor:
        """Return rows of the shape of X, (n, width)."""
        hidden = functional.relu(torch.addmm(self.bias, X, self.weight))
        return torch.addmm(X, hidden, self.weight.T, alpha=-2)

    def extra_repr(self) -> str:
        """Return the sizes, for people to read."""
        width, hidden = self.weight.shape
        return f"width={width}, hidden={hidden}"


class Convolution(nn.Module):
    """A convolution of square images that travel as flat rows, zeros around them.

    Parameters
    ----------
    side
        Height and width of the images that enter, in pixels.
    inputs, outputs
        Channels that enter and leave.
    kernel
        Height and width of the filters, an odd number.
    stride
        Every how many pixels one leaves.

    Attributes
    ----------
    weight, bias
        (outputs, inputs, kernel, kernel) and (outputs,).

    Examples
    --------
    >>> layer = Convolution(side=28, inputs=1, outputs=4, kernel=3, stride=2)
    >>> layer(torch.zeros(5, 784)).shape
    torch.Size([5, 784])
    """

    def __init__(
        self, side: int, inputs: int, outputs: int, kernel: int, stride: int
    ) -> None:
        super().__init__()
        self.side, self.stride = side, stride
        spread = (inputs * kernel**2) ** -0.5
        self.weight = nn.Parameter(
            spread * torch.randn(outputs, inputs, kernel, kernel)
        )
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, X: Tensor) -> Tensor:
        """Return (n, outputs · side_out²) for rows X, (n, inputs · side²)."""
        inputs, padding = self.weight.shape[1], self.weight.shape[2] // 2
        images = X.reshape(len(X), inputs, self.side, self.side)
        made = functional.conv2d(images, self.weight, self.bias, self.stride, padding)
        return made.flatten(1)

    def extra_repr(self) -> str:
        """Return the sizes, for people to read."""
        outputs, inputs, kernel, _ = self.weight.shape
        return (
            f"side={self.side}, inputs={inputs}, outputs={outputs}, "
            f"kernel={kernel}, stride={self.stride}"
        )


def side_after(side: int, stride: int) -> int:
    """Return the side of the images that leave a :class:`Convolution`.

    Examples
    --------
    >>> side_after(28, stride=2), side_after(7, stride=2)
    (14, 4)
    """
    return (side - 1) // stride + 1
