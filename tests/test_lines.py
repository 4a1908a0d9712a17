"""Lines against a number: what is drawn is what was given, and what is told."""

import re

import numpy as np
import pytest

from fairtutor import FairtutorError
from fairtutor.figures import lines
from fairtutor.figures.bound import bound_board


def test_each_line_is_drawn_with_its_band():
    x, values, spread = [1, 2, 4], np.array([0.1, 0.3, 0.5]), np.array([0.0, 0.1, 0.2])
    made = lines(x, {"a": values, "b": (values + 1, spread)}, "Both", across="L")
    first, second = made.axes[0].lines
    assert first.get_ydata().tolist() == values.tolist()
    assert second.get_ydata().tolist() == (values + 1).tolist()
    assert first.get_linestyle() != second.get_linestyle()
    assert first.get_marker() != second.get_marker()
    [band] = made.axes[0].collections
    corners = band.get_paths()[0].vertices[:, 1]
    assert corners.min() == pytest.approx(1.1)
    assert corners.max() == pytest.approx(1.7)
    assert "b 1.1 ± 0, 1.3 ± 0.1, 1.5 ± 0.2" in made.alt


def test_a_mark_and_a_limit_are_told():
    made = lines(
        [1, 2, 4], {"a": [1, 3, 5]}, "T", across="L", marked=3, limit=(2, "nothing")
    )
    assert made.alt == "T. By L from 1 to 4; at 3: a 4. A line at 2: nothing."
    assert [text.get_text() for text in made.axes[0].texts] == ["nothing"]


@pytest.mark.parametrize(
    ("series", "said"),
    [({}, "no line to draw"), ({"a": [1, 2]}, r"'a' has values of shape \(2,\)")],
)
def test_what_cannot_be_drawn_is_named(series, said):
    with pytest.raises(FairtutorError, match=said):
        lines([1, 2, 3], series, "T", across="x")


def test_a_logarithmic_axis_is_labelled_with_powers_of_two():
    x = np.geomspace(1, 512, 40)
    made = lines(x, {"a": x}, "T", across="x", log=True)
    labels = [text.get_text() for text in made.axes[0].get_xticklabels()]
    assert labels == ["1", "4", "16", "64", "256"]


def test_the_boards_bars_are_shares_of_people():
    rng = np.random.default_rng(0)
    z, y = rng.random(500), rng.integers(0, 2, 500)
    made = bound_board(
        z, y, ([0, 1], [0, 1]), np.linspace(0, 1, 6), [1, 5], {"bound": [1, 0.5]}, 5
    )
    tall = []
    for side in (0, 1):
        [path] = re.findall(f'data-outcome="{side}" d="([^"]+)"', made.svg)
        bars = re.findall(r"M[\d.]+ ([\d.]+)H[\d.]+V([\d.]+)", path)
        tall.append(sum(float(foot) - float(head) for foot, head in bars))
    assert tall[1] / sum(tall) == pytest.approx(y.mean(), abs=0.005)
    assert "500 people on a line of 5 cells" in made.alt
