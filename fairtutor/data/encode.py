"""From columns to numbers: features, outcomes, groups; every refusal says the fix."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..exchange.errors import FairtutorError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

MISSING = "(missing)"
MAX_CATEGORIES = 200
MAX_GROUPS = 60
MAX_NUMERIC_GROUPS = 12


def text(value: object) -> str:
    """Return how a value is written as a category: whole floats without ``.0``.

    Examples
    --------
    >>> text(1.0), text(True), text("Köln")
    ('1', 'True', 'Köln')
    """
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def encode_categories(column: "pd.Series") -> tuple[np.ndarray, list[str]]:
    """Return codes (n,) and labels of a column; missing is the last label, if any.

    A pandas categorical keeps its own order, also of categories without a row; other
    values are sorted.

    Examples
    --------
    >>> import pandas as pd
    >>> codes, labels = encode_categories(pd.Series(["b", None, "a", "b"]))
    >>> codes.tolist(), labels
    ([1, 2, 0, 1], ['a', 'b', '(missing)'])
    """
    values = column.astype("category").cat
    codes = values.codes.to_numpy().astype(np.int64)
    written = [text(category) for category in values.categories]
    if (codes < 0).any():
        codes[codes < 0] = len(written)
        written.append(MISSING)
    labels = list(dict.fromkeys(written))
    if len(labels) < len(written):
        position = {label: k for k, label in enumerate(labels)}
        codes = np.array([position[label] for label in written])[codes]
    return codes, labels


def encode_target(
    column: "pd.Series", positive: object = None
) -> tuple[np.ndarray, tuple[str, str]]:
    """Return y (n,) of 0 and 1, and the names of the two outcomes.

    Raises
    ------
    FairtutorError
        If values are missing, there are not exactly two, or it is unclear which one is
        positive.

    Examples
    --------
    >>> import pandas as pd
    >>> y, outcomes = encode_target(pd.Series(["no", "yes", "no"]), positive="yes")
    >>> y.tolist(), outcomes
    ([0, 1, 0], ('no', 'yes'))
    """
    name, missing = column.name, int(column.isna().sum())
    if missing:
        raise FairtutorError(
            f"The target {name!r} is missing in {missing} of {len(column)} rows. Leave "
            f"these rows out: df.dropna(subset=[{name!r}])."
        )
    codes, labels = encode_categories(column)
    present = np.unique(codes)
    if len(present) != 2:
        shown = ", ".join(repr(labels[k]) for k in present[:5])
        more = ", ..." if len(present) > 5 else ""
        raise FairtutorError(
            f"The target {name!r} has {len(present)} different "
            f"value{'s' * (len(present) != 1)} ({shown}{more}); it must have exactly "
            f"two. For example: df[{name!r}] = df[{name!r}] == {labels[present[0]]!r}."
        )
    values = [labels[k] for k in present]
    if positive is None and values not in (["0", "1"], ["False", "True"]):
        raise FairtutorError(
            f"The target {name!r} has the values {values[0]!r} and {values[1]!r}: say "
            f"which one is the positive outcome, for example positive={values[1]!r}."
        )
    wanted = values[1] if positive is None else text(positive)
    if wanted not in values:
        raise FairtutorError(
            f"positive={positive!r} is not a value of the target {name!r}. "
            + did_you_mean(wanted, values)
        )
    negative = values[1 - values.index(wanted)]
    y = (codes == labels.index(wanted)).astype(np.int64)
    return y, (negative, wanted)


def encode_groups(column: "pd.Series") -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the group codes (n,) of a sensitive column, and the groups' names.

    Raises
    ------
    FairtutorError
        If the column is continuous, has one group only, or a group without rows.

    Examples
    --------
    >>> import pandas as pd
    >>> encode_groups(pd.Series([1.0, 0.0, None], name="minority"))[1]
    ('0', '1', '(missing)')
    """
    name, distinct = column.name, column.nunique()
    limit = MAX_NUMERIC_GROUPS if is_number(column) else MAX_GROUPS
    if distinct > limit and is_number(column):
        raise FairtutorError(
            f"The sensitive column {name!r} holds numbers, {distinct} different ones: "
            f"too many to be groups (at most {limit}). Cut it into bands first, for "
            f'example df["{name} band"] = pandas.qcut(df[{name!r}], 4).astype(str).'
        )
    if distinct > limit:
        raise FairtutorError(
            f"The sensitive column {name!r} has {distinct} different values: too many "
            f"to be groups (at most {limit}). Merge them into fewer groups first."
        )
    codes, labels = encode_categories(column)
    counts = np.bincount(codes, minlength=len(labels))
    if (counts == 0).any():
        empty = labels[int(np.argmin(counts))]
        raise FairtutorError(
            f"Group {empty!r} of the sensitive column {name!r} has no rows. Remove it: "
            f"df[{name!r}] = df[{name!r}].cat.remove_unused_categories()."
        )
    if len(labels) < 2:
        raise FairtutorError(
            f"The sensitive column {name!r} has one group only ({labels[0]!r}); there "
            "is nothing to compare it with."
        )
    return codes, tuple(labels)


@dataclass
class Features:
    """X with zeros where the standardised numbers go, and those numbers raw."""

    X: np.ndarray
    names: tuple[str, ...]
    columns: tuple[str, ...]
    numeric: np.ndarray
    numeric_at: np.ndarray


def encode_features(df: "pd.DataFrame") -> Features:
    """Return one-hot categories, raw numbers and indicators of missing numbers.

    Raises
    ------
    FairtutorError
        If no column is left, or one holds dates, infinite numbers or too many texts.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"age": [20, None], "home": ["own", "rent"]})
    >>> features = encode_features(df)
    >>> features.names
    ('age', 'age=(missing)', 'home=own', 'home=rent')
    >>> features.X.tolist(), features.numeric.tolist(), features.numeric_at.tolist()
    ([[0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]], [[20.0], [nan]], [0])
    """
    names, columns, numbers, numbers_at, hot = [], [], [], [], []
    for column in df.columns:
        start = len(names)
        if is_number(df[column]):
            values = numbers_of(df[column])
            numbers.append(values)
            numbers_at.append(start)
            missing = np.flatnonzero(np.isnan(values))
            new = [column] + [f"{column}={MISSING}"] * bool(len(missing))
            hot.append((missing, np.full(len(missing), start + 1)))
        else:
            codes, labels = encode_feature_categories(df[column])
            new = [f"{column}={label}" for label in labels]
            hot.append((np.arange(len(df)), start + codes))
        names += new
        columns += [column] * len(new)
    if not names:
        raise FairtutorError("No feature is left: every column is target or dropped.")
    X = np.zeros((len(df), len(names)), dtype=np.float32)
    for rows, at in hot:
        X[rows, at] = 1.0
    numeric = np.stack(numbers, axis=1) if numbers else np.empty((len(df), 0))
    where = np.array(numbers_at, dtype=np.int64)
    return Features(X, tuple(names), tuple(columns), numeric, where)


def is_number(column: "pd.Series") -> bool:
    """Return whether a column holds numbers; booleans and categories do not.

    Examples
    --------
    >>> import pandas as pd
    >>> is_number(pd.Series([1, 2])), is_number(pd.Series([True, False]))
    (True, False)
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return is_numeric_dtype(column) and not is_bool_dtype(column)


def numbers_of(column: "pd.Series") -> np.ndarray:
    """Return a numeric column as float64 (n,), missing as NaN, infinite refused.

    Raises
    ------
    FairtutorError

    Examples
    --------
    >>> import pandas as pd
    >>> numbers_of(pd.Series([1, None], dtype="Int64")).tolist()
    [1.0, nan]
    """
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = int(np.isinf(values).sum())
    if infinite:
        raise FairtutorError(
            f"Column {column.name!r} holds {infinite} infinite numbers. Make them "
            "missing first: df.replace([np.inf, -np.inf], np.nan)."
        )
    return values


def encode_feature_categories(column: "pd.Series") -> tuple[np.ndarray, list[str]]:
    """Return codes (n,) and labels of a feature column, without unused categories.

    Raises
    ------
    FairtutorError
        If the column holds dates, or so many texts that they must be identifiers.

    Examples
    --------
    >>> import pandas as pd
    >>> encode_feature_categories(pd.Series([True, False]))[1]
    ['False', 'True']
    """
    import pandas as pd

    if column.dtype.kind in "mM":
        raise FairtutorError(
            f"Column {column.name!r} holds dates or durations. Turn it into a number "
            f"(years, days) or leave it out of X with drop=[{column.name!r}]."
        )
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.remove_unused_categories()
    codes, labels = encode_categories(column)
    if len(labels) > MAX_CATEGORIES:
        raise FairtutorError(
            f"Column {column.name!r} has {len(labels)} different values, such as "
            f"{labels[0]!r}: too many for one feature each (at most {MAX_CATEGORIES}). "
            f"If it is a name or an identifier, leave it out of X with "
            f"drop=[{column.name!r}]; otherwise merge values first."
        )
    return codes, labels
