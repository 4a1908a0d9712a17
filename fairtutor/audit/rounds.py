"""Why auditing until it passes is no audit: false verdicts over many rounds."""

from collections.abc import Iterator

import numpy as np

from ..exchange.errors import FairtutorError
from ..exchange.values import Number, require_number
from . import intervals

Counts = tuple[np.ndarray, np.ndarray]


def false_meets(
    rounds: int,
    *,
    tolerance: float = 0.1,
    rate: float = 0.3,
    rows_per_group: int = 1000,
    confidence: float = 0.95,
    spread_budget: bool = False,
    reused: bool = False,
    adaptive: bool = False,
    change: float = 1.0,
    simulations: int = 10_000,
    seed: int = 0,
) -> np.ndarray:
    """Simulate how often a model that does not meet the tolerance has passed so far.

    Each round a model with the same true gap, exactly at the tolerance, is audited;
    the first *meets* ends the story, and it is false. (At the tolerance itself the
    interval's upper limit should stay above it.)

    Parameters
    ----------
    rounds
        R, how many audits at most.
    tolerance
        True and tolerated difference of the selection rates.
    rate
        Selection rate of the lower group.
    rows_per_group
        Audit rows of each of two groups.
    confidence
        Of each audit, or of all R together if the budget is spread.
    spread_budget
        Whether the error budget 1 − confidence is shared by the rounds.
    reused
        Whether every round is audited on the same rows, instead of on fresh ones.
    adaptive
        Whether the producer reads the reports: it changes the version whose reported
        gap was the smallest so far, instead of the last one.
    change
        The share of people, in (0, 1], whose decision is drawn anew from one version
        to the next; 1 makes every model independent of all before.
    simulations, seed
        How many stories, and of which random numbers.

    Returns
    -------
    numpy.ndarray
        (R,): the share of stories with a false *meets* in rounds 1 to r.

    Raises
    ------
    FairtutorError
        ``change`` is no share above 0, another number is out of its range, or ``rate``
        and ``tolerance`` together are more than 1.

    Notes
    -----
    A decision drawn anew is positive with the group's own rate, so no version is
    fairer than another and every *meets* is false. On fresh rows nothing that a
    report said is true of the next rows: reading reports then changes nothing. On
    reused rows it does. The people whose decisions suited the regulator's sample keep
    them, and the reported gap falls although the true one does not. The producer here
    can change any person's decision by itself; a model that cannot fits more slowly.

    References
    ----------
    Dwork, Feldman, Hardt, Pitassi, Reingold & Roth (2015), "The reusable holdout",
    Science 349, on adaptive reuse of a holdout set.

    Examples
    --------
    >>> share = false_meets(50)
    >>> bool(0.01 < share[0] < 0.04), bool(share[-1] > 0.5)
    (True, True)
    >>> bool(false_meets(50, spread_budget=True)[-1] < 0.05)
    True
    >>> tuned = {"adaptive": True, "change": 0.1, "spread_budget": True}
    >>> fresh, same = (false_meets(50, reused=r, **tuned)[-1] for r in (False, True))
    >>> bool(fresh < 0.05), bool(same > 0.5)
    (True, True)
    """
    if not 0 < change <= 1:
        raise FairtutorError(
            f"change is {change!r}; use a share of the people above 0, at most 1."
        )
    tolerance = require_number("tolerance", tolerance, Number(0, 1), "tolerance")
    for name, value, allowed in (
        ("rounds", rounds, Number(1, 1_000_000, whole=True)),
        ("rate", rate, Number(0, 1 - tolerance)),
        ("confidence", confidence, Number(0.5, 0.9999)),
    ):
        require_number(name, value, allowed, name)
    random, size = np.random.default_rng(seed), (simulations, rounds)
    rates = np.array([min(rate + tolerance, 1.0), rate])
    alpha = (1 - confidence) / (rounds if spread_budget else 1)
    if reused:
        versions = _versions(random, rates, rows_per_group, size, adaptive, change)
        high, low = (np.stack(k, 1) for k in zip(*versions, strict=True))
    else:
        high, low = (random.binomial(rows_per_group, p, size) for p in rates)
    _, upper = intervals.difference(
        (high, rows_per_group), (low, rows_per_group), alpha
    )
    passed = np.maximum.accumulate(upper <= tolerance, axis=1)
    return passed.mean(axis=0)


def _versions(
    random: np.random.Generator,
    rates: np.ndarray,
    n: int,
    size: tuple[int, int],
    adaptive: bool,
    change: float,
) -> Iterator[Counts]:
    """Yield each version's positive decisions on the same rows, (simulations,) each.

    The rows are exchangeable within a group, so counts are all there is to follow: of
    the ``redrawn`` people, a hypergeometric number were positive before.
    """
    redrawn = max(1, round(change * n))
    kept = [random.binomial(n, p, size[0]) for p in rates]
    yield kept[0], kept[1]
    for _ in range(size[1] - 1):
        version = [
            k
            - random.hypergeometric(k, n - k, redrawn)
            + random.binomial(redrawn, p, size[0])
            for k, p in zip(kept, rates, strict=True)
        ]
        yield version[0], version[1]
        better = version[0] - version[1] < kept[0] - kept[1]
        kept = [
            np.where(better, new, old) if adaptive else new
            for new, old in zip(version, kept, strict=True)
        ]
