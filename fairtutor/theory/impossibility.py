"""Which definitions of group fairness can hold at once, and which cannot.

Two theorems, kept apart: one on decisions (Chouldechova 2017), one on scores
(Kleinberg, Mullainathan & Raghavan 2016); then a search through every pair of
thresholds, which needs no theorem.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError, did_you_mean

# What must be equal in both groups, for each definition.
DEFINITIONS: Mapping[str, str] = {
    "demographic parity": "selection rate",  # P(ŷ = 1 | a)
    "equal opportunity": "true positive rate",  # P(ŷ = 1 | y = 1, a)
    "predictive equality": "false positive rate",  # P(ŷ = 1 | y = 0, a)
    "predictive parity": "positive predictive value",  # P(y = 1 | ŷ = 1, a)
}
BLOCK = 2_000_000  # pairs times definitions looked at in one go: 16 MB


def implied_false_positive_rate(
    base_rate: float, true_positive_rate: float, predictive_value: float
) -> float:
    """Return the only false positive rate that three other rates leave open.

    Count a group's selected rows in two ways: TPR · p = PPV · s are selected and
    positive, FPR · (1 − p) = (1 − PPV) · s are selected and negative, where s is the
    selection rate. Dividing out s leaves FPR = p / (1 − p) · (1 − PPV) / PPV · TPR.

    Parameters
    ----------
    base_rate
        p = P(y = 1), above 0 and below 1.
    true_positive_rate
        TPR = P(ŷ = 1 | y = 1), 0 to 1.
    predictive_value
        PPV = P(y = 1 | ŷ = 1), above 0 and at most 1.

    Returns
    -------
    float
        At least 0. Above 1, no decision has these three rates.

    Raises
    ------
    FairtutorError
        A value is out of its range.

    References
    ----------
    Chouldechova (2017), "Fair prediction with disparate impact", Eq. 2.6.

    Examples
    --------
    >>> round(implied_false_positive_rate(0.5, 0.6, 0.75), 3)
    0.2
    >>> round(implied_false_positive_rate(0.4, 0.6, 0.75), 3)
    0.133
    """
    p, ppv = base_rate, predictive_value
    _require("The base rate", p, above=0, below=1)
    _require("The true positive rate", true_positive_rate)
    _require("The positive predictive value", ppv, above=0)
    return p / (1 - p) * (1 - ppv) / ppv * true_positive_rate


def implied_negative_score(base_rate: float, positive_score: float) -> float:
    """Return the only mean score of the negatives that calibration leaves open.

    Where a score is calibrated in a group, its mean there is the base rate:
    p · x⁺ + (1 − p) · x⁻ = p, so x⁻ = p / (1 − p) · (1 − x⁺).

    Parameters
    ----------
    base_rate
        p = P(y = 1), above 0 and below 1.
    positive_score
        x⁺, the mean score of the rows with y = 1, 0 to 1.

    Returns
    -------
    float
        x⁻, the mean score of the rows with y = 0.

    Raises
    ------
    FairtutorError
        A value is out of its range.

    References
    ----------
    Kleinberg, Mullainathan & Raghavan (2016), "Inherent trade-offs in the fair
    determination of risk scores", section 2.

    Examples
    --------
    >>> implied_negative_score(0.5, 0.75)
    0.25
    >>> implied_negative_score(0.3, 1.0)
    0.0
    """
    _require("The base rate", base_rate, above=0, below=1)
    _require("The mean score", positive_score)
    return base_rate / (1 - base_rate) * (1 - positive_score)


@dataclass(frozen=True)
class Together:
    """How near a set of definitions comes to holding at once.

    Attributes
    ----------
    definitions
        Names in :data:`DEFINITIONS`.
    holding
        Number of threshold pairs at which all of them hold within the tolerance.
    pairs
        Number of threshold pairs that were tried.
    smallest
        The smallest tolerance at which all of them hold at some pair; infinite where
        a rate is undefined at every pair.
    thresholds
        The pair where they do, the first group's threshold first.
    """

    definitions: tuple[str, ...]
    holding: int
    pairs: int
    smallest: float
    thresholds: tuple[float, float]

    def __str__(self) -> str:
        names = " + ".join(self.definitions)
        return f"{self.holding:>9,} of {self.pairs:,}  {self.smallest:.3f}  {names}"


def hold_together(
    scores: Tensor,
    y: Tensor,
    groups: Tensor,
    *,
    tolerance: float = 0.05,
    min_share: float = 0.05,
    definitions: Sequence[str] = tuple(DEFINITIONS),
) -> list[Together]:
    """Try every pair of thresholds and tell which definitions hold at once.

    A group's thresholds are its distinct scores, which give every decision of the
    kind ŷ = [score ≥ threshold], and infinity, which selects nobody.

    Parameters
    ----------
    scores
        (n,), finite.
    y
        True outcomes, (n,), 0 or 1.
    groups
        Group codes, (n,), 0 or 1; each group has rows of both outcomes.
    tolerance
        Largest difference between the groups at which a definition holds, 0 to 1.
    min_share
        A pair is degenerate, and left out, if it selects fewer than this share of a
        group or leaves fewer than this share of it unselected; 0 to below 0.5. With 0
        all pairs are tried, also those that select everybody or nobody.
    definitions
        Names in :data:`DEFINITIONS`.

    Returns
    -------
    list of Together
        One for each set of definitions that is not empty, small sets first.

    Raises
    ------
    FairtutorError
        A definition is unknown, a value is out of its range, a group lacks an outcome,
        or every pair is degenerate.

    Notes
    -----
    Decisions that draw lots are not thresholds and are not tried: a coin with the same
    chance for all satisfies everything but predictive parity.

    Examples
    --------
    >>> scores = torch.tensor([1, 2, 3, 4, 1, 2, 3, 4])
    >>> y = torch.tensor([0, 1, 0, 1, 0, 0, 1, 0])
    >>> groups = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    >>> asked = ["predictive equality", "predictive parity"]
    >>> for found in hold_together(scores, y, groups, definitions=asked):
    ...     print(found)
            0 of 9  0.167  predictive equality
            1 of 9  0.000  predictive parity
            0 of 9  0.167  predictive equality + predictive parity
    """
    _require("The tolerance", tolerance)
    _require("The smallest share", min_share, below=0.5)
    rows = [_definition_row(name) for name in definitions]
    _require_outcomes(scores, y, groups)
    (at_0, rates_0), (at_1, rates_1) = (
        _rates_by_threshold(scores[groups == g], y[groups == g], min_share)
        for g in (0, 1)
    )
    pairs = len(at_0) * len(at_1)
    if not pairs:
        raise FairtutorError(
            f"Every pair of thresholds selects fewer than {min_share:g} of a group or "
            "leaves fewer unselected; make min_share smaller."
        )
    best = dict.fromkeys(_subsets(range(len(rows))), (0, math.inf, 0))
    for start, gaps in _gaps(rates_0[rows], rates_1[rows]):
        for subset, (holding, smallest, where) in best.items():
            worst = gaps[list(subset)].amax(0).flatten()  # largest gap of each pair
            holding += int((worst <= tolerance).sum())
            at = int(worst.argmin())
            if float(worst[at]) < smallest:
                smallest, where = float(worst[at]), start * len(at_1) + at
            best[subset] = holding, smallest, where
    return [
        Together(
            tuple(definitions[i] for i in subset),
            holding,
            pairs,
            smallest,
            (float(at_0[where // len(at_1)]), float(at_1[where % len(at_1)])),
        )
        for subset, (holding, smallest, where) in best.items()
    ]


def _subsets(items: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for size in range(1, len(items) + 1):
        yield from combinations(items, size)


def _gaps(rates_0: Tensor, rates_1: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield |rate₀ − rate₁| of all pairs in blocks: first row, (d, rows, t₁)."""
    step = max(1, BLOCK // rates_1.numel())
    for start in range(0, rates_0.shape[1], step):
        block = rates_0[:, start : start + step, None] - rates_1[:, None, :]
        yield start, block.abs().nan_to_num(nan=math.inf)  # undefined never holds


def _rates_by_threshold(
    scores: Tensor, y: Tensor, min_share: float
) -> tuple[Tensor, Tensor]:
    """Return a group's non-degenerate thresholds (t,) and its rates there (d, t)."""
    thresholds, position = scores.double().unique(return_inverse=True)
    size = len(thresholds) + 1  # the last threshold, infinity, selects nobody
    thresholds = torch.cat([thresholds, thresholds.new_tensor([math.inf])])
    true = torch.bincount(position[y == 1], minlength=size).flip(0).cumsum(0).flip(0)
    false = torch.bincount(position[y == 0], minlength=size).flip(0).cumsum(0).flip(0)
    true, false = true.double(), false.double()
    rates = torch.stack(
        [
            (true + false) / len(y),
            true / true[0],
            false / false[0],
            true / (true + false),
        ]
    )
    share = rates[0]
    kept = (share >= min_share) & (share <= 1 - min_share)
    return thresholds[kept], rates[:, kept]


def _definition_row(name: str) -> int:
    if name not in DEFINITIONS:
        raise FairtutorError(
            f"No definition is called {name!r}. {did_you_mean(name, DEFINITIONS)}"
        )
    return list(DEFINITIONS).index(name)


def _require_outcomes(scores: Tensor, y: Tensor, groups: Tensor) -> None:
    if scores.ndim != 1 or not scores.shape == y.shape == groups.shape:
        raise FairtutorError(
            f"Scores of shape {tuple(scores.shape)}, outcomes {tuple(y.shape)} and "
            f"groups {tuple(groups.shape)}: pass one of each for every row."
        )
    if not torch.isfinite(scores).all():
        raise FairtutorError("A score is not finite; drop its row.")
    for name, values in (("Outcomes", y), ("Group codes", groups)):
        strange = values[(values != 0) & (values != 1)]
        if len(strange):
            raise FairtutorError(
                f"{name} must be 0 or 1, but {strange[0].item()} occurs; choose the "
                "rows of two groups and number them 0 and 1."
            )
    for group in (0, 1):
        for outcome in (0, 1):
            if not ((groups == group) & (y == outcome)).any():
                raise FairtutorError(
                    f"No row of group {group} has outcome {outcome}, so its rates are "
                    "undefined."
                )


def _require(
    name: str, value: float, above: float | None = None, below: float | None = None
) -> None:
    low = value > above if above is not None else value >= 0
    high = value < below if below is not None else value <= 1
    if not (low and high):
        start = f"above {above:g}" if above is not None else "at least 0"
        end = f"below {below:g}" if below is not None else "at most 1"
        raise FairtutorError(f"{name} is {value!r}; use a number {start} and {end}.")
