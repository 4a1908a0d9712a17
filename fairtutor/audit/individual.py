"""Individual metrics: whether similar people are treated similarly."""

from torch import Tensor

from ..similarity import neighbour_mean


def consistency_terms(
    X: Tensor,
    decisions: Tensor,
    reference: Tensor,
    reference_decisions: Tensor,
    k: int = 5,
) -> Tensor:
    """Compare each decision with those of the k nearest reference points.

    The mean of the terms 1 − |ŷᵢ − mean of ŷ over the k nearest| is the consistency.
    The reference set is fixed and disjoint from the rows, so the terms of randomly
    drawn rows are independent, which is what the interval on their mean needs.

    Parameters
    ----------
    X
        Audited rows, (m, d), sensitive columns left out. The regulator's own
        features, never the representation.
    decisions
        (m,), 0 or 1.
    reference, reference_decisions
        (n, d) and (n,).
    k
        Neighbours per row.

    Returns
    -------
    torch.Tensor
        (m,) float64 in [0, 1].

    References
    ----------
    Zemel et al. (2013), "Learning Fair Representations", Eq. 15, with the mean that
    is missing there, a reference set instead of the rows themselves, and ties shared.

    Examples
    --------
    >>> import torch
    >>> X = torch.tensor([[0.0], [10.0]])
    >>> consistency_terms(X, torch.tensor([1, 1]), X + 1, torch.tensor([1, 0]), k=1)
    tensor([1., 0.], dtype=torch.float64)
    """
    around = neighbour_mean(X, reference, reference_decisions, k)
    return 1 - (decisions.double() - around).abs()
