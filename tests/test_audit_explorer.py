"""The audit explorer and the figures of planned and watched audits."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from ipywidgets import HTML

from fairtutor import FairtutorError, figures
from fairtutor.audit import AuditPlan, verdict_chances, verdict_limits
from fairtutor.widgets import AuditExplorer

PLAN = AuditPlan(2000, share=0.25, rate=0.1, tolerance=0.08, findings=4)


def shown_text(panel) -> str:
    boxes = [panel._board, panel._table, *panel.children]
    return " ".join(box.value for box in boxes if isinstance(box, HTML))


def alt_of(panel) -> str:
    return ElementTree.fromstring(panel._board.value)[0].text


# ---------------------------------------------------------------- the panel


def test_what_is_set_is_what_is_read():
    panel = AuditExplorer(PLAN, gap=0.15)
    expected = {
        "rows": 2000,
        "share": 0.25,
        "rate": 0.1,
        "tolerance": 0.08,
        "confidence": 0.95,
        "findings": 4,
        "min_group_size": 30,
        "gap": 0.15,
    }
    assert panel.value == expected
    assert panel.plan == PLAN
    panel.value = {"rows": 777, "gap": 0.02, "min_group_size": 50}
    assert panel.value == {**expected, "rows": 777, "gap": 0.02, "min_group_size": 50}
    panel.raise_errors()


def test_values_beyond_the_sliders_are_taken_from_code():
    panel = AuditExplorer(PLAN, gap=0.15)
    panel.value = {"rows": 400_000, "confidence": 0.9995, "share": 0.005}
    assert panel.value["rows"] == 400_000
    assert panel.value["confidence"] == 0.9995 and panel.value["share"] == 0.005
    panel.raise_errors()


def test_moving_a_slider_changes_what_is_shown():
    panel = AuditExplorer(PLAN, gap=0.15)
    before = alt_of(panel), panel.status
    panel.controls["rows"].value = 20_000
    assert alt_of(panel) != before[0] and panel.status != before[1]
    expected = verdict_chances(0.15, AuditPlan(**{**vars(PLAN), "rows": 20_000}))
    assert panel.chances == expected
    for verdict, chance in expected.items():
        assert f"{verdict} {chance:.1%}" in alt_of(panel)
    assert 'data-rows="20000"' in shown_text(panel)
    assert panel.status.startswith("5,000 and 15,000 rows, each interval with 98.75%")


def test_the_table_tells_a_quarter_and_four_times_the_rows():
    panel = AuditExplorer(PLAN, gap=0.15)
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", panel._table.value)
    rows = [cells[i : i + 4] for i in range(0, 12, 4)]
    assert [row[0] for row in rows] == ["500", "2,000", "8,000"]
    violates = [
        verdict_chances(0.15, AuditPlan(**{**vars(PLAN), "rows": n}))["violates"]
        for n in (500, 2000, 8000)
    ]
    assert [row[3] for row in rows] == [f"{chance:.1%}" for chance in violates]
    assert violates == sorted(violates)


def test_limits_in_the_words_are_those_of_the_audit():
    panel = AuditExplorer(PLAN, gap=0.15)
    limits = verdict_limits(PLAN, [2000])
    words = f"meets up to {limits['meets'][0]:.3f}, violates above "
    assert words + f"{limits['violates'][0]:.3f}." in alt_of(panel)


def test_rates_that_cannot_be_are_said_in_the_panel():
    panel = AuditExplorer(AuditPlan(1000, rate=0.5), gap=0.2)
    panel.controls["gap"].value = 0.6
    assert "use a gap from -0.5 to 0.5" in shown_text(panel)
    assert isinstance(panel.errors[0], FairtutorError)
    panel.controls["gap"].value = 0.3
    assert "use a gap" not in shown_text(panel)


def test_the_largest_audit_is_compared_with_none_larger():
    panel = AuditExplorer(PLAN)
    panel.value = {"rows": 10_000_000}
    assert "40,000,000" not in panel.static_html()
    panel.value = {"rows": 1000}
    assert panel.plan.rows == 1000


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"row": 10}, "Did you mean 'rows'"),
        ({"rows": 0}, "rows is 0"),
        ({"gap": 0.95}, "use a gap from"),
        ({"share": 0.7}, "share is 0.7"),
        ({"rows": "100"}, "rows is '100'"),
        ({"gap": "x"}, "gap is 'x'"),
    ],
)
def test_a_wrong_value_from_code_is_refused_and_changes_nothing(settings, message):
    panel = AuditExplorer(PLAN, gap=0.15)
    before = panel.value, panel.snapshot()
    with pytest.raises(FairtutorError, match=message):
        panel.value = {"tolerance": 0.3, **settings}
    assert (panel.value, panel.snapshot()) == before


def test_the_snapshot_needs_no_kernel_and_is_the_same_every_time():
    first, second = AuditExplorer(PLAN, gap=0.15), AuditExplorer(PLAN, gap=0.15)
    assert first.snapshot() == second.snapshot()
    assert "<svg" not in first.snapshot() and "#0072B2" in first.snapshot()
    assert re.search(r'alt="Verdicts by estimated gap, .*true gap', first.snapshot())


def test_every_control_has_a_label_and_says_what_it_does():
    for control in AuditExplorer(PLAN).controls.values():
        assert control.description and control.tooltip


# ---------------------------------------------------------------- the regions


ROWS = np.array([100, 1000, 10_000, 100_000])


def polygons(diagram) -> list[np.ndarray]:
    root = ElementTree.fromstring(diagram.svg)
    found = root.iter("{http://www.w3.org/2000/svg}polygon")
    points = {p.get("points") for p in found}
    return [np.array([q.split(",") for q in p.split()], float) for p in points]


def test_regions_are_drawn_where_the_limits_are():
    limits = {"meets": [-1, 0.02, 0.06, 0.09], "violates": [np.nan, 0.2, 0.14, 0.11]}
    meets, violates = sorted(
        polygons(figures.verdict_regions(ROWS, limits, 0.1)),
        key=lambda points: points[:, 0].mean(),
    )
    across = 620 - 96  # the width of the field, for gaps from 0 to 0.2
    gaps = (meets[1:-1, 0] - 96) / across * 0.2
    assert gaps == pytest.approx([0.02, 0.06, 0.09], abs=1e-4)
    gaps = (violates[1:-1, 0] - 96) / across * 0.2
    assert gaps == pytest.approx([0.2, 0.14, 0.11], abs=1e-4)
    heights = np.diff(violates[1:-1, 1])
    assert heights[0] == pytest.approx(heights[1], abs=0.2) and heights[0] < 0


def test_a_limit_enters_the_field_where_it_crosses_its_end():
    limits = {"meets": [-1] * 4, "violates": [0.4, 0.22, 0.18, 0.15]}
    [violates] = polygons(figures.verdict_regions(ROWS, limits, 0.1))
    # The field ends at 0.3, reached 10/18 of the way from 100 to 1,000 rows.
    y = 408 - (408 - 38) / 3 * 10 / 18
    assert violates[1].tolist() == pytest.approx([620, y], abs=0.2)


def test_a_field_without_a_verdict_says_so():
    limits = {"meets": [-1, -1], "violates": [np.nan, np.nan]}
    diagram = figures.verdict_regions([50, 100], limits, 0.1)
    assert polygons(diagram) == []
    assert "With 50 rows: none meets, none violates." in diagram.alt


def test_regions_need_rows_that_rise():
    for rows in ([100], [200, 100], [0, 100]):
        with pytest.raises(FairtutorError, match="two or more, positive, and rise"):
            figures.verdict_regions(rows, {"meets": [0], "violates": [1]}, 0.1)


# ---------------------------------------------------------------- watched audits


def test_wealth_and_limits_are_drawn_as_they_are():
    picture = figures.wealth_by_rows({"a": ([2, 4, 6], [1.0, 30.0, 41.0])})
    line, mark = picture.axes[0].get_lines()[:2]
    assert line.get_xydata().tolist() == [[2, 1], [4, 30], [6, 41]]
    assert mark.get_xydata().tolist() == [[6, 41]]
    assert "a: enough after 6 rows" in picture.alt
    paths = {
        "fair": ([20, 40], [-0.5, -0.1], [0.5, 0.1]),
        "open": ([20, 40], [-0.5, 0], [0.5, 0.2]),
    }
    picture = figures.limits_by_rows(paths, 0.1)
    legend = [text.get_text() for text in picture.axes[0].get_legend().get_texts()]
    assert legend == ["fair: ✓ meets after 40", "open: ? undecided"]
    assert "open: undecided; after 40 between 0.000 and 0.200" in picture.alt


def test_rows_until_the_verdict_are_drawn_with_their_spread():
    found = {"gap .2": {"betting": [100, 300, 900], "fixed": [400]}}
    picture = figures.rows_to_verdict(found)
    bars = picture.axes[0].containers
    assert [bar.lines[0].get_xdata()[0] for bar in bars] == [300, 400]
    ends = bars[0].lines[2][0].get_segments()[0][:, 0]
    assert ends.tolist() == [100, 900]


def test_nothing_to_draw_says_so():
    for draw in (figures.wealth_by_rows, figures.rows_to_verdict):
        with pytest.raises(FairtutorError, match="nothing to draw"):
            draw({})
    with pytest.raises(FairtutorError, match="nothing to draw"):
        figures.limits_by_rows({}, 0.1)


PATH = ([20, 40], [-0.5, 0.15], [0.9, 0.4])
PICTURES = {
    "wealth": lambda: figures.wealth_by_rows({"a": ([2, 4], [1.0, 50.0])}),
    "limits": lambda: figures.limits_by_rows({"<b>$x$": PATH}, 0.1),
    "rows": lambda: figures.rows_to_verdict({"gap .2": {"betting": [100, 300, 900]}}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_same_audits_give_the_same_picture_with_its_words(name):
    first, second = PICTURES[name](), PICTURES[name]()
    assert first.png() == second.png()
    assert re.search(r"\d", first.alt)
    assert "<b>" not in first.html()
