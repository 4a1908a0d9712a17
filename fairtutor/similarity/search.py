"""Exact search for the nearest among weighted points."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm

from .boxes import Boxes, visits

BOX = 256  # points in a box, at most; more when k is large
FIRST = 4  # boxes searched before the others are ruled out
MEMORY = 2**22  # numbers held at a time for a chunk of queries


class Chunk(NamedTuple):
    """Some queries, and what is known of them before the search.

    Attributes
    ----------
    X
        (m, d) float64, centred like the points of the search.
    norms
        (m, 1), ‖x‖².
    own
        (m,), where each query itself stands among the points of the search, so that
        one of its weight is left out; -1 when all of it counts.
    bounds
        (m, boxes), squared distances to the boxes.
    """

    X: Tensor
    norms: Tensor
    own: Tensor
    bounds: Tensor


class Search:
    """The k nearest of weighted points: how far they reach, and sums over them.

    The first pass finds the distance of the k-th neighbour: it searches the boxes
    nearest to a query, then all that are nearer than the k-th neighbour found so far.
    The second pass adds up over everything no farther than that. So no list of
    neighbours is kept, and a million ties need no more memory than one.

    Parameters
    ----------
    points
        (n, d) float64, all rows different.
    weights
        (n,): how many identical rows each point stands for.
    k
        Neighbours, counted with their weights.
    precision
        Relative rounding of the coordinates before they became float64.

    Attributes
    ----------
    order, place
        (n,): ``points[order]`` is the order of the search; point i is at ``place[i]``.

    Examples
    --------
    >>> points = torch.tensor([[0.0], [1.0], [3.0]], dtype=torch.float64)
    >>> search = Search(points, torch.tensor([1, 2, 1]), k=2, precision=0)
    >>> for chunk in search.chunks(points, own=search.place):
    ...     print(search.kth(chunk).sqrt())
    tensor([1., 1., 2.], dtype=torch.float64)
    """

    def __init__(
        self, points: Tensor, weights: Tensor, k: int, precision: float
    ) -> None:
        # Centred, so that products of matrices round less.
        self.centre = points.mean(0)
        points = points - self.centre
        self.boxes = Boxes(points, max(BOX, 4 * k))
        self.order = self.boxes.order
        self.place = self.order.argsort()
        self.points, self.weights = points[self.order], weights[self.order].double()
        self.norms = self.points.square().sum(1)
        self.k, self.precision = k, precision

    def chunks(self, X: Tensor, own: Tensor, progress: bool = True) -> Iterator[Chunk]:
        """Yield the queries in pieces that bound the memory; see :class:`Chunk`."""
        step = max(1, MEMORY // (len(self.boxes) + 4 * self.k))
        starts = range(0, len(X), step)
        for start in tqdm(
            starts, "neighbours", disable=not progress, leave=False, delay=2
        ):
            some = X[start : start + step] - self.centre
            norms = some.square().sum(1, keepdim=True)
            bounds = self.boxes.squared_distances(some)
            yield Chunk(some, norms, own[start : start + step], bounds)

    def tie(self, chunk: Chunk, kth: Tensor) -> Tensor:
        """Return how much squared distances that are the same may differ, (m,).

        Rounding moved x and r by half of ``precision`` times their norms, so it moved
        ‖x − r‖² by ``precision`` × ‖x − r‖ (‖x‖ + ‖r‖) at most, and the difference of
        two by twice that. The product of matrices adds the rounding of float64.
        """
        distance = kth.sqrt()
        norms = 2 * chunk.norms[:, 0].sqrt() + distance
        given = norms + 2 * self.centre.norm()  # at least ‖x‖ + ‖r‖ before centring
        float64 = torch.finfo(torch.float64).eps
        return 2 * self.precision * distance * given + 32 * float64 * norms.square()

    def kth(self, chunk: Chunk) -> Tensor:
        """Return the squared distance of each query's k-th neighbour, (m,)."""
        nearest = chunk.X.new_full((len(chunk.X), self.k), torch.inf)
        weight = torch.zeros_like(nearest)
        twins = torch.where(chunk.own < 0, 0, self.weights[chunk.own] - 1)
        weight[:, 0], nearest[:, 0] = twins, torch.where(twins > 0, 0, torch.inf)

        close = chunk.bounds.topk(min(FIRST, len(self.boxes)), largest=False).indices
        first = torch.zeros_like(chunk.bounds, dtype=torch.bool)
        first.scatter_(1, close, True)
        self._find(chunk, first, nearest, weight)

        so_far = self._reached(nearest, weight)
        reach = so_far + self.tie(chunk, so_far)
        self._find(chunk, (chunk.bounds <= reach[:, None]) & ~first, nearest, weight)
        return self._reached(nearest, weight)

    def sums(self, chunk: Chunk, kth: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
        """Add up a table over the points nearer than the k-th, and over those tied.

        Parameters
        ----------
        kth
            What :meth:`kth` returned.
        table
            (n, c), a row for each point, in the search's ``order``.

        Returns
        -------
        nearer, tied : Tensor of float64, shape (m, c)
            The query's own point counts, with its whole row of the table.
        """
        nearer, within = chunk.X.new_zeros(2, len(chunk.X), table.shape[1])
        for part, rows, is_nearer, is_within in self.near(chunk, kth):
            nearer[rows] += is_nearer.double() @ table[part]
            within[rows] += is_within.double() @ table[part]
        return nearer, within - nearer

    def near(
        self, chunk: Chunk, kth: Tensor
    ) -> Iterator[tuple[slice, Tensor, Tensor, Tensor]]:
        """Yield who is nearer than the k-th neighbour, and who no farther, by box.

        Parameters
        ----------
        kth
            What :meth:`kth` returned.

        Yields
        ------
        part, rows, nearer, within
            The points of a box, as a slice of the search's ``order``; the queries that
            reach it, (r,); and for each two of them whether the point is nearer than
            the k-th neighbour, or no farther, (r, points) of bool. The query's own
            point counts.
        """
        tie = self.tie(chunk, kth)
        near, far = (kth - tie)[:, None], (kth + tie)[:, None]
        for box, rows in visits(chunk.bounds <= far):
            part = self.boxes.parts[box]
            squared = self._squared(chunk, rows, part, own=0)
            yield part, rows, squared < near[rows], squared <= far[rows]

    def _find(self, chunk: Chunk, due: Tensor, nearest: Tensor, weight: Tensor) -> None:
        """Search the boxes that are due; keep the k least distances, in place."""
        for box, rows in visits(due):
            part = self.boxes.parts[box]
            squared = self._squared(chunk, rows, part, own=torch.inf)
            # Most rows find nothing here. To pass over them, wait for the device.
            better = squared.amin(1) < nearest[rows, -1]
            rows, squared = rows[better], squared[better]
            both = torch.cat([nearest[rows], squared], 1)
            weights = self.weights[part].expand_as(squared)
            weights = torch.cat([weight[rows], weights], 1)
            nearest[rows], kept = both.topk(self.k, largest=False)
            weight[rows] = weights.gather(1, kept)

    def _reached(self, nearest: Tensor, weight: Tensor) -> Tensor:
        """Return the least distance at which the weights add up to k."""
        short = weight.cumsum(1) < self.k
        return nearest.masked_fill(short, torch.inf).amin(1)

    def _squared(self, chunk: Chunk, rows: Tensor, part: slice, own: float) -> Tensor:
        """‖x − r‖² = ‖x‖² + ‖r‖² − 2 x·r, and ``own`` for one's own point."""
        X, points = chunk.X.index_select(0, rows), self.points[part]
        norms = chunk.norms[rows] + self.norms[part]
        squared = torch.addmm(norms, X, points.T, alpha=-2).clamp_(min=0)
        places = torch.arange(part.start, part.stop, device=X.device)
        return squared.masked_fill_(chunk.own[rows, None] == places, own)
