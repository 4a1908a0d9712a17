"""Moment matching: the MMD against loops and enumerations; what it does to Adult."""

from functools import cache
from itertools import combinations

import pytest
import torch

from fairtutor import Criterion, DataProducer, DataUser, FairnessCriteria, load
from fairtutor.audit import group_counts, rates
from fairtutor.exchange import build, mlp
from fairtutor.producers import NOTIONS, Task, moments
from fairtutor.producers.moments import (
    MomentsObjective,
    mean_discrepancy,
    memberships,
)

QUIET = {"progress": False}


def batch(n=40, d=3, num_groups=2, seed=0):
    """Return codes in float64, outcomes and groups that go together."""
    generator = torch.Generator().manual_seed(seed)
    groups = torch.randint(0, num_groups, (n,), generator=generator)
    Z = torch.randn(n, d, generator=generator, dtype=torch.float64)
    Z = (Z + groups[:, None]).tanh()
    return Z, (torch.rand(n, generator=generator) < 0.4).long(), groups


def compared_by_hand(notion, y):
    if notion == "demographic parity":
        return [[True] * len(y)]
    given = {"equalized odds": (0, 1), "equal opportunity": (1,)}[notion]
    return [[outcome == wanted for outcome in y.tolist()] for wanted in given]


def discrepancy_by_hand(Z, y, groups, num_groups, notion):
    """Loop over comparisons, pairs of groups and pairs of rows."""
    rows = range(len(Z))
    wide = sum(((Z[i] - Z[j]) ** 2).sum() for i in rows for j in rows) / len(Z) ** 2

    def kernel(i, j):
        return torch.exp(-((Z[i] - Z[j]) ** 2).sum() / wide)

    found = []
    for among in compared_by_hand(notion, y):
        of = [
            [i for i in rows if among[i] and groups[i] == g] for g in range(num_groups)
        ]
        for a, b in combinations([members for members in of if len(members) > 1], 2):
            within = [
                torch.stack([kernel(i, j) for i in m for j in m if i != j]).mean()
                for m in (a, b)
            ]
            between = torch.stack([kernel(i, j) for i in a for j in b]).mean()
            found.append(within[0] + within[1] - 2 * between)
    return sum(found) / max(1, len(found))


@pytest.mark.parametrize("notion", NOTIONS)
@pytest.mark.parametrize(("n", "num_groups"), [(24, 2), (24, 4), (9, 4)])
def test_the_discrepancy_is_that_of_explicit_loops(notion, n, num_groups):
    Z, y, groups = batch(n, num_groups=num_groups)
    got = mean_discrepancy(Z, memberships(y, groups, num_groups, notion))
    by_hand = discrepancy_by_hand(Z, y, groups, num_groups, notion)
    assert float(got) == pytest.approx(float(by_hand), abs=1e-12)


def test_it_is_0_on_average_where_the_group_is_drawn_by_lot():
    """Unbiased: over all 210 ways to give 4 of 10 rows to one group, exactly 0."""
    Z, y, _ = batch(10)
    found = []
    for chosen in combinations(range(10), 4):
        groups = torch.zeros(10, dtype=torch.long)
        groups[list(chosen)] = 1
        found.append(mean_discrepancy(Z, memberships(y, groups, 2, NOTIONS[0])))
    found = torch.stack(found)
    assert float(found.mean()) == pytest.approx(0, abs=1e-14)
    assert found.std() > 0.01
    assert found.min() < 0


def test_it_is_0_for_equal_codes_and_large_for_groups_apart():
    _, y, groups = batch()
    members = memberships(y, groups, 2, NOTIONS[0])
    assert mean_discrepancy(torch.ones(40, 3), members) == 0
    apart = groups[:, None].double()
    share = groups.double().mean()
    wide = 2 * share * (1 - share)  # mean squared distance between rows
    expected = 2 - 2 * torch.exp(-1 / wide)
    assert float(mean_discrepancy(apart, members)) == pytest.approx(float(expected))


def test_a_smaller_or_moved_code_changes_nothing():
    Z, y, groups = batch(num_groups=3)
    members = memberships(y, groups, 3, NOTIONS[0])
    before = mean_discrepancy(Z, members)
    assert torch.allclose(mean_discrepancy(1e-3 * Z + 5, members), before, rtol=1e-6)


def test_a_difference_given_the_outcome_alone_is_seen_by_the_other_notions_only():
    """Groups whose codes are alike, but go with the outcome the other way round."""
    generator = torch.Generator().manual_seed(0)
    groups, y = (torch.randint(0, 2, (2000,), generator=generator) for _ in range(2))
    noise = 0.3 * torch.randn(2000, 1, generator=generator)
    Z = (y ^ groups)[:, None] + noise
    parity, odds, opportunity = (
        float(mean_discrepancy(Z, memberships(y, groups, 2, notion)))
        for notion in NOTIONS
    )
    assert abs(parity) < 0.01
    assert odds > 0.5
    assert opportunity > 0.5
    Z[y == 0] = noise[y == 0]  # groups differ among y = 1 alone
    odds_now = float(mean_discrepancy(Z, memberships(y, groups, 2, NOTIONS[1])))
    assert float(mean_discrepancy(Z, memberships(y, groups, 2, NOTIONS[2]))) > 0.5
    assert 0.1 < odds_now < odds


@pytest.mark.parametrize("notion", NOTIONS)
def test_its_gradient_is_that_of_finite_differences(notion):
    Z, y, groups = batch(20, num_groups=3)
    members = memberships(y, groups, 3, notion)
    Z.requires_grad_()
    assert torch.autograd.gradcheck(lambda Z: mean_discrepancy(Z, members), [Z])


@pytest.mark.parametrize("notion", NOTIONS)
def test_the_loss_is_the_log_loss_and_the_weighted_discrepancy(notion):
    torch.manual_seed(0)
    objective = MomentsObjective(
        encoder=build((*mlp(3, 5, 2, activation="tanh"), ("tanh",)), 3),
        predictor=build(mlp(2, 4, 1, activation="tanh"), 2),
        num_groups=2,
        notion=notion,
        strength=7.0,
    ).double()
    X, y, groups = batch()
    got = {name: loss.item() for name, loss in objective(X, y, groups).items()}
    Z = objective.encoder(X)
    p = objective.predictor(Z)[:, 0].sigmoid()
    log_loss = -torch.where(y == 1, p.log(), (1 - p).log()).mean().item()
    discrepancy = discrepancy_by_hand(Z, y, groups, 2, notion).item()
    assert got["prediction loss"] == pytest.approx(log_loss, rel=1e-6)
    assert got["MMD²"] == pytest.approx(discrepancy, abs=1e-9)
    assert got["loss"] == pytest.approx(log_loss + 7 * discrepancy, rel=1e-6)


def test_bfloat16_codes_are_compared_in_float32():
    Z, y, groups = batch(400)
    members = memberships(y, groups, 2, NOTIONS[0])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = mean_discrepancy(Z.bfloat16(), members)
    assert rounded.dtype == torch.float32
    exact = mean_discrepancy(Z.bfloat16().double(), members)
    assert float(rounded) == pytest.approx(float(exact), abs=1e-5)


def task(n=600, num_groups=2, **options):
    """Rows whose first column goes with the outcome, and the second with the group."""
    generator = torch.Generator().manual_seed(0)
    groups = torch.randint(0, num_groups, (n,), generator=generator)
    X = torch.randn(n, 4, generator=generator)
    X[:, 1] += groups
    y = (X[:, 0] + X[:, 1] > 0).long()
    return Task(X, y, groups, num_groups, training=QUIET, **options)


def test_the_seed_fixes_the_representation():
    made = [task(seed=seed) for seed in (0, 0, 1)]
    first, again, other = (moments(of, epochs=2).module(of.X) for of in made)
    assert torch.allclose(first, again, rtol=0, atol=1e-6)
    assert not torch.allclose(first, other, atol=1e-2)


def test_settings_shape_the_encoder_and_it_is_watched():
    seen = []
    made_of = task(num_groups=2, on_encoder=lambda module: seen.append(module))
    encoder = moments(made_of, width=3, hidden=5, epochs=2)
    assert encoder.layers == (*mlp(4, 5, 3), ("tanh",))
    assert encoder.module(1e6 * made_of.X).abs().max() <= 1
    assert len(seen) == 2
    assert seen[0] is encoder.module
    assert set(encoder.history.names) == {"loss", "prediction loss", "MMD²"}


@pytest.mark.parametrize("notion", NOTIONS)
def test_groups_without_rows_or_with_one_do_no_harm(notion):
    made_of = task(num_groups=2, notion=notion)
    made_of.groups[0] = 3
    alone = Task(**vars(made_of) | {"num_groups": 5})
    assert moments(alone, epochs=1).module(alone.X).isfinite().all()


# Adult.

GAP_OF = {
    "demographic parity": ("selection_rate_difference", ("selection rate",)),
    "equalized odds": (
        "equalized_odds_difference",
        ("true positive rate", "false positive rate"),
    ),
    "equal opportunity": ("true_positive_rate_difference", ("true positive rate",)),
}


@cache
def on_test(method, notion, seed):
    """Return an MLP user's accuracy, and each notion's gap, on the test rows.

    An encoder of 10 epochs and a user of 6 show it as well as more do.
    """
    adult = load("adult").without_audit()
    options = {"epochs": 10, "strength": 100} if method == "moments" else {}
    criteria = FairnessCriteria((Criterion(GAP_OF[notion][0], 0.1, "sex"),))
    producer = DataProducer(method, seed=seed, **options)
    made = producer.produce(criteria, adult, progress=False)
    submission = DataUser("mlp", seed=seed).train(made, adult, epochs=6, progress=False)
    rows = adult.rows("test")
    decisions = submission.scores(made.encode(rows.X)) >= 0.5
    codes, names = adult.groups("sex")
    counts = group_counts(rows.y, decisions, codes[rows.index], len(names))
    gaps = {
        name: max(float(rates(counts, r).max() - rates(counts, r).min()) for r in of)
        for name, (_, of) in GAP_OF.items()
    }
    return (decisions == rows.y.bool()).double().mean().item(), gaps


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_on_adult_the_gap_all_but_closes_for_four_points(seed):
    accuracy, gaps = on_test("identity", NOTIONS[0], seed)
    fair_accuracy, fair_gaps = on_test("moments", NOTIONS[0], seed)
    majority = 1 - load("adult").rows("test").y.double().mean().item()
    assert gaps[NOTIONS[0]] > 0.15, "there is a gap to close"
    assert fair_gaps[NOTIONS[0]] <= gaps[NOTIONS[0]] / 3
    assert fair_accuracy >= accuracy - 0.045
    assert fair_accuracy >= majority + 0.03, "and it is no constant predictor"


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("notion", NOTIONS[1:])
def test_on_adult_each_notion_lowers_its_own_gap(notion, seed):
    """Parity widens the other two: rates of the outcome differ between the groups."""
    accuracy, gaps = on_test("moments", notion, seed)
    _, of_parity = on_test("moments", NOTIONS[0], seed)
    assert gaps[notion] <= of_parity[notion] - 0.05
    assert of_parity[NOTIONS[0]] <= gaps[NOTIONS[0]] - 0.04
    assert accuracy >= 0.79
