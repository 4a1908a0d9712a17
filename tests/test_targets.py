"""Several tasks from the same rows: what they share, what leaves X, who audits."""

import numpy as np
import pandas as pd
import pytest
import torch

from fairtutor import (
    Criterion,
    DataProducer,
    DataRegulator,
    DataUser,
    FairnessCriteria,
    load,
)
from fairtutor.data import (
    ADULT_TASKS,
    COMPAS_TASKS,
    Dataset,
    Target,
    base_rates,
)
from fairtutor.exchange import FairtutorError, Refused


@pytest.fixture(scope="module")
def adult():
    return load("adult")


@pytest.fixture(scope="module")
def tasks(adult):
    return adult.tasks(ADULT_TASKS)


# What a target asks.


def test_answers_are_what_a_loop_over_the_rows_gives(adult):
    rows = adult.table.to_dict("records")
    by_hand = {
        "earns over $50,000": lambda r: r["income"] == ">50K",
        "works over 40 hours": lambda r: r["hours-per-week"] > 40,
        "works full time": lambda r: r["hours-per-week"] >= 35,
        "professional or manager": lambda r: (
            r["occupation"] in ("Prof-specialty", "Exec-managerial")
        ),
        "married": lambda r: (
            r["marital-status"] in ("Married-civ-spouse", "Married-AF-spouse")
        ),
    }
    assert by_hand.keys() == ADULT_TASKS.keys()
    for name, target in ADULT_TASKS.items():
        expected = [int(by_hand[name](row)) for row in rows]
        assert target.answers(adult.table).tolist() == expected


def test_the_first_task_asks_what_the_data_set_asks(adult, tasks):
    first = tasks["earns over $50,000"]
    assert torch.equal(first.y, adult.y) and first.outcomes == adult.outcomes
    compas = load("compas")
    again = compas.tasks(COMPAS_TASKS)["arrested again"]
    assert torch.equal(again.y, compas.y) and again.outcomes == compas.outcomes


def test_what_is_said_of_the_tasks_is_so(adult, tasks):
    """The words in ``criticism``, counted."""
    table = adult.table
    shares = {name: task.y.double().mean().item() for name, task in tasks.items()}
    assert shares["works full time"] == pytest.approx(5 / 6, abs=0.01)
    assert (table["hours-per-week"] == 40).mean() == pytest.approx(0.47, abs=0.005)
    counts = table["relationship"].value_counts()
    assert (counts["Husband"], counts["Wife"]) == (19716, 2331)
    nobody = table["occupation"].isna()
    assert nobody.sum() == 2809
    assert table.loc[nobody, "workclass"].isna().mean() > 0.99
    for name, least in (("works over 40 hours", 0.19), ("married", 0.45)):
        women, men = base_rates(tasks[name], "sex").tolist()
        assert men - women > least
    white, black = (
        base_rates(tasks["works full time"], "race")[k].item() for k in (4, 2)
    )
    assert adult.attribute("race").groups[4] == "White"
    assert abs(white - black) < 0.005  # parity by race costs nothing here


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target("colour", "red"), "no column 'colour'"),
        (Target("job", "jugde"), "Did you mean 'judge'"),
        (Target("gaps", "a"), r"missing in 1 of 4 rows.*missing_is_no"),
        (Target("job", above=3), "holds no numbers"),
        (Target("age", above=90), "'age at most 90' in every row"),
        (Target("job", ["judge", "clerk"]), "'clerk or judge' in every row"),
        (Target("group", "a"), "tells the sensitive attribute 'group'"),
        (Target("age", above=30, told_by=("agee",)), "told_by: .* 'agee'"),
    ],
)
def test_a_target_that_cannot_be_is_refused_with_the_fix(target, said):
    df = pd.DataFrame(
        {
            "job": ["judge", "clerk"] * 2,
            "gaps": ["a", "b", None, "a"],
            "age": [20, 30, 40, 50],
            "group": list("aabb"),
            "t": [0, 1] * 2,
        }
    )
    data = Dataset.from_frame(
        pd.concat([df] * 30, ignore_index=True), target="t", sensitive=["group"]
    )
    said = said.replace("1 of 4", "30 of 120")
    with pytest.raises(FairtutorError, match=said):
        data.with_target(target)


@pytest.mark.parametrize("settings", [{}, {"positive": 1, "above": 2}])
def test_a_target_has_values_or_a_threshold(settings):
    with pytest.raises(FairtutorError, match="either positive"):
        Target("age", **settings)


def test_values_are_compared_as_they_are_written():
    table = pd.DataFrame({"n": [1.0, 2.0, np.nan], "b": [True, False, True]})
    assert Target("n", 1, missing_is_no=True).answers(table).tolist() == [1, 0, 0]
    assert Target("n", above=1, missing_is_no=True).answers(table).tolist() == [0, 1, 0]
    assert Target("b", True).answers(table).tolist() == [1, 0, 1]
    assert Target("n", {1, 2}).names == ("not 1 or 2", "1 or 2")


# What leaves X.


def test_features_left_out_are_gone_and_the_others_stand_as_they_did(adult):
    gone = ["capital-gain", "workclass", "age"]
    left = adult.without_features(gone)
    kept = [i for i, c in enumerate(adult.feature_columns) if c not in gone]
    assert torch.equal(left.X, adult.X[:, kept])
    assert left.feature_names == tuple(adult.feature_names[i] for i in kept)
    assert not set(gone) & set(left.feature_columns)
    assert left.splits is adult.splits and left.A is adult.A
    assert list(left.table.columns) == list(adult.table.columns)


def test_features_left_out_stay_out_of_other_splits_and_settings(adult):
    left = adult.without_features(["capital-gain", "age"])
    other, whole = left.resplit(seed=3), adult.resplit(seed=3)
    kept = ~adult.columns_mask(["capital-gain", "age"])
    assert torch.equal(other.X, whole.X[:, kept])  # the numbers are standardised anew
    assert torch.equal(
        left.settings("hours-per-week").values, adult.settings("hours-per-week").values
    )
    assert left.settings("hours-per-week").labels[0] == "hours-per-week=1"
    with pytest.raises(FairtutorError, match="comes from a column 'age'"):
        left.settings("age")
    blind = adult.without_features("sex")
    with pytest.raises(FairtutorError, match="was left out of X"):
        blind.settings("sex")


def test_something_is_left_and_names_are_checked(adult):
    with pytest.raises(FairtutorError, match="Did you mean 'age'"):
        adult.without_features("agee")
    with pytest.raises(FairtutorError, match="No feature of 'adult' would be left"):
        adult.without_features(set(adult.feature_columns))
    assert adult.without_features([]).X.data_ptr() == adult.X.data_ptr()


def test_no_task_sees_what_another_asks_for(tasks):
    asked = {c for target in ADULT_TASKS.values() for c in target.columns}
    for task in tasks.values():
        assert not asked & set(task.feature_columns)
        assert set(task.feature_columns) == {
            *("age", "workclass", "education", "education-num", "race", "sex"),
            *("capital-gain", "capital-loss", "native-country"),
        }


def test_the_former_target_does_not_come_back_into_x(adult):
    assert "income" not in adult.with_target(Target("age", above=40)).feature_columns


# What the tasks share.


def test_tasks_share_their_tensors_and_differ_in_the_question(tasks):
    one, *others = tasks.values()
    for other in others:
        assert other.X.data_ptr() == one.X.data_ptr()
        assert other.A.data_ptr() == one.A.data_ptr()
        assert other.splits is one.splits
        assert other.feature_names == one.feature_names
        assert not torch.equal(other.y, one.y)
        assert other.outcomes != one.outcomes and other.title != one.title
    titles = [task._repr_html_() for task in tasks.values()]
    assert all("over 40 hours" in t for t in titles[1:2])
    assert "nurse" in titles[3] and "Ding et al." in titles[3]


def test_views_without_audit_rows_answer_the_same(adult, tasks):
    view = adult.without_audit().tasks(ADULT_TASKS)
    rows = torch.cat([i for s, i in adult.splits.items() if "audit" not in s]).sort()
    for name, task in tasks.items():
        assert torch.equal(view[name].y, task.y[rows.values])
        assert torch.equal(view[name].X, task.without_audit().X)
        assert torch.equal(view[name].y, task.without_audit().y)
        assert view[name].num_audits == 0


def test_tasks_of_other_splits(adult):
    moved = adult.resplit(seed=5).tasks(ADULT_TASKS)
    for task in moved.values():
        again = task.resplit(seed=5)
        assert all(torch.equal(again.splits[s], task.splits[s]) for s in task.splits)
        assert torch.equal(again.y, task.y) and torch.equal(again.X, task.X)


def test_there_is_at_least_one_task(adult):
    with pytest.raises(FairtutorError, match="at least one target"):
        adult.tasks({})


def test_digits_become_a_question_of_two_outcomes():
    odd = load("digits").with_target(Target("digit", {1, 3, 5, 7, 9}))
    table = load("digits").table
    assert torch.equal(odd.y, torch.from_numpy(table["digit"].to_numpy() % 2).long())


# One representation, a regulator for each task.


def test_one_representation_serves_every_user_on_the_same_audit_rows():
    compas = load("compas")
    made = compas.tasks(COMPAS_TASKS)
    criterion = Criterion("selection_rate_difference", 0.1, "sex")
    criteria = FairnessCriteria((criterion,), rounds=2)
    views = {name: task.without_audit() for name, task in made.items()}
    representation = DataProducer("erasure").produce(
        criteria, views["arrested again"], progress=False
    )
    reports = {}
    for name, task in made.items():
        regulator = DataRegulator(criteria, task)
        submission = DataUser("logistic").train(
            representation, views[name], epochs=2, progress=False
        )
        reports[name] = regulator.audit(representation, submission, progress=False)
        seen = regulator.dataset.rows("audit 1").index
        assert torch.equal(seen, compas.rows("audit 1").index)
    assert {r.representation for r in reports.values()} == {representation.fingerprint}
    assert {r.rows for r in reports.values()} == {500}
    share = {n: float(t.rows("audit 1").y.double().mean()) for n, t in made.items()}
    for name, report in reports.items():
        expected = max(share[name], 1 - share[name])
        assert report.constant_accuracy == pytest.approx(expected)


def test_a_representation_for_all_columns_is_refused_by_the_tasks_regulator():
    compas = load("compas")
    criteria = FairnessCriteria((Criterion("accuracy", 0.5),), rounds=2)
    wide = DataProducer("identity").produce(criteria, compas, progress=False)
    task = compas.tasks(COMPAS_TASKS)["arrested again"]
    with pytest.raises(Refused, match="takes 15 features"):
        DataRegulator(criteria, task).audit_representation(wide, progress=False)


# Base rates.


def test_base_rates_are_means_by_group(adult):
    rates = base_rates(adult, "sex × race")
    codes, labels = adult.groups("sex × race")
    for k in range(len(labels)):
        assert rates[k] == pytest.approx(adult.y[codes == k].double().mean().item())
