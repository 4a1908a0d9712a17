"""Raw and conditional gaps: how much of a difference is left among people alike."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..exchange import FairtutorError
from ..exchange.values import Number, require_number


@dataclass(frozen=True)
class ConditionalGap:
    """A difference between two groups, with other facts held equal.

    Attributes
    ----------
    estimate, lower, upper
        The members' rate minus the others', and its interval.
    standard_error
        Valid when the spread differs between rows, as that of a 0/1 outcome does.
    given
        Names of the facts that were held equal.
    n
        Rows.
    """

    estimate: float
    lower: float
    upper: float
    standard_error: float
    given: tuple[str, ...]
    n: int

    def __str__(self) -> str:
        return f"{self.estimate:+.3f} ({self.lower:+.3f} to {self.upper:+.3f})"


def conditional_gap(
    outcome: Tensor,
    member: Tensor,
    given: Mapping[str, Tensor] | None = None,
    alpha: float = 0.05,
) -> ConditionalGap:
    """Regress an outcome on membership in a group and on other facts.

    The coefficient b of outcome = a + b · member + c · facts + error. With no facts it
    is the difference of the two groups' rates.

    Parameters
    ----------
    outcome
        (n,), 0 or 1, or any number.
    member
        (n,), 0 or 1.
    given
        By name, the facts to hold equal, (n,) each.
    alpha
        Chance that the interval misses, for many rows.

    Returns
    -------
    ConditionalGap

    Raises
    ------
    FairtutorError
        A value is missing, lengths differ, ``alpha`` is out of its range, or the facts
        and the membership determine each other.

    Notes
    -----
    *Held equal* is a claim of the linear model: where it is wrong, for instance because
    a fact counts differently in the two groups, so is the gap. The standard error is
    the heteroskedasticity-robust one (HC1).

    References
    ----------
    MacKinnon & White (1985), "Some heteroskedasticity-consistent covariance matrix
    estimators", Journal of Econometrics 29.

    Examples
    --------
    >>> approved = torch.tensor([1, 1, 0, 1, 0, 0])
    >>> member = torch.tensor([1, 1, 1, 0, 0, 0])
    >>> round(conditional_gap(approved, member).estimate, 3)
    0.333
    """
    require_number("alpha", alpha, Number(1e-12, 0.5), "alpha")
    given = dict(given or {})
    columns = {"outcome": outcome, "member": member, **given}
    for name, column in columns.items():
        if len(column) != len(outcome):
            raise FairtutorError(
                f"{name!r} has {len(column)} rows and the outcome {len(outcome)}; pass "
                "the same rows in both."
            )
        if missing := int(column.double().isnan().sum()):
            raise FairtutorError(
                f"{name!r} is missing in {missing} of {len(column)} rows. Leave rows "
                "with a missing value out of all."
            )
    y = outcome.double()
    facts = [member.double(), *(column.double() for column in given.values())]
    X = torch.stack([torch.ones_like(y), *facts], dim=1)
    n, k = X.shape
    if n <= k or torch.linalg.matrix_rank(X / X.abs().amax(0).clamp(min=1e-12)) < k:
        raise FairtutorError(
            "The facts held equal determine each other or the membership, so no gap "
            "can be told. Leave out a fact that repeats others or never varies."
        )
    bread = torch.linalg.inv(X.T @ X)
    b = bread @ X.T @ y
    meat = X.T @ (X * (y - X @ b).square()[:, None])
    error = math.sqrt(float((bread @ meat @ bread)[1, 1]) * n / (n - k))
    z = float(torch.special.ndtri(torch.tensor(1 - alpha / 2, dtype=torch.float64)))
    gap = float(b[1])
    return ConditionalGap(gap, gap - z * error, gap + z * error, error, tuple(given), n)
