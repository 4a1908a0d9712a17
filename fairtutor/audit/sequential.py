"""An audit that may be looked at after every row: testing by betting.

A gambler starts with 1 and bets against a statement about the gap Δ = μ₁ − μ₀, at odds
that are fair or worse while the statement is true. Getting rich is then evidence
against it, and however long one plays and looks, it is unlikely (Ville's inequality).
"""

import math

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..exchange.errors import FairtutorError
from ..exchange.values import Number, require_number

# The shares u of the wealth that are staked; each gets the same part of the first 1.
STAKES = 2.0 ** (-torch.arange(1, 17, dtype=torch.float64) / 2)  # .71, .5, …, .0039
BISECTIONS = 30  # of [−1, 1], down to 2e-9


def log_wealth(d: Tensor, m: Tensor | float, times: Tensor | None = None) -> Tensor:
    """Return the log of the wealth of a bet that the mean of d is above m.

    Parameters
    ----------
    d
        Differences in [−1, 1], (…, B).
    m
        In (−1, 1], shape (…) or a number.
    times
        How often each difference was seen, (…, B); by default once.

    Returns
    -------
    torch.Tensor
        (…) float64, after all B differences.

    Notes
    -----
    K(m) = mean over u of Π_t (1 − u + u (1 + d_t) / (1 + m)): a mixture of constant
    stakes u, which is Cover's universal portfolio of cash and of a share whose price
    changes by (1 + d_t) / (1 + m) ≥ 0.

    Every factor is at least 0, and if E[d_t | past] ≤ m its mean is at most
    1 − u + u (1 + m) / (1 + m) = 1. So for *every* distribution with a mean of at most
    m, K is a nonnegative supermartingale that starts at 1, and by Ville's inequality
    P(K ≥ 1/α at any time) ≤ α. Every factor falls as m rises, and so does K.

    References
    ----------
    Cover (1991), Mathematical Finance 1; Waudby-Smith & Ramdas (2024), JRSS B 86;
    Orabona & Jun (2024), IEEE Transactions on Information Theory 70, who bet with a
    universal portfolio.

    Examples
    --------
    >>> d = torch.tensor([1.0, 1.0, 0.0, 1.0]).double()
    >>> log_wealth(d, 0.0).exp() > 1, log_wealth(d, 0.9).exp() < 1
    (tensor(True), tensor(True))
    """
    m = torch.as_tensor(m, dtype=torch.float64, device=d.device)[..., None, None]
    stakes = STAKES.to(d.device)
    gains = torch.log1p(stakes * ((1 + d[..., None]) / (1 + m) - 1))
    if times is not None:
        gains = gains * times[..., None]
    return _mixed(gains.sum(-2))


def _mixed(logs: Tensor) -> Tensor:
    return torch.logsumexp(logs, -1) - math.log(len(STAKES))


def limits(d: Tensor, alpha: float, times: Tensor | None = None) -> tuple[Tensor, ...]:
    """Return the limits of a confidence sequence for the mean of d.

    Parameters
    ----------
    d, times
        As for :func:`log_wealth`.
    alpha
        Chance that the limits miss at any time, at most.

    Returns
    -------
    tuple of torch.Tensor
        Lower and upper, (…): all m against which neither the bet on d nor the one on
        −d has made 2 / α. They are found by bisection, as the wealth falls with m.

    Examples
    --------
    >>> d = torch.tensor([1.0, -1.0] * 500).double()
    >>> [round(limit.item(), 2) for limit in limits(d, 0.05)]
    [-0.11, 0.11]
    """
    rich = math.log(2 / alpha)
    d = torch.stack([d, -d])
    low = torch.full(d.shape[:-1], -1.0, dtype=torch.float64, device=d.device)
    high = torch.ones_like(low)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        refuted = log_wealth(d, middle, times) >= rich
        low = torch.where(refuted, middle, low)
        high = torch.where(refuted, high, middle)
    return low[0], -low[1]


def block_edges(first: int, count: int, ratio: float) -> Tensor:
    """Return which rows of the more frequent group make which block.

    Block j takes the rows ⌊j·ratio⌋ to ⌊(j + 1)·ratio⌋, the last one left out.

    Parameters
    ----------
    first, count
        The first block's number, and how many blocks.
    ratio
        Rows of the more frequent group for one of the rarer, at least 1.

    Returns
    -------
    torch.Tensor
        (count + 1,) int64.

    Examples
    --------
    >>> block_edges(0, 4, 1.5).tolist()
    [0, 1, 3, 4, 6]
    """
    j = torch.arange(first, first + count + 1, dtype=torch.float64)
    return (j * ratio + 1e-9).floor().long()  # 3 · (2/3) / (1/3) is 5.999…


class SequentialAudit:
    """Watch the gap between two groups row by row, and stop when it is clear.

    Parameters
    ----------
    tolerance
        The largest |Δ| that meets the criterion.
    confidence
        The chance, at least, that interval and verdict are right at all looks together.
    share
        The share of rows expected from group 1. It decides how many rows of the larger
        group stand against one row of the smaller; a wrong one wastes rows and spoils
        no guarantee.

    Attributes
    ----------
    rows : int
        How many rows have been seen.
    verdict : str
        ``"undecided"`` until ``"meets"`` or ``"violates"``, which then stays.
    rows_at_verdict : int or None
        The size of the sample at the look that decided.
    interval : tuple of float
        Of Δ = μ₁ − μ₀: everything that no look has refuted so far.

    Raises
    ------
    FairtutorError
        A parameter is out of its range, values are not in [0, 1], or groups not 0 or 1.

    Notes
    -----
    Rows are joined to blocks: one of the rarer group against about as many of the other
    as come with it. d = mean ŷ of group 1 − mean ŷ of group 0 within the block has the
    mean Δ whoever arrives when, because which rows make a block depends on the groups'
    order alone, never on a decision.

    *Violates* needs K ≥ 2/α against Δ ≤ τ, or against Δ ≥ −τ. While |Δ| ≤ τ each of the
    two bets is a supermartingale, so that either wins with a chance of at most α.
    *Meets* needs K ≥ 2/α against Δ ≥ τ **and** against Δ ≤ −τ. While |Δ| ≥ τ one of
    these two statements is true, and that bet wins with a chance of at most α/2. These
    are the limits of the confidence sequence, so one event of chance 1 − α covers
    interval and verdict.

    The means must not move: E[ŷ | group, past] = μ. Independent rows have that, and
    rows of a sample looked at in random order.

    References
    ----------
    Chugg, Cortes-Gomez, Wilder & Ramdas (2023), "Auditing fairness by betting",
    NeurIPS, whose null hypothesis is Δ = 0 and who bet by online Newton step.

    Examples
    --------
    >>> group = torch.arange(4000) % 2
    >>> y_hat = (torch.arange(4000) % 10 < 4 + 4 * group).long()
    >>> audit = SequentialAudit(tolerance=0.1)
    >>> for start in range(0, 4000, 100):
    ...     _ = audit.look(y_hat[start : start + 100], group[start : start + 100])
    >>> audit.verdict, audit.rows_at_verdict
    ('violates', 100)
    """

    def __init__(
        self, tolerance: float, confidence: float = 0.95, share: float = 0.5
    ) -> None:
        for name, value, low, high in (
            ("tolerance", tolerance, 0, 0.99),
            ("confidence", confidence, 0.5, 0.9999),
            ("share", share, 0.001, 0.999),
        ):
            require_number(name, value, Number(low, high), name)
        self.tolerance, self.alpha = tolerance, 1 - confidence
        self.share, self.rows, self.verdict = share, 0, "undecided"
        self.rows_at_verdict: int | None = None
        self.interval = (-1.0, 1.0)
        self._waiting = [torch.empty(0, dtype=torch.float64)] * 2
        self._blocks, self._values, self._times = 0, *self._waiting

    def look(self, y_hat: ArrayLike, groups: ArrayLike) -> str:
        """Add rows and return the verdict so far.

        Parameters
        ----------
        y_hat
            (n,): decisions, or values between 0 and 1.
        groups
            (n,): 0 or 1. For a rate among some rows, such as the true positive rate,
            pass those rows only.

        Returns
        -------
        str
        """
        y_hat, groups = _checked(y_hat, groups)
        self.rows += len(y_hat)
        for group in (0, 1):
            new = torch.cat([self._waiting[group], y_hat[groups == group]])
            self._waiting[group] = new
        d = self._complete_blocks()
        if len(d):
            self._remember(d)
            self._decide()
        return self.verdict

    def _complete_blocks(self) -> Tensor:
        """Take complete blocks off the waiting rows; return their differences."""
        rare, sign, ratio = roles(self.share)
        few, many = self._waiting[rare], self._waiting[1 - rare]
        taken = int(block_edges(self._blocks, 0, ratio)[0])
        edges = block_edges(self._blocks, len(few), ratio) - taken
        count = int((edges[1:] <= len(many)).sum())
        edges = edges[: count + 1]
        sums = torch.cat([many.new_zeros(1), many.cumsum(0)])[edges]
        d = sign * (few[:count] - sums.diff() / edges.diff())
        self._waiting[rare] = few[count:]
        self._waiting[1 - rare] = many[int(edges[-1]) :]
        self._blocks += count
        return d

    def _remember(self, d: Tensor) -> None:
        """Keep each different value of d with its count: order does not matter."""
        values = torch.cat([self._values, d])
        times = torch.cat([self._times, torch.ones_like(d)])
        self._values, place = values.unique(return_inverse=True)
        self._times = torch.zeros_like(self._values).index_add_(0, place, times)

    def _decide(self) -> None:
        if not self._refuted_more():
            return
        lower, upper = limits(self._values, self.alpha, self._times)
        lower = max(self.interval[0], lower.item())
        upper = min(self.interval[1], upper.item())
        # They cross with a chance below α, or because the gap moved meanwhile.
        self.interval = min(lower, upper), max(lower, upper)
        if self.verdict == "undecided":
            if lower > self.tolerance or upper < -self.tolerance:
                self.verdict = "violates"
            elif -self.tolerance <= lower and upper <= self.tolerance:
                self.verdict = "meets"
            if self.verdict != "undecided":
                self.rows_at_verdict = self.rows

    def _refuted_more(self) -> bool:
        """Say whether a limit moves: most looks need no bisection."""
        both = torch.stack([self._values, -self._values])
        ends = torch.tensor([self.interval[0], -self.interval[1]]).double()
        logs = log_wealth(both, ends.clamp(min=-1 + 1e-9), self._times)
        return bool((logs >= math.log(2 / self.alpha)).any())

    def __repr__(self) -> str:
        lower, upper = self.interval
        return (
            f"After {self.rows:,} rows {self.verdict}: gap between {lower:.3f} and "
            f"{upper:.3f}, tolerance {self.tolerance:g}"
        )


def roles(share: float) -> tuple[int, int, float]:
    """Return the rarer group, the sign of its decisions in d, and the others' ratio.

    Examples
    --------
    >>> roles(0.75)
    (0, -1, 3.0)
    """
    rare = 1 if share <= 0.5 else 0
    return rare, 2 * rare - 1, max(share, 1 - share) / min(share, 1 - share)


def _checked(y_hat: ArrayLike, groups: ArrayLike) -> tuple[Tensor, Tensor]:
    try:
        y_hat, groups = torch.as_tensor(y_hat), torch.as_tensor(groups)
    except (TypeError, ValueError):
        raise FairtutorError(
            "y_hat and groups must be numbers: decisions or values from 0 to 1, and "
            "groups as 0 or 1."
        ) from None
    y_hat, groups = y_hat.cpu().double(), groups.cpu()  # a look is small work
    if y_hat.ndim != 1 or y_hat.shape != groups.shape:
        raise FairtutorError(
            f"y_hat has shape {tuple(y_hat.shape)} and groups {tuple(groups.shape)}; "
            "pass one number a row in both."
        )
    if len(y_hat) and not (y_hat.min() >= 0 and y_hat.max() <= 1):
        raise FairtutorError("y_hat holds a value that is not between 0 and 1.")
    if not ((groups == 0) | (groups == 1)).all():
        raise FairtutorError(
            "groups holds a value that is not 0 or 1. To compare more than two groups, "
            "run one audit for each pair, each with its part of the error budget."
        )
    return y_hat, groups
