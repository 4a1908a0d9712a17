"""How far the ends of a graph's edges are apart, without the graph's n × n matrix.

The scatter of a graph is M = mean over its edges of (x − x′)(x − x′)ᵀ, so vᵀ M v is the
mean squared difference of vᵀx over the edges. With the graph's weights W and Laplacian
L = diag(W1) − W it is M = 2 Xᵀ L X / 1ᵀW1.
"""

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError
from .neighbours import prepare
from .search import Chunk, Search

CHUNK = 65_536  # pairs at a time: bounds memory at CHUNK × d × 8 bytes


def pair_scatter(X: Tensor, pairs: Tensor) -> Tensor:
    """Return the scatter of the graph with these edges.

    Parameters
    ----------
    X
        (n, d).
    pairs
        (m, 2), positions in X.

    Returns
    -------
    torch.Tensor
        (d, d) float64.

    Examples
    --------
    >>> X = torch.tensor([[0.0], [1.0], [3.0]])
    >>> pair_scatter(X, torch.tensor([[0, 1], [0, 2]]))  # (1 + 9) / 2
    tensor([[5.]], dtype=torch.float64)
    """
    X = X.double()
    total = X.new_zeros(X.shape[1], X.shape[1])
    for some in pairs.split(CHUNK):
        apart = X[some[:, 0]] - X[some[:, 1]]
        total += apart.T @ apart
    return total / len(pairs)


def class_scatter(X: Tensor, classes: Tensor, groups: Tensor | None = None) -> Tensor:
    """Return the scatter of the graph that joins all people of a class.

    Closed form by sums over classes: the pairs of a class C have
    Σ (x − x′)(x − x′)ᵀ = |C| Σ xxᵀ − (Σ x)(Σ x)ᵀ.

    Parameters
    ----------
    X
        (n, d).
    classes
        (n,) whole numbers from 0; any may be missing.
    groups
        (n,), from 0. If given, only people of different groups are joined.

    Returns
    -------
    torch.Tensor
        (d, d) float64.

    Raises
    ------
    FairtutorError
        No two people are joined.

    Examples
    --------
    >>> X = torch.tensor([[0.0], [1.0], [3.0]])
    >>> class_scatter(X, torch.tensor([0, 0, 0]))  # (1 + 9 + 4) / 3
    tensor([[4.6667]], dtype=torch.float64)
    >>> class_scatter(X, torch.tensor([0, 0, 0]), torch.tensor([0, 1, 1]))
    tensor([[5.]], dtype=torch.float64)
    """
    X = X.double()
    X = X - X.mean(0)  # so that the difference below rounds less
    _, classes = classes.unique(return_inverse=True)  # numbered without gaps
    total, pairs = _within(X, classes)
    if groups is not None:
        of_one_group, fewer = _within(X, classes * (int(groups.max()) + 1) + groups)
        total, pairs = total - of_one_group, pairs - fewer
    if not pairs > 0:
        who = "two people" if groups is None else "two people of different groups"
        raise FairtutorError(f"No class has {who}, so nobody is comparable.")
    return total / pairs


def neighbour_scatter(
    X: Tensor, k: int, *, by: Tensor | None = None, progress: bool = True
) -> Tensor:
    """Return the scatter of the graph that joins each row with its k nearest others.

    Rows tied at the k-th distance share the weight that is left, as in
    :func:`neighbour_mean`, so the order of the rows does not matter. An edge from both
    ends counts twice.

    Parameters
    ----------
    X
        (n, d).
    k
        How many neighbours, from 1 to n − 1.
    by
        What tells who is near, (n, c): X by default.
    progress
        Whether to show a bar over a search of more than two seconds.

    Returns
    -------
    torch.Tensor
        (d, d) float64.

    Raises
    ------
    FairtutorError
        k is out of its range, or a number is NaN or infinite.

    Examples
    --------
    >>> X = torch.tensor([[0.0, 9.0], [1.0, 5.0], [3.0, 0.0]])
    >>> neighbour_scatter(X[:, :1], k=1)  # (1 + 1 + 4) / 3
    tensor([[2.]], dtype=torch.float64)
    >>> neighbour_scatter(X[:, 1:], k=1, by=X[:, :1])  # (16 + 16 + 25) / 3
    tensor([[19.]], dtype=torch.float64)
    """
    by = X if by is None else by
    asked = prepare(by, by, k, torch.arange(len(by), device=by.device))
    search, X = asked.search, X.double()
    X = X - X.mean(0)
    point = search.place[asked.who]  # where each row is in the search
    sums = X.new_zeros(len(search.weights), X.shape[1]).index_add_(0, point, X)
    edges = torch.zeros_like(search.weights)  # the weights of a row's edges, both ways
    across = X.new_zeros(X.shape[1], X.shape[1])  # Σᵢⱼ wᵢⱼ xᵢ xⱼᵀ
    for chunk in search.chunks(asked.queries, asked.own, progress):
        around, out, into = _around(search, chunk, sums)
        across += sums[chunk.own].T @ around
        edges[chunk.own] += out
        edges += into
    total = (X.T * edges[point]) @ X - across - across.T
    return total / (len(X) * k)


def _around(
    search: Search, chunk: Chunk, sums: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return Σⱼ wᵢⱼ xⱼ and Σⱼ wᵢⱼ for a row i at each query, and Σᵢ wᵢⱼ for all points.

    wᵢⱼ is 1 if j is nearer to i than the k-th neighbour, and the same share of what is
    left if j is tied with it. Rows at one point have the same weights. A row has a
    weight for itself, too, which adds nothing to the scatter.
    """
    kth, weights = search.kth(chunk), search.weights
    own = (kth <= search.tie(chunk, kth)).double()  # is the own point one of the tied?
    counted = search.sums(chunk, kth, weights[:, None])
    nearer, tied = counted[0][:, 0] - (1 - own), counted[1][:, 0] - own
    share = (search.k - nearer) / tied
    around, out = sums.new_zeros(len(kth), sums.shape[1]), torch.zeros_like(kth)
    into, rows_here = torch.zeros_like(weights), weights[chunk.own]
    for part, queries, is_nearer, is_within in search.near(chunk, kth):
        weight = torch.where(is_nearer, 1.0, is_within * share[queries, None])
        around[queries] += weight @ sums[part]
        out[queries] += weight @ weights[part]
        into[part] += rows_here[queries] @ weight
    return around, out, into


def _within(X: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Sum (x − x′)(x − x′)ᵀ over the pairs within classes; count the pairs."""
    size = torch.bincount(classes).double()
    sums = X.new_zeros(len(size), X.shape[1]).index_add_(0, classes, X)
    total = (X.T * size[classes]) @ X - sums.T @ sums
    return total, (size * (size - 1)).sum() / 2
