"""Words and names: what a model of sentiment says of a name, and fairer distances.

    python experiments/words.py

Ten seeds, in some two minutes on one core. A user learns from the lexicon's words
(splits "train" and "validation") which words are positive, and is then asked about
given names, which it never saw. Accuracy on the 1,500 held-out words (test and audit
batches). Each seed shares the names out into two halves at random, within race and
gender; a distance is learned from one half and judged on the other, both ways, so that
every name is held out once.

gap by race, by gender: difference of the groups' mean P(positive), European American −
African American, female − male; "in log-odds" the same of the logit. "distance of
names": the mean difference of P(positive) between two names, whoever bears them.

"constant" is the accuracy of always saying the same. Rows: "raw" (the vectors as
published); "FACE, k" (k directions in which the names of the one half differ most,
taken out; Mukherjee et al. 2020); "means" (two directions: from the mean of one group
to that of the other, by race and by gender, as if the regulator had judged the two
average names to be comparable); both together; "regression" (the directions of two
logistic regressions for race and gender; Yurochkin et al. 2020); "EXPLORE" (W from
judgements of 2,000 pairs: two names are comparable, a positive and a negative word are
not). Each under a logistic regression and under a
network of two hidden layers.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor
from tqdm import tqdm

from fairtutor import Criterion, DataUser, FairnessCriteria, load
from fairtutor.data import GivenNames, given_names
from fairtutor.entities.producer import hand_over
from fairtutor.producers import linear_encoder
from fairtutor.results import save_result, spread
from fairtutor.similarity import (
    comparable_directions,
    mean_pair_distance,
    pair_map,
    sensitive_subspace,
)

NAME = "words"
SEEDS = range(10)
USERS = ("logistic", "mlp")
PAIRS = 2_000
HELD_OUT = ("test", "audit 1", "audit 2", "audit 3")
CRITERIA = FairnessCriteria((Criterion("accuracy", 0.7),))

Learn = Callable[[GivenNames, Tensor, int], Tensor]


def halves(names: GivenNames, seed: int) -> tuple[Tensor, Tensor]:
    """Share the names out at random within race and gender; return positions."""
    draw = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(names), generator=draw)
    kind = names.race[order] * 2 + names.gender[order]
    order = order[kind.argsort(stable=True)]
    return order[::2], order[1::2]


def without(U: Tensor) -> Tensor:
    """Return the projection I − UUᵀ."""
    return torch.eye(len(U)) - U @ U.T


def raw(names: GivenNames, half: Tensor, seed: int) -> Tensor:
    """Return the vectors as they are."""
    return torch.eye(names.X.shape[1])


def face(k: int) -> Learn:
    """Take out the k directions in which the names differ most."""

    def learn(names: GivenNames, half: Tensor, seed: int) -> Tensor:
        alike = torch.zeros(len(half), dtype=torch.long)
        return without(comparable_directions(names.X[half], alike, k))

    return learn


def means(names: GivenNames, half: Tensor, seed: int) -> Tensor:
    """Take out the directions from one group's mean to the other's."""
    return without(torch.linalg.qr(between(names, half)).Q)


def face_and_means(names: GivenNames, half: Tensor, seed: int) -> Tensor:
    """Take out both: where names differ most, and where groups do."""
    alike = torch.zeros(len(half), dtype=torch.long)
    most = comparable_directions(names.X[half], alike, 1)
    return without(torch.linalg.qr(torch.cat([between(names, half), most], 1)).Q)


def between(names: GivenNames, half: Tensor) -> Tensor:
    """Return the difference of the groups' means, by race and by gender, (d, 2)."""
    X = names.X[half]
    return torch.stack(
        [
            X[codes[half] == 0].mean(0) - X[codes[half] == 1].mean(0)
            for codes in (names.race, names.gender)
        ],
        1,
    )


def regression(names: GivenNames, half: Tensor, seed: int) -> Tensor:
    """Take out the directions that tell race and gender."""
    half = half[names.race[half] >= 0]
    A = torch.stack([names.race[half], names.gender[half]], 1)
    return without(sensitive_subspace(names.X[half], A))


def explore(names: GivenNames, half: Tensor, seed: int) -> Tensor:
    """Learn from pairs: names are comparable, good and bad words are not."""
    draw = torch.Generator().manual_seed(seed)

    def some(rows: Tensor) -> Tensor:
        return rows[torch.randint(len(rows), (PAIRS // 2,), generator=draw)]

    words = load("words").rows("encoder")
    good, bad = (words.X[words.y == sign] for sign in (1, 0))
    first = torch.cat([some(names.X[half]), some(good)])
    second = torch.cat([some(names.X[half]), some(bad)])
    unit = mean_pair_distance(words.X)
    W = pair_map(first / unit, second / unit, torch.arange(PAIRS) < PAIRS // 2)
    return W.float()


DISTANCES: dict[str, Learn] = {
    "raw": raw,
    **{f"FACE, {k}": face(k) for k in (1, 2, 10)},
    "means": means,
    "FACE, 1, and means": face_and_means,
    "regression": regression,
    "EXPLORE": explore,
}


def asked(W: Tensor, user: str, seed: int) -> Callable[[Tensor], Tensor]:
    """Train a user on words and return the logit of P(positive)."""
    z = hand_over(linear_encoder(W), W.shape[1], CRITERIA, method="a linear distance")
    trained = DataUser(user, seed=seed).train(
        z, load("words").without_audit(), progress=False
    )
    return lambda X: trained.scores(z.encode(X)).detach().double().logit(eps=1e-9)


def accuracy(logit: Callable[[Tensor], Tensor]) -> float:
    """Return the share of held-out words that are told right."""
    rows = [load("words").rows(split) for split in HELD_OUT]
    X, y = torch.cat([r.X for r in rows]), torch.cat([r.y for r in rows])
    return ((logit(X) > 0) == (y == 1)).double().mean().item()


def gaps(names: GivenNames, t: Tensor) -> dict[str, float]:
    """Measure what is said of names, each by a model whose distance has not seen it."""
    found = {}
    for attribute, codes in (("race", names.race), ("gender", names.gender)):
        first, second = codes == 0, codes == 1
        for scale, values in (("", t.sigmoid()), (" in log-odds", t)):
            gap = values[first].mean() - values[second].mean()
            found[f"gap by {attribute}{scale}"] = gap.item()
    found["distance of names"] = mean_pair_distance(t.sigmoid().unsqueeze(1))
    return found


def run(name: str, user: str, seed: int) -> dict[str, float]:
    """Learn on either half, and judge on the other."""
    names = given_names()
    t, right = torch.empty(len(names), dtype=torch.double), []
    for half, other in (pair := halves(names, seed), pair[::-1]):
        logit = asked(DISTANCES[name](names, half, seed), user, seed)
        t[other] = logit(names.X[other])
        right.append(accuracy(logit))
    return {"accuracy": sum(right) / 2, **gaps(names, t)}


def main() -> None:
    """Compute the table and write it."""
    start, table = time.process_time(), {}
    y = torch.cat([load("words").rows(split).y for split in HELD_OUT])
    for name in tqdm(DISTANCES, "distances"):
        for user in USERS:
            runs = [run(name, user, seed) for seed in SEEDS]
            table[f"{name}, {user}"] = {**spread(runs), "runs": runs}
    result = {
        "command": "python experiments/words.py",
        "seeds": len(SEEDS),
        "names": len(given_names()),
        "held-out words": len(y),
        "constant": max(y.double().mean().item(), 1 - y.double().mean().item()),
        "table": table,
        "cpu seconds": time.process_time() - start,
    }
    print(save_result(NAME, result))


if __name__ == "__main__":
    main()
