"""How far apart two groups are, and what a Lipschitz model can make of it."""

import math

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError


def earth_movers_distance(X0: Tensor, X1: Tensor) -> float:
    """Return W₁ of two samples: the least mean distance over which to move one.

    Exact: sorting in one dimension, an assignment for samples of one size, otherwise
    a linear program with n₀ · n₁ unknowns, so for a few hundred rows each.

    Parameters
    ----------
    X0, X1
        (n₀, d) and (n₁, d); every row of a sample weighs the same.

    Returns
    -------
    float
        In the units of ‖·‖₂ on X, from 0.

    Raises
    ------
    FairtutorError
        A sample is empty, has other columns than the other, or holds NaN or infinity.

    References
    ----------
    Dwork et al. (2012), "Fairness Through Awareness", section 3.

    Examples
    --------
    >>> earth_movers_distance(torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0]]))
    2.5
    """
    if X0.ndim != 2 or X1.ndim != 2 or X0.shape[1] != X1.shape[1]:
        raise FairtutorError(
            f"The samples have shapes {tuple(X0.shape)} and {tuple(X1.shape)}; use "
            "(n, d) with the same columns in both."
        )
    if not len(X0) or not len(X1):
        raise FairtutorError("A sample has no rows; use two groups with people.")
    X0, X1 = X0.double().cpu(), X1.double().cpu()
    if not (X0.isfinite().all() and X1.isfinite().all()):
        raise FairtutorError("A sample holds NaN or infinity; use finite numbers.")
    if X0.shape[1] == 1:
        from scipy.stats import wasserstein_distance

        return float(wasserstein_distance(X0[:, 0].numpy(), X1[:, 0].numpy()))
    costs = torch.cdist(X0, X1, compute_mode="donot_use_mm_for_euclid_dist")
    return _assigned(costs) if len(X0) == len(X1) else _transported(costs)


def disparity_bound(L: float, X0: Tensor, X1: Tensor) -> float:
    """Bound how far an L-Lipschitz f can set the means of two groups apart: L · W₁.

    Proof: let π be any plan that moves the first sample onto the second. Its margins
    are the samples, so mean f(X0) − mean f(X1) = Σ π(x, x′) (f(x) − f(x′)), and that
    is at most Σ π(x, x′) L ‖x − x′‖ in absolute value. The best plan gives L · W₁. By
    Kantorovich and Rubinstein some L-Lipschitz f attains it.

    Parameters
    ----------
    L
        Lipschitz constant under ‖·‖₂, from 0.
    X0, X1
        As for :func:`earth_movers_distance`.

    Returns
    -------
    float
        From 0; a bound above 1 says nothing of probabilities.

    Raises
    ------
    FairtutorError
        L is no number from 0, or a sample is unfit.

    References
    ----------
    Dwork et al. (2012), "Fairness Through Awareness", section 3.

    Examples
    --------
    >>> disparity_bound(0.1, torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0]]))
    0.25
    """
    if not 0 <= L < math.inf:
        raise FairtutorError(f"L is {L!r}; use a number from 0.")
    return L * earth_movers_distance(X0, X1)


def _assigned(costs: Tensor) -> float:
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(costs.numpy())
    return float(costs[rows, columns].mean())


def _transported(costs: Tensor) -> float:
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, kron, vstack

    n0, n1 = costs.shape
    leave = kron(eye_array(n0), np.ones((1, n1)))
    arrive = kron(np.ones((1, n0)), eye_array(n1))
    margins = np.concatenate([np.full(n0, 1 / n0), np.full(n1, 1 / n1)])
    plan = linprog(costs.numpy().ravel(), A_eq=vstack([leave, arrive]), b_eq=margins)
    if plan.status:
        raise FairtutorError(f"No best plan was found: {plan.message}")
    return float(plan.fun)
