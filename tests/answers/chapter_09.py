"""Exercise 09: plausible mistakes with what must be said, and second right answers."""

import math

import torch


def by_svd(weights):
    return math.prod(float(torch.linalg.svdvals(W)[0]) for W in weights)


def frobenius(weights):
    return math.prod(float(W.norm()) for W in weights)


def largest_entries(weights):
    return math.prod(float(W.abs().max()) for W in weights)


def added(weights):
    return sum(float(torch.linalg.svdvals(W)[0]) for W in weights)


def of_the_product(weights):
    whole = weights[0]
    for W in weights[1:]:
        whole = W @ whole
    return torch.linalg.svdvals(whole)[0]


def squares(weights):
    return math.prod(float(torch.linalg.eigvalsh(W.T @ W)[-1]) for W in weights)


def by_fourier(kernel, n):
    return torch.fft.fft(kernel, n).abs().max()


def reshaped(kernel, n):
    return kernel.norm()


def absolute(kernel, n):
    return kernel.abs().sum()


def constant_signal(kernel, n):
    return kernel.sum().abs()


def not_round(kernel, n):
    rows = torch.zeros(n - len(kernel) + 1, n).double()
    for i, row in enumerate(rows):
        row[i : i + len(kernel)] = kernel
    return torch.linalg.matrix_norm(rows, 2)


def margins(scores, y):
    own = scores.gather(1, y[:, None])[:, 0]
    others = scores.scatter(1, y[:, None], -torch.inf)
    return own - others.max(1).values


def by_gather(scores, y, L, r):
    return (margins(scores, y) >= r * L * math.sqrt(2)).double().mean()


def without_root(scores, y, L, r):
    return (margins(scores, y) >= r * L).double().mean()


def top_two(scores, y, L, r):
    best = scores.topk(2).values
    return ((best[:, 0] - best[:, 1]) >= r * L * math.sqrt(2)).double().mean()


def times_constant(scores, y, L, r):
    return (margins(scores, y) * L / math.sqrt(2) >= r).double().mean()


def no_constant(scores, y, L, r):
    return (margins(scores, y) >= r * math.sqrt(2)).double().mean()


def of_softmax(scores, y, L, r):
    return by_gather(scores.softmax(1), y, L, r)


def accuracy(scores, y, L, r):
    return (scores.argmax(1) == y).double().mean()


def divided(scores, L, c):
    return scores * (c / L)


def clipped(scores, L, c):
    return scores.clamp(-c, c)


def untouched(scores, L, c):
    return scores


def times(scores, L, c):
    return scores * c


def decisions(scores, L, c):
    return torch.nn.functional.one_hot(scores.argmax(1), scores.shape[1]) * (c / L)


def small_decisions(scores, L, c):
    return 1e-3 * decisions(scores, L, c)


def of_length_one(scores, L, c):
    return torch.nn.functional.normalize(scores, dim=1) * (c / L)


def words(scores, L, c):
    return "calm"


def dice(scores, y):
    p = torch.exp(scores - scores.logsumexp(1, keepdim=True))
    return float((1 - p.gather(1, y[:, None])).mean())


def largest_score(scores, y):
    return (scores.argmax(1) != y).double().mean()


def over_people(scores, y):
    return 1 - scores.softmax(0)[torch.arange(len(y)), y].mean()


def being_right(scores, y):
    return 1 - dice(scores, y)


def cross_entropy(scores, y):
    return torch.nn.functional.cross_entropy(scores, y)


def by_projector(X, gradient, U, step):
    along = gradient @ (U @ U.T)
    return X + step * torch.nn.functional.normalize(along, dim=1)


def downhill(X, gradient, U, step):
    return 2 * X - by_projector(X, gradient, U, step)


def complement(X, gradient, U, step):
    along = gradient - gradient @ (U @ U.T)
    return X + step * torch.nn.functional.normalize(along, dim=1)


def whole_gradient(X, gradient, U, step):
    return X + step * torch.nn.functional.normalize(gradient, dim=1)


def signs(X, gradient, U, step):
    return X + step * torch.sign(gradient @ U) @ U.T / math.sqrt(U.shape[1])


def each_direction(X, gradient, U, step):
    return X + step * torch.sign(gradient @ U) @ U.T


def for_all_together(X, gradient, U, step):
    along = gradient @ U @ U.T
    return X + step * along / along.norm()


def any_length(X, gradient, U, step):
    return X + step * gradient @ (U @ U.T)


WRONG = {
    "09.1": [
        ("Frobenius norms", [frobenius], "Frobenius"),
        ("largest entries", [largest_entries], "largest entries"),
        ("constants added up", [added], "do not add up"),
        ("squares of singular values", [squares], "Take the root"),
        ("the norm of the product", [of_the_product], "ReLU"),
    ],
    "09.2": [
        ("no guess", [None, by_fourier], "ones is still empty"),
        ("the norm of the kernel", [9, reshaped], "norm of the kernel"),
        ("the sum of absolute values", [9, absolute], "sum of absolute values"),
        ("not circular", [9, not_round], "goes round"),
        ("a constant signal", [9, constant_signal], "constant signal"),
    ],
    "09.3": [
        ("the root of two is missing", [without_root], "√2"),
        ("the margin of the answer", [top_two], "margin of the label"),
        ("multiplied by L", [times_constant], "divided by"),
        ("the constant forgotten", [no_constant], "constant is missing"),
        ("margins of the softmax", [of_softmax], "margins of a softmax"),
        ("accuracy", [accuracy], "radius 0"),
    ],
    "09.4": [
        ("scores cut off", [clipped, dice], "calm"),
        ("hard decisions", [decisions, dice], "does not keep to c"),
        ("hard decisions, scaled", [small_decisions, dice], "all but alike"),
        ("rows made of length 1", [of_length_one, dice], "does not keep to c"),
        ("no scores", [words, dice], "should return scores"),
        ("nothing done", [untouched, dice], "does not keep to c"),
        ("the constant forgotten", [times, dice], "does not keep to c"),
        ("the error of hard decisions", [divided, largest_score], "*largest*"),
        ("softmax over people", [divided, over_people], "not over the people"),
        ("being right", [divided, being_right], "being *right*"),
        ("cross-entropy", [divided, cross_entropy], "cross-entropy"),
    ],
    "09.5": [
        ("downhill", [downhill], "uphill"),
        ("along the directions that count", [complement], "directions that count"),
        ("the whole gradient", [whole_gradient], "whole gradient"),
        ("signs", [signs], "With signs"),
        ("a step along each direction", [each_direction], "only once"),
        ("one length for all", [for_all_together], "not for all together"),
        ("a step of any length", [any_length], "of length step"),
    ],
}
RIGHT = {
    "09.1": [by_svd],
    "09.2": [3, by_fourier],
    "09.3": [by_gather],
    "09.4": [divided, dice],
    "09.5": [by_projector],
}
