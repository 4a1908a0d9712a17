"""Figures: what is drawn equals what was passed in, and the words say it too."""

import math
import threading
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from fairtutor import figures
from fairtutor.exchange import METRICS, Criterion, FairnessCriteria
from fairtutor.exchange.errors import FairtutorError
from fairtutor.exchange.html import ENTITY_COLOURS
from fairtutor.exchange.report import AuditReport, Finding, GroupRate

CRITERIA = FairnessCriteria(
    (
        Criterion("accuracy", 0.8),
        Criterion("selection_rate_difference", 0.05, "sex"),
        Criterion("selection_rate_ratio", 0.8, "sex"),
    )
)


def make_report(number=1, gap=0.19, accuracy=0.85):
    estimates = [(accuracy, 0.02), (gap, 0.03), (1 - 2 * gap, 0.1)]
    findings = []
    for criterion, (estimate, half) in zip(CRITERIA.criteria, estimates, strict=True):
        low, high = estimate - half, estimate + half
        verdict = criterion.verdict(low, high)
        findings.append(Finding(criterion, estimate, low, high, verdict))
    return AuditReport(
        number=number,
        criteria=CRITERIA,
        findings=tuple(findings),
        accuracy=(accuracy, accuracy - 0.01, accuracy + 0.01),
        constant_accuracy=0.761,
        rows=2800,
        representation="a" * 64,
        submission="b" * 64,
        recomputed={},
    )


REPORTS = [make_report(1, 0.19, 0.85), make_report(2, 0.01, 0.83)]
WOMEN = GroupRate("Female", 90, 0.11, 0.06, 0.19)
MEN = GroupRate("<b>Male</b> & $x$", 1200, 0.3, 0.27, 0.33)


def small_scores(n=400, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, n)
    scores = np.clip(rng.integers(1, 11, n) + codes, 1, 10)
    return scores, (rng.random(n) < scores / 12).astype(int), codes


SCORES, Y, CODES = small_scores()
EVERY_FIGURE = {
    "trail": lambda: figures.fairness_utility_trail(REPORTS),
    "findings": lambda: figures.audit_findings(REPORTS[0]),
    "rates": lambda: figures.rates_by_group({"selection rate": [WOMEN, MEN]}),
    "curves": lambda: figures.training_curves({"loss": [0.7, 0.4], "gap": [0.3, 0.1]}),
    "meets": lambda: figures.false_meets_curve({"reused": [0.02, 0.05]}, 0.05),
    "embedding": lambda: figures.embedding(
        np.random.default_rng(0).normal(size=(60, 5)), np.arange(60) % 2, ["F", "M"]
    ),
    "by threshold": lambda: figures.rates_by_threshold(SCORES, Y, CODES, "ab", [5, 6]),
    "scores": lambda: figures.score_distributions(SCORES, Y, CODES, "ab", [5, 6]),
    "calibration": lambda: figures.calibration_by_group(
        {"Female": [(0.2, WOMEN)], "Male": [(0.3, MEN)]}
    ),
}


# ---------------------------------------------------------------- pictures as such


@pytest.mark.parametrize("name", EVERY_FIGURE)
def test_same_data_gives_the_same_bytes(name):
    assert EVERY_FIGURE[name]().png() == EVERY_FIGURE[name]().png()


@pytest.mark.parametrize("name", EVERY_FIGURE)
def test_every_picture_shows_itself_with_its_words(name):
    picture = EVERY_FIGURE[name]()
    shown, _ = DisplayFormatter().format(picture)
    image = ElementTree.fromstring(shown["text/html"].replace(">", "/>"))
    assert image.get("alt") == picture.alt == shown["text/plain"]
    assert image.get("src").startswith("data:image/png;base64,")
    assert any(character.isdigit() for character in picture.alt)


def test_a_picture_without_words_is_refused():
    for alt in ("", "  \n", None):
        with pytest.raises(FairtutorError, match="alternative text"):
            figures.Picture(Figure(), alt)
        with pytest.raises(FairtutorError, match="alternative text"):
            figures.Diagram("<svg/>", alt)


def test_words_are_escaped_in_html():
    html = figures.rates_by_group({"rate": [MEN]})._repr_html_()
    assert "&lt;b&gt;Male&lt;/b&gt; &amp;" in html and "<b>" not in html


def test_drawing_works_in_a_thread_and_leaves_global_settings_alone():
    before, pictures = dict(mpl.rcParams), []
    draw = EVERY_FIGURE["trail"]
    thread = threading.Thread(target=lambda: pictures.append(draw().png()))
    thread.start()
    thread.join()
    assert pictures == [draw().png()]
    assert dict(mpl.rcParams) == before


def test_save_writes_the_named_format(tmp_path):
    picture = EVERY_FIGURE["curves"]()
    picture.save(tmp_path / "curve.png")
    picture.save(tmp_path / "curve.svg")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "curve.svg").read_text()
    figures.loop_diagram().save(tmp_path / "loop.svg")
    ElementTree.parse(tmp_path / "loop.svg")


def test_group_names_are_drawn_as_written():
    picture = figures.rates_by_group({"rate": [GroupRate("$a$ ≤ 5", 9, 0.5, 0, 1)]})
    name = picture.axes[0].get_yticklabels()[0].get_text()
    assert name == r"\$a\$ ≤ 5 (n = 9)"  # escaped dollars are drawn as dollars


# ---------------------------------------------------------------- the loop


def parse(diagram):
    return ElementTree.fromstring(diagram.svg)


SVG = "{http://www.w3.org/2000/svg}"


def test_the_loop_names_entities_arrows_and_what_passed():
    passed = {"criteria": "gap ≤ 0.05 & <all>", "representation": "erasure"}
    svg = parse(figures.loop_diagram(passed, title="Round 2"))
    texts = [element.text for element in svg.iter(f"{SVG}text")]
    assert {"data regulator", "data producer", "data user", "Round 2"} <= set(texts)
    assert {"criteria", "representation", "submission", "report"} <= set(texts)
    assert {"gap ≤ 0.05 & <all>", "erasure"} <= set(texts)
    assert svg.get("role") == "img"
    assert svg.find(f"{SVG}title").text == "The closed loop: Round 2"
    assert "Not passed on yet: submission, report" in svg.find(f"{SVG}desc").text


def test_unused_arrows_are_faint_and_dashed():
    svg = parse(figures.loop_diagram({"criteria": "gap ≤ 0.05"}))
    faint = [g.get("opacity") for g in svg.iter(f"{SVG}g")]
    assert faint == ["1", "0.45", "0.45", "0.45"]
    dashed = [p.get("stroke-dasharray") is not None for p in svg.iter(f"{SVG}path")]
    assert dashed == [False, True, True, True, True]  # the report has two arrows
    full = parse(figures.loop_diagram())
    assert all(path.get("stroke-dasharray") is None for path in full.iter(f"{SVG}path"))


def test_the_loop_suits_any_theme_and_any_number_a_page():
    svg = figures.loop_diagram({"report": "meets"}).svg
    assert ' id="' not in svg
    assert 'fill="currentColor"' in svg
    assert all(colour in svg for colour in ENTITY_COLOURS.values())


def test_long_words_are_cut_in_the_drawing_but_not_in_its_description():
    long = "word " * 60
    diagram = figures.loop_diagram({"report": long})
    texts = [element.text for element in parse(diagram).iter(f"{SVG}text")]
    assert sum("word" in text for text in texts) == 4 and texts.count("report") == 1
    assert diagram.alt.count("word") == 60


def test_an_unknown_arrow_is_named():
    with pytest.raises(FairtutorError, match=r"'reprot'. Did you mean 'report'"):
        figures.loop_diagram({"reprot": "x"})


# ---------------------------------------------------------------- reports


def error_bars(ax):
    """Return (x, y) of every point that has whiskers."""
    containers = [c for c in ax.containers if isinstance(c, ErrorbarContainer)]
    return [tuple(container.lines[0].get_xydata()[0]) for container in containers]


def test_the_trail_draws_every_round_where_its_report_says():
    picture = figures.fairness_utility_trail(REPORTS)
    assert sorted(error_bars(picture.axes[0])) == [(0.01, 0.83), (0.19, 0.85)]
    trails = [line.get_xydata().tolist() for line in picture.axes[0].get_lines()]
    assert [[0.19, 0.85], [0.01, 0.83]] in trails
    words = [text.get_text() for text in picture.axes[0].texts]
    assert "1  ✗ violates" in words and "2  ✓ meets" in words
    assert "tolerance 0.05" in words and "constant predictor 0.761" in words
    assert "round 1: 0.190 (0.160 to 0.220), accuracy 0.850" in picture.alt


def test_labels_of_rounds_point_away_from_each_other():
    close = [make_report(1, 0.08, 0.85), make_report(2, 0.09, 0.84)]
    [ax] = figures.fairness_utility_trail(close).axes
    labels = [text for text in ax.texts if text.get_text()[0] in "12"]
    assert [label.get_va() for label in labels] == ["bottom", "top"]


def test_the_trail_follows_the_first_metric_that_compares_groups_or_the_named_one():
    assert [p.gap[0] for p in figures.trail_points(REPORTS)] == [0.19, 0.01]
    ratio = figures.trail_points(REPORTS, "selection_rate_ratio")
    assert [p.gap[0] for p in ratio] == [pytest.approx(0.62), pytest.approx(0.98)]
    picture = figures.fairness_utility_trail(REPORTS, "selection_rate_ratio")
    shaded = picture.axes[0].patches[0]
    assert shaded.get_x() == 0.8  # large ratios are tolerated, not small ones


def test_the_trail_says_what_it_cannot_draw():
    with pytest.raises(FairtutorError, match="run a round first"):
        figures.fairness_utility_trail([])
    with pytest.raises(FairtutorError, match=r"'consistency'.*'accuracy'"):
        figures.fairness_utility_trail(REPORTS, "consistency")
    empty = Finding(CRITERIA.criteria[1], math.nan, 0.0, 1.0, "undecided", note="few")
    report = AuditReport(3, CRITERIA, (empty,), (0.8, 0.7, 0.9), 0.76, 20, "a", "b", {})
    picture = figures.fairness_utility_trail([report])
    assert "round 3: could not be computed" in picture.alt
    assert error_bars(picture.axes[0]) == []


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_can_be_drawn(metric):
    attribute = "sex" if METRICS[metric].names_attribute else None
    criterion = Criterion(metric, 0.5, attribute)
    finding = Finding(criterion, 0.4, 0.3, 0.6, "undecided")
    report = AuditReport(
        1,
        FairnessCriteria((criterion,)),
        (finding,),
        (0.8, 0.7, 0.9),
        0.7,
        9,
        "",
        "",
        {},
    )
    for picture in (
        figures.fairness_utility_trail([report]),
        figures.audit_findings(report),
    ):
        assert error_bars(picture.axes[0])[0][0] == 0.4
        assert METRICS[metric].title in picture.alt and "0.400" in picture.alt


def test_findings_show_tolerance_interval_and_verdict():
    picture = figures.audit_findings(REPORTS[0])
    [ax] = picture.axes
    assert [x for x, _ in error_bars(ax)] == [0.85, 0.19, pytest.approx(0.62)]
    bars = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in ax.patches]
    assert bars == [(0.8, 1.0), (0.0, 0.05), (0.8, 1.0)]
    words = [text.get_text() for text in ax.texts]
    assert words == ["✓ meets", "✗ violates", "✗ violates"]
    assert "0.190 (0.160 to 0.220), violates" in picture.alt


def test_rates_by_group_draw_each_interval():
    picture = figures.rates_by_group({"selection rate": [WOMEN, MEN], "tpr": [WOMEN]})
    left, right = picture.axes
    assert error_bars(left) == [(0.11, 0.0), (0.3, 1.0)]
    ends = [c.lines[2][0].get_segments()[0][:, 0].tolist() for c in left.containers]
    assert np.allclose(ends, [[0.06, 0.19], [0.27, 0.33]])
    assert error_bars(right) == [(0.11, 0.0)]
    assert "Female 0.110 (0.060 to 0.190, n = 90)" in picture.alt


def test_panels_of_rates_share_one_scale_and_repeat_only_what_differs():
    fewer = [GroupRate(g.group, g.n // 2, 0.9, 0.8, 0.95) for g in (WOMEN, MEN)]
    left, right = figures.rates_by_group({"a": [WOMEN, MEN], "b": fewer}).axes
    assert left.get_xlim() == right.get_xlim() and right.get_xlim()[1] > 0.95
    names = [[text.get_text() for text in ax.get_yticklabels()] for ax in (left, right)]
    assert names[0][0] == "Female (n = 90)"
    assert names[1] == [f"n = {group.n}" for group in fewer]


def test_limits_on_the_wrong_side_by_rounding_are_drawn_as_nought():
    none_selected = GroupRate("Female", 90, 0.0, 7e-18, 0.04)
    picture = figures.rates_by_group({"selection rate": [none_selected]})
    figures.calibration_by_group({"Female": [(0.1, none_selected)]})
    whisker = picture.axes[0].containers[0].lines[2][0].get_segments()[0]
    assert whisker[:, 0].tolist() == [0.0, 0.04]


def test_rates_name_a_group_without_rows():
    empty = GroupRate("Other", 0, math.nan, math.nan, math.nan)
    picture = figures.rates_by_group({"selection rate": [WOMEN, empty]})
    assert "Other could not be computed (n = 0)" in picture.alt
    for nothing in ({}, {"selection rate": []}):
        with pytest.raises(FairtutorError, match="at least one rate"):
            figures.rates_by_group(nothing)


# ---------------------------------------------------------------- curves and points


def test_curves_hold_their_values():
    [ax] = EVERY_FIGURE["curves"]().axes
    loss, gap = (line.get_xydata().tolist() for line in ax.get_lines())
    assert loss == [[1, 0.7], [2, 0.4]] and gap == [[1, 0.3], [2, 0.1]]
    [ax] = EVERY_FIGURE["meets"]().axes
    assert np.allclose(ax.get_lines()[0].get_ydata(), [2, 5])  # per cent
    for draw in (figures.training_curves, figures.false_meets_curve):
        with pytest.raises(FairtutorError, match="no curve yet"):
            draw({"loss": []})


def test_the_live_curve_goes_down_as_its_values_do():
    diagram = figures.live_curve([0.9, 0.5, 0.1], epochs=5, entity="producer")
    line = parse(diagram).find(f"{SVG}polyline").get("points")
    points = np.array([point.split(",") for point in line.split()], dtype=float)
    across, down = np.diff(points, axis=0).T
    assert np.allclose(across, across[0]) and across[0] > 0
    assert np.allclose(down, down[0]) and down[0] > 0  # SVG counts downwards
    assert points[-1, 0] < figures.live.WIDTH * 0.6  # two epochs are still to come
    assert diagram.alt == "loss after 3 of 5 epochs: 0.1, from 0.9 at first."
    flat = figures.live_curve([0.5], epochs=1, entity="user")
    assert "nan" not in flat.svg
    with pytest.raises(FairtutorError, match="no curve yet"):
        figures.live_curve([], epochs=5, entity="user")


def test_the_plane_is_the_principal_one_and_has_a_fixed_sign():
    rng = np.random.default_rng(1)
    Z = rng.normal(size=(200, 4)) * [5, 2, 1, 0.1]
    points, share = figures.principal_plane(Z)
    singular = np.linalg.svd(Z - Z.mean(0), compute_uv=False)
    assert np.allclose(np.linalg.norm(points, axis=0), singular[:2])
    assert np.allclose(share, singular[:2] ** 2 / (singular**2).sum())
    again, _ = figures.principal_plane(Z + 100)
    assert np.allclose(points, again)


def test_embedding_draws_each_group_with_its_own_shape():
    Z, codes = np.array([[0.0, 0], [1, 0], [5, 0]]), [0, 0, 1]
    picture = figures.embedding(Z, codes, ["Female", "Male"])
    women, men = picture.axes[0].collections
    assert len(women.get_offsets()) == 2 and len(men.get_offsets()) == 1
    assert not np.array_equal(
        women.get_paths()[0].vertices, men.get_paths()[0].vertices
    )
    assert "Female (-1.50, 0.00), Male (3.00, 0.00)" in picture.alt
    constant = figures.embedding(np.ones((3, 2)), codes, ["Female", "Male"])
    assert "0% and 0% of its variance" in constant.alt


@pytest.mark.parametrize(
    ("Z", "codes", "message"),
    [
        ([[1.0, 2]], [0], "at least two rows"),
        ([[1.0, np.nan], [1, 2]], [0, 1], "finite"),
        ([1.0, 2], [0, 1], "shape"),
        ([[1.0], [2]], [0], "one group code a row"),
        ([[1.0], [2]], [0, 2], "codes from 0 to 2"),
    ],
)
def test_embedding_says_what_is_wrong(Z, codes, message):
    with pytest.raises(FairtutorError, match=message):
        figures.embedding(Z, codes, ["Female", "Male"])


# ---------------------------------------------------------------- thresholds


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 1)), min_size=1, max_size=40),
    st.floats(0, 6),
)
def test_threshold_rates_equal_their_definitions(rows, threshold):
    scores, y = (np.array(column) for column in zip(*rows, strict=True))
    rates = figures.threshold_rates(scores, y, [threshold])
    chosen = scores >= threshold
    expected = {
        "selection rate": chosen,
        "true positive rate": chosen[y == 1],
        "false positive rate": chosen[y == 0],
        "positive predictive value": y[chosen],
    }
    for name, values in expected.items():
        value = values.mean() if len(values) else math.nan
        assert rates[name][0] == pytest.approx(value, nan_ok=True)


def test_rates_by_threshold_draw_curves_and_marks():
    picture = figures.rates_by_threshold(SCORES, Y, CODES, ["a", "b"], [5, 6])
    selection = picture.axes[0].get_lines()
    curve, mark = selection[0].get_xydata(), selection[1].get_xydata()
    group = SCORES[CODES == 0]
    assert [tuple(xy) for xy in curve] == [
        (t, (group >= t).mean()) for t in np.unique(SCORES)
    ]
    assert tuple(mark[0]) == (5, (group >= 5).mean())
    assert f"a {(group >= 5).mean():.3f}" in picture.alt


def test_the_board_draws_bars_thresholds_and_rates():
    diagram = figures.threshold_board(SCORES, Y, CODES, ["a", "<b>"], [5, 6])
    svg = parse(diagram)
    bars = svg.findall(f"{SVG}g")
    for code, group in enumerate(bars):
        height = {"1": 0.0, "0.3": 0.0}
        for bar in group.iter(f"{SVG}rect"):
            height[bar.get("opacity")] += float(bar.get("height"))
        selected = (SCORES[code == CODES] >= [5, 6][code]).mean()
        share = height["1"] / (height["1"] + height["0.3"])
        assert share == pytest.approx(selected, abs=0.01)  # drawn to 0.1 of a unit
    circles = [float(c.get("cx")) for c in svg.iter(f"{SVG}circle")]
    left, right = figures.board.SCALE
    rates = figures.threshold_rates(SCORES[CODES == 0], Y[CODES == 0], [5])
    expected = [left + value[0] * (right - left) for value in rates.values()]
    assert circles[1:] == pytest.approx(expected, abs=0.06)  # the first is the name's
    texts = [element.text for element in svg.iter(f"{SVG}text")]
    assert "<b>" in texts and "positive from 6" in texts
    assert (
        diagram.alt
        == figures.rates_by_threshold(SCORES, Y, CODES, ["a", "<b>"], [5, 6]).alt
    )


def test_the_board_says_where_a_rate_is_undefined():
    diagram = figures.threshold_board(SCORES, Y, CODES, ["a", "b"], [99, 1])
    assert "undefined for a group" in diagram.svg and "nan" not in diagram.svg
    assert "Positive predictive value: a undefined" in diagram.alt


def test_score_bars_add_up_to_each_group():
    picture = figures.score_distributions(SCORES, Y, CODES, ["a", "b"], [5, 6.5])
    for code, ax in enumerate(picture.axes):
        heights = [abs(patch.get_height()) for patch in ax.patches]
        assert sum(heights) == pytest.approx(1)
        group = SCORES[code == CODES]
        assert f"selects {(group >= [5, 6.5][code]).mean():.1%}" in picture.alt
    cuts = [ax.get_lines()[-1].get_xdata()[0] for ax in picture.axes]
    assert cuts == [4.5, 6.5]  # between the bars of 4 and 5, and of 6 and 7


@pytest.mark.parametrize(
    ("scores", "y", "codes", "thresholds", "message"),
    [
        ([1.0], [0, 1], [0], [1, 1], "one of each for every row"),
        ([1.0, math.inf], [0, 1], [0, 1], [1, 1], "row 1 is inf"),
        ([1.0, 2], [0, 2], [0, 1], [1, 1], "0 or 1, but 2"),
        ([1.0, 2], [0, 1], [0], [1, 1], "one group code a row"),
        ([1.0, 2], [0, 1], [0, 0], [1, 1], "No row is in group 'b'"),
        ([1.0, 2], [0, 1], [0, 1], [1], "1 thresholds for 2 groups"),
    ],
)
def test_thresholds_say_what_is_wrong(scores, y, codes, thresholds, message):
    for draw in (figures.rates_by_threshold, figures.score_distributions):
        with pytest.raises(FairtutorError, match=message):
            draw(scores, y, codes, ["a", "b"], thresholds)


def test_calibration_draws_each_bin():
    [ax] = EVERY_FIGURE["calibration"]().axes
    assert error_bars(ax) == [(0.2, 0.11), (0.3, 0.3)]
    with pytest.raises(FairtutorError, match="at least one score bin"):
        figures.calibration_by_group({"Female": []})
