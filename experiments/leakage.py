"""What probes can tell of sex from three representations of Adult, over five seeds.

Run ``python experiments/leakage.py``; it writes ``experiments/results/leakage.json``.
Probes are trained on the rows that the encoder was fitted on, or on other rows, and
always scored on an audit batch, another one for each seed.
"""

from statistics import mean, stdev

from tqdm import tqdm

from fairtutor import Criterion, DataProducer, FairnessCriteria, load
from fairtutor.audit import leakage
from fairtutor.results import save_result

METHODS = ("identity", "erasure", "adversarial")
TRAINED_ON = ("encoder", "test")
SEEDS = 5
CRITERIA = FairnessCriteria((Criterion("leakage", 0.6, "sex"),))


def measure(method: str, seed: int) -> dict[str, dict[str, list[float]]]:
    """Return (balanced accuracy, lower, upper) by training rows and family."""
    adult = load("adult")
    codes, names = adult.groups("sex")
    producer = DataProducer(method, seed=seed)
    made = producer.produce(CRITERIA, adult.without_audit(), progress=False)
    scored = adult.rows(f"audit {seed + 1}")
    found = {}
    for split in TRAINED_ON:
        rows = adult.rows(split)
        told = leakage(
            made.encode(rows.X),
            codes[rows.index],
            made.encode(scored.X),
            codes[scored.index],
            len(names),
            seed=seed,
        )
        found[split] = {
            probe.name: [probe.balanced_accuracy, probe.lower, probe.upper]
            for probe in told.families
        }
    return found


def spread(runs: list[dict], split: str) -> dict[str, list[float]]:
    """Return mean and standard deviation over seeds of each family's accuracy."""
    return {
        name: [f([run[split][name][0] for run in runs]) for f in (mean, stdev)]
        for name in runs[0][split]
    }


def main() -> None:
    """Measure everything, print the spread and write the result."""
    work = [(method, seed) for method in METHODS for seed in range(SEEDS)]
    runs = {method: [] for method in METHODS}
    for method, seed in tqdm(work, unit="representation"):
        runs[method].append(measure(method, seed))
    table = {m: {s: spread(runs[m], s) for s in TRAINED_ON} for m in METHODS}
    for method, of in table.items():
        for split, families in of.items():
            told = ", ".join(f"{n} {m:.3f} ± {s:.3f}" for n, (m, s) in families.items())
            print(f"{method}, probes trained on the {split} rows: {told}")
    save_result(
        "leakage",
        {
            "command": "python experiments/leakage.py",
            "what": "balanced accuracy of telling sex, Adult; [mean, deviation]",
            "seeds": SEEDS,
            "spread": table,
            "runs": runs,
        },
    )


if __name__ == "__main__":
    main()
