"""How often a model that must not pass has passed after many rounds of auditing.

Run ``python experiments/rounds.py``; it takes about a minute on one core.
"""

from fairtutor.audit import false_meets
from fairtutor.results import save_result

ROUNDS = (1, 5, 10, 50)
SIMULATIONS = 20_000
CHANGE = 0.1
# Each way of auditing is done without and with an error budget spread over the rounds.
WAYS = {
    # Counts on rows drawn anew are independent of all reports, so one row of the table
    # is enough for every producer.
    "fresh rows, tuned on reports or not": {"adaptive": True, "change": CHANGE},
    "same rows, independent models": {"reused": True},
    "same rows, similar models": {"reused": True, "change": CHANGE},
    "same rows, tuned on reports": {
        "reused": True,
        "adaptive": True,
        "change": CHANGE,
    },
}


def false_meets_by_round(settings: dict, spread: bool, seed: int = 0) -> dict:
    """Return the share of false *meets* so far, by number of rounds planned."""
    if not spread:
        curve = false_meets(max(ROUNDS), simulations=SIMULATIONS, seed=seed, **settings)
        return {r: float(curve[r - 1]) for r in ROUNDS}
    # The budget of each audit depends on how many are planned.
    return {
        r: float(
            false_meets(
                r, spread_budget=True, simulations=SIMULATIONS, seed=seed, **settings
            )[-1]
        )
        for r in ROUNDS
    }


def main() -> None:
    """Compute everything and write it down."""
    table = [
        {
            "way": way,
            "spread_budget": spread,
            "false_meets": false_meets_by_round(settings, spread),
        }
        for way, settings in WAYS.items()
        for spread in (False, True)
    ]
    step = [
        {
            "change": change,
            "false_meets": false_meets_by_round(
                {"reused": True, "adaptive": True, "change": change}, True
            ),
        }
        for change in (0.01, 0.05, 0.1, 0.3, 1.0)
    ]
    save_result(
        "rounds",
        {
            "command": "python experiments/rounds.py",
            "tolerance": 0.1,
            "rate": 0.3,
            "rows_per_group": 1000,
            "confidence": 0.95,
            "change": CHANGE,
            "simulations": SIMULATIONS,
            "table": table,
            "tuned_on_same_rows_by_change": step,
        },
    )


if __name__ == "__main__":
    main()
