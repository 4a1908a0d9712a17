"""Drawings that answer to a hand: what the page tells is done, and errors are shown."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

from fairtutor import (
    Criterion,
    DataProducer,
    FairnessCriteria,
    FairtutorError,
    load,
)
from fairtutor.figures import loop_diagram
from fairtutor.figures.bound import promise_axes
from fairtutor.figures.dial import constant_axes
from fairtutor.theory.lipschitz import LipschitzNetwork
from fairtutor.training import seeded
from fairtutor.widgets import (
    BoundExplorer,
    LipschitzDial,
    LoopPanel,
    NeighbourExplorer,
    ThresholdExplorer,
    TwinFinder,
)
from fairtutor.widgets.page import TitleBar


def pull(panel, name, place):
    panel._board.hear({"act": "drag", "name": name, "place": place})


def pick(board, name):
    board.hear({"act": "pick", "name": name})


@pytest.fixture
def loop_panel():
    criterion = Criterion("selection_rate_difference", 0.1, "sex")
    criteria = FairnessCriteria((criterion,), rounds=2)
    return LoopPanel(load("german"), criteria, DataProducer("erasure"))


# --- thresholds, cells of a line, constants -------------------------------------------


@pytest.mark.parametrize(("place", "threshold"), [(0.0, 1), (0.49, 3), (1.0, 5)])
def test_a_whole_threshold_is_pulled_between_bars(place, threshold):
    scores, y = [1, 2, 3, 4, 1, 2, 3, 4], [0, 1, 0, 1, 0, 0, 0, 1]
    panel = ThresholdExplorer(scores, y, list("aaaabbbb"))
    pull(panel, "1", place)
    assert panel.value == [3, threshold]
    panel.raise_errors()


def test_a_threshold_is_drawn_where_it_was_pulled_to():
    rng = np.random.default_rng(0)
    panel = ThresholdExplorer(
        rng.random(400), rng.integers(0, 2, 400), ["a", "b"] * 200
    )
    for place in (0.1, 0.5, 0.9):
        pull(panel, "0", place)
        [left, right, x] = re.findall(
            r'data-drag="0" data-left="([\d.]+)" data-right="([\d.]+)" d="M([\d.]+)',
            panel._board.value,
        )[0]
        share = (float(x) - float(left)) / (float(right) - float(left))
        assert share == pytest.approx(place, abs=0.01)


def test_the_number_of_cells_is_pulled_along_a_logarithmic_axis():
    z = torch.linspace(0, 1, 500).double()
    panel = BoundExplorer((z, z.round()), (z, z.round()), lambda z: z, L=1.0)
    for place, pieces in ((0.0, 1), (4 / 9, 16), (1.0, 512)):
        pull(panel, "pieces", place)
        assert panel.value == pieces
        assert f"{pieces} pieces" in panel.status
    assert promise_axes([1, 512]).at([16], [0])[0] == pytest.approx(
        promise_axes([1, 512]).left + 4 / 9 * 380
    )


def test_a_constant_is_pulled_to_the_nearest_model():
    draw = torch.Generator().manual_seed(0)
    Z = torch.randn(50, 2, generator=draw)
    rows = Z, (Z[:, 0] > 0).float()
    with seeded(0):
        nets = [LipschitzNetwork(2, 8, 1, L=4 * L) for L in (0.5, 1.0, 2.0)]
    panel = LipschitzDial([net.export()[0] for net in nets], rows, rows)
    for place, L in ((0.0, 0.5), (0.45, 1.0), (0.95, 2.0)):
        pull(panel, "L", place)
        assert panel.value["L"] == pytest.approx(L, rel=1e-4)
    assert constant_axes(panel.constants).number_at(1.0) > panel.constants[-1]


# --- images ---------------------------------------------------------------------------


def test_a_click_on_an_image_makes_it_the_one_looked_at():
    images = torch.rand(20, 4, 4, generator=torch.Generator().manual_seed(0))
    spaces = {"pixels": images.flatten(1)}
    explorer = NeighbourExplorer(spaces, ["a", "b"] * 10, images=images)
    finder = TwinFinder(torch.rand(20), spaces, images=images)
    for panel in (explorer, finder):
        near = re.findall(r'data-pick="(\d+)"', panel._board.value)
        assert near[0] == "0" and len(near) > 3
        pick(panel._board, near[2])
        assert panel.value["row"] == int(near[2])
        panel.raise_errors()
        assert "data-pick" not in panel.snapshot().split("base64")[0]


def test_a_table_of_people_has_nothing_to_click():
    people = pd.DataFrame({"age": range(5)})
    panel = TwinFinder(
        torch.rand(5), {"age": torch.rand(5, 1)}, people=people, neighbours=2
    )
    assert "data-pick" not in panel._board.value


# --- the loop -------------------------------------------------------------------------


def test_an_arrow_shows_what_it_carried(loop_panel):
    loop_panel.run_round()
    loop_panel.wait()
    last = loop_panel.rounds[-1]
    for arrow in ("criteria", "representation", "submission", "report"):
        pick(loop_panel._drawing, arrow)
        assert loop_panel.shown == arrow
        held = getattr(last, arrow)._repr_html_()
        assert held in loop_panel._content.value
        assert held in loop_panel.snapshot()
    pick(loop_panel._drawing, "report")
    assert loop_panel.shown is None
    assert "Click an arrow" in loop_panel._content.value
    loop_panel.raise_errors()


def test_an_arrow_that_has_carried_nothing_says_so(loop_panel):
    loop_panel.shown = "report"
    assert "The report has not been passed on" in loop_panel._content.value
    loop_panel.run_step()
    loop_panel.wait()
    loop_panel.shown = "criteria"
    assert loop_panel.criteria._repr_html_() in loop_panel._content.value


def test_an_arrow_that_does_not_exist_is_named(loop_panel):
    with pytest.raises(FairtutorError, match="Did you mean 'report'"):
        loop_panel.shown = "raport"
    pick(loop_panel._drawing, "raport")
    assert "No arrow of the loop" in loop_panel.snapshot()


def test_arrows_are_buttons_in_the_panel_and_not_in_a_picture():
    passed = {"criteria": "gap ≤ 0.1"}
    panel = loop_diagram(passed, shown="criteria", pickable=True).svg
    assert panel.count('role="button" tabindex="0"') == 4
    assert panel.count('aria-pressed="true"') == 1 and 'role="group"' in panel
    picture = loop_diagram(passed).svg
    assert "data-pick" not in picture and 'role="img"' in picture


def test_only_what_has_just_been_passed_on_travels(loop_panel):
    assert "fairtutor-traveller" not in loop_panel._drawing.value
    for _ in ("criteria", "representation"):
        loop_panel.run_step()
        loop_panel.wait()
        assert loop_panel._drawing.value.count("fairtutor-traveller") == 1
    loop_panel.shown = "criteria"  # drawn again, and not sent again
    assert "fairtutor-traveller" not in loop_panel._drawing.value
    loop_panel.run_round()
    loop_panel.wait()
    assert loop_panel._drawing.value.count("fairtutor-traveller") == 2  # the report
    assert "fairtutor-traveller" not in loop_panel.snapshot()
    assert loop_diagram({}, travelling="report").svg.count("offset-path") == 2


# --- the title bar --------------------------------------------------------------------


def test_the_title_bar_answers_when_it_is_asked(monkeypatch):
    bar, sent = TitleBar("<b>Loop</b>"), []
    monkeypatch.setattr(bar, "send", sent.append)
    bar.hear({"act": "ask"})
    bar.hear({"act": "something else"})
    assert sent == [{"act": "here"}]
