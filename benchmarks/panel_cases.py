"""The panels that are timed, with data as in the chapters, and what a hand does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from browser.acts import focus
from playwright.sync_api import Page

EXPLORER, PANEL = 50, 100  # milliseconds
Act = Callable[[Page, int], None]


@dataclass
class Case:
    """A panel: the code that makes it, what is done to it, and what it promises."""

    name: str
    code: str
    acts: Mapping[str, Act] = field(default_factory=dict)
    promise: int = EXPLORER


def slider(name: str) -> Act:
    """Return what moves a slider by a key, to and fro."""

    def act(page: Page, turn: int) -> None:
        focus(page, name)
        page.keyboard.press("ArrowRight" if turn % 4 < 2 else "ArrowLeft")

    return act


def spun(label: str) -> Act:
    """Return what turns a number up by a key."""

    def act(page: Page, turn: int) -> None:
        page.get_by_label(label, exact=True).last.focus()
        page.keyboard.press("ArrowUp")

    return act


def chosen(label: str) -> Act:
    """Return what chooses each option of a list in turn."""

    def act(page: Page, turn: int) -> None:
        options = page.get_by_label(label, exact=True).last
        count = options.evaluate("list => list.options.length")
        options.select_option(index=(turn + 1) % count)

    return act


def pressed(button: str) -> Act:
    """Return what presses a button with Enter."""

    def act(page: Page, turn: int) -> None:
        page.get_by_role("button", name=button, exact=True).last.focus()
        page.keyboard.press("Enter")

    return act


def arrow(name: str) -> Act:
    """Return what opens and closes an arrow of the loop."""

    def act(page: Page, turn: int) -> None:
        page.locator(f'[data-pick="{name}"]').focus()
        page.keyboard.press("Enter")

    return act


def pulled(name: str) -> Act:
    """Return what pulls a line a little to the left and back, with the mouse."""

    def act(page: Page, turn: int) -> None:
        line = page.locator(f'[data-drag="{name}"]')
        x, y = line.evaluate(
            """line => {
                const box = line.getBoundingClientRect();
                return [box.x, box.y + box.height / 2];
            }"""
        )
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + (60 if turn % 2 else -60), y)
        page.wait_for_timeout(300)
        page.mouse.up()

    return act


TRAINING = {
    "producer": """
from fairtutor import Criterion, DataProducer, FairnessCriteria, load
from fairtutor.widgets import ProducerPanel

criterion = Criterion("selection_rate_difference", 0.1, "sex")
start = DataProducer("adversarial", epochs=300)
panel = ProducerPanel(load("compas"), FairnessCriteria((criterion,)), start)
panel
""",
    "user": """
from fairtutor import Criterion, DataProducer, FairnessCriteria, load
from fairtutor.data import COMPAS_TASKS
from fairtutor.widgets import UserPanel

tasks = load("compas").tasks(COMPAS_TASKS)
criteria = FairnessCriteria((Criterion("selection_rate_difference", 0.1, "sex"),))
z = DataProducer("erasure").produce(criteria, tasks["arrested again"])
panel = UserPanel(tasks, z)
panel
""",
    "loop": """
from fairtutor import Criterion, DataProducer, DataUser, FairnessCriteria, load
from fairtutor.widgets import LoopPanel

criterion = Criterion("selection_rate_difference", 0.1, "sex")
criteria = FairnessCriteria((criterion,), rounds=2)
start = DataProducer("adversarial", epochs=300)
panel = LoopPanel(load("compas"), criteria, start, DataUser("mlp"))
panel
""",
}
DIGITS = """
from fairtutor import load

rows = load("digits").rows("validation")
images, classes = rows.X.view(-1, 28, 28), [str(digit) for digit in rows.y.tolist()]
"""
CASES = [
    Case(
        "the floor",
        """
from ipywidgets import IntSlider, VBox
from fairtutor.widgets.page import Board

slider, board = IntSlider(description="number"), Board()
slider.observe(lambda change: setattr(board, "value", str(change.new)), "value")
panel = VBox([slider, board])
panel.add_class("fairtutor-panel")
panel
""",
        {"a number": slider("number")},
    ),
    Case(
        "ThresholdExplorer, COMPAS",
        """
from fairtutor import load
from fairtutor.widgets import ThresholdExplorer

compas = load("compas")
panel = ThresholdExplorer(
    compas.table["decile_score"], compas.y.long(), compas.table["sex"]
)
panel
""",
        {"threshold, by key": slider("Female"), "threshold, pulled": pulled("0")},
    ),
    Case(
        "AuditExplorer",
        """
from fairtutor.audit import AuditPlan
from fairtutor.widgets import AuditExplorer

panel = AuditExplorer(AuditPlan(2000, share=0.25, rate=0.1, tolerance=0.08))
panel
""",
        {"audit rows": slider("audit rows"), "true gap": slider("true gap")},
    ),
    Case(
        "ElicitationPanel",
        """
from fairtutor.widgets import ElicitationPanel

panel = ElicitationPanel(("white", "black"), questions=(30, 30, 30))
panel
""",
        {"an answer": pressed("First")},
    ),
    Case(
        "TwinFinder, 2,000 people × 100",
        """
import pandas as pd
import torch
from fairtutor.widgets import TwinFinder

draw = torch.Generator().manual_seed(0)
X, p = torch.randn(2_000, 100, generator=draw), torch.rand(2_000, generator=draw)
people = pd.DataFrame({"age": range(2_000)})
panel = TwinFinder(p, {"all": X, "some": X[:, :9]}, people=people)
panel
""",
        {"another person": spun("row"), "another distance": chosen("distance")},
    ),
    Case(
        "TwinFinder, digits",
        DIGITS
        + """
import torch
from fairtutor.widgets import TwinFinder

near = torch.eye(10)[rows.y.long()] + 0.3
p, names = near / near.sum(1, keepdim=True), [str(digit) for digit in range(10)]
panel = TwinFinder(p, {"pixels": rows.X}, images=images, outcomes=names)
panel
""",
        {"another digit": spun("row")},
    ),
    Case(
        "CellExplorer, 400 people",
        """
import torch
from fairtutor.similarity import Box, Cells, GridCells, TreeCells
from fairtutor.widgets import CellExplorer

draw = torch.Generator().manual_seed(0)
Z = torch.rand(400, 2, generator=draw).double()
p = (Z[:, 0] + 0.3 * torch.randn(400, generator=draw)).clamp(0, 1)
box = Box.unit(2)
cuts = {
    "nearest centre": lambda K: Cells.fit(Z, K, box=box),
    "tree": lambda K: TreeCells(box, Z, K),
}
panel = CellExplorer(Z, p, cuts, cells=30)
panel
""",
        {
            "another cell": slider("show cell"),
            "another number of cells": slider("cells"),
            "another partition": chosen("partition"),
        },
    ),
    Case(
        "BoundExplorer, 2,000 people",
        """
import torch
from fairtutor.widgets import BoundExplorer

z = torch.linspace(0, 1, 2_000).double()
panel = BoundExplorer((z, z.round()), (z, z.round()), lambda z: z, L=1.0, pieces=16)
panel
""",
        {
            "pieces, by key": slider("pieces of the line"),
            "pieces, pulled": pulled("pieces"),
        },
    ),
    Case(
        "LipschitzDial, 8 models",
        """
import torch
from fairtutor.theory.lipschitz import LipschitzNetwork
from fairtutor.training import seeded
from fairtutor.widgets import LipschitzDial

draw = torch.Generator().manual_seed(0)
Z = torch.randn(1_000, 2, generator=draw)
rows = Z, (Z[:, 0] > 0).float()
with seeded(0):
    nets = [LipschitzNetwork(2, 32, 1, L=2.0**k) for k in range(-2, 6)]
panel = LipschitzDial([net.export()[0] for net in nets], rows, rows)
panel
""",
        {
            "L, by key": slider("L"),
            "radius": slider("radius"),
            "L, pulled": pulled("L"),
        },
    ),
    Case(
        "NeighbourExplorer, digits",
        DIGITS
        + """
from fairtutor.widgets import NeighbourExplorer

spaces = {"pixels": rows.X, "half of them": rows.X[:, :392]}
panel = NeighbourExplorer(spaces, classes, images=images)
panel
""",
        {"another digit": spun("row"), "more neighbours": slider("neighbours")},
    ),
    Case(
        "DistanceGame, Adult",
        """
from fairtutor import load
from fairtutor.widgets import DistanceGame

adult = load("adult")
people = adult.table[["age", "education-num", "hours-per-week"]].head(2_000)
panel = DistanceGame(people)
panel
""",
        {"an answer": pressed("The left one")},
    ),
    Case(
        "RegulatorPanel, every metric",
        """
from fairtutor import load
from fairtutor.widgets import RegulatorPanel

panel = RegulatorPanel(load("german"))
for row in panel.rows.values():
    row.asked.value = True
panel
""",
        {"a larger least group": spun("min group size")},
        PANEL,
    ),
    Case(
        "ProducerPanel, COMPAS",
        TRAINING["producer"],
        {"another method": chosen("method")},
        PANEL,
    ),
    Case(
        "UserPanel, COMPAS",
        TRAINING["user"],
        {"another model": chosen("model")},
        PANEL,
    ),
    Case(
        "LoopPanel, COMPAS",
        TRAINING["loop"],
        {"an arrow": arrow("criteria"), "another method": chosen("method")},
        PANEL,
    ),
]
# A user trains for a second only; the two that take long are timed.
START = {"producer": "Train", "loop": "Full round"}
