"""What a data set is made of: sensitive attributes, rows, and the original table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Attribute:
    """A sensitive attribute: its name, its groups, the columns it was made from.

    Parameters
    ----------
    name
        For example ``"sex"``.
    groups
        Names of the groups; code k in ``Dataset.A`` is ``groups[k]``.
    columns
        Source columns that determine the group; by default the one of the same name.

    Examples
    --------
    >>> Attribute("sex", ("Female", "Male")).columns
    ('sex',)
    """

    name: str
    groups: tuple[str, ...]
    columns: tuple[str, ...] = ()

    def __post_init__(self):
        if not self.columns:
            object.__setattr__(self, "columns", (self.name,))


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a data set.

    Parameters
    ----------
    X : Tensor of float32, shape (n, d)
        Features.
    y : Tensor of int64, shape (n,)
        Outcomes; 1 is the positive one.
    A : Tensor of int64, shape (n, a)
        Group codes, one column for each sensitive attribute.
    index : Tensor of int64, shape (n,)
        Where the rows stand in the data set they came from.

    Examples
    --------
    >>> from fairtutor.data import load
    >>> len(load("german").rows("audit 1"))
    100
    """

    X: Tensor
    y: Tensor
    A: Tensor
    index: Tensor

    def __len__(self) -> int:
        return len(self.y)

    def to(self, device: str | torch.device) -> "Rows":
        """Return these rows on another device.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> load("german").rows("test").to("cpu").X.device
        device(type='cpu')
        """
        return Rows(*(t.to(device) for t in (self.X, self.y, self.A, self.index)))


@dataclass
class Table:
    """The original rows, read only when someone asks for them."""

    read: Callable[[], "pd.DataFrame"] | None = None
    rows: np.ndarray | None = None
    frame: "pd.DataFrame | None" = None

    def get(self) -> "pd.DataFrame":
        """Return a copy of the rows, numbered from 0."""
        if self.frame is None:
            frame = self.read()
            kept = frame if self.rows is None else frame.iloc[self.rows]
            self.frame = kept.reset_index(drop=True)
        return self.frame.copy()

    def take(self, rows: np.ndarray) -> "Table":
        """Return a table that holds these rows and no others."""
        if self.frame is not None:
            return Table(frame=self.frame.iloc[rows].reset_index(drop=True))
        return Table(self.read, rows if self.rows is None else self.rows[rows])
