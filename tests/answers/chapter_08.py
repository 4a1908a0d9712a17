"""Exercise 08: plausible mistakes with what must be said, and second right answers."""

import math

import torch

LN2 = math.log(2)


def right_bound(epsilon, M, cells, outcomes, n, delta):
    second = (math.log(4 ** (cells * outcomes)) - 2 * math.log(delta)) / n
    return epsilon + M * second**0.5


def cells_of_x(epsilon, M, cells, outcomes, n, delta):
    return right_bound(epsilon, M, cells, 1, n, delta)


def no_root(epsilon, M, cells, outcomes, n, delta):
    K = cells * outcomes
    return epsilon + M * (2 * K * LN2 + 2 * math.log(1 / delta)) / n


def delta_inverted(epsilon, M, cells, outcomes, n, delta):
    K = cells * outcomes
    return epsilon + M * math.sqrt((2 * K * LN2 + 2 * math.log(delta)) / n)


def no_ln2(epsilon, M, cells, outcomes, n, delta):
    K = cells * outcomes
    return epsilon + M * math.sqrt((2 * K + 2 * math.log(1 / delta)) / n)


def n_outside(epsilon, M, cells, outcomes, n, delta):
    K = cells * outcomes
    return epsilon + M * math.sqrt(2 * K * LN2 + 2 * math.log(1 / delta)) / n


def base_ten(epsilon, M, cells, outcomes, n, delta):
    K = cells * outcomes
    inside = 2 * K * math.log10(2) + 2 * math.log10(1 / delta)
    return epsilon + M * math.sqrt(inside / n)


def base_two(epsilon, M, cells, outcomes, n, delta):
    inside = 2 * cells * outcomes + 2 * math.log2(1 / delta)
    return epsilon + M * math.sqrt(inside / n)


def least(n, d, L, side=None, cells=None, outcomes=2):
    bounds = []
    for m in range(1, 201):
        epsilon = L * (side or math.sqrt(d)) / m
        K = outcomes * (cells or (lambda m: m**d))(m)
        bounds.append(epsilon + math.sqrt((2 * K * LN2 + 2 * math.log(20)) / n))
    return min(bounds)


def on_tensors(n, d, L):
    m = torch.arange(1, 201).double()
    K = 2 * m**d
    second = ((2 * K * LN2 + 2 * math.log(20)) / n).sqrt()
    return (L * d**0.5 / m + second).min()


def side_for_diameter(n, d, L):
    return least(n, d, L, side=1)


def added_pieces(n, d, L):
    return least(n, d, L, cells=lambda m: m * d)


def x_alone(n, d, L):
    return least(n, d, L, outcomes=1)


def coin(z, y, L, c):
    p = torch.clip(L * (z - c) + 0.5, 0, 1)
    return torch.where(y == 1, 1 - p, p).mean().item()


def decision(z, y, L, c):
    return ((z >= c) != y.bool()).double().mean()


def squared(z, y, L, c):
    return (y - (L * (z - c) + 0.5).clamp(0, 1)).square().mean()


def not_cut(z, y, L, c):
    return (y - (L * (z - c) + 0.5)).abs().mean()


def low_by_half(z, y, L, c):
    return (y - (L * (z - c)).clamp(0, 1)).abs().mean()


def by_cell(losses, cells):
    spans = [
        losses[cells == k].max() - losses[cells == k].min() for k in cells.unique()
    ]
    return max(spans)


def across_cells(losses, cells):
    return losses.max() - losses.min()


def mean_span(losses, cells):
    spans = [
        losses[cells == k].max() - losses[cells == k].min() for k in cells.unique()
    ]
    return torch.stack(spans).mean()


def largest_loss(losses, cells):
    return losses.max()


def nearest(z, y):
    def model(places):
        return y[(places[:, None] - z).abs().argmin(1)].double()

    return model


def constant(z, y):
    return lambda places: torch.full_like(places, y.double().mean())


def yes(z, y):
    return lambda places: torch.ones_like(places)


def only_known(z, y):
    known = dict(zip(z.tolist(), y.tolist(), strict=True))
    return lambda places: torch.tensor([float(known[p]) for p in places.tolist()])


def no_probability(z, y):
    def model(places):
        seen = (places[:, None] == z).any(1)
        return torch.where(seen, nearest(z, y)(places), 5.0)

    return model


def no_function(z, y):
    return y.double()


WRONG = {
    "08.1": [
        ("K cells of X in place of X × Y", [cells_of_x], "cells of X alone"),
        ("no root", [no_root], "root is missing"),
        ("delta upside down", [delta_inverted], "upside down"),
        ("ln 2 forgotten", [no_ln2], "2 K ln 2"),
        ("n outside the root", [n_outside], "under the root"),
        ("logarithms to the base 10", [base_ten], "the base 10"),
        ("logarithms to the base 2", [base_two], "the base 2"),
    ],
    "08.2": [
        ("no guess", [None, on_tensors], "first_d is still empty"),
        ("the side for the diameter", [6, side_for_diameter], "diameter of a cube"),
        ("pieces added up", [6, added_pieces], "power of d"),
        ("K cells of X in place of X × Y", [6, x_alone], "two outcomes"),
    ],
    "08.3": [
        ("the error of decisions", [decision], "decision p"),
        ("the squared error", [squared], "squared"),
        ("p not cut off", [not_cut], "is a probability"),
        ("p too low by one half", [low_by_half], "one half there"),
    ],
    "08.4": [
        ("across cells", [across_cells, nearest], "*different* cells"),
        ("the mean over cells", [mean_span, nearest], "takes the worst"),
        ("the largest loss", [largest_loss, nearest], "not the largest difference"),
        ("one answer for all", [by_cell, yes], "should all be alike"),
        ("the mean for all", [by_cell, constant], "losses of the sample differ"),
        ("nothing for fresh people", [by_cell, only_known], "fresh people, raised Key"),
        ("p over 1", [by_cell, no_probability], "should give probabilities"),
        ("no function", [by_cell, no_function], "should return a function"),
    ],
}
RIGHT = {
    "08.1": [right_bound],
    "08.2": [10, on_tensors],
    "08.3": [coin],
    "08.4": [by_cell, nearest],
}
