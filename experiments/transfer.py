"""One representation, four tasks that its producer never heard of, on Adult.

Run ``python experiments/transfer.py``; it takes five minutes on one core and writes
``experiments/results/transfer.json``.

The encoder is trained for income and demographic parity between the sexes. Then users
learn other things from the same z: who works over 40 hours, who works full time, who is
a professional or manager, who is married. The columns that tell the answers are in X of
nobody. Users are scored on the rows that nobody was trained on, over five seeds, and
stand beside users of raw x and beside the constant predictor.

This is the transfer experiment of Madras et al. (2018) with other data and tasks:
they use the Heritage Health claims, which cannot be embedded here, so the numbers of
their table are not to be compared with these. Theirs too trains a decoder (β = 1) for
transfer, and compares with an encoder that was trained without an adversary.
"""

import torch
from torch import Tensor
from tqdm import tqdm

from fairtutor import Criterion, DataProducer, DataUser, FairnessCriteria, load
from fairtutor.audit import group_counts, rates
from fairtutor.data import ADULT_TASKS, Dataset
from fairtutor.results import save_result, spread

SEEDS = 5
CRITERIA = FairnessCriteria((Criterion("selection_rate_difference", 0.1, "sex"),))
SEEN = "earns over $50,000"
DECODER = {"reconstruction": 1.0}
PRODUCERS = {
    "raw x": ("identity", {}),
    "erasure": ("erasure", {}),
    "no adversary, decoder": ("adversarial", {"strength": 0.0, **DECODER}),
    "adversary": ("adversarial", {}),
    "adversary, decoder": ("adversarial", DECODER),
}
USERS = ("logistic", "mlp")
CONSTANT = "constant"
TRAINING = {"epochs": 20, "patience": 3, "progress": False}


def adult_tasks() -> dict[str, Dataset]:
    """Return the task that the producer knows, and four that it does not."""
    return load("adult").tasks(ADULT_TASKS)


def produce(name: str, tasks: dict[str, Dataset], seed: int) -> object:
    """Return a representation that is made for the seen task."""
    method, settings = PRODUCERS[name]
    producer = DataProducer(method, seed=seed, **settings)
    return producer.produce(CRITERIA, tasks[SEEN].without_audit(), progress=False)


def untouched(dataset: Dataset) -> Tensor:
    """Return the rows that neither the producer nor a user learned from."""
    kept = torch.ones(len(dataset), dtype=torch.bool)
    for split in ("encoder", "train", "validation"):
        kept[dataset.splits[split]] = False
    return kept.nonzero()[:, 0]


def majority(dataset: Dataset) -> float:
    """Return the share of the more frequent outcome among these rows."""
    share = dataset.y[untouched(dataset)].double().mean().item()
    return max(share, 1 - share)


def score(decisions: Tensor, y: Tensor, groups: Tensor) -> dict[str, float]:
    """Return accuracy above the majority's share, who is said yes to, and two gaps.

    The share of yes tells a fair user from one that says the same to nearly everyone.
    """
    counts = group_counts(y, decisions, groups, 2)
    selection, false, true = (
        rates(counts, f"{kind} rate").diff().abs().item()
        for kind in ("selection", "false positive", "true positive")
    )
    share = y.double().mean().item()
    right = (decisions == y.bool()).double().mean().item()
    return {
        "accuracy above majority": right - max(share, 1 - share),
        "selection rate": decisions.double().mean().item(),
        "selection rate gap": selection,
        "equalized odds gap": max(false, true),
    }


def use(made: object, user: str, dataset: Dataset, seed: int) -> dict[str, float]:
    """Train a user for one task and score it."""
    index = untouched(dataset)
    groups, _ = dataset.groups("sex")
    y = dataset.y[index]
    if user == CONSTANT:
        says_yes = bool(y.double().mean() > 0.5)
        decisions = torch.full_like(y, says_yes, dtype=torch.bool)
    else:
        trained = DataUser(user, seed=seed)
        model = trained.train(made, dataset.without_audit(), **TRAINING)
        decisions = model.scores(made.encode(dataset.X[index])) >= 0.5
    return score(decisions, y, groups[index])


def measure(name: str, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return the scores of one representation's users, by user and task."""
    tasks = adult_tasks()
    made = produce(name, tasks, seed)
    return {
        user: {task: use(made, user, data, seed) for task, data in tasks.items()}
        for user in USERS
    }


def write(runs: dict[str, list[dict]]) -> None:
    """Print the table and write the result."""
    tasks = adult_tasks()
    constant = {task: use(None, CONSTANT, data, 0) for task, data in tasks.items()}
    table = {
        name: {u: {t: spread([run[u][t] for run in of]) for t in tasks} for u in USERS}
        for name, of in runs.items()
    }
    for task in tasks:
        print(f"\n{task}{', which the encoder was trained for' * (task == SEEN)}")
        print("; ".join(constant[task]))
        print(
            f"{CONSTANT:<32}", *(f"{v:+.3f}        " for v in constant[task].values())
        )
        for name in runs:
            for user in USERS:
                values = table[name][user][task].values()
                told = "  ".join(f"{m:+.3f} ± {s:.3f}" for m, s in values)
                print(f"{name + ', ' + user:<32} {told}")
    save_result(
        "transfer",
        {
            "command": "python experiments/transfer.py",
            "what": "users of one representation, Adult, sex; [mean, deviation]",
            "seeds": SEEDS,
            "seen": SEEN,
            "majority": {task: majority(data) for task, data in tasks.items()},
            "constant": constant,
            "spread": table,
            "runs": runs,
        },
    )


def main() -> None:
    """Measure everything."""
    runs = {name: [] for name in PRODUCERS}
    work = [(name, seed) for seed in range(SEEDS) for name in PRODUCERS]
    for name, seed in tqdm(work, unit="representation"):
        runs[name].append(measure(name, seed))
    write(runs)


if __name__ == "__main__":
    main()
