"""Exercise 11: plausible mistakes with what must be said, and second right answers."""

import torch
from torch.nn import functional


def by_covariance(G, k):
    vectors = torch.linalg.eigh(torch.cov(G.T)).eigenvectors
    rest = vectors[:, :-k]
    return rest @ rest.T


def directions(G, k, centred=True):
    return torch.linalg.svd(G - G.mean(0) if centred else G).Vh


def not_centred(G, k):
    V = directions(G, k, centred=False)[:k]
    return torch.eye(G.shape[1]) - V.T @ V


def kept_the_wrong_part(G, k):
    V = directions(G, k)[:k]
    return V.T @ V


def least(G, k):
    V = directions(G, k)[-k:]
    return torch.eye(G.shape[1]) - V.T @ V


def probability(W, A, B, factor=2, power=2):
    t = ((A - B) @ W.T).norm(dim=1) ** power
    return factor * torch.sigmoid(-t)


def loss(P, comparable):
    P = P.clamp(1e-12, 1 - 1e-12)
    return -torch.where(comparable == 1, P.log(), (1 - P).log()).mean()


def by_bce(W, A, B, comparable):
    P = probability(W, A, B)
    return functional.binary_cross_entropy(P, comparable.double())


def no_factor(W, A, B, comparable):
    return loss(probability(W, A, B, factor=1), comparable)


def not_squared(W, A, B, comparable):
    return loss(probability(W, A, B, power=1), comparable)


def summed(W, A, B, comparable):
    return len(A) * by_bce(W, A, B, comparable)


def likelihood(W, A, B, comparable):
    return -by_bce(W, A, B, comparable)


def nce(first, second, tau, unit=True, own=False, times=False):
    z = torch.cat([first, second])
    z = functional.normalize(z, dim=1) if unit else z
    s = z @ z.T * (tau if times else 1 / tau)
    if not own:
        s = s.masked_fill(torch.eye(len(z), dtype=torch.bool), -torch.inf)
    partner = torch.arange(len(z)).roll(len(first))
    return functional.cross_entropy(s, partner)


def by_logsumexp(first, second, tau):
    z = functional.normalize(torch.cat([first, second]), dim=1)
    s = (z @ z.T / tau).fill_diagonal_(-torch.inf)
    own = functional.cosine_similarity(first, second).repeat(2) / tau
    return (s.logsumexp(1) - own).mean()


def itself(first, second, tau):
    return nce(first, second, tau, own=True)


def not_unit(first, second, tau):
    return nce(first, second, tau, unit=False)


def only_across(first, second, tau):
    a, b = functional.normalize(first, dim=1), functional.normalize(second, dim=1)
    s, own = a @ b.T / tau, torch.arange(len(a))
    return (functional.cross_entropy(s, own) + functional.cross_entropy(s.T, own)) / 2


def multiplied(first, second, tau):
    return nce(first, second, tau, times=True)


def one_point(X):
    return torch.zeros(len(X), 2)


def raw(X):
    return X


def one_code(X):
    return torch.zeros(2)


def random_codes(X):
    seed = int(1e6 * X.sum().abs())  # other codes for other images
    return torch.randn(len(X), 4, generator=torch.Generator().manual_seed(seed))


def participation(Z):
    covariance = torch.cov(Z.T)
    total = covariance.trace() ** 2
    return total / covariance.square().sum() if total > 0 else 0.0


def by_spreads(Z):
    s = torch.linalg.svdvals(Z - Z.mean(0))
    return s.sum() ** 2 / s.square().sum()


def uncentred(Z):
    s = torch.linalg.svdvals(Z).square()
    return s.sum() ** 2 / s.square().sum()


def upside_down(Z):
    return 1 / participation(Z)


def nan_at_a_point(Z):
    s = torch.linalg.svdvals(Z - Z.mean(0)).square()
    return s.sum() ** 2 / s.square().sum()


WRONG = {
    "11.1": [
        ("the group not centred", [not_centred], "not centred"),
        ("the wrong part kept", [kept_the_wrong_part], "should go"),
        ("the smallest directions", [least], "*least*"),
    ],
    "11.2": [
        ("no guess", [None, by_bce], "at_one is still empty"),
        ("the factor 2 forgotten", [0.5, no_factor], "factor 2"),
        ("distance not squared", [0.5, not_squared], "not squared"),
        ("the sum", [0.5, summed], "Take the mean"),
        ("the sign", [0.5, likelihood], "*likelihood*"),
    ],
    "11.3": [
        ("the image a candidate for itself", [itself], "candidate for itself"),
        ("codes not of length 1", [not_unit], "length 1"),
        ("only the other copies", [only_across], "Only the other copies"),
        ("temperature multiplied", [multiplied], "temperature divides"),
    ],
    "11.4": [
        ("pixels", [raw, participation], "lazy leaves"),
        ("codes by chance", [random_codes, participation], "lazy leaves"),
        ("one code for all", [one_code, participation], "one code for each"),
        ("spreads for variances", [one_point, by_spreads], "*variances*"),
        ("not centred", [one_point, uncentred], "mean was not"),
        ("upside down", [one_point, upside_down], "upside down"),
        ("0 / 0 at one point", [one_point, nan_at_a_point], "at one point"),
    ],
}
RIGHT = {
    "11.1": [by_covariance],
    "11.2": [0.7, by_bce],
    "11.3": [by_logsumexp],
    "11.4": [one_point, participation],
}
