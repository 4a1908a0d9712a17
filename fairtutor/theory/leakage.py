"""What the best adversary on a representation proves about every user of it."""

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError


def largest_gap(balanced_accuracy: float) -> float:
    r"""Bound the selection rate difference of every user by the best adversary.

    Δ_DP(g) ≤ 2 · BA* − 1 for every user g on z, where BA* is the balanced accuracy of
    the **best** adversary: the supremum over *all* measurable h from z to {0, 1}.

    Proof. Take any g(z) in [0, 1], the chance of a positive decision, and use it as an
    adversary: guess a = 1 with chance g(z). Its balanced accuracy is
    ½ (E[g | a = 1] + 1 − E[g | a = 0]), at most BA*, as the balanced accuracy is linear
    in h and so is largest at a deterministic h. Hence
    E[g | a = 1] − E[g | a = 0] ≤ 2 · BA* − 1, and the same holds for 1 − g. ∎

    **A probe that was trained is not the best adversary.** Its balanced accuracy is a
    *lower* bound on BA*: 2 · BA_probe − 1 says that some user has a gap as large, and
    excludes none with a larger one. An interval for the probes that were tried bounds
    the users among those probes, nothing more.

    Parameters
    ----------
    balanced_accuracy
        BA* of telling two groups, in [0, 1].

    Returns
    -------
    float
        In [0, 1]; 0 at chance, where no user can tell the groups.

    Raises
    ------
    FairtutorError
        The balanced accuracy is no share.

    References
    ----------
    Madras et al. (2018), "Learning Adversarially Fair and Transferable
    Representations", section 5; McNamara et al. (2019), "Costs and Benefits of Fair
    Representation Learning".

    Examples
    --------
    >>> largest_gap(0.5), largest_gap(0.75), largest_gap(1.0)
    (0.0, 0.5, 1.0)
    """
    if not 0 <= balanced_accuracy <= 1:
        raise FairtutorError(
            f"The balanced accuracy is {balanced_accuracy!r}; use a number from 0 to 1."
        )
    return abs(2 * balanced_accuracy - 1)  # a probe worse than chance, turned round


def distinct_counts(Z: Tensor, groups: Tensor, num_groups: int) -> Tensor:
    """Count the rows of each group at each distinct value of z.

    Parameters
    ----------
    Z
        A representation of few distinct values, (n, d), or cell numbers, (n,).
    groups, num_groups
        Codes (n,) from 0, and G.

    Returns
    -------
    torch.Tensor
        (G, K) int64, for K distinct values.

    Examples
    --------
    >>> distinct_counts(torch.tensor([5, 5, 7]), torch.tensor([0, 1, 1]), 2)
    tensor([[1, 0],
            [1, 1]])
    """
    values, cell = Z.unique(dim=0, return_inverse=True)
    position = groups.long() * len(values) + cell
    return torch.bincount(position, minlength=num_groups * len(values)).view(
        num_groups, -1
    )


def total_variation(counts: Tensor) -> float:
    """Return ½ Σ_z |P(z | a = 1) − P(z | a = 0)|, the distance between two groups.

    Parameters
    ----------
    counts
        (2, K), the groups' rows at each of K values; each group with a row.

    Returns
    -------
    float
        In [0, 1]. It is that of the rows counted: where most values occur once, it is
        near 1 whatever the population is, so K must be small beside the rows.

    Raises
    ------
    FairtutorError
        There are not two groups with rows.

    Examples
    --------
    >>> total_variation(torch.tensor([[8, 2], [3, 7]]))
    0.5
    """
    p0, p1 = _shares(counts)
    return (p1 - p0).abs().sum().item() / 2


def best_balanced_accuracy(counts: Tensor) -> float:
    """Return BA* exactly, where z takes few values: no adversary does better.

    Parameters
    ----------
    counts
        As for :func:`total_variation`.

    Returns
    -------
    float
        ½ Σ_z max_a P(z | a) = (1 + total variation) / 2, from 0.5 to 1.

    Raises
    ------
    FairtutorError
        As for :func:`total_variation`.

    Examples
    --------
    >>> counts = torch.tensor([[8, 2], [3, 7]])
    >>> best_balanced_accuracy(counts), largest_gap(best_balanced_accuracy(counts))
    (0.75, 0.5)
    """
    return (1 + total_variation(counts)) / 2


def widest_user(counts: Tensor) -> Tensor:
    """Return the user whose gap attains the bound: yes where group 1 is likelier.

    Parameters
    ----------
    counts
        As for :func:`total_variation`.

    Returns
    -------
    torch.Tensor
        (K,) bool, the decision at each value of z. As an adversary it is the best.

    Raises
    ------
    FairtutorError
        As for :func:`total_variation`.

    Examples
    --------
    >>> widest_user(torch.tensor([[8, 2], [3, 7]]))
    tensor([False,  True])
    """
    p0, p1 = _shares(counts)
    return p1 > p0


def _shares(counts: Tensor) -> Tensor:
    """P(z | a), (2, K) float64."""
    if counts.ndim != 2 or len(counts) != 2 or not (counts.sum(1) > 0).all():
        raise FairtutorError(
            f"The counts have shape {tuple(counts.shape)}; give (2, K), two groups "
            "with at least one row each."
        )
    return counts.double() / counts.sum(1, keepdim=True)
