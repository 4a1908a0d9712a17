"""The workshop: minutes add up, what is cited exists, slides ask nobody outside."""

import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
WORKSHOP = ROOT / "workshop"
PLANS = sorted(WORKSHOP.glob("plan_*.md"))
DECKS = sorted((WORKSHOP / "slides").glob("*.toml"))
ROW = re.compile(r"^\| (\d+):(\d\d) \| (\d+) \| (.+?) \|", re.MULTILINE)
CUT = re.compile(r"^\| (?!leave out)([^|]+?) \| (\d+) \|$", re.MULTILINE)
CITED = re.compile(r"\[(\d\d)\]\(([^)]+)\) (.+)")
HEADING = re.compile(r"^#{2,3} (.+?)\s*$", re.MULTILINE)


def identify(path: Path) -> str:
    return path.stem


def headings(chapter: Path) -> list[str]:
    cells = nbformat.read(chapter, as_version=4).cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    return HEADING.findall("\n\n".join(texts))


@pytest.fixture(params=PLANS, ids=identify)
def plan(request):
    return request.param.read_text(encoding="utf-8")


def rows(plan):
    """Return (clock in minutes, minutes, what) of each row."""
    return [(int(h) * 60 + int(m), int(n), what) for h, m, n, what in ROW.findall(plan)]


def test_there_are_three_plans_of_the_promised_lengths():
    promised = {path.stem: re.search(r"(\d+) minutes", path.read_text()).group(1)
                for path in PLANS}  # fmt: skip
    assert promised == {
        "plan_90_minutes": "90",
        "plan_half_day": "210",
        "plan_two_days": "720",
    }


def test_minutes_add_up_and_the_clock_follows_them(plan):
    found = rows(plan)
    total = int(re.search(r"(\d+) minutes", plan).group(1))
    assert sum(minutes for _, minutes, _ in found) == total
    clock = 0
    for at, minutes, what in found:
        if at == 0:  # a day begins
            clock = 0
        assert at == clock, what
        clock += minutes


def test_every_cited_section_is_in_its_chapter(plan):
    cited = [CITED.search(what) for _, _, what in rows(plan)]
    cited = [found.groups() for found in cited if found]
    assert len(cited) >= 7
    for number, link, heading in cited:
        chapter = (WORKSHOP / link).resolve()
        assert chapter.name.startswith(number)
        assert heading in headings(chapter), heading


def test_what_is_cut_is_in_the_plan_and_saves_no_more_than_it_takes(plan):
    before, after = plan.split("## Cut list")
    takes: dict[str, int] = {}
    for _, minutes, what in rows(before):
        found = CITED.search(what)
        takes[found.group(3) if found else what] = minutes
    cut = CUT.findall(after)
    assert len(cut) >= 4
    for what, saves in cut:
        assert int(saves) <= takes[what], what
    assert "**Never cut:**" in after


def test_links_of_the_workshop_lead_somewhere():
    for path in WORKSHOP.glob("*.md"):
        for link in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
            if not urlsplit(link).scheme:
                assert (WORKSHOP / link.split("#")[0]).exists(), (path.name, link)


def test_what_doctor_should_say_is_what_it_says(capsys):
    from fairtutor import doctor

    doctor.run()
    starts = {line.split()[0] for line in capsys.readouterr().out.splitlines()[:-1]}
    told = (WORKSHOP / "before_you_come.md").read_text()
    assert starts <= {"OK", "NOTE"} and "`NOTE`" in told and "`OK`" in told


# --- slides ---------------------------------------------------------------------------


class Slides(HTMLParser):
    """The slides of a deck, their images, and what they would fetch."""

    def __init__(self, text):
        super().__init__()
        self.count, self.alts, self.fetched = 0, [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.count += tag == "section"
        if tag == "img":
            self.alts.append(given.get("alt", ""))
        if tag in ("img", "script", "link", "iframe"):
            self.fetched += [given[key] for key in ("src", "href") if key in given]


@pytest.fixture(params=DECKS, ids=identify)
def deck(request):
    return request.param.stem, tomllib.loads(request.param.read_text(encoding="utf-8"))


def test_a_deck_follows_its_plan(deck):
    name, given = deck
    plan = (WORKSHOP / f"plan_{name}.md").read_text(encoding="utf-8")
    cited = [CITED.search(what) for _, _, what in rows(plan)]
    order = [(found.group(1), found.group(3)) for found in cited if found]
    places = [order.index((s["chapter"], s["heading"])) for s in given["slide"]]
    assert places == sorted(places)


def test_a_deck_holds_its_pictures_with_words_and_fetches_nothing(deck, script):
    _, given = deck
    slides = Slides(script("scripts/build_slides.py").page(given))
    pictures = sum(slide.get("picture", 1) > 0 for slide in given["slide"])
    assert len(slides.alts) == pictures > 0
    assert all(len(alt) > 20 for alt in slides.alts)
    assert all(url.startswith("data:") for url in slides.fetched)
    assert slides.count > len(given["slide"])  # questions stand on slides of their own


def test_a_slide_without_a_picture_shows_what_its_section_prints(deck, script):
    name, given = deck
    made = script("scripts/build_slides.py")
    bare = []
    for slide in given["slide"]:
        *_, last = made.section_slides(**slide)
        held = re.search(r"<img|<pre>[^<]*\S[^<]*</pre>|<math", last)
        if not held and len(slide["say"].split()) < 12:
            bare.append((slide["chapter"], slide["heading"]))
    assert bare == [], f"say more, or choose a picture, in {name}"


def test_a_wrong_section_or_picture_is_named(script):
    slides = script("scripts/build_slides.py").section_slides
    with pytest.raises(ValueError, match="has no section 'The loops'"):
        list(slides("02", "The loops", "x"))
    with pytest.raises(ValueError, match="number 9 is asked for"):
        list(slides("02", "The loop", "x", picture=9))
    with pytest.raises(ValueError, match="no chapter '77'"):
        list(slides("77", "The loop", "x"))
