"""An attack by patience: a model that is tuned on what earlier audits said of it."""

import numpy as np
import torch
from torch import Tensor

from ..audit import intervals
from ..exchange import Submission, build, mlp
from .bench import Attempt, Bench

STEP = 0.15  # of a change of all weights, in units of their own size


def tuned_on_reports(bench: Bench) -> Attempt:
    """Change the weights at random, keep what lowers the reported gap, ask again.

    On fresh rows a report says nothing of the next rows. When the batches are used up,
    the regulator answers no more.
    """
    generator = torch.Generator().manual_seed(0)
    representation = bench.representation
    layers = mlp(representation.output_width, 1)

    def hand_in(regulator):
        kept, lowest = bench.submission.module[0].weight, float("inf")
        tried = kept
        while True:
            module = build(layers, representation.output_width)
            module[0].weight.data.copy_(tried)
            module[0].bias.data.copy_(bench.submission.module[0].bias)
            submission = Submission.from_module(
                module, layers, representation, model="tuned"
            )
            report = regulator.audit(representation, submission)
            gap = report.finding("selection_rate_difference").estimate
            if gap < lowest:
                kept, lowest = tried, gap
            tried = kept + _step(kept, generator)

    tries = "a low reported gap instead of a low gap"
    return bench.attempt("model tuned on earlier reports", tries, hand_in)


def false_meets_when_tuned(
    logits: Tensor,
    groups: Tensor,
    *,
    reused: bool,
    rounds: int = 100,
    rows: int = 2800,
    repetitions: int = 200,
    noise: float = 3.0,
    step: float = 0.5,
    margin: float = 0.99,
    alpha: float = 0.05,
    seed: int = 0,
) -> dict[str, float]:
    """Measure how often tuning on reports gets a false *meets* out of an audit.

    Each version adds a hash of the person's features to the logit: noise that is as
    large for every version and knows nothing of the group, so that no version is fairer
    than another. A version that lowers the reported gap is kept, and the next one is
    drawn near it, until a report says *meets* or the rounds are over.

    Parameters
    ----------
    logits, groups
        Of a model and of everyone in the population, (n,), codes of two groups.
    reused
        Whether every round is audited on the same rows, or each on fresh ones.
    rounds, rows
        How often, and on how many rows.
    repetitions, seed
        Of the simulation.
    noise
        Standard deviation of what is added to a logit.
    step
        How far versions lie apart: they correlate with √(1 − step²).
    margin
        The tolerance, as a share of the gap that all versions have in the population.
    alpha
        The error budget, spread over the rounds in both cases.

    Returns
    -------
    dict
        ``"false meets"``: the share of repetitions in which a report says *meets*,
        false because the gap of every version is above the tolerance; ``"reported"``:
        the mean of the lowest gap in a report; ``"true"``: the versions' gap in the
        population; ``"tolerance"``.
    """
    generator = torch.Generator().manual_seed(seed)
    size = repetitions, rows

    def drawn(shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=generator)

    def chosen() -> Tensor:
        return torch.randint(len(logits), size, generator=generator)

    def everyone() -> Tensor:
        decisions = logits + noise * drawn((1, len(logits))) >= 0
        return _gaps(decisions, groups[None])[0]

    true = torch.cat([everyone() for _ in range(20)]).mean().item()
    batch, tried, kept = chosen(), drawn(size), torch.zeros(size)
    lowest, met = torch.ones(repetitions), torch.zeros(repetitions, dtype=torch.bool)
    for _ in range(rounds):
        if not reused:  # nothing was selected by these people's noise: it is new to all
            batch, tried = chosen(), drawn(size)
        decisions = logits[batch] + noise * tried >= 0
        gaps, upper = _gaps(decisions, groups[batch], alpha / rounds)
        better = (gaps < lowest) & ~met
        kept[better], lowest[better] = tried[better], gaps[better]
        met |= upper <= margin * true
        tried = (1 - step**2) ** 0.5 * kept + step * drawn(size)
    return {
        "false meets": met.double().mean().item(),
        "reported": lowest.mean().item(),
        "true": true,
        "tolerance": margin * true,
    }


def _step(weights: Tensor, generator: torch.Generator) -> Tensor:
    return STEP * weights.std() * torch.randn(weights.shape, generator=generator)


def _gaps(
    decisions: Tensor, groups: Tensor, alpha: float = 0.05
) -> tuple[Tensor, Tensor]:
    """Return selection rate differences of two groups, and their upper limits, (m,)."""
    first, second = (
        ((decisions & of).sum(1).numpy(), of.sum(1).numpy())
        for of in (groups == 1, groups == 0)
    )
    lower, upper = intervals.difference(first, second, alpha)
    gaps = first[0] / first[1] - second[0] / second[1]
    limits = np.maximum(upper, -lower)
    return torch.from_numpy(abs(gaps)).float(), torch.from_numpy(limits).float()


TUNING = (tuned_on_reports,)
