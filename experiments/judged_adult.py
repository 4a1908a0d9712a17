"""Adult with a distance learned from an arbiter's pairs, and from one who errs.

    python experiments/judged_adult.py

Data, network and measures of experiments/similar_training.py; ten seeds, none of
which chose a setting, and five where that is said; fifteen minutes on one core of a
busy machine. A projection that several rows of one seed share is trained once.

An arbiter calls m pairs comparable: a training person and a copy with another sex,
another race (White or not), husband in place of wife or wife in place of husband: each
with probability ½, and at least one. Husbands and wives are 46% of the people; the
others have only the first two. The first m of 1,000 pairs are used. FACE takes the
k = 3 directions in which the pairs differ most (fewer if they differ in fewer), and the
producer trains on (I − UUᵀ)x, so that ρ(x, x') = ‖(I − UUᵀ)(x − x')‖₂.

An arbiter who errs calls comparable, in a share of the pairs, two people who also
differ otherwise:

- "number": in the copy one of the five numbers is a standard deviation more or less;
- "person": the other is any person with the same occupation and years of education.

A flip of sex or race has the second moment ½ or more, husband − wife less than that; a
number moved in a share q of the pairs has q / 5, in no fixed relation to the flips, so
that more pairs outvote it. Other persons differ by many standard deviations in capital
gain or loss, which can take a flip's place among the three; more pairs do not help. A
share of 0.3 has five seeds and two m.

"angle": the largest from one of the three true directions (sex, race, husband − wife)
to the learned ones, in degrees; 90 where fewer than three were learned.

"explore", five seeds: EXPLORE learns W of ‖W(x − x')‖ from the 1,000 pairs and 1,000
pairs of random people, who are called not comparable. The network sees Wx in the scale
of x. "left" is the largest length that remains of a true direction of length 1.

"lipschitz": m = 200, five seeds, distances ρ in units of the mean ρ of two rows, and
P(y = 1) with the certified constant L: balanced expected error, and balanced certified
accuracy at radius r. The constant is with respect to the *learned* ρ. I − UUᵀ has the
constant 1, so that the same L and r also hold for ‖x − x'‖₂ in the same unit; and a
flip that ρ does not quite forgive moves P(y = 1) by at most L times its ρ.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
from similar_training import (
    LIPSCHITZ_SEEDS,
    NUMBERS,
    RADII,
    SEEDS,
    STEEPNESS,
    Split,
    certified,
    measured,
    prepare,
    train,
)
from torch import Tensor
from tqdm import tqdm

from fairtutor.results import save_result, spread
from fairtutor.similarity import comparable_directions, mean_pair_distance, pair_map

NAME = "judged_adult"
PAIRS, FEWER, MOST = (5, 10, 20, 50, 200, 1_000), (200, 1_000), 1_000
DIRECTIONS, CERTIFIED_PAIRS = 3, 200
ERRORS = {("none", 0.0): PAIRS, ("number", 0.1): PAIRS, ("person", 0.1): PAIRS}
MORE_ERRORS = {("number", 0.3): FEWER, ("person", 0.3): FEWER}
CERTIFIED_ERRORS = (("none", 0.0), ("person", 0.1))
OCCUPATIONS = 14
EDUCATION = NUMBERS.index("education-num")


@dataclass(frozen=True)
class Judged(Split):
    """A split whose producer sees x times a matrix, in place of the named columns."""

    matrix: Tensor

    @property
    def subspace(self) -> Tensor:
        """No direction: nobody names any."""
        return torch.zeros(self.X.shape[1], 1, device=self.X.device)

    def named(self, X: Tensor) -> Tensor:
        """Return what the producer sees, computed in double precision."""
        return (X.double() @ self.matrix.to(X.device)).float()


def judged(split: Split, matrix: Tensor) -> Judged:
    """Return the split with the matrix of a learned distance."""
    own = {part.name: getattr(split, part.name) for part in fields(split)}
    return Judged(**own, matrix=matrix)


def true_directions(split: Split) -> Tensor:
    """Return the directions in which the flips move, (d, 3)."""
    c = split.columns
    V = torch.zeros(split.X.shape[1], DIRECTIONS, dtype=torch.double)
    V[c["male"], 0] = V[c["white"], 1] = 1.0
    V[c["Husband"], 2], V[c["Wife"], 2] = 0.5**0.5, -(0.5**0.5)
    return V


def flipped(split: Split, people: Tensor, draw: torch.Generator) -> Tensor:
    """Return copies with at least one of sex, race, and husband or wife changed."""
    c = split.columns
    pair = [c["Husband"], c["Wife"]]
    flip = torch.rand(len(people), 3, generator=draw) < 0.5
    flip[:, 2] &= people[:, pair].any(1)
    either = torch.randint(2, (len(people),), generator=draw)
    none = (~flip.any(1)).nonzero()[:, 0]
    flip[none, either[none]] = True
    copies = people.clone()
    for place, name in enumerate(("male", "white")):
        copies[flip[:, place], c[name]] = 1 - people[flip[:, place], c[name]]
    rows = flip[:, 2].nonzero()
    copies[rows, torch.tensor(pair)] = people[rows, torch.tensor(pair[::-1])]
    return copies


def colleagues(split: Split, people: Tensor, draw: torch.Generator) -> Tensor:
    """Return, for each, a random person of the same occupation and education."""
    first = split.columns["Husband"] - OCCUPATIONS
    X = split.X.cpu()
    job, years = X[:, first : first + OCCUPATIONS].argmax(1), X[:, EDUCATION]
    found = []
    for person in people:
        own = person[first : first + OCCUPATIONS].argmax()
        same = ((job == own) & (years == person[EDUCATION])).nonzero()[:, 0]
        found.append(same[torch.randint(len(same), (1,), generator=draw)])
    return X[torch.cat(found)]


def judgements(
    split: Split, kind: str, share: float, seed: int
) -> tuple[Tensor, Tensor]:
    """Return pairs whom the arbiter calls comparable, (MOST, d) each, on the CPU."""
    draw = torch.Generator().manual_seed(seed)
    people = split.X.cpu()[torch.randperm(len(split.X), generator=draw)[:MOST]]
    others = flipped(split, people, draw)
    wrong = (torch.rand(MOST, generator=draw) < share).nonzero()[:, 0]
    which = torch.randint(len(NUMBERS), (MOST,), generator=draw)
    sign = torch.randint(2, (MOST,), generator=draw) * 2.0 - 1
    if kind == "number":
        others[wrong, which[wrong]] += sign[wrong]
    if kind == "person" and len(wrong):
        others[wrong] = colleagues(split, people[wrong], draw)
    return people.double(), others.double()


def face(people: Tensor, others: Tensor) -> Tensor:
    """Return the directions in which the pairs differ most, (d, 3 or fewer)."""
    pairs = torch.arange(len(people)).repeat(2)
    return comparable_directions(torch.cat([people, others]), pairs)[:, :DIRECTIONS]


def explore(split: Split, people: Tensor, others: Tensor, seed: int) -> Tensor:
    """Return W of these pairs and as many of random people, in the scale of x."""
    draw, n = torch.Generator().manual_seed(seed + 1_000), len(people)
    rows = torch.randperm(len(split.X), generator=draw)[: 2 * n]
    random = split.X.cpu()[rows].double()
    comparable = torch.arange(2 * n) < n
    first, second = torch.cat([people, random[:n]]), torch.cat([others, random[n:]])
    W = pair_map(first, second, comparable)
    return W * (mean_pair_distance(random) / mean_pair_distance(random @ W))


def outside(U: Tensor) -> Tensor:
    """Return I − UUᵀ."""
    return torch.eye(len(U), dtype=torch.double) - U @ U.T


def left(matrix: Tensor, V: Tensor) -> float:
    """Return the largest length that a matrix leaves of a unit vector in V's span."""
    return torch.linalg.svdvals(matrix @ V)[0].item()


def angle(U: Tensor, V: Tensor) -> float:
    """Return the largest angle from a direction in V's span to U's, in degrees."""
    return math.degrees(math.asin(min(1.0, left(outside(U), V))))


def face_row(
    split: Split,
    pairs: tuple[Tensor, Tensor],
    seed: int,
    known: list[tuple[Tensor, dict]],
) -> dict:
    """Train on the projection that the pairs teach, unless it is known already."""
    U = face(*pairs)
    matrix = outside(U)
    told = {"angle": angle(U, true_directions(split)), "directions": U.shape[1]}
    for other, found in known:
        if torch.allclose(matrix, other, rtol=0, atol=1e-9):
            return {**found, **told}
    found = measured(train("named", judged(split, matrix), seed), split)
    known.append((matrix, found))
    return {**found, **told}


def explore_row(split: Split, pairs: tuple[Tensor, Tensor], seed: int) -> dict:
    """Train on the map that EXPLORE learns from the pairs; return all measures."""
    W = explore(split, *pairs, seed)
    decide = train("named", judged(split, W), seed)
    return {**measured(decide, split), "left": left(W, true_directions(split))}


def rows(split: Split, seed: int) -> Iterator[tuple[tuple, dict]]:
    """Yield the key and the measures of each row that is trained for one seed."""
    for method in ("constant", "baseline", "named"):
        yield ("table", method), measured(train(method, split, seed), split)
    few, known = seed in LIPSCHITZ_SEEDS, []
    for errors, sizes in {**ERRORS, **(MORE_ERRORS if few else {})}.items():
        pairs = judgements(split, *errors, seed)
        for m in sizes:
            first = pairs[0][:m], pairs[1][:m]
            yield ("judged", m, *errors), face_row(split, first, seed, known)
        if few and errors in ERRORS:
            yield ("explore", MOST, *errors), explore_row(split, pairs, seed)
    for errors in CERTIFIED_ERRORS if few else ():
        U = face(*(side[:CERTIFIED_PAIRS] for side in judgements(split, *errors, seed)))
        for L in STEEPNESS:
            found = certified(judged(split, outside(U)), seed, L)
            yield ("lipschitz", CERTIFIED_PAIRS, *errors, L), found


def part(runs: dict[tuple, list[dict]], name: str) -> list[dict]:
    """Return the rows of one part of the result, each with its settings."""
    settings = ("pairs", "errors", "share", "L")
    return [
        {**dict(zip(settings, key[1:], strict=False)), **spread(found), "runs": found}
        for key, found in runs.items()
        if key[0] == name
    ]


def main() -> None:
    """Compute the table and the curves, and write them."""
    start, runs = time.process_time(), {}
    for seed in tqdm(SEEDS, "seeds"):
        for key, found in rows(prepare(seed), seed):
            runs.setdefault(key, []).append(found)
    table = {key[1]: found for key, found in runs.items() if key[0] == "table"}
    result = {
        "command": "python experiments/judged_adult.py",
        "seeds": len(SEEDS),
        "table": {m: {**spread(found), "runs": found} for m, found in table.items()},
        **{name: part(runs, name) for name in ("judged", "explore")},
        "radii": RADII,
        "lipschitz": part(runs, "lipschitz"),
        "cpu seconds": time.process_time() - start,
    }
    print(save_result(NAME, result))


if __name__ == "__main__":
    main()
