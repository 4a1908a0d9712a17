"""Exercise 06: plausible mistakes with what must be said, and second right answers."""

import torch


def shares(cells, groups):
    K = int(cells.max()) + 1
    return [
        torch.bincount(cells[groups == g], minlength=K) / (groups == g).sum()
        for g in (1, 0)
    ]


def half_l1(cells, groups):
    men, women = shares(cells, groups)
    return (men.double() - women.double()).abs().sum() / 2


def by_trying_rules(cells, groups):
    men, women = shares(cells, groups)
    order = (men - women).argsort(descending=True)
    gaps = (men - women)[order].double().cumsum(0)
    return gaps.max().clamp(min=0)


def whole_l1(cells, groups):
    return 2 * half_l1(cells, groups)


def best_cell(cells, groups):
    men, women = shares(cells, groups)
    return (men - women).max()


def of_everybody(cells, groups):
    men, women = shares(cells, groups)
    p = groups.double().mean()
    return (men * p - women * (1 - p)).clamp(min=0).sum()


def share_of_men(cells, groups):
    K = int(cells.max()) + 1
    men = torch.bincount(cells, weights=groups.double(), minlength=K)
    return men / torch.bincount(cells, minlength=K)


def over_all(cells, groups, new_cells):
    rule = share_of_men(cells, groups) > groups.double().mean()
    return rule.long()[new_cells]


def by_names(cells, groups, new_cells):
    mean = groups.double().mean()
    yes = {int(c) for c in cells.unique() if groups[cells == c].double().mean() > mean}
    return torch.tensor([c in yes for c in new_cells.tolist()])


def yes_to_strangers(cells, groups, new_cells):
    mean = groups.double().mean()
    no = {int(c) for c in cells.unique() if groups[cells == c].double().mean() <= mean}
    return torch.tensor([c not in no for c in new_cells.tolist()])


def over_half(cells, groups, new_cells):
    return (share_of_men(cells, groups) > 0.5).long()[new_cells]


def for_women(cells, groups, new_cells):
    return 1 - over_all(cells, groups, new_cells)


def one_cell(cells, groups, new_cells):
    return (new_cells == share_of_men(cells, groups).argmax()).long()


def shares_not_decisions(cells, groups, new_cells):
    return share_of_men(cells, groups)[new_cells]


def bound(p0, p1, gap):
    return max(abs(p0 - p1) - gap, 0)


def signed(p0, p1, gap):
    return p0 - p1 - gap


def below_zero(p0, p1, gap):
    return abs(p0 - p1) - gap


def added(p0, p1, gap):
    return abs(p0 - p1) + gap


def sum_by_groups(y, y_hat, groups):
    return sum(float((y != y_hat)[groups == g].double().mean()) for g in (0, 1))


def of_all(y, y_hat, groups):
    return (y != y_hat).double().mean()


def their_mean(y, y_hat, groups):
    return sum_by_groups(y, y_hat, groups) / 2


def accuracies(y, y_hat, groups):
    return 2 - sum_by_groups(y, y_hat, groups)


def cost(rz, gz, rx, gx, tau):
    fair_z = torch.where(gz <= tau, rz, torch.inf)
    return fair_z.min() - torch.where(gx <= tau, rx, torch.inf).min()


def no_limit(rz, gz, rx, gx, tau):
    return rz.min() - rx.min()


def turned(rz, gz, rx, gx, tau):
    return -cost(rz, gz, rx, gx, tau)


def smallest_gaps(rz, gz, rx, gx, tau):
    return rz[gz.argmin()] - rx[gx.argmin()]


def below_tau(rz, gz, rx, gx, tau):
    return rz[gz < tau].min() - rx[gx < tau].min()


def only_z(rz, gz, rx, gx, tau):
    return rz[gz <= tau].min() - rx.min()


WRONG = {
    "06.1": [
        ("the sum of all differences", [whole_l1], "twice over"),
        ("one cell only", [best_cell], "*single* cell"),
        ("shares of everybody", [of_everybody], "shares of everybody"),
    ],
    "06.2": [
        ("more than half men", [over_half], "most people are men in every cell"),
        ("women in place of men", [for_women], "in favour of men"),
        ("one cell only", [one_cell], "reach nine tenths"),
        ("no room for unseen cells", [over_all], "raised IndexError"),
        ("yes to unseen cells", [yes_to_strangers], "cells 2 and 5"),
        ("shares for decisions", [shares_not_decisions], "0 or 1"),
    ],
    "06.3": [
        ("no guess", [None, bound, sum_by_groups], "adult is still empty"),
        ("the sign of the difference", [0.2, signed, sum_by_groups], "not matter"),
        ("below zero", [0.2, below_zero, sum_by_groups], "at least 0"),
        ("the gap added", [0.2, added, sum_by_groups], "taken off"),
        ("errors of everybody", [0.2, bound, of_all], "of everybody"),
        ("the mean of the two", [0.2, bound, their_mean], "on the *sum*"),
        ("accuracies", [0.2, bound, accuracies], "*accuracies*"),
    ],
    "06.4": [
        ("no limit", [no_limit], "limit on the gap was left out"),
        ("the sign", [turned], "other way round"),
        ("the smallest gaps", [smallest_gaps], "smallest gaps"),
        ("below the limit, not at it", [below_tau], "exactly tau"),
        ("only one is held to it", [only_z], "Both are"),
    ],
}
RIGHT = {
    "06.1": [by_trying_rules],
    "06.2": [by_names],
    "06.3": [1, bound, sum_by_groups],
    "06.4": [cost],
}
