"""What the best adversary proves of every user, by trying every user there is."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from fairtutor import Criterion, DataProducer, DataUser, FairnessCriteria, load
from fairtutor.exchange import FairtutorError, build
from fairtutor.producers import Task, identity
from fairtutor.producers.cells import in_cells
from fairtutor.theory.leakage import (
    best_balanced_accuracy,
    distinct_counts,
    largest_gap,
    largest_odds_gaps,
    total_variation,
    widest_odds_user,
)

some = settings(derandomize=True, deadline=None, max_examples=60)


# Every user of a small alphabet.


@st.composite
def people(draw, values=4):
    """(y, a, z) of each row; every group has a row of each outcome."""
    row = st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, values - 1))
    each = [(y, a, draw(st.integers(0, values - 1))) for y in (0, 1) for a in (0, 1)]
    return each + draw(st.lists(row, max_size=40))


def gaps_of(says_yes, rows):
    """Δ₀ and Δ₁ of one user, by counting."""
    gaps = []
    for y in (0, 1):
        rates = []
        for a in (0, 1):
            of_group = [z for outcome, group, z in rows if (outcome, group) == (y, a)]
            rates.append(sum(says_yes[z] for z in of_group) / len(of_group))
        gaps.append(abs(rates[1] - rates[0]))
    return gaps


def counted(rows):
    """Counts by the library; the z that occur, in its order."""
    y, groups, Z = torch.tensor(rows).T
    return distinct_counts(Z, groups, 2, y), Z.unique().tolist()


@given(people())
@some
def test_no_user_exceeds_the_bounds_and_some_user_attains_each(rows):
    """Every decision rule on four values; a mixture of rules has no larger gap."""
    counts, _ = counted(rows)
    bounds = largest_odds_gaps(counts)
    users = [gaps_of(rule, rows) for rule in product((0, 1), repeat=4)]
    assert bounds.by_outcome[0] == pytest.approx(max(gaps[0] for gaps in users))
    assert bounds.equal_opportunity == pytest.approx(max(gaps[1] for gaps in users))
    assert bounds.largest == pytest.approx(max(max(gaps) for gaps in users))
    assert bounds.attained_sum == pytest.approx(max(sum(gaps) for gaps in users))
    assert bounds.sum >= bounds.attained_sum - 1e-12


@given(people(), st.lists(st.floats(0, 1), min_size=4, max_size=4))
@some
def test_users_who_toss_coins_do_not_exceed_the_bounds_either(rows, chances):
    bounds, gaps = largest_odds_gaps(counted(rows)[0]), gaps_of(chances, rows)
    assert all(gap <= b + 1e-9 for gap, b in zip(gaps, bounds.by_outcome, strict=True))
    assert sum(gaps) <= bounds.attained_sum + 1e-9


@given(people())
@some
def test_the_widest_users_are_the_widest(rows):
    counts, values = counted(rows)
    bounds = largest_odds_gaps(counts)
    for weights, bound in (
        ((1, 0), bounds.by_outcome[0]),
        ((0, 1), bounds.by_outcome[1]),
        ((1, 1), bounds.attained_sum),
    ):
        decisions = widest_odds_user(counts, weights).tolist()
        rule = dict(zip(values, map(int, decisions), strict=True))
        gaps = gaps_of(rule, rows)
        reached = sum(w * gap for w, gap in zip(weights, gaps, strict=True))
        assert reached == pytest.approx(bound)


@given(people())
@some
def test_the_bound_is_two_balanced_accuracies_less_one(rows):
    """The best adversary among the rows of one outcome, by trying all of them."""
    counts, _ = counted(rows)
    for y, bound in enumerate(largest_odds_gaps(counts).by_outcome):
        best = 0.0
        for rule in product((0, 1), repeat=4):
            right = [
                [rule[z] == a for outcome, a, z in rows if (outcome, a) == (y, group)]
                for group in (0, 1)
            ]
            best = max(best, sum(sum(r) / len(r) for r in right) / 2)
        assert bound == pytest.approx(largest_gap(best))
        assert bound == pytest.approx(largest_gap(best_balanced_accuracy(counts[y])))


def test_the_theorems_sum_is_not_always_attained():
    """z = 0 is told as group 1 if y = 0 or 1; z = 1 and 2 in opposite ways."""
    counts = torch.tensor([[[0, 6, 4], [5, 0, 5]], [[0, 4, 6], [5, 5, 0]]])
    bounds = largest_odds_gaps(counts)
    users = [
        [
            abs((counts[y, 1] / 10 - counts[y, 0] / 10) @ torch.tensor(rule).float())
            for y in (0, 1)
        ]
        for rule in product((0, 1), repeat=3)
    ]
    assert max(sum(gaps) for gaps in users) == pytest.approx(bounds.attained_sum)
    assert bounds.attained_sum < bounds.sum - 0.1


def test_counts_by_outcome_add_up_to_the_counts():
    generator = torch.Generator().manual_seed(0)
    Z = torch.randint(0, 3, (200, 2), generator=generator).float()
    groups, y = torch.randint(0, 2, (2, 200), generator=generator)
    counts = distinct_counts(Z, groups, 2, y)
    assert torch.equal(counts.sum(0), distinct_counts(Z, groups, 2))
    for outcome in (0, 1):
        kept = (Z.unique(dim=0)[4] == Z).all(1) & (y == outcome) & (groups == 1)
        assert counts[outcome, 1, 4] == kept.sum()


def test_counts_that_are_none_are_named():
    with pytest.raises(FairtutorError, match=r"have shape \(2, 3\); give \(2, 2, K\)"):
        largest_odds_gaps(torch.ones(2, 3))
    with pytest.raises(FairtutorError, match="two groups with at least one row each"):
        largest_odds_gaps(torch.tensor([[[1, 2], [0, 0]], [[1, 1], [1, 1]]]))


# A representation of few values.


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_last_layers_say_which_centre_is_nearest(scale):
    X = scale * torch.randn(500, 3, generator=torch.Generator().manual_seed(1))
    groups = torch.arange(500) % 2
    encoder = in_cells(identity(Task(X, groups, groups, 2)), X, 7, seed=2)
    Z = encoder.module(X)
    width, centres = encoder.layers[-2][2], encoder.module[-2].weight
    assert (width, Z.unique().tolist()) == (7, [0.0, 1.0])
    assert (Z.sum(1) == 1).all()
    directions = centres.detach().double()  # 2 β c
    biases = encoder.module[-2].bias.detach().double()  # −β ‖c‖²
    beta = (directions.square().sum(1) / -4 / biases).mean()
    nearest = torch.cdist(X.double(), directions / (2 * beta)).argmin(1)
    assert torch.equal(nearest, Z.argmax(1))
    again = build(encoder.layers, 3)
    again.load_state_dict(encoder.module.state_dict())
    assert torch.equal(again(X), Z), "it is what its declaration says"


@pytest.fixture(scope="module")
def adult():
    return load("adult").without_audit()


@pytest.fixture(scope="module")
def few_values(adult):
    criteria = FairnessCriteria((Criterion("selection_rate_difference", 0.1, "sex"),))
    producer = DataProducer("adversarial", cells=24, epochs=15)
    return producer.produce(criteria, adult, progress=False)


def rate_gap(decisions, groups, kept):
    """Return how far the shares of positive decisions differ among some rows."""
    rates = [decisions[kept & (groups == a)].double().mean() for a in (0, 1)]
    return abs(rates[1] - rates[0]).item()


def test_on_adult_the_bounds_hold_for_every_user_also_one_that_wants_to_be_unfair(
    adult, few_values
):
    train, test = adult.rows("train"), adult.rows("test")
    codes, _ = adult.groups("sex")
    groups, y = codes[test.index], test.y
    Z = few_values.encode(test.X)
    counts = distinct_counts(Z, groups, 2, y)
    assert counts.shape[2] <= 30, "few values: 24 cells, and borders between them"
    bounds, selection = largest_odds_gaps(counts), total_variation(counts.sum(0))
    users = {
        model: DataUser(model).train(few_values, adult, progress=False).scores(Z) >= 0.5
        for model in ("logistic", "mlp")
    }
    everyone, rich = train.y >= 0, train.y == 1
    for name, kept in (("unfair", everyone), ("unfair to the rich", rich)):
        trained = LogisticRegression(class_weight="balanced")
        trained.fit(few_values.encode(train.X[kept]), codes[train.index[kept]])
        users[name] = torch.from_numpy(trained.predict(Z)).bool()
    for decisions in users.values():
        gaps = [rate_gap(decisions, groups, y == outcome) for outcome in (0, 1)]
        assert rate_gap(decisions, groups, y >= 0) <= selection + 1e-9
        assert gaps[0] <= bounds.by_outcome[0] + 1e-9
        assert gaps[1] <= bounds.equal_opportunity + 1e-9
        assert sum(gaps) <= bounds.attained_sum + 1e-9
    assert rate_gap(users["unfair"], groups, y >= 0) > 0.6 * selection, "not idle"
    told = rate_gap(users["unfair to the rich"], groups, y == 1)
    assert told > 0.6 * bounds.equal_opportunity
