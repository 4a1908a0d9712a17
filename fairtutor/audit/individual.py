"""Individual metrics: whether similar people are treated similarly."""

import torch
from torch import Tensor

from ..similarity import Cells, neighbour_mean, total_variation
from .group import group_means


def consistency_terms(
    X: Tensor,
    decisions: Tensor,
    reference: Tensor,
    reference_decisions: Tensor,
    k: int = 5,
    *,
    progress: bool = True,
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
        (m,), 0 or 1, or probabilities; or probabilities of each class, (m, C), whose
        difference is the total variation.
    reference, reference_decisions
        (n, d), and (n,) or (n, C).
    k
        Neighbours per row.
    progress
        Whether to show a bar over a search of more than two seconds.

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
    around = neighbour_mean(X, reference, reference_decisions, k, progress=progress)
    return 1 - total_variation(decisions, around)


def cell_terms(
    cells: Cells,
    X: Tensor,
    decisions: Tensor,
    reference: Tensor,
    reference_decisions: Tensor,
) -> Tensor:
    """Compare each decision with those of all reference points in the same cell.

    The mean of the terms 1 − |ŷᵢ − mean of ŷ over the cell| says how far *same cell,
    same treatment* holds. Cells and reference set are fixed, so the terms of randomly
    drawn rows are independent.

    Parameters
    ----------
    cells
        Fitted on the reference points, so that none is empty.
    X, decisions, reference, reference_decisions
        As for :func:`consistency_terms`.

    Returns
    -------
    torch.Tensor
        (m,) float64 in [0, 1].

    Examples
    --------
    >>> import torch
    >>> X = torch.tensor([[0.0], [10.0]])
    >>> cells = Cells(X.double())
    >>> cell_terms(cells, X, torch.tensor([1, 1]), X + 1, torch.tensor([1, 0]))
    tensor([1., 0.], dtype=torch.float64)
    """
    inside = cells.assign(reference)
    columns = reference_decisions.reshape(len(inside), -1).unbind(1)
    means = [group_means(column, inside, len(cells))[0] for column in columns]
    around = torch.stack(means, 1)[cells.assign(X)].reshape(decisions.shape)
    return 1 - total_variation(decisions, around)


def flips_kept(decisions: Tensor, flipped: Tensor) -> Tensor:
    """Return who gets the same decision under every setting of some columns.

    Parameters
    ----------
    decisions
        As the rows are, (n,).
    flipped
        With the columns set anew, (n, S).

    Returns
    -------
    torch.Tensor
        (n,) bool.

    References
    ----------
    Yurochkin et al. (2020), "Training individually fair ML models with sensitive
    subspace robustness", spouse and gender-and-race consistency. It compares inputs
    and says nothing of causes.

    Examples
    --------
    >>> import torch
    >>> flips_kept(torch.tensor([1, 0]), torch.tensor([[1, 1], [0, 1]])).tolist()
    [True, False]
    """
    return (flipped.bool() == decisions.bool()[:, None]).all(1)
