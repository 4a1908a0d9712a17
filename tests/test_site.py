"""The static site: whole, without solutions, and all its links lead somewhere."""

import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import fairtutor

pytestmark = [pytest.mark.slow, pytest.mark.long]

FETCHED = {
    "link": "href",
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "image": "href",
}
ROOT = Path(__file__).parent.parent


class Page(HTMLParser):
    """What a page links to, what it fetches, what can be linked to, its headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links, self.fetched, self.ids = [], [], set()
        self.levels, self.without_alt = [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        # A link to another page, not a thing that the page needs.
        about = given.get("rel") in ("next", "prev", "index", "search", "canonical")
        if tag in FETCHED and given.get(FETCHED[tag]) and not about:
            self.fetched.append(given[FETCHED[tag]])
        if tag == "img" and not (given.get("alt") or "").strip():
            self.without_alt += 1
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self.levels.append(int(tag[1]))


@pytest.fixture(scope="module")
def pages(site):
    return {
        path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")
    }


def test_every_chapter_and_every_exercise_has_a_page(site):
    for room in ("chapters", "exercises"):
        made = {path.stem for path in (site / room).glob("*.html")}
        assert made == {path.stem for path in (ROOT / room).glob("*.ipynb")}


def test_every_public_class_and_function_is_in_the_reference(site, pages):
    told = set().union(*(page.ids for path, page in pages.items()
                         if path.parent.name == "reference"))  # fmt: skip
    missing = []
    for info in pkgutil.walk_packages(fairtutor.__path__, "fairtutor."):
        private = any(part.startswith("_") for part in info.name.split("."))
        if private or info.ispkg or info.name.count(".") < 2:
            continue
        module = importlib.import_module(info.name)
        for name, thing in vars(module).items():
            ours = getattr(thing, "__module__", None) == info.name
            named = inspect.isclass(thing) or inspect.isfunction(thing)
            if ours and named and not name.startswith("_") and thing.__doc__:
                missing += [f"{info.name}.{name}"] * (f"{info.name}.{name}" not in told)
    assert missing == []


def test_links_lead_to_pages_and_places_that_exist(site, pages):
    broken, followed = [], 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            followed += 1
            target = (
                (path.parent / unquote(parts.path)).resolve() if parts.path else path
            )
            if target.is_dir():
                target = target / "index.html"
            there = target.exists()
            if there and parts.fragment and target.suffix == ".html":
                there = unquote(parts.fragment) in pages[target].ids
            if not there:
                broken.append((path.relative_to(site).as_posix(), link))
    assert broken == [], len(broken)
    assert followed > 5_000  # it would also pass if no link were seen


def test_no_page_needs_anything_from_elsewhere(site, pages):
    for path, page in pages.items():
        outside = [url for url in page.fetched if urlsplit(url).netloc]
        assert outside == [], path.relative_to(site)
    styles = "\n".join(path.read_text() for path in site.rglob("*.css"))
    assert len(styles) > 100_000
    assert re.findall(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^)]+""", styles) == []


def test_every_image_has_words_and_headings_skip_no_level(site, pages):
    for path, page in pages.items():
        assert page.without_alt == 0, path.relative_to(site)
        ours = path.parent.name in ("chapters", "exercises") or path.parent == site
        if ours and path.name not in ("genindex.html", "search.html"):
            # A document that is a cell's output begins at level 4, wherever it stands.
            levels = [level for level in page.levels if level < 4]
            assert all(b <= a + 1 for a, b in pairwise(levels)), path.relative_to(site)


def test_no_solution_is_shown(site):
    shown = [path.read_text() for path in (site / "exercises").glob("*.html")]
    assert not any("BEGIN SOLUTION" in text for text in shown)
    assert all("your answer here" in text for text in shown)
    source = [path for path in site.rglob("*") if "solution" in path.name.lower()]
    assert source == []


def test_panels_are_pictures_that_say_how_to_run_them(site):
    text = (site / "chapters" / "02_three_entities.html").read_text()
    assert "This is a picture of the panel." in text
    assert "application/vnd.jupyter.widget-view" not in text


def test_a_hosted_site_has_buttons_for_binder_and_colab(site, tmp_path):
    repository = "https://github.com/someone/fairtutor"
    command = [sys.executable, str(ROOT / "scripts" / "build_site.py"), str(tmp_path)]
    done = subprocess.run(
        [*command, "--only", "00_start_here"],
        env={**os.environ, "FAIRTUTOR_REPOSITORY": repository},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    page = tmp_path / "html" / "chapters" / "00_start_here.html"
    hosted, plain = page.read_text(), (site / "chapters" / page.name).read_text()
    for host in ("mybinder.org", "colab.research.google.com"):
        assert host in hosted and host not in plain
    assert repository in hosted and repository not in plain
