"""Names on a line: every one is drawn, and the words tell means and ends."""

import numpy as np
import pytest

from fairtutor import FairtutorError
from fairtutor.figures import named_values

VALUES = np.array([0.1, 0.9, 0.4, 0.5, 0.3, 0.7, 0.2])
NAMES = [*"abcdefg"]
CODES = [0, 1, 0, 1, 0, 1, 0]


def test_each_value_is_a_point_of_its_group_in_its_place():
    [ax] = named_values(VALUES, NAMES, CODES, ["one", "two"], "p").fig.axes
    points = [drawn for drawn in ax.collections if len(drawn.get_offsets()) > 1]
    found = [sorted(drawn.get_offsets()[:, 0].tolist()) for drawn in points]
    assert found == [[0.1, 0.2, 0.3, 0.4], [0.5, 0.7, 0.9]]
    places = {text.get_text(): text.xy[0] for text in ax.texts}
    assert places == dict(zip(NAMES, VALUES, strict=True))  # few: all have their name


def test_the_words_hold_means_and_ends():
    said = named_values(VALUES, NAMES, CODES, ["one", "two"], "p", "Names").alt
    assert said == (
        "Names. p of 7 names in 2 groups. one: mean 0.25, from a to c; two: mean 0.7, "
        "from d to b."
    )


def test_names_of_a_wrong_number_are_refused():
    with pytest.raises(FairtutorError, match="7 values, 6 names"):
        named_values(VALUES, NAMES[1:], CODES, ["one", "two"], "p")


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(FairtutorError, match="'three' has no name"):
        named_values(VALUES, NAMES, CODES, ["one", "two", "three"], "p")
    with pytest.raises(FairtutorError, match="not finite"):
        named_values(VALUES * np.nan, NAMES, CODES, ["one", "two"], "p")
