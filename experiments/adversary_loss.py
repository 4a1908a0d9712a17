"""Two losses for the adversary, on Adult: the log loss, and the theorems' distance.

Run ``python experiments/adversary_loss.py``; it takes four minutes on one core and
writes ``experiments/results/adversary_loss.json``.

An encoder is trained for each notion with each loss at two strengths γ, and a logistic
user on its z; the gaps between the sexes are measured on all rows that neither learned
from, over three seeds, beside raw x.
"""

from statistics import mean, stdev

import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from tqdm import tqdm

from fairtutor import load
from fairtutor.audit import group_counts, rates
from fairtutor.data import Dataset
from fairtutor.producers import NOTIONS, Task, adversarial
from fairtutor.results import save_result

SEEDS = 3
STRENGTHS = {"log": (1.0, 2.0), "absolute": (2.0, 6.0)}
RATES = {
    "demographic parity": ("selection rate",),
    "equalized odds": ("false positive rate", "true positive rate"),
    "equal opportunity": ("true positive rate",),
}


def encoder(
    adult: Dataset, notion: str, loss: str, strength: float, seed: int
) -> nn.Module:
    """Return an encoder that was trained against an adversary with this loss."""
    rows, (codes, _) = adult.rows("encoder"), adult.groups("sex")
    task = Task(
        rows.X,
        rows.y,
        codes[rows.index],
        num_groups=2,
        strength=strength,
        seed=seed,
        notion=notion,
        training={"progress": False},
    )
    return adversarial(task, adversary_loss=loss).module


def measure(adult: Dataset, module: nn.Module) -> dict[str, float]:
    """Return accuracy and the gap of each notion of a logistic user."""
    train, (codes, _) = adult.rows("train"), adult.groups("sex")
    kept = torch.ones(len(adult), dtype=torch.bool)
    kept[torch.cat([adult.splits["encoder"], adult.splits["train"]])] = False
    with torch.no_grad():
        user = LogisticRegression(max_iter=500).fit(module(train.X), train.y)
        decisions = torch.from_numpy(user.predict(module(adult.X[kept]))).bool()
    y = adult.y[kept]
    counts = group_counts(y, decisions, codes[kept], 2)
    gaps = {
        notion: max(rates(counts, rate).diff().abs().item() for rate in of)
        for notion, of in RATES.items()
    }
    return {"accuracy": (decisions == y.bool()).double().mean().item(), **gaps}


def main() -> None:
    """Measure everything, print the table and write the result."""
    adult = load("adult")
    work = [
        (notion, loss, strength)
        for notion in NOTIONS
        for loss, strengths in STRENGTHS.items()
        for strength in strengths
    ]
    raw = measure(adult, nn.Identity())
    print("raw x:", ", ".join(f"{name} {value:.3f}" for name, value in raw.items()))
    table = []
    for made in tqdm(work, unit="setting"):
        runs = [measure(adult, encoder(adult, *made, seed)) for seed in range(SEEDS)]
        spread = {n: [f([r[n] for r in runs]) for f in (mean, stdev)] for n in runs[0]}
        told = ", ".join(f"{n} {m:.3f} ± {s:.3f}" for n, (m, s) in spread.items())
        tqdm.write(f"{', '.join(map(str, made))}: {told}")
        row = dict(zip(("notion", "loss", "strength"), made, strict=True))
        table.append({**row, "spread": spread, "runs": runs})
    save_result(
        "adversary_loss",
        {
            "command": "python experiments/adversary_loss.py",
            "what": "gaps between the sexes, logistic user, Adult; [mean, deviation]",
            "seeds": SEEDS,
            "raw x": raw,
            "table": table,
        },
    )


if __name__ == "__main__":
    main()
