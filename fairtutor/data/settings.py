"""The same rows with some columns set to other values, everything else unchanged."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError
from .splits import is_audit

if TYPE_CHECKING:
    from .dataset import Dataset

MAX_SETTINGS = 1000


@dataclass(frozen=True, eq=False)
class Settings:
    """Values of some columns, encoded, ready to be written into rows.

    Parameters
    ----------
    features : Tensor of int64, shape (k,)
        Which features of X are written.
    values : Tensor of float32, shape (S, k)
        One row for each setting.
    labels
        The S settings in words, such as ``"sex=Female, race=Black"``.

    Examples
    --------
    >>> from fairtutor.data import load
    >>> adult = load("adult")
    >>> sex = adult.settings(["sex"])
    >>> sex.labels
    ('sex=Female', 'sex=Male')
    >>> [int(X[:, sex.features[0]].sum()) for X in sex.apply(adult.X[:9])]
    [9, 0]
    """

    features: Tensor
    values: Tensor
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    def apply(self, X: Tensor) -> Iterator[Tensor]:
        """Yield a copy of the rows, (n, d), under each of the S settings."""
        for values in self.values:
            changed = X.clone()
            changed[:, self.features] = values
            yield changed


def settings_of(dataset: "Dataset", names: list[str]) -> Settings:
    """Return all combinations of values; see :meth:`fairtutor.data.Dataset.settings`.

    Examples
    --------
    >>> from fairtutor.data import load
    >>> len(settings_of(load("adult"), ["sex", "race"]))
    10
    """
    single = [_of_one(dataset, name) for name in dict.fromkeys(names)]
    number = prod(map(len, single))
    if number > MAX_SETTINGS:
        raise FairtutorError(
            f"{' and '.join(names)} have {number:,} combinations of values; at most "
            f"{MAX_SETTINGS:,} are set. Name fewer columns."
        )
    chosen = list(product(*(range(len(one)) for one in single)))
    return Settings(
        torch.cat([one.features for one in single]),
        torch.stack(
            [
                torch.cat([one.values[i] for one, i in zip(single, which, strict=True)])
                for which in chosen
            ]
        ),
        tuple(
            ", ".join(one.labels[i] for one, i in zip(single, which, strict=True))
            for which in chosen
        ),
    )


def _of_one(dataset: "Dataset", name: str) -> Settings:
    """Return every value of one column (or attribute) outside the audit batches."""
    features = dataset.columns_mask(name).nonzero().ravel()
    if not len(features):
        raise FairtutorError(
            f"{name!r} was left out of X: no model sees it, and setting it changes "
            "nothing."
        )
    rows = torch.cat([i for s, i in dataset.splits.items() if not is_audit(s)])
    values, where = torch.unique(
        dataset.X[rows][:, features], dim=0, return_inverse=True
    )
    example = torch.full((len(values),), len(dataset), device=rows.device)
    example.scatter_reduce_(0, where, rows, "amin")  # a row with each of the values
    labels = [_label(dataset, row, features.tolist()) for row in example.tolist()]
    order = sorted(range(len(values)), key=lambda i: labels[i])
    return Settings(features, values[order], tuple(labels[i][1] for i in order))


def _label(dataset: "Dataset", row: int, features: list[int]) -> tuple[tuple, str]:
    """Return what to sort a value by, and the value in words."""
    raw = {
        at: float(dataset._numeric[row, k])
        for k, at in enumerate(dataset._numeric_at.tolist())
        if at in features
    }
    numbers = {at: value for at, value in raw.items() if value == value}
    hot = [at for at in features if at not in raw and dataset.X[row, at] == 1]
    words = [f"{dataset.feature_names[at]}={value:g}" for at, value in numbers.items()]
    words += [dataset.feature_names[at] for at in hot]
    return (hot, list(numbers.values())), ", ".join(words)
