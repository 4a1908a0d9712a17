"""A hub on free ports for a test or a measurement, and the end of all it started."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from settings import Settings

START = Path(__file__).with_name("start.py")
STARTS_WITHIN = 120  # seconds


def free_ports(count: int = 3) -> int:
    """Return the first of several neighbouring ports that nothing listens on."""
    for first in range(20_000 + os.getpid() % 5_000, 60_000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise OSError("no free ports")


def environment(pid: int) -> dict[str, str]:
    """Return what a process was started with; nothing if it may not be read."""
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in text.split("\0") if "=" in pair)


class TrialHub:
    """A hub in a folder of its own, ended with everything it started on leaving.

    Parameters
    ----------
    state
        Its folder; new, or that of a hub that ended.
    python
        The Python that runs it and its servers.
    start
        The program that starts it.
    **variables
        Such as ``HUB_MEMORY="1G"``.
    """

    def __init__(
        self,
        state: Path,
        python: str = sys.executable,
        start: Path = START,
        **variables: str,
    ):
        own = {"HUB_STATE": str(state), "HUB_PORT": str(free_ports())}
        own["HUB_ALLOW_ROOT"] = "yes"
        self.state, self.command = state, [python, str(start)]
        self.variables = {**os.environ, **own, **variables}
        self.settings = Settings(state=state, port=int(own["HUB_PORT"]))
        self.log = state.with_name(f"{state.name}.log")
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "TrialHub":
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def start(self) -> None:
        """Start the hub and wait until people can come in.

        Raises
        ------
        TimeoutError
            They cannot; the message ends with what the hub said.
        """
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command, env=self.variables, stdout=log, stderr=log
            )
        end = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.settings.address}/hub/health").close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
        raise TimeoutError(f"The hub does not answer: {self.log.read_text()[-3000:]}")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End the hub's own process, and nothing else."""
        self.process.send_signal(number)
        self.process.wait(60)

    def processes(self, name: str | None = None) -> list[int]:
        """Return the processes of this hub, or those of one participant.

        Parameters
        ----------
        name
            Of the participant.
        """
        found = []
        for pid in (int(path.name) for path in Path("/proc").glob("[0-9]*")):
            held = environment(pid)
            whose = held.get("JUPYTERHUB_USER")
            ours = held.get("HUB_STATE") == str(self.state) or held.get(
                "GIT_CONFIG_SYSTEM"
            ) == str(self.state / "gitconfig")
            if ours and name in (None, whose):
                found.append(pid)
        return found

    def server(self, name: str) -> int:
        """Return the process of a participant's server."""
        parts = b"jupyterhub.singleuser"
        [pid] = [
            pid
            for pid in self.processes(name)
            if parts in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        return pid

    def end(self) -> None:
        """End the hub, its proxy, and all servers and kernels."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.processes():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
            for _ in range(20):
                if self.process is not None:
                    self.process.poll()
                if not self.processes():
                    return
                time.sleep(0.2)
