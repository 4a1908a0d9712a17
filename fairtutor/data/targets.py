"""Several downstream tasks from the same rows: other outcomes, the same X."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..exchange.errors import FairtutorError, did_you_mean
from .encode import MISSING, encode_categories, is_number, numbers_of, text
from .frame import check_columns

if TYPE_CHECKING:
    import pandas as pd

    from .dataset import Dataset


@dataclass(frozen=True)
class Target:
    """What a data user wants to tell from a row: a yes-or-no question on one column.

    Parameters
    ----------
    column
        A column of the original table.
    positive
        The value that counts as yes, or a set (tuple, list) of values that do.
    above
        In place of ``positive``, for a column of numbers: yes from above this number.
    outcomes
        What no and yes are called; by default made from the values.
    told_by
        Further columns that give the answer away; they leave X as well.
    missing_is_no
        Whether a row without a value counts as no. Otherwise such rows are refused.
    criticism
        What is questionable about this question on these data.

    Raises
    ------
    FairtutorError
        Neither ``positive`` nor ``above`` is given, or both are.

    Examples
    --------
    >>> Target("hours-per-week", above=40).names
    ('hours-per-week at most 40', 'hours-per-week above 40')
    """

    column: str
    positive: object = None
    above: float | None = None
    outcomes: tuple[str, str] | None = None
    told_by: tuple[str, ...] = ()
    missing_is_no: bool = False
    criticism: str = ""

    def __post_init__(self) -> None:
        if (self.positive is None) == (self.above is None):
            raise FairtutorError(
                f"The target {self.column!r} needs either positive=..., the value or "
                "values that count as yes, or above=..., a number."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that no model for this target may see."""
        return (self.column, *self.told_by)

    @property
    def names(self) -> tuple[str, str]:
        """What no and yes are called."""
        if self.outcomes is not None:
            return self.outcomes
        if self.above is not None:
            return tuple(f"{self.column} {w} {self.above:g}" for w in WORDS)
        yes = " or ".join(self.values)
        return f"not {yes}", yes

    @property
    def values(self) -> list[str]:
        """The values that count as yes, as categories are written."""
        several = isinstance(self.positive, set | frozenset | tuple | list)
        return sorted(map(text, self.positive if several else [self.positive]))

    def answers(self, table: "pd.DataFrame") -> np.ndarray:
        """Return yes (1) or no (0) for each row of a table, (n,) int64.

        Raises
        ------
        FairtutorError
            The column is absent, has missing values that are not said to be no, holds
            no numbers (``above``) or not one of the values (``positive``), or all rows
            have the same answer.

        Examples
        --------
        >>> import pandas as pd
        >>> table = pd.DataFrame({"job": ["clerk", None, "judge"]})
        >>> Target("job", "judge", missing_is_no=True).answers(table).tolist()
        [0, 0, 1]
        """
        check_columns(table, "target", [self.column])
        column = table[self.column]
        missing = int(column.isna().sum())
        if missing and not self.missing_is_no:
            raise FairtutorError(
                f"The target {self.column!r} is missing in {missing:,} of "
                f"{len(column):,} rows. Leave these rows out of your table, or say "
                "missing_is_no=True if no value means no."
            )
        yes = self._equal(column) if self.above is None else self._above(column)
        if yes.all() or not yes.any():
            raise FairtutorError(
                f"The target {self.column!r} has the answer {self.names[int(yes[0])]!r}"
                " in every row; there is nothing to tell apart."
            )
        return yes.astype(np.int64)

    def _above(self, column: "pd.Series") -> np.ndarray:
        if not is_number(column):
            raise FairtutorError(
                f"above={self.above!r}: {self.column!r} holds no numbers. Say which of "
                "its values count as yes: positive=..."
            )
        return numbers_of(column) > self.above  # NaN is above nothing

    def _equal(self, column: "pd.Series") -> np.ndarray:
        codes, labels = encode_categories(column)
        known = [label for label in labels if label != MISSING]
        for value in self.values:
            if value not in known:
                raise FairtutorError(
                    f"positive: {value!r} is no value of {self.column!r}. "
                    + did_you_mean(value, known)
                )
        return np.isin(codes, [labels.index(value) for value in self.values])


WORDS = ("at most", "above")

# Base rates and gaps: tests/test_targets.py. Together they leave age, workclass,
# education, race, sex, capital gains and losses and country in X.
ADULT_TASKS: Mapping[str, Target] = {
    "earns over $50,000": Target(
        "income",
        ">50K",
        outcomes=("<=50K", ">50K"),
        criticism="The threshold is the 76th percentile of income, but the 88th of "
        "Black people and the 89th of women: another one gives other gaps.",
    ),
    "works over 40 hours": Target(
        "hours-per-week",
        above=40,
        outcomes=("at most 40 hours", "over 40 hours"),
        criticism="47% of the rows say exactly 40, so one hour in the question decides "
        "about half of the people; unpaid work at home is not counted.",
    ),
    "works full time": Target(
        "hours-per-week",
        above=34,
        outcomes=("part time", "full time"),
        criticism="Five in six are yes, so a user who says yes to all is right as "
        "often; whether part time was chosen is not recorded.",
    ),
    "professional or manager": Target(
        "occupation",
        ("Prof-specialty", "Exec-managerial"),
        outcomes=("another occupation", "professional or manager"),
        missing_is_no=True,
        criticism="The groups are those of the census of 1990, which put a nurse and a "
        "surgeon together; 2,809 people without an occupation count as no, and "
        "workclass, which stays in X, is missing for the same people.",
    ),
    "married": Target(
        "marital-status",
        ("Married-civ-spouse", "Married-AF-spouse"),
        outcomes=("not living with a spouse", "married"),
        told_by=("relationship",),
        criticism="19,716 husbands and 2,331 wives are not the country's: how these "
        "people were selected shows more than how they live. A marriage is in itself "
        "a ground on which many laws forbid to decide.",
    ),
}

COMPAS_TASKS: Mapping[str, Target] = {
    "arrested again": Target(
        "two_year_recid",
        1,
        outcomes=("not re-arrested", "re-arrested"),
        criticism="An arrest is not an offence: where policing differs, the label is "
        "biased, and with it every accuracy.",
    ),
    "charged with a felony": Target(
        "c_charge_degree",
        "F",
        outcomes=("misdemeanour", "felony"),
        criticism="The degree is what the prosecution charged, not what was done or "
        "proved.",
    ),
    "scored above low": Target(
        "decile_score",
        above=4,
        outcomes=("low score", "medium or high score"),
        criticism="It imitates a score, made in part from answers that are not in the "
        "data; to agree with it is not to be right about anybody.",
    ),
}


def without_features(dataset: "Dataset", columns: str | Iterable[str]) -> "Dataset":
    """Return a data set without some columns' features.

    See :meth:`fairtutor.data.Dataset.without_features`.

    Examples
    --------
    >>> from fairtutor.data import load
    >>> without_features(load("adult"), "sex").X.shape
    torch.Size([48842, 105])
    """
    keep = ~dataset.columns_mask(columns)
    if keep.all():
        return dataset
    if not keep.any():
        raise FairtutorError(f"No feature of {dataset.name!r} would be left.")
    kept = keep.tolist()
    numeric = keep.cpu().numpy()[dataset._numeric_at]
    moved = (keep.cumsum(0) - 1).cpu().numpy()
    return replace(
        dataset,
        X=dataset.X[:, keep],
        feature_names=_kept(dataset.feature_names, kept),
        feature_columns=_kept(dataset.feature_columns, kept),
        _numeric=dataset._numeric[:, numeric],
        _numeric_at=moved[dataset._numeric_at[numeric]],
    )


def with_target(dataset: "Dataset", target: Target) -> "Dataset":
    """Return the same rows with another question.

    See :meth:`fairtutor.data.Dataset.with_target`.

    Examples
    --------
    >>> from fairtutor.data import load
    >>> with_target(load("digits"), Target("digit", {1, 3, 5, 7, 9})).outcomes
    ('not 1 or 3 or 5 or 7 or 9', '1 or 3 or 5 or 7 or 9')
    """
    for attribute in dataset.attributes:
        if target.column in (attribute.name, *attribute.columns):
            raise FairtutorError(
                f"{target.column!r} tells the sensitive attribute {attribute.name!r} "
                "and cannot be the target as well."
            )
    table = dataset.table
    check_columns(table, "told_by", target.told_by)
    y = torch.from_numpy(target.answers(table)).to(dataset.y.device)
    base = without_features(dataset, _in_x(dataset, target.columns))
    criticism = " ".join(filter(None, (target.criticism, dataset.criticism)))
    return replace(
        base,
        y=y,
        target=target.column,
        outcomes=target.names,
        title=f"{dataset.name}: {target.names[1]}",
        criticism=criticism,
    )


def tasks(dataset: "Dataset", targets: Mapping[str, Target]) -> "dict[str, Dataset]":
    """Return a data set for each of several questions, all with one X.

    See :meth:`fairtutor.data.Dataset.tasks`.

    Examples
    --------
    >>> from fairtutor.data import load
    >>> made = tasks(load("compas"), COMPAS_TASKS)
    >>> {one.X.data_ptr() for one in made.values()} == {made["arrested again"].\
X.data_ptr()}
    True
    """
    if not targets:
        raise FairtutorError("tasks() needs at least one target.")
    columns = dict.fromkeys(c for one in targets.values() for c in one.columns)
    base = without_features(dataset, _in_x(dataset, columns))
    return {name: base.with_target(target) for name, target in targets.items()}


def base_rates(dataset: "Dataset", attribute: str) -> Tensor:
    """Return p_a = P(y = 1 | a) for each group of an attribute, (G,) float64.

    Parameters
    ----------
    dataset
        With two outcomes.
    attribute
        Name of a sensitive attribute, or of several crossed.

    Returns
    -------
    Tensor
        NaN for a group of an intersection that has no row.

    Examples
    --------
    >>> from fairtutor.data import load
    >>> [round(p, 3) for p in base_rates(load("adult"), "sex").tolist()]
    [0.109, 0.304]
    """
    codes, labels = dataset.groups(attribute)
    positive = torch.bincount(codes, dataset.y.double(), minlength=len(labels))
    return positive / torch.bincount(codes, minlength=len(labels))


def _in_x(dataset: "Dataset", columns: Iterable[str]) -> list[str]:
    return [column for column in columns if column in dataset.feature_columns]


def _kept(names: tuple[str, ...], kept: list[bool]) -> tuple[str, ...]:
    return tuple(name for name, keep in zip(names, kept, strict=True) if keep)
