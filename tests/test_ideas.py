"""The pictures of what a representation does: drawn and said is what was passed in."""

import numpy as np
import pytest
from matplotlib.patches import Ellipse

from fairtutor.exchange import FairtutorError
from fairtutor.figures import (
    joined_people,
    means_and_spreads,
    shares_by_prototype,
    values_by_group,
)

rng = np.random.default_rng(0)
CODES = rng.integers(0, 2, 400)
POINTS = rng.normal(size=(400, 2)) * [1.0, 3.0] + CODES[:, None] * [2.0, 0.0]
NAMES = ["women", "men"]


def test_bars_are_the_shares_in_order_of_the_first_group():
    shares = np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])
    picture = shares_by_prototype(shares, NAMES)
    heights = [bar.get_height() for bar in picture.axes[0].patches]
    assert heights == pytest.approx([50, 30, 20, 10, 30, 60])
    ticks = [tick.get_text() for tick in picture.axes[0].get_xticklabels()]
    assert ticks == ["2", "3", "1"]
    assert "largest difference at a prototype is 40 points" in picture.alt


def test_ellipses_stand_at_the_means_and_are_as_wide_as_the_spread():
    picture = means_and_spreads({"x": POINTS}, CODES, NAMES)
    ellipses = [p for p in picture.axes[0].patches if isinstance(p, Ellipse)][::2]
    for code, ellipse in enumerate(ellipses):
        rows = POINTS[code == CODES]
        assert ellipse.center == pytest.approx(rows.mean(0))
        spread = np.sqrt(np.linalg.eigvalsh(np.cov(rows.T, bias=True)))
        assert [ellipse.height, ellipse.width] == pytest.approx(3 * spread)
    mean = POINTS[CODES == 1].mean(0)
    assert f"men ({mean[0]:.2f}, {mean[1]:.2f})" in picture.alt


def test_what_distributions_have_in_common():
    values = np.concatenate([np.linspace(0, 1, 500), np.linspace(0.5, 1.5, 500)])
    codes = np.repeat([0, 1], 500)
    picture = values_by_group({"before": values, "after": values * 0}, codes, NAMES)
    assert "before: women and men have 50% in common" in picture.alt
    assert "after: women and men have 100% in common" in picture.alt
    assert len(picture.axes) == 2


def test_each_judgement_is_a_line_between_its_two_people():
    pairs = [[0, 5], [3, 7], [10, 11]]
    picture = joined_people({"z": POINTS[:50]}, CODES[:50], NAMES, pairs)
    lines = picture.axes[0].get_lines()
    for line, (a, b) in zip(lines, pairs, strict=True):
        assert np.allclose(line.get_xydata(), POINTS[[a, b]])
    apart = [np.linalg.norm(POINTS[a] - POINTS[b]) for a, b in pairs]
    every = [np.linalg.norm(POINTS[a] - POINTS[b]) for a in range(50) for b in range(a)]
    assert f"{np.median(apart) / np.median(every):.2f} times" in picture.alt


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: shares_by_prototype([[1.0]], NAMES), "one row of shares a group"),
        (lambda: means_and_spreads({"x": POINTS[:3]}, CODES, NAMES), "shape .3, 2."),
        (lambda: values_by_group({"x": [1.0]}, CODES, NAMES), "for 400 rows"),
        (
            lambda: joined_people({"x": POINTS[:, :1]}, CODES, NAMES, [[0, 1]]),
            "two coordinates",
        ),
    ],
)
def test_shapes_that_disagree_are_named(draw, words):
    with pytest.raises(FairtutorError, match=words):
        draw()
