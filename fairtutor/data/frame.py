"""From anybody's table to a data set; every refusal says the fix."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..exchange.errors import FairtutorError, did_you_mean
from .dataset import Dataset
from .encode import encode_features, encode_groups, encode_target
from .parts import Attribute, Table
from .splits import check_sizes, default_sizes, draw_splits

if TYPE_CHECKING:
    import pandas as pd


def build(
    df: "pd.DataFrame",
    *,
    target: str,
    sensitive: Iterable[str],
    positive: object = None,
    drop: Iterable[str] = (),
    audits: int | None = None,
    seed: int = 0,
    sizes: Mapping[str, int] | None = None,
    made_of: Mapping[str, tuple[str, ...]] | None = None,
    about: Mapping | None = None,
    table: Table | None = None,
) -> Dataset:
    """Make a data set of a table; see :meth:`Dataset.from_frame`.

    Parameters
    ----------
    df, target, sensitive, positive, drop, audits, seed
        As in :meth:`Dataset.from_frame`.
    sizes
        Rows per split; by default shared out by :func:`default_sizes`.
    made_of
        Source columns by sensitive attribute, where they differ.
    about
        The descriptive fields of :class:`Dataset`; at least ``name`` and ``title``.
    table
        The original rows, if they should be read again only when they are asked for.

    Returns
    -------
    Dataset

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"a": range(40), "g": list("xy") * 20, "t": [0, 1] * 20})
    >>> about = {"name": "tiny", "title": "Forty rows"}
    >>> build(df, target="t", sensitive=["g"], about=about).y[:4].tolist()
    [0, 1, 0, 1]
    """
    sensitive, drop = _listed(sensitive), _listed(drop)
    check_frame(df)
    check_columns(df, "target", [target])
    check_columns(df, "sensitive", sensitive)
    check_columns(df, "drop", drop)
    if target in sensitive:
        raise FairtutorError(
            f"{target!r} is the target and cannot be a sensitive attribute as well."
        )
    y, outcomes = encode_target(df[target], positive)
    groups = [encode_groups(df[column]) for column in sensitive]
    attributes = tuple(
        Attribute(name, labels, tuple((made_of or {}).get(name, ())))
        for name, (_, labels) in zip(sensitive, groups, strict=True)
    )
    codes = [column for column, _ in groups]
    A = np.stack(codes, axis=1) if codes else np.empty((len(df), 0), dtype=np.int64)
    used = [column for column in df.columns if column != target and column not in drop]
    features = encode_features(df[used])
    sizes = check_sizes(sizes, len(df)) if sizes else default_sizes(len(df), audits)
    dataset = Dataset(
        **(about or {}),
        X=torch.from_numpy(features.X),
        y=torch.from_numpy(y),
        A=torch.from_numpy(A),
        feature_names=features.names,
        feature_columns=features.columns,
        attributes=attributes,
        target=target,
        outcomes=outcomes,
        splits={},
        _numeric=features.numeric,
        _numeric_at=features.numeric_at,
        _table=table or Table(frame=df.reset_index(drop=True)),
    )
    return dataset._with_splits(draw_splits(sizes, A, attributes, seed))


def _listed(names: str | Iterable[str]) -> list[str]:
    """Return a list of names, also for a single name."""
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))


def check_frame(df: "pd.DataFrame") -> None:
    """Refuse what is not a table with rows and distinct column names of text.

    Raises
    ------
    FairtutorError

    Examples
    --------
    >>> import pandas as pd
    >>> check_frame(pd.DataFrame({"a": []}))
    Traceback (most recent call last):
        ...
    fairtutor.exchange.errors.FairtutorError: The table has no rows.
    """
    import pandas as pd

    if not isinstance(df, pd.DataFrame):
        raise FairtutorError(
            f"from_frame needs a pandas DataFrame, not a {type(df).__name__}."
        )
    if not len(df):
        raise FairtutorError("The table has no rows.")
    twice = df.columns[df.columns.duplicated()].unique().tolist()
    if twice:
        raise FairtutorError(
            f"Two or more columns are called {twice[0]!r}; rename or remove one."
        )
    for column in df.columns:
        if not isinstance(column, str):
            raise FairtutorError(
                f"Column {column!r} has a name that is not text. Write "
                "df.columns = df.columns.map(str) first."
            )


def check_columns(df: "pd.DataFrame", role: str, columns: Iterable[str]) -> None:
    """Refuse columns the table does not have, with the nearest name it has.

    Raises
    ------
    FairtutorError

    Examples
    --------
    >>> import pandas as pd
    >>> check_columns(pd.DataFrame({"sex": [0]}), "sensitive", ["sexx"])
    Traceback (most recent call last):
        ...
    fairtutor.exchange.errors.FairtutorError: sensitive: the table has no column \
'sexx'. Did you mean 'sex'? Valid: 'sex'.
    """
    for column in columns:
        if column not in df.columns:
            raise FairtutorError(
                f"{role}: the table has no column {column!r}. "
                + did_you_mean(column, df.columns)
            )
