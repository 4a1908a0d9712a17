"""What several test files share: the browser, and the project's own folder."""

import html
import importlib.util
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairtutor.doctor import find_browser

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root():
    """The folder of the clone."""
    return ROOT


@pytest.fixture(scope="session")
def script():
    """Return a function that loads a script, such as ``"experiments/user.py"``."""

    def loaded(path):
        name = path.removesuffix(".py").replace("/", "_")
        spec = importlib.util.spec_from_file_location(name, ROOT / path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look their module up
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend((ROOT / path).parent)  # it may import its neighbours
            spec.loader.exec_module(module)
        return module

    return loaded


@pytest.fixture(scope="session")
def site(script, tmp_path_factory):
    """The folder of the static site, made for this run."""
    folder = tmp_path_factory.mktemp("site")
    assert script("scripts/build_site.py").main([str(folder)]) == 0
    return folder / "html"


@pytest.fixture(scope="session")
def drawn():
    """Return a function that gives the words of each drawing on a panel's board."""

    def titles(panel):
        found = re.findall(r"<svg[^>]*><title>([^<]*)</title>", panel._board.value)
        return [html.unescape(title) for title in found]

    return titles


@pytest.fixture
def as_stored(monkeypatch):
    """Train on the CPU, where all stored results come from, whatever is tested else.

    A GPU trains in bfloat16 and ends elsewhere, within no band that says anything.
    """
    monkeypatch.setenv("FAIRTUTOR_DEVICE", "cpu")


@pytest.fixture(scope="session")
def browser_path():
    """The path of Chromium; skips where there is none, unless it is demanded."""
    path = find_browser()
    if path is None:
        message = "no Chromium or Chrome found: apt install chromium"
        if os.environ.get("FAIRTUTOR_REQUIRE_BROWSER") == "1":
            pytest.fail(f"FAIRTUTOR_REQUIRE_BROWSER=1, but {message}")
        pytest.skip(f"browser test skipped: {message}")
    return path


@pytest.fixture(scope="session")
def hub_tools(script):
    """The modules of hub/ by name; skips where a hub cannot run, unless demanded."""
    missing = script("hub/start.py").missing_programs()
    if sys.platform != "linux":
        missing.append("The limits need Linux.")
    if missing:
        if os.environ.get("FAIRTUTOR_REQUIRE_HUB") == "1":
            pytest.fail(f"FAIRTUTOR_REQUIRE_HUB=1, but {missing}")
        pytest.skip(f"hub test skipped: {' '.join(missing)}")
    names = ("client", "limits", "release", "trial")
    return SimpleNamespace(**{name: script(f"hub/{name}.py") for name in names})
