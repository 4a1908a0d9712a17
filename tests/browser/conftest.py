"""A JupyterLab of the tests' own and a real browser in front of it."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .acts import open_and_run_all, small_notebook

# A browser that starts anywhere and asks nobody outside for anything.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SETTINGS = {
    # Cells out of sight are kept in the page, where a test can find them.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
}


def pytest_collection_modifyitems(items) -> None:
    """Run a failed browser test once more: on a busy machine a page can miss a key."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@dataclass
class Lab:
    """A running server: where it is, and the folder it serves."""

    address: str
    token: str

    def url(self, notebook: str) -> str:
        return f"{self.address}/lab/tree/{notebook}?token={self.token}&reset"


@dataclass
class Watched:
    """A browser page, and everything that went wrong in it."""

    page: object
    problems: list[str] = field(default_factory=list)
    asked_outside: list[str] = field(default_factory=list)


@pytest.fixture
def start_lab(tmp_path) -> Iterator[Callable[..., Lab]]:
    """Return a function that serves a folder; every server ends with the test."""

    def start(folder: Path, theme: str = "JupyterLab Light") -> Lab:
        home = tmp_path / f"jupyter {len(list(tmp_path.iterdir()))}"
        return running.enter_context(_serve(folder, home, theme))

    with ExitStack() as running:
        yield start


@pytest.fixture
def watched_page(browser_path) -> Iterator[Watched]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, headless=True, args=list(FLAGS)
        )
        page = browser.new_page(viewport={"width": 1280, "height": 1800})
        watched = Watched(page)
        _watch(watched)
        yield watched
        browser.close()


@pytest.fixture
def run_in_lab(start_lab, watched_page, tmp_path) -> Callable[..., None]:
    """Return a function that runs a notebook in a JupyterLab that serves it alone.

    It takes the code of one cell, or the path of a notebook of the course.
    """

    def run(what: str | Path, theme: str = "JupyterLab Light") -> None:
        folder = tmp_path / "course"
        folder.mkdir()
        if isinstance(what, Path):
            name = shutil.copy(what, folder / what.name).name
        else:
            name = small_notebook(folder, what)
        open_and_run_all(watched_page.page, start_lab(folder, theme).url(name))

    return run


def _watch(watched: Watched) -> None:
    """Collect errors, and stop and collect requests to anywhere but this machine."""

    def route(request_route) -> None:
        if "//127.0.0.1:" in request_route.request.url.split("?")[0]:
            request_route.continue_()
        else:
            watched.asked_outside.append(request_route.request.url)
            request_route.abort()

    def hear(message) -> None:
        if message.type == "error":
            watched.problems.append(f"console: {message.text}")

    watched.page.on("console", hear)
    watched.page.on("pageerror", lambda error: watched.problems.append(str(error)))
    watched.page.route("http://**", route)
    watched.page.route("https://**", route)


@contextmanager
def _serve(folder: Path, home: Path, theme: str) -> Iterator[Lab]:
    home.mkdir()
    port, token = _free_port(), secrets.token_hex(8)
    lab = Lab(f"http://127.0.0.1:{port}", token)
    with open(home / "server.log", "w") as log:
        server = subprocess.Popen(
            _command(port, token, folder),
            env={**os.environ, **_own_places(home, theme)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_up(lab, server, home / "server.log")
            yield lab
        finally:
            _end(server)


def _command(port: int, token: str, folder: Path) -> list[str]:
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": token,
        "LabApp.news_url": "None",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "jupyterlab", *given]


def _own_places(home: Path, theme: str) -> dict[str, str]:
    """Keep this server apart from the settings of whoever runs the tests."""
    for name, values in {
        **SETTINGS,
        "apputils-extension/themes": {"theme": theme},
    }.items():
        extension, plugin = name.split("/")
        file = home / "settings" / "@jupyterlab" / extension
        file.mkdir(parents=True, exist_ok=True)
        (file / f"{plugin}.jupyterlab-settings").write_text(json.dumps(values))
    return {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "NO_PROXY": "127.0.0.1",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_up(lab: Lab, server: subprocess.Popen, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(300):
        if server.poll() is not None:
            pytest.fail(f"JupyterLab ended at once:\n{log.read_text()}")
        try:
            opener.open(f"{lab.address}/api?token={lab.token}", timeout=5)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not answer within a minute:\n{log.read_text()}")


def _end(server: subprocess.Popen) -> None:
    """End the server, which ends its kernels; without mercy after ten seconds."""
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
