"""Servers that start with limits, and are held to them.

What a process inherits and cannot undo: the limit on its memory, and its low priority.
What the hub looks at again and again: the memory of all of a participant's processes
together, and the priority of their sessions.
What a determined participant can undo: the choice of cores, and threads.
"""

import contextlib
import functools
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

from jupyterhub.spawner import LocalProcessSpawner, SimpleLocalProcessSpawner
from tornado.web import HTTPError

# A participant's kernel waits for the hub, its proxy and the servers; not they for it.
NICENESS = 10


@functools.lru_cache(maxsize=1)
def _children(second: int) -> dict[int, list[int]]:
    """Return the children of every process; one look at the machine a second."""
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name, in brackets, may hold anything; state and parent follow it.
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            found.setdefault(int(parent), []).append(int(entry.name))
    return found


def processes(pid: int) -> list[int]:
    """Return a process and all below it.

    Parameters
    ----------
    pid
        The process to start from.
    """
    children, found = _children(int(time.monotonic())), [pid]
    for known in found:
        found += children.get(known, [])
    return found


def memory(pid: int) -> int:
    """Return the bytes that a process holds for itself, 0 if it is gone.

    Files that are mapped, such as the code of torch, are not counted: the machine
    keeps them once for all. Pages shared after a fork are counted in each process.

    Parameters
    ----------
    pid
        Any process that may be looked at.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    held = (line.split()[1] for line in lines if line[:8] in ("RssAnon:", "RssShmem"))
    return 1024 * sum(map(int, held))


def step_back(pid: int) -> None:
    """Let a process's whole session wait for the hub, if sessions are what is weighed.

    Where the kernel groups processes by session, as desktops and many servers do, the
    priority of a process counts within its session only, and every kernel has its own.

    Parameters
    ----------
    pid
        A process of that session.
    """
    # Refused if there are no groups, and for some milliseconds after another change.
    with contextlib.suppress(OSError):
        group = Path(f"/proc/{pid}/autogroup")
        if int(group.read_text().split()[-1]) < NICENESS:
            group.write_text(str(NICENESS))


class Limited:
    """Spawn with limits: mixed into a spawner of JupyterHub."""

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """Return what the server's process does before it becomes the server.

        Parameters
        ----------
        name
            The participant's name.
        """
        become = super().make_preexec_fn(name)
        limit, cores = self.mem_limit, self._cores()

        def prepare() -> None:
            if become is not None:
                become()
            os.umask(0o077)
            os.nice(NICENESS)
            os.sched_setaffinity(0, cores)
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        return prepare

    def _cores(self) -> set[int]:
        """Return this participant's cores; the next participant's begin after them."""
        here = sorted(os.sched_getaffinity(0))
        wanted = min(int(self.cpu_limit), len(here))
        first = self.user.id * wanted
        return {here[(first + k) % len(here)] for k in range(wanted)}

    async def poll(self) -> int | None:
        """Return None while the server runs; end what takes the participant too far."""
        status = await super().poll()
        if status is None and self.pid:
            self.hold()
        return status

    def hold(self) -> None:
        """End the largest process if all together hold more than the limit.

        The server itself, which all kernels end with, only if nothing else is left.
        """
        held = {pid: memory(pid) for pid in processes(self.pid)}
        for pid in held:
            step_back(pid)
        if sum(held.values()) <= self.mem_limit:
            return
        largest = max(held.keys() - {self.pid} or held, key=held.get)
        self.log.warning(
            "%s holds %.0f MB, more than %.0f: ended process %i, of %.0f MB",
            self.user.name,
            sum(held.values()) / 1e6,
            self.mem_limit / 1e6,
            largest,
            held[largest] / 1e6,
        )
        with contextlib.suppress(ProcessLookupError):
            os.kill(largest, signal.SIGKILL)


class SharedSpawner(Limited, SimpleLocalProcessSpawner):
    """Start a server under the account of the hub, in a folder of its own."""


class IsolatedSpawner(Limited, LocalProcessSpawner):
    """Start a server under the participant's own system account."""

    async def start(self) -> tuple[str, int]:
        """Start the server, unless others could read the participant's home.

        Raises
        ------
        HTTPError
            403: the home is missing, or open to others.
        """
        home = Path(f"~{self.user.name}").expanduser()
        if not home.is_dir() or home.stat().st_mode & 0o077:
            reason = f"The home {home} is missing or open to others."
            raise HTTPError(403, f"{reason} Fix, as root: chmod 700 {home}")
        return await super().start()
