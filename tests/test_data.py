"""The embedded data: published counts, fixed splits, and refusals that say the fix."""

import hashlib
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairtutor.data import (
    Dataset,
    acs,
    embedded,
    given_names,
    load,
    names,
    splits,
    verify,
)
from fairtutor.exchange.errors import FairtutorError

EMBEDDED = ("adult", "compas", "german", "loans", "digits", "words")
PEOPLE = EMBEDDED[:-2]
SIZES = {
    "adult": ([12000, 15000, 3000, 4842], [2800] * 5),
    "compas": ([1200, 1800, 400, 772], [500] * 4),
    "german": ([250, 350, 100, 100], [100] * 2),
    "loans": ([400, 600, 200, 189], [200] * 3),
    "digits": ([1500, 2000, 250, 500], [250] * 3),
    "words": ([1400, 2053, 500, 750], [250] * 3),
}


def counts(dataset, attribute):
    codes, labels = dataset.groups(attribute)
    return dict(zip(labels, torch.bincount(codes).tolist(), strict=True))


def small(n=200, **columns):
    """Return a table that from_frame accepts, with columns added or replaced."""
    k = np.arange(n)
    frame = pd.DataFrame(
        {"age": 20 + k % 50, "sex": np.where(k % 2, "f", "m"), "paid": k // 2 % 2}
    )
    return frame.assign(**columns)


def dataset_of(df, **options):
    return Dataset.from_frame(df, **{"target": "paid", "sensitive": ["sex"]} | options)


# What is published about each data set.


@pytest.mark.parametrize(
    ("name", "shape", "positives"),
    [
        ("adult", (48842, 107), 11687),
        ("compas", (6172, 15), 2809),
        ("german", (1000, 61), 700),
        ("loans", (1989, 21), 1745),
    ],
)
def test_shape_and_positives_are_the_published_ones(name, shape, positives):
    dataset = load(name)
    assert dataset.X.shape == shape
    assert len(dataset.feature_names) == len(dataset.feature_columns) == shape[1]
    assert len(set(dataset.feature_names)) == shape[1]
    assert int(dataset.y.sum()) == positives
    assert (dataset.X.dtype, dataset.y.dtype, dataset.A.dtype) == (
        torch.float32,
        torch.int64,
        torch.int64,
    )
    assert torch.isfinite(dataset.X).all()


@pytest.mark.parametrize(
    ("name", "attribute", "expected"),
    [
        ("adult", "sex", {"Female": 16192, "Male": 32650}),
        (
            "adult",
            "race",
            {
                "Amer-Indian-Eskimo": 470,
                "Asian-Pac-Islander": 1519,
                "Black": 4685,
                "Other": 406,
                "White": 41762,
            },
        ),
        (
            "compas",
            "race",
            {
                "African-American": 3175,
                "Asian": 31,
                "Caucasian": 2103,
                "Hispanic": 509,
                "Native American": 11,
                "Other": 343,
            },
        ),
        ("compas", "sex", {"Female": 1175, "Male": 4997}),
        ("german", "sex", {"female": 310, "male": 690}),
        ("german", "age_group", {"25 or over": 851, "under 25": 149}),
        ("loans", "race", {"black": 197, "hispanic": 111, "white": 1681}),
        ("loans", "sex", {"female": 369, "male": 1605, "(missing)": 15}),
    ],
)
def test_groups_are_the_published_ones(name, attribute, expected):
    assert counts(load(name), attribute) == expected


def test_adult_keeps_its_categories_and_what_is_missing():
    table = load("adult").table
    missing = table.isna().sum()
    assert missing[missing > 0].to_dict() == {
        "workclass": 2799,
        "occupation": 2809,
        "native-country": 857,
    }
    assert sorted(table["income"].unique()) == ["<=50K", ">50K"]
    assert table["native-country"].nunique() == 41
    assert "fnlwgt" in table and table["fnlwgt"].iloc[0] == 77516
    texts = table.select_dtypes(exclude="number")
    assert not texts.apply(lambda c: c.str.startswith(" ").any()).any()


def test_adult_has_as_many_duplicates_in_x_as_the_definitions_count():
    dataset = load("adult")

    def duplicated(rows):
        return int(pd.DataFrame(rows.numpy()).duplicated(keep=False).sum())

    assert duplicated(dataset.X) == 11174
    assert duplicated(torch.cat([dataset.X, dataset.y[:, None]], dim=1)) == 9853


def test_compas_holds_no_names_dates_or_case_numbers_and_x_no_score():
    dataset = load("compas")
    assert ",".join(dataset.table) == (
        "sex,age,age_cat,race,juv_fel_count,juv_misd_count,juv_other_count,"
        "priors_count,c_charge_degree,decile_score,score_text,two_year_recid"
    )
    leaks = {"decile_score", "score_text", "two_year_recid", "is_recid", "age_cat"}
    assert not leaks & set(dataset.feature_columns)
    # ProPublica's table: share of re-arrested people by race.
    rates = dataset.table.groupby("race")["two_year_recid"].mean()
    assert rates["African-American"] == pytest.approx(0.5231, abs=5e-5)
    assert rates["Caucasian"] == pytest.approx(0.3909, abs=5e-5)


def test_loans_reproduce_the_published_regression_on_white():
    dataset = load("loans")
    white = dataset.table["white"] == 1
    approved = dataset.table["approve"]
    assert approved[~white].mean() == pytest.approx(0.708, abs=5e-4)
    gap = approved[white].mean() - approved[~white].mean()
    assert gap == pytest.approx(0.201, abs=5e-4)
    leaks = {"reject", "action", "approve", "typur", "inson", "gdlin"}
    assert not leaks & set(dataset.feature_columns)


def test_german_is_written_in_words_and_cut_below_25():
    table = load("german").table
    assert not table.astype(str).apply(lambda c: c.str.match(r"A\d\d+$").any()).any()
    assert table.loc[table["age"] == 25, "age_group"].unique().tolist() == [
        "25 or over"
    ]
    assert load("german").outcomes == ("bad", "good")


def test_digits_are_pixels_between_0_and_1():
    digits = load("digits")
    assert digits.X.shape == (5000, 784)
    assert torch.bincount(digits.y).tolist() == [500] * 10
    assert (digits.X.min(), digits.X.max()) == (0, 1)
    assert digits.feature_names[28] == "pixel 1,0"
    assert digits.attributes == () and digits.A.shape == (5000, 0)
    pixels = torch.tensor(digits.table.iloc[:, :-1].to_numpy())
    assert torch.equal(digits.X, pixels.to(torch.float32) / 255)


def test_unstandardised_numbers_and_one_hots_can_be_read_back():
    dataset = load("adult")
    table = dataset.table
    at = dataset.feature_names.index
    age = table["age"].to_numpy()
    x = dataset.X[:, at("age")].double().numpy()
    assert np.corrcoef(age, x)[0, 1] == pytest.approx(1, abs=1e-9)
    female = dataset.X[:, at("sex=Female")].numpy()
    assert (female == (table["sex"] == "Female")).all()
    missing = dataset.X[:, at("occupation=(missing)")].numpy()
    assert (missing == table["occupation"].isna()).all()


# Splits.


@pytest.mark.parametrize("name", EMBEDDED)
def test_splits_are_disjoint_covering_and_of_the_documented_sizes(name):
    dataset = load(name)
    first, audits = SIZES[name]
    expected = dict(
        zip(("encoder", "train", "validation", "test"), first, strict=True)
    ) | {f"audit {k}": size for k, size in enumerate(audits, 1)}
    assert {s: len(rows) for s, rows in dataset.splits.items()} == expected
    assert dataset.num_audits == len(audits)
    together = torch.cat(list(dataset.splits.values()))
    assert torch.equal(together.sort().values, torch.arange(len(dataset)))


@pytest.mark.parametrize("name", PEOPLE)
def test_every_group_is_in_every_split(name):
    dataset = load(name)
    for split in dataset.splits:
        groups = dataset.rows(split).A
        for j, attribute in enumerate(dataset.attributes):
            assert len(groups[:, j].unique()) == len(attribute.groups), split


@pytest.mark.parametrize("name", PEOPLE)
def test_numbers_are_standardised_on_encoder_and_train_rows(name):
    dataset = load(name)
    reference = torch.cat([dataset.rows(s).X for s in ("encoder", "train")]).double()
    numeric = [
        k
        for k, name in enumerate(dataset.feature_names)
        if name in dataset.feature_columns
    ]
    assert numeric
    assert reference[:, numeric].mean(0).abs().max() < 1e-6
    std = reference[:, numeric].std(0, correction=0)
    assert (std - 1).abs().max() < 1e-5
    others = [k for k in range(dataset.X.shape[1]) if k not in numeric]
    assert set(dataset.X[:, others].unique().tolist()) <= {0.0, 1.0}


def test_splits_are_the_same_in_every_version():
    """Fixed: a change here changes every number of the course."""
    digests = {}
    for name in EMBEDDED:
        rows = torch.cat(list(load(name).splits.values())).numpy().astype("<i8")
        digests[name] = hashlib.sha256(rows.tobytes()).hexdigest()[:12]
    assert digests == {
        "adult": "e35272270e6a",
        "compas": "bc28682a77d8",
        "german": "3d4cf826e45b",
        "loans": "5acf54e14c3f",
        "digits": "60ee8b47e147",
        "words": "48f466d92e9d",
    }


def test_splits_differ_by_seed_and_repeat_with_it():
    german = load("german")
    one, again, two = (german.resplit(seed=s) for s in (1, 1, 2))
    assert torch.equal(one.splits["train"], again.splits["train"])
    assert not torch.equal(one.splits["train"], two.splits["train"])
    assert torch.equal(german.resplit(seed=0).X, german.X)


def test_resplit_standardises_anew():
    sizes = {"encoder": 300, "train": 300, "validation": 100, "test": 200}
    sizes["audit 1"] = 100
    other = load("german").resplit(sizes, seed=3)
    k = other.feature_names.index("age")
    reference = torch.cat([other.rows(s).X[:, k] for s in ("encoder", "train")])
    assert reference.mean().abs() < 1e-6
    assert not torch.equal(other.X[:, k], load("german").X[:, k])
    assert other.num_audits == 1


@settings(deadline=None, max_examples=50)
@given(n=st.integers(40, 400), seed=st.integers(0, 2**32), audits=st.integers(1, 6))
def test_any_table_is_shared_out_completely(n, seed, audits):
    dataset = dataset_of(small(n), seed=seed, audits=audits)
    together = torch.cat(list(dataset.splits.values()))
    assert torch.equal(together.sort().values, torch.arange(n))
    assert dataset.num_audits == audits
    for split in dataset.splits:
        assert len(dataset.rows(split).A.unique()) == 2


def test_a_row_is_equally_likely_in_every_place_of_the_order():
    places = [int(splits.permutation(10, seed)[0]) for seed in range(2000)]
    observed = np.bincount(places, minlength=10)
    # Pearson's statistic, 9 degrees of freedom: above 27.9 in 1 of 1000 such tests.
    assert ((observed - 200) ** 2 / 200).sum() < 27.9


# Views.


def test_a_view_without_audit_rows_holds_none_of_them():
    dataset = load("compas")
    view = dataset.without_audit()
    assert list(view.splits) == ["encoder", "train", "validation", "test"]
    assert len(view) == len(view.X) == len(view.table) == len(view.A) == 4172
    assert len(view._numeric) == 4172
    for split in view.splits:
        ours, theirs = view.rows(split), dataset.rows(split)
        assert torch.equal(ours.X, theirs.X)
        assert torch.equal(ours.y, theirs.y)
        assert torch.equal(ours.A, theirs.A)
        same = view.table.iloc[ours.index.numpy()].reset_index(drop=True)
        theirs_table = dataset.table.iloc[theirs.index.numpy()].reset_index(drop=True)
        pd.testing.assert_frame_equal(same, theirs_table)


def test_a_view_of_your_own_table_does_not_hold_the_audit_rows_either():
    secret = [f"person {k:03}" for k in range(200)]
    dataset = dataset_of(small(secret=secret), drop=["secret"])
    view = dataset.without_audit()
    hidden = {secret[k] for k in dataset.rows("audit 1").index}
    assert hidden and not hidden & set(view.table["secret"])
    assert not any(person.encode() in pickle.dumps(view) for person in hidden)


def test_a_view_says_why_it_has_no_audit_batch():
    with pytest.raises(FairtutorError, match="holds no audit rows: only the regulator"):
        load("german").without_audit().rows("audit 1")


def test_a_view_can_be_split_again():
    view = load("german").without_audit().resplit(seed=5)
    assert len(view) == 800 and view.num_audits == 0


def test_intersections_keep_all_combinations_in_every_view():
    dataset = load("compas")
    codes, labels = dataset.groups(("sex", "race"))
    assert len(labels) == 12 and labels[0] == "Female × African-American"
    by_name, same = dataset.groups("sex × race")
    assert same == labels and torch.equal(by_name, codes)
    table = dataset.table
    for code, label in enumerate(labels):
        sex, race = label.split(" × ")
        expected = ((table["sex"] == sex) & (table["race"] == race)).to_numpy()
        assert (codes.numpy() == code).tolist() == expected.tolist()
    assert dataset.without_audit().groups(("sex", "race"))[1] == labels


def test_columns_mask_finds_what_an_attribute_was_made_from():
    german = load("german")
    mask = german.columns_mask(["age_group", "sex"])
    chosen = {german.feature_columns[k] for k in mask.nonzero().ravel()}
    assert chosen == {"age", "status_sex"}


def test_rows_and_all_keep_track_of_where_they_come_from():
    dataset = load("german")
    rows = dataset.rows("test").to("cpu")
    assert torch.equal(dataset.all().X[rows.index], rows.X)


def test_a_data_set_survives_pickling_as_several_processes_need():
    dataset = pickle.loads(pickle.dumps(load("german")))
    assert torch.equal(dataset.X, load("german").X)
    assert len(dataset.table) == 1000


def test_writing_to_a_loaded_data_set_changes_no_other():
    mine = load("german", device="cpu")
    before = mine.X.clone()
    mine.X.zero_()
    mine.splits["train"].zero_()
    mine.units["age"] = "none"
    table = mine.table
    table["age"] = 0
    assert torch.equal(load("german").X, before)
    assert load("german").splits["train"].sum() > 0
    assert load("german").units["age"] == "years"
    assert load("german").table["age"].min() == 19


# from_frame: what it takes.


def test_from_frame_equals_the_embedded_data_set():
    ours = load("compas")
    table = ours.table
    theirs = Dataset.from_frame(
        table,
        target="two_year_recid",
        sensitive=["race", "sex"],
        drop=["decile_score", "score_text", "age_cat"],
        audits=4,
    )
    assert theirs.feature_names == ours.feature_names
    assert torch.equal(theirs.A, ours.A) and torch.equal(theirs.y, ours.y)
    same = theirs.resplit({s: len(i) for s, i in ours.splits.items()}, seed=0)
    assert torch.equal(same.X, ours.X)


def test_from_frame_keeps_the_table_as_it_was():
    frame = small(note=["x"] * 199 + [None])
    dataset = dataset_of(frame, drop=["note"])
    pd.testing.assert_frame_equal(dataset.table, frame)
    frame.loc[0, "age"] = -1
    assert dataset.table["age"].min() == 20


def test_from_frame_takes_every_kind_of_column():
    k = np.arange(300)
    frame = pd.DataFrame(
        {
            "größe": np.where(k % 7, k, np.nan),
            "мова": pd.Categorical(np.where(k % 3, "так", "ні"), ["так", "ні", "інше"]),
            "flag": k % 2 == 0,
            "maybe": pd.array(np.where(k % 5, True, None), dtype="boolean"),
            "level": pd.array(np.where(k % 4, k % 4, None), dtype="Int64"),
            "グループ": np.array(["甲", "乙", None], dtype=object)[k % 3],
            "ergebnis": np.where(k // 3 % 2, "ja", "nein"),
        }
    )
    dataset = Dataset.from_frame(
        frame,
        target="ergebnis",
        positive="ja",
        sensitive=["グループ", "flag"],
        units={"größe": "cm"},
        name="日本",
    )
    assert dataset.feature_names == (
        "größe",
        "größe=(missing)",
        "мова=так",
        "мова=ні",
        "flag=False",
        "flag=True",
        "maybe=True",
        "maybe=(missing)",
        "level",
        "level=(missing)",
        "グループ=乙",
        "グループ=甲",
        "グループ=(missing)",
    )
    assert dataset.attribute("グループ").groups == ("乙", "甲", "(missing)")
    assert dataset.attribute("flag").groups == ("False", "True")
    assert dataset.outcomes == ("nein", "ja")
    assert torch.isfinite(dataset.X).all()
    assert dataset.units == {"größe": "cm"}
    assert "グループ" in dataset._repr_html_() and "日本" in repr(dataset)


def test_a_missing_number_becomes_the_median_of_the_training_rows():
    k = np.arange(200)
    frame = small(income=np.where(k % 10, k.astype(float), np.nan))
    dataset = dataset_of(frame)
    at = dataset.feature_names.index
    missing = frame["income"].isna().to_numpy()
    assert (dataset.X[:, at("income=(missing)")].numpy() == missing).all()
    reference = torch.cat([dataset.rows(s).index for s in ("encoder", "train")])
    median = frame["income"].iloc[reference.numpy()].median()
    x = dataset.X[:, at("income")].double().numpy()
    slope, shift = np.polyfit(frame["income"][~missing], x[~missing], 1)
    assert x[missing] == pytest.approx(slope * median + shift, abs=1e-5)


def test_a_constant_column_becomes_zero():
    dataset = dataset_of(small(fee=0.1, empty=np.nan))
    for name in ("fee", "empty"):
        assert (dataset.X[:, dataset.feature_names.index(name)] == 0).all()


@pytest.mark.parametrize(
    ("values", "positive", "outcomes"),
    [
        ([0, 1], None, ("0", "1")),
        ([0, 1], 0, ("1", "0")),
        ([0.0, 1.0], None, ("0", "1")),
        ([False, True], None, ("False", "True")),
        ([False, True], False, ("True", "False")),
        ([1, 2], 2, ("1", "2")),
        ([1, 2], "1", ("2", "1")),
        (["bad", "good"], "good", ("bad", "good")),
        ([-1.5, 2.5], 2.5, ("-1.5", "2.5")),
    ],
)
def test_the_positive_outcome_is_the_one_asked_for(values, positive, outcomes):
    frame = small(paid=np.array(values)[np.arange(200) // 2 % 2])
    dataset = dataset_of(frame, positive=positive)
    assert dataset.outcomes == outcomes
    written = [str(v) for v in frame["paid"]]
    numeric = [w.removesuffix(".0") == outcomes[1] for w in written]
    assert dataset.y.tolist() == [int(v) for v in numeric]


def test_numbers_can_name_groups_and_similar_labels_become_one():
    mixed = np.array([1, "1", 2.0, "b"], dtype=object)[np.arange(200) % 4]
    dataset = dataset_of(small(area=mixed), sensitive=["area"])
    assert sorted(dataset.attribute("area").groups) == ["1", "2", "b"]
    assert max(counts(dataset, "area").values()) == 100


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    labels=st.lists(
        st.text(min_size=1, max_size=5), min_size=2, max_size=5, unique=True
    ),
    column=st.text(min_size=1, max_size=8).filter(lambda c: c not in ("age", "paid")),
)
def test_any_text_can_name_a_column_and_its_groups(labels, column):
    values = [labels[k % len(labels)] for k in range(300)]
    frame = small(300).drop(columns="sex")
    frame[column] = pd.Series(values, dtype=object)
    dataset = dataset_of(frame, sensitive=[column])
    groups = dataset.attribute(column).groups
    assert [groups[code] for code in dataset.A[:, 0]] == values
    assert dataset.columns_mask([column]).sum() == len(labels)
    assert "<script" not in dataset._repr_html_()


# from_frame: what it refuses, and what it says.

EVERY_REFUSAL = [
    (small(), {"target": "payed"}, r"no column 'payed'\. Did you mean 'paid'\?"),
    (small(), {"sensitive": ["sexx"]}, r"no column 'sexx'\. Did you mean 'sex'\?"),
    (small(), {"drop": ["agee"]}, r"drop: .* no column 'agee'\. Did you mean 'age'\?"),
    (small(), {"sensitive": ["paid"]}, "'paid' is the target and cannot be"),
    (
        small(paid=[None] * 3 + [0, 1] * 98 + [1]),
        {},
        r"missing in 3 of 200 rows\. .* df\.dropna\(subset=\['paid'\]\)",
    ),
    (small(paid=1), {}, r"has 1 different value \('1'\); it must have exactly two"),
    (small(paid=np.arange(200) % 3), {}, r"3 different values .* == '0'"),
    (
        small(paid=np.where(np.arange(200) % 3, "yes", "no")),
        {},
        r"values 'no' and 'yes': say which .* positive='yes'",
    ),
    (
        small(paid=np.where(np.arange(200) % 3, "yes", "no")),
        {"positive": "Yes"},
        r"positive='Yes' is not a value of the target 'paid'\. Did you mean 'yes'\?",
    ),
    (
        small(sex=pd.Categorical(["f", "m"] * 100, ["f", "m", "diverse"])),
        {},
        r"Group 'diverse' .* 'sex' has no rows\. .*remove_unused_categories",
    ),
    (
        small(sex=["x"] * 3 + ["f", "m"] * 98 + ["f"]),
        {},
        r"Group 'x' of 'sex' has 3 rows, .* each of the 5 splits; split '.+' has none",
    ),
    (small(sex="f"), {}, r"'sex' has one group only \('f'\)"),
    (
        small(),
        {"sensitive": ["age"]},
        r"'age' holds numbers, 50 different .* pandas\.qcut\(df\['age'\], 4\)",
    ),
    (
        small(sex=[f"v{k % 80}" for k in range(200)]),
        {},
        r"'sex' has 80 different values: too many to be groups \(at most 60\)",
    ),
    (
        small(age=[np.inf, -np.inf] + [30.0] * 198),
        {},
        r"'age' holds 2 infinite numbers\. Make them missing first",
    ),
    (small().iloc[:0], {}, "no rows"),
    (small(5), {"audits": 3}, "5 rows are too few for 7 splits"),
    (small().set_axis(["age", "sex", "sex"], axis=1), {}, "columns are called 'sex'"),
    (small().set_axis(["age", 7, "paid"], axis=1), {}, "Column 7 has a name that is"),
    (small().to_dict(), {}, "needs a pandas DataFrame, not a dict"),
    (
        small(name=[f"n{k}" for k in range(200)] + [], extra="x"),
        {"audits": 0},
        "audits=0: the number of audit batches",
    ),
    (
        small(300, name=[f"n{k}" for k in range(300)]),
        {},
        r"'name' has 300 different values, such as 'n0': .* drop=\['name'\]",
    ),
    (
        small(day=pd.date_range("2020-01-01", periods=200)),
        {},
        r"'day' holds dates or durations\. .* drop=\['day'\]",
    ),
    (small(), {"drop": ["age", "sex"]}, "No feature is left"),
]


@pytest.mark.parametrize(("df", "options", "message"), EVERY_REFUSAL)
def test_from_frame_refuses_in_plain_language(df, options, message):
    with pytest.raises(FairtutorError, match=message):
        dataset_of(df, **options)


def test_the_advice_for_a_continuous_column_works():
    df = small()
    df["age band"] = pd.qcut(df["age"], 4).astype(str)
    assert len(dataset_of(df, sensitive=["age band"]).attributes[0].groups) == 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: d.rows("tran"), r"no split 'tran'\. Did you mean 'train'\?"),
        (lambda d: d.attribute("Sex"), r"attribute 'Sex'\. Did you mean 'sex'\?"),
        (lambda d: d.groups(("sex", "rase")), r"attribute 'rase'"),
        (lambda d: d.groups(()), "name of at least one"),
        (lambda d: d.columns_mask(["agge"]), r"column 'agge'\. Did you mean 'age'\?"),
        (lambda d: d.resplit({"train": 1000}), r"missing: \['encoder', "),
        (
            lambda d: d.resplit(
                {"encoder": 500, "train": 500, "validation": 0, "test": 0}
            ),
            "'validation' has size 0",
        ),
        (
            lambda d: d.resplit(
                {"encoder": 500, "train": 500, "validation": 9, "test": 9}
            ),
            "add up to 1018, but there are 1000 rows",
        ),
    ],
)
def test_a_data_set_refuses_in_plain_language(call, message):
    with pytest.raises(FairtutorError, match=message):
        call(load("german"))


def test_words_and_names_have_the_published_vectors_and_share_none():
    words, given = load("words"), given_names()
    table = words.table
    assert len(table) == len(words) == 5453 and not set(given.names) & set(
        table["word"]
    )
    the = table[table["word"] == "good"].iloc[0]
    assert the["valence"] == 1.9 and words.y[the.name] == 1
    # glove.6B.50d.txt: good -0.35586 0.5213 -0.6107 ...
    expected = torch.tensor([-0.35586, 0.5213, -0.6107])
    assert torch.equal(words.X[the.name, :3], expected)
    assert torch.equal(words.y == 1, torch.tensor(table["valence"].to_numpy() > 0))
    said = {
        name: (given.races[race] if race >= 0 else "", given.genders[gender])
        for name, race, gender in zip(
            given.names, given.race.tolist(), given.gender.tolist(), strict=True
        )
    }
    assert said["emily"] == ("European American", "female")
    assert said["matthew"] == ("European American", "male")
    assert said["lakisha"] == ("African American", "female")
    assert said["tyrone"] == ("African American", "male")
    assert said["john"] == ("", "male") and said["amy"] == ("", "female")


def test_digits_have_no_sensitive_attribute_to_ask_for():
    with pytest.raises(FairtutorError, match="'digits' has no sensitive attributes"):
        load("digits").attribute("sex")


# Files and names.


def test_an_unknown_data_set_is_answered_with_the_nearest_name():
    with pytest.raises(
        FairtutorError, match=r"No data set 'adlut'\. Did you .*'adult'"
    ):
        load("adlut")
    assert names() == (*EMBEDDED, "acs_income")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Return a folder with copies of the embedded files, which are now read there."""
    for path in (*embedded.EMBEDDED.values(), "SHA256SUMS"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes((embedded.FOLDER / path).read_bytes())
    monkeypatch.setattr(embedded, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", EMBEDDED)
def test_a_damaged_file_is_noticed(name, copied):
    verify(name)
    path = copied / embedded.EMBEDDED[name]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(FairtutorError, match=r"is damaged or was changed.*rebuild"):
        verify(name)


def test_a_lost_file_is_noticed(copied):
    (copied / embedded.EMBEDDED["adult"]).unlink()
    with pytest.raises(FairtutorError, match=r"data set 'adult' is gone.*rebuild"):
        verify("adult")


@pytest.mark.parametrize("name", EMBEDDED)
def test_each_embedded_file_is_small_and_says_where_it_is_from(name):
    path = embedded.FOLDER / embedded.EMBEDDED[name]
    assert path.stat().st_size < 1_000_000
    sources = (path.parent / "SOURCES.md").read_text(encoding="utf-8")
    for heading in ("A row is", "Licence", "Origin", "What was changed"):
        assert heading in sources
    assert "## Known criticism" in sources


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_card_shows_what_a_reader_must_know(name):
    dataset = load(name)
    html = dataset._repr_html_()
    for text in (dataset.row_is, dataset.licence, f"{len(dataset):,} rows"):
        assert text.replace("'", "&#x27;") in html
    assert "known criticism" in html and "audit batches" in html
    for attribute in dataset.attributes:
        assert attribute.name in html


def test_the_card_escapes_what_it_is_given():
    frame = small(sex=np.where(np.arange(200) % 2, "<script>a", "<b>&"))
    html = dataset_of(frame, name="<img src=x>")._repr_html_()
    assert "<script" not in html and "<img" not in html and "<b>&" not in html
    assert "&lt;script&gt;a" in html


def test_importing_the_data_module_imports_no_pandas():
    code = "import sys, fairtutor.data; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# The online data set.


def acs_frame(n=4000):
    """Return a table in the form the fetcher gives, with made-up values."""
    k = np.arange(n)
    return pd.DataFrame(
        {
            "AGEP": 17.0 + k % 60,
            "COW": 1.0 + k % 8,
            "SCHL": 1.0 + k % 24,
            "MAR": 1.0 + k % 5,
            "OCCP": 10.0 + k % 500,
            "POBP": 1.0 + k % 300,
            "RELP": 0.0 + k % 18,
            "WKHP": 1.0 + k % 99,
            "SEX": 1.0 + k % 2,
            "RAC1P": 1.0 + k % 9,
            "PINCP": 1000.0 * (k % 101),
        }
    )


def test_acs_income_is_written_in_words_without_leaks():
    dataset = acs.from_acs_frame(acs_frame())
    assert dataset.attribute("SEX").groups == ("Female", "Male")
    assert "Pacific Islander" in dataset.attribute("RAC1P").groups
    assert not {"PINCP", "OCCP", "POBP"} & set(dataset.feature_columns)
    over = dataset.table["PINCP"] > 50_000
    assert dataset.y.tolist() == over.astype(int).tolist()
    assert dataset.outcomes == ("<=50K", ">50K")


def test_acs_income_says_when_there_is_no_network(monkeypatch, tmp_path):
    monkeypatch.setattr(acs.Path, "home", lambda: tmp_path)
    monkeypatch.setattr(acs, "reachable", lambda host: False)
    with pytest.raises(FairtutorError, match=r"cannot be reached.*load\('adult'\)"):
        load("acs_income")


def test_acs_income_says_when_fairlearn_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "fairlearn.datasets", None)
    with pytest.raises(FairtutorError, match="pip install fairlearn"):
        load("acs_income")


def test_acs_income_passes_on_why_fetching_failed(monkeypatch):
    fairlearn = pytest.importorskip("fairlearn.datasets")

    def fail(**_):
        raise OSError("the server hung up")

    monkeypatch.setattr(acs, "reachable", lambda host: True)
    monkeypatch.setattr(fairlearn, "fetch_acs_income", fail)
    with pytest.raises(FairtutorError, match="the server hung up"):
        load("acs_income")
