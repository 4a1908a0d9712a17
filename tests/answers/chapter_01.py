"""Exercise 01: plausible mistakes with what must be said, and second right answers."""

import math

import torch


def counts(y, y_hat, own):
    tp = int((own & (y == 1) & (y_hat == 1)).sum())
    fp = int((own & (y == 0) & (y_hat == 1)).sum())
    fn = int((own & (y == 1) & (y_hat == 0)).sum())
    tn = int((own & (y == 0) & (y_hat == 0)).sum())
    return tp, fp, fn, tn


def rates_by_counts(y, y_hat, groups, group):
    tp, fp, fn, tn = counts(y, y_hat, groups == group)
    return (
        (tp + fp) / (tp + fp + fn + tn),
        tp / (tp + fn),
        fp / (fp + tn),
        tp / (tp + fp),
    )


def of_everybody(y, y_hat, groups, group):
    return rates_by_counts(y, y_hat, torch.zeros_like(groups), 0)


def exchanged(y, y_hat, groups, group):
    a, b, c, d = rates_by_counts(y, y_hat, groups, group)
    return a, d, c, b


def false_discovery(y, y_hat, groups, group):
    a, b, _, d = rates_by_counts(y, y_hat, groups, group)
    return a, b, 1 - d, d


def of_the_group(y, y_hat, groups, group):
    a, b, _, d = rates_by_counts(y, y_hat, groups, group)
    tp, fp, fn, tn = counts(y, y_hat, groups == group)
    return a, b, fp / (tp + fp + fn + tn), d


def outcomes_exchanged(y, y_hat, groups, group):
    a, b, c, d = rates_by_counts(y, y_hat, groups, group)
    return a, c, b, d


def true_negative(y, y_hat, groups, group):
    a, b, c, d = rates_by_counts(y, y_hat, groups, group)
    return a, b, 1 - c, d


def fpr_by_table(p, v, t):
    positives, negatives = 1000 * p, 1000 * (1 - p)
    selected = positives * t / v
    return (selected - positives * t) / negatives


def odds_inverted(p, v, t):
    return (1 - p) / p * (1 - v) / v * t


def ppv_inverted(p, v, t):
    return p / (1 - p) * v / (1 - v) * t


def tpr_missing(p, v, t):
    return p / (1 - p) * (1 - v) / v


def of_all_people(p, v, t):
    return p * (1 - v) / v * t


def one_mean(p, groups):
    return torch.where(groups == 1, p[groups == 1].mean(), p)


def two_scores(p, groups):
    s, own = p.clone(), torch.nonzero(groups == 1)[:, 0]
    own = own[p[own].argsort(descending=True)]
    k = next(k for k in range(1, len(own) + 1) if p[own[:k]].mean() < 0.5)
    s[own[:k]] = p[own[:k]].mean()  # the others keep what is known of them
    return s


def nothing_changed(p, groups):
    return p.clone()


def always_zero(p, groups):
    return torch.where(groups == 1, 0.0, p)


def capped(p, groups):
    return torch.where(groups == 1, p.clamp(max=0.49), p)


def mean_of_all(p, groups):
    return torch.full_like(p, p[groups == 1].mean())


def by_search(scores, y, target):
    good = [
        t
        for t in scores.unique().tolist()
        if (scores[y == 1] >= t).double().mean() >= target
    ]
    return max(good)


def smallest(scores, y, target):
    return scores.min()


def nearly(scores, y, target):
    ranked = scores[y == 1].sort(descending=True).values
    return ranked[max(0, math.floor(target * len(ranked)) - 1)]


def closest(scores, y, target):
    def off(t):
        return abs((scores[y == 1] >= t).double().mean().item() - target)

    return min(scores.tolist(), key=lambda t: (off(t), -t))


def from_below(scores, y, target):
    ranked = scores[y == 1].sort().values
    return ranked[math.ceil(target * len(ranked)) - 1]


def strictly_above(scores, y, target):
    own = scores[y == 1]
    good = [t for t in scores.tolist() if (own > t).double().mean() >= target]
    return max(good, default=0.0)


def by_fpr(scores, y, target):
    return by_search(scores, 1 - y, target)


def by_selection(scores, y, target):
    return by_search(scores, torch.ones_like(y), target)


WRONG = {
    "01.1": [
        ("rates of everybody", [of_everybody], "not of the group"),
        ("TPR and PPV exchanged", [exchanged], "exchanged"),
        ("TPR and FPR exchanged", [outcomes_exchanged], "third are exchanged"),
        ("true negative rate for FPR", [true_negative], "decided *no*"),
        ("false discovery rate for FPR", [false_discovery], "decided yes"),
        ("FPR over the whole group", [of_the_group], "of the whole group"),
    ],
    "01.2": [
        ("no guess", [None, fpr_by_table], "guess is still empty"),
        ("odds of the base rate inverted", [3, odds_inverted], "odds of the base rate"),
        ("odds of PPV inverted", [3, ppv_inverted], "odds of v are upside down"),
        ("TPR missing", [3, tpr_missing], "true positive rate is missing"),
        ("a share of everybody", [3, of_all_people], "as a share of everybody"),
    ],
    "01.3": [
        ("nothing changed", [nothing_changed], "still decides yes"),
        ("zero for all", [always_zero], "not calibrated"),
        ("scores cut at .49", [capped], "not calibrated"),
        ("one mean for both groups", [mean_of_all], "changes scores of group 0"),
    ],
    "01.4": [
        ("the smallest threshold", [smallest], "Return the largest"),
        ("rows with outcome 0", [by_fpr], "*false* positive rate"),
        ("all rows", [by_selection], "selection rate"),
        ("rounded down", [nearly], "below the target"),
        ("the closest rate", [closest], "below the target"),
        ("sorted the wrong way", [from_below], "counted from below"),
        ("strictly above the threshold", [strictly_above], "should be"),
    ],
}
RIGHT = {
    "01.1": [rates_by_counts],
    "01.2": [3, fpr_by_table],
    "01.3": [two_scores],
    "01.4": [
        lambda s, y, target: float(
            s[y == 1]
            .sort()
            .values[len(s[y == 1]) - math.ceil(target * int(y.sum()) - 1e-9)]
        )
    ],
}
