"""Intervals against scipy, published tables, and their coverage computed exactly.

Coverage is the sum of the binomial probabilities of all samples whose interval holds
the truth, so nothing here is left to simulation but the maximum over many groups.
"""

import math
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binom, binomtest, norm

from fairtutor import FairtutorError
from fairtutor.audit import false_meets
from fairtutor.audit.intervals import (
    bounded_mean,
    clopper_pearson,
    difference,
    exact,
    exact_difference,
    exact_ratio,
    largest_difference,
    largest_mean_difference,
    mean_interval,
    ratio,
    smallest_ratio,
    wilson,
)

many = settings(derandomize=True, deadline=None, max_examples=150)
TINY = 1e-12
SHARES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.98)
SIZES = ((30, 30), (30, 300), (100, 100), (100, 300), (300, 300))
alphas = st.sampled_from([0.2, 0.05, 0.01, 0.001])


@st.composite
def counted(draw, most=400):
    n = draw(st.integers(1, most))
    return draw(st.integers(0, n)), n


several = st.lists(counted(), min_size=2, max_size=5)


# One share.


@given(counted(), alphas)
@many
def test_clopper_pearson_and_wilson_are_scipys(group, alpha):
    k, n = group
    test = binomtest(k, n)
    exact = test.proportion_ci(1 - alpha, method="exact")
    assert clopper_pearson(k, n, alpha) == pytest.approx(tuple(exact), abs=1e-9)
    score = test.proportion_ci(1 - alpha, method="wilson")
    assert wilson(k, n, alpha) == pytest.approx(tuple(score), abs=1e-9)


def test_without_rows_everything_is_possible():
    assert clopper_pearson(0, 0, 0.05) == (0.0, 1.0)
    assert [float(limit) for limit in wilson(0, 0, 0.05)] == [0.0, 1.0]
    assert bounded_mean(0.0, 0, 0.05) == (0.0, 1.0)


def test_wilson_takes_arrays():
    k, n = np.array([0, 3, 10, 0]), np.array([10, 10, 10, 0])
    lower, upper = wilson(k, n, 0.05)
    for i in range(4):
        assert (lower[i], upper[i]) == tuple(wilson(k[i], n[i], 0.05))


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("n", [1, 5, 30, 200])
def test_clopper_pearson_never_covers_less_than_it_says(n, alpha):
    limits = np.array([clopper_pearson(k, n, alpha) for k in range(n + 1)])
    p = np.linspace(0, 1, 401)[:, None]
    held = (limits[:, 0] <= p + TINY) & (p <= limits[:, 1] + TINY)
    coverage = (binom.pmf(np.arange(n + 1), n, p) * held).sum(1)
    assert coverage.min() >= 1 - alpha - TINY


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("n", [1, 5, 30, 200])
def test_the_bounded_mean_covers_even_coins_the_widest_of_all(n, alpha):
    limits = np.array([bounded_mean(k / n, n, alpha) for k in range(n + 1)])
    p = np.linspace(0, 1, 401)[:, None]
    held = (limits[:, 0] <= p + TINY) & (p <= limits[:, 1] + TINY)
    coverage = (binom.pmf(np.arange(n + 1), n, p) * held).sum(1)
    assert coverage.min() >= 1 - alpha - TINY


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.2), (8, 0.5), (2, 2), (30, 1)])
def test_the_bounded_mean_covers_values_between_0_and_1(a, b):
    means = np.random.default_rng(0).beta(a, b, (4000, 40)).mean(1)
    limits = np.array([bounded_mean(mean, 40, 0.1) for mean in means])
    held = (limits[:, 0] <= a / (a + b)) & (a / (a + b) <= limits[:, 1])
    assert held.mean() >= 0.9


@given(st.floats(0, 1), st.integers(1, 10**5), alphas)
@many
def test_the_bounded_mean_is_hoeffdings_bound(mean, n, alpha):
    lower, upper = bounded_mean(mean, n, alpha)
    assert 0 <= lower <= mean <= upper <= 1
    slack = math.sqrt(math.log(2 / alpha) / (2 * n))  # KL ≥ 2 (p − q)², Pinsker
    assert lower >= mean - slack - 1e-9
    assert upper <= mean + slack + 1e-9
    for limit in (lower, upper):
        if 1e-6 < limit < 1 - 1e-6:  # nearer to an end rounding counts
            kl = sum(
                p * math.log(p / q)
                for p, q in ((mean, limit), (1 - mean, 1 - limit))
                if p > 0
            )
            assert n * kl == pytest.approx(math.log(2 / alpha), rel=1e-4)


# Two groups.


@pytest.mark.parametrize(
    ("first", "second", "limits"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
        ((0, 10), (0, 10), (-0.2775, 0.2775)),
        ((10, 10), (0, 20), (0.6791, 1.0)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ],
)
def test_newcombes_own_examples(first, second, limits):
    """Newcombe (1998), Table II, method 10."""
    assert difference(first, second, 0.05) == pytest.approx(limits, abs=5.1e-5)


def tails(n, p, interval, truth):
    """Return the exact chances that a two-group interval lies above, below the truth.

    ``interval`` takes (k₁, n₁), (k₂, n₂) as arrays over all samples.
    """
    k1, k2 = np.arange(n[0] + 1)[:, None], np.arange(n[1] + 1)[None]
    lower, upper = interval(k1, k2)
    chance = binom.pmf(k1, n[0], p[0]) * binom.pmf(k2, n[1], p[1])
    return (
        (chance * (lower > truth + 1e-9)).sum(),
        (chance * (upper < truth - 1e-9)).sum(),
    )


def difference_tails(n, p, alpha):
    def interval(k1, k2):
        return difference((k1, n[0]), (k2, n[1]), alpha)

    return tails(n, p, interval, p[0] - p[1])


@pytest.mark.parametrize(
    ("alpha", "mean", "least"),
    [(0.05, 0.95, 0.90), (0.01, 0.985, 0.95)],
)
def test_newcombes_coverage_is_nominal_on_average(alpha, mean, least):
    """He reports a mean of .952 and a minimum of .867 over 9,200 points at .95."""
    coverage = [
        1 - sum(difference_tails(n, (p, q), alpha))
        for n in SIZES
        for p in SHARES
        for q in SHARES
    ]
    assert mean <= np.mean(coverage) <= mean + 0.01
    assert least <= min(coverage) < 1 - alpha


@pytest.mark.parametrize("gap", [0.05, 0.1, 0.2])
def test_a_gap_at_the_tolerance_seldom_meets_it(gap):
    """The upper limit lies below the truth with chance α / 2, up to what is stated."""
    alpha = 0.01
    usual, extreme = [], []
    for n in (*SIZES, (300, 30), (600, 1200)):
        for low in (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7):
            _, missed = difference_tails(n, (low + gap, low), alpha)
            (usual if min(n) >= 100 and low >= 0.1 else extreme).append(missed)
    assert np.mean(usual) <= 1.2 * alpha / 2
    assert max(usual) <= 1.6 * alpha / 2
    assert max(extreme) <= 3.5 * alpha / 2  # groups of 30, shares of a few percent


@cache
def ratio_limits(n, alpha):
    table = [
        [ratio((a, n[0]), (b, n[1]), alpha) for b in range(n[1] + 1)]
        for a in range(n[0] + 1)
    ]
    return np.moveaxis(np.array(table), 2, 0)


def test_the_ratios_coverage_is_nominal_on_average():
    coverage, middling = [], []
    for n in ((30, 30), (30, 100), (100, 30), (100, 100)):
        for p in SHARES:
            for q in SHARES:
                held = 1 - sum(
                    tails(n, (p, q), lambda *_, n=n: ratio_limits(n, 0.05), p / q)
                )
                coverage.append(held)
                if min(p, q) >= 0.1 and max(p, q) <= 0.9:
                    middling.append(held)
    assert 0.95 <= np.mean(coverage) <= 0.965
    assert min(coverage) >= 0.92
    assert min(middling) >= 0.94


@given(counted(), counted(), alphas)
@many
def test_limits_hold_the_estimate_and_turn_around_with_the_groups(first, second, alpha):
    (k1, n1), (k2, n2) = first, second
    lower, upper = difference(first, second, alpha)
    assert -1 - TINY <= lower <= k1 / n1 - k2 / n2 + TINY
    assert k1 / n1 - k2 / n2 - TINY <= upper <= 1 + TINY
    turned = difference(second, first, alpha)
    assert (-upper, -lower) == pytest.approx(tuple(map(float, turned)), abs=1e-12)
    low, high = ratio(first, second, alpha)
    assert 0 <= low <= high
    if k1 and k2:
        assert low <= k1 / n1 * n2 / k2 * (1 + 1e-9)
        assert high >= k1 / n1 * n2 / k2 * (1 - 1e-9)
        back = ratio(second, first, alpha)
        assert back[0] == pytest.approx(1 / high, rel=1e-6)
        if low > 1e-9:
            assert back[1] == pytest.approx(1 / low, rel=1e-6)


def test_the_ratio_takes_half_an_event_for_none():
    low, high = ratio((0, 100), (50, 100), 0.05)
    (_, u1), (l2, _) = wilson(0, 100, 0.05), wilson(50, 100, 0.05)
    above = math.hypot(math.log(u1 / 0.005), math.log(0.5 / l2))
    assert high == pytest.approx(0.005 / 0.5 * math.exp(above))
    assert low == pytest.approx(0, abs=1e-9)


def test_difference_takes_arrays():
    k1, k2 = np.array([3, 9, 0]), np.array([5, 0, 0])
    lower, upper = difference((k1, 10), (k2, 20), 0.05)
    for i in range(3):
        one = difference((k1[i], 10), (k2[i], 20), 0.05)
        assert (lower[i], upper[i]) == tuple(one)


# Two groups, exact.


@given(counted(), counted(), alphas)
@many
def test_exact_limits_hold_the_estimate_turn_around_and_are_wider(a, b, alpha):
    (k1, n1), (k2, n2) = a, b
    lower, upper = exact_difference(a, b, alpha)
    assert -1 - TINY <= lower <= k1 / n1 - k2 / n2 + TINY
    assert k1 / n1 - k2 / n2 - TINY <= upper <= 1 + TINY
    turned = exact_difference(b, a, alpha)
    assert (-upper, -lower) == pytest.approx(tuple(map(float, turned)), abs=1e-9)
    wider = exact_difference(a, b, alpha / 2)
    assert wider[0] <= lower + 1e-6
    assert upper <= wider[1] + 1e-6
    low, high = exact_ratio(a, b, alpha)
    assert 0 <= low <= high
    assert (low == 0) == (k1 == 0)
    assert (high == math.inf) == (k2 == 0)
    if k1 and k2:
        assert low <= k1 / n1 * n2 / k2 <= high
        back = exact_ratio(b, a, alpha)
        assert back == pytest.approx((1 / high, 1 / low), rel=1e-6)


def test_with_one_group_known_the_exact_limit_is_clopper_pearsons():
    """A million rows fix the second share; the first keeps its own exact limits."""
    known = (300_000, 1_000_000)
    for k in (0, 3, 20, 39, 40):
        limits = np.array(exact_difference((k, 40), known, 0.05)) + 0.3
        expected = np.array(clopper_pearson(k, 40, 0.05))
        assert limits == pytest.approx(expected, abs=0.006)
        assert limits[0] <= expected[0] + 1e-3
        assert limits[1] >= expected[1] - 1e-3


@pytest.mark.parametrize("weight", [0.0, 0.2, 0.5, 0.7071, 0.9, 1.0])
@pytest.mark.parametrize("tail", [0.025, 0.0005])
def test_the_quantiles_are_those_of_two_half_normals(weight, tail):
    w1, w2 = weight, math.sqrt(1 - weight**2)
    c = np.interp(w1, *exact._quantiles(tail))
    if min(w1, w2) < 1e-3:
        assert c == pytest.approx(norm.isf(tail), rel=1e-4)
        return
    beyond, _ = quad(lambda z: norm.pdf(z) * norm.sf((c - w1 * z) / w2), 0, c / w1)
    chance = norm.sf(c / w2) / 2 + beyond + norm.sf(c / w1)
    assert chance == pytest.approx(tail, rel=2e-3)


@pytest.mark.parametrize(
    ("first", "second"), [((3, 20), (9, 30)), ((0, 15), (4, 25)), ((38, 40), (1, 12))]
)
def test_the_exact_limit_is_the_farthest_pair_of_shares_not_rejected(first, second):
    """The same region on a fine grid, from scipy's binomial distribution."""
    (k1, n1), (k2, n2) = first, second
    tail, p = 0.025, np.linspace(0.0005, 0.9995, 1999)
    z1 = np.maximum(0, norm.isf(binom.cdf(k1, n1, p)))[:, None]
    z2 = np.maximum(0, norm.isf(binom.sf(k2 - 1, n2, p)))[None]
    v1, v2 = (p * (1 - p) / n1)[:, None], (p * (1 - p) / n2)[None]
    both = np.sqrt(v1 + v2)
    quantile = np.interp(np.sqrt(v1) / both, *exact._quantiles(0.99 * tail))
    kept = np.sqrt(v1) * z1 + np.sqrt(v2) * z2 <= quantile * both
    kept &= (z1 <= norm.isf(tail / 400)) & (z2 <= norm.isf(tail / 400))
    farthest = np.where(kept, np.subtract.outer(p, p), -1).max()
    upper = float(exact_difference(first, second, 0.05)[1])
    assert farthest - 0.001 <= upper <= farthest + 0.004


def test_exact_intervals_take_arrays():
    k1, k2 = np.array([[3, 9, 0], [1, 2, 10]]), np.array([5, 0, 20])
    for interval in (exact_difference, exact_ratio):
        lower, upper = interval((k1, 10), (k2, 20), 0.05)
        assert lower.shape == (2, 3)
        for i, j in np.ndindex(2, 3):
            one = interval((k1[i, j], 10), (k2[j], 20), 0.05)
            assert (lower[i, j], upper[i, j]) == pytest.approx(tuple(map(float, one)))


# Several groups.


@given(several, alphas)
@many
def test_extremes_over_groups_hold_their_estimates_in_any_order(groups, alpha):
    p = [k / n for k, n in groups]
    lower, upper = largest_difference(groups, alpha)
    assert 0 <= lower <= max(p) - min(p) + TINY
    assert max(p) - min(p) - TINY <= upper <= 1 + TINY
    assert largest_difference(groups[::-1], alpha) == pytest.approx((lower, upper))
    low, high = smallest_ratio(groups, alpha)
    assert 0 <= low <= high <= 1
    if max(p) > 0:
        assert low <= min(p) / max(p) + TINY
        assert high >= min(p) / max(p) - TINY
    assert smallest_ratio(groups[::-1], alpha) == pytest.approx((low, high), abs=1e-9)


def test_two_groups_need_no_correction():
    low, high = difference((80, 100), (40, 100), 0.05)
    assert largest_difference([(80, 100), (40, 100)], 0.05) == (low, high)
    assert largest_difference([(40, 100), (80, 100)], 0.05) == pytest.approx(
        (low, high)
    )
    low, high = ratio((40, 100), (80, 100), 0.05)
    assert smallest_ratio([(40, 100), (80, 100)], 0.05) == pytest.approx((low, high))


@pytest.mark.parametrize("small", [(0, 0), (1, 2), (29, 29)])
def test_a_small_group_could_be_anything(small):
    large = [(500, 1000), (300, 1000)]
    lower, upper = largest_difference([*large, small], 0.05, min_trials=30)
    assert upper == 1.0
    assert 0 < lower <= 0.2  # the large groups still prove their own difference
    lower, upper = smallest_ratio([*large, small], 0.05, min_trials=30)
    assert lower == 0.0
    assert 0.6 <= upper < 1
    assert largest_difference([large[0], (0, 0)], 0.05) == (0.0, 1.0)
    assert smallest_ratio([large[0], (0, 0)], 0.05) == (0.0, 1.0)
    enough = largest_difference([*large, (30, 30)], 0.05, min_trials=30)
    assert enough[1] < 1 or enough[0] > 0.3


@pytest.mark.parametrize(
    "shares", [(0.3, 0.3, 0.3), (0.1, 0.2, 0.3), (0.2, 0.25, 0.5, 0.5), (0.05,) * 5]
)
def test_extremes_over_groups_hold_together(shares):
    random, n, alpha, draws = np.random.default_rng(1), 120, 0.05, 1500
    counts = random.binomial(n, shares, (draws, len(shares)))
    gap, least = max(shares) - min(shares), min(shares) / max(shares)
    held = np.zeros((draws, 2))
    for i, row in enumerate(counts.tolist()):
        groups = [(k, n) for k in row]
        lower, upper = largest_difference(groups, alpha)
        low, high = smallest_ratio(groups, alpha)
        held[i] = lower <= gap <= upper, low <= least <= high
    spread = 2 * math.sqrt(alpha * (1 - alpha) / draws)
    assert (held.mean(0) >= 1 - alpha - spread).all()


@pytest.mark.parametrize("method", ["score", "exact"])
def test_only_the_limit_that_any_pair_could_break_is_corrected(method):
    two, three = [(30, 100), (55, 100)], [(30, 100), (55, 100), (40, 100)]
    compare = {"score": difference, "exact": exact_difference}[method]
    narrow = largest_difference(two, 0.05, method=method)
    wide = largest_difference(three, 0.05, method=method)
    assert wide[0] < narrow[0]
    assert wide[1] < narrow[1]  # two thirds of the error instead of a half
    more = 0.05 * 4 / 3
    assert wide[1] == pytest.approx(float(compare((55, 100), (30, 100), more)[1]))
    # Three pairs in two directions, less the largest difference turned around.
    third = 0.05 * 2 / 3 / 5
    assert wide[0] == pytest.approx(float(compare((55, 100), (30, 100), third)[0]))
    compare = {"score": ratio, "exact": exact_ratio}[method]
    lower, upper = smallest_ratio(three, 0.05, method=method)
    assert lower == pytest.approx(float(compare((30, 100), (55, 100), more)[0]))
    assert upper == pytest.approx(float(compare((30, 100), (55, 100), third)[1]))


# Many rounds.


def test_a_loop_until_it_passes_passes_in_the_end():
    share = false_meets(50)
    assert 0.018 <= share[0] <= 0.030  # 2.4% of single audits
    assert 0.19 <= share[9] <= 0.24  # 21% after 10 rounds
    assert 0.68 <= share[49] <= 0.76
    assert (np.diff(share) >= 0).all()


def test_a_spread_budget_keeps_all_rounds_together_honest():
    share = false_meets(50, spread_budget=True, simulations=20_000)
    assert 0.005 <= share[-1] <= 0.05


def test_false_meets_is_what_binomials_say():
    n = (1000, 1000)
    _, exact = difference_tails(n, (0.4, 0.3), 0.05)
    assert false_meets(1, simulations=40_000)[0] == pytest.approx(exact, abs=0.003)
    assert (false_meets(3, seed=1) == false_meets(3, seed=1)).all()
    assert (false_meets(3, seed=1) != false_meets(3, seed=2)).any()


@pytest.mark.parametrize("alpha", [0, 5, 95, -0.1, math.nan])
def test_an_error_that_is_none_is_refused(alpha):
    """Once the limits were NaN, and the interval from 0 to 0: every gap met."""
    pair = [(10, 20), (5, 20)]
    with pytest.raises(FairtutorError, match="alpha is"):
        largest_difference(pair, alpha)
    with pytest.raises(FairtutorError, match="alpha is"):
        smallest_ratio(pair, alpha)
    with pytest.raises(FairtutorError, match="alpha is"):
        largest_mean_difference([torch.rand(50), torch.rand(50)], alpha)


@pytest.mark.parametrize("value", [math.nan, 1.5, -0.5, math.inf])
def test_the_mean_of_what_is_no_share_has_no_interval(value):
    with pytest.raises(FairtutorError, match="not between 0 and 1"):
        mean_interval(torch.tensor([0.5, value]), 0.05)
    mean_interval(torch.tensor([0.5, 1 + 1e-12, -1e-12]).double(), 0.05)
