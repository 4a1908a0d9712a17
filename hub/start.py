"""Prepare a hub and start it (``make hub``), or end it (``make hub-stop``)."""

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from release import link, publish
from settings import CLONE, Settings

# JupyterHub's own proxy; the Python port on PyPI offers no TLS, so Node is needed.
# The newest version that Node 18 runs: that is what Debian 12 has.
PROXY = "configurable-http-proxy@5.1.0"
PROXY_HOME = CLONE / "build" / "hub-proxy"


def missing_programs() -> list[str]:
    """Return what is not installed on this machine, each with its fix."""
    found = [
        f"There is no program named {name}. Fix: sudo apt install {package}"
        for name, package in (("git", "git"), ("node", "nodejs"), ("npm", "npm"))
        if shutil.which(name) is None
    ]
    try:
        import jupyterhub  # noqa: F401, only whether it is there
        import nbgitpuller  # noqa: F401, the same
    except ImportError as error:
        found.append(f"{error}. Fix: pip install -c constraints.txt -e '.[hub]'")
    return found


def install_proxy() -> None:
    """Install the proxy into build/, unless it is there.

    Raises
    ------
    subprocess.CalledProcessError
        npm failed; it has said why.
    """
    if (PROXY_HOME / "node_modules" / ".bin" / "configurable-http-proxy").exists():
        return
    print(f"Installing {PROXY} into {PROXY_HOME.relative_to(CLONE)}", flush=True)
    PROXY_HOME.mkdir(parents=True, exist_ok=True)
    npm = ["npm", "install", "--no-fund", "--no-audit", "--loglevel=error"]
    subprocess.run([*npm, "--prefix", str(PROXY_HOME), PROXY], check=True)


def make_folders(settings: Settings) -> None:
    """Make the hub's folders; only the release is for others to read."""
    settings.state.mkdir(parents=True, exist_ok=True)
    for folder in (settings.secrets, settings.homes):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)


def announcement(settings: Settings) -> str:
    """Return what the instructor tells the participants, and what holds."""
    if settings.isolated:
        who = f"their system account, in the group {settings.group}"
        apart = "Each participant has an account of their own."
    else:
        who = f"any name (a-z, 0-9) and the password {settings.secret('password')}"
        apart = (
            "All servers run under one account: participants can read each other's "
            "work and the hub's secrets. For isolation: HUB_ACCOUNTS=system, as root."
        )
    lines = [
        f"Participants open  {link(settings)}",
        f"and log in with    {who}",
        f"Each gets          {settings.memory} of memory, {settings.cpus} cores, "
        f"{settings.threads} threads for torch; idle servers end after "
        f"{settings.idle // 60} minutes",
        apart,
    ]
    if settings.plain == "yes" and not settings.tls_cert:
        lines.append("Without TLS: whoever is on this network can read passwords.")
    lines.append("Ctrl-C ends the hub, not the servers; make hub-stop ends both.")
    return "\n".join(lines)


def start() -> int:
    """Prepare what the hub needs, say how to come in, and become the hub."""
    settings = Settings()
    reasons = [*settings.refusals(), *missing_programs()]
    if reasons:
        print("\n".join(f"FAIL  {reason}" for reason in reasons), file=sys.stderr)
        return 1
    make_folders(settings)
    install_proxy()
    print(f"The release: {publish(settings)} files, none of them a solution.")
    print(announcement(settings), flush=True)
    config = Path(__file__).with_name("jupyterhub_config.py")
    hub = [sys.executable, "-m", "jupyterhub", "-f", str(config)]
    os.chdir(settings.secrets)
    os.execv(sys.executable, hub)


def stop() -> int:
    """End the hub that runs, with its proxy and every server."""
    settings = Settings()
    request = urllib.request.Request(
        f"http://127.0.0.1:{settings.port + 2}/hub/api/shutdown",
        data=json.dumps({"proxy": True, "servers": True}).encode(),
        headers={"Authorization": f"token {settings.secret('token')}"},
        method="POST",
    )
    try:
        urllib.request.urlopen(request, timeout=60).close()
    except (urllib.error.URLError, OSError) as error:
        print(f"FAIL  No hub answers on port {settings.port}: {error}", file=sys.stderr)
        return 1
    print("The hub ends, with every server. Saved work stays.")
    return 0


if __name__ == "__main__":
    sys.exit(stop() if sys.argv[1:] == ["stop"] else start())
