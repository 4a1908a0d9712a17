"""Who is comparable: judgements of people, or rankings, in place of a distance."""

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError


def within_group_quantiles(
    scores: Tensor, groups: Tensor, num_groups: int, quantiles: int = 10
) -> Tensor:
    """Return in which quantile of their own group's ranking people are.

    The judgement: people of different groups who rank equally high in their own group
    deserve the same, even if their scores are not to be compared. It takes the ranking
    within each group to be right, and says nothing of who is right if it is not.

    Parameters
    ----------
    scores
        (n,): anything that ranks people of one group.
    groups
        The group of each, (n,), from 0.
    num_groups
        How many groups there are.
    quantiles
        Number of quantiles, from 1. A group of fewer people is in some of them only.

    Returns
    -------
    torch.Tensor
        (n,) int64, from 0, the lowest, to ``quantiles - 1``. People with the same score
        and group are in the same quantile, that of the middle of their ranks.

    Raises
    ------
    FairtutorError
        A score is missing, the number of quantiles is not valid, or the lengths do not
        fit.

    References
    ----------
    Lahoti, Gummadi, Weikum (2019), "Operationalizing Individual Fairness with Pairwise
    Fair Representations", the between-group quantile graph.

    Examples
    --------
    >>> scores = torch.tensor([1.0, 2.0, 3.0, 4.0, 10.0, 20.0])
    >>> groups = torch.tensor([0, 0, 0, 0, 1, 1])
    >>> within_group_quantiles(scores, groups, 2, quantiles=2)
    tensor([0, 0, 1, 1, 0, 1])
    """
    if scores.ndim != 1 or scores.shape != groups.shape:
        raise FairtutorError(
            f"scores has the shape {tuple(scores.shape)} and groups "
            f"{tuple(groups.shape)}; give one score and one group for each person."
        )
    if scores.isnan().any():
        row = int(scores.isnan().nonzero()[0])
        raise FairtutorError(
            f"The score in row {row} is missing. Leave such people out, or rank them."
        )
    if type(quantiles) is not int or quantiles < 1:
        raise FairtutorError(
            f"quantiles is {quantiles!r}; use a whole number from 1, 10 for deciles."
        )
    both = torch.stack([groups.double(), scores.double()], 1)
    level, who, people = both.unique(dim=0, return_inverse=True, return_counts=True)
    size = torch.bincount(groups, minlength=num_groups)
    before = people.cumsum(0) - people  # people of smaller groups, or lower scores
    start = size.cumsum(0) - size
    group = level[:, 0].long()
    doubled = 2 * (before - start[group]) + people  # twice the middle of their ranks
    return (doubled * quantiles // (2 * size[group]))[who]


def comparable_people(comparable: Tensor, n: int) -> Tensor:
    """Check judgements of who is comparable, as classes or as pairs.

    Parameters
    ----------
    comparable
        Either a class for each of n people, (n,) whole numbers from 0: people of one
        class are comparable. Or pairs of comparable people, (m, 2), by their positions.
    n
        How many people there are.

    Returns
    -------
    torch.Tensor
        The same, as int64.

    Raises
    ------
    FairtutorError
        It is neither, there is nobody to compare, or a pair names nobody or the same
        person twice.

    Examples
    --------
    >>> comparable_people(torch.tensor([[0, 2], [1, 3]]), n=4).shape
    torch.Size([2, 2])
    >>> comparable_people(torch.tensor([0, 1, 0]), n=4)
    Traceback (most recent call last):
        ...
    fairtutor.exchange.errors.FairtutorError: comparable has 3 classes for 4 people; ...
    """
    shape = tuple(comparable.shape)
    if comparable.is_floating_point() or comparable.dtype == torch.bool:
        raise FairtutorError(
            f"comparable is of {comparable.dtype}; give whole numbers: a class for "
            "each person, or pairs of positions."
        )
    if len(shape) == 1 and shape != (n,):
        raise FairtutorError(
            f"comparable has {shape[0]} classes for {n} people; give one for each."
        )
    if len(shape) == 1 and (comparable < 0).any():
        raise FairtutorError(
            f"comparable has the class {int(comparable.min())}; number classes from 0."
        )
    if len(shape) != 1 and (len(shape) != 2 or shape[1] != 2 or not shape[0]):
        raise FairtutorError(
            f"comparable has the shape {shape}; use ({n},) for classes or (m, 2) for "
            "pairs, at least one."
        )
    if len(shape) == 2:
        _require_two_people(comparable, n)
    return comparable.long()


def _require_two_people(pairs: Tensor, n: int) -> None:
    nobody = ((pairs < 0) | (pairs >= n)).any(1)
    alone = pairs[:, 0] == pairs[:, 1]
    for wrong, why in ((nobody, f"positions are 0 to {n - 1}"), (alone, "name two")):
        if wrong.any():
            row = int(wrong.nonzero()[0])
            raise FairtutorError(
                f"Pair {row} of comparable people is {pairs[row].tolist()}; {why}."
            )
