"""How soon panels answer a hand, through a real browser and JupyterLab.

    python benchmarks/panels.py [--presses 20] [--only Cell]

From the press of a key, or the choice of an option, to what the kernel drew for it:
until it is in the page, and until the browser has painted it (here without a graphics
card). The floor is a slider with one word beside it, the least a panel can do. Then
training: how often a second its curve is drawn, and how long Stop takes. The exit code
says whether in the median explorers are painted within 50 ms and panels within 100 ms,
training is drawn 5 times a second or more, and Stop takes half a second or less.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from fairtutor.doctor import find_browser

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from browser.acts import MINUTE, open_and_run_all, press, small_notebook
from browser.lab import FLAGS, serve
from panel_cases import CASES, START, TRAINING, Act

UPDATES, STOP = 5, 500  # a second; milliseconds
# Notes when a hand acts, when the kernel's drawing is in the page, and when it is seen.
WATCH = """() => {
    window.taken = []; window.drawn = []; window.began = null;
    const panel = [...document.querySelectorAll(".fairtutor-panel")].at(-1);
    const result = ".fairtutor-board, .widget-html";
    const shown = node => (node.nodeType === 1 ? node : node.parentElement)
        ?.closest(result);
    const act = event => {
        if (event.type === "pointermove" && event.buttons !== 1) return;
        window.began = event.timeStamp;
    };
    for (const kind of ["keydown", "change", "pointermove"])
        document.addEventListener(kind, act, { capture: true });
    new MutationObserver(changes => {
        if (!changes.some(change => shown(change.target))) return;
        const drawn = performance.now();
        window.drawn.push(drawn);
        const began = window.began;
        window.began = null;
        if (began === null) return;
        requestAnimationFrame(() => {
            const painted = new MessageChannel();
            painted.port1.onmessage = () =>
                window.taken.push([drawn - began, performance.now() - began]);
            painted.port2.postMessage(null);
        });
    }).observe(panel, { childList: true, subtree: true, characterData: true });
}"""


@contextmanager
def shown(page: Page, code: str) -> Iterator[None]:
    """Show a panel in a JupyterLab of its own, and watch it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "course"
        root.mkdir()
        name = small_notebook(root, code)
        with serve(root, Path(folder) / "jupyter", "JupyterLab Light") as lab:
            open_and_run_all(page, lab.url(name))
            page.locator(".fairtutor-panel").last.wait_for(timeout=MINUTE)
            page.wait_for_timeout(2000)
            page.evaluate(WATCH)
            yield


def latency(page: Page, act: Act, presses: int) -> list[tuple[float, float]]:
    """Return milliseconds until each answer is in the page, and until it is painted."""
    taken = []
    for turn in range(presses + 1):
        page.evaluate("() => { window.taken.length = 0; window.began = null; }")
        act(page, turn)
        page.wait_for_function("() => window.taken.length", timeout=MINUTE)
        taken.append(page.evaluate("() => window.taken[0]"))
        page.wait_for_timeout(150)
    return taken[1:]  # the first also sets things up


def training(page: Page, start: str) -> tuple[float, float]:
    """Return drawings a second during training, and milliseconds until it stops."""
    press(page, start)
    page.wait_for_timeout(1500)
    page.evaluate("() => { window.drawn.length = 0; }")
    page.wait_for_timeout(3000)
    drawn = page.evaluate("() => window.drawn.length") / 3
    stop = page.get_by_role("button", name="Stop", exact=True).last
    stop.focus()
    taken = stop.evaluate(
        """button => new Promise(done => {
            const began = performance.now();
            new MutationObserver((_, watch) => {
                if (!button.disabled) return;
                watch.disconnect();
                done(performance.now() - began);
            }).observe(button, { attributes: true });
            button.click();
        })"""
    )
    return drawn, taken


def main() -> int:
    """Print the two tables; the exit code says whether the promises are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presses", type=int, default=20)
    parser.add_argument("--only", default="", help="a part of the panel's name")
    given = parser.parse_args()
    late = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), headless=True, args=list(FLAGS)
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        for case in (case for case in CASES if given.only in case.name):
            with shown(page, case.code):
                for what, act in case.acts.items():
                    taken = latency(page, act, given.presses)
                    drawn, seen = (
                        statistics.median(part) for part in zip(*taken, strict=True)
                    )
                    slowest = max(each for _, each in taken)
                    late += [f"{case.name}, {what}"] * (seen > case.promise)
                    print(
                        f"| {case.name} | {what} | {drawn:.0f} ms | {seen:.0f} ms ",
                        f"| {slowest:.0f} ms | ≤ {case.promise} ms |",
                        flush=True,
                    )
        for entity, start in START.items():
            if given.only not in f"training {entity}":
                continue
            with shown(page, TRAINING[entity]):
                drawn, stopped = training(page, start)
                late += [entity] * (drawn < UPDATES or stopped > STOP)
                print(f"| training, {entity} | {drawn:.0f} a second ", end="")
                print(f"| stops in {stopped:.0f} ms |", flush=True)
        browser.close()
    if late:
        print("Not kept:", ", ".join(dict.fromkeys(late)))
    return bool(late)


if __name__ == "__main__":
    sys.exit(main())
