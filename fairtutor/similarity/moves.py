"""Invariances of images: an image, and the same image moved a little, are similar."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..exchange.errors import FairtutorError
from ..exchange.values import Number, require_number

AMOUNT, PIXELS = Number(0, 90), Number(-10_000, 10_000, whole=True)
COARSE = (
    5  # places in each direction that are pulled by hand; between them it is smooth
)


def shifted(X: Tensor, right: int, down: int) -> Tensor:
    """Move square images by whole pixels; what comes in from outside is 0.

    Parameters
    ----------
    X
        (n, side²).
    right, down
        Pixels, below the side; negative ones move left and up.

    Returns
    -------
    torch.Tensor
        (n, side²). Ink that is moved over the edge is lost.

    Raises
    ------
    FairtutorError
        Rows are no squares, a shift is no whole number, or nothing would be left.

    Examples
    --------
    >>> shifted(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), right=1, down=0)
    tensor([[0., 1., 0., 3.]])
    """
    images = _squares(X)
    side = images.shape[-1]
    for name, pixels in (("right", right), ("down", down)):
        require_number(name, pixels, PIXELS, name)
    if max(abs(right), abs(down)) >= side:
        raise FairtutorError(
            f"The shift is ({right}, {down}) and the images are {side} pixels wide; "
            "nothing would be left."
        )
    moved = torch.zeros_like(images)
    to_x, from_x = _places(right, side)
    to_y, from_y = _places(down, side)
    moved[..., to_y, to_x] = images[..., from_y, from_x]
    return moved.reshape(len(X), -1)


@dataclass(frozen=True)
class Moves:
    """How far an image may be moved, and stay similar in a regulator's eyes.

    Each call moves every image differently: turned, made larger or smaller, slanted,
    shifted, and bent by pulling at 5 × 5 places. Amounts are drawn evenly up to the
    given ones, pulls from a normal distribution.

    Parameters
    ----------
    turn
        In degrees.
    scale
        By a factor from e^−scale to e^scale.
    slant
        Pixels to the side, per pixel of height.
    shift
        In pixels, along each side.
    bend
        Standard deviation of the pulls, in pixels.

    Raises
    ------
    FairtutorError
        An amount is below 0, above 90 or no number.

    Examples
    --------
    >>> image = torch.zeros(1, 784)
    >>> image[0, 400] = 1
    >>> moved = Moves(shift=3.0)(image)
    >>> moved.shape, torch.equal(Moves(0, 0, 0, 0, 0)(image).round(), image)
    (torch.Size([1, 784]), True)
    """

    turn: float = 20.0
    scale: float = 0.2
    slant: float = 0.3
    shift: float = 3.5
    bend: float = 1.5

    def __post_init__(self) -> None:
        for name, amount in vars(self).items():
            require_number(name, amount, AMOUNT, name)

    def __call__(self, X: Tensor) -> Tensor:
        """Return (n, side²): each of the images X, (n, side²), moved at random."""
        images = _squares(X)
        half = images.shape[-1] / 2  # coordinates run from −1 to 1
        grid = functional.affine_grid(
            self._maps(X, half), images.shape, align_corners=False
        )
        if self.bend:
            pulls = torch.randn(
                len(X), 2, COARSE, COARSE, device=X.device, dtype=X.dtype
            )
            smooth = functional.interpolate(
                pulls * self.bend / half, images.shape[-2:], mode="bicubic"
            )
            grid = grid + smooth.permute(0, 2, 3, 1)
        moved = functional.grid_sample(images, grid, align_corners=False)
        return moved.reshape(len(X), -1)

    def _maps(self, X: Tensor, half: float) -> Tensor:
        """Return the affine maps from where ink goes to where it is from, (n, 2, 3)."""

        def drawn(amount: float) -> Tensor:
            unit = torch.rand(len(X), device=X.device, dtype=X.dtype)
            return (2 * unit - 1) * amount

        angle, size = drawn(math.radians(self.turn)), drawn(self.scale).exp()
        cosine, sine = angle.cos() / size, angle.sin() / size
        across = torch.stack(
            [cosine, drawn(self.slant) - sine, drawn(self.shift / half)], 1
        )
        upwards = torch.stack([sine, cosine, drawn(self.shift / half)], 1)
        return torch.stack([across, upwards], 1)


def _squares(X: Tensor) -> Tensor:
    """Return the images that travel as rows, (n, 1, side, side)."""
    side = math.isqrt(X.shape[-1])
    if X.ndim != 2 or side**2 != X.shape[1]:
        raise FairtutorError(
            f"X has the shape {tuple(X.shape)}; give square images as rows, such as "
            "(n, 784)."
        )
    return X.reshape(len(X), 1, side, side)


def _places(by: int, side: int) -> tuple[slice, slice]:
    """Return where pixels go to along one side, and where they are from."""
    return (
        slice(max(by, 0), side + min(by, 0)),
        slice(max(-by, 0), side - max(by, 0)),
    )
