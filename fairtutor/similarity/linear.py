"""Linear distances from judgements: groups (FACE), pairs (EXPLORE), triplets."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ..data.judgements import require_triplets
from ..exchange.errors import FairtutorError
from ..exchange.values import Number, require_number
from ..training.device import threads_for
from .checks import require_rows

STEPS, TOLERANCE = 500, 1e-9


def comparable_directions(X: Tensor, groups: Tensor, k: int | None = None) -> Tensor:
    """Return the directions along which comparable people differ most (FACE).

    Someone says of several groups that the people of each are comparable for the task.
    Whatever makes them differ then shall not count: the first k principal directions
    of the differences from each group's mean.

    Parameters
    ----------
    X
        (n, d).
    groups
        The group of comparable people that each row belongs to, (n,), from 0.
    k
        How many directions, from 1 to d. By default all in which comparable people
        differ: then they are the same point.

    Returns
    -------
    torch.Tensor
        U, (d, k), orthonormal, in the type and on the device of X, for the distance
        ‖(I − UUᵀ)(x − x')‖ of :class:`fairtutor.training.adversary.FairDistance`.

    Raises
    ------
    FairtutorError
        There is not one group for each row, a coordinate is not finite, k is more than
        the people differ in, or they do not differ at all.

    References
    ----------
    Mukherjee, Yurochkin, Banerjee & Sun (2020), "Two simple ways to learn individual
    fairness metrics from data", algorithm 1 (FACE).

    Examples
    --------
    >>> X = torch.tensor([[0.0, 1.0], [4.0, 1.1], [2.0, 7.0], [9.0, 7.1]])
    >>> comparable_directions(X, torch.tensor([0, 0, 1, 1]), 1).abs().round()
    tensor([[1.],
            [0.]])
    >>> comparable_directions(X, torch.tensor([0, 0, 1, 1])).shape
    torch.Size([2, 2])
    """
    if X.ndim != 2 or groups.shape != X.shape[:1]:
        raise FairtutorError(
            f"X has the shape {tuple(X.shape)} and groups {tuple(groups.shape)}; give "
            "one group for each row."
        )
    require_rows("X", X)
    if k is not None:
        require_number("k", k, Number(1, X.shape[1], whole=True), "k")
    rows = X.double().clone()
    for group in groups.unique():
        rows[groups == group] -= rows[groups == group].mean(0)
    _, sizes, directions = torch.linalg.svd(rows, full_matrices=False)
    known = int((sizes > TOLERANCE * sizes[0]).sum())
    if not known:
        raise FairtutorError(
            "Comparable people do not differ in any column; there is no direction to "
            "find. Judge people who differ."
        )
    k = known if k is None else k
    if k > known:
        raise FairtutorError(
            f"k is {k}, and comparable people differ in {known} directions; use fewer, "
            "or judge more people."
        )
    return directions[:k].T.to(X)


def pair_map(first: Tensor, second: Tensor, comparable: Tensor) -> Tensor:
    r"""Return W of the ‖W(x − x')‖ that explains judgements of pairs (EXPLORE).

    A pair is judged comparable with probability 2 σ(−‖W(x − x')‖²): 1 at distance 0,
    less the farther they are. The likelihood of all judgements is made as large as it
    gets; it is concave in Σ = WᵀW, and Σ stays positive semidefinite by a projection
    after each step.

    Parameters
    ----------
    first, second
        The two people of each pair, (m, d) each.
    comparable
        (m,), true where somebody judged the pair to be comparable.

    Returns
    -------
    torch.Tensor
        W, (d, d), symmetric, float64.

    Raises
    ------
    FairtutorError
        The shapes differ, a coordinate is not finite, or all judgements are the same.

    References
    ----------
    Mukherjee, Yurochkin, Banerjee & Sun (2020), algorithm 2 (EXPLORE). They take
    stochastic gradient steps; we take all pairs at once, with momentum (Beck & Teboulle
    2009) and a step that is halved whenever the likelihood falls.

    Examples
    --------
    >>> first = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    >>> second = torch.randn(500, 2, generator=torch.Generator().manual_seed(1))
    >>> near = (first - second)[:, 0].abs() < 0.5  # the arbiter sees one coordinate
    >>> W = pair_map(first, second, near)
    >>> bool(W[0, 0] > 5 * W[1, 1])
    True
    """
    if first.shape != second.shape or comparable.shape != first.shape[:1]:
        raise FairtutorError(
            f"The pairs have the shapes {tuple(first.shape)} and {tuple(second.shape)} "
            f"and the judgements {tuple(comparable.shape)}; give one judgement a pair."
        )
    require_rows("first", first)
    require_rows("second", second)
    if comparable.all() or not comparable.any():
        raise FairtutorError("All pairs are judged alike; no distance explains that.")
    apart = (first - second).double()
    unit = apart.square().sum(1).mean()
    apart, same = apart / unit.sqrt(), comparable.bool()
    with threads_for(apart.numel() * apart.shape[1]):
        sigma = _likeliest(apart, same)
    values, directions = torch.linalg.eigh(sigma / unit)
    return directions * values.clamp(min=0).sqrt() @ directions.T


def triplet_weights(Z: Tensor, triplets: Tensor, *, prior: float = 1.0) -> Tensor:
    r"""Return what each coordinate counts, from judgements of triplets.

    "a is more like b than like c" is answered with the probability

        σ(Σₖ wₖ ((aₖ − cₖ)² − (aₖ − bₖ)²)),

    and w ≥ 0 is the most probable one. Before the first answer all coordinates count
    alike, w = 1/d; the prior is normal around that.

    Parameters
    ----------
    Z
        (n, d), of coordinates with comparable units, such as standardised ones.
    triplets
        (m, 3), positions of a, b, c; judged is that a is more like b. m may be 0.
    prior
        How many answers the prior is worth, above 0.

    Returns
    -------
    torch.Tensor
        w, (d,) float64, for the distance √(Σ wₖ (xₖ − x'ₖ)²).

    Raises
    ------
    FairtutorError
        Z is not finite, the triplets are no rows of three positions in Z, or the prior
        is not above 0.

    References
    ----------
    Schultz & Joachims (2003), "Learning a distance metric from relative comparisons",
    who ask for margins where we ask for probabilities.

    Examples
    --------
    >>> Z = torch.tensor([[0.0, 0.0], [0.1, 2.0], [2.0, 0.1]])
    >>> w = triplet_weights(Z, torch.tensor([[0, 1, 2]] * 20))
    >>> bool(w[0] > 0.5 > w[1])
    True
    """
    from scipy.optimize import minimize

    require_number("prior", prior, Number(1e-6, 1e6), "prior")
    require_rows("Z", Z)
    require_triplets("Z", triplets, len(Z))
    a, b, c = (Z.double()[column] for column in triplets.unbind(1))
    gain = ((a - c).square() - (a - b).square()).cpu().numpy()
    start = np.full(Z.shape[1], 1 / Z.shape[1])

    def cost(w: np.ndarray) -> tuple[float, np.ndarray]:
        t = gain @ w
        away = w - start
        value = np.logaddexp(0, -t).sum() + prior * len(w) * away @ away / 2
        slope = prior * len(w) * away - gain.T @ (1 / (1 + np.exp(np.minimum(t, 500))))
        return value, slope

    found = minimize(cost, start, jac=True, bounds=[(0, None)] * len(start))
    return torch.from_numpy(found.x).to(Z.device)


def _likeliest(apart: Tensor, same: Tensor) -> Tensor:
    """Return the Σ under which the judgements are most likely, by ascent."""
    step = 4 / apart.square().sum(1).square().mean()  # −σ′ is at most ¼
    sigma = torch.eye(apart.shape[1], dtype=torch.float64, device=apart.device)
    ahead, momentum, before = sigma, 1.0, -torch.inf
    for _ in range(STEPS):
        pull = _slope(_squared(apart, ahead), same)
        new = _positive(ahead + step * (apart.T * pull) @ apart / len(apart))
        gained = _likelihood(_squared(apart, new), same)
        if gained < before:  # it overshot: begin anew from the last point
            ahead, momentum, step = sigma, 1.0, step / 2
            continue
        faster = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = new + (momentum - 1) / faster * (new - sigma)
        done = (new - sigma).norm() < TOLERANCE * sigma.norm()
        sigma, momentum, before = new, faster, gained
        if done:
            break
    return sigma


def _squared(apart: Tensor, sigma: Tensor) -> Tensor:
    """Return d² = (x − x')ᵀ Σ (x − x') of each pair."""
    return ((apart @ sigma) * apart).sum(1).clamp(min=1e-9)


def _likelihood(squared: Tensor, same: Tensor) -> Tensor:
    """Return the mean of log 2σ(−d²) over comparable, log(1 − 2σ(−d²)) over others."""
    alike = logsigmoid(-squared) + math.log(2)
    unlike = torch.log(torch.tanh(squared / 2))  # 1 − 2σ(−d²) = tanh(d² / 2)
    return torch.where(same, alike, unlike).mean()


def _slope(squared: Tensor, same: Tensor) -> Tensor:
    """Return the likelihood's derivative in each d²."""
    return torch.where(same, -squared.sigmoid(), 1 / torch.sinh(squared.clamp(max=50)))


def _positive(sigma: Tensor) -> Tensor:
    """Return the nearest positive semidefinite matrix."""
    values, directions = torch.linalg.eigh((sigma + sigma.T) / 2)
    return directions * values.clamp(min=0) @ directions.T
