"""Figures of the user's side: what is drawn equals what was passed in."""

from types import SimpleNamespace as Of

import pytest
import torch
from matplotlib.collections import LineCollection
from matplotlib.container import ErrorbarContainer

from fairtutor import Criterion, FairnessCriteria, figures
from fairtutor.audit import error_sum
from fairtutor.exchange import FairtutorError
from fairtutor.exchange.report import AuditReport, Finding
from fairtutor.figures.style import GROUP_COLOURS, VERDICT_MARKERS

USERS = {
    "identity": [Of(total=(0.31, 0.29, 0.33), gap=(0.18, 0.16, 0.2))],
    "erasure": [
        Of(total=(0.33, 0.31, 0.35), gap=(0.08, 0.06, 0.1)),
        Of(total=(0.3, 0.28, 0.32), gap=(0.19, 0.17, 0.21)),
    ],
    "$odd$ & <b>": [Of(total=(0.4, 0.38, 0.42), gap=(0.01, 0.0, 0.03))],
}
COSTS = {
    "identity": Of(cost=(0.0, -0.001, 0.001)),
    "erasure": Of(cost=(0.0124, -0.002, 0.027)),
}
CRITERIA = FairnessCriteria(
    (Criterion("accuracy", 0.8), Criterion("selection_rate_difference", 0.1, "sex"))
)


def report(accuracy=0.85, gap=0.05, constant=0.76, verdict="meets"):
    about, spread = CRITERIA.criteria
    return AuditReport(
        number=1,
        criteria=CRITERIA,
        findings=(
            Finding(about, accuracy, accuracy - 0.02, accuracy + 0.02, "meets"),
            Finding(spread, gap, gap - 0.03, gap + 0.03, verdict),
        ),
        accuracy=(accuracy, accuracy - 0.01, accuracy + 0.01),
        constant_accuracy=constant,
        rows=2800,
        representation="a" * 64,
        submission="b" * 64,
        recomputed={},
    )


REPORTS = {
    "earns over $50,000": report(),
    "married": report(0.7, 0.4, 0.53, "violates"),
    "full time": report(0.83, 0.11, 0.84, "undecided"),
}
EVERY = {
    "error sums": lambda: figures.error_sums(USERS, 0.195),
    "mistrust": lambda: figures.mistrust_costs(COSTS),
    "tasks": lambda: figures.tasks_by_user(REPORTS),
}


def drawn(ax):
    """Return (marker, x, y, x limits) of each point with whiskers, in order."""
    found = []
    for container in ax.containers:
        assert isinstance(container, ErrorbarContainer)
        line, _, bars = container
        (x,), (y,) = line.get_data()
        across = bars[0].get_segments()[0][:, 0]
        found.append((line.get_marker(), x, y, across.tolist()))
    return found


@pytest.mark.parametrize("name", EVERY)
def test_the_image_is_the_same_for_the_same_numbers_and_has_words(name):
    first, second = EVERY[name](), EVERY[name]()
    assert first.png() == second.png()
    assert first.alt == second.alt and len(first.alt) > 80


def test_error_sums_are_drawn_where_they_were_measured_above_the_line():
    picture = figures.error_sums(USERS, 0.195)
    [ax] = picture.axes
    points = drawn(ax)
    losses = [loss for of in USERS.values() for loss in of]
    for (_, x, y, across), loss in zip(points, losses, strict=True):
        assert (x, y) == (loss.gap[0], loss.total[0])
        assert across == pytest.approx(loss.gap[1:])
        assert y >= 0.195 - x
    line = next(line for line in ax.lines if line.get_label().startswith("|p"))
    assert line.get_xydata()[:2].tolist() == [[0.0, 0.195], [0.195, 0.0]]
    assert [marker for marker, *_ in points] == ["o", "s", "s", "^"]
    colours = [c[0].get_color() for c in ax.containers]
    assert colours == [GROUP_COLOURS[k] for k in (0, 1, 1, 2)]
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[1:] == ["identity", "erasure", r"\$odd\$ & <b>"]


def test_error_sums_are_told_in_words():
    alt = figures.error_sums(USERS, 0.195).alt
    assert "erasure 0.330 (0.310 to 0.350) at a gap of 0.080 (0.060 to 0.100)" in alt
    assert "from 0.195 at no gap to 0 at a gap of 0.195" in alt


def test_a_measured_user_can_be_drawn_as_it_is():
    y = torch.tensor([0, 0, 0, 1] * 25 + [0, 1, 1, 1] * 25)
    groups = torch.tensor([0] * 100 + [1] * 100)
    nobody = error_sum(y, torch.zeros(200), groups)
    [ax] = figures.error_sums({"constant": [nobody]}, nobody.base_rate_gap[0]).axes
    assert drawn(ax)[0][1:3] == (0.0, 1.0)


def test_costs_are_drawn_in_points_with_their_zero():
    picture = figures.mistrust_costs(COSTS, title="Adult")
    [ax] = picture.axes
    for row, (point, cost) in enumerate(zip(drawn(ax), COSTS.values(), strict=True)):
        _, x, y, across = point
        assert (x, y) == (pytest.approx(100 * cost.cost[0]), row)
        assert across == pytest.approx([100 * limit for limit in cost.cost[1:]])
    assert [t.get_text() for t in ax.get_yticklabels()] == list(COSTS)
    assert any(line.get_xdata()[0] == 0 for line in ax.lines)
    assert ax.get_xlim()[0] < -0.2 and ax.get_xlim()[1] > 2.7
    assert "erasure 1.2 (-0.2 to 2.7)" in picture.alt


def test_tasks_stand_side_by_side_above_their_own_constant():
    picture = figures.tasks_by_user(REPORTS)
    left, right = picture.axes
    for row, (point, one) in enumerate(zip(drawn(left), REPORTS.values(), strict=True)):
        assert point[1] == pytest.approx(
            100 * (one.accuracy[0] - one.constant_accuracy)
        )
        assert point[2] == row
    gaps = drawn(right)
    for point, one in zip(gaps, REPORTS.values(), strict=True):
        finding = one.findings[1]
        assert point[0] == VERDICT_MARKERS[finding.verdict]
        assert point[1] == finding.estimate
        assert point[3] == pytest.approx([finding.lower, finding.upper])
    words = {text.get_text() for text in right.texts}
    assert words == {"✓ meets", "✗ violates", "? undecided"}
    assert not [c for c in right.collections if not isinstance(c, LineCollection)]
    assert "full time: -1.0 (-2.0 to 0.0) points of accuracy above" in picture.alt
    assert "selection rate difference 0.400 (0.370 to 0.430), violates" in picture.alt
    assert "Tolerated is up to 0.1." in picture.alt


def test_a_gap_that_could_not_be_computed_leaves_its_row_empty_and_is_said():
    unknown = report(gap=float("nan"), verdict="undecided")
    picture = figures.tasks_by_user({"income": report(), "other": unknown})
    assert len(drawn(picture.axes[1])) == 1
    assert "selection rate difference could not be computed, undecided" in picture.alt


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: figures.error_sums({}, 0.1), "no user to draw"),
        (lambda: figures.error_sums({"identity": []}, 0.1), "no user to draw"),
        (lambda: figures.mistrust_costs({}), "no cost to draw"),
        (lambda: figures.tasks_by_user({}), "no report to draw"),
        (
            lambda: figures.tasks_by_user({"z": report(accuracy=float("nan"))}),
            "'z' is of a representation alone",
        ),
    ],
)
def test_nothing_to_draw_is_an_error_that_says_what_to_do(draw, said):
    with pytest.raises(FairtutorError, match=said):
        draw()
