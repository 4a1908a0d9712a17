"""The whole loop with a learned distance, on digits, words and people.

    python experiments/capstone.py

Five seeds (splits, weights, judgements) of each, in some twelve minutes on one core.
In each loop the regulator elicits judgements and publishes criteria, the producer makes
a representation z, the user trains a head with a certified constant on z, and the
regulator recomputes the constant, audits the distance by judgements of a batch that
nobody has seen, and the model on the same batch. Columns: "raw", z = x, and "learned":

- digits (even or odd?): φ learned from moves alone, without labels, on the encoder
  rows; the arbiter goes by the digit;
- words (positive or negative?): the two directions in which half of the given names
  differ most are taken out: "all names are comparable". Held out is the other half:
  "gap by race", "by gender", and how often a name is nearer to another name than to a
  word ("names agreed");
- people (Adult): the directions in which 200 judged pairs differ are taken out, each a
  person and a copy with another sex, race, or spouse's sex. The arbiter compares people
  without these, and errs in 5% of the answers.

"certified at r": the share of the audit batch that is decided rightly, and for every z'
within r mean distances of z (mean over the reference rows) alike; "kept at r" the same
without the question whether it is right. The head's L and temperature are chosen on
validation rows, in the same way for both columns.

The reports of the first seed are written to docs/reports.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm
from words import halves, without

from fairtutor import (
    AuditReport,
    Criterion,
    DataRegulator,
    Dataset,
    DataUser,
    FairnessCriteria,
    Representation,
    Submission,
    load,
)
from fairtutor.data import Rows, Target, given_names
from fairtutor.entities.producer import hand_over
from fairtutor.producers import Encoder, learn_distance, linear_encoder
from fairtutor.results import save_result, spread
from fairtutor.similarity import (
    comparable_directions,
    draw_triplets,
    mean_pair_distance,
    triplet_agreement,
)
from fairtutor.theory.lipschitz import certified_accuracy, lipschitz_bound

NAME = "capstone"
REPORTS = Path(__file__).parents[1] / "docs" / "reports"
SEEDS = range(1, 6)
COLUMNS = ("raw", "learned")
RADII = (0.0, 0.05, 0.1, 0.2)
HEADS = tuple(product((1.0, 4.0), (1.0, 8.0)))  # L and temperature
TRAINED_ON = {
    "digits": {"encoder": 1500, "train": 2000, "validation": 250, "test": 500},
    "words": {"encoder": 100, "train": 2553, "validation": 500, "test": 800},
}
ONE_BATCH = {  # a single round, on all that is left
    "digits": {**TRAINED_ON["digits"], "audit 1": 750},
    "words": {**TRAINED_ON["words"], "audit 1": 1500},
}
EVEN = Target("digit", (0, 2, 4, 6, 8), outcomes=("odd", "even"))
PAIRS, ERRS = 200, 0.05

Extra = Callable[[Representation, Submission], dict[str, float]]


@dataclass(frozen=True)
class Task:
    """One loop: data with judgements, criteria, the encoder, and what else is asked."""

    dataset: Dataset
    criteria: FairnessCriteria
    learn: Callable[[int], Encoder]
    extra: Extra = lambda z, model: {}


def digits(seed: int) -> Task:
    """Return the loop on images."""
    images = load("digits").resplit(ONE_BATCH["digits"], seed)
    judged = images.with_target(EVEN).with_judgements(
        lambda rows: draw_triplets(images.y[rows.index], 3 * len(rows.X), seed)
    )
    criteria = FairnessCriteria(
        (Criterion("judgement_agreement", 0.8), Criterion("accuracy", 0.9)),
        name="similar images, similar answers",
        rounds=1,
    )
    X = judged.rows("encoder").X
    return Task(
        judged, criteria, lambda seed: learn_distance(X, seed=seed, progress=False)
    )


def words(seed: int) -> Task:
    """Return the loop on words, with names that are asked about at the end."""
    dataset = load("words").resplit(ONE_BATCH["words"], seed)
    asked = Criterion("accuracy", 0.7), Criterion("consistency", 0.7)
    criteria = FairnessCriteria(asked, name="names have no sentiment", rounds=1)
    names = given_names()
    half, other = halves(names, seed)

    def learn(seed: int) -> Encoder:
        alike = torch.zeros(len(half), dtype=torch.long)
        return linear_encoder(without(comparable_directions(names.X[half], alike, 2)))

    def of_names(z: Representation, model: Submission) -> dict[str, float]:
        Z = z.encode(names.X[other])
        p, found = model.scores(Z).double(), {}
        for what, codes in (("race", names.race), ("gender", names.gender)):
            own = codes[other]
            found[f"gap by {what}"] = (p[own == 0].mean() - p[own == 1].mean()).item()
        return found | {"names agreed": nearer_than_words(Z, z, dataset, seed)}

    return Task(dataset, criteria, learn, of_names)


def people(seed: int) -> Task:
    """Return the loop on Adult, whose distance is learned from judged pairs."""
    adult = load("adult").resplit(seed=seed)
    judged = adult.with_judgements(arbiter(adult, seed))
    flips = Criterion("attribute_flip_consistency", 0.99, ("sex", "race"))
    criteria = FairnessCriteria(
        (
            Criterion("judgement_agreement", 0.85),
            flips,
            Criterion("accuracy", 0.8),
            Criterion("selection_rate_difference", 0.1, "sex"),
        ),
        name="sex and race do not make people different",
        rounds=5,
    )

    def learn(seed: int) -> Encoder:
        U = comparable_directions(*judged_pairs(adult, PAIRS, seed))
        return linear_encoder(without(U))

    return Task(judged, criteria, learn)


def nearer_than_words(
    names: Tensor, z: Representation, dataset: Dataset, seed: int
) -> float:
    """Return how often a held-out name is nearer to another one than to a word."""
    draw = torch.Generator().manual_seed(seed)
    words, n = z.encode(dataset.rows("audit 1").X), len(names)
    a = torch.arange(n).repeat(50)
    b = (a + torch.randint(1, n, (len(a),), generator=draw)) % n
    c = n + torch.randint(len(words), (len(a),), generator=draw)
    return triplet_agreement(torch.cat([names, words]), torch.stack([a, b, c], 1))


def judged_pairs(adult: Dataset, m: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return m people and their copies, (2m, d), and which belong together, (2m,)."""
    draw = torch.Generator().manual_seed(seed)
    X = adult.rows("encoder").X
    people = X[torch.randperm(len(X), generator=draw)[:m]]
    settings = list(adult.settings(["sex", "race"]).apply(people))
    which = torch.randint(len(settings), (m,), generator=draw)
    copies = torch.stack(settings)[which, torch.arange(m)].clone()
    husband, wife = (
        adult.feature_names.index(f"relationship={name}")
        for name in ("Husband", "Wife")
    )
    swapped = torch.rand(m, generator=draw) < 0.5
    copies[swapped] = copies[swapped].index_copy(
        1, torch.tensor([husband, wife]), copies[swapped][:, [wife, husband]]
    )
    return torch.cat([people, copies]), torch.arange(m).repeat(2)


def arbiter(adult: Dataset, seed: int) -> Callable[[Rows], Tensor]:
    """Return who compares people without sex, race and the spouse's sex, and errs."""
    own = without(comparable_directions(*judged_pairs(adult, 5_000, 0)))

    def judge(rows: Rows) -> Tensor:
        draw = torch.Generator().manual_seed(seed)
        Z, n = rows.X @ own, len(rows.X) // 3
        a, b, c = torch.randperm(len(Z), generator=draw)[: 3 * n].view(3, n)
        nearer = (Z[a] - Z[b]).norm(dim=1) < (Z[a] - Z[c]).norm(dim=1)
        nearer ^= torch.rand(n, generator=draw) < ERRS
        return torch.stack([a, torch.where(nearer, b, c), torch.where(nearer, c, b)], 1)

    return judge


def head(z: Representation, task: Task, seed: int) -> Submission:
    """Train heads, and return the one that is certified best on validation rows."""
    view = task.dataset.without_audit()

    def kept(L: float, temperature: float) -> tuple[float, Submission]:
        user = DataUser("lipschitz", L=L, temperature=temperature, seed=seed)
        model = user.train(z, view, progress=False)
        return certified(z, model, view, "validation").mean().item(), model

    return max((kept(*setting) for setting in HEADS), key=lambda two: two[0])[1]


def certified(
    z: Representation,
    model: Submission,
    dataset: Dataset,
    split: str,
    right: bool = True,
) -> Tensor:
    """Return the certified share at each radius, in mean distances."""
    rows = dataset.rows(split)
    unit = mean_pair_distance(z.encode(dataset.rows("test").X[:2_000]))
    logits = model.apply(z.encode(rows.X))[:, 0]
    y = rows.y if right else (logits > 0).long()
    radii = [r * unit for r in RADII]
    return certified_accuracy(logits, y, lipschitz_bound(model.module), radii)


def looped(task: Task, column: str, seed: int) -> tuple[AuditReport, dict[str, float]]:
    """Go through the loop once."""
    width = task.dataset.X.shape[1]
    regulator = DataRegulator(task.criteria, task.dataset)
    encoder = (
        task.learn(seed) if column == "learned" else linear_encoder(torch.eye(width))
    )
    z = hand_over(encoder, width, regulator.publish(), method=f"{column} distance")
    model = head(z, task, seed)
    report = regulator.audit(z, model, progress=False)
    found = {"constant": report.recomputed["model's lipschitz"]}
    for finding in report.findings:
        metric = finding.criterion.metric
        found[metric] = finding.estimate
        found[f"{metric} meets"] = float(finding.verdict == "meets")
    for name, right in (("certified", True), ("kept", False)):
        shares = certified(z, model, task.dataset, "audit 1", right).tolist()
        found |= {f"{name} at {r:g}": s for r, s in zip(RADII, shares, strict=True)}
    return report, found | task.extra(z, model)


def main() -> None:
    """Go through all loops; write the table and the first seed's reports."""
    torch.set_num_threads(1)
    start, table = time.process_time(), {}
    REPORTS.mkdir(parents=True, exist_ok=True)
    for make in (digits, words, people):
        runs = {column: [] for column in COLUMNS}
        for seed, column in tqdm([*product(SEEDS, COLUMNS)], make.__name__):
            report, found = looped(make(seed), column, seed)
            runs[column].append(found)
            if seed == SEEDS[0] and column == "learned":
                report.write_html(REPORTS / f"{make.__name__}.html")
        table[make.__name__] = {
            column: {**spread(found), "runs": found} for column, found in runs.items()
        }
    result = {
        "command": "python experiments/capstone.py",
        "seeds": len(SEEDS),
        "radii": RADII,
        "table": table,
        "cpu seconds": time.process_time() - start,
    }
    print(save_result(NAME, result))


if __name__ == "__main__":
    main()
