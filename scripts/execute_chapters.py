"""Execute the chapters and write them so that a second run changes no byte.

    python scripts/execute_chapters.py chapters/*.ipynb            execute and write
    python scripts/execute_chapters.py --check chapters/*.ipynb    are they executed?

The same for the solutions; their checks then draw the same data each time.

A notebook saved by Jupyter holds times, the state of widgets and versions, which differ
from run to run. What is left here is what a reader sees: the code, its results, and for
a widget its static picture.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode

WIDGET = "application/vnd.jupyter.widget-view+json"
CELL_TIMEOUT_S = 120
KEPT = ("tags", "jupyter", "fairtutor", "nbgrader")
# A line that a progress bar drew: it goes back to its start, or up a line.
PROGRESS = re.compile(r"[^\n]*(\r|\x1b\[A)[^\n]*\n?")
KERNEL = {
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "name": "python3",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Execute or check the notebooks named; the exit code says whether all are well."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument(
        "--check", action="store_true", help="only say whether outputs are there"
    )
    args = parser.parse_args(argv)
    step = missing if args.check else executed
    problems = [problem for path in args.notebooks for problem in step(path)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def missing(path: Path) -> list[str]:
    """Say which code cells lack what a reader without a kernel needs."""
    cells = list(code_cells(nbformat.read(path, as_version=4)))
    problems = [
        f"{path.name}: code cell {number} {problem}"
        for number, cell in enumerate(cells, start=1)
        for problem in cell_problems(cell, number)
    ]
    if not any(cell.outputs for cell in cells):
        problems.append(f"{path.name}: no cell has an output. Run `make chapters`.")
    return problems


def cell_problems(cell: NotebookNode, number: int) -> Iterator[str]:
    """Yield what is wrong with the outputs of the code cell of this number, from 1."""
    if cell.execution_count != number:
        yield f"has execution count {cell.execution_count}. Run `make chapters`."
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"ended in {output.ename}: {output.evalue}"
        elif output.output_type == "stream" and output.name == "stderr":
            yield f"wrote a warning: {output.text.strip()}"
        elif WIDGET in output.get("data", {}):
            yield "shows a widget without a static picture (text/html)"


def executed(path: Path) -> list[str]:
    """Execute a notebook and write it back, normalised; say what went wrong."""
    print(f"{path.name} ...", end=" ", flush=True)
    start = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    os.environ["FAIRTUTOR_CHECK_SEED"] = "0"  # one set of data, and no record kept
    os.environ["FAIRTUTOR_PROGRESS"] = os.devnull  # nobody's progress is shown
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError) as error:
        print("failed")
        return [f"{path.name}: {error}"]
    normalise(notebook)
    nbformat.write(notebook, path)
    print(f"{time.perf_counter() - start:.0f} s")
    return missing(path)


def normalise(notebook: NotebookNode) -> None:
    """Leave only what is the same in every run.

    Parameters
    ----------
    notebook
        An executed notebook; changed in place. Cell ids and execution counts stay.
    """
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook.metadata = nbformat.from_dict(metadata)
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in KEPT if key in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
    for cell in code_cells(notebook):
        cell.outputs = joined(without_progress(joined(cell.outputs)))
        for output in cell.outputs:
            if has_static_picture(output):
                output.data.pop(WIDGET, None)


def code_cells(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Yield the cells with code, in order."""
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def joined(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Join pieces of one stream: where it is cut depends on the moment."""
    whole: list[NotebookNode] = []
    for output in outputs:
        if whole and stream(output) and stream(output) == stream(whole[-1]):
            whole[-1].text += output.text
        else:
            whole.append(output)
    return whole


def stream(output: NotebookNode) -> str | None:
    """Return the stream that an output is a piece of: stdout, stderr or None."""
    return output.name if output.output_type == "stream" else None


def has_static_picture(output: NotebookNode) -> bool:
    """Say whether a reader without a kernel sees something in a widget's place."""
    return "text/html" in output.get("data", {})


def without_progress(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Leave out progress bars, of use only while they run; keep warnings."""
    for output in outputs:
        if stream(output) == "stderr":
            output.text = PROGRESS.sub("", output.text)
    return [output for output in outputs if stream(output) is None or output.text]


if __name__ == "__main__":
    sys.exit(main())
