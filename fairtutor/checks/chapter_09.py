"""Chapter 09: constants of layers, radii, temperature, the worst similar individual."""

from functools import partial
from itertools import pairwise

import torch

from .compare import describe
from .task import task
from .trial import Trial


def _largest_stretch(W):
    """Return σ₁ of a matrix by repeated multiplication."""
    v = torch.ones(W.shape[1], dtype=W.dtype) + 0.01 * torch.arange(W.shape[1])
    for _ in range(3000):
        v = W.T @ (W @ v)
        v = v / v.square().sum().sqrt()
    return (W @ v).square().sum().sqrt().item()


def _stretchy(trial, rows, columns):
    """Return a matrix with one direction that is stretched clearly most."""
    u, v = trial.normal(rows), trial.normal(columns)
    outer = 4 * torch.outer(u / u.norm(), v / v.norm())
    return outer + 0.5 * trial.normal(rows, columns)


def _sums(weights, dim):
    """Return the product of the largest sums of absolute values along a dimension."""
    found = 1.0
    for W in weights:
        found *= W.abs().sum(dim).max().item()
    return found


def _layers_case(trial, sizes):
    weights = [_stretchy(trial, out, into) for into, out in pairwise(sizes)]
    each = [_largest_stretch(W) for W in weights]
    want, frobenius, largest = 1.0, 1.0, 1.0
    for W, sigma in zip(weights, each, strict=True):
        want *= sigma
        frobenius *= W.square().sum().sqrt().item()
        largest *= W.abs().max().item()
    whole = weights[0]
    for W in weights[1:]:
        whole = W @ whole
    mistakes = {
        "Those are Frobenius norms. They bound the stretch too, but it takes the "
        "largest singular value.": frobenius,
        "Those are the largest entries. A direction across several columns may be "
        "stretched more.": largest,
        "The constants of layers multiply; they do not add up.": sum(each),
        "That is the norm of the product of the matrices. Between them there is a "
        "ReLU, and then this is no bound.": _largest_stretch(whole),
        "That is the largest of the layers. They are applied one after the other.": (
            max(each)
        ),
        "Those are squares of singular values. Take the root.": want**2,
        "Those are largest row sums, which belong to another norm of x.": _sums(
            weights, 1
        ),
        "Those are largest column sums, which belong to another norm of x.": _sums(
            weights, 0
        ),
    }
    return want, {"weights": weights}, mistakes


@task(
    "09.1",
    "constant",
    read="The constant of a network",
    hints=(
        "How much can one layer stretch, and what happens to that in the next?",
        "Take the largest singular value of each matrix, and multiply. ReLU stretches "
        "nothing.",
        "sigma = torch.linalg.matrix_norm(W, 2)",
    ),
)
def constant(trial: Trial) -> None:
    """09.1: the certified constant of a network of linear layers and ReLUs."""
    for sizes in ((2, 2, 2), (2, 3, 1), (6, 8, 8, 4)):
        case = trial.telling(partial(_layers_case, trial, sizes))
        trial.expect(*case, tolerance=1e-5)


def _circular(kernel, n):
    """Return the circular convolution as the matrix that it is, (n, n)."""
    rows = torch.zeros(n, n, dtype=torch.float64)
    for i in range(n):
        for offset, value in enumerate(kernel.tolist()):
            rows[i, (i + offset) % n] += value
    return rows


def _kernel_case(trial, k, n):
    kernel = trial.normal(k)
    matrix = _circular(kernel, n)
    want = torch.linalg.svdvals(matrix)[0]
    mistakes = {
        "That is the norm of the kernel. It slides over the signal, and overlapping "
        "contributions add up.": kernel.norm(),
        "That is the sum of absolute values. It is a bound, but no signal need be "
        "stretched that much.": kernel.abs().sum(),
        "That is the stretch of a constant signal. Another may be stretched more.": (
            kernel.sum().abs()
        ),
        "That is the Frobenius norm of the whole operator.": matrix.norm(),
        "A circular convolution goes round: the last places read the first ones, too. "
        "There are n places in y.": torch.linalg.svdvals(matrix[: n - k + 1])[0],
    }
    return want, {"kernel": kernel, "n": n}, mistakes


@task(
    "09.2",
    "ones",
    "convolution_norm",
    read="A convolution is an operator",
    hints=(
        "Write what the convolution does to a signal of four numbers as a matrix.",
        "Row i holds the kernel, beginning in column i and going round. Then it is a "
        "matrix like any other. (Who knows the Fourier transform can do without.)",
        "matrix = torch.stack([row.roll(i) for i in range(n)])",
    ),
)
def convolution_norm(trial: Trial) -> None:
    """09.2: the norm of a convolution is that of the operator."""
    trial.prediction("ones", 0, 100)
    for k, n in ((2, 4), (3, 5), (3, 16), (5, 40)):
        trial.expect(*trial.telling(partial(_kernel_case, trial, k, n)), tolerance=1e-5)
    given = {"kernel": torch.ones(3).double(), "n": 9}
    trial.expect(3.0, given, note="A constant signal is tripled.", tolerance=1e-5)


def _radii(scores, y, L, root=2**0.5, own=True):
    """Return each image's radius; below 0 where the answer is wrong."""
    radii = []
    for row, label in zip(scores.tolist(), y.tolist(), strict=True):
        answer = label if own else max(range(len(row)), key=row.__getitem__)
        others = [s for j, s in enumerate(row) if j != answer]
        radii.append((row[answer] - max(others)) / (root * L))
    return radii


def _share(radii, r):
    return sum(radius >= r for radius in radii) / len(radii)


def _radius_case(trial, n):
    L, r = 0.5 + 0.1 * trial.uniform(1).item(), 0.2 + 0.6 * trial.uniform(1).item()
    if n > 8:
        L, y = L * (1 + 2 * int(trial.integers(2))), trial.integers(3, n)
        scores = trial.normal(n, 3)
        scores[torch.arange(n), y] += 1.5
    else:
        r = (1.2 + 0.4 * trial.uniform(1).item()) / (2**0.5 * L)
        scores, y = _margins_apart(trial, 2**0.5 * r * L, L)
    want = _share(_radii(scores, y, L), r)
    mistakes = {
        "The √2 is missing: two scores change at once, in opposite directions.": _share(
            _radii(scores, y, L, root=1), r
        ),
        "A wrong answer with a wide margin is not certified *right*. Take the margin "
        "of the label, not of the answer.": _share(_radii(scores, y, L, own=False), r),
        "The constant is divided by. A steeper network reaches less far.": _share(
            _radii(scores, y, 1 / L), r
        ),
        "The constant is missing: how steep is this network?": _share(
            _radii(scores, y, 1), r
        ),
        "That is the accuracy at radius 0.": _share(_radii(scores, y, L), 0),
        "L is the constant of the scores. These are margins of a softmax.": _share(
            _radii(scores.softmax(1), y, L), r
        ),
    }
    given = {"scores": scores, "y": y, "L": L, "r": r}
    return want, given, mistakes


def _margins_apart(trial, least, L):
    """Return scores and labels of 8 images on which each mistake counts another number.

    ``least`` is the margin that reaches r. Five answers are right, with one margin
    between each two of the numbers to which mistakes compare; three are wrong.
    """
    ends = [0, least / 2**0.5, least, least / L, least / L**2, 1.5 * least / L**2]
    where = 0.3 + 0.4 * trial.uniform(5)
    margins = [a + (b - a) * w for (a, b), w in zip(pairwise(ends), where, strict=True)]
    margins[2] = least * (1.46 + 0.1 * trial.uniform(1).item())
    margins += [least * (1.1 + trial.uniform(1).item()) for _ in range(3)]
    scores, y = torch.zeros(8, 3, dtype=torch.float64), torch.zeros(8).long()
    for row, i in enumerate(trial.permutation(8).tolist()):
        best, second, third = trial.permutation(3).tolist()
        scores[row, best] = top = trial.normal(1).item()
        scores[row, second] = top - margins[i]
        scores[row, third] = top - margins[i] - trial.uniform(1).item()
        y[row] = best if i < 5 else second
    return scores, y


@task(
    "09.3",
    "certified_accuracy",
    read="From a constant to a radius",
    hints=(
        "For each image: how far is the label's score above the best other one?",
        "Take the label's score out of each row (put minus infinity there) to find the "
        "best other. Then compare the radius with r.",
        "others = scores.clone()\nothers[torch.arange(len(y)), y] = -torch.inf",
    ),
)
def certified_accuracy(trial: Trial) -> None:
    """09.3: the share of images that is right, provably, within a radius."""
    for n in (8, 8, 300):
        trial.expect(*trial.telling(partial(_radius_case, trial, n)))


def _softmax(row):
    powers = [2.718281828459045**s for s in row]
    return [power / sum(powers) for power in powers]


def _expected_case(trial, n):
    scores, y = 2 * trial.normal(n, 3), trial.integers(3, n)
    right = [
        _softmax(row)[label]
        for row, label in zip(scores.tolist(), y.tolist(), strict=True)
    ]
    want = 1 - sum(right) / n
    down = scores.softmax(0)[torch.arange(n), y]
    loss = sum(-torch.tensor(p).double().log().item() for p in right) / n
    mistakes = {
        "That is the error of the *largest* score. Throw the dice instead: the error "
        "of a person is 1 - p of the label.": (scores.argmax(1) != y).double().mean(),
        "The softmax goes over the classes, dim=1, not over the people.": 1
        - down.mean(),
        "That is the mean probability of being *right*.": 1 - want,
        "That is the cross-entropy.": loss,
    }
    return want, {"scores": scores, "y": y}, mistakes


@task(
    "09.4",
    "calm",
    "expected_error",
    read="What L does not constrain",
    hints=(
        "Which number divides all scores and changes no decision?",
        "Scores times t have the constant t times L. The expected error takes the "
        "label's probability out of the softmax.",
        "p = scores.softmax(dim=1)[torch.arange(len(y)), y]",
    ),
)
def expected_error(trial: Trial) -> None:
    """09.4: a constant says nothing about decisions, but something about dice."""
    for n in (4, 40):
        _try_calm(trial, 3 * trial.normal(n, 3), "")
    top = 0.5 + 0.5 * trial.uniform(1).item()
    near = torch.tensor([[top, top - 1e-4, -1], [top - 1e-4, top, -1]]).double()
    _try_calm(
        trial,
        near,
        " These two are all but alike, and so must be what becomes of them.",
    )
    small = 1e-3 * trial.normal(4, 3)
    _try_calm(
        trial, small, " These scores are all small; the constant holds there too."
    )
    for n in (4, 5, 200):
        case = trial.telling(partial(_expected_case, trial, n))
        trial.expect(*case, name="expected_error")


def _try_calm(trial, scores, note):
    """Check that decisions stay, and that no two rows are pulled apart by more."""
    L, c = 5 + 20 * trial.uniform(1).item(), 0.01 + 0.1 * trial.uniform(1).item()
    given = {"scores": scores, "L": L, "c": c}
    value = trial.call(given, "calm")
    try:
        made = torch.as_tensor(value).detach().double()
    except (TypeError, ValueError, RuntimeError):
        trial.fail("calm should return scores: numbers, (n, C).")
    trial.require(
        made.shape == scores.shape, "calm should return scores of the same shape."
    )
    trial.require(
        bool((made.argmax(1) == scores.argmax(1)).all()),
        "calm changes decisions: another score is the largest for somebody.",
    )
    between, after = torch.pdist(scores), torch.pdist(made)
    stretch = L * float((after / between).max())
    shown = ", ".join(f"{key} = {describe(value)}" for key, value in given.items())
    trial.require(
        stretch <= 1.01 * c,
        f"calm({shown})\ngives {describe(made)}\ncalm does not keep to c: if the "
        f"constant was {L:.3g}, it is now at least {stretch:.3g}, and c is {c:.3g}."
        + note,
    )


def _worst_case(trial, n, d, k):
    X, gradient = trial.normal(n, d), trial.normal(n, d)
    U = torch.linalg.qr(trial.normal(d, k))[0]
    step = 0.5 + trial.uniform(1).item()
    inside = torch.stack([sum((g @ u) * u for u in U.T) for g in gradient])
    unit = inside / inside.square().sum(1, keepdim=True).sqrt()
    outside = gradient - inside
    signs = (gradient @ U).sign() @ U.T
    want = X + step * unit
    mistakes = {
        "The loss gets *smaller* there. The worst individual is found uphill.": X
        - step * unit,
        "That moves along the directions that count. Those in U cost nothing.": X
        + step * outside / outside.norm(dim=1, keepdim=True),
        "That is the whole gradient. Only its part along U is free.": X
        + step * gradient / gradient.norm(dim=1, keepdim=True),
        "The move is not of length step: make the direction one of length 1.": X
        + step * inside,
        "The direction is to have length 1 for each person, not for all together.": X
        + step * inside / inside.norm(),
        "The length of the whole gradient was divided by. Its part along U is shorter, "
        "and so the move is.": X + step * inside / gradient.norm(dim=1, keepdim=True),
        "With signs, all directions of U get the same share. The loss grows fastest "
        "along the gradient's part.": X + step * signs / k**0.5,
        "That is a step along each direction of U. The length of the move is step "
        "only once.": X + step * signs,
    }
    given = {"X": X, "gradient": gradient, "U": U, "step": step}
    return want, given, mistakes


@task(
    "09.5",
    "worst_similar",
    read="The other road: the worst similar individual",
    hints=(
        "Which way is up, and along what may one walk for nothing?",
        "Project each gradient on the directions in U, make it one of length 1, and "
        "take one step.",
        "along = gradient @ U @ U.T",
    ),
)
def worst_similar(trial: Trial) -> None:
    """09.5: one step of SenSR's attack, along directions that do not count."""
    for n, d, k in ((1, 2, 1), (2, 3, 2), (3, 3, 2), (40, 6, 3)):
        case = trial.telling(partial(_worst_case, trial, n, d, k), tries=30)
        trial.expect(*case, tolerance=1e-5)
