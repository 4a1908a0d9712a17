"""Slides in a real browser, turned by keyboard."""

import pytest

from .acts import screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long]


@pytest.fixture
def deck(script, tmp_path, watched_page):
    assert script("scripts/build_slides.py").main([str(tmp_path)]) == 0
    watched_page.page.set_viewport_size({"width": 1280, "height": 800})
    watched_page.page.goto(f"file://{tmp_path}/90_minutes.html")
    yield watched_page.page
    assert watched_page.problems == [] and watched_page.asked_outside == []


def at(page) -> int:
    shown = page.locator("section").evaluate_all(
        "all => all.map((s, k) => s.getClientRects().length ? k + 1 : 0)"
        ".filter(Boolean)"
    )
    assert len(shown) == 1, "one slide is shown at a time"
    return shown[0]


def test_slides_are_turned_by_keys(deck):
    count = deck.locator("section").count()
    assert count > 8 and at(deck) == 1
    for key, place in (
        ("ArrowRight", 2),
        ("PageDown", 3),
        (" ", 4),
        ("ArrowLeft", 3),
        ("End", count),
        ("ArrowRight", count),
        ("Home", 1),
        ("ArrowLeft", 1),
    ):
        deck.keyboard.press(key)
        assert at(deck) == place
    deck.goto(deck.url.split("#")[0] + "#4")
    deck.reload()
    assert at(deck) == 4


def test_slides_fit_the_screen_and_are_legible(deck):
    for place in range(deck.locator("section").count()):
        section = deck.locator("section").nth(place)
        wide, tall = section.evaluate(
            "s => [s.scrollWidth - s.clientWidth, s.scrollHeight - s.clientHeight]"
        )
        assert wide <= 1 and tall <= 1, f"slide {place + 1} does not fit"
        sizes = section.locator(".ask, .say, h2").evaluate_all(
            "all => all.map(node => parseFloat(getComputedStyle(node).fontSize))"
        )
        assert all(size >= 28 for size in sizes)
        screenshot(deck, f"slide {place + 1}", "section.shown")
        deck.keyboard.press("ArrowRight")


def test_on_paper_every_slide_has_a_page(deck):
    printed = deck.pdf(prefer_css_page_size=True)
    assert printed.count(b"/Type /Page\n") == deck.locator("section").count()
