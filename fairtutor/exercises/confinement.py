"""Run the kernel of a submission so that it harms nobody: no network, no files, limits.

The kernel named ``fairtutor-confined`` starts this module in place of IPython's kernel.
It lowers its own limits and becomes `bubblewrap <https://github.com/containers/
bubblewrap>`_, which starts the kernel in namespaces of its own. Inside there is what
Python needs, read-only, and the submission's own folder, as a copy that is thrown away.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

KERNEL = "fairtutor-confined"
MEMORY, DISK = "FAIRTUTOR_CONFINED_MEMORY", "FAIRTUTOR_CONFINED_DISK"
PACKAGE = Path(__file__).parent.parent
GIB = 2**30
MOST_PROCESSES = 256
# What programs read of the machine: libraries, time, names of users, no more.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
SETTINGS = (
    "/etc/alternatives",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/passwd",
)


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes
    ----------
    memory
        Bytes of address space of each of its processes.
    disk
        Bytes that it may write, in memory.
    """

    memory: int = 4 * GIB
    disk: int = GIB // 4


def obstacle() -> str | None:
    """Return why submissions cannot be confined on this machine, or None.

    It is tried, not guessed: a program is run in namespaces of its own.
    """
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (sudo apt install bubblewrap)"
    command = [*_namespaces(), *_system(), "--", "/bin/true"]
    said = subprocess.run(command, capture_output=True, text=True)
    if said.returncode:
        return f"bubblewrap does not work here ({said.stderr.strip()})"
    return None


def bwrap(
    program: Sequence[str], folder: Path, shared: Path, limits: Limits
) -> list[str]:
    """Return the command that runs a program confined.

    Parameters
    ----------
    program
        The command, of the Python that runs this.
    folder
        The submission's. Inside, at the same place, stands a copy that can be written.
    shared
        A folder for the sockets through which the kernel is spoken to; the only one
        that both sides see.
    limits
        For the size of what is written.

    Examples
    --------
    >>> command = bwrap(["python"], Path("/x/y"), Path("/tmp/s"), Limits())
    >>> command[0], "--unshare-net" in command or "--unshare-all" in command
    ('bwrap', True)
    """
    return [
        *_namespaces(),
        *_system(),
        *("--size", str(limits.disk), "--tmpfs", "/tmp"),
        *_python(),
        *("--ro-bind", str(folder), "/submission"),
        *("--size", str(limits.disk), "--tmpfs", str(folder)),
        *("--bind", str(shared), str(shared)),
        *("--remount-ro", "/"),  # what is left of it: empty folders in memory
        *("--chdir", str(folder)),
        *("--", "/bin/sh", "-c", 'cp -r /submission/. . && exec "$@"', "sh"),
        *program,
    ]


def lower_limits(limits: Limits) -> None:
    """Lower what this process, and all it starts, may use.

    Parameters
    ----------
    limits
        Of memory and of the size of a file.
    """
    import resource  # not on Windows, where a course can still be made

    for kind, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.disk),
        (resource.RLIMIT_NPROC, MOST_PROCESSES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        within = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (within, within))


def limit_memory(process: int, most: int) -> None:
    """Limit the address space of a process that runs, where the system can (Linux).

    Parameters
    ----------
    process
        Its number.
    most
        Bytes.
    """
    import resource

    if hasattr(resource, "prlimit"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(process, resource.RLIMIT_AS, (most, most))


def write_kernel(folder: Path) -> None:
    """Write the description of the confined kernel, for ``JUPYTER_PATH``.

    Parameters
    ----------
    folder
        That the path will name.
    """
    described = {
        # -P: it starts in the submission's folder, and must import nothing from there
        "argv": [sys.executable, "-P", "-m", __name__, "-f", "{connection_file}"],
        "display_name": "Python 3, confined",
        "language": "python",
        "interrupt_mode": "message",  # a signal would reach bubblewrap, not the kernel
    }
    path = folder / "kernels" / KERNEL / "kernel.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(described, indent=1), encoding="utf-8")


def main(argv: Sequence[str]) -> None:
    """Become the confined kernel: ``-f CONNECTION_FILE``, in the submission's folder.

    Parameters
    ----------
    argv
        What Jupyter passes to a kernel.
    """
    connection = Path(argv[list(argv).index("-f") + 1])
    limits = Limits(
        int(os.environ.get(MEMORY, Limits.memory)),
        int(os.environ.get(DISK, Limits.disk)),
    )
    program = [sys.executable, "-m", "ipykernel_launcher", *argv]
    command = bwrap(program, Path.cwd(), connection.parent, limits)
    lower_limits(limits)
    os.execvp(command[0], command)


def _namespaces() -> list[str]:
    return [
        "bwrap",
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--clearenv",
    ]


def _system() -> Iterator[str]:
    for path in map(Path, SYSTEM):
        if path.is_symlink():
            yield from ("--symlink", os.readlink(path), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for path in map(Path, SETTINGS):
        if path.exists():
            yield from ("--ro-bind", str(path), str(path))
    yield from ("--proc", "/proc", "--dev", "/dev")
    kept = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": "/tmp",
        "USER": "student",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": "1",
        "FAIRTUTOR_DEVICE": "cpu",
        "FAIRTUTOR_CHECK_SEED": os.environ.get("FAIRTUTOR_CHECK_SEED", "0"),
    }
    for name, value in kept.items():
        yield from ("--setenv", name, value)


def _python() -> Iterator[str]:
    """Yield what shows Python, its packages and this library; no clone around it."""
    prefixes = [Path(sys.base_prefix), Path(sys.prefix)]
    seen = [p for p in dict.fromkeys(prefixes) if not p.is_relative_to("/usr")]
    results = PACKAGE.parent / "experiments" / "results"
    for path in (*seen, PACKAGE, results):
        if path.is_dir():
            yield from ("--ro-bind", str(path), str(path))


if __name__ == "__main__":
    main(sys.argv[1:])
