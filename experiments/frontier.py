"""The fairness–utility frontier of all methods, for several users.

Run ``python experiments/frontier.py``; it writes ``experiments/results/frontier.json``.
Each result is kept in ``build/frontier.jsonl`` as soon as it is there: a run that was
interrupted goes on where it stopped, and only what has changed is computed again.

Adult with sex, five seeds: the selection rate difference with all methods, and
equalized odds with two methods that aim at it where the criteria ask for it. Gap and
accuracy are those of the test rows, which nobody learned from. ``--seeds 2``
and ``--tables 1`` make shorter runs.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from tqdm import tqdm

from fairtutor import Criterion, FairnessCriteria, load
from fairtutor.entities import sweep_users
from fairtutor.producers import METHODS
from fairtutor.results import save_result

CACHE = Path(__file__).parent.parent / "build" / "frontier.jsonl"
SEEDS = 5
WORKERS = 2
TABLES = {
    "adult, sex, selection rate": {
        "data": "adult",
        "criterion": Criterion("selection_rate_difference", 0.1, "sex"),
        "methods": tuple(METHODS),
        "users": ("logistic", "mlp"),
    },
    "adult, sex, equalized odds": {
        "data": "adult",
        "criterion": Criterion("equalized_odds_difference", 0.1, "sex"),
        "methods": ("adversarial", "moments"),
        "users": ("logistic",),
    },
}


def frontiers(name: str, method: str, seeds: list[int], cache: Path = CACHE) -> dict:
    """Return by user the frontier of a method in one of the tables."""
    about = TABLES[name]
    return sweep_users(
        load(about["data"]),
        FairnessCriteria((about["criterion"],)),
        method,
        about["users"],
        seeds=seeds,
        cache=cache,
        progress=False,
    )


def fill(work: tuple[str, str, int]) -> None:
    """Compute what one seed of one method needs, so that it is in the cache."""
    name, method, seed = work
    frontiers(name, method, [seed])


def main() -> None:
    """Compute what is missing on two cores, then read it all and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--tables", type=int, default=len(TABLES))
    asked = parser.parse_args()
    seeds, chosen = asked.seeds, dict(list(TABLES.items())[: asked.tables])
    work = [
        (name, method, seed)
        for name, about in chosen.items()
        for seed in range(seeds)
        for method in about["methods"]
    ]
    with ProcessPoolExecutor(WORKERS, None, torch.set_num_threads, (1,)) as pool:
        for _ in tqdm(pool.map(fill, work), total=len(work), unit="sweep"):
            pass
    tables = {}
    for name, about in chosen.items():
        tables[name] = []
        for method in about["methods"]:
            of_users = frontiers(name, method, list(range(seeds)))
            tables[name] += [frontier.to_dict() for frontier in of_users.values()]
            for frontier in of_users.values():
                print(frontier, flush=True)
    save_result(
        "frontier",
        {
            "command": "python experiments/frontier.py"
            + (f" --seeds {seeds}" if seeds != SEEDS else "")
            + (f" --tables {asked.tables}" if len(chosen) < len(TABLES) else ""),
            "what": "gap and accuracy (estimate, lower, upper) on the test rows",
            "seeds": seeds,
            "tables": tables,
        },
    )


if __name__ == "__main__":
    main()
