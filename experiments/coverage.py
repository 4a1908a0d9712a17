"""How often the intervals hold the truth, over group sizes and rates.

    python experiments/coverage.py

Two groups' differences and ratios, the calibration gap, the largest difference of four
groups, consistency, differences of means, and all criteria of an audit at once. Writes
experiments/results/coverage.json, which chapter 04 quotes. About seven minutes on one
core; names of parts after the command compute these again and keep the others.
"""

import sys
import time

import numpy as np
import torch
from tqdm.auto import tqdm

from fairtutor.audit.coverage import Coverage, coverage, simulated
from fairtutor.audit.group import RATES, weighed
from fairtutor.audit.intervals import (
    bounded_mean,
    difference,
    exact_difference,
    exact_ratio,
    largest_difference_within,
    mean_difference,
    mean_interval,
    ratio,
    wilson,
)
from fairtutor.audit.intervals.baselines import (
    bootstrap_difference,
    bootstrap_ratio,
    wald_difference,
    wald_ratio,
)
from fairtutor.audit.resampling import max_t_alpha
from fairtutor.results import folder, load_result, save_result

COMMAND = "python experiments/coverage.py"
ALPHA = 0.05
DRAWS = 10_000  # where there are too many samples to sum over
SIZES = (20, 50, 100, 200, 500, 1000, 2000, 5000, 20_000)
RATES_TRIED = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
LARGEST = 20_000
GAP = 0.1
# Of the second group: how many times as large, and whether its rate differs.
VARIANTS = ((1, False), (1, True), (10, False), (10, True))
ENOUGH = 10  # expected events and non-events, from which score methods are judged

DIFFERENCES = {
    "exact": exact_difference,
    "score": difference,
    "Wald": wald_difference,
    "bootstrap": bootstrap_difference,
}
RATIOS = {
    "exact": exact_ratio,
    "score": ratio,
    "Wald": wald_ratio,
    "bootstrap": bootstrap_ratio,
}

SOME_SIZES = (20, 100, 500, 2000, LARGEST)
SOME_RATES = (0.01, 0.05, 0.2, 0.5)
VALUES = 4_000_000  # at most, drawn for one setting of a mean


def second_group(n: int, p: float, variant: tuple[int, bool]) -> tuple[int, float]:
    times, gap = variant
    shifted = p + GAP if p < 0.5 else p - GAP
    return min(times * n, LARGEST), shifted if gap else p


def settings() -> list[tuple[tuple[int, int], tuple[float, float]]]:
    """Return (n₁, n₂) and (p₁, p₂), by variant, size and rate."""
    return [
        ((n, second_group(n, p, variant)[0]), (p, second_group(n, p, variant)[1]))
        for variant in VARIANTS
        for n in SIZES
        for p in RATES_TRIED
    ]


def enough(n: tuple[int, int], p: tuple[float, float]) -> bool:
    return all(m * min(q, 1 - q) >= ENOUGH for m, q in zip(n, p, strict=True))


def summary(found: list[Coverage], counted: list[bool]) -> dict:
    """Return what the chapter quotes of one method; ``counted``: with enough events."""
    covered = np.array([point.covered for point in found])
    width = np.array([point.width for point in found])
    worst = int(covered.argmin())
    counted = np.array(counted)
    # A ratio's median width is infinite where most samples have no event at all.
    return {
        "least": covered[worst],
        "least_standard_error": found[worst].standard_error,
        "least_beyond_error": min(p.covered + 3 * p.standard_error for p in found),
        "mean": covered.mean(),
        "mean_width": finite(width.mean()),
        "mean_with_enough": covered[counted].mean(),
        "least_with_enough": covered[counted].min(),
        "mean_width_with_enough": width[counted].mean(),
    }


def finite(number: float) -> float | None:
    """Return the number, or nothing for infinity, which JSON does not have."""
    return float(number) if np.isfinite(number) else None


def two_groups(methods: dict, compare) -> dict:
    points = settings()
    counted = [enough(*point) for point in points]
    shape = (len(VARIANTS), len(SIZES), len(RATES_TRIED))
    result = {}
    for name, interval in methods.items():
        found = []
        for seed, (n, p) in enumerate(tqdm(points, desc=name, unit="setting")):
            options = {"compare": compare, "draws": DRAWS, "seed": seed}
            found.append(coverage(interval, n, p, ALPHA, **options))
        result[name] = summary(found, counted) | {
            key: np.reshape([finite(getattr(f, key)) for f in found], shape).tolist()
            for key in ("covered", "standard_error", "width")
        }
    return result


# Several groups, or several bins: the largest difference of pairs.


def largest_by_pairs(k, n, limits) -> tuple[np.ndarray, np.ndarray]:
    """Largest lower and upper limit over pairs of tables (draws, tables, groups)."""
    first, second = np.triu_indices(k.shape[-1], 1)
    low, high = limits((k[..., first], n), (k[..., second], n))
    axes = tuple(range(1, low.ndim))
    return (
        np.maximum(0, np.maximum(low, -high).max(axes)),
        np.maximum(0, np.maximum(high, -low).max(axes)),
    )


def bootstrap_largest(k, n, resamples=500, seed=1) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap of max − min, largest over tables."""
    random, limits = np.random.default_rng(seed), []
    for table in k:
        p = random.binomial(n, table / n, (resamples, *table.shape)) / n
        gaps = (p.max(-1) - p.min(-1)).max(-1)
        limits.append(np.quantile(gaps, (ALPHA / 2, 1 - ALPHA / 2)))
    return tuple(np.array(limits).T)


def largest(shares: np.ndarray, n: int, draws: int, seed: int) -> dict:
    """Coverage of each method for tables of shares (tables, groups), n each."""
    k = np.random.default_rng(seed).binomial(n, shares, (draws, *shares.shape))
    truth = (shares.max(-1) - shares.min(-1)).max()
    found = {}
    for method in ("exact", "score"):
        limits = [
            largest_difference_within(
                [[(int(c), n) for c in groups] for groups in tables],
                ALPHA,
                method=method,
            )
            for tables in k
        ]
        found[method] = simulated(*np.array(limits).T, truth)
    wald = largest_by_pairs(k, n, lambda a, b: wald_difference(a, b, ALPHA))
    found["Wald"] = simulated(*wald, truth)
    found["bootstrap"] = simulated(*bootstrap_largest(k, n), truth)
    return found


def largest_differences(kind: str, draws: int = 400) -> dict:
    """Four groups in one table, or two groups in five score bins."""
    points = [
        {"n": n, "p": p, "gap": gap}
        for n in (50, 500, LARGEST)
        for p in (0.05, 0.2, 0.4)
        for gap in (0.0, 0.05, 0.2)
    ]
    found = []
    for seed, point in enumerate(tqdm(points, desc=kind, unit="setting")):
        n, p, gap = point.values()
        if kind == "calibration_gap":
            shares = np.array([[q, q] for q in (0.1, 0.3, 0.5, 0.7, p)])
            shares[-1, 1] += gap
        else:
            shares = np.array([[p, p + gap / 2, p + gap / 2, p + gap]])
        found.append(largest(shares, n, draws, seed))
    counted = [point["n"] * min(point["p"], 0.1) >= ENOUGH for point in points]
    return {"settings": points, "draws": draws} | {
        method: summary([point[method] for point in found], counted)
        | {
            key: [getattr(point[method], key) for point in found]
            for key in ("covered", "standard_error", "width")
        }
        for method in found[0]
    }


# Means.


def consistency_values(random, shape, p) -> np.ndarray:
    """Terms: 1, and with chance p one of 0, .2 … .8 (five neighbours)."""
    other = random.integers(0, 5, shape) / 5
    return np.where(random.random(shape) < p, other, 1.0)


def beta_values(random, shape, p) -> np.ndarray:
    """Probabilities around p, as a model of middling certainty gives them."""
    return random.beta(5 * p, 5 * (1 - p), shape)


def wald_of_mean(mean, variance) -> tuple[np.ndarray, np.ndarray]:
    half = 1.959964 * np.sqrt(variance)
    return mean - half, mean + half


def resampled_means(x: np.ndarray, seed: int, resamples: int = 500) -> np.ndarray:
    """Bootstrap means, (draws, resamples): each resample weighs the rows anew."""
    n = x.shape[1]
    weights = np.random.default_rng(seed).multinomial(n, [1 / n] * n, resamples)
    return x @ (weights.T / n)


def hoeffding(x: np.ndarray, alpha: float) -> np.ndarray:
    means = x.mean(1)
    return np.array([bounded_mean(mean, x.shape[1], alpha) for mean in means]).T


def consistency(n: int, p: float, draws: int, seed: int) -> dict:
    x = consistency_values(np.random.default_rng(seed), (draws, n), p)
    boot = np.quantile(resampled_means(x, seed), (ALPHA / 2, 1 - ALPHA / 2), axis=1)
    limits = {
        "exact (Hoeffding)": hoeffding(x, ALPHA),
        "exact (betting)": mean_interval(torch.from_numpy(x), ALPHA),
        "Wald": wald_of_mean(x.mean(1), x.var(1, ddof=1) / n),
        "bootstrap": boot,
    }
    return {name: simulated(*found, 1 - 0.6 * p) for name, found in limits.items()}


def mean_differences(n: int, p: float, draws: int, seed: int) -> dict:
    random, m = np.random.default_rng(seed), min(2 * n, LARGEST)
    q = p + GAP if p < 0.5 else p - GAP
    x, y = beta_values(random, (draws, n), p), beta_values(random, (draws, m), q)
    (lx, ux), (ly, uy) = hoeffding(x, ALPHA / 2), hoeffding(y, ALPHA / 2)
    gaps = resampled_means(x, seed) - resampled_means(y, seed + 1)
    variance = x.var(1, ddof=1) / n + y.var(1, ddof=1) / m
    limits = {
        "exact (Hoeffding)": (lx - uy, ux - ly),
        "exact (betting)": mean_difference(*map(torch.from_numpy, (x, y)), ALPHA),
        "Wald": wald_of_mean(x.mean(1) - y.mean(1), variance),
        "bootstrap": np.quantile(gaps, (ALPHA / 2, 1 - ALPHA / 2), axis=1),
    }
    return {name: simulated(*found, p - q) for name, found in limits.items()}


def means(measure) -> dict:
    points = [(n, p) for n in SOME_SIZES for p in SOME_RATES]
    found = []
    for seed, (n, p) in enumerate(tqdm(points, desc=measure.__name__, unit="setting")):
        found.append(measure(n, p, min(2000, VALUES // n), seed))
    counted = [n * p >= ENOUGH for n, p in points]
    return {"settings": [{"n": n, "p": p} for n, p in points]} | {
        method: summary([point[method] for point in found], counted)
        | {
            key: [getattr(point[method], key) for point in found]
            for key in ("covered", "standard_error", "width")
        }
        for method in found[0]
    }


# All criteria of an audit at once.

COMPARED = ("selection rate", "true positive rate", "false positive rate", "accuracy")


def cells() -> np.ndarray:
    """Shares of (group, outcome, decision) in four groups of unlike size."""
    group = np.array([0.4, 0.3, 0.2, 0.1])
    base = np.array([0.3, 0.25, 0.2, 0.35])
    true_positive = np.array([0.7, 0.65, 0.6, 0.6])
    false_positive = np.array([0.15, 0.12, 0.1, 0.1])
    yes = np.stack([(1 - base) * false_positive, base * true_positive], 1)
    of = np.stack([1 - base, base], 1)
    return group[:, None, None] * np.stack([of - yes, yes], 2)


def criteria_limits(parts: dict, alpha: float, pairs: bool) -> list:
    """Limits of five criteria; ``pairs``: alpha is each pair's, not a criterion's."""

    def widest(*tables):
        if not pairs:
            return largest_difference_within(tables, alpha)
        limits = [largest_by_pairs_of(table, alpha) for table in tables]
        return np.max(limits, 0)

    selection, tpr, fpr = (parts[rate] for rate in COMPARED[:3])
    total = np.sum(parts["accuracy"], 0)
    return [
        widest(selection),
        widest(tpr),
        widest(fpr),
        widest(tpr, fpr),  # equalized odds
        [float(limit) for limit in wilson(*total, alpha)],
    ]


def largest_by_pairs_of(table, alpha: float) -> tuple[float, float]:
    k, n = np.array(table).T
    i, j = np.triu_indices(len(k), 1)
    low, high = difference((k[i], n[i]), (k[j], n[j]), alpha)
    return max(0, low.max(), -high.min()), max(0, high.max(), -low.min())


def truths() -> np.ndarray:
    counts = torch.from_numpy(cells())
    k_n = {rate: weighed(counts, rate) for rate in RATES}
    gaps = [float((k / n).max() - (k / n).min()) for k, n in map(k_n.get, COMPARED[:3])]
    right, n = k_n["accuracy"]
    return np.array([*gaps, max(gaps[1:]), float(right.sum() / n.sum())])


def simultaneous(rows: int, draws: int = 1000) -> dict:
    tables = np.random.default_rng(rows).multinomial(rows, cells().ravel(), draws)
    truth, found = truths(), {}
    for seed, table in enumerate(tqdm(tables, desc=f"{rows} rows", unit="audit")):
        counts = torch.from_numpy(table).view(4, 2, 2)
        parts = {
            rate: torch.stack(weighed(counts, rate), 1).tolist() for rate in COMPARED
        }
        each = max_t_alpha(
            counts,
            COMPARED[:3],
            ALPHA,
            overall=["accuracy"],
            resamples=1000,
            seed=seed,
        )
        tried = {
            "uncorrected": (ALPHA, False),
            "Bonferroni over criteria": (ALPHA / 5, False),
            "Bonferroni over pairs": (ALPHA / 19, True),
            "max-t over pairs": (each, True),
        }
        for name, (alpha, pairs) in tried.items():
            limits = criteria_limits(parts, alpha, pairs)
            found.setdefault(name, []).append(limits)
    result = {"rows": rows, "draws": draws, "smallest_group": rows // 10}
    for name, limits in found.items():
        lower, upper = np.moveaxis(np.array(limits), -1, 0)
        held = (lower <= truth + 1e-9) & (truth <= upper + 1e-9)
        together = float(held.all(1).mean())
        result[name] = {
            "together": together,
            "standard_error": np.sqrt(together * (1 - together) / draws),
            "least_single": held.mean(0).min(),
            "mean_width": (upper - lower).mean(),
            "mean_upper_minus_truth": (upper - truth)[:, :4].mean(),
        }
    return result


PARTS = {
    "difference": lambda: two_groups(DIFFERENCES, np.subtract),
    "ratio": lambda: two_groups(RATIOS, np.divide),
    "calibration_gap": lambda: largest_differences("calibration_gap"),
    "largest_difference": lambda: largest_differences("largest_difference"),
    "consistency": lambda: means(consistency),
    "mean_difference": lambda: means(mean_differences),
    "simultaneous": lambda: [simultaneous(rows) for rows in (1000, 5000, LARGEST)],
}


def main(parts: list[str]) -> None:
    """Compute the parts that are named, or all, and write each into the result."""
    torch.set_num_threads(1)
    head = {
        "command": COMMAND,
        "alpha": ALPHA,
        "sizes": SIZES,
        "rates": RATES_TRIED,
        "second_group": [
            {"times_as_large": times, "gap": GAP if gap else 0}
            for times, gap in VARIANTS
        ],
    }
    for part in parts or PARTS:
        start = time.process_time()
        found = PARTS[part]()
        seconds = time.process_time() - start
        old = load_result("coverage") if (folder() / "coverage.json").exists() else {}
        spent = {**old.get("cpu_seconds", {}), part: seconds}
        path = save_result(
            "coverage", {**old, **head, "cpu_seconds": spent, part: found}
        )
        show(part, found)
        print(f"{seconds:.0f} s CPU, written to {path}")


def show(part: str, found: dict | list) -> None:
    print(part)
    methods = dict(enumerate(found)) if isinstance(found, list) else found
    for name, numbers in methods.items():
        if isinstance(numbers, dict):
            shown = [f"{k} {v:.4f}" for k, v in numbers.items() if isinstance(v, float)]
            print(f"  {name:<18}", *(shown or [numbers]))


if __name__ == "__main__":
    main(sys.argv[1:])
