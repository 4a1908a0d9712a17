"""A model that is fair to groups, and less fair to individuals, on Adult.

    python experiments/group_and_individual.py

Five seeds, two models, in half a minute on one core. A user trains on Adult's train
rows. Its scores become decisions in two ways: by one threshold, ½, for everybody; and
by a threshold for each sex, chosen on the validation rows so that women and men are
selected at the rate at which everybody was (demographic parity by post-processing).
Both are measured on the test rows: the difference of selection rates; consistency with
the five nearest of 4,000 train rows, and same cell, same treatment in 50 cells, both
without sex and race; and the share of people whose decision stays the same if their sex
were the other, threshold included.
"""

import time

import torch
from torch import Tensor
from tqdm import tqdm

from fairtutor import Criterion, DataProducer, DataUser, FairnessCriteria, load
from fairtutor.audit import cell_terms, consistency_terms
from fairtutor.results import save_result, spread
from fairtutor.similarity import Cells

NAME = "group_and_individual"
SEEDS, MODELS = range(5), ("logistic", "mlp")
REFERENCE, CELLS, NEIGHBOURS = 4_000, 50, 5
SENSITIVE = ("sex", "race")


class People:
    """Adult, with what individual metrics look at."""

    def __init__(self) -> None:
        self.adult = load("adult")
        self.view = self.adult.without_audit()
        criterion = Criterion("selection_rate_difference", 0.1, "sex")
        criteria = FairnessCriteria((criterion,))
        self.identity = DataProducer("identity").produce(criteria, self.view)
        names = self.adult.feature_names
        self.seen = [i for i, n in enumerate(names) if not n.startswith(SENSITIVE)]
        self.sex = [i for i, n in enumerate(names) if n.startswith("sex")]
        rows = self.view.rows("train")
        self.reference, self.reference_sex = rows.X[:REFERENCE], rows.A[:REFERENCE, 0]
        self.cells = Cells.fit(self.reference[:, self.seen], CELLS)

    def flipped(self, X: Tensor) -> Tensor:
        """Return the rows with the other sex."""
        other = X.clone()
        other[:, self.sex] = X[:, self.sex].flip(1)
        return other


def thresholds(scores: Tensor, sex: Tensor) -> Tensor:
    """Return a threshold for each sex that selects it at everybody's rate."""
    rate = (scores >= 0.5).double().mean()
    return torch.stack([scores[sex == g].double().quantile(1 - rate) for g in (0, 1)])


def measured(people: People, model: str, seed: int) -> dict[str, dict[str, float]]:
    """Train, decide in both ways, and measure both."""
    user = DataUser(model, seed=seed)
    trained = user.train(people.identity, people.view, progress=False)

    def scores(X: Tensor) -> Tensor:
        return trained.scores(people.identity.encode(X)).detach()

    validation, test = people.view.rows("validation"), people.view.rows("test")
    found = {}
    for name, cut in (
        ("one threshold", torch.tensor([0.5, 0.5], dtype=torch.float64)),
        ("one a group", thresholds(scores(validation.X), validation.A[:, 0])),
    ):
        sex = test.A[:, 0]
        y_hat = scores(test.X) >= cut[sex]
        other = scores(people.flipped(test.X)) >= cut[1 - sex]
        theirs = scores(people.reference) >= cut[people.reference_sex]
        rows = (
            test.X[:, people.seen],
            y_hat.double(),
            people.reference[:, people.seen],
            theirs.double(),
        )
        rates = [y_hat[sex == g].double().mean().item() for g in (0, 1)]
        found[name] = {
            "gap": abs(rates[1] - rates[0]),
            "accuracy": (y_hat == (test.y > 0.5)).double().mean().item(),
            "consistency": consistency_terms(*rows, NEIGHBOURS, progress=False)
            .mean()
            .item(),
            "same cell": cell_terms(people.cells, *rows).mean().item(),
            "same if flipped": (y_hat == other).double().mean().item(),
        }
    return found


def main() -> None:
    """Compute the table and write it."""
    start, people, table = time.process_time(), People(), {}
    for model in tqdm(MODELS, "models"):
        runs = [measured(people, model, seed) for seed in SEEDS]
        for way in runs[0]:
            own = [run[way] for run in runs]
            table[f"{model}, {way}"] = {**spread(own), "runs": own}
    result = {
        "command": "python experiments/group_and_individual.py",
        "seeds": len(SEEDS),
        "table": table,
        "cpu seconds": time.process_time() - start,
    }
    print(save_result(NAME, result))


if __name__ == "__main__":
    main()
