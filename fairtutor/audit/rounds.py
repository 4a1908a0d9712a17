"""Why auditing until it passes is no audit: false verdicts over many rounds."""

import numpy as np

from . import intervals


def false_meets(
    rounds: int,
    *,
    tolerance: float = 0.1,
    rate: float = 0.3,
    rows_per_group: int = 1000,
    confidence: float = 0.95,
    spread_budget: bool = False,
    simulations: int = 10_000,
    seed: int = 0,
) -> np.ndarray:
    """Simulate how often a model that does not meet the tolerance has passed so far.

    Each round a new model with the same true gap, exactly at the tolerance, is
    audited; the first *meets* ends the story, and it is false. (At the tolerance
    itself the interval's upper limit should stay above it.)

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
    simulations, seed
        How many stories, and of which random numbers.

    Returns
    -------
    numpy.ndarray
        (R,): the share of stories with a false *meets* in rounds 1 to r.

    Examples
    --------
    >>> share = false_meets(50)
    >>> bool(0.01 < share[0] < 0.04), bool(share[-1] > 0.5)
    (True, True)
    >>> bool(false_meets(50, spread_budget=True)[-1] < 0.05)
    True
    """
    random, size = np.random.default_rng(seed), (simulations, rounds)
    high = random.binomial(rows_per_group, rate + tolerance, size)
    low = random.binomial(rows_per_group, rate, size)
    alpha = (1 - confidence) / (rounds if spread_budget else 1)
    _, upper = intervals.difference(
        (high, rows_per_group), (low, rows_per_group), alpha
    )
    passed = np.maximum.accumulate(upper <= tolerance, axis=1)
    return passed.mean(axis=0)
