"""A JupyterLab of the tests' own and a real browser in front of it."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .acts import open_and_run_all, small_notebook
from .lab import FLAGS, Lab, serve


def pytest_collection_modifyitems(items) -> None:
    """Run a failed browser test once more: on a busy machine a page can miss a key."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


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
        return running.enter_context(serve(folder, home, theme))

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

    It takes the code of one cell or of several, or the path of a chapter.
    """

    def run(what: str | Sequence[str] | Path, theme: str = "JupyterLab Light") -> None:
        folder = tmp_path / "course"
        folder.mkdir()
        if isinstance(what, Path):
            name = shutil.copy(what, folder / what.name).name
        else:
            codes = [what] if isinstance(what, str) else what
            name = small_notebook(folder, *codes)
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
