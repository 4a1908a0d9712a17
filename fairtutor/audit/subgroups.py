"""Fairness gerrymandering: a search for the subgroup that is treated worst.

Rates can be equal between the groups of each attribute and differ between their
intersections. Kearns, Neel, Roth and Wu (2018) weigh the disparity of a subgroup g by
its size: α(g) · β(g), with α(g) the share of all rows that are in g and counted by the
rate, and β(g) = |rate − rate(g)|. Everything here works on one table of counts by cell,
a cell being one combination of the attributes' groups.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..exchange import FairtutorError, GroupRate
from . import intervals
from .frame import group_rates

Attributes = Mapping[str, tuple[Tensor, tuple[str, ...]]]  # codes (n,), group names
MOST_CELLS = 1_000_000


@dataclass(frozen=True)
class Subgroup:
    """A set of people: those whose points, added up, reach a threshold.

    A conjunction ("sex = F and race = black") gives one point for each of its terms and
    asks for all of them; a linear threshold function gives points of any size.

    Attributes
    ----------
    name
        In words.
    points
        By attribute, the points of each of its groups.
    threshold
        From how many points on a person is a member.
    share
        α(g): members that the rate counts, as a share of all rows searched.
    rate, overall
        Of the members, and of all rows that the rate counts.
    """

    name: str
    points: Mapping[str, tuple[float, ...]]
    threshold: float
    share: float
    rate: float
    overall: float

    @property
    def weighted(self) -> float:
        """α(g) · β(g), the disparity weighed by size."""
        return self.share * abs(self.rate - self.overall)

    def members(self, attributes: Attributes) -> Tensor:
        """Return who belongs to the subgroup, also among other rows.

        Parameters
        ----------
        attributes
            With the attributes that the points name, in the same group order.

        Returns
        -------
        torch.Tensor
            (n,) bool.
        """
        for name in self.points:
            if name not in attributes:
                raise FairtutorError(f"The rows have no attribute {name!r}.")
        rows = next(iter(attributes.values()))[0]
        total = torch.zeros(len(rows), dtype=torch.float64)
        for name, points in self.points.items():
            total += torch.tensor(points, dtype=torch.float64)[
                attributes[name][0].cpu()
            ]
        return total >= self.threshold - 1e-9

    def __str__(self) -> str:
        return (
            f"{self.name}: rate {self.rate:.3f}, overall {self.overall:.3f}, "
            f"share {self.share:.3f}, weighted disparity {self.weighted:.4f}"
        )


@dataclass(frozen=True)
class Confirmed:
    """What rows that took no part in the search say about a subgroup.

    Attributes
    ----------
    subgroup
        As it was found.
    inside, outside
        The rate of its members and of all others, on the new rows.
    lower, upper
        Interval of the difference, inside − outside.
    """

    subgroup: Subgroup
    inside: GroupRate
    outside: GroupRate
    lower: float
    upper: float

    @property
    def holds_up(self) -> bool:
        """Whether the interval excludes 0, on the side that the search found."""
        lower_rate = self.subgroup.rate < self.subgroup.overall
        return self.upper < 0 if lower_rate else self.lower > 0

    def __str__(self) -> str:
        return (
            f"{self.subgroup.name}: {self.inside.rate:.3f} (n = {self.inside.n:,}), "
            f"others {self.outside.rate:.3f}, difference "
            f"{self.inside.rate - self.outside.rate:+.3f} "
            f"({self.lower:+.3f} to {self.upper:+.3f})"
        )


def worst_conjunctions(
    decisions: Tensor, attributes: Attributes, among: Tensor | None = None, top: int = 1
) -> list[Subgroup]:
    """Find the conjunctions of groups with the largest weighted disparity, exactly.

    Parameters
    ----------
    decisions
        (n,), 0 or 1.
    attributes
        By name, codes (n,) and names of the groups, as ``dataset.groups(name)`` gives.
    among
        (n,) bool, the rows that the rate counts: ``y == 0`` for the false positive
        rate, ``y == 1`` for the true positive rate; by default all, the selection rate.
    top
        How many to return, the worst first.

    Returns
    -------
    list of Subgroup

    Raises
    ------
    FairtutorError
        Lengths differ, nobody is counted, or there are too many combinations.

    References
    ----------
    Kearns, Neel, Roth & Wu (2018), "Preventing fairness gerrymandering", section 2:
    subgroup fairness in statistical parity and in false positives.

    Examples
    --------
    Marginally fair, and as unfair as can be between the intersections:

    >>> sex, race = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    >>> attributes = {"sex": (sex, ("f", "m")), "race": (race, ("b", "w"))}
    >>> print(worst_conjunctions(torch.tensor([0, 1, 1, 0]), attributes)[0])
    sex = f and race = b: rate 0.000, overall 0.500, share 0.250, weighted disparity \
0.1250
    """
    successes, trials = _cells(decisions, attributes, among)
    overall = successes.sum() / trials.sum()
    for axis in range(len(attributes)):  # one more entry an axis: any group at all
        successes = torch.cat([successes, successes.sum(axis, keepdim=True)], axis)
        trials = torch.cat([trials, trials.sum(axis, keepdim=True)], axis)
    disparity = (successes - overall * trials).abs()  # n · α(g) · β(g)
    disparity[trials == 0] = -1.0  # nobody there
    order = disparity.flatten().argsort(descending=True, stable=True)[:top]
    places = torch.stack(torch.unravel_index(order, trials.shape), dim=1).tolist()
    return [
        _conjunction(
            {
                name: code
                for name, code in zip(attributes, place, strict=True)
                if code < len(attributes[name][1])
            },
            attributes,
            (float(successes[tuple(place)]), float(trials[tuple(place)])),
            (len(decisions), float(overall)),
        )
        for place in places
    ]


def worst_linear(
    decisions: Tensor, attributes: Attributes, among: Tensor | None = None
) -> Subgroup:
    """Look for a bad subgroup among linear threshold functions of the groups.

    Finding the worst one is hard in general. This heuristic regresses the decision,
    centred, on the groups' indicators, and then tries every threshold of the fitted
    value, from above and from below. It promises no maximum.

    Parameters
    ----------
    decisions, attributes, among
        As for :func:`worst_conjunctions`.

    Returns
    -------
    Subgroup

    Raises
    ------
    FairtutorError
        As :func:`worst_conjunctions`.

    References
    ----------
    Kearns, Neel, Roth & Wu (2018), whose experiments let linear regression stand in
    for the learner as well; (2019), "An empirical study of rich subgroup fairness for
    machine learning".

    Examples
    --------
    >>> age = torch.tensor([0, 1, 2, 3])
    >>> attributes = {"age": (age, ("<20", "20-29", "30-39", "40+"))}
    >>> group = worst_linear(torch.tensor([0, 0, 1, 1]), attributes)
    >>> group.members(attributes).tolist(), group.weighted
    ([True, True, False, False], 0.25)
    """
    successes, trials = _cells(decisions, attributes, among)
    overall = successes.sum() / trials.sum()
    k, n = successes[trials > 0], trials[trials > 0]
    indicators = _indicators(trials.nonzero(), trials.shape)  # (cells, Σ G)
    ridge = 1e-6 * n.sum() * torch.eye(indicators.shape[1], dtype=torch.float64)
    w = torch.linalg.solve(
        indicators.T @ (indicators * n[:, None]) + ridge,
        indicators.T @ (k - overall * n),
    )
    fitted, cell = (indicators @ w).round(decimals=9).unique(return_inverse=True)
    excess = torch.zeros_like(fitted).scatter_add_(0, cell, k - overall * n)
    if len(fitted) == 1:
        return worst_conjunctions(decisions, attributes, among)[0]
    cut = int(excess.cumsum(0)[:-1].abs().argmax())  # members: up to this value
    threshold = float(fitted[cut] + fitted[cut + 1]) / 2
    low = indicators @ w <= threshold
    # The complement has the same weighted disparity; take the smaller of the two.
    sign, member = (-1, low) if n[low].sum() <= n[~low].sum() else (1, ~low)
    points = (sign * w).split(list(trials.shape))
    inside, counted = float(k[member].sum()), float(n[member].sum())
    return Subgroup(
        f"points by {', '.join(attributes)}",
        {name: tuple(p.tolist()) for name, p in zip(attributes, points, strict=True)},
        sign * threshold,
        counted / len(decisions),
        inside / counted,
        float(overall),
    )


def worst_possible(
    decisions: Tensor, attributes: Attributes, among: Tensor | None = None
) -> float:
    """Return the largest weighted disparity of any set of cells: nothing exceeds it.

    Parameters
    ----------
    decisions, attributes, among
        As for :func:`worst_conjunctions`.

    Returns
    -------
    float
        The group of all cells above the overall rate reaches it, and so does its
        complement.

    Examples
    --------
    >>> age = torch.tensor([0, 1, 2, 3])
    >>> worst_possible(torch.tensor([0, 1, 0, 1]), {"age": (age, tuple("abcd"))})
    0.25
    """
    successes, trials = _cells(decisions, attributes, among)
    excess = successes - successes.sum() / trials.sum() * trials
    return float(excess.clamp(min=0).sum()) / len(decisions)


def confirm(
    found: Sequence[Subgroup],
    decisions: Tensor,
    attributes: Attributes,
    among: Tensor | None = None,
    alpha: float = 0.05,
) -> list[Confirmed]:
    """Measure subgroups on rows that took no part in finding them.

    Parameters
    ----------
    found
        From a search on other rows. On the rows of the search itself the intervals
        would mean nothing: the worst of many groups looks bad by chance alone.
    decisions, attributes, among
        As for :func:`worst_conjunctions`, of the new rows.
    alpha
        The chance that any of the intervals misses (Bonferroni).

    Returns
    -------
    list of Confirmed
        The difference of two independent shares, with Newcombe's interval; −1 to 1
        where there is nobody inside or outside.

    Examples
    --------
    >>> sex = torch.arange(400) % 2
    >>> attributes = {"sex": (sex, ("f", "m"))}
    >>> found = worst_conjunctions(sex, attributes)
    >>> confirm(found, sex, attributes)[0].holds_up
    True
    """
    counted = torch.ones_like(decisions, dtype=torch.bool) if among is None else among
    share = alpha / max(1, len(found))
    confirmed = []
    for subgroup in found:
        members = subgroup.members(attributes).to(counted.device)
        parts = []
        for rows in (members & counted, ~members & counted):
            parts.append((int(decisions[rows].sum()), int(rows.sum())))
        inside, outside = group_rates(*zip(*parts, strict=True), ("members", "others"))
        limits = -1.0, 1.0
        if all(n for _, n in parts):
            limits = map(float, intervals.difference(*parts, share))
        confirmed.append(Confirmed(subgroup, inside, outside, *limits))
    return confirmed


def _cells(
    decisions: Tensor, attributes: Attributes, among: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return successes and trials by cell, each (G₁, …, G_q) float64."""
    if not attributes:
        raise FairtutorError("Name at least one attribute to search.")
    shape = [len(groups) for _, groups in attributes.values()]
    if math.prod(shape) > MOST_CELLS:
        raise FairtutorError(
            f"{math.prod(shape):,} combinations of groups are too many to count; use "
            f"fewer attributes, at most {MOST_CELLS:,} combinations."
        )
    cell = torch.zeros_like(decisions, dtype=torch.long)
    for name, (codes, groups) in attributes.items():
        if codes.shape != decisions.shape:
            raise FairtutorError(
                f"Attribute {name!r} has {len(codes)} rows, the decisions "
                f"{len(decisions)}."
            )
        cell = cell * len(groups) + codes.long()
    counted = slice(None) if among is None else among.bool()
    cell, positive = cell[counted], decisions[counted].bool()
    if not len(cell):
        raise FairtutorError("No row is counted: 'among' leaves nobody.")
    size = math.prod(shape)
    trials = torch.bincount(cell, minlength=size)
    successes = torch.bincount(cell[positive], minlength=size)
    return successes.double().view(shape).cpu(), trials.double().view(shape).cpu()


def _conjunction(
    terms: Mapping[str, int],
    attributes: Attributes,
    counts: tuple[float, float],
    searched: tuple[int, float],
) -> Subgroup:
    """Return the people with all of these groups; counts are (successes, trials)."""
    groups = {name: attributes[name][1] for name in terms}
    words = " and ".join(
        f"{name} = {groups[name][code]}" for name, code in terms.items()
    )
    (k, n), (rows, overall) = counts, searched
    return Subgroup(
        words or "everybody",
        {
            name: tuple(float(g == code) for g in range(len(groups[name])))
            for name, code in terms.items()
        },
        float(len(terms)),
        n / rows,
        k / n if n else math.nan,
        overall,
    )


def _indicators(codes: Tensor, shape: Sequence[int]) -> Tensor:
    """Return one column for each group of each attribute, (c, Σ G)."""
    columns = [
        torch.nn.functional.one_hot(codes[:, axis], size)
        for axis, size in enumerate(shape)
    ]
    return torch.cat(columns, dim=1).double()
