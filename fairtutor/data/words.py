"""Words with a sentiment, and given names, each as a vector learned from text."""

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from .catalogue import about, description
from .dataset import Dataset
from .embedded import read_csv
from .parts import Table
from .splits import draw_splits

if TYPE_CHECKING:
    import pandas as pd

DIMENSIONS = tuple(f"dimension {number}" for number in range(1, 51))
RACES = ("European American", "African American")
GENDERS = ("female", "male")


@dataclass(frozen=True, eq=False)
class GivenNames:
    """Given names that people read as somebody's race and gender.

    Attributes
    ----------
    X
        Vectors, (m, 50) float32.
    names
        In lower case, as the vectors have them.
    race, gender
        (m,) int64: positions in ``races`` and ``genders``; −1 where the list that a
        name is from does not say.
    races, genders
        The two lists' own words.
    """

    X: Tensor
    names: tuple[str, ...]
    race: Tensor
    gender: Tensor
    races: tuple[str, ...] = RACES
    genders: tuple[str, ...] = GENDERS

    def __len__(self) -> int:
        return len(self.names)


def given_names() -> GivenNames:
    """Return the given names of Caliskan et al. (2017) that GloVe has a vector for.

    They were chosen for psychological tests of what people associate with a name; they
    say nothing about the person who bears it.

    Returns
    -------
    GivenNames

    References
    ----------
    Caliskan, Bryson & Narayanan (2017), "Semantics derived automatically from language
    corpora contain human-like biases", Science 356. The lists are those of Greenwald,
    McGhee & Schwartz (1998), Bertrand & Mullainathan (2004) and Nosek, Banaji &
    Greenwald (2002).

    Examples
    --------
    >>> names = given_names()
    >>> len(names), [int((names.race == race).sum()) for race in (0, 1)]
    (120, [60, 48])
    """
    table = _rows(named=True)
    race, gender = (
        torch.tensor([known.index(value) if value in known else -1 for value in values])
        for known, values in ((RACES, table["race"]), (GENDERS, table["gender"]))
    )
    return GivenNames(_vectors(table), tuple(table["word"]), race, gender)


@cache
def build_words() -> Dataset:
    """Return the words of a sentiment lexicon; vectors as published, not standardised.

    Examples
    --------
    >>> words = build_words()
    >>> words.X.shape, words.outcomes
    (torch.Size([5453, 50]), ('negative', 'positive'))
    """
    table = _rows(named=False)
    nobody = np.empty((len(table), 0), dtype=np.int64)
    dataset = Dataset(
        **description("words"),
        X=_vectors(table),
        y=torch.from_numpy((table["valence"] > 0).to_numpy(dtype=np.int64)),
        A=torch.from_numpy(nobody),
        feature_names=DIMENSIONS,
        feature_columns=DIMENSIONS,
        attributes=(),
        target="sentiment",
        outcomes=("negative", "positive"),
        splits={},
        _numeric=np.empty((len(table), 0)),
        _numeric_at=np.empty(0, dtype=np.int64),
        _table=Table(read=partial(_rows, named=False)),
    )
    return dataset._with_splits(
        draw_splits(about("words")["sizes"], nobody, (), seed=0)
    )


def _rows(named: bool) -> "pd.DataFrame":
    """Return the names, or the words of the lexicon, in the order of the alphabet."""
    table = read_csv("words")
    chosen = table["valence"].isna() if named else table["valence"].notna()
    return table[chosen].reset_index(drop=True)


def _vectors(table: "pd.DataFrame") -> Tensor:
    return torch.from_numpy(table[list(DIMENSIONS)].to_numpy(dtype=np.float32))
