"""Chapter 11: comparable groups, pairs, a contrastive loss, and a lazy distance."""

import math
from functools import partial

import torch

from .task import task
from .trial import Trial


def _top_directions(G, k, centred=True):
    """Return the k directions in which rows differ most, (d, k), by eigenvectors."""
    rows = G - G.mean(0) if centred else G
    vectors = torch.linalg.eigh(rows.T @ rows)[1]
    return vectors[:, -k:], vectors[:, : -k or None]


def _group_case(trial, n, d, k):
    stretch = torch.ones(d, dtype=torch.float64)
    stretch[:k] = 5 + torch.arange(k)
    turn = torch.linalg.qr(trial.normal(d, d))[0]
    G = (trial.normal(n, d) * stretch) @ turn + 20 * trial.normal(d)
    U, rest = _top_directions(G, k)
    eye = torch.eye(d, dtype=torch.float64)
    from_zero, _ = _top_directions(G, k, centred=False)
    least = rest[:, :k]
    mistakes = {
        "The group was not centred. Where its middle lies is no difference *within* "
        "it.": eye - from_zero @ from_zero.T,
        "That keeps only the directions that should go.": U @ U.T,
        "Removed were the directions in which comparable people differ *least*.": eye
        - least @ least.T,
    }
    return eye - U @ U.T, {"G": G, "k": k}, mistakes


@task(
    "11.1",
    "projection",
    read="A comparable group",
    hints=(
        "If these people are comparable, what they differ in must not count.",
        "Take away the group's mean. The k right singular vectors with the largest "
        "singular values are the directions U, and I − U Uᵀ removes them.",
        "V = torch.linalg.svd(G - G.mean(0)).Vh\nU = V[:k].T",
    ),
)
def projection(trial: Trial) -> None:
    """11.1: FACE, the distance that a comparable group teaches."""
    for n, d, k in ((5, 3, 1), (8, 4, 1), (60, 6, 2)):
        case = trial.telling(partial(_group_case, trial, n, d, k))
        trial.expect(*case, tolerance=1e-5)


def _pair_case(trial, n, d):
    A, B, W = 0.6 * trial.normal(n, d), 0.6 * trial.normal(n, d), trial.normal(2, d)
    W /= W.norm()  # probabilities are not so small that somebody may cut them off
    answers = trial.groups(n)

    def loss(sign=-1, factor=2, power=2, total=False):
        terms = []
        for a, b, comparable in zip(A, B, answers.tolist(), strict=True):
            t = (W @ (a - b)).square().sum().sqrt().item() ** power
            p = factor / (1 + math.exp(-sign * t))
            p = min(max(p, 1e-12), 1 - 1e-12)
            terms.append(-math.log(p if comparable else 1 - p))
        return sum(terms) if total else sum(terms) / n

    mistakes = {
        "The factor 2 is missing: the same person twice must be comparable with "
        "probability 1.": loss(factor=1),
        "The distance was not squared.": loss(power=1),
        "That is the sum over the pairs. Take the mean.": loss(total=True),
        "That is the mean log-*likelihood* itself, which is to be large. A loss is to "
        "be small.": -loss(),
    }
    given = {"W": W, "A": A, "B": B, "comparable": answers}
    return loss(), given, mistakes


@task(
    "11.2",
    "at_one",
    "pair_loss",
    read="Pairs of people",
    hints=(
        "How probable was each answer that was given? Then take logarithms.",
        "P = 2 σ(−‖W(a − b)‖²) where the answer was yes, and 1 − P where it was no.",
        "t = ((A - B) @ W.T).square().sum(1)\nP = 2 * torch.sigmoid(-t)",
    ),
)
def pair_loss(trial: Trial) -> None:
    """11.2: EXPLORE's loss, and what a distance of 1 means to the arbiter."""
    trial.prediction("at_one", 0, 1)
    for n, d in ((2, 1), (3, 2), (50, 4)):
        case = trial.telling(partial(_pair_case, trial, n, d))
        trial.expect(*case, tolerance=1e-5)


def _info_nce(first, second, tau, *, unit=True, own=False, across=False, times=False):
    """Return the contrastive loss, candidate by candidate."""
    rows = torch.cat([first, second])
    if unit:
        rows = torch.stack([row / row.square().sum().sqrt() for row in rows])
    n, terms = len(first), []
    for i in range(len(rows)):
        partner = (i + n) % (2 * n)
        others = range(n, 2 * n) if i < n else range(n)
        candidates = others if across else range(2 * n)
        s = {
            k: float(rows[i] @ rows[k]) * (tau if times else 1 / tau)
            for k in candidates
            if own or k != i
        }
        top = max(s.values())
        whole = sum(math.exp(value - top) for value in s.values())
        terms.append(math.log(whole) - (s[partner] - top))
    return sum(terms) / len(terms)


def _nce_case(trial, n, d):
    first = trial.normal(n, d)
    second = first + 0.5 * trial.normal(n, d)
    tau = 0.2 + 0.6 * trial.uniform(1).item()
    loss = partial(_info_nce, first, second, tau)
    mistakes = {
        "Each image was a candidate for itself. Leave it out of the sum.": loss(
            own=True
        ),
        "The codes are not of length 1. s is a cosine, divided by τ.": loss(unit=False),
        "Only the other copies were candidates. All other rows are, of both lists.": (
            loss(across=True)
        ),
        "You multiplied by τ; the temperature divides.": loss(times=True),
        "That is the sum over the images. Take the mean.": 2 * n * loss(),
        "The minus before the logarithm is missing.": -loss(),
    }
    return loss(), {"first": first, "second": second, "tau": tau}, mistakes


@task(
    "11.3",
    "contrastive",
    read="Images, without a single label",
    hints=(
        "Put both lists under each other. Which row is whose other copy?",
        "Codes of length 1, all inner products divided by τ, minus infinity on the "
        "diagonal; then it is a classification with 2n classes, row i + n for row i.",
        "s = z @ z.T / tau\npartner = torch.arange(2 * n).roll(n)",
    ),
)
def contrastive(trial: Trial) -> None:
    """11.3: a loss that needs no label."""
    for n, d in ((2, 2), (3, 2), (12, 5)):
        case = trial.telling(partial(_nce_case, trial, n, d))
        trial.expect(*case, tolerance=1e-5)


def _spectrum(Z):
    centred = Z - Z.mean(0)
    return torch.linalg.eigvalsh(centred.T @ centred / len(Z)).clamp(min=0)


def _dimension_case(trial, n, d):
    Z = trial.normal(n, d) * (1 + 3 * trial.uniform(d)) + 4 * trial.normal(d)
    variances = _spectrum(Z)
    spreads = variances.sqrt()
    raw = torch.linalg.eigvalsh(Z.T @ Z / n)
    mistakes = {
        "λ are *variances*, the squares of the spreads.": spreads.sum() ** 2
        / spreads.square().sum(),
        "The mean was not taken away first.": raw.sum() ** 2 / raw.square().sum(),
        "The ratio is upside down.": variances.square().sum() / variances.sum() ** 2,
        "That is the number of columns that vary at all.": float(d),
    }
    want = variances.sum() ** 2 / variances.square().sum()
    return want, {"Z": Z}, mistakes


@task(
    "11.4",
    "lazy",
    "dimensions",
    read="What makes a distance good?",
    hints=(
        "A copy must not be farther than the nearest other image. How does one win "
        "without looking at images at all?",
        "For the second: take away the mean, get the eigenvalues of the covariance, "
        "and say what to do if all of them are 0.",
        "variances = torch.linalg.svdvals(Z - Z.mean(0)).square()",
    ),
)
def dimensions(trial: Trial) -> None:
    """11.4: an audit of invariance alone, and the measure that it lacks."""
    n, d = 60, 8
    X, y = trial.normal(n, d), trial.integers(4, n)
    moved = X + 0.8 * trial.normal(n, d)
    codes = torch.as_tensor(trial.call({"X": X}, "lazy")).double()
    copies = torch.as_tensor(trial.call({"X": moved}, "lazy")).double()
    trial.require(
        codes.ndim == 2 and codes.shape == copies.shape and len(codes) == n,
        "lazy should return one code for each image, (n, k).",
    )
    rho = torch.cdist(codes, codes).masked_fill(y[:, None] == y, torch.inf)
    far = ((codes - copies).norm(dim=1) > rho.min(1).values).double().mean().item()
    trial.require(
        far == 0.0,
        f"lazy leaves {far:.0%} of the moved copies farther away than another digit; "
        "the audit wants none.",
    )
    for size, columns in ((4, 2), (6, 3), (100, 5)):
        case = trial.telling(partial(_dimension_case, trial, size, columns))
        trial.expect(*case, name="dimensions", tolerance=1e-5)
    point = {"Z": torch.ones(5, 3).double()}
    trial.expect(0.0, point, name="dimensions", note="Everybody is at one point.")
