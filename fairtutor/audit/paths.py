"""Many sequential audits at once, row by row: for simulations and for figures."""

import torch
from torch import Tensor

from .sequential import STAKES, block_edges, limits, roles


def blocks_by_row(
    y_hat: Tensor, groups: Tensor, share: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Join the rows of many runs to blocks, as a sequential audit does.

    Parameters
    ----------
    y_hat, groups
        (runs, n): decisions in [0, 1], and groups 0 or 1, in the order of arrival.
    share
        As for :class:`fairtutor.audit.SequentialAudit`.

    Returns
    -------
    tuple of torch.Tensor
        (runs, B): each block's difference d, float64, and the number of rows seen when
        it was complete. A run with fewer than B blocks ends in d = 0, complete after
        n + 1 rows.

    Examples
    --------
    >>> y_hat, groups = torch.tensor([[1, 0, 1, 1]]), torch.tensor([[1, 0, 0, 1]])
    >>> d, rows = blocks_by_row(y_hat, groups)
    >>> d.tolist(), rows.tolist()
    ([[1.0, 0.0]], [[2, 4]])
    """
    rare, sign, ratio = roles(share)
    runs, n = groups.shape
    is_rare = groups == rare
    # The rare group's rows first, then the others', each in the order of arrival.
    order = torch.argsort((~is_rare).byte(), dim=1, stable=True)
    arranged = y_hat.double().gather(1, order)
    few = is_rare.sum(1, keepdim=True)
    most = int(few.max())
    edges = block_edges(0, most, ratio).to(groups.device)[None] + few
    complete = (torch.arange(most, device=groups.device) < few) & (edges[:, 1:] <= n)
    edges = edges.clamp(max=n)
    sums = torch.cat([arranged.new_zeros(runs, 1), arranged.cumsum(1)], 1)
    others = sums.gather(1, edges).diff() / edges.diff().clamp(min=1)
    d = sign * (arranged[:, :most] - others)
    last = order.gather(1, (edges[:, 1:] - 1))
    rows = torch.maximum(order[:, :most], last) + 1
    return d.where(complete, 0.0), rows.where(complete, n + 1)


def wealth_by_block(d: Tensor, m: float) -> Tensor:
    """Return the wealth of a bet that the mean of d is above m, after each block.

    Parameters
    ----------
    d
        (…, B), differences in [−1, 1].
    m
        In (−1, 1].

    Returns
    -------
    torch.Tensor
        (…, B) float64, infinite beyond 1e308; its logarithm is that of
        :func:`fairtutor.audit.sequential.log_wealth`.

    Examples
    --------
    >>> d = torch.tensor([1.0, 0.0, 1.0]).double()
    >>> (wealth_by_block(d, 0.0) > 1).tolist()
    [True, True, True]
    """
    excess = (1 + d) / (1 + m) - 1
    wealth = torch.zeros_like(d)
    for stake in STAKES.tolist():  # one at a time, as d is large in simulations
        wealth += (1 + stake * excess).cumprod(-1)
    return wealth / len(STAKES)


def verdict_rows(
    y_hat: Tensor,
    groups: Tensor,
    tolerance: float,
    confidence: float = 0.95,
    share: float = 0.5,
) -> dict[str, Tensor]:
    """Return after how many rows each run's audit would say *meets* and *violates*.

    Parameters
    ----------
    y_hat, groups
        (runs, n), as for :func:`blocks_by_row`; every row is followed by a look.
    tolerance, confidence, share
        As for :class:`fairtutor.audit.SequentialAudit`.

    Returns
    -------
    dict of torch.Tensor
        ``"meets"`` and ``"violates"``: (runs,) int64 numbers of rows, n + 1 where it
        never came to that. The audit's own verdict is the earlier of the two.

    Examples
    --------
    >>> groups = (torch.arange(2000) % 2).expand(3, -1)
    >>> y_hat = torch.bernoulli(0.2 + 0.5 * groups, generator=torch.manual_seed(0))
    >>> rows = verdict_rows(y_hat, groups, tolerance=0.1)
    >>> bool((rows["violates"] < 200).all()), rows["meets"].tolist()
    (True, [2001, 2001, 2001])
    """
    d, seen = blocks_by_row(y_hat, groups, share)
    never = torch.full_like(seen[:, :1], groups.shape[1] + 1)
    rich = 2 / (1 - confidence)

    def first(d: Tensor, m: float) -> Tensor:
        won = wealth_by_block(d, m) >= rich
        return torch.where(won, seen, never).min(1).values

    t = tolerance
    return {
        "violates": torch.minimum(first(d, t), first(-d, t)),
        "meets": torch.maximum(first(d, -t), first(-d, -t)),
    }


def limits_by_row(
    y_hat: Tensor, groups: Tensor, confidence: float = 0.95, share: float = 0.5
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the confidence sequence for the gap of one run, block by block.

    Parameters
    ----------
    y_hat, groups
        (n,), in the order of arrival.
    confidence, share
        As for :class:`fairtutor.audit.SequentialAudit`.

    Returns
    -------
    tuple of torch.Tensor
        (B,) each: the number of rows seen, and the lower and upper limit of the gap
        that no look so far has refuted.

    Examples
    --------
    >>> groups = torch.arange(1000) % 2
    >>> y_hat = torch.bernoulli(0.2 + 0.5 * groups, generator=torch.manual_seed(0))
    >>> rows, lower, upper = limits_by_row(y_hat, groups)
    >>> int(rows[-1]), bool(lower[-1] < 0.5 < upper[-1])
    (1000, True)
    """
    d, rows = blocks_by_row(y_hat[None], groups[None], share)
    d, rows = d[rows <= len(groups)], rows[rows <= len(groups)]
    values, place = d.unique(return_inverse=True)
    times = torch.nn.functional.one_hot(place, len(values)).double().cumsum(0)
    lower, upper = limits(values.expand(len(d), -1), 1 - confidence, times)
    return rows, lower.cummax(0).values, upper.cummin(0).values
