"""(K, ε)-robustness: from individual fairness to a bound on the generalization gap."""

import math
from dataclasses import dataclass

from torch import Tensor

from ..exchange.errors import FairtutorError
from ..exchange.values import Number

COUNT = Number(1, 10**300, whole=True)
EPSILON, LARGEST = Number(0, 1e300), Number(1e-300, 1e300)
CHANCE = Number(1e-300, 1 - 1e-16)


@dataclass(frozen=True)
class Robustness:
    """A learner is (K, ε)-robust.

    Attributes
    ----------
    K
        Cells of X × Y.
    epsilon
        How far the loss may differ within one of them.
    """

    K: int
    epsilon: float


def robustness_bound(
    epsilon: float, K: int, n: int, delta: float = 0.05, M: float = 1.0
) -> float:
    r"""Bound |L(A_S) − ℓ_emp(A_S)| for a (K, ε)-robust learner.

        ε + M √((2 K ln 2 + 2 ln(1/δ)) / n)

    Let nᵢ sample points fall in cell i, which has probability μᵢ and mean loss mᵢ.
    Σ mᵢ nᵢ/n differs from the sample's mean loss by at most ε, and from the true mean
    Σ mᵢ μᵢ by at most M Σ |nᵢ/n − μᵢ|, which exceeds the root with probability at most
    δ (:func:`share_deviation`).

    Parameters
    ----------
    epsilon
        At least 0: for every sample point and *every* possible point in its cell.
    K
        Cells of X × Y, fixed before the sample was seen.
    n
        Rows of the sample, drawn independently.
    delta
        In (0, 1): how often the bound may fail.
    M
        The largest loss; the smallest is 0.

    Returns
    -------
    float
        The bound; from M on it says nothing.

    Raises
    ------
    FairtutorError
        A number is out of its range.

    References
    ----------
    Xu & Mannor (2012), "Robustness and generalization", theorem 3.

    Examples
    --------
    >>> round(robustness_bound(0.08, K=50, n=30_000), 3)
    0.13
    """
    if not EPSILON.holds(epsilon) or not LARGEST.holds(M):
        raise FairtutorError(
            f"epsilon is {epsilon!r} and M is {M!r}; both must be finite numbers, "
            "epsilon at least 0 and M above 0. (A logarithmic loss has no largest "
            "value.)"
        )
    return epsilon + M * share_deviation(K, n, delta)


def share_deviation(K: int, n: int, delta: float = 0.05) -> float:
    r"""Bound Σ |nᵢ/n − μᵢ| over K cells with probability 1 − δ.

    The sum is twice the largest of n_B/n − μ_B over unions B of cells. There are 2ᴷ,
    and each is at least t/2 with probability at most exp(−2 n (t/2)²) (Hoeffding).
    Hence P(sum ≥ t) ≤ 2ᴷ exp(−n t²/2), which is δ at

        t = √((2 K ln 2 + 2 ln(1/δ)) / n).

    Parameters
    ----------
    K, n, delta
        As for :func:`robustness_bound`.

    Returns
    -------
    float

    References
    ----------
    The inequality of Bretagnolle, Huber and Carol: van der Vaart & Wellner (1996),
    proposition A.6.6.

    Examples
    --------
    >>> round(share_deviation(50, 30_000), 3)
    0.05
    """
    if not (COUNT.holds(K) and COUNT.holds(n) and CHANCE.holds(delta)):
        raise FairtutorError(
            f"K is {K!r}, n is {n!r} and delta is {delta!r}; use whole numbers from 1, "
            "and a probability between 0 and 1."
        )
    return math.sqrt((2 * K * math.log(2) + 2 * math.log(1 / delta)) / n)


def cell_epsilon(L: float, diameters: Tensor, lam: float = 1.0) -> float:
    """Return ε = λ L max diameter.

    Two observations of one cell of X × Y have the same y and are at most a diameter
    apart, so D ≤ L · diameter, and the loss differs by at most λ D.

    Parameters
    ----------
    L
        Certified constant of x ↦ P(y | x), in total variation.
    diameters
        Of the cells of X, (K,), each at least the true one.
    lam
        λ: the loss changes by at most λ D. For 1 − p_y it is 1.

    Returns
    -------
    float
        Infinite if a cell has no end.

    Raises
    ------
    FairtutorError
        L or λ is below 0 or not a number.

    Examples
    --------
    >>> import torch
    >>> cell_epsilon(2.0, torch.tensor([0.125, 0.25]))
    0.5
    """
    _at_least_zero(L, lam)
    return lam * L * diameters.double().max().item()


def covering_number(gamma: float, sides: Tensor) -> int:
    """Return how many balls of radius γ/2 are enough to cover a box.

    Cubes with the diagonal γ fit in such balls: ⌈side √d / γ⌉ for each side.

    Parameters
    ----------
    gamma
        Diameter of the balls, above 0.
    sides
        Lengths of the box, (d,).

    Returns
    -------
    int
        At least the covering number N(γ/2).

    Examples
    --------
    >>> import torch
    >>> covering_number(0.04, torch.ones(1)), covering_number(0.2, torch.ones(4))
    (25, 10000)
    """
    if not gamma > 0:
        raise FairtutorError(f"gamma is {gamma}; use a number above 0.")
    along = len(sides) ** 0.5 * sides.double() / gamma
    return math.prod(max(1, math.ceil(count - 1e-9)) for count in along.tolist())


def bridge(
    gamma: float, L: float, sides: Tensor, *, num_labels: int = 2, lam: float = 1.0
) -> Robustness:
    """From individual fairness to robustness: (|Y| N(γ/2, X, ρ), λ L γ).

    Give each point to the first ball that holds it: N cells, no two points of one
    farther apart than γ. Take each once for each label.

    Parameters
    ----------
    gamma
        Diameter of the balls.
    L
        The model is L-fair under ρ = ‖·‖₂.
    sides
        Of the box that holds X, (d,).
    num_labels
        |Y|.
    lam
        λ, of the loss.

    Returns
    -------
    Robustness

    Raises
    ------
    FairtutorError
        L or λ is below 0 or not a number, or gamma not above 0.

    Examples
    --------
    >>> import torch
    >>> bridge(0.04, L=2.0, sides=torch.ones(1))
    Robustness(K=50, epsilon=0.08)
    """
    _at_least_zero(L, lam)
    K = num_labels * covering_number(gamma, sides)
    return Robustness(K, lam * L * gamma)


def sampled_epsilon(loss: Tensor, cell: Tensor) -> float:
    """Return the largest difference of two *observed* losses in one cell.

    It is at most ε, and not ε: people who were not observed count too.

    Parameters
    ----------
    loss
        (n,).
    cell
        Cells of X × Y, (n,) whole numbers from 0.

    Returns
    -------
    float

    Raises
    ------
    FairtutorError
        There is no loss, or not one cell for each.

    Examples
    --------
    >>> import torch
    >>> sampled_epsilon(torch.tensor([0.25, 0.5, 0.9]), torch.tensor([0, 0, 1]))
    0.25
    """
    if not len(loss) or loss.shape != cell.shape:
        raise FairtutorError(
            f"There are losses of shape {tuple(loss.shape)} and cells of shape "
            f"{tuple(cell.shape)}; give one cell for each loss, and at least one."
        )
    loss = loss.double()
    cells = int(cell.max()) + 1
    most = loss.new_full((cells,), -math.inf).scatter_reduce(0, cell, loss, "amax")
    least = loss.new_full((cells,), math.inf).scatter_reduce(0, cell, loss, "amin")
    held = most >= least
    return (most[held] - least[held]).max().item()


def _at_least_zero(L: float, lam: float) -> None:
    if not (L >= 0 and lam >= 0):
        raise FairtutorError(f"L is {L} and lam is {lam}; both must be at least 0.")
