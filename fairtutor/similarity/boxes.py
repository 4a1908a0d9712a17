"""Points sorted into boxes, so that a box too far away is not searched."""

from collections.abc import Iterator

import torch
from torch import Tensor

SAMPLE = 1024  # rows from which the column to cut is chosen
BLOCK = 512  # rows at a time, so that their distances to all boxes stay in the cache


class Boxes:
    """Points sorted into boxes of points that are close together.

    A set of points is cut at the middle of its most variable column until it is small
    enough. Its box is the least and the greatest value of each column. No point is
    nearer to x than its box is, so one number decides about all points of the box. This
    is a k-d tree of which only the leaves are kept, each as large as a matrix product
    likes it.

    Parameters
    ----------
    points
        (n, d), all rows different.
    size
        Sets of at most this many points are not cut.

    Attributes
    ----------
    order
        (n,), the points' numbers, box by box.
    parts
        For each box, the slice of ``order`` with its points.
    low, high
        (boxes, d).

    References
    ----------
    Friedman, Bentley, Finkel (1977), "An Algorithm for Finding Best Matches in
    Logarithmic Expected Time".

    Examples
    --------
    >>> boxes = Boxes(torch.tensor([[0.0], [9.0], [1.0], [8.0]]), size=2)
    >>> boxes.order.tolist(), boxes.high.tolist()
    ([0, 2, 1, 3], [[1.0], [9.0]])
    >>> boxes.squared_distances(torch.tensor([[3.0], [8.5]]))
    tensor([[ 4.0000, 25.0000],
            [56.2500,  0.0000]])
    """

    def __init__(self, points: Tensor, size: int) -> None:
        sets = list(_cut(points, size))
        self.order = torch.cat(sets)
        stops = torch.tensor([len(rows) for rows in sets]).cumsum(0).tolist()
        self.parts = [*map(slice, [0, *stops], stops)]
        self.low = torch.stack([points[rows].amin(0) for rows in sets])
        self.high = torch.stack([points[rows].amax(0) for rows in sets])

    def __len__(self) -> int:
        return len(self.parts)

    def squared_distances(self, X: Tensor) -> Tensor:
        """Return the squared distance of each row of X (m, d) to each box: (m, boxes).

        Zero inside the box.
        """
        least, greatest = self.low.amin(0), self.high.amax(0)
        # A column in which X has nothing but the two extremes (one-hot) adds one of two
        # numbers: all such columns together are one product of matrices.
        at_least = X.eq(least)
        two = (at_least | X.eq(greatest)).all(0)
        at_least = at_least[:, two].to(X.dtype)
        from_least = (self.low - least)[:, two].square()
        from_greatest = (greatest - self.high)[:, two].square()
        step, base = (from_least - from_greatest).T, from_greatest.sum(1)
        others = [t[:, ~two].T.contiguous() for t in (X, self.low, self.high)]
        squared = X.new_empty(len(X), len(self))
        for start in range(0, len(X), BLOCK):
            rows = slice(start, start + BLOCK)
            torch.addmm(base, at_least[rows], step, out=squared[rows])
            for x, low, high in zip(*others, strict=True):
                x = x[rows, None]
                outside = torch.maximum(low - x, x - high).clamp_(min=0)
                squared[rows] += outside.square_()
        return squared


def visits(due: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield each box that is due with the rows it is due for.

    The device is waited for once, before the first box.

    Parameters
    ----------
    due
        (rows, boxes) of bool.

    Examples
    --------
    >>> list(visits(torch.tensor([[True, False], [True, False]])))
    [(0, tensor([0, 1]))]
    """
    rows = due.T.nonzero()[:, 1]
    for box, some in enumerate(rows.split(due.sum(0).tolist())):
        if len(some):
            yield box, some


def _cut(points: Tensor, size: int) -> Iterator[Tensor]:
    todo = [torch.arange(len(points), device=points.device)]
    while todo:
        rows = todo.pop()
        some = points[rows[:: 1 + len(rows) // SAMPLE]]
        values = points[:, some.var(0, correction=0).argmax()][rows]
        left = values <= (values.amin() + values.amax()) / 2
        if len(rows) <= size or left.all():
            yield rows
        else:
            todo += [rows[~left], rows[left]]
