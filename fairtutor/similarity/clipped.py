"""Cells of nearest centres, clipped to a box: how large they are, and their corners."""

import torch
from torch import Tensor

from .box import Box


def diameters(centres: Tensor, box: Box) -> Tensor:
    """Return an upper bound on each cell's diameter, exact in one and two dimensions.

    In the plane a cell is a polygon, whose diameter is that of its corners. Otherwise
    linear programs find how far the cell reaches along each coordinate, and the
    diagonal of that box bounds it; on a line the box is the cell.

    Parameters
    ----------
    centres
        (K, d) float64.
    box
        In d dimensions.

    Returns
    -------
    torch.Tensor
        (K,) float64; 0 for a cell that lies outside the box.

    Examples
    --------
    >>> centres = torch.tensor([[0.2], [0.6]]).double()
    >>> diameters(centres, Box.unit(1))
    tensor([0.4000, 0.6000], dtype=torch.float64)
    """
    if centres.shape[1] == 2:
        found = [_spread(corners) for corners in polygons(centres, box)]
    else:
        found = [_extent(centres, box, k) for k in range(len(centres))]
    return torch.tensor(found, dtype=torch.float64)


def polygons(centres: Tensor, box: Box) -> list[Tensor]:
    """Return the corners of each cell in the plane.

    Each cell is the box, cut at the bisector with every other centre (Sutherland &
    Hodgman 1974).

    Parameters
    ----------
    centres
        (K, 2).
    box
        In the plane.

    Returns
    -------
    list of torch.Tensor
        (m, 2) float64 each, in order around the cell; m is 0 outside the box.

    Examples
    --------
    >>> centres = torch.tensor([[0.0, 0.5], [1.0, 0.5]]).double()
    >>> polygons(centres, Box.unit(2))[0].tolist()
    [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]
    """
    (left, low), (right, high) = box.lower.tolist(), box.upper.tolist()
    start = [(left, low), (right, low), (right, high), (left, high)]
    cells = []
    for k, centre in enumerate(centres):
        corners = start
        normals, offsets = _bisectors(centres, k)
        for (a, b), offset in zip(normals.tolist(), offsets.tolist(), strict=True):
            corners = _half(corners, a, b, offset)
        made = torch.tensor(corners, dtype=torch.float64, device=centre.device)
        cells.append(made.reshape(-1, 2))
    return cells


def _bisectors(centres: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return a, b with a · x ≤ b where centre k is at least as near as each other."""
    others = torch.arange(len(centres), device=centres.device) != k
    normals = centres[others] - centres[k]
    squares = centres.square().sum(1)
    return normals, (squares[others] - squares[k]) / 2


def _half(
    corners: list[tuple[float, float]], a: float, b: float, offset: float
) -> list[tuple[float, float]]:
    """Return the part of a convex polygon with a x + b y ≤ offset."""
    kept = []
    for (x, y), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        here, there = a * x + b * y - offset, a * x1 + b * y1 - offset
        if here <= 0:
            kept.append((x, y))
        if here * there < 0:
            t = here / (here - there)
            kept.append((x + t * (x1 - x), y + t * (y1 - y)))
    return kept


def _spread(corners: Tensor) -> float:
    return torch.cdist(corners, corners).max().item() if len(corners) else 0.0


def _extent(centres: Tensor, box: Box, k: int) -> float:
    """Return the diagonal of the smallest box around a cell."""
    from scipy.optimize import linprog

    normals, offsets = (part.cpu().numpy() for part in _bisectors(centres, k))
    limits = list(zip(box.lower.tolist(), box.upper.tolist(), strict=True))
    sides = []
    for unit in torch.eye(centres.shape[1], dtype=torch.float64).numpy():
        ends = []
        for sign in (1.0, -1.0):
            found = linprog(-sign * unit, normals, offsets, bounds=limits)
            if found.status == 2:  # the cell has no point in the box
                return 0.0
            ends.append(-found.fun)
        sides.append(sum(ends))
    return torch.tensor(sides, dtype=torch.float64).norm().item()
