"""What each notion of group fairness does to each gap: two methods, five seeds.

Run ``python experiments/notions.py``; it writes ``experiments/results/notions.json``.
Adult and sex. An encoder is trained for one notion; a logistic user trains on it; three
gaps and the accuracy are measured on the test rows, which nobody learned from.
"""

from tqdm import tqdm

from fairtutor import Criterion, DataProducer, DataUser, FairnessCriteria, load
from fairtutor.entities import rehearse
from fairtutor.producers import NOTIONS
from fairtutor.results import save_result

SEEDS = 5
GAPS = {
    "selection": "selection_rate_difference",
    "true positive": "true_positive_rate_difference",
    "false positive": "false_positive_rate_difference",
}
CRITERIA = FairnessCriteria(
    tuple(Criterion(metric, 0.1, "sex") for metric in GAPS.values()),
    name="three gaps",
)
WORK = (
    ("identity", "none"),
    *((method, notion) for method in ("adversarial", "moments") for notion in NOTIONS),
)


def measure(method: str, notion: str, seed: int) -> dict[str, float]:
    """Return the three gaps and the accuracy of a user of one representation."""
    adult = load("adult").without_audit()
    settings = {} if notion == "none" else {"notion": notion}
    producer = DataProducer(method, seed=seed, **settings)
    z = producer.produce(CRITERIA, adult, progress=False)
    user = DataUser("logistic", seed=seed).train(z, adult, progress=False)
    rehearsal = rehearse(adult, CRITERIA, z, user, progress=False)
    found = zip(GAPS, rehearsal.findings, strict=True)
    return {name: finding.estimate for name, finding in found} | {
        "accuracy": rehearsal.accuracy[0]
    }


def main() -> None:
    """Measure everything, print the table and write the result."""
    table = []
    for method, notion in tqdm(WORK, unit="notion"):
        runs = [measure(method, notion, seed) for seed in range(SEEDS)]
        means = {name: sum(run[name] for run in runs) / SEEDS for name in runs[0]}
        told = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
        tqdm.write(f"{method} for {notion}: {told}")
        table.append({"method": method, "notion": notion, "runs": runs})
    save_result(
        "notions",
        {
            "command": "python experiments/notions.py",
            "what": "gaps and accuracy of a logistic user, Adult, sex, test rows",
            "seeds": SEEDS,
            "table": table,
        },
    )


if __name__ == "__main__":
    main()
