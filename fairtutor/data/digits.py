"""5,000 handwritten digits: images, for what is not about people."""

import io
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from .catalogue import about, description
from .dataset import Dataset
from .embedded import read
from .parts import Table
from .splits import draw_splits

if TYPE_CHECKING:
    import pandas as pd

SIDE = 28
PIXELS = tuple(f"pixel {r},{c}" for r in range(SIDE) for c in range(SIDE))


def pixels_and_digits() -> np.ndarray:
    """Return the original bytes, shape (5000, 785): 784 pixels 0 to 255, the digit.

    Examples
    --------
    >>> pixels_and_digits().shape
    (5000, 785)
    """
    return np.load(io.BytesIO(read("digits")), allow_pickle=False)


def read_digits() -> "pd.DataFrame":
    """Return the original rows: 784 pixels from 0 to 255, and ``digit``.

    Examples
    --------
    >>> read_digits().columns[-1]
    'digit'
    """
    import pandas as pd

    return pd.DataFrame(pixels_and_digits(), columns=[*PIXELS, "digit"])


@cache
def build_digits() -> Dataset:
    """Return the digits, pixels in [0, 1] and not standardised; built once.

    A picture has one unit for all its pixels; scaling each by its own spread would
    blow up the pixels that hardly ever carry ink.

    Examples
    --------
    >>> digits = build_digits()
    >>> digits.X.min().item(), digits.X.max().item(), len(digits.outcomes)
    (0.0, 1.0, 10)
    """
    values = pixels_and_digits()
    nobody = np.empty((len(values), 0), dtype=np.int64)
    dataset = Dataset(
        **description("digits"),
        X=torch.from_numpy(values[:, :-1].astype(np.float32) / 255),
        y=torch.from_numpy(values[:, -1].astype(np.int64)),
        A=torch.from_numpy(nobody),
        feature_names=PIXELS,
        feature_columns=PIXELS,
        attributes=(),
        target="digit",
        outcomes=tuple(str(digit) for digit in range(10)),
        splits={},
        units=dict.fromkeys(PIXELS, "ink, 0 to 1"),
        _numeric=np.empty((len(values), 0)),
        _numeric_at=np.empty(0, dtype=np.int64),
        _table=Table(read=read_digits),
    )
    return dataset._with_splits(
        draw_splits(about("digits")["sizes"], nobody, (), seed=0)
    )
