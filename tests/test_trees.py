"""Trees: what scikit-learn decides, decided by our own code from checked numbers."""

from threading import Event

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from torch.nn.functional import binary_cross_entropy_with_logits

from fairtutor import Criterion, DataProducer, DataUser, FairnessCriteria, load
from fairtutor.audit import gradient_flow
from fairtutor.entities import DataRegulator
from fairtutor.entities.models import (
    MODELS,
    TREES_PER_EPOCH,
    Lesson,
    _not_above,
    ensemble_of,
)
from fairtutor.exchange import (
    FairtutorError,
    Refused,
    Representation,
    Submission,
    build,
    mlp,
)
from fairtutor.exchange import trees as trees_module
from fairtutor.exchange.trees import MAX_DEPTH, TreeEnsemble, num_parameters
from fairtutor.exchange.weights import pack, unpack
from fairtutor.theory.lipschitz import lipschitz_bound
from fairtutor.training import Stopped

CRITERIA = FairnessCriteria(
    (
        Criterion("selection_rate_difference", 0.3, "sex"),
        Criterion("lipschitz_violations", 0.5),
        Criterion("consistency", 0.5),
        Criterion("accuracy", 0.6),
    ),
    rounds=2,
)

ONE_EPOCH = {"epochs": 1, "progress": False}


@pytest.fixture(scope="module")
def german():
    return load("german")


@pytest.fixture(scope="module")
def identity(german):
    return DataProducer("identity").produce(CRITERIA, german)


@pytest.fixture(scope="module")
def user():
    return DataUser("trees")


@pytest.fixture(scope="module")
def submission(user, identity, german):
    return user.train(identity, german, progress=False)


# The same as scikit-learn.


def normal(seed):
    return make_classification(800, 12, n_informative=5, random_state=seed)


def few_values(seed):
    X, y = normal(seed)
    return X.round(), y


def huge_and_tiny(seed):
    X, y = normal(seed)
    return X * np.logspace(-30, 30, X.shape[1]), y


def one_column(seed):
    X, y = normal(seed)
    return X[:, :1], y


def no_signal(seed):
    X, y = few_values(seed)
    return X, np.random.default_rng(seed).integers(0, 2, len(y))


def breast_cancer(seed):
    return load_breast_cancer(return_X_y=True)


SHAPES = {
    "shallow": {"max_depth": 1},
    "ours": {"max_depth": 5, "max_leaf_nodes": None},
    "unbalanced": {"max_depth": MAX_DEPTH, "max_leaf_nodes": 14, "min_samples_leaf": 2},
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "made",
    [normal, few_values, huge_and_tiny, one_column, no_signal, breast_cancer],
    ids=lambda made: made.__name__,
)
def test_scores_are_those_of_scikit_learn_ties_included(made, shape):
    for seed in range(1 if made is breast_cancer else 3):
        X, y = made(seed)
        X = X.astype(np.float32)
        model = HistGradientBoostingClassifier(max_iter=40, **SHAPES[shape]).fit(X, y)
        module, layers = ensemble_of(model)
        trees = module[0]
        # Rows at every threshold, and at the float32 numbers on both sides of it.
        chosen = torch.randint(
            trees.threshold.numel(), (500,), generator=torch.Generator().manual_seed(0)
        )
        at = X[np.arange(500) % len(X)].copy()
        feature = trees.feature.flatten()[chosen].long().numpy()
        exact = trees.threshold.flatten()[chosen].numpy()
        rows = [X]
        for value in (exact, *(np.nextafter(exact, s * np.inf) for s in (-1, 1))):
            moved = at.copy()
            moved[np.arange(500), feature] = value.astype(np.float32)
            rows.append(moved)
        rows = np.concatenate(rows)
        with torch.no_grad():
            raw = module(torch.from_numpy(rows))[:, 0]
        expected = model.decision_function(rows)
        assert np.abs(raw.numpy() - expected).max() < 2e-6
        p = model.predict_proba(rows)[:, 1]
        assert np.abs(raw.sigmoid().numpy() - p).max() < 1e-6
        clear = np.abs(expected) > 2e-6
        assert (raw.numpy() > 0)[clear].tolist() == (expected > 0)[clear].tolist()
        assert layers == (("trees", X.shape[1], 40, trees.depth),)
    if shape == "unbalanced" and made is normal:
        assert trees.depth > 5, "14 leaves that would fit in a depth of 4"


def test_a_threshold_taken_to_the_nearest_float32_would_decide_otherwise():
    """A midpoint between neighbours among the float32 numbers is rounded to even."""
    low = np.float32(1 + 2**-23)
    high = np.nextafter(low, np.float32(2))
    middle = (np.float64(low) + np.float64(high)) / 2
    assert np.float32(middle) == high, "x = high would go to the left"
    assert _not_above(np.array([middle])) == low
    X = np.repeat(np.array([[low], [high]], dtype=np.float32), 50, axis=0)
    y = np.repeat([0, 1], 50)
    model = HistGradientBoostingClassifier(max_iter=5).fit(X, y)
    module, _ = ensemble_of(model)
    raw = module(torch.from_numpy(X))[:, 0].numpy()
    assert np.abs(raw - model.decision_function(X)).max() < 1e-6
    assert (raw > 0).tolist() == y.astype(bool).tolist()


def test_the_largest_float32_not_above():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(20_000) * 10.0 ** rng.integers(-50, 39, 20_000)
    values = np.concatenate([values, [0.0, -0.0, 1e300, 1e-46, -1e-46, 3.0]])
    lower = _not_above(values)
    assert lower.dtype == np.float32
    assert (lower.astype(np.float64) <= values).all()
    with np.errstate(over="ignore"):
        above = np.nextafter(lower, np.float32(np.inf)).astype(np.float64)
    assert (above > values).all()


def test_a_walk_by_hand():
    """An explicit loop over rows and trees, node by node."""
    torch.manual_seed(0)
    trees = TreeEnsemble(inputs=4, num_trees=7, depth=3)
    trees.feature.copy_(torch.randint(4, trees.feature.shape))
    trees.threshold.copy_(torch.randn(trees.threshold.shape).round(decimals=1))
    trees.leaf.copy_(torch.randn(trees.leaf.shape))
    trees.base.fill_(0.25)
    X = torch.randn(60, 4).round(decimals=1)
    expected = []
    for x in X:
        total = 0.25
        for tree in range(7):
            node = 0
            while node < 7:
                right = x[int(trees.feature[tree, node])] > trees.threshold[tree, node]
                node = 2 * node + 1 + int(right)
            total += trees.leaf[tree, node - 7].item()
        expected.append(total)
    assert torch.allclose(trees(X)[:, 0], torch.tensor(expected), atol=1e-6)


def test_rows_are_walked_in_blocks(monkeypatch, submission, german):
    whole = submission.scores(german.X)
    monkeypatch.setattr(trees_module, "CELLS", 1000)
    assert torch.equal(submission.scores(german.X), whole)
    assert submission.scores(german.X[:0]).shape == (0,)


def test_models_that_cannot_be_written_are_refused():
    X, y = normal(0)
    make = HistGradientBoostingClassifier
    with pytest.raises(FairtutorError, match="3 classes"):
        ensemble_of(make(max_iter=2).fit(X, np.arange(len(y)) % 3))
    with pytest.raises(FairtutorError, match="categorical"):
        ensemble_of(make(max_iter=2, categorical_features=[0]).fit(X.round() % 4, y))
    deep = make(max_leaf_nodes=400, min_samples_leaf=1, max_iter=20).fit(X, y)
    with pytest.raises(Refused, match="at most 12"):
        ensemble_of(deep)


# The user.


def test_the_user_keeps_the_trees_that_validation_rows_ask_for(
    user, submission, identity, german
):
    history, rows = user.history, german.rows("validation")
    assert history.names == ["loss", "validation loss"]
    assert history.best_epoch == 1 + int(np.argmin(history["validation loss"]))
    assert len(history) == history.best_epoch + 5
    ((_, _, kept, _),) = submission.layers
    assert kept == TREES_PER_EPOCH * history.best_epoch
    with torch.no_grad():
        loss = binary_cross_entropy_with_logits(
            submission.module(rows.X)[:, 0], rows.y.float()
        ).item()
    assert loss == pytest.approx(min(history["validation loss"]), abs=1e-6)
    assert str(user) == submission.model == "trees"


def test_chunks_of_trees_are_those_of_one_training(submission, german):
    ((_, _, kept, _),) = submission.layers
    rows = german.rows("train")
    once = HistGradientBoostingClassifier(
        max_iter=kept, max_depth=5, max_leaf_nodes=None, early_stopping=False
    ).fit(rows.X.numpy(), rows.y.numpy())
    p = once.predict_proba(german.X.numpy())[:, 1]
    assert np.abs(submission.scores(german.X).numpy() - p).max() < 1e-6


def test_the_same_seed_gives_the_same_bytes_and_so_does_another(
    submission, identity, german
):
    for seed in (0, 1):
        again = DataUser("trees", seed=seed).train(identity, german, progress=False)
        assert again.fingerprint == submission.fingerprint


def test_the_user_looks_at_no_other_rows(submission, identity, german):
    changed = german.copy()
    kept = torch.cat([german.splits[name] for name in ("train", "validation")])
    others = torch.ones(len(german.X), dtype=torch.bool)
    others[kept] = False
    changed.X[others] = 100.0
    changed.y[others] = 1 - changed.y[others]
    again = DataUser("trees").train(identity, changed, progress=False)
    assert again.fingerprint == submission.fingerprint


def test_training_is_shown_and_can_be_stopped(identity, german):
    seen, stop = [], Event()

    def watch(losses):
        seen.append(losses)
        if losses["epoch"] == 3:
            stop.set()

    with pytest.raises(Stopped):
        DataUser("trees").train(
            identity, german, progress=False, stop=stop, on_epoch=watch
        )
    assert [losses["epoch"] for losses in seen] == [1, 2, 3]
    assert seen[0]["epochs"] == 40
    assert seen[0]["loss"] > seen[-1]["loss"] > 0
    with pytest.raises(FairtutorError, match="epochs is 0"):
        DataUser("trees").train(identity, german, epochs=0, progress=False)


def test_without_patience_all_trees_are_kept(identity, german):
    made = DataUser("trees").train(
        identity, german, epochs=3, patience=None, progress=False
    )
    assert made.layers[0][2] == 3 * TREES_PER_EPOCH


@pytest.mark.parametrize(
    ("Z", "y", "reason"),
    [
        (torch.full((9, 2), torch.nan), torch.arange(9) % 2.0, "not finite"),
        (torch.randn(9, 2), torch.ones(9), "All 9 train rows have the same outcome"),
    ],
    ids=["NaN", "one outcome"],
)
def test_rows_that_teach_nothing_are_named(Z, y, reason):
    with pytest.raises(FairtutorError, match=reason):
        MODELS["trees"](Lesson((Z, y), (Z, y), training=ONE_EPOCH))


def test_rows_without_a_split_give_the_share_of_positives():
    Z, y = torch.ones(60, 2), (torch.arange(60) < 45).float()
    learned = MODELS["trees"](Lesson((Z, y), (Z, y), training=ONE_EPOCH))
    assert learned.layers == (("trees", 2, TREES_PER_EPOCH, 1),)
    assert torch.allclose(learned.module(Z)[:, 0].sigmoid(), torch.tensor(0.75))


@pytest.mark.parametrize("model", MODELS)
def test_three_models_share_one_interface(model, german):
    representation = DataProducer("erasure").produce(CRITERIA, german)
    made = DataUser(model).train(representation, german, epochs=20, progress=False)
    p = Submission(made.packed, made.width).scores(representation.encode(german.X))
    assert made.model == model
    assert ((p > 0) & (p < 1)).all()
    test = german.splits["test"]
    right = ((p >= 0.5) == german.y.bool())[test].double().mean()
    assert right > 0.65


# What an audit makes of a step function.


def test_the_regulator_audits_trees_from_their_bytes(identity, submission, german):
    regulator = DataRegulator(CRITERIA, german)
    report = regulator.audit(identity, submission, progress=False)
    by_metric = {f.criterion.metric: f for f in report.findings}
    assert 0 <= by_metric["lipschitz_violations"].estimate <= 1
    assert 0 < by_metric["consistency"].estimate <= 1
    audit = german.rows("audit 1")
    right = (submission.scores(audit.X) >= 0.5) == audit.y.bool()
    assert report.accuracy[0] == pytest.approx(right.double().mean().item())


@pytest.mark.parametrize("step", [0.0, 20.0], ids=["flat", "step"])
def test_pairs_of_people_see_a_step_and_a_flag_its_few_scores(step, german, identity):
    """One comparison of one column: alike people end on both sides of it."""
    width = german.X.shape[1]
    layers = (("trees", width, 1, 1),)
    module = build(layers, width)
    column = int(german.X.std(0).argmax())
    module[0].feature.fill_(column)
    module[0].threshold.fill_(german.X[:, column].median())
    module[0].leaf.copy_(torch.tensor([[-step, step]]))
    stump = Submission.from_module(module, layers, identity, model="stump")
    report = DataRegulator(CRITERIA, german).audit(identity, stump, progress=False)
    by_metric = {f.criterion.metric: f.estimate for f in report.findings}
    assert (by_metric["lipschitz_violations"] > 0.05) == (step > 0)
    assert (by_metric["consistency"] < 0.95) == (step > 0)
    values = "2 different values" if step else "1 value"
    assert any(f"take only {values} on" in flag for flag in report.flags)


def test_a_gradient_flow_refuses_trees_and_follows_networks(
    submission, identity, german
):
    rows, U = german.rows("test"), torch.zeros(german.X.shape[1], 0)
    X, y = rows.X[:20], rows.y[:20]
    with pytest.raises(FairtutorError, match=r"no gradient in x: .* step function"):
        gradient_flow(lambda X: submission.scores(identity.encode(X)), X, y, U)
    network = DataUser("logistic").train(identity, german, epochs=2, progress=False)
    moved = gradient_flow(lambda X: network.scores(identity.encode(X)), X, y, U)
    assert (moved != X).any()


def test_no_lipschitz_constant_is_made_up_for_trees():
    with pytest.raises(FairtutorError, match="TreeEnsemble"):
        lipschitz_bound(build((("trees", 3, 2, 2),), 3))


# What is refused.


def test_trees_are_no_representation():
    layers = (("trees", 3, 2, 2),)
    with pytest.raises(Refused, match="step function has no Lipschitz constant"):
        Representation.from_module(build(layers, 3), layers, 3, CRITERIA, method="no")


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([("trees", 3, 2)], "wrong number of sizes"),
        ([("trees", 3, 2, 0)], "size 0"),
        ([("trees", 3, 2, True)], "size True"),
        ([("trees", 3, 2.0, 2)], r"size 2\.0"),
        ([("trees", 3, 2, MAX_DEPTH + 1)], "depth 13; at most 12"),
        ([("trees", 3, 16_384, 12)], "201,293,825 parameters"),
        ([("trees", 4, 2, 2)], "expects 4 features, but 3 arrive"),
        ([("trees", 3, 2, 2), ("relu",)], "whole model; 2 layers"),
        ([*mlp(3, 3), ("trees", 3, 2, 2)], "Layer 1 is an ensemble of trees"),
        ([("tree", 3, 2, 2)], "Did you mean 'trees'"),
    ],
)
def test_a_wrong_declaration_is_refused(layers, reason):
    with pytest.raises(Refused, match=reason):
        build(layers, 3)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("feature", 3.0, r"Node 2 of tree 1 compares feature 3; .* from 0 to 2"),
        ("feature", -1.0, "compares feature -1"),
        ("feature", 1.5, r"compares feature 1\.5"),
        ("feature", 2.0**40, r"compares feature 1\.09951e\+12"),
        ("feature", torch.nan, "'0.feature' holds NaN"),
        ("threshold", torch.nan, "'0.threshold' holds NaN"),
        ("threshold", -torch.inf, "'0.threshold' holds NaN or infinite"),
        ("leaf", torch.inf, "'0.leaf' holds NaN or infinite"),
        ("base", torch.nan, "'0.base' holds NaN"),
    ],
)
def test_a_wrong_number_is_refused(name, value, reason):
    layers = (("trees", 3, 2, 2),)
    module = build(layers, 3)
    getattr(module[0], name).view(-1)[-1] = value
    with pytest.raises(Refused, match=reason):
        unpack(pack(module, layers), 3)


def test_every_number_that_passes_the_check_gives_finite_scores():
    """The largest leaves add up in float64: no sum becomes NaN on the way."""
    layers = (("trees", 2, 1000, 1),)
    module = build(layers, 2)
    largest = torch.finfo(torch.float32).max
    module[0].leaf[::2], module[0].leaf[1::2] = largest, -largest
    module[0].base.fill_(largest)
    packed = unpack(pack(module, layers), 2)
    assert packed.module(torch.zeros(3, 2)).tolist() == [[largest]] * 3


def test_the_number_of_parameters_is_what_is_stored():
    module = build((("trees", 5, 7, 4),), 5)
    stored = sum(tensor.numel() for tensor in module.state_dict().values())
    assert stored == num_parameters(7, 4)
    assert "num_trees=7, depth=4" in repr(module)
