"""The adversary's game: who wants what, for which notion, and what it comes to."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from fairtutor import Criterion, DataProducer, DataUser, FairnessCriteria, load
from fairtutor.audit import group_counts, rates
from fairtutor.exchange import FairtutorError, build, mlp
from fairtutor.producers import NOTIONS, Task, adversarial
from fairtutor.producers.adversarial import AdversarialObjective, row_weights

QUIET = {"progress": False}
GROUPS = 3


def task(n=600, d=6, num_groups=2, seed=0, **options):
    """Rows whose means and outcomes depend on the group."""
    generator = torch.Generator().manual_seed(seed)
    groups = torch.randint(0, num_groups, (n,), generator=generator)
    means = torch.randn(num_groups, d, generator=generator)
    X = torch.randn(n, d, generator=generator) + means[groups]
    y = (X[:, 0] + torch.randn(n, generator=generator) > 0).long()
    return Task(X, y, groups, num_groups, **{"training": QUIET} | options)


# The losses and who wants what.


def game(strength=0.7, notion=NOTIONS[0], seed=0, **options):
    """Return the objective in float64 and a batch."""
    torch.manual_seed(seed)
    made_of = task(n=40, d=4, num_groups=GROUPS)
    sees_y = notion == "equalized odds"
    objective = AdversarialObjective(
        encoder=build((*mlp(4, 5, 3, activation="tanh"), ("tanh",)), 4),
        predictor=build(mlp(3, 4, 1, activation="tanh"), 3),
        adversary=build(mlp(3 + sees_y, 4, GROUPS, activation="tanh"), 3 + sees_y),
        strength=strength,
        sees_y=sees_y,
        **options,
    ).double()
    weight = row_weights(notion, made_of.y, made_of.groups).double()
    return objective, (
        made_of.X.double(),
        made_of.y.double(),
        made_of.groups,
        weight,
    )


def losses_by_hand(objective, X, y, groups, notion=NOTIONS[0]):
    """The predictor's log loss; the adversary's is a mean of the means of its cells."""
    Z = objective.encoder(X)
    p = objective.predictor(Z)[:, 0].sigmoid()
    prediction = -torch.where(y == 1, p.log(), (1 - p).log()).mean()
    seen = torch.cat([Z, y[:, None]], 1) if notion == "equalized odds" else Z
    guess = objective.adversary(seen).softmax(1)
    right = torch.stack([guess[i, g] for i, g in enumerate(groups.tolist())])
    wrong = 1 - right if objective.absolute else -right.log()
    everyone = torch.ones_like(groups).bool()
    outcomes = {
        "demographic parity": [everyone],
        "equalized odds": [y == 0, y == 1],
        "equal opportunity": [y == 1],
    }[notion]
    cells = [(groups == g) & outcome for g in range(GROUPS) for outcome in outcomes]
    told = torch.stack([wrong[cell].mean() for cell in cells]).mean()
    return prediction, told


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("notion", NOTIONS)
def test_the_losses_are_those_of_the_game(notion, absolute):
    objective, batch = game(notion=notion, absolute=absolute)
    got = {name: loss.item() for name, loss in objective(*batch).items()}
    prediction, told = losses_by_hand(objective, *batch[:3], notion)
    assert got["prediction loss"] == pytest.approx(prediction.item(), rel=1e-6)
    assert got["adversary's loss"] == pytest.approx(told.item(), rel=1e-6)
    total = (prediction + told).item()
    assert got["loss"] == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("notion", NOTIONS)
@pytest.mark.parametrize(("strength", "absolute"), [(0.0, False), (0.7, True), (3, 0)])
def test_the_encoder_climbs_the_adversarys_loss_and_the_others_descend(
    strength, absolute, notion
):
    """Each gradient is compared with finite differences of what that player wants."""
    objective, batch = game(strength, notion, absolute=absolute)
    objective(*batch)["loss"].backward()
    wants = {
        "encoder": lambda prediction, told: prediction - strength * told,
        "predictor": lambda prediction, told: prediction,
        "adversary": lambda prediction, told: told,
    }
    step = 1e-5
    for player, want in wants.items():
        for parameter in getattr(objective, player).parameters():
            flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
            for i in range(0, len(flat), 5):
                values = []
                for sign in (1, -1):
                    flat[i] += sign * step
                    with torch.no_grad():
                        losses = losses_by_hand(objective, *batch[:3], notion)
                    values.append(want(*losses).item())
                    flat[i] -= sign * step
                slope = (values[0] - values[1]) / (2 * step)
                assert gradient[i].item() == pytest.approx(slope, abs=1e-6, rel=1e-3)


def test_an_encoder_step_makes_the_adversary_worse():
    objective, batch = game(strength=1000.0)
    objective(*batch)["loss"].backward()
    before = losses_by_hand(objective, *batch[:3])[1].item()
    with torch.no_grad():
        for parameter in objective.encoder.parameters():
            parameter -= 1e-7 * parameter.grad
    assert losses_by_hand(objective, *batch[:3])[1].item() > before


def test_the_absolute_loss_of_the_best_guess_is_one_less_its_balanced_accuracy():
    """The theorem's form: 2 · BA − 1 = 1 − 2 · loss, for an adversary that is sure."""
    y, groups = torch.tensor([0, 1, 0, 1, 0]), torch.tensor([0, 0, 0, 1, 1])
    guessed = torch.tensor([0, 1, 0, 1, 1])
    sure = 40.0 * nn.functional.one_hot(guessed, 2)
    objective = AdversarialObjective(
        encoder=nn.Identity(),
        predictor=nn.Linear(2, 1),
        adversary=nn.Identity(),
        strength=1.0,
        absolute=True,
    )
    weight = row_weights("demographic parity", y, groups)
    loss = objective(sure, y.float(), groups, weight)["adversary's loss"].item()
    balanced = ((2 / 3) + 1) / 2
    assert loss == pytest.approx(1 - balanced, abs=1e-6)


@pytest.mark.parametrize("notion", NOTIONS)
def test_cells_weigh_alike_and_rows_that_do_not_count_weigh_nothing(notion):
    made_of = task(n=500, num_groups=3, seed=3)
    weight = row_weights(notion, made_of.y, made_of.groups)
    assert weight.mean().item() == pytest.approx(1, abs=1e-6)
    outcomes = {"demographic parity": [None], "equal opportunity": [1]}
    sums = [
        weight[
            (made_of.groups == g) & ((made_of.y == y) if y is not None else True)
        ].sum()
        for g in range(3)
        for y in outcomes.get(notion, [0, 1])
    ]
    assert torch.allclose(torch.stack(sums), torch.tensor(500.0 / len(sums)))
    if notion == "equal opportunity":
        assert (weight[made_of.y == 0] == 0).all()


def test_a_cell_without_rows_counts_for_nothing():
    y, groups = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 1, 4])
    assert torch.allclose(
        row_weights("equalized odds", y, groups),
        torch.tensor([2 / 3, 2 / 3, 4 / 3, 4 / 3]),
    )
    assert torch.allclose(
        row_weights("equal opportunity", y, groups), torch.tensor([0.0, 0.0, 2.0, 2.0])
    )


# The encoder that comes out.


def encoded(made_of, **options):
    encoder = adversarial(made_of, **{"epochs": 2} | options)
    return encoder.module(made_of.X)


def test_the_seed_fixes_the_representation():
    first, again, other = (
        encoded(Task(**vars(task(strength=1.0)) | {"seed": seed})) for seed in (0, 0, 1)
    )
    assert torch.allclose(first, again, rtol=0, atol=1e-6)
    assert not torch.allclose(first, other, atol=1e-2)


def test_the_seed_fixes_the_weights_before_training_too():
    untrained = [
        encoded(Task(**vars(task()) | {"seed": seed}), epochs=1, lr=1e-12)
        for seed in (0, 0, 1)
    ]
    assert torch.allclose(untrained[0], untrained[1], rtol=0, atol=1e-6)
    assert not torch.allclose(untrained[0], untrained[2], atol=1e-2)


def test_settings_shape_the_encoder():
    made_of = task()
    encoder = adversarial(made_of, width=3, hidden=5, epochs=1)
    assert encoder.layers == (*mlp(6, 5, 3), ("tanh",))
    assert encoder.module(1e6 * made_of.X).abs().max() <= 1
    names = {"loss", "prediction loss", "adversary's loss"}
    assert set(encoder.history.names) == names
    with_decoder = adversarial(made_of, reconstruction=1.0, epochs=1)
    assert set(with_decoder.history.names) == names | {"reconstruction loss"}
    assert with_decoder.layers == (*mlp(6, 64, 8), ("tanh",))


def test_each_notion_is_a_game_of_its_own_and_a_setting_overrides_the_tasks():
    made = {notion: encoded(task(notion=notion)) for notion in NOTIONS}
    for notion, Z in made.items():
        assert torch.equal(Z, encoded(task(), notion=notion))
        others = [made[other] for other in NOTIONS if other != notion]
        assert all(not torch.allclose(Z, other, atol=1e-3) for other in others)


def test_a_decoder_keeps_in_z_what_the_label_does_not_need():
    """A linear map restores x from z far better if a decoder was trained too."""

    def left(reconstruction):
        made_of = task(n=2000, strength=0.0)
        options = {"reconstruction": reconstruction, "epochs": 20}
        Z = encoded(made_of, **options).detach()
        Z = torch.cat([Z, torch.ones(len(Z), 1)], 1)
        fitted = torch.linalg.lstsq(Z, made_of.X).solution
        return (
            (made_of.X - Z @ fitted).square().mean() / made_of.X.var(0).mean()
        ).item()

    assert left(3.0) < left(0.0) / 2


def test_a_group_without_rows_does_no_harm():
    with_empty = Task(**vars(task()) | {"num_groups": 4})
    for notion in NOTIONS:
        assert encoded(with_empty, notion=notion).isfinite().all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"notion": "equal odds"}, "notion is 'equal odds'. Did you mean 'equalized"),
        ({"adversary_loss": "absolut"}, "loss is 'absolut'. Did you mean 'absolute'"),
        ({"reconstruction": -1.0}, "reconstruction is -1.0; use 0 or more"),
    ],
)
def test_settings_that_are_none_are_named(options, said):
    with pytest.raises(FairtutorError, match=said):
        adversarial(task(), **options)


def test_equal_opportunity_needs_a_positive_outcome():
    nobody = Task(**vars(task()) | {"y": torch.zeros(600, dtype=torch.long)})
    with pytest.raises(FairtutorError, match="needs rows with y = 1; there are none"):
        adversarial(nobody, notion="equal opportunity")


def test_who_watches_sees_the_encoder_once_an_epoch():
    seen, heard = [], []

    def watch(module):
        assert isinstance(module, nn.Module)
        with torch.no_grad():
            seen.append(module(made_of.X.to(next(module.parameters()).device)).cpu())

    made_of = task(
        on_encoder=watch,
        training={**QUIET, "on_epoch": lambda said: heard.append(said)},
    )
    encoder = adversarial(made_of, epochs=3)
    assert [said["epoch"] for said in heard] == [1, 2, 3]
    assert [Z.shape for Z in seen] == [(600, 8)] * 3
    assert not torch.equal(seen[0], seen[1])
    assert torch.allclose(seen[-1], encoder.module(made_of.X), atol=1e-2)


def test_a_task_that_nobody_watches_trains_as_told():
    training = {**QUIET, "on_epoch": print}
    assert task(training=training).watching(nn.Identity()) == training
    watched = task(training=QUIET, on_encoder=lambda module: None)
    assert watched.watching(nn.Identity())["progress"] is False


# On Adult.


@pytest.fixture(scope="module")
def adult():
    return load("adult").without_audit()


def odds_gaps(module):
    """Return a logistic user's rate gaps, false and true positive, on other rows.

    All rows that neither the encoder nor the user has seen: 21,842. On the test rows
    alone a true positive rate of women is off by 4 points for lack of rows.
    """
    adult = load("adult")
    train, (codes, names) = adult.rows("train"), adult.groups("sex")
    kept = torch.ones(len(adult), dtype=torch.bool)
    kept[torch.cat([adult.splits["encoder"], adult.splits["train"]])] = False
    with torch.no_grad():
        user = LogisticRegression(max_iter=500).fit(module(train.X), train.y)
        decisions = torch.from_numpy(user.predict(module(adult.X[kept]))).bool()
    counts = group_counts(adult.y[kept], decisions, codes[kept], len(names))
    of = (rates(counts, f"{kind} positive rate") for kind in ("false", "true"))
    return [(rate.max() - rate.min()).item() for rate in of]


@pytest.mark.parametrize("notion", NOTIONS[1:])
def test_on_adult_each_notion_lowers_its_own_gap(adult, notion):
    """Mean over three seeds, beside raw x."""
    rows = adult.rows("encoder")
    codes, _ = adult.groups("sex")
    made_of = Task(rows.X, rows.y, codes[rows.index], 2, strength=2.0, training=QUIET)
    made = [
        odds_gaps(
            adversarial(Task(**vars(made_of) | {"seed": seed}), notion=notion).module
        )
        for seed in range(3)
    ]
    raw = odds_gaps(nn.Identity())
    if notion == "equal opportunity":
        assert sum(tpr for _, tpr in made) / 3 < 0.6 * raw[1]
    else:
        assert sum(max(gaps) for gaps in made) / 3 < 0.8 * max(raw)


def on_test(adult, method, seed):
    """Return accuracy and selection rate difference of an MLP user on the test rows."""
    criterion = Criterion("selection_rate_difference", 0.1, "sex")
    criteria = FairnessCriteria((criterion,))
    representation = DataProducer(method, seed=seed).produce(
        criteria, adult, progress=False
    )
    submission = DataUser("mlp", seed=seed).train(representation, adult, progress=False)
    rows = adult.rows("test")
    decisions = submission.scores(representation.encode(rows.X)) >= 0.5
    codes, names = adult.groups("sex")
    counts = group_counts(rows.y, decisions, codes[rows.index], len(names))
    selection = rates(counts, "selection rate")
    accuracy = (decisions == rows.y.bool()).double().mean().item()
    return accuracy, (selection.max() - selection.min()).item()


@pytest.mark.parametrize("seed", [0, 1])
def test_on_adult_the_adversary_halves_the_gap_for_three_points(adult, seed):
    accuracy, gap = on_test(adult, "identity", seed)
    fair_accuracy, fair_gap = on_test(adult, "adversarial", seed)
    assert gap > 0.15, "there is a gap to halve"
    assert accuracy > 0.83
    assert fair_gap <= gap / 2
    assert fair_accuracy >= accuracy - 0.03
