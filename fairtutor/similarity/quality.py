"""What makes a distance good? Agreement with judgements, classes and invariances."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ..data.judgements import require_triplets
from ..exchange.errors import FairtutorError
from ..exchange.values import Number, require_number
from .checks import require_classes, require_rows
from .neighbours import neighbour_mean
from .pairs import CHUNK

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

COUNT = Number(1, 10_000_000, whole=True)


def draw_triplets(y: Tensor, n: int, seed: int = 0) -> Tensor:
    """Draw judgements "a is more like b than like c" of an arbiter who goes by classes.

    Parameters
    ----------
    y
        Classes that the arbiter sees, (m,) whole numbers from 0.
    n
        How many triplets.
    seed
        Of the draw.

    Returns
    -------
    torch.Tensor
        (n, 3) int64: positions of a, of another of the same class, and of one of
        another class. Everybody with somebody alike and somebody unlike is equally
        likely to be a.

    Raises
    ------
    FairtutorError
        A class is no whole number from 0, n none from 1, no class has two members, or
        there is only one class.

    Examples
    --------
    >>> triplets = draw_triplets(torch.tensor([0, 0, 1]), 2)
    >>> sorted(set(triplets[:, 2].tolist()))
    [2]
    """
    require_classes(y, len(y))
    require_number("n", n, COUNT, "n")
    y = y.long()
    sizes = torch.bincount(y)
    order = y.argsort(stable=True)
    first = sizes.cumsum(0) - sizes
    able = ((sizes[y] > 1) & (sizes[y] < len(y))).nonzero()[:, 0]
    if not len(able):
        raise FairtutorError("Nobody has both somebody alike and somebody unlike.")
    draw = torch.Generator().manual_seed(seed)
    a = able[torch.randint(len(able), (n,), generator=draw)]
    place = torch.empty_like(order).scatter_(0, order, torch.arange(len(y)))
    own, begins = sizes[y[a]], first[y[a]]
    alike = begins + (place[a] - begins + 1 + _below(own - 1, draw)) % own
    unlike = _below(len(y) - own, draw)
    unlike = torch.where(unlike < begins, unlike, unlike + own)
    return torch.stack([a, order[alike], order[unlike]], 1)


def disjoint_triplets(triplets: Tensor) -> Tensor:
    """Keep judgements of which no two are about the same row, in their order.

    Parameters
    ----------
    triplets
        (m, 3) int64.

    Returns
    -------
    torch.Tensor
        (k, 3), k ≤ m: each that shares no row with one kept before it.

    Examples
    --------
    >>> disjoint_triplets(torch.tensor([[0, 1, 2], [2, 3, 4], [5, 3, 4]])).tolist()
    [[0, 1, 2], [5, 3, 4]]
    """
    taken, kept = set(), []
    for number, rows in enumerate(triplets.tolist()):
        if taken.isdisjoint(rows):
            taken.update(rows)
            kept.append(number)
    return triplets[kept]


def triplet_agreement(Z: Tensor, triplets: Tensor) -> float:
    """Return the share of triplets in which a is nearer to b than to c.

    Parameters
    ----------
    Z
        (n, d).
    triplets
        (m, 3), positions of a, b, c in Z; judged is that a is more like b.

    Returns
    -------
    float
        From 0 to 1; .5 by chance. Two equal distances count half.

    Raises
    ------
    FairtutorError
        There is no triplet, one is not three positions in Z, or Z is not finite.

    Examples
    --------
    >>> Z = torch.tensor([[0.0], [1.0], [5.0]])
    >>> triplet_agreement(Z, torch.tensor([[0, 1, 2], [2, 0, 1]]))
    0.5
    """
    require_rows("Z", Z)
    require_triplets("Z", triplets, len(Z))
    if not len(triplets):
        raise FairtutorError("There is no triplet to agree with; give one or more.")
    a, b, c = (Z[column].double() for column in triplets.unbind(1))
    near, far = (a - b).norm(dim=1), (a - c).norm(dim=1)
    return ((near < far).double() + 0.5 * (near == far)).mean().item()


def retrieval_at_1(Z: Tensor, y: Tensor) -> float:
    """Return how often the nearest other row is of the same class.

    Parameters
    ----------
    Z
        (n, d), n ≥ 2.
    y
        Classes, (n,) whole numbers from 0.

    Returns
    -------
    float
        From 0 to 1. Nearest rows at the same distance share the answer.

    Raises
    ------
    FairtutorError
        There are fewer than two rows, Z is not finite, or there is not one class for
        each row.

    Examples
    --------
    >>> retrieval_at_1(torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([0, 0, 1]))
    0.6666666666666666
    """
    require_rows("Z", Z, least=2)
    require_classes(y, len(Z))
    own = torch.arange(len(Z), device=Z.device)
    classes = one_hot(y.long()).double()
    nearest = neighbour_mean(Z, Z, classes, 1, own_position=own, progress=False)
    return (nearest * classes).sum(1).mean().item()


def moved_too_far(Z: Tensor, moved: Tensor, y: Tensor) -> float:
    """Return how often one's own moved copy is farther than a row of another class.

    Parameters
    ----------
    Z
        (n, d).
    moved
        (n, d): the same rows, changed in a way that should not matter, such as
        :func:`shifted`.
    y
        Classes, (n,).

    Returns
    -------
    float
        From 0 to 1. At an invariance that the distance has it is 0.

    Raises
    ------
    FairtutorError
        The shapes differ, a coordinate is not finite, or there is one class only.

    Examples
    --------
    >>> Z = torch.tensor([[0.0], [1.0], [3.0]])
    >>> moved_too_far(Z, Z + 0.5, torch.tensor([0, 1, 1]))
    0.0
    """
    if Z.shape != moved.shape or y.shape != Z.shape[:1] or (y == y[:1]).all():
        raise FairtutorError(
            f"Z has the shape {tuple(Z.shape)}, the moved rows {tuple(moved.shape)} "
            f"and y {tuple(y.shape)}; give one class a row, of two classes or more."
        )
    require_rows("Z", Z)
    require_rows("moved", moved)
    Z, moved = Z.double(), moved.double()
    own = (Z - moved).norm(dim=1)
    nearest = [
        torch.cdist(rows, Z).masked_fill(classes.unsqueeze(1) == y, torch.inf).amin(1)
        for rows, classes in zip(Z.split(CHUNK), y.split(CHUNK), strict=True)
    ]
    return (own > torch.cat(nearest)).double().mean().item()


def isotropy(Z: Tensor) -> float:
    """Return how evenly the rows spread over the directions of the space.

    (Σ λ)² / (d Σ λ²) of the covariance's eigenvalues λ: the participation ratio,
    over d.

    Parameters
    ----------
    Z
        (n, d), not all rows the same.

    Returns
    -------
    float
        From 1/d, all on one line, to 1, alike in all directions.

    Raises
    ------
    FairtutorError
        Z has fewer than two rows or is not finite, or all rows are the same.

    Examples
    --------
    >>> isotropy(torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))
    1.0
    """
    require_rows("Z", Z, least=2)
    if (Z[0] == Z).all():
        raise FairtutorError("All rows of Z are the same; they spread in no direction.")
    covariance = torch.atleast_2d(Z.double().T.cov())
    spread = covariance.trace() ** 2 / covariance.square().sum()  # Σ λ² = ‖C‖²
    return (spread / len(covariance)).item()


def geodesic_distances(Z: Tensor, k: int = 10) -> Tensor:
    """Return distances along the data: shortest paths from neighbour to neighbour.

    Parameters
    ----------
    Z
        (n, d).
    k
        Neighbours of each row; an edge counts in both directions.

    Returns
    -------
    torch.Tensor
        (n, n) float64; infinite between parts that no path joins.

    Raises
    ------
    FairtutorError
        Z is not finite, or k is no whole number from 1 to n − 1.

    References
    ----------
    Tenenbaum, de Silva & Langford (2000), "A global geometric framework for nonlinear
    dimensionality reduction" (Isomap).

    Examples
    --------
    >>> bent = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    >>> geodesic_distances(bent[[0, 1, 2]], k=1)[0, 2].item()
    2.0
    """
    from scipy.sparse.csgraph import shortest_path

    return torch.from_numpy(shortest_path(_neighbour_graph(Z, k), directed=False))


def geodesic_path(Z: Tensor, start: int, end: int, k: int = 10) -> list[int]:
    """Return the rows on the shortest path along the data.

    Parameters
    ----------
    Z, k
        As for :func:`geodesic_distances`.
    start, end
        Positions of two rows.

    Returns
    -------
    list of int
        Positions, ``start`` first and ``end`` last.

    Raises
    ------
    FairtutorError
        No path joins the two, one is no position in Z, Z is not finite, or k is out of
        its range.

    Examples
    --------
    >>> geodesic_path(torch.tensor([[0.0], [2.0], [1.0]]), 0, 1, k=1)
    [0, 2, 1]
    """
    from scipy.sparse.csgraph import shortest_path

    graph = _neighbour_graph(Z, k)
    for name, row in (("start", start), ("end", end)):
        require_number(name, row, Number(0, len(Z) - 1, whole=True), name)
    _, before = shortest_path(
        graph, directed=False, indices=start, return_predecessors=True
    )
    path = [end]
    while path[-1] != start:
        if before[path[-1]] < 0:
            raise FairtutorError(
                f"No path joins rows {start} and {end}; use more than {k} neighbours."
            )
        path.append(int(before[path[-1]]))
    return path[::-1]


def straightness(Z: Tensor, k: int = 10) -> float:
    """Return how well ‖·‖₂ ranks pairs as the distance along the data does.

    Parameters
    ----------
    Z, k
        As for :func:`geodesic_distances`.

    Returns
    -------
    float
        Spearman's rank correlation over all pairs that a path joins, from −1 to 1. It
        is 1 where the shortest way is the straight one.

    Raises
    ------
    FairtutorError
        As :func:`geodesic_distances` does.

    References
    ----------
    As for :func:`geodesic_distances`.

    Examples
    --------
    >>> straightness(torch.arange(5.0).unsqueeze(1), k=1)
    1.0
    """
    from scipy.stats import spearmanr

    along = geodesic_distances(Z, k)
    straight = torch.cdist(Z.double().cpu(), Z.double().cpu())
    above = torch.ones_like(along, dtype=torch.bool).triu(1) & along.isfinite()
    ranked = spearmanr(along[above].numpy(), straight[above].numpy())
    return round(float(ranked.statistic), 12)


def _neighbour_graph(Z: Tensor, k: int) -> "csr_matrix":
    """Return the distances to each row's k nearest other rows."""
    from sklearn.neighbors import kneighbors_graph

    require_rows("Z", Z, least=2)
    require_number("k", k, Number(1, len(Z) - 1, whole=True), "k")
    return kneighbors_graph(Z.double().cpu().numpy(), k, mode="distance")


def _below(limits: Tensor, draw: torch.Generator) -> Tensor:
    """Draw a whole number from 0 to below each limit."""
    unit = torch.rand(len(limits), generator=draw, dtype=torch.float64)
    return (unit * limits).long()
