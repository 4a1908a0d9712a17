"""Stop a set-up that cannot succeed, and say what would make it succeed.

Run by the Makefile before anything is installed, with whatever Python there is, so
this file keeps to what Python 3.6 understands and imports nothing of the library.

    python3 scripts/check_machine.py FOLDER_OF_THE_ENVIRONMENT
"""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
DISK_GB = 4


def main(environment):
    """Print each problem with its fix; the exit code says whether there was one."""
    problems = [python_problem(), venv_problem(), disk_problem(environment)]
    problems = [problem for problem in problems if problem]
    for problem in problems:
        sys.stderr.write("FAIL  " + problem + "\n")
    return 1 if problems else 0


def python_problem(version=sys.version_info, starts=None):
    """Say that this Python is too old, and which one on this machine is not."""
    if tuple(version[:2]) >= OLDEST:
        return None
    newer = [f"python3.{minor}" for minor in range(OLDEST[1], 15)]
    found = [name for name in newer if (starts or does_start)(name)]
    fix = "install Python 3.11 or newer"
    if found:
        fix = f"add PYTHON={found[0]} to the command"
    number = f"{version[0]}.{version[1]}"
    return f"Python {number} is too old, 3.11 or newer is needed. Fix: {fix}."


def does_start(name):
    """Say whether the program exists and runs (a version manager's shim may not)."""
    path = shutil.which(name)
    return bool(path) and not subprocess.call(
        [path, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def venv_problem(find=None):
    """Say that this Python cannot make virtual environments."""
    from importlib.util import find_spec

    find = find or find_spec
    missing = [name for name in ("venv", "ensurepip") if not find(name)]
    if not missing:
        return None
    return (
        f"This Python has no module {' and no module '.join(missing)}, so it cannot "
        "make a virtual environment. Fix: on Debian or Ubuntu, sudo apt install "
        "python3-venv; elsewhere install Python from python.org."
    )


def disk_problem(environment, usage=shutil.disk_usage):
    """Say that the environment will not fit on its disk."""
    folder = os.path.abspath(environment)
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    free = usage(folder).free / 1e9
    if free >= DISK_GB:
        return None
    return (
        f"Only {free:.1f} GB are free on the disk of {folder}, and set-up needs "
        f"{DISK_GB} GB (10 GB with the GPU version of torch). Fix: free some, or add "
        "VENV=/path/on/a/larger/disk to the command."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
