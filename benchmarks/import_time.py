"""How much longer `import fairtutor` takes than `import torch` alone.

    python benchmarks/import_time.py

Each import is timed in a new process, the statements in turn, and the median of the
repeats is printed, in seconds. At most 0.3 s beyond torch is the promise.
"""

import subprocess
import sys
from statistics import median

REPEATS = 9
PROMISE_S = 0.3
STATEMENTS = ("import torch", "import torch, fairtutor", "from fairtutor import *")


def seconds(statement: str) -> float:
    """Time a statement in a new process, without the start of Python itself."""
    code = (
        "from time import perf_counter as now\n"
        f"start = now()\n{statement}\nprint(now() - start)"
    )
    return float(subprocess.check_output([sys.executable, "-c", code], text=True))


def main() -> int:
    """Print the table; the exit code says whether the promise holds."""
    for statement in STATEMENTS:
        seconds(statement)  # so that the files are in the disk's cache
    times = {statement: [] for statement in STATEMENTS}
    for _ in range(REPEATS):
        for statement, so_far in times.items():
            so_far.append(seconds(statement))
    base = median(times["import torch"])
    print(f"{'statement':<26} {'median s':>9} {'range':>13} {'beyond torch':>13}")
    for statement, found in times.items():
        spread = f"{min(found):.2f}-{max(found):.2f}"
        beyond = median(found) - base
        print(f"{statement:<26} {median(found):>9.2f} {spread:>13} {beyond:>13.2f}")
    worst = max(median(found) for found in times.values()) - base
    print("kept" if worst <= PROMISE_S else f"broken: more than {PROMISE_S} s beyond")
    return 0 if worst <= PROMISE_S else 1


if __name__ == "__main__":
    sys.exit(main())
