"""The neighbour explorer: who is near, under which distance, and that it is said."""

import pytest
import torch

from fairtutor import FairtutorError
from fairtutor.widgets import NeighbourExplorer

CLASSES = ["x", "y"] * 20


def spaces():
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randn(40, 5, generator=draw)
    apart = torch.tensor([0.0, 9.0]).repeat(20)[:, None]
    return {"pixels": pixels, "learned": torch.cat([pixels, apart], 1)}


def panel_of(**settings):
    images = torch.rand(40, 4, 4, generator=torch.Generator().manual_seed(1))
    return NeighbourExplorer(spaces(), CLASSES, images=images, **settings)


def test_the_nearest_are_those_of_a_loop():
    panel = panel_of(neighbours=4)
    for row in (0, 7, 39):
        panel.value = {"row": row}
        for name, Z in spaces().items():
            apart = sorted(
                ((Z[i] - Z[row]).double().norm().item(), i)
                for i in range(40)
                if i != row
            )
            assert panel.nearest[name] == [i for _, i in apart[:4]]
    panel.raise_errors()


def test_status_and_words_count_those_alike(drawn):
    panel = panel_of(row=5)
    alike = {
        name: sum(CLASSES[i] == "y" for i in rows)
        for name, rows in panel.nearest.items()
    }
    assert alike["learned"] == 6 > alike["pixels"]
    assert panel.status == (
        f"Row 5 is 'y'. Of the nearest 6, as it is: {alike['pixels']} by pixels, 6 by "
        "learned."
    )
    first, second = drawn(panel)
    assert first.startswith("Nearest by pixels. row 5: y, chosen; ")
    assert first.count("✗") == 6 - alike["pixels"] and "✗" not in second


def test_names_stand_in_a_table_and_are_escaped():
    names = [f"<b>{i}</b>" for i in range(40)]
    panel = NeighbourExplorer(spaces(), CLASSES, names=names, neighbours=2)
    board = panel._board.value
    assert "<b>" not in board and "&lt;b&gt;0&lt;/b&gt; (x)" in board
    assert board.count("<tr>") == 4  # the head, the chosen, two neighbours
    first = panel.nearest["learned"][0]
    assert f"&lt;b&gt;{first}&lt;/b&gt; (x), ρ" in board


def test_classes_may_be_numbers_in_a_tensor():
    codes = torch.arange(40) % 2
    panel = NeighbourExplorer(spaces(), codes, names=CLASSES)
    assert panel.status.startswith("Row 0 is '0'. ")


def test_controls_move_the_board_and_a_refused_value_moves_nothing():
    panel = panel_of()
    before = panel._board.value
    panel.controls["row"].value = 3
    assert panel._board.value != before and panel.value["row"] == 3
    panel.controls["neighbours"].value = 2
    assert [len(rows) for rows in panel.nearest.values()] == [2, 2]
    state = panel.value, panel.snapshot()
    for wrong, said in (
        ({"row": 40}, "row is 40; use a whole number from 0 to 39"),
        ({"neighbours": 2.5}, "neighbours is 2.5"),
        ({"rows": 1}, "There is no setting 'rows'"),
    ):
        with pytest.raises(FairtutorError, match=said):
            panel.value = wrong
        assert (panel.value, panel.snapshot()) == state
    panel.raise_errors()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "images or names"),
        ({"names": ["a"]}, "what is shown has 1 rows, and classes 40"),
        ({"images": torch.zeros(40, 16)}, "height, width"),
        ({"names": CLASSES, "distances": {}}, "0 distances"),
        ({"names": CLASSES, "distances": {"d": torch.zeros(3, 1)}}, "d has 3 rows"),
        (
            {"names": CLASSES, "distances": {"d": torch.full((40, 1), torch.nan)}},
            "not finite",
        ),
        ({"names": CLASSES, "row": -1}, "row is -1"),
    ],
)
def test_what_cannot_be_shown_is_named(settings, said):
    given = {"distances": spaces(), **settings}
    with pytest.raises(FairtutorError, match=said):
        NeighbourExplorer(given.pop("distances"), CLASSES, **given)


def test_the_snapshot_needs_no_kernel_and_is_the_same_every_time():
    first, second = (panel_of() for _ in range(2))
    assert first.snapshot() == second.snapshot()
    assert first.snapshot().count("<img") == 2 and "<script" not in first.snapshot()
