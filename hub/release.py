"""The repository that participants pull, and the link that pulls it."""

import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlencode

from settings import CLONE, Settings

from fairtutor.exercises.release import release

FOLDER = "course"
FIRST = "chapters/00_start_here.ipynb"


def _git(where: Path, *arguments: str) -> str:
    author = ["-c", "user.name=fairtutor hub", "-c", "user.email=hub@localhost"]
    command = ["git", "-C", str(where), *author, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def publish(settings: Settings, clone: Path = CLONE) -> int:
    """Commit the student release to a git repository, if it changed.

    Parameters
    ----------
    settings
        Of the hub; ``settings.release`` is made if it is missing.
    clone
        The course.

    Returns
    -------
    int
        The number of files that participants get.
    """
    place = settings.release
    fresh = place.with_name("release.new")
    shutil.rmtree(fresh, ignore_errors=True)
    written = release(clone, fresh)
    if place.exists():
        (place / ".git").rename(fresh / ".git")
        shutil.rmtree(place)
    else:
        _git(fresh, "init", "-q", "-b", "main")
    fresh.rename(place)
    _git(place, "add", "-A")
    if _git(place, "status", "--porcelain"):
        _git(place, "commit", "-q", "-m", "The course as it is released")
    (settings.state / "gitconfig").write_text(
        f"[include]\n\tpath = /etc/gitconfig\n[safe]\n\tdirectory = {place}\n"
        f"\tdirectory = {place}/.git\n"
    )
    return len(written)


def pull_path(settings: Settings, notebook: str = FIRST) -> str:
    """Return the path, on a server, that pulls the course and opens a notebook.

    Parameters
    ----------
    settings
        Of the hub.
    notebook
        Path in the course, such as ``chapters/02_three_entities.ipynb``.
    """
    query = {
        "repo": settings.release.as_uri(),
        "branch": "main",
        "targetpath": FOLDER,
        "urlpath": f"lab/tree/{FOLDER}/{notebook}",
    }
    return f"/git-pull?{urlencode(query)}"


def link(settings: Settings, notebook: str = FIRST) -> str:
    """Return the link for participants: it logs in, starts, pulls and opens.

    Parameters
    ----------
    settings, notebook
        As in `pull_path`.
    """
    return f"{settings.address}/hub/user-redirect{pull_path(settings, notebook)}"
