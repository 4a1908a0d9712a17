"""The static site in a real browser: nothing is fetched from elsewhere."""

import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .acts import MINUTE

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long]

PAGES = (
    "index.html",
    "chapters/01_no_one_definition.html",
    "chapters/09_lipschitz_regularization.html",
    "chapters/12_capstone.html",
    "exercises/07_similar_individuals.html",
    "reference/widgets.html",
    "glossary.html",
    "bibliography.html",
    "search.html",
)
CHAPTER = "chapters/09_lipschitz_regularization.html"


@pytest.fixture(scope="module")
def address(site) -> Iterator[str]:
    """Where the site is served, on this machine alone."""

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args, **options):
            super().__init__(*args, directory=str(site), **options)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture
def page(watched_page):
    yield watched_page.page
    assert watched_page.asked_outside == []
    assert watched_page.problems == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_nobody_outside_and_reports_no_error(page, address, path):
    page.goto(address + path)
    page.wait_for_load_state("networkidle")
    assert page.locator("h1").first.inner_text().strip()
    broken = page.evaluate(
        "() => [...document.images].filter(i => i.complete && !i.naturalWidth).length"
    )
    assert broken == 0


def test_the_search_finds_a_chapter_by_a_word(page, address):
    page.goto(address + "search.html?q=GroupSort")
    found = page.locator("#search-results a[href*='09_lipschitz']")
    found.first.wait_for(timeout=MINUTE)


def test_formulas_are_drawn(page, address):
    page.goto(address + CHAPTER)
    sizes = page.locator("math").evaluate_all(
        "all => all.map(math => math.getBoundingClientRect())"
        ".map(box => [box.width, box.height])"
    )
    assert len(sizes) > 20
    assert all(width > 3 and height > 5 for width, height in sizes)


def test_a_telephone_shows_a_chapter_without_scrolling_sideways(page, address):
    page.set_viewport_size({"width": 400, "height": 800})
    for path in PAGES:
        page.goto(address + path)
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= 400, path


def test_the_dark_page_is_dark_and_its_text_light(page, address):
    page.emulate_media(color_scheme="dark")
    page.goto(address + CHAPTER)

    def lightness(selector, colour):
        numbers = page.locator(selector).first.evaluate(
            f"node => getComputedStyle(node).{colour}.match(/[\\d.]+/g).map(Number)"
        )
        return sum(numbers[:3]) / 3

    assert lightness("body", "backgroundColor") < 60
    assert lightness("article p", "color") > 180


def test_paper_holds_the_chapter_and_not_the_menus(page, address, tmp_path):
    page.goto(address + CHAPTER)
    page.emulate_media(media="print")
    for menu in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".header-article"):
        assert not page.locator(menu).first.is_visible(), menu
    assert page.locator("article").first.is_visible()
    printed = page.pdf(format="A4")
    assert printed.count(b"/Type /Page\n") > 5
