"""Group metrics from one table of counts: how often each group got what."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError, did_you_mean

Parts = tuple[Tensor, Tensor]  # (successes, trials) of each group


def group_counts(
    y: Tensor, decisions: Tensor, groups: Tensor, num_groups: int
) -> Tensor:
    """Count the rows of each group by outcome and decision, in one pass.

    Parameters
    ----------
    y
        True outcomes, (n,), 0 or 1.
    decisions
        (n,), 0 or 1.
    groups
        Group codes, (n,), from 0.
    num_groups
        G; groups without rows get zeros.

    Returns
    -------
    torch.Tensor
        (G, 2, 2) int64, indexed by group, outcome, decision.

    Examples
    --------
    >>> y, decisions = torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0])
    >>> group_counts(y, decisions, torch.tensor([0, 0, 1]), 2).tolist()
    [[[1, 0], [0, 1]], [[0, 0], [1, 0]]]
    """
    cell = (groups.long() * 2 + y.long()) * 2 + decisions.long()
    return torch.bincount(cell, minlength=4 * num_groups).view(num_groups, 2, 2)


def _selection(n: Tensor) -> Parts:
    return n[:, :, 1].sum(1), n.sum((1, 2))  # P(ŷ = 1 | a)


def _true_positive(n: Tensor) -> Parts:
    return n[:, 1, 1], n[:, 1].sum(1)  # P(ŷ = 1 | y = 1, a)


def _false_positive(n: Tensor) -> Parts:
    return n[:, 0, 1], n[:, 0].sum(1)  # P(ŷ = 1 | y = 0, a)


def _predictive_value(n: Tensor) -> Parts:
    return n[:, 1, 1], n[:, :, 1].sum(1)  # P(y = 1 | ŷ = 1, a)


def _accuracy(n: Tensor) -> Parts:
    return n[:, 0, 0] + n[:, 1, 1], n.sum((1, 2))  # P(ŷ = y | a)


RATES: Mapping[str, Callable[[Tensor], Parts]] = {
    "selection rate": _selection,
    "true positive rate": _true_positive,
    "false positive rate": _false_positive,
    "positive predictive value": _predictive_value,
    "accuracy": _accuracy,
}


def weighed(counts: Tensor, rate: str) -> Parts:
    """Return what a rate is made of: successes and trials in each group.

    Parameters
    ----------
    counts
        From :func:`group_counts`.
    rate
        A name in :data:`RATES`.

    Returns
    -------
    tuple of torch.Tensor
        Two (G,) int64 tensors.

    Raises
    ------
    FairtutorError
        There is no such rate.

    Examples
    --------
    >>> counts = torch.tensor([[[6, 2], [1, 1]]])
    >>> weighed(counts, "selection rate")
    (tensor([3]), tensor([10]))
    """
    if rate not in RATES:
        raise FairtutorError(f"There is no rate {rate!r}. {did_you_mean(rate, RATES)}")
    return RATES[rate](counts)


def rates(counts: Tensor, rate: str) -> Tensor:
    """Return a rate in each group, NaN where a group has no trials.

    Parameters
    ----------
    counts, rate
        As for :func:`weighed`.

    Returns
    -------
    torch.Tensor
        (G,) float64 in [0, 1].

    Examples
    --------
    >>> rates(torch.tensor([[[6, 2], [1, 1]]]), "true positive rate")
    tensor([0.5000], dtype=torch.float64)
    """
    successes, trials = weighed(counts, rate)
    return successes.double() / trials.double()


def group_means(
    values: Tensor, groups: Tensor, num_groups: int
) -> tuple[Tensor, Tensor]:
    """Return the mean of a value in each group, and the groups' sizes.

    Parameters
    ----------
    values
        (n,), for instance probabilities or losses.
    groups, num_groups
        As for :func:`group_counts`.

    Returns
    -------
    tuple of torch.Tensor
        (G,) float64, NaN where a group has no rows, and (G,) int64.

    Examples
    --------
    >>> group_means(torch.tensor([0.0, 1.0, 0.25]), torch.tensor([0, 0, 1]), 2)
    (tensor([0.5000, 0.2500], dtype=torch.float64), tensor([2, 1]))
    """
    groups = groups.long()
    sizes = torch.bincount(groups, minlength=num_groups)
    sums = torch.bincount(groups, weights=values.double(), minlength=num_groups)
    return sums / sizes, sizes


def accuracy_and_gap(
    y: Tensor, decisions: Tensor, groups: Tensor, num_groups: int
) -> tuple[float, float]:
    """Return the accuracy, and the largest difference of selection rates.

    Parameters
    ----------
    y, decisions, groups, num_groups
        As for :func:`group_counts`.

    Returns
    -------
    tuple of float
        Both in [0, 1]; groups without rows are left out, and the gap is 0 with one.

    Examples
    --------
    >>> y, decisions = torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 1, 1])
    >>> accuracy_and_gap(y, decisions, torch.tensor([0, 0, 1, 1]), 2)
    (0.75, 1.0)
    """
    counts = group_counts(y, decisions, groups, num_groups)
    selection = rates(counts, "selection rate")
    selection = selection[~selection.isnan()]
    accuracy = (decisions.bool() == y.bool()).double().mean().item()
    return accuracy, (selection.max() - selection.min()).item()
