"""Exercise 12: plausible mistakes with what must be said, and second right answers."""

import torch


def clean_with_mask(triplets):
    used = torch.zeros(int(triplets.max()) + 1, dtype=torch.bool)
    kept = []
    for triplet in triplets:
        if not used[triplet].any():
            kept.append(triplet)
            used[triplet] = True
    return torch.stack(kept).numpy()


def first_rows(triplets):
    seen, kept = set(), []
    for triplet in triplets.tolist():
        if triplet[0] not in seen:
            kept.append(triplet)
            seen.add(triplet[0])
    return torch.tensor(kept)


def never_shared(triplets):
    counts = torch.bincount(triplets.flatten())
    return triplets[(counts[triplets] == 1).all(1)]


def remembers_all(triplets):
    seen, kept = set(), []
    for triplet in triplets.tolist():
        if not seen & set(triplet):
            kept.append(triplet)
        seen |= set(triplet)
    return torch.tensor(kept)


def shrunk(W, c):
    factor = 2 * torch.linalg.svdvals(W)[0] / c
    return factor, W / factor


def only_the_head(W, c):
    return 1.0, W * c / torch.linalg.svdvals(W)[0]


def unchanged(W, c):
    return 1.0, W


def divided_twice(W, c):
    factor = c / torch.linalg.svdvals(W)[0]
    return factor, W * factor


def in_units_by_pdist(W, Z):
    return torch.linalg.svdvals(W)[0] * torch.pdist(Z).mean()


def constant_alone(W, Z):
    return torch.linalg.svdvals(W)[0]


def divided(W, Z):
    return torch.linalg.svdvals(W)[0] / torch.pdist(Z).mean()


def frobenius(W, Z):
    return W.norm() * torch.pdist(Z).mean()


def with_oneself(W, Z):
    return torch.linalg.svdvals(W)[0] * torch.cdist(Z, Z).mean()


def agreement(q, e):
    return e + q * (1 - 2 * e)


def turned_round(a, e):
    return (a - e) / (1 - 2 * e)


def both_right_only(q, e):
    return q * (1 - e)


def minus_errors(q, e):
    return q - e


def disagreement(q, e):
    return 1 - agreement(q, e)


def share_divided(a, e):
    return a / (1 - e)


WRONG = {
    "12.1": [
        ("looks at the first rows only", [first_rows], "Only the first row"),
        ("drops both of two that share", [never_shared], "One of the two"),
        ("a dropped one takes its rows away", [remembers_all], "not kept"),
    ],
    "12.2": [
        (
            "other decisions",
            [only_the_head, in_units_by_pdist],
            "changes what the head",
        ),
        ("nothing done", [unchanged, in_units_by_pdist], "should be at most c"),
        ("factor upside down", [divided_twice, in_units_by_pdist], "changes what"),
        ("the constant alone", [shrunk, constant_alone], "constant alone"),
        ("divided by the mean distance", [shrunk, divided], "*divided*"),
        ("Frobenius norm", [shrunk, frobenius], "Frobenius"),
        ("pairs with oneself", [shrunk, with_oneself], "distance to themselves"),
    ],
    "12.3": [
        ("no guess", [None, agreement, turned_round], "seen is still empty"),
        ("both wrong forgotten", [0.9, both_right_only, turned_round], "*both* wrong"),
        ("errors taken off", [0.9, minus_errors, turned_round], "does not always"),
        ("disagreement", [0.9, disagreement, turned_round], "chance to disagree"),
        ("only divided", [0.9, agreement, share_divided], "divided out"),
        ("not turned round", [0.9, agreement, agreement], "turn it round"),
    ],
}
RIGHT = {
    "12.1": [clean_with_mask],
    "12.2": [shrunk, in_units_by_pdist],
    "12.3": [0.5, agreement, turned_round],
}
