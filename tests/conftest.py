"""What several test files share: the browser, and the project's own folder."""

import os
from pathlib import Path

import pytest

from fairtutor.doctor import find_browser

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root():
    """The folder of the clone."""
    return ROOT


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
