"""Make the slides of a workshop from cells of the chapters.

    python scripts/build_slides.py [DIR]      default: build/slides

A deck is a file in workshop/slides: which chapter, which section, and one sentence to
say. Question, picture and the picture's words are taken from the chapter as it is
committed, so that a slide never shows another figure than the course does.

nbconvert's slides need reveal.js from the network, or a copy of it beside every deck.
These are one file each and ask nobody for anything: arrow keys, Page keys, Home and End
turn them, and printed they are one slide a page.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

sys.path.insert(0, str(Path(__file__).parent.parent / "docs" / "site"))
from mathml import mathml

ROOT = Path(__file__).parent.parent

HEADING = re.compile(r"^#{2,3} (.+?)\s*$", re.MULTILINE)
QUESTION = re.compile(r"^\*\*Predict\*{0,2}.*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
MOST_LINES = 12
IMAGE = re.compile(r"<img\b[^>]*>")
STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: white; color: #1b1b1b;
       font: 30px/1.4 system-ui, sans-serif; }
section { box-sizing: border-box; width: 100vw; height: 100vh; padding: 4vh 5vw;
          display: none; flex-direction: column; gap: 2vh; overflow: auto; }
section.shown { display: flex; }
h1 { font-size: 56px; margin: auto 0 0; } h1 + p { margin: 0 0 auto; }
h2 { font-size: 44px; margin: 0; border-left: 14px solid #4d4d4d; padding-left: 18px; }
.ask { font-size: 38px; margin: auto 0; }
.say { font-size: 30px; margin: 0; }
img { max-width: 100%; max-height: 58vh; height: auto; width: auto !important;
      min-width: min(70vw, 900px); object-fit: contain; object-position: left;
      align-self: flex-start; }
pre { font-size: 24px; line-height: 1.5; margin: 0; white-space: pre-wrap; }
footer { margin-top: auto; font-size: 18px; color: #4d4d4d; }
@media print {
  @page { size: A4 landscape; margin: 0; }
  section { display: flex; break-after: page; height: 100vh; }
}
"""
KEYS = """
const slides = [...document.querySelectorAll("section")];
let at = Math.min(Math.max(parseInt(location.hash.slice(1)) - 1 || 0, 0),
                  slides.length - 1);
function show(next) {
  at = Math.min(Math.max(next, 0), slides.length - 1);
  slides.forEach((slide, place) => slide.classList.toggle("shown", place === at));
  history.replaceState(null, "", "#" + (at + 1));
  slides[at].focus();
}
addEventListener("keydown", event => {
  const step = { ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1 };
  if (event.key in step) show(at + step[event.key]);
  else if (event.key === "Home") show(0);
  else if (event.key === "End") show(slides.length - 1);
  else return;
  event.preventDefault();
});
addEventListener("click", event => { if (!event.target.closest("a")) show(at + 1); });
show(at);
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write one HTML file for each deck."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", nargs="?", type=Path, default=ROOT / "build" / "slides"
    )
    folder = parser.parse_args(argv).folder
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted((ROOT / "workshop" / "slides").glob("*.toml")):
        deck = tomllib.loads(path.read_text(encoding="utf-8"))
        (folder / f"{path.stem}.html").write_text(page(deck), encoding="utf-8")
        print(f"Wrote {folder / path.stem}.html")
    return 0


def page(deck: dict) -> str:
    """Return a deck as one HTML page.

    Parameters
    ----------
    deck
        Its ``title``, ``subtitle`` and ``slide``: each with a ``chapter`` (two
        digits), a ``heading`` of it, a sentence to ``say`` and, if another than the
        first is meant, which ``picture`` of the section; for 0 what it prints first.

    Raises
    ------
    ValueError
        A chapter has no such section, or the section no such picture.
    """
    slides = [f"<h1>{escape(deck['title'])}</h1><p>{escape(deck['subtitle'])}</p>"]
    for slide in deck["slide"]:
        slides += section_slides(**slide)
    body = "".join(
        f'<section tabindex="-1" aria-label="{number} of {len(slides)}">{slide}'
        f"<footer>{number} / {len(slides)}</footer></section>"
        for number, slide in enumerate(slides, start=1)
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(deck['title'])}</title><style>{STYLE}</style></head>"
        f"<body>{body}<script>{KEYS}</script></body></html>"
    )


def section_slides(
    chapter: str, heading: str, say: str, picture: int = 1
) -> Iterator[str]:
    """Yield a section's slides: its first question on its own, then the picture.

    Parameters
    ----------
    chapter
        Two digits.
    heading
        Of the section, as it stands in the chapter.
    say
        One sentence, Markdown.
    picture
        Which picture of the section is shown, from 1; for 0 what it prints first.
    """
    cells = section(chapter, heading)
    title = f"<h2>{chapter} · {escape(re.sub(r'^[0-9]+ · ', '', heading))}</h2>"
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    for question in QUESTION.findall("\n\n".join(texts))[:1]:
        yield f'{title}<div class="ask">{in_html(question)}</div>'
    images = [image for cell in cells for image in IMAGE.findall(shown(cell))]
    if picture > len(images):
        raise ValueError(
            f"Section {heading!r} of chapter {chapter} has {len(images)} pictures, "
            f"and number {picture} is asked for."
        )
    drawn = images[picture - 1] if picture else printed(cells)
    yield f'{title}<div class="say">{in_html(say)}</div>{drawn}'


def section(chapter: str, heading: str) -> list[nbformat.NotebookNode]:
    """Return the cells from a heading to the next.

    Parameters
    ----------
    chapter, heading
        As for :func:`section_slides`.

    Raises
    ------
    ValueError
        There is no such chapter or heading.
    """
    paths = list((ROOT / "chapters").glob(f"{chapter}_*.ipynb"))
    if not paths:
        raise ValueError(f"There is no chapter {chapter!r}.")
    found: list[nbformat.NotebookNode] = []
    inside = False
    for cell in nbformat.read(paths[0], as_version=4).cells:
        headings = HEADING.findall(cell.source) if cell.cell_type == "markdown" else []
        if headings:
            inside = heading in headings
        if inside:
            found.append(cell)
    if not found:
        raise ValueError(f"Chapter {chapter} has no section {heading!r}.")
    return found


def shown(cell: nbformat.NotebookNode) -> str:
    """Return the HTML among a cell's outputs."""
    outputs = cell.get("outputs", ())
    return "".join(output.get("data", {}).get("text/html", "") for output in outputs)


def printed(cells: Sequence[nbformat.NotebookNode]) -> str:
    """Return what a section prints first, if it is short enough for a slide."""
    for cell in cells:
        for output in cell.get("outputs", ()):
            plain = output.get("data", {}).get("text/plain", "")
            text = output.get("text", plain).strip("\n")
            if text and text.count("\n") < MOST_LINES:
                return f"<pre>{escape(text)}</pre>"
    return ""


def in_html(markdown: str) -> str:
    """Return Markdown with formulas as HTML.

    Parameters
    ----------
    markdown
        Text, not a whole document.
    """

    def formula(latex: str, options: dict) -> str:
        return mathml(latex, "block" if options["display_mode"] else "inline")

    return MarkdownIt().use(dollarmath_plugin, renderer=formula).render(markdown)


if __name__ == "__main__":
    sys.exit(main())
