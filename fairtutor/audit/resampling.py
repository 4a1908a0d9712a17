"""Resampling counts instead of rows: the same bootstrap, thousands of times faster."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .group import weighed


def resample_counts(counts: Tensor, resamples: int, seed: int = 0) -> Tensor:
    """Draw bootstrap samples of a table of counts.

    Drawing n rows with replacement and counting them gives a multinomial table with
    the observed shares. So the table is drawn directly.

    Parameters
    ----------
    counts
        Whole numbers, any shape, as from :func:`fairtutor.audit.group_counts`.
    resamples
        R, how many tables.
    seed
        Of the random numbers.

    Returns
    -------
    torch.Tensor
        ``(R, *counts.shape)`` int64; each table sums to what ``counts`` sums to.

    References
    ----------
    Efron (1979), Annals of Statistics 7, section 5.

    Examples
    --------
    >>> tables = resample_counts(torch.tensor([[[6, 2], [1, 1]]]), 1000)
    >>> tuple(tables.shape), int(tables[0].sum())
    ((1000, 1, 2, 2), 10)
    """
    seen = counts.detach().cpu().flatten().double().numpy()
    shares = seen / max(seen.sum(), 1)
    random = np.random.default_rng(seed)
    drawn = random.multinomial(int(seen.sum()), shares, size=resamples)
    return torch.from_numpy(drawn).view(resamples, *counts.shape).to(counts.device)


def max_t_alpha(
    counts: Tensor,
    differences: Sequence[str],
    alpha: float,
    *,
    overall: Sequence[str] = (),
    resamples: int = 10_000,
    seed: int = 0,
) -> float:
    """Return the error that each interval may have so that all hold together (max-t).

    Compared are all pairs of groups in each rate, all from the same rows. In each
    resample the largest standardised deviation max |t| is noted; its upper quantile q
    replaces the normal one, which is an error of 2 (1 − Φ(q)) for each interval.
    Bonferroni's α / m is the worst case; where the comparisons move together, as pairs
    with a common group do, this is more.

    Parameters
    ----------
    counts
        (G, 2, 2) from :func:`fairtutor.audit.group_counts`.
    differences
        Names in :data:`fairtutor.audit.RATES`, compared between all pairs of groups.
    alpha
        Chance that any interval misses.
    overall
        Names of rates that are also estimated over everyone.
    resamples, seed
        How many tables are drawn, and from which random numbers.

    Returns
    -------
    float
        Between α / m, where m is the number of intervals, and α.

    References
    ----------
    Westfall & Young (1993), Resampling-Based Multiple Testing, chapter 2; Romano & Wolf
    (2005), JASA 100.

    Examples
    --------
    >>> counts = torch.full((5, 2, 2), 50)
    >>> each = max_t_alpha(counts, ["selection rate", "accuracy"], 0.05)
    >>> 0.05 / 20 < each < 0.05
    True
    """
    from scipy.special import ndtr

    drawn = resample_counts(counts, resamples, seed).movedim(0, -1)
    seen, _ = _estimates(counts[..., None], differences, overall)
    found, errors = _estimates(drawn, differences, overall)
    largest = ((found - seen).abs() / errors).amax(0)
    q = torch.quantile(largest, 1 - alpha).item()
    return float(min(max(2 * ndtr(-q), alpha / len(seen)), alpha))


def _estimates(
    counts: Tensor, differences: Sequence[str], overall: Sequence[str]
) -> tuple[Tensor, Tensor]:
    """Return estimates and standard errors, (m, R) each, of counts (G, 2, 2, R)."""
    first, second = torch.combinations(torch.arange(len(counts))).T
    estimates, variances = [], []
    for rate in differences:
        p, v = _share(*weighed(counts, rate))
        estimates.append(p[first] - p[second])
        variances.append(v[first] + v[second])
    for rate in overall:
        p, v = _share(*weighed(counts.sum(0, keepdim=True), rate))
        estimates.append(p)
        variances.append(v)
    return torch.cat(estimates), torch.cat(variances).sqrt()


def _share(successes: Tensor, trials: Tensor) -> tuple[Tensor, Tensor]:
    """Return a share and its variance, drawn to ½ by half a success and failure."""
    p = (successes + 0.5) / (trials + 1.0)
    return p, p * (1 - p) / (trials + 1.0)
