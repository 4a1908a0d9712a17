"""The frontier's pictures: dots and ellipses where the numbers say, words as well."""

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Ellipse

from fairtutor.exchange import Criterion
from fairtutor.exchange.errors import FairtutorError
from fairtutor.figures import FrontierDot, fairness_utility_frontier, frontier_point

GAP = Criterion("selection_rate_difference", 0.1, "sex")
RATIO = Criterion("selection_rate_ratio", 0.8, "sex")
IDENTITY = FrontierDot(0.0, (0.186, 0.011), (0.846, 0.002))
NAN = math.nan


def dots(*places):
    return [
        FrontierDot(float(strength), (gap, 0.01), (accuracy, 0.004))
        for strength, (gap, accuracy) in enumerate(places, start=1)
    ]


ERASURE = dots((0.17, 0.845), (0.11, 0.84))
ADVERSARIAL = dots((0.09, 0.841), (0.02, 0.82), (0.01, 0.79))


def curve(picture, name):
    lines = picture.axes[0].get_lines()
    return next(line for line in lines if line.get_label() == name)


def ellipses(picture):
    return [p for p in picture.axes[0].patches if isinstance(p, Ellipse)]


def draw(curves, criterion=GAP, **options):
    return fairness_utility_frontier(curves, IDENTITY, criterion, 0.765, **options)


def test_every_dot_is_drawn_where_it_lies_in_the_order_of_the_strengths():
    picture = draw({"erasure": ERASURE, "adversarial": ADVERSARIAL})
    line = curve(picture, "adversarial")
    assert line.get_xydata().tolist() == [[0.09, 0.841], [0.02, 0.82], [0.01, 0.79]]
    assert curve(picture, "identity").get_xydata().tolist() == [[0.186, 0.846]]


def test_an_ellipse_has_one_standard_deviation_as_its_half_axes():
    found = ellipses(draw({"erasure": ERASURE}))
    shapes = [(*e.center, e.width / 2, e.height / 2) for e in found]
    assert np.allclose(
        sorted(shapes),
        [
            (0.11, 0.84, 0.01, 0.004),
            (0.17, 0.845, 0.01, 0.004),
            (0.186, 0.846, 0.011, 0.002),
        ],
    )
    [band] = [p for p in draw({}).axes[0].patches if not isinstance(p, Ellipse)]
    assert all(e.get_zorder() > band.get_zorder() for e in found), "seen on the shade"


def test_identity_constant_and_tolerance_are_in_every_picture():
    for picture in (draw({}), draw({"erasure": ERASURE})):
        ax = picture.axes[0]
        ends = [line.get_xydata().tolist() for line in ax.get_lines()]
        assert [[0.0, 0.765]] in ends, "the constant predictor's star"
        assert [[0.1, 0.0], [0.1, 1.0]] in ends, "the tolerance"
        assert curve(picture, "identity")
        assert "Identity: 0.186 ± 0.011" in picture.alt
        assert "constant predictor's accuracy is 0.765" in picture.alt


def test_eight_methods_differ_in_marker_and_line_or_colour():
    names = [f"method {k}" for k in range(8)]
    picture = draw(dict.fromkeys(names, ERASURE))
    lines = [curve(picture, name) for name in names]
    assert len({line.get_marker() for line in lines}) == 8
    styles = {(to_hex(line.get_color()), line.get_linestyle()) for line in lines}
    assert len(styles) == 8
    with pytest.raises(FairtutorError, match="at most 8"):
        draw({f"method {k}": ERASURE for k in range(9)})


def test_the_words_say_every_number():
    alt = draw({"erasure": ERASURE, "adversarial": ADVERSARIAL}, seeds=5).alt
    assert "over 5 seeds" in alt and "tolerance 0.1" in alt
    for number in ("0.170", "0.110", "0.090", "0.020", "0.010", "0.841", "0.790"):
        assert number in alt
    assert "one seed" in draw({"erasure": ERASURE}, seeds=1).alt


def test_what_cannot_be_computed_has_no_dot_and_is_named():
    broken = FrontierDot(9.0, (NAN, NAN), (0.8, 0.0))
    single = FrontierDot(3.0, (0.05, NAN), (0.8, NAN))
    picture = draw({"erasure": [*ERASURE, broken, single]})
    assert len(curve(picture, "erasure").get_xydata()) == 3
    assert len(ellipses(picture)) == 3, "a single seed has no deviation to draw"
    assert "strength 9: could not be computed" in picture.alt
    assert "strength 3: 0.050, accuracy 0.800" in picture.alt
    assert picture.png()


def test_strengths_are_written_beside_one_method_alone():
    def texts(picture):
        return {text.get_text() for text in picture.axes[0].texts}

    assert {"1", "2"} <= texts(draw({"erasure": ERASURE}))
    assert "1" not in texts(draw({"erasure": ERASURE, "adversarial": ADVERSARIAL}))


def test_of_a_ratio_the_large_side_is_tolerated():
    picture = draw({"erasure": dots((0.7, 0.8), (0.9, 0.79))}, RATIO)
    [band] = [p for p in picture.axes[0].patches if not isinstance(p, Ellipse)]
    assert band.get_x() == 0.8 and band.get_width() > 0.2
    left, right = picture.axes[0].get_xlim()
    assert left < IDENTITY.gap[0] and right > 1
    stars = [line for line in picture.axes[0].get_lines() if line.get_marker() == "*"]
    assert not stars, "a constant predictor's ratio is not nought"


def test_all_dots_lie_inside_the_axes():
    ax = draw({"erasure": ERASURE, "far": dots((0.6, 0.5), (-0.0, 0.99))}).axes[0]
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for line in ax.get_lines()[:2]:
        x, y = line.get_xydata().T
        assert left < x.min() and x.max() < right
        assert low < y.min() and y.max() < high


def test_a_method_without_a_point_is_named():
    with pytest.raises(FairtutorError, match="'erasure' has no point"):
        draw({"erasure": []})


def test_one_point_alone_is_in_colour_and_earlier_ones_are_grey():
    now, *before = ADVERSARIAL
    picture = frontier_point(now, before, GAP, 0.765, IDENTITY)
    lines = picture.axes[0].get_lines()
    current = next(e for e in lines if e.get_xydata().tolist() == [[0.09, 0.841]])
    earlier = next(e for e in lines if len(e.get_xydata()) == 2 and e.get_alpha())
    assert earlier.get_xydata().tolist() == [[0.02, 0.82], [0.01, 0.79]]
    assert current.get_markersize() > earlier.get_markersize()
    grey = to_hex(earlier.get_color())
    assert grey[1:3] == grey[3:5] == grey[5:7]
    for number in ("0.090", "0.841", "0.020", "0.790", "0.186", "0.765"):
        assert number in picture.alt


def test_one_point_while_nothing_is_known_yet():
    unknown = FrontierDot(1.0, (NAN, NAN), (NAN, NAN))
    picture = frontier_point(unknown, [], GAP, 0.765)
    assert "could not be computed" in picture.alt
    assert picture.png() == frontier_point(unknown, [], GAP, 0.765).png()
