"""Make the static site from the committed notebooks and the library's docstrings.

    python scripts/build_site.py [DIR] [--only NAME]     default: build/site

Writes DIR/source, what Sphinx reads, and DIR/html, the site. Nothing is executed and
nothing is fetched: notebooks are shown with the outputs that are committed. With a
NAME only the chapters and exercises of that name are made, and no reference, to look
at a change; links to the others are then warned of.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent
# Rooms of the library in the order in which the loop uses them.
ROOMS = (
    "exchange data training similarity theory audit producers entities red_team "
    "figures widgets checks exercises"
).split()
REFERENCES = re.compile(r"^## References\s*\n(.*)", re.MULTILINE | re.DOTALL)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the site; the exit code is Sphinx's, which counts a warning as an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--only", default="", help="the beginning of a notebook's name")
    given = parser.parse_args(argv)
    source, html = given.folder / "source", given.folder / "html"
    write_source(source, given.only)
    strict = () if given.only else ("-W", "--keep-going")
    command = [sys.executable, "-m", "sphinx", *strict, "-q", "-j", "2"]
    code = subprocess.run([*command, "-b", "html", str(source), str(html)]).returncode
    if code == 0:
        print(f"The site is in {html}. Open {html / 'index.html'}.")
    return code


def write_source(source: Path, only: str = "") -> None:
    """Lay out what Sphinx reads, from nothing.

    Parameters
    ----------
    source
        A folder of ours; what was in it is lost.
    only
        The beginning of the names of the notebooks to show; by default all.
    """
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "docs" / "site", source)
    shutil.copytree(ROOT / "docs" / "reports", source / "reports" / "reports")
    for room in ("chapters", "exercises"):
        (source / room).mkdir()
        for path in sorted((ROOT / room).glob(f"{only}*.ipynb")):
            shutil.copyfile(path, source / room / path.name)
    (source / "bibliography.md").write_text(bibliography(only), encoding="utf-8")
    (source / "reports.md").write_text(reports(), encoding="utf-8")
    write_reference(source / "reference", () if only else ROOMS)


def bibliography(only: str = "") -> str:
    """Return the references of all chapters as one list, each with its chapters.

    Parameters
    ----------
    only
        The beginning of the chapters' names.
    """
    cited: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "chapters").glob(f"{only}*.ipynb")):
        for entry in references(path):
            cited[entry].append(path.name)
    lines = ["# Bibliography", "", "What the chapters cite, and where.", ""]
    for entry, names in sorted(cited.items(), key=lambda item: sort_key(item[0])):
        where = ", ".join(f"[{name[:2]}](chapters/{name})" for name in names)
        lines.append(f"- {entry} ({where})")
    return "\n".join(lines) + "\n"


def references(path: Path) -> list[str]:
    """Return the entries of a chapter's list of references.

    Parameters
    ----------
    path
        Of the chapter.
    """
    cells = nbformat.read(path, as_version=4).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    listed = REFERENCES.search(text).group(1)
    entries = re.split(r"^- ", listed, flags=re.MULTILINE)[1:]
    return [" ".join(entry.split()) for entry in entries]


def sort_key(entry: str) -> str:
    """Return what an entry is sorted by: its letters, whatever their case."""
    return re.sub(r"[^a-z0-9]", "", entry.lower())


def reports() -> str:
    """Return the page that lists the stored audit reports."""
    lines = ["# Reports", "", "Audit reports of the capstone, as the regulator writes"]
    lines += ["them for a reader without the course.", ""]
    for path in sorted((ROOT / "docs" / "reports").glob("*.html")):
        lines.append(f'- <a href="reports/{path.name}">{path.stem}</a>')
    return "\n".join(lines) + "\n"


def write_reference(folder: Path, rooms: Sequence[str]) -> None:
    """Write one page for each room of the library, with every public name.

    Parameters
    ----------
    folder
        For the pages; made here.
    rooms
        Folders of the library.
    """
    folder.mkdir()
    listing = "\n   ".join(rooms)
    heading = "Reference\n=========\n\n.. toctree::\n   :maxdepth: 2\n\n   "
    (folder / "index.rst").write_text(heading + listing + "\n", encoding="utf-8")
    for room in rooms:
        title = f"fairtutor.{room}"
        parts = [
            f"{title}\n{'=' * len(title)}\n",
            f".. automodule:: {title}\n   :no-members:\n",
        ]
        for name in modules(room):
            parts.append(f"{name}\n{'-' * len(name)}\n\n.. automodule:: {name}\n")
        (folder / f"{room}.rst").write_text("\n".join(parts), encoding="utf-8")


def modules(room: str) -> Iterator[str]:
    """Yield the dotted names of a room's public modules.

    Parameters
    ----------
    room
        A folder of the library.
    """
    for path in sorted((ROOT / "fairtutor" / room).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if not any(part.startswith("_") for part in parts):
            yield ".".join(parts)


if __name__ == "__main__":
    sys.exit(main())
