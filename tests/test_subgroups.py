"""The worst subgroup, its confirmation, and gaps with other facts held equal."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fairtutor import FairtutorError, load
from fairtutor.audit import (
    conditional_gap,
    confirm,
    worst_conjunctions,
    worst_linear,
    worst_possible,
)

SIZES = {"sex": 2, "race": 3, "age": 4}


def random_rows(n, seed, bias=0.0):
    """Random decisions and attributes; with a bias against women of race 2."""
    generator = torch.Generator().manual_seed(seed)
    attributes = {
        name: (
            torch.randint(size, (n,), generator=generator),
            tuple(f"{name}{k}" for k in range(size)),
        )
        for name, size in SIZES.items()
    }
    hit = (attributes["sex"][0] == 0) & (attributes["race"][0] == 2)
    p = 0.5 - bias * hit.double()
    decisions = (torch.rand(n, generator=generator, dtype=torch.float64) < p).long()
    among = torch.rand(n, generator=generator) < 0.7
    return decisions, attributes, among


def rows(attributes, index):
    return {
        name: (codes[index], groups) for name, (codes, groups) in attributes.items()
    }


def weighted(decisions, member, among):
    """α(g) · β(g) from its definition, row by row."""
    d, g, a = (np.asarray(v).astype(bool) for v in (decisions, member, among))
    if not (g & a).any():
        return 0.0
    return (g & a).mean() * abs(d[a].mean() - d[g & a].mean())


# ------------------------------------------------------------------ the search


@pytest.mark.parametrize("seed", range(5))
def test_the_worst_conjunction_is_that_of_trying_all(seed):
    decisions, attributes, among = random_rows(300, seed)
    choices = [[None, *range(size)] for size in SIZES.values()]
    tried = []
    for terms in product(*choices):
        member = torch.ones(300, dtype=torch.bool)
        for (codes, _), wanted in zip(attributes.values(), terms, strict=True):
            if wanted is not None:
                member &= codes == wanted
        tried.append(weighted(decisions, member, among))
    found = worst_conjunctions(decisions, attributes, among, top=10)
    assert [group.weighted for group in found] == pytest.approx(
        sorted(tried, reverse=True)[:10], abs=1e-12
    )
    for group in found:
        member = group.members(attributes)
        assert weighted(decisions, member, among) == pytest.approx(group.weighted)
        assert float((member & among).double().mean()) == pytest.approx(group.share)


def test_the_papers_example_is_fair_on_each_attribute_and_unfair_inside():
    sex, race = torch.arange(400) % 2, (torch.arange(400) // 2) % 2
    attributes = {"sex": (sex, ("f", "m")), "race": (race, ("b", "w"))}
    decisions = (sex != race).long()  # white women and black men
    for name in attributes:
        alone = worst_conjunctions(decisions, {name: attributes[name]})[0]
        assert alone.weighted == 0
    worst = worst_conjunctions(decisions, attributes, top=4)
    assert [group.weighted for group in worst] == [0.125] * 4  # ¼ of people, off by ½
    assert {group.rate for group in worst} == {0.0, 1.0}
    assert worst_possible(decisions, attributes) == 0.25


@given(seed=st.integers(0, 10_000), n=st.integers(2, 120))
@settings(max_examples=60, deadline=None)
def test_no_subgroup_exceeds_the_bound(seed, n):
    decisions, attributes, among = random_rows(n, seed)
    if not among.any():
        return
    bound = worst_possible(decisions, attributes, among)
    worst = worst_conjunctions(decisions, attributes, among)[0]
    linear = worst_linear(decisions, attributes, among)
    assert worst.weighted <= bound + 1e-12 and linear.weighted <= bound + 1e-12
    member = linear.members(attributes)
    assert weighted(decisions, member, among) == pytest.approx(linear.weighted)


def test_a_linear_group_that_no_conjunction_names_is_found():
    decisions, attributes, _ = random_rows(6000, 0)
    points = sum(codes for codes, _ in attributes.values())  # 0 to 6
    generator = torch.Generator().manual_seed(1)
    p = torch.where(points >= 4, 0.8, 0.2)
    decisions = (torch.rand(6000, generator=generator) < p).long()
    linear = worst_linear(decisions, attributes)
    assert linear.weighted >= 0.95 * worst_possible(decisions, attributes)
    assert linear.weighted > 1.2 * worst_conjunctions(decisions, attributes)[0].weighted
    agree = (linear.members(attributes) == (points >= 4)).double().mean()
    assert min(agree, 1 - agree) < 0.02  # the group or its complement


def test_members_are_told_among_other_rows_and_by_name():
    decisions, attributes, _ = random_rows(200, 3, bias=0.5)
    group = worst_conjunctions(decisions, attributes)[0]
    _, others, _ = random_rows(50, 4)
    assert group.members(others).shape == (50,)
    with pytest.raises(FairtutorError, match="no attribute"):
        group.members({"height": others["sex"]})


def test_everybody_alike_has_no_worst_group():
    _, attributes, _ = random_rows(100, 0)
    decisions = torch.ones(100, dtype=torch.long)
    for group in (
        worst_conjunctions(decisions, attributes)[0],
        worst_linear(decisions, attributes),
    ):
        assert group.weighted == pytest.approx(0, abs=1e-9)


def test_one_group_only_leaves_nothing_to_search():
    one = {"town": (torch.zeros(10, dtype=torch.long), ("Boston",))}
    decisions = torch.arange(10) % 2
    group = worst_linear(decisions, one)
    assert group.weighted == 0 and group.members(one).all()
    assert np.isnan(confirm([group], decisions, one)[0].outside.rate)
    assert not confirm([group], decisions, one)[0].holds_up


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, a, m: (d, {}, m), "at least one attribute"),
        (lambda d, a, m: (d[:-1], a, m[:-1]), "has 100 rows, the decisions 99"),
        (lambda d, a, m: (d, a, torch.zeros(100, dtype=torch.bool)), "leaves nobody"),
        (
            lambda d, a, m: (
                d,
                {str(k): (a["sex"][0], tuple(map(str, range(60)))) for k in range(4)},
                m,
            ),
            "12,960,000 combinations",
        ),
    ],
)
def test_what_cannot_be_searched_is_said(change, message):
    decisions, attributes, among = random_rows(100, 0)
    with pytest.raises(FairtutorError, match=message):
        worst_conjunctions(*change(decisions, attributes, among))


# ------------------------------------------------------------------ fresh rows


def test_an_interval_on_the_searched_rows_misleads_and_one_on_fresh_rows_holds():
    """Decisions without any bias: every group "found" is chance."""
    misled = held = 0
    for seed in range(300):
        decisions, attributes, _ = random_rows(600, seed)
        a, b = torch.arange(300), torch.arange(300, 600)
        found = worst_conjunctions(decisions[a], rows(attributes, a))
        same = confirm(found, decisions[a], rows(attributes, a))[0]
        fresh = confirm(found, decisions[b], rows(attributes, b))[0]
        misled += not same.lower <= 0 <= same.upper
        held += fresh.lower <= 0 <= fresh.upper
    assert misled > 100  # of 300; a 95% interval should miss 15
    assert held >= 275  # 285 expected; 275 is 2.6 standard deviations below


def test_a_real_bias_is_found_and_its_size_covered():
    covered = confirmed = 0
    for seed in range(100):
        decisions, attributes, _ = random_rows(2000, seed, bias=0.3)
        a, b = torch.arange(1000), torch.arange(1000, 2000)
        found = worst_conjunctions(decisions[a], rows(attributes, a))
        fresh = confirm(found, decisions[b], rows(attributes, b))[0]
        confirmed += fresh.holds_up
        hit = (attributes["sex"][0] == 0) & (attributes["race"][0] == 2)
        p, member = 0.5 - 0.3 * hit.double(), found[0].members(attributes)
        truth = float(p[b][member[b]].mean() - p[b][~member[b]].mean())
        covered += fresh.lower <= truth <= fresh.upper
    assert confirmed >= 95 and covered >= 89


def test_several_groups_share_the_error_budget():
    decisions, attributes, _ = random_rows(500, 0)
    found = worst_conjunctions(decisions, attributes, top=5)
    one = confirm(found[:1], decisions, attributes, alpha=0.01)[0]
    five = confirm(found, decisions, attributes, alpha=0.05)[0]
    assert (one.lower, one.upper) == pytest.approx((five.lower, five.upper))


# ------------------------------------------------------------------ conditional gaps

CONTROLS = (
    "hrat obrat loanprc unem male married dep sch cosign chist pubrec mortlat1 "
    "mortlat2 vr"
).split()


@pytest.fixture(scope="module")
def loans():
    frame = load("loans").table.dropna(subset=["approve", "white", *CONTROLS])
    return {
        name: torch.tensor(frame[name].to_numpy(float))
        for name in ["approve", "white", *CONTROLS]
    }


def test_gaps_on_the_mortgage_data_are_those_published():
    dataset = load("loans")
    white = torch.tensor(dataset.table["white"].to_numpy())
    assert f"{conditional_gap(dataset.y, white).estimate:.3f}" == "0.201"


def test_the_conditional_gap_is_that_published(loans):
    """Wooldridge, Introductory Econometrics, exercises of chapters 7 and 8."""
    given_ = {name: loans[name] for name in CONTROLS}
    gap = conditional_gap(loans["approve"], loans["white"], given_)
    assert gap.n == 1971
    assert f"{gap.estimate:.3f}" == "0.129"
    assert f"{gap.standard_error:.3f}" == "0.026"


def test_the_standard_error_is_that_of_resampled_rows(loans):
    facts = [loans[name] for name in ["white", *CONTROLS]]
    X = torch.stack([torch.ones_like(facts[0]), *facts], dim=1)
    draws = torch.randint(1971, (400, 1971), generator=torch.Generator().manual_seed(0))
    times = torch.zeros(400, 1971, dtype=torch.float64)
    times.scatter_add_(1, draws, torch.ones_like(times))  # how often each row is drawn
    normal = times @ (X[:, :, None] * X[:, None, :]).flatten(1)
    right = times @ (X * loans["approve"][:, None])
    drawn = torch.linalg.solve(normal.view(400, 16, 16), right)[:, 1]
    gap = conditional_gap(
        loans["approve"], loans["white"], {name: loans[name] for name in CONTROLS}
    )
    assert gap.standard_error == pytest.approx(float(drawn.std()), rel=0.12)


def test_without_facts_it_is_the_difference_of_two_rates():
    y, member, _ = random_rows(500, 0)[0], torch.arange(500) % 3 == 0, None
    gap = conditional_gap(y, member)
    difference = y[member].double().mean() - y[~member].double().mean()
    assert gap.estimate == pytest.approx(float(difference))
    assert gap.lower < gap.estimate < gap.upper and gap.given == ()


def test_what_determines_the_group_or_is_missing_is_said():
    y, member = torch.arange(100) % 2, (torch.arange(100) < 50).long()
    with pytest.raises(FairtutorError, match="determine each other"):
        conditional_gap(y, member, {"not member": 1 - member})
    with pytest.raises(FairtutorError, match="determine each other"):
        conditional_gap(y, member, {"constant": torch.full((100,), 3)})
    age = torch.arange(100.0)
    age[3] = torch.nan
    with pytest.raises(FairtutorError, match="'age' is missing in 1 of 100 rows"):
        conditional_gap(y, member, {"age": age})
    with pytest.raises(FairtutorError, match="'age' has 99 rows and the outcome 100"):
        conditional_gap(y, member, {"age": age[1:]})
    with pytest.raises(FairtutorError, match="alpha is 95"):
        conditional_gap(y, member, alpha=95)
