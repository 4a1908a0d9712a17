"""Exercise 03: plausible mistakes with what must be said, and second right answers."""

import numpy as np
import torch


def by_strata(y_hat, groups, strata):
    found = []
    for s in strata.unique():
        here = strata == s
        rates = [y_hat[here & (groups == g)].double().mean() for g in (0, 1)]
        weights = [int(here.sum()), int((here & (groups == 1)).sum())]
        found.append((float(rates[1] - rates[0]), *weights))
    return found


def standardised(y_hat, groups, strata):
    found = by_strata(y_hat, groups, strata)
    return sum(gap * size for gap, size, _ in found) / len(y_hat)


def raw(y_hat, groups, strata):
    return y_hat[groups == 1].double().mean() - y_hat[groups == 0].double().mean()


def unweighted(y_hat, groups, strata):
    found = by_strata(y_hat, groups, strata)
    return sum(gap for gap, _, _ in found) / len(found)


def by_group_1(y_hat, groups, strata):
    found = by_strata(y_hat, groups, strata)
    return sum(gap * own for gap, _, own in found) / int((groups == 1).sum())


def regression(y_hat, groups, strata):
    total = weights = 0.0
    for s in strata.unique():
        here = strata == s
        share = (groups[here] == 1).double().mean()
        weight = float(here.sum() * share * (1 - share))
        total += weight * float(raw(y_hat[here], groups[here], None))
        weights += weight
    return total / weights


def sign(y_hat, groups, strata):
    return -standardised(y_hat, groups, strata)


def reversal(rates):
    return [[10, 990], [990, 10]]


def alike(rates):
    return [[100, 100], [100, 100]]


def wrong_way(rates):
    return [[990, 10], [10, 990]]


def rates_back(rates):
    return rates


def in_words(rates):
    return "ten of each"


def too_few(rates):
    return [[1, 1000], [1000, 1]]


def weak(rates):
    return [[90, 170], [170, 90]]


def single(y_hat, A):
    return [
        abs(
            float(
                y_hat[A[:, j] == 1].double().mean()
                - y_hat[A[:, j] == 0].double().mean()
            )
        )
        for j in (0, 1)
    ]


def rates_inside(y_hat, A):
    code = 2 * A[:, 0] + A[:, 1]
    return {int(k): float(y_hat[code == k].double().mean()) for k in code.unique()}


def both(y_hat, A):
    inside = rates_inside(y_hat, A).values()
    return max(single(y_hat, A)), max(inside) - min(inside)


def empty_as_zero(y_hat, A):
    rates = rates_inside(y_hat, A)
    inside = [rates.get(k, 0.0) for k in range(4)]
    return max(single(y_hat, A)), max(inside) - min(inside)


def with_everybody(y_hat, A):
    mean = float(y_hat.double().mean())
    inside = rates_inside(y_hat, A).values()
    return max(single(y_hat, A)), max(abs(rate - mean) for rate in inside)


def exchanged(y_hat, A):
    return both(y_hat, A)[::-1]


def one_attribute(y_hat, A):
    return single(y_hat, A)[0], both(y_hat, A)[1]


def signed(y_hat, A):
    gaps = [
        float(y_hat[A[:, j] == 1].double().mean() - y_hat[A[:, j] == 0].double().mean())
        for j in (0, 1)
    ]
    return max(gaps), both(y_hat, A)[1]


def mean_of_attributes(y_hat, A):
    return sum(single(y_hat, A)) / 2, both(y_hat, A)[1]


def as_tensor(y_hat, A):
    return torch.tensor(both(y_hat, A))


def golden(prefers):
    low, high = 0.0, 1.0
    for _ in range(15):
        a, b = low + 0.382 * (high - low), low + 0.618 * (high - low)
        low, high = (low, b) if prefers(a, b) else (a, high)
    return np.float32((low + high) / 2)


def halving(prefers):
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (low, middle) if prefers(low, high) else (middle, high)
    return (low + high) / 2


def quarters(prefers):
    low, high = 0.0, 1.0
    for _ in range(12):
        middle, quarter = (low + high) / 2, (high - low) / 4
        left = prefers(middle - quarter, middle + quarter)
        low, high = (low, middle) if left else (middle, high)
    return (low + high) / 2


def grid(prefers):
    best = 0.0
    for k in range(1, 101):
        if not prefers(best, k / 100):
            best = k / 100
    return best


def coarse_grid(prefers):
    best = 0.0
    for k in range(1, 21):
        if not prefers(best, k / 20):
            best = k / 20
    return best


def wrong_piece(prefers):
    low, high = 0.0, 1.0
    for _ in range(15):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (a, high) if prefers(a, b) else (low, b)
    return (low + high) / 2


WRONG = {
    "03.1": [
        ("the raw gap", [raw], "raw gap"),
        ("all strata alike", [unweighted], "same weight"),
        ("weights of one group", [by_group_1], "group 1 alone"),
        ("the coefficient of a regression", [regression], "coefficient of a reg"),
        ("the sign", [sign], "sign is turned"),
    ],
    "03.2": [
        ("people spread evenly", [alike], "still ahead"),
        ("the wrong way round", [wrong_way], "still ahead"),
        ("rates in place of people", [rates_back], "whole numbers of people"),
        ("words", [in_words], "whole numbers of people"),
        ("a stratum nearly empty", [too_few], "fewer than 10"),
        ("too weak", [weak], "less than 20 points"),
    ],
    "03.3": [
        ("no guess", [None, both], "inside_gap is still empty"),
        ("an empty group has the rate 0", [1, empty_as_zero], "group of nobody"),
        ("compared with everybody", [1, with_everybody], "rate of everybody"),
        ("the two exchanged", [1, exchanged], "exchanged"),
        ("one attribute only", [1, one_attribute], "only one of the two"),
        ("a gap with a sign", [1, signed], "has a sign"),
        ("the mean of two gaps", [1, mean_of_attributes], "mean of both"),
    ],
    "03.4": [
        ("every hundredth", [grid], "questions; 30 are allowed"),
        ("every twentieth", [coarse_grid], "within .01"),
        ("halving, by the ends", [halving], "Half of the interval"),
        ("halving, by the quarters", [quarters], "Half of the interval"),
        ("the wrong piece kept", [wrong_piece], "the favourite was"),
    ],
}
RIGHT = {
    "03.1": [standardised],
    "03.2": [reversal],
    "03.3": [0.5, as_tensor],
    "03.4": [golden],
}
