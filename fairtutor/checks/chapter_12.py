"""Chapter 12: clean judgements, a claim and its unit, an arbiter who errs."""

from functools import partial

import torch

from .task import task
from .trial import Trial


def _clean(triplets):
    """Return the triplets of which none shares a row with one kept before."""
    seen, kept = set(), []
    for triplet in triplets.tolist():
        if not seen & set(triplet):
            kept.append(triplet)
            seen |= set(triplet)
    return torch.tensor(kept)


def _clean_by(triplets, columns):
    seen, kept = set(), []
    for triplet in triplets.tolist():
        some = {triplet[column] for column in columns}
        if not seen & some:
            kept.append(triplet)
            seen |= some
    return torch.tensor(kept)


def _never_shared(triplets):
    flat = triplets.flatten().tolist()
    kept = [t for t in triplets.tolist() if all(flat.count(row) == 1 for row in t)]
    return torch.tensor(kept).reshape(-1, 3)


def _remembers_all(triplets):
    seen, kept = set(), []
    for triplet in triplets.tolist():
        if not seen & set(triplet):
            kept.append(triplet)
        seen |= set(triplet)
    return torch.tensor(kept)


def _clean_case(trial, m, n):
    triplets = torch.stack([trial.permutation(n)[:3] for _ in range(m)])
    mistakes = {
        "Only the first row of each was looked at. All three can be shared.": (
            _clean_by(triplets, (0,))
        ),
        "The last row of each was not looked at.": _clean_by(triplets, (0, 1)),
        "Every judgement that shares a row with *any* other is gone. One of the two "
        "may stay: the first.": _never_shared(triplets),
        "A judgement that was not kept still takes its rows away from later ones.": (
            _remembers_all(triplets)
        ),
    }
    return _clean(triplets), {"triplets": triplets}, mistakes


@task(
    "12.1",
    "clean",
    read="Round one, on images: the regulator",
    hints=(
        "Go through the judgements in their order. What must you remember?",
        "Keep a set of the rows that are used up. A judgement stays if none of its "
        "three rows is in it, and only then do its rows go into it.",
        "seen = set()\nfor triplet in triplets.tolist():\n"
        "    shares = seen & set(triplet)",
    ),
)
def clean(trial: Trial) -> None:
    """12.1: judgements that share no row."""
    for m, n in ((5, 9), (6, 10), (200, 150)):
        trial.expect(*trial.telling(partial(_clean_case, trial, m, n)))


def _norm(W):
    """Return the largest stretch of W, by repeated multiplication."""
    v = torch.ones(W.shape[1], dtype=W.dtype)
    for _ in range(5000):
        v = W.T @ (W @ v)
        v = v / v.norm()
    return (W @ v).norm().item()


def _mean_distance(Z, own=0):
    n = len(Z)
    total = sum((Z[i] - Z[j]).norm().item() for i in range(n) for j in range(n))
    return total / (n * n if own else n * (n - 1))


def _unit_case(trial, n, d):
    W, Z = trial.normal(3, d), 3 * trial.normal(n, d)
    W[:, 0] += 2  # one direction stretches clearly most
    L, mean = _norm(W), _mean_distance(Z)
    mistakes = {
        "That is the constant alone. Divide φ by ten, multiply the head by ten, and "
        "it is ten times as large for the same decisions.": L,
        "You *divided* by the mean distance. The longer the unit, the more may change "
        "over one.": L / mean,
        "That is the Frobenius norm of W. The largest stretch is its largest singular "
        "value.": W.square().sum().sqrt() * mean,
        "Everybody's distance to themselves came into the mean.": L
        * _mean_distance(Z, own=1),
    }
    return L * mean, {"W": W, "Z": Z}, mistakes


@task(
    "12.2",
    "shrink",
    "in_units",
    read="What is certified",
    hints=(
        "The head sees only z. What becomes of W z if z is a thousand times as long?",
        "The first function moves a factor from the head into φ. The second must not "
        "notice: make it a product of something that shrinks and something that grows.",
        "L = torch.linalg.matrix_norm(W, 2)\nfactor = L / c",
    ),
)
def in_units(trial: Trial) -> None:
    """12.2: a claim that looks small, and the unit that unmasks it."""
    for n, d in ((4, 2), (12, 5)):
        W, Z = trial.normal(3, d), trial.normal(n, d)
        c = 0.001 + 0.01 * trial.uniform(1).item()
        made = trial.call({"W": W, "c": c}, "shrink")
        trial.require(
            isinstance(made, tuple | list) and len(made) == 2,
            "shrink should return two things: the factor of φ, and the new head.",
        )
        factor, head = float(made[0]), torch.as_tensor(made[1]).double()
        trial.require(
            head.shape == W.shape, "shrink should return a head of the shape of W."
        )
        trial.require(
            torch.allclose(factor * Z @ head.T, Z @ W.T, rtol=1e-5, atol=1e-5),
            "shrink changes what the head says: W z and W′ (factor · z) are not equal.",
        )
        claimed = _norm(head)
        trial.require(
            claimed <= c * (1 + 1e-6),
            f"shrink returns a head of constant {claimed:.3g}; it should be at most "
            f"c = {c:.3g}.",
        )
    for n, d in ((3, 2), (5, 3), (30, 6)):
        case = trial.telling(partial(_unit_case, trial, n, d))
        trial.expect(*case, tolerance=1e-5)


@task(
    "12.3",
    "seen",
    "observed",
    "corrected",
    read="How good must the arbiter be?",
    hints=(
        "There are two ways to agree with somebody who may be wrong.",
        "You agree if both are right, and also if both are wrong. Write the sum of the "
        "two chances; it is a line in the true agreement, so it can be solved for it.",
        "both_right = q * (1 - e)\nboth_wrong = (1 - q) * e",
    ),
)
def observed(trial: Trial) -> None:
    """12.3: what an arbiter who errs makes of an agreement."""
    trial.prediction("seen", 0, 1)
    for _ in range(6):
        q = 0.5 + 0.5 * trial.uniform(1).item()
        e = 0.02 + 0.4 * trial.uniform(1).item()
        trials = [(q, 1 - e), (1 - q, e)]  # the distance and the arbiter, both ways
        want = sum(a * b for a, b in trials)
        given = {"q": q, "e": e}
        mistakes = {
            "Two who are *both* wrong agree as well.": q * (1 - e),
            "An error does not always cost an agreement: sometimes it makes one.": q
            - e,
            "That is the chance to disagree.": 1 - want,
        }
        trial.expect(want, given, mistakes, name="observed")
        mistakes = {
            "Only the share of right answers was divided out. Two who are both wrong "
            "agree as well.": want / (1 - e),
            "An error does not always cost an agreement: sometimes it makes one.": want
            + e,
            "That is what is *seen*; turn it round.": want * (1 - e) + (1 - want) * e,
        }
        trial.expect(q, {"a": want, "e": e}, mistakes, name="corrected")
