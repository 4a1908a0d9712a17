"""Chapter 04: exact intervals, what intervals cover, probes, learning from reports."""

import math
from functools import cache, partial

import torch

from .compare import as_numbers
from .task import task
from .trial import Trial

EPS = 1e-9


def _tail(k, n, p):
    """Return P(X ≥ k) of n draws with the chance p, term by term."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


def _solve(rises):
    """Return where a rising condition becomes true between 0 and 1."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rises(middle) else (middle, high)
    return (low + high) / 2


@cache
def _exact(k, n, delta):
    """Return the Clopper–Pearson interval by bisection on binomial tails."""
    lower = 0.0 if k == 0 else _solve(lambda p: _tail(k, n, p) >= delta / 2)
    upper = 1.0
    if k < n:
        upper = _solve(lambda p: 1 - _tail(k + 1, n, p) <= delta / 2)
    return lower, upper


def _z(delta):
    return math.sqrt(2) * torch.erfinv(torch.tensor(1.0 - delta).double()).item()


def _wald(k, n, delta):
    rate = k / n
    half = _z(delta) * math.sqrt(rate * (1 - rate) / n)
    return rate - half, rate + half


def _score(k, n, delta):
    rate, share = k / n, _z(delta) ** 2 / n
    middle = (rate + share / 2) / (1 + share)
    half = math.sqrt(rate * (1 - rate) * share + share**2 / 4) / (1 + share)
    return middle - half, middle + half


@task(
    "04.1",
    "exact_interval",
    read="Which interval?",
    hints=(
        "For which p would it be strange to see as many as k? For which, as few?",
        "The lower end is the p at which k or more come with the chance delta / 2; the "
        "upper end that at which k or fewer do. A quantile of a beta distribution, or "
        "bisection, finds them. Think of k = 0 and k = n.",
        "lower = beta.ppf(delta / 2, k, n - k + 1)  # from scipy.stats, for k > 0",
    ),
)
def exact_interval(trial: Trial) -> None:
    """04.1: the interval of Clopper and Pearson."""
    cases = [(1, 4, 0.05), (0, 5, 0.05), (6, 6, 0.1), (3, 20, 0.01)]
    cases += [
        (int(trial.integers(n)), n, 0.02 + 0.2 * trial.uniform(1).item())
        for n in (10, 40, 60)
    ]
    for k, n, delta in cases:
        one, wald = _exact(k, n, 2 * delta), _wald(k, n, delta)
        mistakes = {
            "That is Wald's interval, estimate ± z standard errors.": wald,
            "That is Wald's interval, cut off at 0 and 1.": (
                max(wald[0], 0.0),
                min(wald[1], 1.0),
            ),
            "That is the score interval, which is not the exact one.": _score(
                k, n, delta
            ),
            "The ends are exchanged.": _exact(k, n, delta)[::-1],
            "Each end may miss with delta / 2; these may miss with delta each.": one,
            "At k = 0 the interval begins at 0, and at k = n it ends at 1.": tuple(
                math.nan if end in (0.0, 1.0) else end for end in _exact(k, n, delta)
            ),
        }
        given = {"k": k, "n": n, "delta": delta}
        trial.expect(_exact(k, n, delta), given, mistakes, tolerance=1e-5)


def _binomial(n, p):
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def _coverage_case(trial, n):
    p = 0.03 + 0.4 * trial.uniform(1).item()
    width = 0.1 + 0.2 * trial.uniform(1).item()

    def interval(k, n):
        return k / n - width, k / n + width

    chances = _binomial(n, p)
    holds = [k / n - width <= p <= k / n + width for k in range(n + 1)]
    want = sum(c for c, h in zip(chances, holds, strict=True) if h)
    mistakes = {
        "Not all counts are equally likely. Weigh each with its chance.": sum(holds)
        / (n + 1),
        "That is the chance to miss.": 1 - want,
        "The number of samples with k of n is part of the chance.": sum(
            p**k * (1 - p) ** (n - k) for k in range(n + 1) if holds[k]
        ),
    }
    return want, {"interval": interval, "n": n, "p": p}, mistakes


def _everything(k, n):
    return 0.0, 1.0


def _a_quarter_around(k, n):
    return k / n - 0.25, k / n + 0.25


@task(
    "04.2",
    "wald",
    "coverage",
    read="Which interval?",
    hints=(
        "There are only n + 1 samples that differ: 0 of n, 1 of n, and so on.",
        "For each k ask whether the interval holds p, and add up the chances of those "
        "for which it does.",
        "chance = math.comb(n, k) * p**k * (1 - p) ** (n - k)",
    ),
)
def coverage(trial: Trial) -> None:
    """04.2: how often an interval holds the truth, as a sum."""
    trial.prediction("wald", 0, 1)
    for n in (3, 6, 40):
        trial.expect(*trial.telling(partial(_coverage_case, trial, n)))
    p = 0.2 + 0.6 * trial.uniform(1).item()
    given = {"interval": _everything, "n": 3, "p": p}
    mistakes = {
        "The count n is left out.": 1 - p**3,
        "The count 0 is left out.": 1 - (1 - p) ** 3,
    }
    why = "Every interval reaches from 0 to 1, and holds every p."
    trial.expect(1.0, given, mistakes, note=why)
    given = {"interval": _a_quarter_around, "n": 4, "p": 0.25}
    chances = _binomial(4, 0.25)
    mistakes = {"An interval that ends exactly at p holds it, too.": chances[1]}
    why = "The intervals are k / 4 ± 1 / 4."
    trial.expect(sum(chances[:3]), given, mistakes, note=why)


def _nearest(z, groups):
    """Train a probe that names the group of the nearest person it knows."""

    def guess(z_new):
        return groups[torch.cdist(z_new, z).argmin(1)]

    return guess


def _by_means(z, groups):
    """Train a probe that names the group whose mean is nearer."""
    means = torch.stack([z[groups == g].mean(0) for g in (0, 1)])
    return lambda z_new: torch.cdist(z_new, means).argmin(1)


def _larger(z, groups):
    """Train a probe that always names the larger group."""
    return lambda z_new: torch.full((len(z_new),), groups.double().mean().round())


def _ends(guess, groups, each):
    """Return the exact interval for the share of each group that is recognised."""
    counts = ([0, 0], [0, 0])
    for said, true in zip(guess.tolist(), groups.tolist(), strict=True):
        counts[true][0] += said == true
        counts[true][1] += 1
    return [_exact(k, m, each) for k, m in counts]


def _mean_of(ends):
    return tuple(sum(end[i] for end in ends) / 2 for i in (0, 1))


def _probe_case(trial, n, probes):
    """Return a case in which the nearest neighbour learns its rows by heart."""
    groups = torch.cat([trial.groups(n), trial.groups(n)])
    groups[:4] = groups[n : n + 4] = torch.tensor([0, 0, 1, 1])
    z = trial.normal(2 * n, 2) + groups[:, None]
    train, audit = torch.arange(n), n + torch.arange(n)
    everybody, delta = torch.arange(2 * n), 0.1
    each = delta / (2 * len(probes))

    def intervals(learned=train, scored=audit, each=each, ends=_mean_of):
        return [
            ends(
                _ends(
                    probe(z[learned], groups[learned])(z[scored]), groups[scored], each
                )
            )
            for probe in probes
        ]

    plain = []
    for probe in probes:
        right = probe(z[train], groups[train])(z[audit]) == groups[audit]
        plain.append(_exact(int(right.sum()), n, delta / len(probes)))
    mistakes = {
        "The probes were scored on the rows that they were trained on. What is learned "
        "by heart is no leak that anybody else could use.": intervals(scored=train),
        "The probes were trained on the audit rows, too.": intervals(everybody),
        "Delta is not divided: all the intervals together miss more often.": intervals(
            each=delta
        ),
        "Delta is divided among the groups. There are several probes, too.": intervals(
            each=delta / 2
        ),
        "Delta is divided among the probes. Each has two shares.": intervals(
            each=delta / len(probes)
        ),
        "That is for the plain accuracy. A probe that names the larger group every "
        "time must not look good.": plain,
        "Those are the outer ends of both. The balanced accuracy is their mean.": (
            intervals(
                ends=lambda found: (min(e[0] for e in found), max(e[1] for e in found))
            )
        ),
    }
    given = {"probes": list(probes), "z": z, "groups": groups}
    given |= {"train": train, "audit": audit, "delta": delta}
    return intervals(), given, mistakes


@task(
    "04.3",
    "audit_probes",
    read="Audit a representation",
    hints=(
        "Which rows may a probe have seen? And how many intervals must hold together?",
        "Train each probe on some rows, and let it guess on the others. Find an exact "
        "interval for the share of each group that is recognised, all with an equal "
        "part of delta; then the means of the lower and of the upper ends.",
        "guess = probe(z[train], groups[train])(z[audit])\n"
        "k = int((guess[groups[audit] == g] == g).sum())",
    ),
)
def audit_probes(trial: Trial) -> None:
    """04.3: what several probes prove about leakage, on rows none has seen."""
    three = (_nearest, _by_means, _larger)
    for n in (8, 12, 60):
        draw = partial(_probe_case, trial, n, three)
        trial.expect(*trial.telling(draw, tries=60), tolerance=1e-5)


ASKED, CHANGED, REPORTED = 400, 60, 0.02


@task(
    "04.4",
    "game",
    read="Many rounds",
    hints=(
        "You do not know who belongs where. But after each change you are told whether "
        "it helped.",
        "Change one decision, ask, and keep the change if the report got better. The "
        "order does not matter.",
        "tried = y_hat.clone()\ntried[i] = 1 - tried[i]",
    ),
)
def game(trial: Trial) -> None:
    """04.4: a report that is asked again and again can be learned by heart."""
    n = 240
    order, asked = trial.permutation(n), [0]
    groups, y_hat = torch.zeros(n).long(), torch.zeros(n).long()
    groups[order[:120]] = 1
    y_hat[order[:78]] = y_hat[order[120:168]] = 1  # 65% of one group, 40% of the other

    def report(decisions):
        asked[0] += 1
        said = torch.as_tensor(decisions).double()
        men, women = (said[groups == g].mean().item() for g in (1, 0))
        return abs(men - women)

    before = report(y_hat)
    asked[0] = 0
    made = as_numbers(trial.call({"report": report, "y_hat": y_hat}))
    questions = asked[0]
    trial.require(
        made is not None and made.shape == (n,) and set(made.tolist()) <= {0.0, 1.0},
        "game should give one decision for each person, 0 or 1.",
    )
    trial.require(
        questions <= ASKED,
        f"game asked for {questions} reports; {ASKED} are allowed.",
    )
    changed = int((made != y_hat).sum())
    trial.require(
        changed <= CHANGED,
        f"game changes {changed} of {n} decisions; at most {CHANGED} may differ.",
    )
    after = report(made)
    trial.require(
        after <= REPORTED + EPS,
        f"game takes the reported gap from {before:.3f} to {after:.3f}; reach "
        f"{REPORTED}.",
    )
