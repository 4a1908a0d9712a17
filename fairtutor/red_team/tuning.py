"""An attack by patience: a model that is tuned on what earlier audits said of it."""

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
    rounds: int = 50,
    rows: int = 2800,
    repetitions: int = 200,
    noise: float = 3.0,
    step: float = 0.4,
    margin: float = 0.95,
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
        ``"false meets"``: the share of repetitions in which a model was said to meet
        the tolerance whose gap in the population is larger; ``"reported"`` and
        ``"true"``: the mean gap of the last version kept, as reported, and in the
        population; ``"tolerance"``.
    """
    generator = torch.Generator().manual_seed(seed)

    def drawn() -> Tensor:
        return torch.randn(len(logits), generator=generator)

    def chosen() -> Tensor:
        return torch.randint(len(logits), (rows,), generator=generator)

    gaps = [_gap(logits + noise * drawn() >= 0, groups)[0] for _ in range(20)]
    tolerance = margin * sum(gaps) / len(gaps)
    ends = []
    for _ in range(repetitions):
        tried, batch, lowest, met = drawn(), chosen(), 1.0, False
        for _ in range(rounds):
            batch = batch if reused else chosen()
            decisions = logits[batch] + noise * tried[batch] >= 0
            gap, upper = _gap(decisions, groups[batch], alpha / rounds)
            if gap < lowest:
                kept, lowest = tried, gap
            if upper <= tolerance:
                met, kept = True, tried
                break
            tried = (1 - step**2) ** 0.5 * kept + step * drawn()
        true = _gap(logits + noise * kept >= 0, groups)[0]
        ends.append((float(met and true > tolerance), lowest, true))
    names = ("false meets", "reported", "true")
    means = torch.tensor(ends, dtype=torch.float64).mean(0).tolist()
    return dict(zip(names, means, strict=True)) | {"tolerance": tolerance}


def _step(weights: Tensor, generator: torch.Generator) -> Tensor:
    return STEP * weights.std() * torch.randn(weights.shape, generator=generator)


def _gap(decisions: Tensor, groups: Tensor, alpha: float = 0.05) -> tuple[float, float]:
    """Return the selection rate difference of two groups, and its upper limit."""
    cells = torch.bincount(2 * groups + decisions, minlength=4).view(2, 2)
    parts = [(k, k + other) for other, k in cells.tolist()]
    shares = [k / n for k, n in parts]
    return abs(shares[1] - shares[0]), intervals.largest_difference(parts, alpha)[1]


TUNING = (tuned_on_reports,)
