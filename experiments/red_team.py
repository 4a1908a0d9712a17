"""Every attack of the red team on Adult, and what the regulator says to it.

Run ``python experiments/red_team.py``; it writes
``experiments/results/red_team.json``. Besides the attacks it measures how often a
model tuned on earlier reports gets a false *meets*, on reused and on fresh rows.
"""

from collections import Counter
from dataclasses import asdict

import torch

from fairtutor import DataProducer, load
from fairtutor.red_team import ATTACKS, Bench, false_meets_when_tuned, run
from fairtutor.results import save_result

SEEDS = range(5)


def tuned(bench: Bench) -> dict[str, list[dict[str, float]]]:
    """Measure tuning on reports over several seeds, on reused and on fresh rows."""
    identity = DataProducer("identity").produce(bench.criteria, bench.view)
    model = bench.trained(identity).module
    with torch.no_grad():
        logits = model(bench.dataset.X)[:, 0]
    groups, _ = bench.dataset.groups(bench.attribute)
    return {
        name: [
            false_meets_when_tuned(
                logits, groups, reused=reused, repetitions=100, seed=seed
            )
            for seed in SEEDS
        ]
        for name, reused in (("reused rows", True), ("fresh rows", False))
    }


def main() -> None:
    """Attack, print the table and write the result."""
    bench = Bench(load("adult"))
    simulated = tuned(bench)
    for name, runs in simulated.items():
        shares = [run["false meets"] for run in runs]
        print(f"tuned on {name}: false meets {sum(shares) / len(shares):.3f}, {shares}")
    attempts = run(bench, ATTACKS)
    print(attempts)
    save_result(
        "red_team",
        {
            "command": "python experiments/red_team.py",
            "data": bench.dataset.name,
            "outcomes": dict(Counter(a.outcome for a in attempts.attempts)),
            "attempts": [asdict(attempt) for attempt in attempts.attempts],
            "tuned": simulated,
        },
    )


if __name__ == "__main__":
    main()
