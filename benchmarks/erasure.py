"""LEACE on all of Adult: concept-erasure, by the method's authors, and ours.

    python benchmarks/erasure.py

48,842 rows of 107 columns in float32, sex as the group. Both compute in float64 with
one thread, and CPU time is counted (time.process_time). Ours is the whole method, up to
the encoder of one float32 layer; theirs ends with the projection in float64. The peer's
shrinkage of the covariance is switched off, which is another estimator. The two
projections must be equal to 1e-6, or the run stops. The floor is what nobody can leave
out: one Gram matrix of the rows and its eigendecomposition. Iterative null-space
projection stands beside them; nobody packages it. The exit code says whether the
promise, no slower than the peer, is kept.
"""

import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from statistics import median

import torch
from concept_erasure import LeaceFitter
from threadpoolctl import threadpool_limits
from torch.nn.functional import one_hot

from fairtutor import load
from fairtutor.producers import Task, erasure, projection
from fairtutor.producers.erasure import erased_part

REPEATS = 15
ROUNDS = 10


def cpu_seconds(works: dict[str, Callable], repeats: int) -> dict[str, float]:
    """Return each work's median CPU time; they take turns, as the machine is shared."""
    times = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            start = time.process_time()
            work()
            times[name].append(time.process_time() - start)
    return {name: median(taken) for name, taken in times.items()}


def theirs(task: Task) -> object:
    """Return concept-erasure's eraser."""
    Z = one_hot(task.groups, task.num_groups)
    return LeaceFitter.fit(task.X.double(), Z, shrinkage=False).eraser


def floor(task: Task) -> torch.Tensor:
    """Return the directions of the rows' Gram matrix."""
    X = task.X.double()
    return torch.linalg.eigh(X.T @ X).eigenvectors


def differences(task: Task) -> tuple[float, float, int]:
    """Return how far the maps are apart in float64, and the codes as handed out.

    The third number counts the columns that ours makes constant, as nothing but
    rounding is left of them.
    """
    X = task.X.double()
    X = X - X.mean(0)
    Z = one_hot(task.groups, task.num_groups).double()
    ours = erased_part(X.T @ X / len(X), X.T @ (Z - Z.mean(0)) / len(X))
    eraser = theirs(task)
    maps = (torch.eye(len(ours)) - ours - eraser.P).abs().max().item()
    layer = erasure(task).module[0]
    codes = (layer(task.X).double() - eraser(task.X.double())).abs().max().item()
    constant = int((layer.weight.abs().amax(1) == 0).sum())
    return maps, codes, constant - int((X.abs().amax(0) == 0).sum())


def main() -> int:
    """Print the table; the exit code says whether the promise holds."""
    torch.set_num_threads(1)
    threadpool_limits(1)
    adult = load("adult")
    codes, names = adult.groups("sex")
    task = Task(adult.X, adult.y, codes, len(names), training={"progress": False})
    maps, handed_out, constant = differences(task)
    assert maps <= 1e-6, f"the projections differ by {maps}"
    times = cpu_seconds(
        {
            f"concept-erasure {version('concept-erasure')}": lambda: theirs(task),
            "fairtutor": lambda: erasure(task),
            "Gram matrix + eigenvectors": lambda: floor(task),
        },
        REPEATS,
    )
    name = f"null-space projection, {ROUNDS} rounds"
    times |= cpu_seconds({name: lambda: projection(task, rounds=ROUNDS)}, 1)
    peer = next(iter(times.values()))
    print(f"{task.X.shape[0]:,} rows × {task.X.shape[1]}, one thread")
    print(f"{'who':<34}{'CPU s':>10}{'peer / it':>12}")
    for who, seconds in times.items():
        print(f"{who:<34}{seconds:>10.4f}{peer / seconds:>11.2f}×")
    print(f"projections differ by {maps:.1e} in float64; z as handed out, in float32,")
    print(f"by {handed_out:.1e} ({constant} columns are made constant)")
    kept = times["fairtutor"] <= peer
    print("kept" if kept else "broken: slower than concept-erasure")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
