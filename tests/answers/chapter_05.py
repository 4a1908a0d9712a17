"""Exercise 05: plausible mistakes with what must be said, and second right answers."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as log_loss


def squares(X, V, alpha):
    return (alpha * (X[:, None] - V).square()).sum(2)


def by_cdist(X, V, alpha):
    root = alpha.sqrt()
    return torch.softmax(-torch.cdist(X * root, V * root).square(), dim=1)


def over_people(X, V, alpha):
    return torch.softmax(-squares(X, V, alpha), dim=0)


def no_minus(X, V, alpha):
    return torch.softmax(squares(X, V, alpha), dim=1)


def no_alpha(X, V, alpha):
    return torch.softmax(-squares(X, V, torch.ones_like(alpha)), dim=1)


def rooted(X, V, alpha):
    return torch.softmax(-squares(X, V, alpha).sqrt(), dim=1)


def k(A, B, scale, power=2):
    return (-(torch.cdist(A, B) ** power) / scale).exp().mean()


def mmd_pooled(Z0, Z1, sigma):
    Z = torch.cat([Z0, Z1])
    signs = torch.cat([torch.ones(len(Z0)) / len(Z0), -torch.ones(len(Z1)) / len(Z1)])
    gram = (-torch.cdist(Z, Z).square() / (2 * sigma**2)).exp()
    return signs.double() @ gram @ signs.double()


def cross_once(Z0, Z1, sigma):
    s = 2 * sigma**2
    return k(Z0, Z0, s) + k(Z1, Z1, s) - k(Z0, Z1, s)


def sigma_squared(Z0, Z1, sigma):
    return k(Z0, Z0, sigma**2) + k(Z1, Z1, sigma**2) - 2 * k(Z0, Z1, sigma**2)


def not_squared(Z0, Z1, sigma):
    s = 2 * sigma**2
    return k(Z0, Z0, s, 1) + k(Z1, Z1, s, 1) - 2 * k(Z0, Z1, s, 1)


def without_own(Z0, Z1, sigma):
    s, inside = 2 * sigma**2, 0.0
    for Z in (Z0, Z1):
        gram = (-torch.cdist(Z, Z).square() / s).exp().fill_diagonal_(0)
        inside += gram.sum() / (len(Z) * (len(Z) - 1))
    return inside - 2 * k(Z0, Z1, s)


def root_of_it(Z0, Z1, sigma):
    return mmd_pooled(Z0, Z1, sigma).sqrt()


def means_only(Z0, Z1, sigma):
    return (Z0.mean(0) - Z1.mean(0)).square().sum()


def gradients(W, X, y, groups, user, opponent):
    W = W.clone().requires_grad_()
    found = []
    for target, head in ((y, user), (groups, opponent)):
        [g] = torch.autograd.grad(log_loss(X @ W @ head, target.double()), W)
        found.append(g)
    return found


def step(W, X, y, groups, user, opponent, beta, lr):
    W = W.clone().requires_grad_()
    loss = log_loss(X @ W @ user, y.double())
    loss = loss - beta * log_loss(X @ W @ opponent, groups.double())
    loss.backward()
    return W.detach() - lr * W.grad


def sign_of_the_adversary(W, X, y, groups, user, opponent, beta, lr):
    g, h = gradients(W, X, y, groups, user, opponent)
    return W - lr * (g + beta * h)


def no_beta(W, X, y, groups, user, opponent, beta, lr):
    g, h = gradients(W, X, y, groups, user, opponent)
    return W - lr * (g - h)


def uphill(W, X, y, groups, user, opponent, beta, lr):
    g, h = gradients(W, X, y, groups, user, opponent)
    return W + lr * (g - beta * h)


def summed(W, X, y, groups, user, opponent, beta, lr):
    g, h = gradients(W, X, y, groups, user, opponent)
    return W - lr * len(X) * (g - beta * h)


def user_only(W, X, y, groups, user, opponent, beta, lr):
    return W - lr * gradients(W, X, y, groups, user, opponent)[0]


def xor(groups, coins):
    return torch.stack([coins, coins ^ groups], 1)


def read_xor(Z):
    return (Z[:, 0] != Z[:, 1]).long()


def agreement(groups, coins):
    return torch.stack([coins == groups, coins == 1], 1).long()


def read_bits(Z):
    return Z[:, 0] ^ Z[:, 1] ^ 1


def read_both(Z):
    return torch.stack([read_xor(Z), read_xor(Z)], 1)


def read_agreement(Z):
    return torch.where(Z[:, 0] == 1, Z[:, 1], 1 - Z[:, 1])


def openly(groups, coins):
    return torch.stack([groups, coins], 1)


def only_coins(groups, coins):
    return torch.stack([coins, coins], 1)


def one_column(groups, coins):
    return coins ^ groups


WRONG = {
    "05.1": [
        ("softmax over people", [over_people], "over the people"),
        ("the minus forgotten", [no_minus], "Where is the minus"),
        ("α forgotten", [no_alpha], "weights α"),
        ("distance not squared", [rooted], "no root"),
    ],
    "05.2": [
        ("no guess", [None, mmd_pooled], "far is still empty"),
        ("cross term once", [2, cross_once], "count twice"),
        ("σ² for 2 σ²", [2, sigma_squared], "not by σ²"),
        ("distance not squared", [2, not_squared], "squared in the kernel"),
        ("pairs with oneself left out", [2, without_own], "with itself too"),
        ("the root", [2, root_of_it], "no root is taken"),
        ("means only", [2, means_only], "distance of the means"),
    ],
    "05.3": [
        ("sign of the adversary's gradient", [sign_of_the_adversary], "helped its"),
        ("β forgotten", [no_beta], "β is missing"),
        ("uphill", [uphill], "uphill"),
        ("sums in place of means", [summed], "means over the people"),
        ("the user's loss only", [user_only], "Only the user's"),
    ],
    "05.4": [
        ("the group as a column", [openly, read_xor], "tells the group by itself"),
        ("nothing hidden", [only_coins, read_xor], "reveal names the group"),
        ("one column", [one_column, read_xor], "two columns"),
        ("a table for a column", [xor, read_both], "one group for each person"),
        ("the wrong reader", [xor, read_agreement], "reveal names the group"),
    ],
}
RIGHT = {
    "05.1": [by_cdist],
    "05.2": [1, mmd_pooled],
    "05.3": [step],
    "05.4": [agreement, read_bits],
}
