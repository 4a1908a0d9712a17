"""A bounded piece of the feature space, and two ways to cut it into cells."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError
from ..exchange.values import Number, require_number

MOST_CELLS = 1_000_000
PER_SIDE = Number(1, MOST_CELLS, whole=True)


@dataclass(frozen=True, eq=False)
class Box:
    """All points between two corners; whoever lies outside is moved to the border.

    Parameters
    ----------
    lower, upper
        (d,) float64, lower < upper in every coordinate.

    Raises
    ------
    FairtutorError
        A corner is not finite, or not below the other.

    Examples
    --------
    >>> box = Box(torch.zeros(2).double(), torch.ones(2).double())
    >>> box.clip(torch.tensor([[0.5, 3.0], [-1.0, 0.2]]))
    tensor([[0.5000, 1.0000],
            [0.0000, 0.2000]], dtype=torch.float64)
    """

    lower: Tensor
    upper: Tensor

    def __post_init__(self) -> None:
        if not (self.lower.isfinite() & self.upper.isfinite()).all():
            raise FairtutorError("A corner of the box is not finite.")
        for column in (self.lower >= self.upper).nonzero()[:1, 0].tolist():
            raise FairtutorError(
                f"Coordinate {column} of the box runs from {self.lower[column]:g} to "
                f"{self.upper[column]:g}; it must have a length. Leave out coordinates "
                "that are the same for everyone."
            )

    @classmethod
    def fit(cls, reference: Tensor, share: float = 0.98) -> "Box":
        """Take the middle of each coordinate.

        Parameters
        ----------
        reference
            Rows to learn from, (n, d); none of them may be in the sample later.
        share
            Of the rows, in (0, 1], that each coordinate's range holds.

        Raises
        ------
        FairtutorError
            There is no row or no share, or a coordinate is the same for everyone.

        Examples
        --------
        >>> Box.fit(torch.arange(101.0).unsqueeze(1)).upper
        tensor([99.], dtype=torch.float64)
        """
        tail = (1 - share) / 2
        if not 0 < share <= 1 or not len(reference):
            raise FairtutorError(
                f"share is {share} of {len(reference)} rows; use a share above 0, at "
                "most 1, of at least one row."
            )
        at = torch.tensor([tail, 1 - tail], dtype=torch.float64)
        lower, upper = torch.quantile(reference.double(), at.to(reference.device), 0)
        return cls(lower, upper)

    @classmethod
    def unit(cls, d: int) -> "Box":
        """Return the cube from 0 to 1 in d dimensions."""
        return cls(torch.zeros(d).double(), torch.ones(d).double())

    @property
    def diameter(self) -> float:
        """The largest distance of two points, its diagonal."""
        return (self.upper - self.lower).norm().item()

    def clip(self, X: Tensor) -> Tensor:
        """Return each row's nearest point of the box.

        No two rows are farther apart afterwards: the projection on a convex set has
        the Lipschitz constant 1.

        Parameters
        ----------
        X
            (n, d).

        Returns
        -------
        torch.Tensor
            (n, d) float64.

        Raises
        ------
        FairtutorError
            The rows have another width, or a coordinate is not a number.
        """
        if X.ndim != 2 or X.shape[1] != len(self.lower):
            raise FairtutorError(
                f"X has the shape {tuple(X.shape)}; the box needs rows of "
                f"{len(self.lower)} numbers."
            )
        if X.isnan().any():
            raise FairtutorError("A coordinate of X is not a number; it has no cell.")
        return X.double().clamp(self.lower, self.upper)

    def scaled(self, X: Tensor) -> Tensor:
        """Return the clipped rows with every side of the box stretched to 0 … 1."""
        return (self.clip(X) - self.lower) / (self.upper - self.lower)


class _BoxCells:
    """Cells that are boxes: lower and upper corners, (K, d)."""

    lower: Tensor
    upper: Tensor

    def __len__(self) -> int:
        return len(self.lower)

    @property
    def diameters(self) -> Tensor:
        """The diagonal of each cell, (K,) float64."""
        return (self.upper - self.lower).norm(dim=1)

    def polygons(self) -> list[Tensor]:
        """Return the corners of each cell in the plane, (4, 2), in order around it."""
        corners = []
        for (left, low), (right, high) in zip(
            self.lower.tolist(), self.upper.tolist(), strict=True
        ):
            around = [[left, low], [right, low], [right, high], [left, high]]
            corners.append(torch.tensor(around, dtype=torch.float64))
        return corners


class GridCells(_BoxCells):
    """A box cut into equal pieces along each coordinate.

    Parameters
    ----------
    box
        What is cut; points outside belong to the nearest cell.
    per_side
        Pieces of each side; K = per_side ** d.

    Raises
    ------
    FairtutorError
        ``per_side`` is no whole number from 1, or there would be more than a million
        cells.

    Examples
    --------
    >>> cells = GridCells(Box.unit(1), 4)
    >>> cells.assign(torch.tensor([[0.1], [0.25], [2.0]])).tolist()
    [0, 1, 3]
    >>> cells.diameters
    tensor([0.2500, 0.2500, 0.2500, 0.2500], dtype=torch.float64)
    """

    def __init__(self, box: Box, per_side: int) -> None:
        d = len(box.lower)
        require_number("per_side", per_side, PER_SIDE, "per_side")
        if per_side**d > MOST_CELLS:
            raise FairtutorError(
                f"{per_side} pieces of each of {d} sides are {per_side**d:,} cells; "
                f"use at most {MOST_CELLS:,}."
            )
        self.box, self.per_side = box, per_side
        steps = torch.arange(per_side, dtype=torch.float64, device=box.lower.device)
        first = torch.cartesian_prod(*[steps] * d).reshape(-1, d)
        side = (box.upper - box.lower) / per_side
        self.lower = box.lower + first * side
        self.upper = box.lower + (first + 1) * side

    def assign(self, X: Tensor) -> Tensor:
        """Return each row's cell, (n,) int64, for rows X, (n, d)."""
        step = (self.box.scaled(X) * self.per_side).long().clamp(max=self.per_side - 1)
        code = torch.zeros(len(X), dtype=torch.long, device=X.device)
        for column in step.unbind(1):
            code = code * self.per_side + column
        return code


class TreeCells(_BoxCells):
    """A box cut again and again at the median of the fullest cell's longest side.

    Cells are small where reference rows are many (a k-d tree).

    Parameters
    ----------
    box
        What is cut; points outside belong to the nearest cell.
    reference
        Rows whose medians are taken, (n, d); none may be in the sample later.
    num_cells
        K. Fewer come out where rows cannot be told apart.

    Raises
    ------
    FairtutorError
        ``num_cells`` is no whole number from 1, or the rows do not fit the box.

    References
    ----------
    Bentley (1975), "Multidimensional binary search trees used for associative
    searching".

    Examples
    --------
    >>> cells = TreeCells(Box.unit(1), torch.tensor([[0.1], [0.2], [0.3], [0.9]]), 2)
    >>> cells.assign(torch.tensor([[0.15], [0.35]])).tolist()
    [0, 1]
    >>> cells.diameters
    tensor([0.2000, 0.8000], dtype=torch.float64)
    """

    def __init__(self, box: Box, reference: Tensor, num_cells: int) -> None:
        require_number("num_cells", num_cells, PER_SIDE, "num_cells")
        self.box = box
        rows = box.clip(reference)
        low, high, held = [box.lower], [box.upper], [rows]
        self._cuts: list[tuple[int, int, float]] = []  # cell, coordinate, place
        closed: set[int] = set()
        while len(held) < num_cells and len(closed) < len(held):
            fullest = max(
                (k for k in range(len(held)) if k not in closed),
                key=lambda k: len(held[k]),
            )
            cut = _median_cut(held[fullest], high[fullest] - low[fullest])
            if cut is None:
                closed.add(fullest)
                continue
            axis, place = cut
            above = held[fullest][:, axis] > place
            low.append(low[fullest].clone())
            high.append(high[fullest].clone())
            high[fullest] = high[fullest].clone()
            high[fullest][axis] = low[-1][axis] = place
            held.append(held[fullest][above])
            held[fullest] = held[fullest][~above]
            self._cuts.append((fullest, axis, place))
        self.lower, self.upper = torch.stack(low), torch.stack(high)

    def assign(self, X: Tensor) -> Tensor:
        """Return each row's cell, (n,) int64, for rows X, (n, d)."""
        rows = self.box.clip(X)
        code = torch.zeros(len(X), dtype=torch.long, device=X.device)
        for new, (cell, axis, place) in enumerate(self._cuts, 1):
            code[(code == cell) & (rows[:, axis] > place)] = new
        return code


def _median_cut(rows: Tensor, sides: Tensor) -> tuple[int, float] | None:
    """Return the longest side whose median leaves rows above it, and the median."""
    if not len(rows):
        return None
    for axis in sides.argsort(descending=True, stable=True).tolist():
        place = rows[:, axis].median().item()
        if (rows[:, axis] > place).any():
            return axis, place
    return None
