"""The data set every entity works on: rows, sensitive attributes, fixed splits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..exchange.errors import FairtutorError, did_you_mean
from .parts import Attribute, Rows, Table
from .settings import Settings, settings_of
from .splits import is_audit
from .views import Views

if TYPE_CHECKING:
    import pandas as pd

INTERSECTION = " × "


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Dataset(Views):
    """Real data with its sensitive attributes, its fixed splits and where it is from.

    Make one with :func:`fairtutor.data.load` or :meth:`Dataset.from_frame`.

    Parameters
    ----------
    name, title
        A short name and a line that says what the data are.
    X : Tensor of float32, shape (n, d)
        Features: numeric columns standardised with the mean and standard deviation of
        the encoder and train rows (``digits``: pixels in [0, 1], not standardised),
        categories one-hot, missing values as a category of their own.
    y : Tensor of int64, shape (n,)
        Outcomes: 0 or 1, where 1 is ``outcomes[1]``; ``digits``: 0 to 9.
    A : Tensor of int64, shape (n, a)
        Group codes: column j belongs to ``attributes[j]``.
    feature_names, feature_columns
        For each of the d features its name (``"sex=Female"``) and source column.
    attributes
        The a sensitive attributes.
    target, outcomes
        The column that y was made from, and the names of its values.
    splits
        Row numbers by split: ``"encoder"``, ``"train"``, ``"validation"``, ``"test"``
        and ``"audit 1"`` ... ``"audit R"``. Disjoint, and together all rows.
    row_is, source, licence, citation, criticism
        What a row is, where it comes from, and what is known to be wrong with it.
    units
        Units by source column.
    judgements
        By split, an arbiter's triplets; see :meth:`with_judgements`.

    Examples
    --------
    >>> from fairtutor.data import load
    >>> adult = load("adult")
    >>> adult.X.shape, adult.outcomes, [a.name for a in adult.attributes]
    (torch.Size([48842, 107]), ('<=50K', '>50K'), ['sex', 'race'])
    """

    name: str
    title: str
    X: Tensor
    y: Tensor
    A: Tensor
    feature_names: tuple[str, ...]
    feature_columns: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    target: str
    outcomes: tuple[str, ...]
    splits: dict[str, Tensor]
    row_is: str = "one row of your table"
    source: str = "your own table"
    licence: str = "yours"
    citation: str = ""
    criticism: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    judgements: Mapping[str, Tensor] = field(default_factory=dict)
    _numeric: np.ndarray
    _numeric_at: np.ndarray
    _table: Table

    @classmethod
    def from_frame(
        cls,
        df: "pd.DataFrame",
        *,
        target: str,
        sensitive: Iterable[str],
        positive: object = None,
        drop: Iterable[str] = (),
        name: str = "your data",
        audits: int | None = None,
        seed: int = 0,
        units: Mapping[str, str] | None = None,
    ) -> "Dataset":
        """Make a data set of your own table; it then works wherever ours do.

        Parameters
        ----------
        df : pandas.DataFrame, shape (n, columns)
            One row for each person, loan, ...; numbers, texts, booleans or categories;
            missing values are allowed everywhere but in the target.
        target
            The column to predict; it has exactly two values.
        sensitive
            The columns that say which groups people belong to.
        positive
            Which value of the target is the positive outcome. Needed unless the values
            are False/True or 0/1.
        drop
            Columns that stay in ``table`` but out of X, such as names or identifiers.
        name
            What to call the data set.
        audits
            Number of audit batches; by default one for every 500 rows, 1 to 5.
        seed
            Seed of the splits.
        units
            Units by column, for axis labels.

        Returns
        -------
        Dataset

        Raises
        ------
        FairtutorError
            If a column does not exist or appears twice, the target is missing in some
            rows or does not have two values, a number is infinite, a group has no row
            (in some split), or a sensitive column has too many values to be groups.

        Examples
        --------
        >>> import pandas as pd
        >>> df = pd.DataFrame({
        ...     "größe": range(100), "gruppe": list("äöü-") * 25, "ja": [0, 1] * 50})
        >>> Dataset.from_frame(df, target="ja", sensitive=["gruppe"]).feature_names
        ('größe', 'gruppe=-', 'gruppe=ä', 'gruppe=ö', 'gruppe=ü')
        """
        from .frame import build

        return build(
            df,
            target=target,
            positive=positive,
            sensitive=sensitive,
            drop=drop,
            audits=audits,
            seed=seed,
            about={"name": name, "title": name, "units": dict(units or {})},
        )

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        groups = ", ".join(f"{a.name} ({len(a.groups)})" for a in self.attributes)
        return (
            f"Dataset({self.name!r}: {len(self):,} rows, {self.X.shape[1]} features; "
            f"target {self.target!r}; sensitive: {groups or 'none'}; "
            f"{self.num_audits} audit batches)"
        )

    def _repr_html_(self) -> str:
        from .card import card

        return card(self)

    @property
    def table(self) -> "pd.DataFrame":
        """A copy of the original rows, all columns, missing values as NaN.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> int(load("adult").table["occupation"].isna().sum())
        2809
        """
        return self._table.get()

    @property
    def num_audits(self) -> int:
        """Number of audit batches.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> load("adult").num_audits
        5
        """
        return sum(is_audit(split) for split in self.splits)

    def rows(self, split: str) -> Rows:
        """Return the rows of one split.

        Raises
        ------
        FairtutorError
            If there is no split of this name (here).

        Examples
        --------
        >>> from fairtutor.data import load
        >>> load("adult").rows("train").X.shape
        torch.Size([15000, 107])
        """
        if split not in self.splits:
            gone = is_audit(str(split)) and not self.num_audits
            hint = " This view holds no audit rows: only the regulator has them."
            raise FairtutorError(
                f"{self.name!r} has no split {split!r}.{hint if gone else ''} "
                + did_you_mean(split, self.splits)
            )
        i = self.splits[split]
        return Rows(self.X[i], self.y[i], self.A[i], i)

    def all(self) -> Rows:
        """Return all rows.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> len(load("german").all())
        1000
        """
        index = torch.arange(len(self), device=self.X.device)
        return Rows(self.X, self.y, self.A, index)

    def attribute_index(self, name: str) -> int:
        """Return which column of A belongs to the sensitive attribute ``name``.

        Raises
        ------
        FairtutorError
            If ``name`` is not a sensitive attribute of this data set.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> load("adult").attribute_index("race")
        1
        """
        names = [attribute.name for attribute in self.attributes]
        if name in names:
            return names.index(name)
        if not names:
            raise FairtutorError(f"{self.name!r} has no sensitive attributes.")
        raise FairtutorError(
            f"{self.name!r} has no sensitive attribute {name!r}. "
            + did_you_mean(name, names)
        )

    def attribute(self, name: str) -> Attribute:
        """Return the sensitive attribute ``name``; errors as `attribute_index`.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> load("adult").attribute("sex").groups
        ('Female', 'Male')
        """
        return self.attributes[self.attribute_index(name)]

    def groups(self, names: str | Iterable[str]) -> tuple[Tensor, tuple[str, ...]]:
        """Return each row's group in one attribute, or in an intersection of several.

        Parameters
        ----------
        names
            ``"sex"``, or ``("sex", "race")``, or ``"sex × race"``.

        Returns
        -------
        codes : Tensor of int64, shape (n,)
            The group of each row.
        labels : tuple of str
            Names of the groups. Of an intersection, all combinations, in the same
            order for every view of the data, also those that have no row.

        Raises
        ------
        FairtutorError
            If a name is not a sensitive attribute, or there is none.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> codes, labels = load("adult").groups(("sex", "race"))
        >>> labels[2], int((codes == 2).sum())
        ('Female × Black', 2308)
        """
        columns = [self.attribute_index(name) for name in self.single_names(names)]
        if not columns:
            raise FairtutorError("groups() needs the name of at least one attribute.")
        codes = [(self.A[:, j], self.attributes[j].groups) for j in columns]
        return reduce(_cross, codes)

    def single_names(self, names: str | Iterable[str]) -> list[str]:
        """Return the single names in ``"sex × race"``, or in several of such names.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> load("adult").single_names(["sex × race", "age"])
        ['sex', 'race', 'age']
        """
        whole = {*(attribute.name for attribute in self.attributes)}
        whole |= set(self.feature_columns)
        parts = [
            [name] if name in whole else name.split(INTERSECTION)
            for name in ([names] if isinstance(names, str) else names)
        ]
        return list(dict.fromkeys(chain.from_iterable(parts)))

    def settings(self, names: str | Iterable[str]) -> Settings:
        """Return all combinations of the values of some columns, to set rows to.

        Parameters
        ----------
        names
            Sensitive attributes or source columns. Each contributes every value that
            occurs outside the audit batches, numbers and missing values included; an
            attribute the values of the columns it was made from.

        Returns
        -------
        Settings
            The product of these values, also combinations that nobody has.

        Raises
        ------
        FairtutorError
            If X has no feature from a column, or there are too many combinations.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> load("adult").settings(["sex", "relationship"]).labels[1]
        'sex=Female, relationship=Not-in-family'
        """
        return settings_of(self, self.single_names(names))

    def columns_mask(self, columns: str | Iterable[str]) -> Tensor:
        """Return which features come from these source columns.

        Parameters
        ----------
        columns
            Source columns; the name of a sensitive attribute stands for the columns it
            was made from.

        Returns
        -------
        Tensor of bool, shape (d,)

        Raises
        ------
        FairtutorError
            If X has no feature from one of these columns.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> int(load("adult").columns_mask(["sex", "race"]).sum())
        7
        """
        columns = [columns] if isinstance(columns, str) else list(columns)
        made_of = {a.name: a.columns for a in self.attributes}
        known = dict.fromkeys([*self.feature_columns, *made_of])
        for column in columns:
            if column not in known:
                raise FairtutorError(
                    f"No feature of {self.name!r} comes from a column {column!r}. "
                    + did_you_mean(column, known)
                )
        chosen = {c for column in columns for c in made_of.get(column, (column,))}
        mask = [column in chosen for column in self.feature_columns]
        return torch.tensor(mask, dtype=torch.bool, device=self.X.device)


def _cross(left: tuple, right: tuple) -> tuple[Tensor, tuple[str, ...]]:
    """Return codes and labels of the intersection of two ways to group the rows."""
    (codes, labels), (more_codes, more_labels) = left, right
    names = (f"{a}{INTERSECTION}{b}" for a in labels for b in more_labels)
    return codes * len(more_labels) + more_codes, tuple(names)
