"""The answers for instructors: every prediction, with the chapter's own figures."""

import html
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
TEXT = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "workshop").glob("answers_*.md"))
)
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
HEADING = re.compile(r"^#{2,3} (.+?)\s*$", re.MULTILINE)
BULLET = re.compile(r"^- \*\*(.+?)\*\*: (.+)$", re.MULTILINE)
FIGURE = re.compile(r"(?<![\d.,])[-+]?\d*\.\d+")
TAG = re.compile(r"<[^>]+>")
DATA = re.compile(r"data:image/[^\"')\s]+")


def answered(number: str) -> tuple[str, str]:
    """Return a chapter's part of the answers: predictions, misunderstandings."""
    parts = re.split(r"^## (\d\d) · .*$", TEXT, flags=re.MULTILINE)
    own = dict(zip(parts[1::2], parts[2::2], strict=True))[number]
    predictions, misunderstandings = own.split("### Misunderstandings")
    return predictions, misunderstandings


def asked(notebook) -> list[str]:
    """Return the heading of each prediction that a chapter asks for, in order."""
    found, heading = [], ""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for part in re.split(r"(?=^#{2,3} |\*\*Predict)", cell.source, flags=re.M):
            title = HEADING.match(part)
            heading = title.group(1) if title else heading
            found += [heading] * part.startswith("**Predict")
    return found


def told(notebook) -> str:
    """Return everything that a chapter says and shows, without markup."""
    texts = []
    for cell in notebook.cells:
        texts.append(cell.source)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            texts += [output.get("text", ""), data.get("text/plain", "")]
            alts = re.findall(r'alt="([^"]*)"', data.get("text/html", ""))
            texts += [*alts, TAG.sub(" ", DATA.sub("", data.get("text/html", "")))]
    return html.unescape("\n".join(texts)).replace("−", "-")


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request):
    return request.param.name[:2], nbformat.read(request.param, as_version=4)


def test_every_prediction_is_answered_in_order(chapter):
    number, notebook = chapter
    predictions, _ = answered(number)
    assert [heading for heading, _ in BULLET.findall(predictions)] == asked(notebook)
    assert all("*Answer:*" in text or "what the word asks" in text
               for _, text in BULLET.findall(predictions))  # fmt: skip


def test_every_figure_is_the_chapters_own(chapter):
    number, notebook = chapter
    text = told(notebook)
    figures = FIGURE.findall("\n".join(answered(number)).replace("−", "-"))
    bare = [figure.lstrip("+-") for figure in figures]
    known = {figure.lstrip("+-") for figure in FIGURE.findall(text)}
    short = {figure.removeprefix("0") for figure in known}
    assert [figure for figure in bare if figure not in known | short] == []


def test_three_misunderstandings_or_more_each_with_what_to_say(chapter):
    number, _ = chapter
    found = re.findall(r'^- \*"(.+?)"\* (.+)$', answered(number)[1], re.MULTILINE)
    assert len(found) >= 3
    assert all(len(answer.split()) >= 3 for _, answer in found)
