"""Chapter 02: many rounds, linear erasure, a reader it does not stop, verdicts."""

import torch

from .compare import as_numbers
from .task import task
from .trial import Trial


@task(
    "02.1",
    "after_50",
    "false_meets",
    "spread",
    read="Why auditing until it passes is no audit",
    hints=(
        "When does nobody notice? If not a single round says *meets* by mistake.",
        "The rounds are independent: multiply the chances that each is right. For the "
        "second function, ask which alpha makes a sum over the rounds at most alpha.",
        "all_right = (1 - alpha) ** rounds",
    ),
)
def false_meets(trial: Trial) -> None:
    """02.1: the chance that one of many rounds passes by mistake."""
    trial.prediction("after_50", 0, 1)
    cases = [(0.2, 2), (0.025, 10)]
    cases += [
        (0.01 + 0.2 * trial.uniform(1).item(), 2 + int(trial.integers(30)))
        for _ in range(3)
    ]
    for alpha, rounds in cases:
        none = 1.0
        for _ in range(rounds):
            none *= 1 - alpha
        mistakes = {
            "That is the chance that *no* round is mistaken.": none,
            "Chances of independent rounds do not add up: with enough rounds the sum "
            "is over 1.": alpha * rounds,
            "That is the chance that *every* round is mistaken.": alpha**rounds,
            "That is the chance that *exactly one* round is mistaken.": (
                rounds * alpha * none / (1 - alpha)
            ),
            "That is the chance that the *last* round is the first mistaken one.": (
                alpha * none / (1 - alpha)
            ),
        }
        given = {"alpha": alpha, "rounds": rounds}
        trial.expect(1 - none, given, mistakes, name="false_meets")
        each = as_numbers(trial.call(given, "spread"))
        trial.require(
            each is not None and each.ndim == 0 and bool(each.isfinite()),
            "spread should return one number.",
        )
        each = float(each)
        over = 1 - (1 - each) ** rounds
        where = f"spread(alpha = {alpha:.4g}, rounds = {rounds}) = {each:.4g}: "
        trial.require(
            each > 0 and over <= alpha + 1e-6,
            f"{where}over {rounds} rounds that makes {over:.3g}, more than alpha.",
        )
        trial.require(
            each >= alpha / rounds * (1 - 1e-6),
            f"{where}too strict; an equal share for each round is enough.",
        )


def _means(Z, groups):
    return torch.stack([Z[groups == group].mean(0) for group in (0, 1)])


@task(
    "02.2",
    "erase",
    read="Round 2: erase sex, linearly",
    hints=(
        "The two groups have different means. In which direction do they differ?",
        "Take away from each row its part along that direction. The part of a row z "
        "along a vector d of length 1 is (z · d) d.",
        "d = Z[groups == 1].mean(0) - Z[groups == 0].mean(0)\nd = d / d.norm()",
    ),
)
def erase(trial: Trial) -> None:
    """02.2: project out the difference of the groups' means."""
    for n, d in ((4, 2), (6, 3), (200, 5)):
        groups = trial.groups(n)
        while min(groups.bincount(minlength=2)) < 2:
            groups = trial.groups(n)
        shift = trial.normal(d) + 1
        Z = trial.normal(n, d) + groups[:, None] * shift
        between = _means(Z, groups)[1] - _means(Z, groups)[0]
        unit = between / between.square().sum().sqrt()
        want = torch.stack([z - (z @ unit) * unit for z in Z])
        mistakes = {
            "The direction has not length 1, and it was multiplied in twice.": (
                Z - (Z @ between)[:, None] * between
            ),
            "The direction came in twice, and its length was divided out once.": (
                Z - (Z @ between)[:, None] * unit
            ),
            "The part was measured from the mean; the formula measures from 0.": (
                Z - ((Z - Z.mean(0)) @ unit)[:, None] * unit
            ),
            "The part is gone, and the mean of all with it. Leave the rest of each row "
            "as it was.": want - want.mean(0),
            "The part was added, not taken away.": 2 * Z - want,
            "Each group's own mean was taken away. That needs the group of everybody "
            "who will ever come; erase a *direction* instead.": Z
            - _means(Z, groups)[groups],
            "The mean of all was taken away; the groups are as far apart as before.": Z
            - Z.mean(0),
            "Only what lies along the direction is left. Take that part away.": (
                Z - want
            ),
        }
        trial.expect(want, {"Z": Z, "groups": groups}, mistakes)


@task(
    "02.3",
    "read_group",
    read="Round 3: an adversary",
    hints=(
        "The means are the same. What else can differ between two clouds?",
        "Ask of each row how far it is from the middle. Where do you cut?",
        "far = Z.norm(dim=1)",
    ),
)
def read_group(trial: Trial) -> None:
    """02.3: what a linear eraser leaves behind."""
    for n, d in ((4000, 2), (6000, 6)):
        groups = trial.integers(2, n)
        Z = trial.normal(n, d) * (1 + 2 * groups[:, None])
        Z -= _means(Z, groups)[groups]
        guess = as_numbers(trial.call({"Z": Z}))
        trial.require(
            guess is not None
            and guess.shape == (n,)
            and set(guess.tolist()) <= {0.0, 1.0},
            "read_group should give 0 or 1 for each row, (n,).",
        )
        right = [(guess[groups == g] == g).double().mean().item() for g in (0, 1)]
        mean = sum(right) / 2
        said = f"read_group names {right[0]:.0%} of group 0 and {right[1]:.0%} of "
        said += f"group 1, {mean:.0%} in the mean; it takes 65%."
        if mean < 0.4:
            said += " The other way round it would be good."
        elif len(guess.unique()) == 1:
            said += " It says the same of everybody."
        else:
            said += " A cut that is linear in Z reaches 62% here at best."
        trial.require(mean >= 0.65, said)


@task(
    "02.4",
    "verdict",
    read="What the intervals promise",
    hints=(
        "What could the true gap be, if all you know is the interval?",
        "*meets* has to hold for every gap in the interval, and so has *violates*.",
        "lower, upper = estimate - half_width, estimate + half_width",
    ),
)
def verdict(trial: Trial) -> None:
    """02.4: meets, violates, or undecided."""
    cases = [(0.05, 0.02, 0.1), (0.15, 0.02, 0.1), (0.09, 0.02, 0.1), (0.11, 0.02, 0.1)]
    for _ in range(30):
        estimate, half, tolerance = (0.2 * trial.uniform(3)).tolist()
        cases.append((estimate, half / 2, tolerance))
    for estimate, half_width, tolerance in cases:
        far = abs(estimate - tolerance)
        if abs(far - half_width) < 1e-6:
            continue
        side = "meets" if estimate < tolerance else "violates"
        want = side if far > half_width else "undecided"
        given = {
            "estimate": estimate,
            "half_width": half_width,
            "tolerance": tolerance,
        }
        mistakes = {
            "The estimate alone decides nothing: the interval reaches over the "
            "tolerance.": side if want == "undecided" else None,
            "Not every gap in the interval would say so.": (
                {"meets": "violates", "violates": "meets"}[side]
                if want == "undecided"
                else None
            ),
            "The interval lies wholly on one side of the tolerance: that is a "
            "verdict.": "undecided",
            "The sides are exchanged: small gaps are wanted.": (
                {"meets": "violates", "violates": "meets"}.get(want)
            ),
        }
        trial.expect(want, given, mistakes)
