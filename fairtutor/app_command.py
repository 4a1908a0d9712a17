"""``fairtutor app``: the loop panel alone, in large type, for a lecture."""

import argparse
import importlib.util
import json
import sys
import tempfile
from pathlib import Path

import nbformat

from .data import load
from .exchange import FairtutorError
from .loop_command import default_criteria, first_attribute, with_batches

PANEL = """
from IPython.display import HTML, display

from fairtutor import load
from fairtutor.exchange import FairnessCriteria
from fairtutor.loop_command import with_batches
from fairtutor.widgets import LoopPanel

criteria = FairnessCriteria.from_json({criteria!r})
dataset = with_batches(load({data!r}), {rounds})
display(HTML("<style>body {{ zoom: {zoom} }}</style>"))
LoopPanel(dataset, criteria)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``fairtutor app``."""
    parser.add_argument("--data", default="adult", help="a data set (default: adult)")
    parser.add_argument(
        "--attribute", help="whose groups are compared (default: first)"
    )
    parser.add_argument(
        "--tolerance", type=float, default=0.1, help="of the gap (default: 0.1)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="audits (default: 5)")
    parser.add_argument(
        "--zoom", type=float, default=1.25, help="size of type (default: 1.25)"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="only print the address"
    )
    parser.add_argument("--port", type=int, default=8866, help="(default: 8866)")


def run(args: argparse.Namespace) -> int:
    """Serve the panel on this machine alone until Ctrl+C.

    Raises
    ------
    FairtutorError
        Voilà is not installed, or the data or the criteria cannot be used.
    """
    if importlib.util.find_spec("voila") is None:
        raise FairtutorError(
            "The app is served by Voilà, which is not installed. Install it with: "
            f"{sys.executable} -m pip install 'fairtutor[app]'"
        )
    with tempfile.TemporaryDirectory(prefix="fairtutor-app-") as folder:
        path = Path(folder) / "loop.ipynb"
        nbformat.write(notebook(args), path)
        print("Serving the loop panel. Stop it with Ctrl+C.", flush=True)
        from voila.app import Voila

        Voila.launch_instance(arguments(path, args.port, not args.no_browser))
    return 0


def notebook(args: argparse.Namespace) -> nbformat.NotebookNode:
    """Return a notebook of one cell, which shows the panel.

    Parameters
    ----------
    args
        The options; checked here, so that an error is told in the terminal.

    Raises
    ------
    FairtutorError
        There is no such data set or attribute, or a number is out of its range.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> made = notebook(parser.parse_args(["--data", "german", "--rounds", "2"]))
    >>> "with_batches(load('german'), 2)" in made.cells[0].source
    True
    """
    if not 1 <= args.rounds <= 20:
        raise FairtutorError(f"--rounds is {args.rounds}; use 1 to 20.")
    if not 0.5 <= args.zoom <= 4:
        raise FairtutorError(f"--zoom is {args.zoom:g}; use 0.5 to 4.")
    dataset = with_batches(load(args.data), args.rounds)
    attribute = args.attribute or first_attribute(dataset)
    dataset.attribute(attribute)
    criteria = default_criteria(attribute, args.tolerance, args.rounds)
    code = PANEL.format(
        criteria=json.dumps(json.loads(criteria.to_json())),
        data=args.data,
        rounds=args.rounds,
        zoom=args.zoom,
    )
    cell = nbformat.v4.new_code_cell(code.strip(), id="loop")
    kernel = {"name": "python3", "display_name": "Python 3"}
    return nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})


def arguments(path: Path, port: int, browser: bool) -> list[str]:
    """Return the arguments with which Voilà serves a notebook to this machine alone.

    Parameters
    ----------
    path
        Of the notebook.
    port
        Of the address; if it is taken, the next free one.
    browser
        Whether the browser is opened.

    Examples
    --------
    >>> arguments(Path("loop.ipynb"), 8866, browser=False)[-1]
    '--no-browser'
    """
    given = [
        str(path),
        f"--port={port}",
        "--Voila.ip=127.0.0.1",
        "--VoilaConfiguration.file_allowlist=[]",
        "--VoilaConfiguration.show_tracebacks=True",
    ]
    return given if browser else [*given, "--no-browser"]
