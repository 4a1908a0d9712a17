"""The data sets that ship with the library, made as their ``about.toml`` says."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from .dataset import Dataset
from .embedded import FOLDER, read_csv
from .frame import build
from .parts import Table

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTIVE = (
    *("title", "row_is", "source", "licence", "citation", "criticism"),
    "units",
)


def about(name: str) -> dict:
    """Return what ``NAME/about.toml`` says: description, columns, roles, split sizes.

    Examples
    --------
    >>> about("adult")["sensitive"]
    ['sex', 'race']
    """
    return tomllib.loads((FOLDER / name / "about.toml").read_text(encoding="utf-8"))


def description(name: str) -> dict:
    """Return the descriptive fields of a data set's `Dataset`.

    Examples
    --------
    >>> description("adult")["licence"]
    'CC BY 4.0'
    """
    known = about(name)
    return {"name": name} | {key: known[key] for key in DESCRIPTIVE if key in known}


def make(name: str, frame: "pd.DataFrame", table: Table | None = None) -> Dataset:
    """Return a table as the data set that ``NAME/about.toml`` describes.

    Parameters
    ----------
    name
        Data set.
    frame
        All its columns; those not listed as features stay out of X.
    table
        How to read the rows again, if they should not be kept in memory.

    Returns
    -------
    Dataset

    Examples
    --------
    >>> make("loans", read_table("loans")).outcomes
    ('denied', 'approved')
    """
    known = about(name)
    dataset = build(
        frame,
        target=known["target"],
        positive=known["positive"],
        sensitive=known["sensitive"],
        drop=[column for column in frame.columns if column not in known["features"]],
        sizes=known.get("sizes"),
        made_of=known.get("made_of"),
        about=description(name),
        table=table,
    )
    return replace(dataset, outcomes=tuple(known.get("outcomes", dataset.outcomes)))


def read_table(name: str) -> "pd.DataFrame":
    """Return the table of an embedded data set, with the columns we derive.

    Examples
    --------
    >>> sorted(read_table("loans")["race"].unique())
    ['black', 'hispanic', 'white']
    """
    table = read_csv(name)
    return DERIVE[name](table) if name in DERIVE else table


@cache
def build_embedded(name: str) -> Dataset:
    """Return an embedded table as a data set; built once in each process.

    Examples
    --------
    >>> build_embedded("german").outcomes
    ('bad', 'good')
    """
    return make(name, read_table(name), Table(read=partial(read_table, name)))


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


DERIVE: dict[str, Callable[["pd.DataFrame"], "pd.DataFrame"]] = {
    "german": with_sex_and_age_group,
    "loans": with_race_and_sex,
}
