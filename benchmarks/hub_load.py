"""A room of 25 on one hub: all log in, pull the course, and run chapter 02.

    python benchmarks/hub_load.py
    python benchmarks/hub_load.py --participants 3

It starts a hub on free ports, in a temporary folder, and ends it. All participants
come at once, the worst case, and run every cell through the kernel's websocket. The
memory of a participant is the PSS of server and kernel when the last cell has ended:
pages that several processes share are divided among them, so the sum is what the
machine holds.
"""

import argparse
import contextlib
import os
import re
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import nbformat
import requests

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "hub"))

from client import HubError, Participant  # noqa: E402
from release import FOLDER, pull_path  # noqa: E402
from trial import TrialHub  # noqa: E402

HOUR = 3600.0


@dataclass
class Visit:
    """What one participant met; seconds, and megabytes of PSS."""

    name: str
    spawn: float = 0.0
    pull: float = 0.0
    run: float = 0.0
    server: float = 0.0
    kernel: float = 0.0
    peak: float = 0.0
    cells: int = 0
    retries: int = 0
    error: str = ""


def field_of(pid: int, file: str, name: str) -> float:
    """Return a field of a file in /proc, in megabytes."""
    text = Path(f"/proc/{pid}/{file}").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1]) / 1000


def measure(hub: TrialHub, visit: Visit) -> None:
    """Write down the memory of a participant's processes."""
    server = hub.server(visit.name)
    kernels = [pid for pid in hub.processes(visit.name) if pid != server]
    visit.server = field_of(server, "smaps_rollup", "Pss")
    visit.kernel = sum(field_of(pid, "smaps_rollup", "Pss") for pid in kernels)
    visit.peak = max(field_of(pid, "status", "VmHWM") for pid in kernels)


def attend(hub: TrialHub, name: str, notebook: str) -> Visit:
    """Return what a participant met who runs all cells of a notebook."""
    visit = Visit(name)
    who = Participant(hub.settings.address, name, hub.settings.secret("password"))
    try:
        start = time.monotonic()
        who.login()
        who.spawn()
        visit.spawn = time.monotonic() - start
        start = time.monotonic()
        who.pull(pull_path(hub.settings, notebook))
        visit.pull = time.monotonic() - start
        start = time.monotonic()
        path = f"{FOLDER}/{notebook}"
        content = nbformat.from_dict(who.read(path)["content"])
        kernel = who.kernel(path, "fairtutor")
        for cell in content.cells:
            if cell.cell_type == "code" and cell.source.strip():
                answer = kernel.run(cell.source, seconds=HOUR)
                if answer.status != "ok":
                    raise HubError(f"cell {visit.cells + 1}: {answer.error}")
                visit.cells += 1
        visit.run = time.monotonic() - start
        measure(hub, visit)
        kernel.socket.close()
    except (HubError, requests.RequestException, OSError) as error:
        visit.error = f"{type(error).__name__}: {error}"
    visit.retries = who.retries
    print(visit, file=sys.stderr, flush=True)
    return visit


def watch(hub: TrialHub, most: list[float], over: threading.Event) -> None:
    """Keep the most memory that the hub and all below it held, in megabytes of PSS."""
    while not over.wait(10):
        held = 0.0
        for pid in hub.processes():
            with contextlib.suppress(OSError, TypeError):  # it has just ended
                held += field_of(pid, "smaps_rollup", "Pss")
        most[0] = max(most[0], held)


def table(visits: list[Visit], wall: float, most: float) -> str:
    """Return the table that README.md shows."""
    whole = [visit for visit in visits if not visit.error] or visits
    rows = [("", "median", "most")]
    for what, of in (
        ("login to a server that is ready, s", lambda v: v.spawn),
        ("pull the course, s", lambda v: v.pull),
        ("run all cells, s", lambda v: v.run),
        ("memory of the server, PSS, MB", lambda v: v.server),
        ("memory of the kernel, PSS, MB", lambda v: v.kernel),
        ("both, MB", lambda v: v.server + v.kernel),
        ("the kernel's most, RSS, MB", lambda v: v.peak),
        ("told to try again (429), times", lambda v: v.retries),
    ):
        values = [of(visit) for visit in whole]
        rows.append((what, f"{median(values):,.0f}", f"{max(values):,.0f}"))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---|---|---|")
    failed = [visit for visit in visits if visit.error]
    lines += [
        "",
        f"{len(visits) - len(failed)} of {len(visits)} ran all their cells "
        f"({whole[0].cells}) in {wall / 60:.1f} minutes; "
        f"{sum(visit.retries for visit in visits)} answers 429 in all; "
        f"hub, servers and kernels held {most:,.0f} MB together, at most.",
        *(f"{visit.name}: {visit.error}" for visit in failed),
    ]
    return "\n".join(lines)


def main() -> int:
    """Print the table; the exit status is 1 if somebody did not come through."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--participants", type=int, default=25)
    parser.add_argument("--notebook", default="chapters/02_three_entities.ipynb")
    options = parser.parse_args()
    most, over = [0.0], threading.Event()
    names = [f"p{number:02}" for number in range(1, options.participants + 1)]
    with (
        tempfile.TemporaryDirectory() as folder,
        TrialHub(Path(folder) / "hub") as hub,
        ThreadPoolExecutor(len(names)) as room,
    ):
        threading.Thread(target=watch, args=(hub, most, over), daemon=True).start()
        start = time.monotonic()
        coming = [room.submit(attend, hub, name, options.notebook) for name in names]
        visits = [visit.result() for visit in coming]
        wall = time.monotonic() - start
        over.set()
    print(f"{options.notebook}, {os.cpu_count()} cores\n")
    print(table(visits, wall, most[0]))
    return int(any(visit.error for visit in visits))


if __name__ == "__main__":
    sys.exit(main())
