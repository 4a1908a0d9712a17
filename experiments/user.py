"""What users of seven representations lose: error sums, and the cost of mistrust.

Run ``python experiments/user.py``; it writes ``experiments/results/user.json``. Each
method at its default strength, over five seeds. Users are trained on the train rows
and measured on the test rows; the rules whose risks make the cost of mistrust are
chosen on the validation rows. It goes on where it was interrupted; to measure all anew,
delete the result first.
"""

from functools import cache
from statistics import mean, stdev

import torch
from tqdm import tqdm

from fairtutor import Criterion, DataProducer, DataUser, FairnessCriteria, load
from fairtutor.audit import ErrorSum, cost_of_mistrust, error_sum
from fairtutor.data import Dataset
from fairtutor.entities.beliefs import beliefs, membership
from fairtutor.exchange import FairtutorError, Representation
from fairtutor.producers import METHODS
from fairtutor.results import load_result, save_result
from fairtutor.theory.mistrust import Beliefs

# Who is compared with all others.
DATA = {"adult": ("sex", "Female"), "compas": ("race", "African-American")}
SEEDS = 5
MAX_GAP = 0.05
USERS = ("logistic", "mlp", "trees")  # those without a promise
LEARNT_BY = "trees"  # the chances of outcome and group, for both users


@cache
def view(name: str) -> tuple[Dataset, torch.Tensor]:
    """Return a data set without its audit rows, and who is a member."""
    dataset = load(name).without_audit()
    return dataset, membership(dataset, *DATA[name])


@cache
def produce(name: str, method: str, seed: int) -> Representation:
    """Return a representation for a limit on the gap of selection rates."""
    criterion = Criterion("selection_rate_difference", MAX_GAP, DATA[name][0])
    criteria = FairnessCriteria((criterion,), rounds=2)
    producer = DataProducer(method, seed=seed)
    return producer.produce(criteria, view(name)[0], progress=False)


_learnt: dict[tuple[str, str], Beliefs] = {}


def learn(name: str, method: str, seed: int) -> Beliefs:
    """Return a user's beliefs; trees draw nothing, so equal z give equal beliefs."""
    made = produce(name, method, seed)
    key = name, made.fingerprint
    if key not in _learnt:
        _learnt[key] = beliefs(
            made, view(name)[0], *DATA[name], model=LEARNT_BY, progress=False
        )
    return _learnt[key]


def losses(name: str, method: str, seed: int) -> dict[str, tuple[float, ErrorSum]]:
    """Return each model's accuracy and loss on the test rows."""
    dataset, members = view(name)
    test, made = dataset.rows("test"), produce(name, method, seed)
    found = {}
    for model in USERS:
        if model == LEARNT_BY:
            scores = learn(name, method, seed).outcome[test.index]
        else:
            user = DataUser(model, seed=seed)
            trained = user.train(made, dataset, progress=False)
            scores = trained.scores(made.encode(test.X))
        decisions = scores >= 0.5
        accuracy = (decisions == test.y.bool()).double().mean().item()
        found[model] = accuracy, error_sum(test.y, decisions, members[test.index])
    return found


def mistrust(name: str, method: str, seed: int) -> dict[str, list[float]]:
    """Return the cost of mistrust, and risk and gap of the best fair user of z."""
    dataset, members = view(name)
    rows = torch.cat([dataset.splits[split] for split in ("validation", "test")])
    choose = torch.arange(len(rows)) < len(dataset.splits["validation"])
    found = cost_of_mistrust(
        learn(name, "identity", 0).rows(rows),
        learn(name, method, seed).rows(rows),
        dataset.y[rows],
        members[rows],
        choose,
        max_gap=MAX_GAP,
    )
    return {
        "cost": list(found.cost),
        "risk of x": [found.risks[0]],
        "gap of x": list(found.gaps[0]),
        "risk": [found.risks[1]],
        "gap": list(found.gaps[1]),
    }


def constant(name: str) -> dict[str, list[float]]:
    """Return the loss of saying what most people are, to all."""
    dataset, members = view(name)
    test = dataset.rows("test")
    most = dataset.rows("train").y.double().mean() >= 0.5
    decisions = torch.full_like(test.y, int(most))
    found = error_sum(test.y, decisions, members[test.index])
    accuracy = (decisions == test.y).double().mean().item()
    return {"accuracy": [accuracy], "total": list(found.total), "gap": list(found.gap)}


def spread(values: list[float]) -> list[float]:
    """Return mean and standard deviation over seeds."""
    return [mean(values), stdev(values)]


def limits(triples: list) -> list[float]:
    """Return the means of the seeds' own lower and upper limits."""
    return [mean(triple[k] for triple in triples) for k in (1, 2)]


def of_method(name: str, method: str) -> dict:
    """Measure all seeds of a method on a data set."""
    seeds = range(SEEDS)
    users = [losses(name, method, seed) for seed in seeds]
    costs = [mistrust(name, method, seed) for seed in seeds]
    table = {}
    for model in users[0]:
        sums = [user[model][1] for user in users]
        table[model] = {
            "accuracy": spread([user[model][0] for user in users]),
            **{
                part: spread([getattr(loss, part)[0] for loss in sums])
                + limits([getattr(loss, part) for loss in sums])
                for part in ("total", "gap", "slack")
            },
            "runs": [[loss.total[0], loss.gap[0]] for loss in sums],
        }
    return {
        "users": table,
        "mistrust": {
            "cost": spread([c["cost"][0] for c in costs])
            + limits([c["cost"] for c in costs]),
            "risk": spread([c["risk"][0] for c in costs]),
            "gap": spread([c["gap"][0] for c in costs])
            + limits([c["gap"] for c in costs]),
            "runs": [c["cost"] for c in costs],
        },
    }


def about(name: str) -> dict:
    """Return what is known of a data set before any method is measured."""
    attribute, member = DATA[name]
    test = view(name)[0].rows("test")
    members = view(name)[1][test.index]
    trusted = mistrust(name, "identity", 0)
    return {
        "attribute": attribute,
        "member": member,
        "rows": len(test),
        "base rates": [test.y[members == a].double().mean().item() for a in (0, 1)],
        "constant": constant(name),
        "trusted": {"risk": trusted["risk of x"][0], "gap": trusted["gap of x"]},
        "methods": {},
    }


def say(name: str, method: str, found: dict) -> None:
    """Print one method's row."""
    cost, told = found["mistrust"]["cost"], []
    for model, user in found["users"].items():
        told.append(f"{model} {user['total'][0]:.3f} at a gap of {user['gap'][0]:.3f}")
    tqdm.write(
        f"{name}, {method}: cost of mistrust {cost[0]:.4f} ± {cost[1]:.4f} "
        f"({cost[2]:.4f} to {cost[3]:.4f}); err₀ + err₁ {', '.join(told)}"
    )


def main() -> None:
    """Measure what the result file does not have yet, and write it method by method."""
    try:
        found = load_result("user")["data"]
    except FairtutorError:
        found = {}
    for name in DATA:
        if name not in found:
            found[name] = about(name)
        for method in tqdm(METHODS, desc=name, unit="method"):
            done = found[name]["methods"]
            if method not in done:
                done[method] = of_method(name, method)
                save_result("user", HEAD | {"data": found})
            say(name, method, done[method])


HEAD = {
    "command": "python experiments/user.py",
    "what": "[mean, deviation over seeds, mean lower and upper limit (95%)]; users' "
    "err₀ + err₁, gap and slack, and the cost of mistrust, test rows",
    "seeds": SEEDS,
    "allowed gap": MAX_GAP,
    "beliefs learnt by": LEARNT_BY,
}


if __name__ == "__main__":
    main()
