"""Exercise 02: plausible mistakes with what must be said, and second right answers."""

import torch


def one_of_many(alpha, rounds):
    return 1 - (1 - alpha) ** rounds


def equal_share(alpha, rounds):
    return alpha / rounds


def exact_share(alpha, rounds):
    return 1 - (1 - alpha) ** (1 / rounds)


def no_round(alpha, rounds):
    return (1 - alpha) ** rounds


def sum_of_rounds(alpha, rounds):
    return alpha * rounds


def every_round(alpha, rounds):
    return alpha**rounds


def exactly_one(alpha, rounds):
    return rounds * alpha * (1 - alpha) ** (rounds - 1)


def a_word(*_):
    return "small"


def not_spread(alpha, rounds):
    return alpha


def too_strict(alpha, rounds):
    return alpha / rounds**2


def direction(Z, groups):
    return Z[groups == 1].mean(0) - Z[groups == 0].mean(0)


def with_projection_matrix(Z, groups):
    d = direction(Z, groups)
    P = torch.eye(len(d), dtype=Z.dtype) - torch.outer(d, d) / (d @ d)
    return (Z @ P).numpy()


def not_unit(Z, groups):
    d = direction(Z, groups)
    return Z - (Z @ d)[:, None] * d


def divided_once(Z, groups):
    d = direction(Z, groups)
    return Z - (Z @ d)[:, None] * d / d.norm()


def from_the_mean(Z, groups):
    return Z - other_part(Z - Z.mean(0), groups)


def own_means(Z, groups):
    means = torch.stack([Z[groups == group].mean(0) for group in (0, 1)])
    return Z - means[groups]


def centred(Z, groups):
    return Z - Z.mean(0)


def other_part(Z, groups):
    return Z - torch.as_tensor(with_projection_matrix(Z, groups))


def far_out(Z):
    return (Z.square().sum(1) > Z.square().sum(1).mean() * 0.6).long()


def near(Z):
    return 1 - far_out(Z)


def linear(Z):
    return (Z[:, 0] > 0).long()


def linear_far_out(Z):
    return (Z[:, 0] > 1.57).long()


def too_far_out(Z):
    return (Z.norm(dim=1) > Z.norm(dim=1).quantile(0.98)).long()


def constant(Z):
    return torch.ones(len(Z))


def by_interval(estimate, half_width, tolerance):
    ends = (estimate - half_width, estimate + half_width)
    tolerated = sum(end <= tolerance for end in ends)
    return ("violates", "undecided", "meets")[tolerated]


def by_estimate(estimate, half_width, tolerance):
    return "meets" if estimate <= tolerance else "violates"


def strict(estimate, half_width, tolerance):
    return "meets" if estimate + half_width <= tolerance else "violates"


def never_sure(estimate, half_width, tolerance):
    return "undecided"


def turned(estimate, half_width, tolerance):
    said = by_interval(estimate, half_width, tolerance)
    return {"meets": "violates", "violates": "meets"}.get(said, said)


WRONG = {
    "02.1": [
        ("no guess", [None, one_of_many, equal_share], "after_50 is still empty"),
        ("no round mistaken", [0.7, no_round, equal_share], "*no* round"),
        ("every round mistaken", [0.7, every_round, equal_share], "*every* round"),
        ("one round mistaken", [0.7, exactly_one, equal_share], "*exactly one*"),
        ("a word for alpha", [0.7, one_of_many, a_word], "one number"),
        ("chances added up", [0.7, sum_of_rounds, equal_share], "do not add up"),
        ("alpha not split", [0.7, one_of_many, not_spread], "more than alpha"),
        ("split twice", [0.7, one_of_many, too_strict], "too strict"),
    ],
    "02.2": [
        ("the direction has no unit length", [not_unit], "not length 1"),
        ("divided by the length once", [divided_once], "divided out once"),
        ("measured from the mean", [from_the_mean], "measures from 0"),
        ("each group's mean taken away", [own_means], "own mean"),
        ("the mean of all taken away", [centred], "as far apart as before"),
        ("the wrong part kept", [other_part], "Take that part away"),
    ],
    "02.3": [
        ("near and far exchanged", [near], "other way round"),
        ("a linear rule", [linear], "linear in Z"),
        ("the best linear cut", [linear_far_out], "linear in Z"),
        ("too far out", [too_far_out], "in the mean; it takes 65%"),
        ("a word", [a_word], "0 or 1 for each row"),
        ("the same for everybody", [constant], "the same of everybody"),
    ],
    "02.4": [
        ("the estimate decides", [by_estimate], "estimate alone"),
        ("everything not shown violates", [strict], "Not every gap"),
        ("always undecided", [never_sure], "wholly on one side"),
        ("sides exchanged", [turned], "sides are exchanged"),
    ],
}
RIGHT = {
    "02.1": [0.5, one_of_many, exact_share],
    "02.2": [with_projection_matrix],
    "02.3": [far_out],
    "02.4": [by_interval],
}
