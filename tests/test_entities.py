"""The three entities: who may see what, what is refused, and what a round leaves."""

import json
import math
from threading import Event

import pandas as pd
import pytest
import torch

from fairtutor import (
    ClosedLoop,
    Criterion,
    DataProducer,
    DataRegulator,
    Dataset,
    DataUser,
    FairnessCriteria,
    FairtutorError,
    Refused,
    Representation,
    Submission,
    load,
)
from fairtutor.audit import group_counts, leakage, rates
from fairtutor.entities import models
from fairtutor.entities.producer import attributes_of
from fairtutor.exchange import METRICS, build, mlp
from fairtutor.producers import DEFAULT_STRENGTHS
from fairtutor.theory.lipschitz import lipschitz_bound
from fairtutor.training import Stopped

GAP = Criterion("selection_rate_difference", 0.1, "sex")
CRITERIA = FairnessCriteria((GAP, Criterion("consistency", 0.7)), rounds=2)
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def german():
    return load("german")


def numbered(dataset):
    """Return a copy in which the first feature is the row's own number."""
    copy = dataset.copy()
    copy.X[:, 0] = torch.arange(len(copy))
    return copy


@pytest.fixture
def on_cpu(monkeypatch):
    """There, the same work gives the same bits."""
    monkeypatch.setenv("FAIRTUTOR_DEVICE", "cpu")


def identity_of(dataset, criteria=CRITERIA):
    return DataProducer("identity").produce(criteria, dataset)


def trained(representation, dataset, model="logistic", **options):
    return DataUser(model).train(
        representation, dataset, **{"progress": False, "epochs": 3} | options
    )


def pair(dataset, criteria=CRITERIA):
    representation = identity_of(dataset, criteria)
    return representation, trained(representation, dataset)


# Who sees what.


def test_producers_and_users_get_no_audit_row(german):
    data = numbered(german)
    view = ClosedLoop(data, CRITERIA).view
    hidden = {
        row
        for split, index in data.splits.items()
        if split.startswith("audit")
        for row in index.tolist()
    }
    seen = set(view.X[:, 0].long().tolist())
    assert len(hidden) == 200
    assert not seen & hidden
    assert seen | hidden == set(range(1000))
    assert len(view.X) == len(view.y) == len(view.A) == len(view.table) == 800
    assert not any(split.startswith("audit") for split in view.splits)
    with pytest.raises(FairtutorError, match="no audit rows: only the regulator"):
        view.rows("audit 1")
    for split, index in view.splits.items():
        numbers = view.X[index, 0].long()
        assert torch.equal(numbers.sort().values, data.splits[split].sort().values)
        assert torch.equal(view.y[index], data.y[numbers])
        assert torch.equal(view.A[index], data.A[numbers])
    open_rows = data.table.drop(index=sorted(hidden)).reset_index(drop=True)
    pd.testing.assert_frame_equal(view.table.reset_index(drop=True), open_rows)


def scrambled(dataset, but):
    """Return a copy with noise for rows outside the named splits."""
    copy = dataset.copy()
    keep = torch.cat([dataset.splits[split] for split in but])
    other = torch.ones(len(dataset), dtype=torch.bool)
    other[keep] = False
    torch.manual_seed(0)
    copy.X[other] = torch.randn(int(other.sum()), copy.X.shape[1])
    copy.y[other] = torch.randint(0, 2, (int(other.sum()),))
    copy.A[other] = torch.randint(0, 2, (int(other.sum()), copy.A.shape[1]))
    return copy


@pytest.mark.usefixtures("on_cpu")
@pytest.mark.parametrize("method", ["erasure", "adversarial"])
def test_a_producer_learns_from_the_encoder_rows_only(method, german):
    settings = {"epochs": 1} if method == "adversarial" else {}

    def made(dataset):
        producer = DataProducer(method, **settings)
        return producer.produce(CRITERIA, dataset, progress=False).fingerprint

    assert made(german) == made(scrambled(german, ["encoder"]))
    assert made(german) != made(scrambled(german, ["train"]))


@pytest.mark.usefixtures("on_cpu")
def test_a_user_learns_from_train_and_validation_rows_only(german):
    representation = identity_of(german)
    kept = scrambled(german, ["train", "validation"])
    assert (
        trained(representation, german).packed == trained(representation, kept).packed
    )
    for lost in ("train", "validation"):
        other = scrambled(german, [lost])
        submission = trained(representation, other, epochs=40)
        assert submission.packed != trained(representation, german, epochs=40).packed


@pytest.mark.usefixtures("on_cpu")
def test_a_user_learns_from_z_only(german, monkeypatch):
    """What the encoder does not pass on changes nothing, not one bit."""
    torch.manual_seed(0)
    layers = mlp(german.X.shape[1], 4)
    module = build(layers, german.X.shape[1])
    module[0].weight.data[:, 10:] = 0  # z is made of the first ten features
    representation = Representation.from_module(
        module, layers, german.X.shape[1], CRITERIA, method="ten features"
    )
    given = []
    fit = models.fit
    monkeypatch.setattr(
        models,
        "fit",
        lambda objective, rows, **options: (
            given.append((rows, options["validation"]))
            or fit(objective, rows, **options)
        ),
    )
    one = trained(representation, german, "mlp")
    changed = german.copy()
    changed.X[:, 10:] = 100 * torch.randn_like(changed.X[:, 10:])
    other = trained(representation, changed, "mlp")
    assert one.packed == other.packed
    ((Z, y), (Z_held_out, y_held_out)) = given[0]
    train, validation = german.rows("train"), german.rows("validation")
    assert torch.equal(Z, representation.encode(train.X))
    assert torch.equal(Z_held_out, representation.encode(validation.X))
    assert torch.equal(y.long(), train.y)
    assert torch.equal(y_held_out.long(), validation.y)


def test_each_round_is_audited_on_rows_of_its_own(german, monkeypatch):
    data, looked_at = numbered(german), []
    representation, submission = pair(data)
    regulator = DataRegulator(CRITERIA, data)
    encode = Representation.encode

    def watched(self, X):
        looked_at.append(set(X[:, 0].long().tolist()))
        return encode(self, X)

    monkeypatch.setattr(Representation, "encode", watched)
    for number in (1, 2):
        assert regulator.audit(representation, submission).number == number
    reference = set(data.splits["test"].tolist())
    assert [rows for rows in looked_at if rows != reference] == [
        set(data.splits[f"audit {number}"].tolist()) for number in (1, 2)
    ]
    assert not looked_at[1] & looked_at[3]


def test_the_report_is_what_counting_gives(german):
    representation, submission = pair(german)
    report = DataRegulator(CRITERIA, german).audit(representation, submission)
    rows = german.rows("audit 1")
    decisions = submission.scores(representation.encode(rows.X)) >= 0.5
    codes, names = german.groups("sex")
    counts = group_counts(rows.y, decisions, codes[rows.index], len(names))
    selection = rates(counts, "selection rate")
    gap, consistency = report.findings
    assert gap.estimate == pytest.approx((selection.max() - selection.min()).item())
    assert [g.group for g in gap.groups] == list(names)
    right = (decisions == rows.y.bool()).double().mean().item()
    assert report.accuracy[0] == pytest.approx(right)
    y = rows.y.double().mean().item()
    assert report.constant_accuracy == pytest.approx(max(y, 1 - y), abs=1e-6)
    assert (report.rows, report.criteria) == (100, CRITERIA)
    assert report.representation == representation.fingerprint
    assert report.submission == submission.fingerprint
    assert 0 < consistency.estimate < 1


def test_who_is_similar_does_not_depend_on_the_sensitive_columns(german):
    """Nor on the representation: neighbours are sought among the regulator's own X."""
    representation, submission = pair(german)
    module, layers = submission.module, mlp(german.X.shape[1], 1)
    module[0].weight.data[:, german.columns_mask(["sex", "age_group"])] = 0
    submission = Submission.from_module(module, layers, representation, model="blind")
    other = german.copy()
    mask = other.columns_mask(["sex", "age_group"])
    other.X[:, mask] = 10 * torch.randn(len(other), int(mask.sum()))
    estimates = [
        DataRegulator(CRITERIA, d)
        .audit(representation, submission)
        .finding("consistency")
        .estimate
        for d in (german, other)
    ]
    assert estimates[0] == estimates[1] < 1


# What is refused.


def refused(regulator, representation, submission):
    """Return the reason; a refusal uses up no batch and leaves no report."""
    left = regulator.rounds_left
    with pytest.raises(Refused) as error:
        regulator.audit(representation, submission)
    assert regulator.rounds_left == left
    assert not regulator.reports
    return str(error.value)


def test_batches_are_used_once_and_then_no_more(german):
    regulator = DataRegulator(CRITERIA, german)
    handed_in = pair(german)
    for left in (1, 0):
        regulator.audit(*handed_in)
        assert regulator.rounds_left == left
    with pytest.raises(Refused, match="All 2 audit batches are used up"):
        regulator.audit(*handed_in)
    assert len(regulator.reports) == 2


def test_a_model_of_another_encoder_is_refused(german):
    regulator = DataRegulator(CRITERIA, german)
    _, submission = pair(german)
    swapped = DataProducer("erasure").produce(CRITERIA, german)
    assert swapped.output_width == submission.width, "only the fingerprint tells"
    said = refused(regulator, swapped, submission)
    assert "The model was trained on another representation" in said


def test_a_representation_for_other_criteria_is_refused(german):
    easier = FairnessCriteria((Criterion("consistency", 0.1),), rounds=2)
    said = refused(DataRegulator(CRITERIA, german), *pair(german, easier))
    assert "The representation was made for other criteria" in said


def test_a_representation_of_other_data_is_refused(german):
    said = refused(DataRegulator(CRITERIA, german), *pair(load("compas")))
    assert "'german' has 61" in said


def claiming(dataset, claims):
    torch.manual_seed(0)
    layers = mlp(dataset.X.shape[1], 8)
    module = build(layers, dataset.X.shape[1])
    representation = Representation.from_module(
        module, layers, dataset.X.shape[1], CRITERIA, method="x", claims=claims(module)
    )
    return representation, trained(representation, dataset)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        (lambda f: {"lipschitz": 0.99 * lipschitz_bound(f)}, "recomputed, it is"),
        (lambda f: {"lipschitz": 0.0}, "The claimed lipschitz constant is 0"),
        (lambda f: {"fairness": 1.0}, "No way is known to check a claimed 'fairness'"),
    ],
)
def test_a_claim_that_is_not_so_is_refused(claims, said, german):
    handed_in = claiming(german, claims)
    assert said in refused(DataRegulator(CRITERIA, german), *handed_in)


@pytest.mark.parametrize("value", [math.nan, -1.0, math.inf])
def test_a_claim_that_is_no_constant_does_not_even_travel(value, german):
    with pytest.raises(Refused, match="a constant is a finite number from 0"):
        claiming(german, lambda f: {"lipschitz": value})


@pytest.mark.parametrize("factor", [1.0, 7.0])
def test_a_claim_that_is_so_is_recomputed_and_reported(factor, german):
    handed_in = claiming(german, lambda f: {"lipschitz": factor * lipschitz_bound(f)})
    report = DataRegulator(CRITERIA, german).audit(*handed_in)
    expected = lipschitz_bound(handed_in[0].module)
    assert report.recomputed == {"lipschitz": pytest.approx(expected)}


def test_a_model_of_another_width_is_refused(german):
    """Its header names the right representation; its first layer does not fit it."""
    representation, _ = pair(german)
    layers = mlp(5, 1)
    narrow = Representation.from_module(build((), 5), (), 5, CRITERIA, method="narrow")
    built = Submission.from_module(build(layers, 5), layers, narrow, model="forged")
    print_of = representation.fingerprint.encode()
    packed = built.packed.replace(narrow.fingerprint.encode(), print_of)
    said = refused(
        DataRegulator(CRITERIA, german), representation, Submission(packed, 5)
    )
    assert said == "The model takes 5 features; the representation gives 61."


def test_what_is_audited_are_the_bytes_not_the_object(german):
    representation, submission = pair(german)
    honest = DataRegulator(CRITERIA, german).audit(representation, submission)

    class Liar(Representation):
        def encode(self, X):
            return torch.zeros_like(X)

    lying = Liar(representation.packed, representation.width)
    assert lying.fingerprint == representation.fingerprint
    tampered = Submission(submission.packed, submission.width)
    tampered.module[0].weight.data.zero_()
    assert tampered.fingerprint == submission.fingerprint
    for handed_in in ((lying, submission), (representation, tampered)):
        report = DataRegulator(CRITERIA, german).audit(*handed_in)
        assert report.to_json() == honest.to_json()


def overflowing(dataset, column):
    """Return a model that gives NaN where the column is far above 1, else −0."""
    layers = mlp(dataset.X.shape[1], 2, 1)
    module = build(layers, dataset.X.shape[1])
    for parameter in module.parameters():
        parameter.data.zero_()
    module[0].weight.data[:, column] = 3e38
    module[2].weight.data[:] = torch.tensor([[1.0, -1.0]])  # ∞ − ∞
    representation = identity_of(dataset)
    return representation, Submission.from_module(
        module, layers, representation, model="overflow"
    )


def test_scores_that_are_no_numbers_are_refused(german):
    data = german.copy()
    data.X[:, 0] = 9.0
    said = refused(DataRegulator(CRITERIA, data), *overflowing(data, 0))
    assert said == "The model gives scores that are not finite numbers."


def test_a_refusal_that_tells_of_audit_rows_uses_them_up(german):
    data = german.copy()
    data.X[:, 0] = 0.0
    data.X[data.splits["audit 1"][:1], 0] = 9.0
    regulator = DataRegulator(CRITERIA, data)
    handed_in = overflowing(data, 0)
    with pytest.raises(Refused, match="not finite"):
        regulator.audit(*handed_in)
    assert (regulator.rounds_left, regulator.reports) == (1, [])
    report = regulator.audit(*handed_in)
    assert (report.number, regulator.rounds_left) == (2, 0)


def test_more_than_two_outcomes_are_refused():
    digits = load("digits")
    criteria = FairnessCriteria((Criterion("accuracy", 0.5),), rounds=1)
    with pytest.raises(FairtutorError, match="'digits' has 10 outcomes"):
        DataRegulator(criteria, digits)
    width = digits.X.shape[1]
    representation = Representation.from_module(
        build((), width), (), width, criteria, method="identity"
    )
    with pytest.raises(FairtutorError, match="10 outcomes; this user learns"):
        DataUser().train(representation, digits)


def test_more_rounds_than_batches_are_refused(german):
    criteria = FairnessCriteria((GAP,), rounds=3)
    with pytest.raises(FairtutorError, match=r"plan 3 rounds.*Set rounds=2"):
        ClosedLoop(german, criteria)


def test_an_attribute_that_is_not_there_is_named(german):
    criteria = FairnessCriteria((Criterion("calibration_gap", 0.1, "sexx"),), rounds=1)
    for act in (
        lambda: ClosedLoop(german, criteria),
        lambda: DataProducer("identity").produce(criteria, german),
    ):
        with pytest.raises(FairtutorError, match=r"'sexx'\. Did you mean 'sex'"):
            act()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: DataProducer("earsure"),
            "no method 'earsure'. Did you mean 'erasure'",
        ),
        (lambda: DataProducer(widht=3), "no setting 'widht'. Did you mean 'width'"),
        (lambda: DataProducer("erasure", width=3), "no setting 'width'. It has none."),
        (lambda: DataProducer(strength=-1), "The strength is -1; use a number from 0"),
        (lambda: DataProducer(strength=math.nan), "The strength is nan"),
        (lambda: DataProducer(strength=math.inf), "The strength is inf"),
        (lambda: DataProducer(strength="2"), "The strength is '2'"),
        (lambda: DataUser("logistik"), "no model 'logistik'. Did you mean 'logistic'"),
    ],
)
def test_an_unknown_name_is_met_with_the_nearest(make, said):
    with pytest.raises(FairtutorError) as error:
        make()
    assert said in str(error.value)


# What the criteria may name.


def flips_of(*names, tolerance=0.9, **options):
    criterion = Criterion("attribute_flip_consistency", tolerance, names)
    return FairnessCriteria((criterion,), rounds=2, **options)


def leaning(dataset, criteria, weights, bias=0.0):
    """Return a model of the identity with these weights of features by name."""
    width = dataset.X.shape[1]
    layers = mlp(width, 1)
    module = build(layers, width)
    module[0].weight.data.zero_()
    module[0].bias.data.fill_(bias)
    for name, weight in weights.items():
        module[0].weight.data[0, dataset.feature_names.index(name)] = weight
    representation = identity_of(dataset, criteria)
    return representation, Submission.from_module(
        module, layers, representation, model="leaning"
    )


@pytest.mark.parametrize(
    ("weights", "share"), [({"sex=Female": 4.0}, 0.0), ({"age": 1.0}, 1.0)]
)
def test_a_flip_changes_what_reads_the_column_and_nothing_else(weights, share):
    compas = load("compas")
    criteria = flips_of("sex")
    handed_in = leaning(compas, criteria, weights, bias=-2.0)
    finding = DataRegulator(criteria, compas).audit(*handed_in).findings[0]
    assert finding.estimate == share
    assert finding.verdict == ("meets" if share else "violates")
    assert finding.note.startswith("2 settings")


def test_flips_are_counted_over_all_combinations():
    compas, criteria = load("compas"), flips_of("sex × race", threshold=0.4)
    view = compas.without_audit()
    representation = identity_of(view, criteria)
    submission = trained(representation, view)
    report = DataRegulator(criteria, compas).audit(representation, submission)
    rows = compas.rows("audit 1")
    sexes, races = ([c for c in compas.feature_names if c[:4] == k] for k in KEYS)
    same = torch.ones(len(rows), dtype=torch.bool)
    own = submission.scores(rows.X) >= 0.4
    for sex in sexes:
        for race in races:
            X = rows.X.clone()
            for name in (*sexes, *races):
                at = compas.feature_names.index(name)
                X[:, at] = float(name in (sex, race))
            same &= (submission.scores(X) >= 0.4) == own
    (finding,) = report.findings
    assert finding.note.startswith(f"{len(sexes) * len(races)} settings")
    assert finding.estimate == pytest.approx(same.double().mean().item(), abs=1e-12)
    assert 0 < finding.estimate < 1


KEYS = ("sex=", "race")


def test_flips_may_name_a_column_that_nobody_calls_sensitive():
    """Producers have no groups of it, and work on the attributes there are."""
    adult = load("adult")
    criteria = flips_of("relationship", "sex")
    assert attributes_of(criteria, adult) == ("sex",)
    assert attributes_of(flips_of("relationship"), adult) == ("sex", "race")
    DataProducer("erasure").produce(criteria, adult.without_audit())
    handed_in = leaning(adult, criteria, {"relationship=Wife": 4.0}, bias=-2.0)
    finding = DataRegulator(criteria, adult).audit(*handed_in).findings[0]
    assert (finding.estimate, finding.verdict) == (0, "violates")
    assert finding.note.startswith("12 settings")


def test_an_intersection_may_be_written_as_one_name(german):
    criteria = FairnessCriteria(
        (
            Criterion("selection_rate_difference", 0.1, "sex × age_group"),
            Criterion("selection_rate_difference", 0.2, ("sex", "age_group")),
        ),
        rounds=2,
    )
    assert attributes_of(criteria, german) == ("sex", "age_group")
    report = DataRegulator(criteria, german).audit(*pair(german, criteria))
    one, other = report.findings
    assert [g.group for g in one.groups] == [g.group for g in other.groups]
    assert (one.estimate, one.lower, one.upper) == (
        other.estimate,
        other.lower,
        other.upper,
    )


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        (flips_of("sxe"), "comes from a column 'sxe'. Did you mean 'sex'"),
        (flips_of("age", "credit_amount"), "combinations of values; at most 1,000"),
        (
            FairnessCriteria((Criterion("leakage", 0.6, "job"),), rounds=2),
            "no sensitive attribute 'job'",
        ),
        (
            FairnessCriteria(
                (Criterion("consistency", 0.6),), rounds=2, neighbours=101
            ),
            "ask for 101 neighbours, but 'german' has 100 reference rows",
        ),
        (
            FairnessCriteria(
                (Criterion("same_cell_same_treatment", 0.6),), rounds=2, cells=101
            ),
            "Set cells=100 or fewer.",
        ),
    ],
)
def test_criteria_that_could_only_fail_later_are_refused_at_once(
    criteria, said, german
):
    with pytest.raises(FairtutorError) as error:
        DataRegulator(criteria, german)
    assert said in str(error.value)


def test_arguments_in_the_wrong_order_are_told_apart():
    german = load("german")
    with pytest.raises(FairtutorError, match="Expected FairnessCriteria, got Dataset"):
        DataRegulator(german, CRITERIA)
    with pytest.raises(FairtutorError, match=r"Expected Dataset, got str.*load\("):
        DataRegulator(CRITERIA, "german")


@pytest.mark.parametrize("progress", [False, True])
def test_no_bar_is_shown_unless_asked_for(progress, monkeypatch):
    shown = []

    def bar(steps, name, disable=False, **options):
        shown.append((name, not disable))
        return steps

    monkeypatch.setattr("fairtutor.similarity.search.tqdm", bar)
    monkeypatch.setattr("fairtutor.audit.probes.tqdm", bar)
    compas = load("compas")
    alike = Criterion("consistency", 0.9)
    criteria = FairnessCriteria((alike, *LEAK.criteria), rounds=2)
    made, submission = pair(compas, criteria)
    DataRegulator(criteria, compas).audit(made, submission, progress=progress)
    assert {name for name, _ in shown} == {"neighbours", "probes"}
    assert any(seen for _, seen in shown) == progress


# A representation alone, and what is noticed beside the criteria.

LEAK = FairnessCriteria((Criterion("leakage", 0.6, "sex"), GAP), rounds=2)


def test_a_representation_is_audited_before_there_is_a_user():
    compas = load("compas")
    regulator = DataRegulator(LEAK, compas)
    made = identity_of(compas, LEAK)
    report = regulator.audit_representation(made, progress=False)
    assert (regulator.rounds_left, regulator.reports) == (1, [report])
    leaks, gap = report.findings
    assert (leaks.verdict, leaks.estimate) == ("violates", 1)
    assert gap.note == "needs a model, and none was handed in"
    assert gap.verdict == "undecided"
    assert report.verdict == "violates"
    assert (report.representation, report.submission) == (made.fingerprint, "")
    assert math.isnan(report.accuracy[0])
    assert strict(report.to_json())["accuracy"] == [None, 0, 1]
    assert "No model" in str(report)


@pytest.mark.usefixtures("on_cpu")
def test_probes_learn_from_the_reference_and_are_scored_on_the_batch():
    compas = load("compas").copy()
    z = compas.feature_names.index("age")
    other = torch.ones(len(compas), dtype=torch.bool)
    for split in ("test", "audit 1"):
        other[compas.splits[split]] = False
    changed = compas.copy()
    changed.X[other] = 0
    changed.X[:, z] = changed.A[:, 1].float()  # tells the sex on every row
    made = identity_of(compas, LEAK)
    found = DataRegulator(LEAK, changed).audit_representation(made, progress=False)
    told = leakage(
        changed.rows("test").X,
        changed.rows("test").A[:, 1],
        changed.rows("audit 1").X,
        changed.rows("audit 1").A[:, 1],
        2,
        alpha=LEAK.error_budget,
        min_group_size=LEAK.min_group_size,
    )
    finding = found.findings[0]
    assert finding.estimate == told.estimate == 1
    assert (finding.lower, finding.upper) == (told.lower, told.upper)


def test_a_representation_alone_is_checked_as_strictly(german):
    regulator = DataRegulator(CRITERIA, german)
    easier = FairnessCriteria((Criterion("consistency", 0.1),), rounds=2)
    for bad in (identity_of(german, easier), identity_of(load("compas"))):
        with pytest.raises(Refused):
            regulator.audit_representation(bad)
    assert regulator.rounds_left == 2
    for _ in range(2):
        regulator.audit_representation(identity_of(german))
    with pytest.raises(Refused, match="All 2 audit batches are used up"):
        regulator.audit_representation(identity_of(german))
    with pytest.raises(Refused, match="All 2 audit batches are used up"):
        regulator.audit(*pair(german))


def test_a_constant_predictor_is_noticed(german):
    report = DataRegulator(CRITERIA, german).audit(*leaning(german, CRITERIA, {}, 1.0))
    assert report.flags[:2] == (
        "All 200 rows get the positive decision.",
        "The scores take only 1 value on 200 rows.",
    )
    assert report.flags[0] in str(report)


def test_an_honest_model_on_rows_enough_is_not(german):
    compas = load("compas")
    representation = identity_of(compas)
    report = DataRegulator(CRITERIA, compas).audit(
        representation, trained(representation, compas)
    )
    assert report.flags == ()


def every_metric(attribute):
    return FairnessCriteria(
        tuple(
            Criterion(
                name,
                0.8 if metric.at_least else 0.1,
                attribute if metric.names_attribute else None,
                score,
            )
            for name, metric in METRICS.items()
            for score in metric.scores
        )
    )


def by_euclid(rows):
    """Judge triples of rows, in their order, by ‖·‖₂ on X."""
    a, b, c = torch.arange(len(rows.X) // 3 * 3).view(3, -1)
    nearer = (rows.X[a] - rows.X[b]).norm(dim=1) < (rows.X[a] - rows.X[c]).norm(dim=1)
    return torch.stack([a, torch.where(nearer, b, c), torch.where(nearer, c, b)], 1)


def test_every_metric_is_answered_on_adult():
    """A logistic user of all columns: its gaps by sex are known from the literature."""
    adult = load("adult").with_judgements(by_euclid)
    criteria = every_metric("sex")
    view = adult.without_audit()
    representation = identity_of(view, criteria)
    submission = DataUser("logistic").train(representation, view, progress=False)
    report = DataRegulator(criteria, adult).audit(
        representation, submission, progress=False
    )
    assert [finding.criterion for finding in report.findings] == list(criteria.criteria)
    for finding in report.findings:
        assert 0 <= finding.lower <= finding.estimate <= finding.upper <= 1
        assert finding.upper - finding.lower < 0.5, str(finding.criterion)
    said = {
        metric: {f.verdict for f in report.findings if f.criterion.metric == metric}
        for metric in METRICS
    }
    for metric in (
        "selection_rate_difference",
        "selection_rate_ratio",
        "mean_score_difference",
        "leakage",
    ):
        assert said[metric] == {"violates"}, metric
    for metric in ("accuracy", "consistency", "same_cell_same_treatment"):
        assert said[metric] == {"meets"}, metric
    agreement = report.finding("judgement_agreement")
    assert agreement.estimate > 0.999 and said["judgement_agreement"] == {"meets"}
    assert said["lipschitz_violations"] == {"meets"}
    assert said["attribute_flip_consistency"] == {"meets"}
    assert said["accuracy_difference"] <= {"violates", "undecided"}
    assert report.finding("leakage").estimate == 1
    assert report.flags == ()


# Producers and users.


def test_producers_work_on_every_attribute_the_criteria_name(german):
    both = Criterion("selection_rate_ratio", 0.8, ("age_group", "sex"))
    assert attributes_of(FairnessCriteria((GAP, both)), german) == ("sex", "age_group")
    none = FairnessCriteria((Criterion("accuracy", 0.5),))
    assert attributes_of(none, german) == ("sex", "age_group")
    made = DataProducer("erasure").produce(FairnessCriteria((GAP, both)), german)
    rows = german.rows("encoder")
    Z = made.encode(rows.X)
    for j in (0, 1):
        groups = rows.A[:, j]
        gap = Z[groups == 1].mean(0) - Z[groups == 0].mean(0)
        assert gap.abs().max() < 1e-4


def test_a_representation_says_what_it_is(german):
    made = DataProducer("erasure", strength=0.5).produce(CRITERIA, german)
    assert made.method == "erasure (strength 0.5)"
    assert made.criteria_fingerprint == CRITERIA.fingerprint
    assert made.claims == {"lipschitz": pytest.approx(lipschitz_bound(made.module))}
    assert str(DataProducer("identity")) == "identity"
    assert str(DataProducer(strength=2)) == "adversarial (strength 2)"
    assert DataProducer().strength == DEFAULT_STRENGTHS["adversarial"]
    assert (str(DataUser()), str(DataUser("logistic"))) == ("mlp", "logistic")


@pytest.mark.usefixtures("on_cpu")
def test_the_same_seeds_give_the_same_bytes(german):
    def both(seed):
        producer = DataProducer(seed=seed, epochs=1)
        representation = producer.produce(CRITERIA, german, progress=False)
        user = DataUser(seed=seed)
        submission = user.train(representation, german, epochs=1, progress=False)
        assert len(producer.history) == len(user.history) == 1
        return representation.fingerprint, submission.fingerprint

    assert both(0) == both(0)
    assert both(0)[0] != both(1)[0]


def test_a_user_learns_something(german):
    compas = load("compas").without_audit()
    representation = identity_of(compas)
    submission = trained(representation, compas, epochs=20)
    rows = compas.rows("test")
    decisions = submission.scores(representation.encode(rows.X)) >= 0.5
    share = rows.y.double().mean()
    right = (decisions == rows.y.bool()).double().mean()
    assert right > max(share, 1 - share) + 0.05


# The loop.


@pytest.fixture(scope="module")
def loop(german):
    loop = ClosedLoop(german, CRITERIA)
    for method in ("identity", "erasure"):
        loop.round(DataProducer(method), DataUser("logistic"), progress=False)
    return loop


def strict(text):
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"JSON has {name}"))


def test_the_loop_keeps_its_rounds(loop):
    assert [r.number for r in loop.rounds] == [1, 2]
    assert [r.producer for r in loop.rounds] == ["identity", "erasure (strength 1)"]
    for r in loop.rounds:
        assert r.criteria is CRITERIA
        assert r.report.representation == r.representation.fingerprint
        assert r.report.submission == r.submission.fingerprint
        assert r.submission.representation_fingerprint == r.representation.fingerprint
    assert loop.regulator.rounds_left == 0


def test_the_loop_is_written_as_json(loop):
    rounds = strict(loop.to_json())
    assert [r["round"] for r in rounds] == [1, 2]
    for kept, r in zip(loop.rounds, rounds, strict=True):
        assert r["producer"] == kept.producer
        assert r["report"] == strict(kept.report.to_json())
        assert r["report"]["criteria"] == strict(CRITERIA.to_json())


def test_a_round_without_a_batch_is_refused_and_not_kept(loop):
    with pytest.raises(Refused, match="used up"):
        loop.round(DataProducer("identity"), DataUser("logistic"), progress=False)
    assert len(loop.rounds) == 2


@pytest.mark.parametrize("method", ["identity", "adversarial"])
def test_a_stopped_round_leaves_nothing(method, german):
    loop, stop, heard = ClosedLoop(german, CRITERIA), Event(), []

    def on_epoch(said):
        heard.append(said)
        stop.set()

    with pytest.raises(Stopped):
        loop.round(
            DataProducer(method),
            DataUser("logistic"),
            progress=False,
            stop=stop,
            on_epoch=on_epoch,
        )
    assert len(heard) == 1
    assert ("adversary's loss" in heard[0]) == (method == "adversarial")
    assert (loop.rounds, loop.regulator.rounds_left) == ([], 2)
    loop.round(DataProducer("identity"), DataUser("logistic"), progress=False)
    assert loop.rounds[0].number == 1


def test_both_trainings_of_a_round_are_heard(german):
    loop, heard = ClosedLoop(german, CRITERIA), []
    loop.round(
        DataProducer(epochs=2), DataUser(), progress=False, on_epoch=heard.append
    )
    assert [said["epoch"] for said in heard[:3]] == [1, 2, 1]
    assert "validation loss" in heard[2]


def test_everything_shows_itself(loop, german):
    last = loop.rounds[-1]
    shown = {
        "criteria": CRITERIA._repr_html_(),
        "representation": last.representation._repr_html_(),
        "submission": last.submission._repr_html_(),
        "report": last.report._repr_html_(),
        "round": last._repr_html_(),
        "loop": loop._repr_html_(),
        "empty": ClosedLoop(german, CRITERIA)._repr_html_(),
        "data": german._repr_html_(),
    }
    expected = {
        "criteria": ["selection rate difference", "sex", "≤ 0.1", "consistency"],
        "representation": ["erasure (strength 1)", "61 → 61", "lipschitz ≤"],
        "submission": ["logistic", "62", last.submission.fingerprint[:12]],
        "report": ["Round 2", last.report.verdict, "100", "constant predictor"],
        "round": ["Round 2", "<img", "alt=", "logistic"],
        "loop": ["Round 1", "Round 2", "<img"],
        "empty": ["Criteria", "<img", "Not passed on yet"],
        "data": ["1,000", "sex", "credit"],
    }
    for name, texts in expected.items():
        for text in texts:
            assert text in shown[name], (name, text)


def test_a_hostile_table_brings_no_html_with_it():
    k = range(400)
    frame = pd.DataFrame(
        {
            HOSTILE: [("f" + HOSTILE, "m")[i % 2] for i in k],
            "x": [float(i % 7) for i in k],
            "paid": [i // 2 % 2 for i in k],
        }
    )
    data = Dataset.from_frame(
        frame, target="paid", sensitive=[HOSTILE], name=HOSTILE, audits=1
    )
    criterion = Criterion("selection_rate_difference", 0.5, HOSTILE)
    loop = ClosedLoop(data, FairnessCriteria((criterion,), name=HOSTILE, rounds=1))
    done = loop.round(DataProducer("identity"), DataUser("logistic"), progress=False)
    for thing in (data, loop, done, done.report, done.criteria, done.representation):
        html = thing._repr_html_()
        assert "<script" not in html
        assert "&lt;script" in html or thing is done.representation
    assert strict(loop.to_json())
