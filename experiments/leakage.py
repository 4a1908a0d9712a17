"""What probes can tell of sex from every method's representation of Adult, five seeds.

Run ``python experiments/leakage.py``; it writes ``experiments/results/leakage.json``.
Each method works with its default strength and settings. Probes are trained on the rows
that the encoder was fitted on, or on other rows, all of them, and always scored on an
audit batch, another one for each seed.

Processes share the work. What was measured is kept in ``build/leakage`` and read again
if the run is repeated, for as long as the representation's weights are the same.
"""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from tqdm import tqdm

from fairtutor import Criterion, DataProducer, FairnessCriteria, load
from fairtutor.audit import leakage
from fairtutor.producers import METHODS
from fairtutor.results import save_result, spread

KEPT = Path(__file__).parent.parent / "build" / "leakage"
TRAINED_ON = ("encoder", "test")
SPLITS = (*TRAINED_ON, "audit 1")
SEEDS = 5
CRITERIA = FairnessCriteria((Criterion("leakage", 0.6, "sex"),))


def measure(work: tuple[str, int]) -> dict[str, dict[str, list[float]]]:
    """Return (balanced accuracy, lower, upper) by training rows and family."""
    method, seed = work
    torch.set_num_threads(1)
    adult = load("adult")
    codes, names = adult.groups("sex")
    producer = DataProducer(method, seed=seed)
    made = producer.produce(CRITERIA, adult.without_audit(), progress=False)
    kept = KEPT / f"{method}-{seed}-{made.fingerprint}.json"
    if kept.is_file():
        return json.loads(kept.read_text(encoding="utf-8"))
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
    KEPT.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")  # so that an interruption leaves no half a file
    part.write_text(json.dumps(found), encoding="utf-8")
    part.replace(kept)
    return found


def accuracies(runs: list[dict], split: str) -> list[dict[str, float]]:
    """Return each family's accuracy, without its interval, for each seed."""
    return [{name: of[0] for name, of in run[split].items()} for run in runs]


def main() -> None:
    """Measure everything, print the spread and write the result."""
    os.environ["OMP_NUM_THREADS"] = "1"
    work = [(method, seed) for seed in range(SEEDS) for method in METHODS]
    runs = {method: [] for method in METHODS}
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = tqdm(pool.map(measure, work), total=len(work), unit="representation")
        for (method, _), run in zip(work, found, strict=True):
            runs[method].append(run)
    table = {
        m: {s: spread(accuracies(runs[m], s)) for s in TRAINED_ON} for m in METHODS
    }
    for method, of in table.items():
        for split, families in of.items():
            told = ", ".join(f"{n} {m:.3f} ± {s:.3f}" for n, (m, s) in families.items())
            print(f"{method}, probes trained on the {split} rows: {told}")
    adult = load("adult")
    save_result(
        "leakage",
        {
            "command": "python experiments/leakage.py",
            "what": "balanced accuracy of telling sex, Adult; [mean, deviation]",
            "seeds": SEEDS,
            "rows": {split: len(adult.splits[split]) for split in SPLITS},
            "made by": {method: str(DataProducer(method)) for method in METHODS},
            "spread": table,
            "runs": runs,
        },
    )


if __name__ == "__main__":
    main()
