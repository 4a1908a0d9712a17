"""Selection, true and false positive rates of ten groups: fairlearn, numpy and ours.

    python benchmarks/group_metrics.py

(a) a million rows; (b) 10,000 rows with 100 bootstrap resamples. Everything runs in one
process with one thread, and CPU time is counted (time.process_time). Seconds depend on
the machine; the ratios hardly do. The values must be equal, or the run stops. The exit
code says whether the promise, a thousand times less than fairlearn, is kept.
"""

import sys
import time
from collections.abc import Callable
from statistics import median

import fairlearn
import numpy as np
import pandas as pd
import torch
from fairlearn.metrics import (
    MetricFrame,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from threadpoolctl import threadpool_limits

from fairtutor.audit import group_counts, rates
from fairtutor.audit.resampling import resample_counts

PROMISE = 1000
SEXES, RACES = 2, 5
GROUPS = SEXES * RACES
RATES = ("selection rate", "true positive rate", "false positive rate")
PEERS = dict(
    zip(RATES, (selection_rate, true_positive_rate, false_positive_rate), strict=True)
)
RESAMPLES = 100
QUANTILES = [0.025, 0.5, 0.975]


def cpu_seconds(work: Callable, repeats: int) -> tuple[float, object]:
    """Return the median CPU time of some work, and its result."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
    return median(times), result


def people(rows: int, seed: int) -> pd.DataFrame:
    """Draw outcomes and decisions with rates that differ between the groups."""
    random = np.random.default_rng(seed)
    sex, race = random.integers(0, SEXES, rows), random.integers(0, RACES, rows)
    y = random.random(rows) < 0.2 + 0.02 * race
    decision = random.random(rows) < 0.15 + 0.4 * y + 0.05 * sex
    table = {"sex": sex, "race": race, "y": y, "decision": decision}
    return pd.DataFrame(
        {name: column.astype(np.int64) for name, column in table.items()}
    )


def with_fairlearn(table: pd.DataFrame, **bootstrap) -> MetricFrame:
    return MetricFrame(
        metrics=PEERS,
        y_true=table["y"],
        y_pred=table["decision"],
        sensitive_features=table[["sex", "race"]],
        **bootstrap,
    )


def with_numpy(y: np.ndarray, decision: np.ndarray, group: np.ndarray) -> np.ndarray:
    n = np.bincount(group * 4 + y * 2 + decision, minlength=4 * GROUPS)
    n = n.reshape(GROUPS, 2, 2)
    return np.stack(
        [
            n[:, :, 1].sum(1) / n.sum((1, 2)),
            n[:, 1, 1] / n[:, 1].sum(1),
            n[:, 0, 1] / n[:, 0].sum(1),
        ]
    )


def ours(y: torch.Tensor, decision: torch.Tensor, group: torch.Tensor) -> torch.Tensor:
    counts = group_counts(y, decision, group, GROUPS)
    return torch.stack([rates(counts, rate) for rate in RATES])


def ours_resampled(y, decision, group) -> torch.Tensor:
    """Quantiles of the rates, (quantile, rate, group)."""
    counts = group_counts(y, decision, group, GROUPS)
    drawn = resample_counts(counts, RESAMPLES, seed=0).movedim(0, -1)
    found = torch.stack([rates(drawn, rate) for rate in RATES])
    return torch.quantile(found, torch.tensor(QUANTILES, dtype=found.dtype), dim=-1)


def columns(table: pd.DataFrame) -> tuple[np.ndarray, ...]:
    group = table["sex"] * RACES + table["race"]
    parts = (table["y"], table["decision"], group)
    return tuple(part.to_numpy(copy=True) for part in parts)


def point_estimates(rows: int = 1_000_000) -> dict[str, float]:
    """Time the rates themselves; all three must agree to 1e-12."""
    table = people(rows, seed=0)
    arrays = columns(table)
    tensors = [torch.from_numpy(array) for array in arrays]
    times = {}
    times["fairlearn"], frame = cpu_seconds(lambda: with_fairlearn(table), 1)
    times["numpy bincount"], plain = cpu_seconds(lambda: with_numpy(*arrays), 15)
    times["fairtutor"], found = cpu_seconds(lambda: ours(*tensors), 15)
    expected = frame.by_group[list(RATES)].to_numpy().T.astype(float)
    for name, values in (("numpy", plain), ("fairtutor", found.numpy())):
        worst = np.abs(values - expected).max()
        assert worst <= 1e-12, f"{name} differs from fairlearn by {worst}"
    return times


def with_bootstrap(rows: int = 10_000) -> dict[str, float]:
    """Time 100 resamples; the quantiles must agree within the resampling error."""
    table = people(rows, seed=1)
    tensors = [torch.from_numpy(array) for array in columns(table)]
    times = {}
    times["fairlearn"], frame = cpu_seconds(
        lambda: with_fairlearn(
            table, n_boot=RESAMPLES, ci_quantiles=QUANTILES, random_state=0
        ),
        1,
    )
    times["fairtutor"], found = cpu_seconds(lambda: ours_resampled(*tensors), 15)
    theirs = np.stack(
        [ci[list(RATES)].to_numpy().T.astype(float) for ci in frame.by_group_ci]
    )
    # An extreme quantile of 100 resamples has a standard error of about a quarter of
    # the estimate's own, σ; 60 of them differ by 1.5 σ at most, and by little on
    # average.
    sigma = (theirs[2] - theirs[0]) / 3.92
    gap = (found.numpy() - theirs) / sigma
    assert np.abs(gap).max() < 1.5, f"quantiles differ by {np.abs(gap).max():.2f} σ"
    assert np.abs(gap.mean((1, 2))).max() < 0.25, f"mean gap {gap.mean((1, 2))} σ"
    return times


def main() -> int:
    """Print the table; the exit code says whether the promise holds."""
    torch.set_num_threads(1)
    threadpool_limits(1)
    print(f"fairlearn {fairlearn.__version__}, numpy {np.__version__}, one thread")
    print(f"{'work':<28}{'who':<16}{'CPU s':>10}{'fairlearn / it':>16}")
    kept = True
    for work, times in (
        ("1,000,000 rows", point_estimates()),
        (f"10,000 rows, {RESAMPLES} resamples", with_bootstrap()),
    ):
        for who, seconds in times.items():
            ratio = times["fairlearn"] / seconds
            print(f"{work:<28}{who:<16}{seconds:>10.5f}{ratio:>15,.0f}×")
        kept &= times["fairlearn"] >= PROMISE * times["fairtutor"]
    print("kept" if kept else f"broken: less than {PROMISE} times")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
