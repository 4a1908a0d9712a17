"""``fairtutor doctor``: is all there that the course needs, and if not, what to do.

Each check is one function that returns one :class:`Check`; none imports anything heavy
before it runs, so that a broken installation can still be examined.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

OLDEST_PYTHON = (3, 11)
MEMORY_GB = 1.0  # JupyterLab and one kernel with torch take 0.35 GB, training the rest
DISK_GB = 0.5
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
REINSTALL = "run make lab again (or pip install -e . in the clone)"
PINS = Path(__file__).parent.parent / "constraints.txt"


@dataclass(frozen=True)
class Check:
    """What one check found.

    Attributes
    ----------
    name
        What was checked.
    state
        ``"OK"``; ``"FAIL"``: the course will not work; ``"NOTE"``: it will, something
        optional will not.
    found
        What was found.
    fix
        What to do about it; empty when nothing is to be done.
    """

    name: str
    state: str
    found: str
    fix: str = ""

    def __str__(self) -> str:
        fix = f" Fix: {self.fix}." if self.fix else ""
        return f"{self.state:<4}  {self.name:<9} {self.found}.{fix}"


def run() -> int:
    """Print every check and return 1 if one failed, else 0."""
    failed = 0
    for check in checks():
        print(check, flush=True)
        failed += check.state == "FAIL"
    print(f"{failed} to be fixed." if failed else "Ready: fairtutor lab")
    return 1 if failed else 0


def checks() -> Iterator[Check]:
    """Run the checks one after another; one that breaks is a failed check itself."""
    for name, check in CHECKS.items():
        try:
            yield check()
        except Exception as error:
            yield Check(name, "FAIL", f"{type(error).__name__}: {error}", REINSTALL)


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Check the version of Python.

    Examples
    --------
    >>> print(python((3, 9, 2)))
    FAIL  python    3.9.2 is too old. Fix: install Python 3.11 or newer.
    """
    number = ".".join(str(part) for part in version)
    if tuple(version[:2]) < OLDEST_PYTHON:
        return Check(
            "python", "FAIL", f"{number} is too old", "install Python 3.11 or newer"
        )
    return Check("python", "OK", number)


def packages() -> Check:
    """Check that every needed package is there, new enough, and the tested version."""
    from packaging.requirements import Requirement

    lines = metadata.requires("fairtutor") or []
    needed = [Requirement(line) for line in lines if "extra ==" not in line]
    wrong = [
        f"{need.name} {installed(need.name) or 'is missing'} (needs {need.specifier})"
        for need in needed
        if not need.specifier.contains(installed(need.name) or "0", prereleases=True)
    ]
    if wrong:
        return Check("packages", "FAIL", ", ".join(wrong), REINSTALL)
    tested = pins()
    other = [
        f"{need.name} {installed(need.name)} (tested with {tested[need.name]})"
        for need in needed
        if need.name in tested and release(installed(need.name)) != tested[need.name]
    ]
    if other:
        return Check("packages", "NOTE", ", ".join(other))
    return Check("packages", "OK", f"{len(needed)} needed, all there")


def kernel() -> Check:
    """Check that the kernel named fairtutor runs this very Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    fix = "fairtutor lab registers it"
    try:
        spec = KernelSpecManager().get_kernel_spec("fairtutor")
    except NoSuchKernel:
        return Check("kernel", "FAIL", "Jupyter has no kernel named fairtutor", fix)
    program = Path(spec.argv[0])
    if program.parent != Path(sys.executable).parent:
        again = f"{sys.executable} -m ipykernel install --sys-prefix --name fairtutor"
        return Check("kernel", "FAIL", f"kernel fairtutor runs {program}", again)
    return Check("kernel", "OK", f"fairtutor, in {spec.resource_dir}")


def device() -> Check:
    """Check that torch can compute on the device that training would choose."""
    import torch

    from .exchange.errors import FairtutorError
    from .training import device

    try:
        chosen = device()
    except FairtutorError as error:
        return Check("device", "FAIL", str(error).rstrip("."))
    torch.ones(2, device=chosen).sum().item()
    threads = f", {torch.get_num_threads()} threads" if chosen.type == "cpu" else ""
    return Check("device", "OK", f"{chosen.type}{threads}, torch {torch.__version__}")


def data() -> Check:
    """Check that every embedded data file is there and has its published SHA-256."""
    from .data import embedded
    from .exchange.errors import FairtutorError

    wrong = []
    for name in embedded.EMBEDDED:
        try:
            embedded.read(name)
        except FairtutorError as error:
            wrong.append(str(error))
    if wrong:
        return Check("data", "FAIL", " ".join(wrong).rstrip("."))
    return Check("data", "OK", f"{', '.join(embedded.EMBEDDED)}: checksums right")


def memory(free_bytes: int | None = None) -> Check:
    """Check the free memory.

    Examples
    --------
    >>> print(memory(4 * 10**9))
    OK    memory    4.0 GB free.
    """
    if free_bytes is None:
        import psutil

        free_bytes = psutil.virtual_memory().available
    return enough("memory", free_bytes, MEMORY_GB, "close other programs or notebooks")


def disk() -> Check:
    """Check the free disk space where the command runs."""
    return enough("disk", shutil.disk_usage(Path.cwd()).free, DISK_GB, "free some")


def browser() -> Check:
    """Check for the browser of the browser tests; the course needs none of its own."""
    path = find_browser()
    if path:
        return Check("browser", "OK", path)
    return Check(
        "browser",
        "NOTE",
        "no Chromium or Chrome, so the browser tests are skipped",
        "sudo apt install chromium, or playwright install chromium",
    )


def find_browser() -> str | None:
    """Return the path of a Chromium or Chrome, or None.

    The environment variable ``FAIRTUTOR_BROWSER`` names one; else the programs on the
    path are tried, then the one that ``playwright install chromium`` fetches.
    """
    named = os.environ.get("FAIRTUTOR_BROWSER")
    if named:
        return shutil.which(named)
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return found
    # In a thread of its own: this Playwright refuses to run where a notebook does.
    with ThreadPoolExecutor(1) as pool:
        path = pool.submit(_fetched_browser).result()
    return path if path and Path(path).is_file() else None


def _fetched_browser() -> str | None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def enough(name: str, free_bytes: int, need_gb: float, fix: str) -> Check:
    """Compare free bytes with a need in GB (10^9 bytes).

    Examples
    --------
    >>> print(enough("disk", 10**8, 0.5, "free some"))
    FAIL  disk      0.1 GB free, 0.5 GB needed. Fix: free some.
    """
    free = free_bytes / 1e9
    if free < need_gb:
        return Check(name, "FAIL", f"{free:.1f} GB free, {need_gb} GB needed", fix)
    return Check(name, "OK", f"{free:.1f} GB free")


def installed(name: str) -> str | None:
    """Return a package's installed version, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def release(version: str) -> str:
    """Return a version without the label of its build.

    Examples
    --------
    >>> release("2.13.0+cpu")
    '2.13.0'
    """
    return version.partition("+")[0]


def pins() -> dict[str, str]:
    """Return the tested version of each package; empty outside a clone."""
    if not PINS.is_file():
        return {}
    lines = [line.partition("==") for line in PINS.read_text().splitlines()]
    return {name: version for name, equals, version in lines if equals}


CHECKS: dict[str, Callable[[], Check]] = {
    "python": python,
    "packages": packages,
    "kernel": kernel,
    "device": device,
    "data": data,
    "memory": memory,
    "disk": disk,
    "browser": browser,
}
