"""Chapter 05: prototypes, the discrepancy of two groups, an opponent, a channel."""

import math
from functools import partial

import torch

from .task import task
from .trial import Trial


def _softmax(values):
    top = max(values)
    powers = [math.exp(value - top) for value in values]
    return [power / sum(powers) for power in powers]


def _distances(x, V, alpha, root=False):
    """Return Σ α (x − v)² to each prototype, one by one."""
    found = []
    for v in V.tolist():
        terms = zip(alpha.tolist(), x.tolist(), v, strict=True)
        total = sum(a * (p - q) ** 2 for a, p, q in terms)
        found.append(math.sqrt(total) if root else total)
    return found


def _member_case(trial, n, k, d):
    X, V, alpha = trial.normal(n, d), trial.normal(k, d), 0.2 + trial.uniform(d)
    want = torch.tensor([_softmax([-t for t in _distances(x, V, alpha)]) for x in X])
    far = torch.tensor([_softmax(_distances(x, V, alpha)) for x in X])
    flat = torch.tensor(
        [_softmax([-t for t in _distances(x, V, torch.ones(d))]) for x in X]
    )
    rooted = torch.tensor(
        [_softmax([-t for t in _distances(x, V, alpha, root=True)]) for x in X]
    )
    minus = torch.tensor([[-t for t in _distances(x, V, alpha)] for x in X])
    mistakes = {
        "The softmax went over the people. Each *person* is shared out over the "
        "prototypes: every row adds up to 1.": minus.softmax(0),
        "Far prototypes got the larger share. Where is the minus?": far,
        "The weights α of the columns are missing.": flat,
        "The distance is squared in the formula; no root is taken.": rooted,
    }
    given = {"X": X, "V": V, "alpha": alpha}
    return want, given, mistakes


@task(
    "05.1",
    "memberships",
    read="A few people stand for everybody",
    hints=(
        "First one person and one prototype. Then all at once.",
        "Differences of everybody to every prototype have the shape (n, k, d). Square, "
        "weigh the columns, add up over d, and take the softmax over k of minus that.",
        "differences = X[:, None] - V  # (n, k, d)",
    ),
)
def memberships(trial: Trial) -> None:
    """05.1: each person as a mixture of prototypes."""
    for n, k, d in ((2, 3, 1), (3, 2, 2), (40, 5, 4)):
        case = trial.telling(partial(_member_case, trial, n, k, d))
        trial.expect(*case, tolerance=1e-5)


def _kernel_mean(A, B, scale, power=2, own=True):
    """Return the mean of exp(−‖a − b‖^power / scale) over pairs."""
    values = [
        math.exp(-((a - b).norm().item() ** power) / scale)
        for i, a in enumerate(A)
        for j, b in enumerate(B)
        if own or i != j
    ]
    return sum(values) / len(values)


def _mmd_case(trial, n, m, d):
    Z0, Z1 = trial.normal(n, d), 1.5 * trial.normal(m, d) + 0.5
    sigma = 0.7 + trial.uniform(1).item()

    def mmd(scale, power=2, cross=2.0, own=True):
        inside = sum(_kernel_mean(Z, Z, scale, power, own) for Z in (Z0, Z1))
        return inside - cross * _kernel_mean(Z0, Z1, scale, power)

    s = 2 * sigma**2
    want = mmd(s)
    mistakes = {
        "The pairs of both groups count twice: 2 times the mean over them.": mmd(
            s, cross=1.0
        ),
        "The kernel divides by 2 σ², not by σ².": mmd(sigma**2),
        "The kernel divides by 2 σ², not by 2 σ.": mmd(2 * sigma),
        "The distance is squared in the kernel.": mmd(s, power=1),
        "The means inside a group are over all pairs, each point with itself too.": mmd(
            s, own=False
        ),
        "The squared MMD is asked for; no root is taken.": math.sqrt(max(want, 0)),
        "That is the distance of the means, which sees only a shift.": (
            (Z0.mean(0) - Z1.mean(0)).square().sum()
        ),
    }
    return want, {"Z0": Z0, "Z1": Z1, "sigma": sigma}, mistakes


@task(
    "05.2",
    "far",
    "mmd2",
    read="Match distributions",
    hints=(
        "Three means of one function of pairs: inside one group, inside the other, and "
        "across.",
        "Compute all distances of two groups at once, square them, divide, take exp, "
        "and the mean. Do it three times.",
        "k = (-torch.cdist(A, B).square() / (2 * sigma**2)).exp()",
    ),
)
def mmd2(trial: Trial) -> None:
    """05.2: the maximum mean discrepancy of two groups."""
    trial.prediction("far", 0, 10)
    for n, m, d in ((2, 3, 1), (4, 3, 2), (20, 25, 3)):
        case = trial.telling(partial(_mmd_case, trial, n, m, d))
        trial.expect(*case, tolerance=1e-5)


def _gradient(W, X, target, head):
    """Return the gradient of the mean log loss for z = x W, person by person."""
    total = torch.zeros_like(W)
    for x, t in zip(X, target.tolist(), strict=True):
        p = 1 / (1 + math.exp(-float(x @ W @ head)))
        total += (p - t) * torch.outer(x, head)
    return total / len(X)


def _step_case(trial, n, d, k):
    X, W = trial.normal(n, d), trial.normal(d, k)
    y, groups = trial.groups(n), trial.groups(n)
    user, opponent = trial.normal(k), trial.normal(k)
    beta, lr = 0.5 + 1.3 * trial.uniform(1).item(), 0.3
    g, h = _gradient(W, X, y, user), _gradient(W, X, groups, opponent)
    want = W - lr * (g - beta * h)
    mistakes = {
        "The encoder helped its opponent. Its loss is to *grow*: mind the sign of its "
        "gradient.": W - lr * (g + beta * h),
        "β is missing.": W - lr * (g - h),
        "The step went uphill: the user's loss is to fall.": W + lr * (g - beta * h),
        "Losses are means over the people, not sums.": W - lr * n * (g - beta * h),
        "Only the user's loss was followed.": W - lr * g,
    }
    given = {
        "W": W,
        "X": X,
        "y": y,
        "groups": groups,
        "user": user,
        "opponent": opponent,
        "beta": beta,
        "lr": lr,
    }
    return want, given, mistakes


@task(
    "05.3",
    "encoder_step",
    read="Let an opponent find the difference",
    hints=(
        "Which of the two losses does the encoder want small, and which large?",
        "Let autograd do it: a copy of W that needs a gradient, both log losses, one "
        "minus β times the other, backward, and a step downhill.",
        "W = W.clone().requires_grad_()\n"
        "loss = torch.nn.functional.binary_cross_entropy_with_logits",
    ),
)
def encoder_step(trial: Trial) -> None:
    """05.3: one step of an encoder against its opponent."""
    for n, d, k in ((3, 2, 1), (4, 2, 2), (50, 4, 3)):
        case = trial.telling(partial(_step_case, trial, n, d, k))
        trial.expect(*case, tolerance=1e-5)


@task(
    "05.4",
    "hide",
    "reveal",
    read="Erase what a line could see",
    hints=(
        "Which function of two bits cannot be read from either of them alone?",
        "Hand on a coin, and hand on whether the coin agrees with the group. Each is "
        "a fair coin; the two together are not.",
        "agree = (coins == groups)",
    ),
)
def hide(trial: Trial) -> None:
    """05.4: a channel that no single column shows."""
    n = 4000
    groups, coins = trial.integers(2, n), trial.integers(2, n)
    handed = trial.call({"groups": groups, "coins": coins}, "hide")
    Z = torch.as_tensor(handed)
    trial.require(
        Z.shape == (n, 2) and set(Z.double().flatten().tolist()) <= {0.0, 1.0},
        "hide should return two columns of 0 and 1, (n, 2).",
    )
    Z = Z.double()
    for column in (0, 1):
        shares = [Z[groups == g, column].mean().item() for g in (0, 1)]
        trial.require(
            abs(shares[0] - shares[1]) < 0.1,
            f"column {column} of hide tells the group by itself: it is 1 for "
            f"{shares[0]:.0%} of group 0 and {shares[1]:.0%} of group 1.",
        )
    # As hide made it: who made whole numbers may read them as such.
    said = torch.as_tensor(trial.call({"Z": handed}, "reveal")).double()
    trial.require(
        said.shape == (n,),
        f"reveal gave the shape {tuple(said.shape)}; one group for each person is "
        "wanted, (n,).",
    )
    right = (said == groups).double().mean().item()
    trial.require(
        right == 1.0,
        f"reveal names the group of {right:.0%} of the people; it should of everybody.",
    )
