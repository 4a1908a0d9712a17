"""How many rows an audit needs: sequential by betting, fixed in advance, or peeking.

Run ``python experiments/sequential.py``; it takes a few minutes on one core.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from tqdm import tqdm

from fairtutor import (
    Criterion,
    DataProducer,
    DataUser,
    FairnessCriteria,
    FairtutorError,
    load,
)
from fairtutor.audit.intervals import difference
from fairtutor.audit.paths import blocks_by_row, verdict_rows
from fairtutor.audit.power import AuditPlan, rows_needed, verdict_chances
from fairtutor.results import save_result

TOLERANCE, CONFIDENCE = 0.1, 0.95
ROWS, CHUNK = 10_000, 100
LOOKS = torch.logspace(math.log10(200), math.log10(ROWS), 10).round().long()
RUNS = {"false_alarms": 2000, "rows_to_verdict": 300, "adult_orders": 200}
# The smaller group's share and selection rate; the other group's is larger by the gap.
SETTINGS = {"half": (0.5, 0.3), "third": (1 / 3, 0.08), "tenth": (0.1, 0.2)}
GAPS = (0.0, 0.03, 0.05, 0.13, 0.15, 0.18, 0.25)


def draw(
    runs: int, rows: int, share: float, rate: float, gap: float, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield decisions and groups of independent rows, (chunk, rows), until ``runs``."""
    random = torch.Generator().manual_seed(seed)
    for start in range(0, runs, CHUNK):
        size = min(CHUNK, runs - start), rows
        groups = (torch.rand(size, generator=random) < share).long()
        chance = torch.where(groups == 1, rate, rate + gap)
        yield (torch.rand(size, generator=random) < chance).double(), groups


def peeking_rows(
    y_hat: Tensor, groups: Tensor, alpha: float, looks: Tensor | None = None
) -> dict[str, Tensor]:
    """Return when a fixed-sample interval, looked at again and again, first decides.

    Parameters
    ----------
    y_hat, groups
        (runs, n).
    alpha
        Of each look's interval.
    looks
        Numbers of rows at which it is looked at; by default all, from 30 of each group
        on.
    """
    n = groups.shape[1]
    trials = torch.stack([(groups == g).cumsum(1) for g in (0, 1)])
    successes = torch.stack([(y_hat * (groups == g)).cumsum(1) for g in (0, 1)])
    seen = torch.arange(1, n + 1)
    if looks is not None:
        trials, successes = trials[..., looks - 1], successes[..., looks - 1]
        seen = seen[looks - 1]
    enough = trials.min(0).values >= 30
    both = successes, trials
    counts = [(s.numpy(), t.clamp(min=1).numpy()) for s, t in zip(*both, strict=True)]
    lower, upper = map(torch.from_numpy, difference(*counts, alpha))
    decided = {
        "meets": (lower >= -TOLERANCE) & (upper <= TOLERANCE) & enough,
        "violates": ((lower > TOLERANCE) | (upper < -TOLERANCE)) & enough,
    }
    return {v: torch.where(d, seen, n + 1).min(1).values for v, d in decided.items()}


def newton_rows(y_hat: Tensor, groups: Tensor, alpha: float) -> dict[str, Tensor]:
    """Return when the bets of Chugg et al. (2023) decide: pairs, online Newton step.

    One row of each group makes a pair, whatever the groups' shares. Each of the two
    bets on *violates* must reach 2/α, as ours must.
    """
    d, seen = blocks_by_row(y_hat, groups, 0.5)
    payoff = torch.stack([d - TOLERANCE, -d - TOLERANCE])  # (2, runs, B)
    stake, total = torch.zeros(payoff.shape[:2]), torch.ones(payoff.shape[:2])
    wealth, step = torch.zeros(payoff.shape[:2]), 2 / (2 - math.log(3))
    logs = []
    for g in payoff.unbind(-1):
        wealth = wealth + torch.log1p(stake * g)
        logs.append(wealth)
        gradient = -g / (1 + stake * g)
        total = total + gradient**2
        stake = (stake - step * gradient / total).clamp(0, 0.5)
    rich = (torch.stack(logs, -1) >= math.log(2 / alpha)).any(0)
    never = torch.full_like(seen, groups.shape[1] + 1)
    return {"violates": torch.where(rich, seen, never).min(1).values}


def first_decisions(runs: int, share: float, rate: float, gap: float, seed: int):
    """Return by way of auditing and verdict: (runs,) rows until it."""
    alpha = 1 - CONFIDENCE
    found: dict[str, dict[str, list[Tensor]]] = {}
    for y_hat, groups in draw(runs, ROWS, share, rate, gap, seed):
        ways = {
            "betting": verdict_rows(y_hat, groups, TOLERANCE, CONFIDENCE, share),
            "online Newton": newton_rows(y_hat, groups, alpha),
            "peeking": peeking_rows(y_hat, groups, alpha),
            "planned looks": peeking_rows(y_hat, groups, alpha / len(LOOKS), LOOKS),
        }
        for way, verdicts in ways.items():
            for verdict, rows in verdicts.items():
                found.setdefault(way, {}).setdefault(verdict, []).append(rows)
    return {
        way: {verdict: torch.cat(rows) for verdict, rows in verdicts.items()}
        for way, verdicts in found.items()
    }


def false_alarms(runs: int) -> list[dict]:
    """Simulate both errors with the gap at the tolerance, looking after every row."""
    table = []
    for name, (share, rate) in tqdm(SETTINGS.items(), "false alarms", leave=False):
        found = first_decisions(runs, share, rate, TOLERANCE, seed=1)
        for way, verdicts in found.items():
            for verdict, rows in verdicts.items():
                by = {n: (rows <= n).double().mean().item() for n in (1000, 3000, ROWS)}
                table.append(
                    {"setting": name, "way": way, "verdict": verdict, "share_by": by}
                )
    return table


def rows_to_verdict(runs: int) -> list[dict]:
    """Simulate how many rows it takes to tell that a gap is not the tolerance."""
    table = []
    for name, (share, rate) in SETTINGS.items():
        for gap in tqdm(GAPS, name, leave=False):
            verdict = "violates" if gap > TOLERANCE else "meets"
            found = first_decisions(runs, share, rate, gap, seed=2)
            row = {"setting": name, "gap": gap, "verdict": verdict}
            for way, verdicts in found.items():
                if verdict in verdicts:
                    row[way] = summary(verdicts[verdict], ROWS)
            plan = AuditPlan(1000, share, rate, TOLERANCE, CONFIDENCE)
            row["fixed"] = {c: rows_needed(gap, plan, c) for c in (0.5, 0.8, 0.9)}
            table.append(row)
    return table


def summary(rows: Tensor, most: int) -> dict[str, float]:
    """Return the mean, three quantiles, and how many decided at all.

    Runs without a verdict count with ``most`` rows, which understates the mean.
    """
    rows = rows.double()
    low, median, high = rows.quantile(torch.tensor([0.1, 0.5, 0.9]).double()).tolist()
    return {
        "mean": rows.clamp(max=most).mean().item(),
        "quantile_10": low,
        "median": median,
        "quantile_90": high,
        "decided": (rows <= most).double().mean().item(),
    }


def planned_for_another_gap(share: float, rate: float, planned: float) -> dict:
    """Return an audit's chances when its rows were planned for another gap."""
    plan = AuditPlan(1000, share, rate, TOLERANCE, CONFIDENCE)
    rows = rows_needed(planned, plan, 0.8)
    plan = AuditPlan(rows, share, rate, TOLERANCE, CONFIDENCE)
    chances = {gap: verdict_chances(gap, plan)["violates"] for gap in GAPS if gap > 0.1}
    return {"planned_gap": planned, "rows": rows, "violates": chances}


def adult(orders: int) -> list[dict]:
    """Audit models of Adult on all audit rows, in many random orders."""
    data = load("adult")
    criterion = Criterion("selection_rate_difference", TOLERANCE, "sex")
    criteria, view = FairnessCriteria((criterion,)), data.without_audit()
    rows = torch.cat([i for s, i in data.splits.items() if s.startswith("audit")])
    codes, names = data.groups(("sex",))
    groups = codes[rows].long()
    share = codes[torch.cat(list(view_rows(data)))].double().mean().item()
    table = []
    for method in ("identity", "erasure", "adversarial"):
        z = DataProducer(method).produce(criteria, view, progress=False)
        model = DataUser("logistic").train(z, view, progress=False)
        y_hat = (model.scores(z.encode(data.X[rows])) >= 0.5).double()
        order = torch.stack(
            [
                torch.randperm(len(rows), generator=torch.Generator().manual_seed(s))
                for s in range(orders)
            ]
        )
        selection = [y_hat[groups == g].mean().item() for g in (0, 1)]
        found = verdict_rows(y_hat[order], groups[order], TOLERANCE, CONFIDENCE, share)
        entry = {
            "producer": method,
            "rows": len(rows),
            "share": share,
            "selection": dict(zip(names, selection, strict=True)),
            "gap": selection[1] - selection[0],
        }
        for verdict, first in found.items():
            entry[verdict] = summary(first, len(rows))
        plan = AuditPlan(
            1000, min(share, 1 - share), min(selection), TOLERANCE, CONFIDENCE
        )
        try:
            entry["fixed"] = {
                c: rows_needed(abs(entry["gap"]), plan, c) for c in (0.5, 0.8, 0.9)
            }
        except FairtutorError as reason:
            entry["fixed"] = str(reason)
        table.append(entry)
    return table


def view_rows(data) -> Iterator[Tensor]:
    """Yield the row numbers that everybody may see."""
    for split, rows in data.splits.items():
        if not split.startswith("audit"):
            yield rows


def main() -> None:
    """Compute everything and write it down."""
    result = {
        "command": "python experiments/sequential.py",
        "tolerance": TOLERANCE,
        "confidence": CONFIDENCE,
        "most_rows": ROWS,
        "settings": {n: {"share": s, "rate": r} for n, (s, r) in SETTINGS.items()},
        "planned_looks": LOOKS.tolist(),
        "runs": RUNS,
        "adult": adult(RUNS["adult_orders"]),
        "planned_for_another_gap": planned_for_another_gap(*SETTINGS["third"], 0.18),
        "rows_to_verdict": rows_to_verdict(RUNS["rows_to_verdict"]),
        "false_alarms": false_alarms(RUNS["false_alarms"]),
    }
    save_result("sequential", result)


if __name__ == "__main__":
    main()
