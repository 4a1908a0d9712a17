"""Chapter 03: conditional gaps, a reversal, intersections, asking for a trade-off."""

from functools import partial

import torch

from .compare import as_numbers
from .task import task
from .trial import Trial


def _rate(y_hat, among):
    kept = [v for v, a in zip(y_hat.tolist(), among.tolist(), strict=True) if a]
    return sum(kept) / len(kept)


def _strata_case(trial, n, num_strata):
    groups, strata = trial.groups(n), trial.integers(num_strata, n)
    for stratum in range(num_strata):  # somebody of each group in each
        groups[2 * stratum : 2 * stratum + 2] = torch.tensor([0, 1])
        strata[2 * stratum : 2 * stratum + 2] = stratum
    y_hat = trial.integers(2, n)
    gaps, sizes, of_first, balanced = [], [], [], []
    for stratum in range(num_strata):
        here = strata == stratum
        rates = [_rate(y_hat, here & (groups == g)) for g in (0, 1)]
        gaps.append(rates[1] - rates[0])
        sizes.append(int(here.sum()))
        of_first.append(int((here & (groups == 1)).sum()))
        balanced.append(of_first[-1] * (sizes[-1] - of_first[-1]) / sizes[-1])
    want = sum(g * s for g, s in zip(gaps, sizes, strict=True)) / n
    mistakes = {
        "That is the raw gap, without the strata.": _rate(y_hat, groups == 1)
        - _rate(y_hat, groups == 0),
        "Every stratum got the same weight. Weigh each with its share of the people.": (
            sum(gaps) / num_strata
        ),
        "The weights are those of group 1 alone. Take the share of *all* people.": sum(
            g * s for g, s in zip(gaps, of_first, strict=True)
        )
        / sum(of_first),
        "That is the coefficient of a regression on the strata. It weighs most where "
        "both groups are equally many. Weigh with the share of the people.": sum(
            g * b for g, b in zip(gaps, balanced, strict=True)
        )
        / sum(balanced),
        "The sign is turned: group 1 minus group 0.": -want,
    }
    return want, {"y_hat": y_hat, "groups": groups, "strata": strata}, mistakes


@task(
    "03.1",
    "conditional_gap",
    read="Raw and conditional gaps",
    hints=(
        "First answer the question inside one stratum.",
        "In each stratum: the rate of group 1 minus that of group 0. Then the mean of "
        "these, weighted with the share of all people who are in the stratum.",
        "here = strata == s\nweight = here.double().mean()",
    ),
)
def conditional_gap(trial: Trial) -> None:
    """03.1: a gap among people who are alike in one respect."""
    for n, num_strata in ((8, 2), (12, 3), (300, 4)):
        trial.expect(*trial.telling(partial(_strata_case, trial, n, num_strata)))


@task(
    "03.2",
    "reverse",
    read="Raw and conditional gaps",
    hints=(
        "Where should the people of group 1 live: where much or where little is "
        "granted?",
        "The overall rate of a group is a weighted mean of its two rates. Put nearly "
        "all of group 1 where the rates are low, and of group 0 where they are high.",
        "counts = torch.tensor([[..., ...], [..., ...]])  # group by stratum",
    ),
)
def reverse(trial: Trial) -> None:
    """03.2: better in every stratum, worse overall."""
    for _ in range(5):
        low = 0.1 + 0.1 * trial.uniform(1).item()
        high = 0.7 + 0.1 * trial.uniform(1).item()
        rates = torch.tensor([[low, high], [low + 0.1, high + 0.1]]).double()
        given = {"rates": rates}
        counts = as_numbers(trial.call(given))
        trial.require(
            counts is not None
            and counts.shape == (2, 2)
            and bool((counts == counts.round()).all()),
            "should be whole numbers of people, (2, 2): group by stratum.",
            given,
        )
        trial.require(
            bool((counts >= 10).all()),
            "leaves a group with fewer than 10 people in a stratum.",
            given,
        )
        overall = [
            sum(
                r * c
                for r, c in zip(rates[g].tolist(), counts[g].tolist(), strict=True)
            )
            / counts[g].sum().item()
            for g in (0, 1)
        ]
        said = f"makes the overall rates {overall[0]:.2f} and {overall[1]:.2f}. "
        if overall[1] > overall[0]:
            said += "Group 1 is still ahead."
        else:
            said += "That is less than 20 points."
        trial.require(overall[0] - overall[1] >= 0.2, said, given)


def _gaps_case(trial, n, nobody_is_both):
    A, y_hat = trial.integers(2, n, 2), trial.integers(2, n)
    A[:6] = torch.tensor([[0, 0], [0, 1], [1, 0], [0, 0], [0, 1], [1, 0]])
    if nobody_is_both:
        A[6:][(A[6:] == 1).all(1)] = 0
    else:
        A[3] = 1
    signed = [_rate(y_hat, A[:, j] == 1) - _rate(y_hat, A[:, j] == 0) for j in (0, 1)]
    marginal = max(abs(gap) for gap in signed)
    rates, empty = [], []
    for first in (0, 1):
        for second in (0, 1):
            among = (A[:, 0] == first) & (A[:, 1] == second)
            rates += [_rate(y_hat, among)] if among.any() else []
            empty += [] if among.any() else [0.0]
    inside = max(rates) - min(rates)
    everybody = y_hat.double().mean().item()
    every = [*rates, *empty]
    mistakes = {
        "A group of nobody has no rate, and not the rate 0.": (
            marginal,
            max(every) - min(every),
        ),
        "The second compares with the rate of everybody. Compare the groups with each "
        "other.": (marginal, max(abs(rate - everybody) for rate in rates)),
        "The two are exchanged.": (inside, marginal),
        "The first takes only one of the two attributes.": (
            abs(signed[0]),
            inside,
        ),
        "The first has a sign. Take |rate of those with 1 − rate of those with 0| of "
        "each attribute, then the larger.": (max(signed), inside),
        "The first is the mean of both attributes. Take the larger.": (
            sum(abs(gap) for gap in signed) / 2,
            inside,
        ),
    }
    return (marginal, inside), {"y_hat": y_hat, "A": A}, mistakes


@task(
    "03.3",
    "inside_gap",
    "gaps",
    read="Fair on average, unfair inside",
    hints=(
        "Two attributes, each 0 or 1: how many groups are there, counted singly, and "
        "how many counted together?",
        "For the first number compare, for each column, the rates of 0 and 1. For the "
        "second, collect the rates of the combinations that somebody belongs to.",
        "combined = 2 * A[:, 0] + A[:, 1]\nfor group in combined.unique():",
    ),
)
def gaps(trial: Trial) -> None:
    """03.3: gaps of single attributes and of their combinations."""
    trial.prediction("inside_gap", 0, 1)
    for n, nobody_is_both in ((9, True), (12, True), (300, False)):
        draw = partial(_gaps_case, trial, n, nobody_is_both)
        trial.expect(*trial.telling(draw), name="gaps")
    half = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).repeat(3, 1)
    given = {"y_hat": (half.sum(1) == 1).long(), "A": half}
    trial.expect((0.0, 1.0), given, name="gaps", note="Yes where exactly one is 1.")


def _likes(peak, slope):
    """Return who prefers what, and how often they were asked."""
    asked = [0]

    def loss(t):
        return abs(t - peak) * (slope if t < peak else 1.0)

    def prefers(a, b):
        asked[0] += 1
        return loss(a) <= loss(b)

    return prefers, asked


def _halved(prefers, inward):
    """Return where a search ends that takes both sides to be liked alike."""
    low, high = 0.0, 1.0
    for _ in range(30):
        middle, half = (low + high) / 2, (high - low) / 2 * inward
        left = prefers(middle - half, middle + half)
        low, high = (low, middle) if left else (middle, high)
    return (low + high) / 2


@task(
    "03.4",
    "elicit",
    read="How strictly: asking for a metric",
    hints=(
        "Each answer should rule out as much as possible of what is still open.",
        "Of two points inside an interval with one peak: if the left is preferred, the "
        "peak is not to the right of the right one. Drop that piece, and ask again.",
        "left = low + (high - low) / 3\nright = high - (high - low) / 3",
    ),
)
def elicit(trial: Trial) -> None:
    """03.4: find a favourite trade-off by comparisons alone."""
    drawn = zip(trial.uniform(6), 0.3 + trial.uniform(6), strict=True)
    people = [(peak.item(), slope.item()) for peak, slope in drawn]
    for peak, slope in [(0.6, 0.3), (0.5, 0.7), (0.02, 1.2), (0.97, 0.5), *people]:
        prefers, asked = _likes(peak, slope)
        found = as_numbers(trial.call({"prefers": prefers}))
        questions = asked[0]
        number = found is not None and found.numel() == 1 and 0 <= found.item() <= 1
        trial.require(number, "elicit should return a number in [0, 1].")
        trial.require(
            questions <= 30, f"elicit asked {questions} questions; 30 are allowed."
        )
        said = (
            f"elicit returned {found.item():.3f}; the favourite was {peak:.3f}. Come "
            f"within .01 (it asked {questions} questions)."
        )
        if any(abs(found.item() - _halved(prefers, f)) < 0.01 for f in (0.5, 1.0)):
            said += (
                " Half of the interval was dropped after each answer. That takes for "
                "granted that of two trade-offs the nearer one is preferred, and on "
                "different sides of the favourite it need not be."
            )
        trial.require(abs(found.item() - peak) <= 0.01 + 1e-9, said)
