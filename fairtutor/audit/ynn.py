"""Consistency of decisions over one set of people, in the variants in print."""

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError, did_you_mean
from ..similarity import neighbour_mean

OWN = ("left out", "counted")
FORMULA = ("mean", "as printed")


def consistency(
    X: Tensor,
    decisions: Tensor,
    k: int = 5,
    *,
    own: str = "left out",
    formula: str = "mean",
) -> float:
    """Return how far people are decided like their nearest neighbours (yNN).

    1 − (1/n) Σᵢ |ŷᵢ − (1/k) Σ_{j ∈ kNN(xᵢ)} ŷⱼ|, the neighbours sought among the same
    people. Points tied at the k-th distance share the weight that is left, so the order
    of the rows does not matter. The terms depend on each other: for an interval use
    :func:`fairtutor.audit.consistency_terms` with a fixed reference set, as the
    regulator does.

    Parameters
    ----------
    X
        (n, d), sensitive columns left out.
    decisions
        ŷ, (n,): 0 or 1, or probabilities.
    k
        Neighbours per person, from 1 to n − 1; to n if ``own="counted"``.
    own
        ``"left out"``: k other people. ``"counted"``: everybody is their own first
        neighbour, as in AIF360, which raises the result: a person always agrees with
        themselves.
    formula
        ``"mean"`` as above. ``"as printed"`` in the paper: the neighbours are summed
        and the difference is divided by k, 1 − (1/nk) Σᵢ |ŷᵢ − Σⱼ ŷⱼ|. Then ŷ = 1 for
        all has the value 1/k, and ŷ = 0 for all the value 1.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    FairtutorError
        An option or k is not valid; X has a NaN.

    References
    ----------
    Zemel et al. (2013), "Learning Fair Representations", Eq. 15.

    Examples
    --------
    >>> X = torch.tensor([[0.0], [1.0], [5.0], [7.0]])
    >>> y_hat = torch.tensor([1, 1, 1, 0])
    >>> consistency(X, y_hat, k=1), consistency(X, y_hat, k=2, own="counted")
    (0.5, 0.75)
    >>> consistency(X, torch.ones(4), k=2, formula="as printed")
    0.5
    """
    for name, value, valid in (("own", own, OWN), ("formula", formula, FORMULA)):
        if value not in valid:
            raise FairtutorError(f"{name} is {value!r}. {did_you_mean(value, valid)}")
    everybody = torch.arange(len(X), device=X.device)
    position = everybody if own == "left out" else None
    around = neighbour_mean(X, X, decisions, k, own_position=position)
    y_hat = decisions.double()
    if formula == "as printed":
        return float(1 - (y_hat - k * around).abs().mean() / k)
    return float(1 - (y_hat - around).abs().mean())
