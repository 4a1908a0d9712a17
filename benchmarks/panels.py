"""How soon panels answer a control, in the kernel: CPU time of one change, one thread.

    python benchmarks/panels.py

What the browser adds (sending and drawing) is not in it.
"""

import time
from collections.abc import Callable

import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from fairtutor import load
from fairtutor.audit import AuditPlan
from fairtutor.similarity import Box, Cells, GridCells, TreeCells
from fairtutor.widgets import AuditExplorer, CellExplorer, RegulatorPanel, TwinFinder

REPEATS = 5
Action = Callable[[int], None]


def audit_explorer() -> dict[str, Action]:
    """Return what is done to an audit explorer."""
    panel = AuditExplorer(AuditPlan(2000, share=0.25, rate=0.1, tolerance=0.08))
    rows = panel.controls["rows"]
    return {"another number of rows": lambda k: setattr(rows, "value", 500 + 100 * k)}


def cell_explorer() -> dict[str, Action]:
    """Return what is done to a cell explorer of 300 people."""
    draw = torch.Generator().manual_seed(0)
    Z, box = torch.rand(300, 2, generator=draw).double(), Box.unit(2)
    partitions = {
        "nearest centre": lambda K: Cells.fit(Z, K, box=box),
        "grid": lambda K: GridCells(box, max(1, round(K**0.5))),
        "tree": lambda K: TreeCells(box, Z, K),
    }
    panel = CellExplorer(Z, Z[:, 0], partitions, cells=9)
    return {
        "another cell": lambda k: setattr(panel.controls["cell"], "value", k),
        "another number of cells": lambda k: setattr(
            panel.controls["cells"], "value", 20 + k
        ),
    }


def twin_finder() -> dict[str, Action]:
    """Return what is done to a twin finder of 2,000 people with 100 features."""
    draw = torch.Generator().manual_seed(0)
    X, p = torch.randn(2_000, 100, generator=draw), torch.rand(2_000, generator=draw)
    people = pd.DataFrame({"age": range(2_000)})
    panel = TwinFinder(p, {"a": X, "b": X[:, :9]}, people=people)
    return {
        "another person": lambda k: setattr(panel.controls["row"], "value", 99 + k),
        "another distance": lambda k: setattr(
            panel.controls["distance"], "value", "ba"[k % 2]
        ),
    }


def regulator_panel() -> dict[str, Action]:
    """Return what is done to a regulator's panel with every metric asked for."""
    panel = RegulatorPanel(load("german"))
    for row in panel.rows.values():
        row.asked.value = True
    neighbours = panel.builder.options["neighbours"]
    return {"another option": lambda k: setattr(neighbours, "value", 10 + k)}


def main() -> None:
    """Print the slowest and the median answer of each control."""
    for panel in (audit_explorer, cell_explorer, twin_finder, regulator_panel):
        for what, act in panel().items():
            taken = []
            for k in range(1, REPEATS + 1):
                start = time.process_time()
                act(k)
                taken.append(1000 * (time.process_time() - start))
            taken.sort()
            title = panel.__name__.replace("_", " ")
            middle = taken[len(taken) // 2]
            print(f"{title:16} {what:24} {middle:5.0f} ms, at most {taken[-1]:.0f}")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
