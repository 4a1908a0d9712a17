"""The files that ship with the library, and the check that they are whole."""

import hashlib
import io
import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.errors import FairtutorError

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class File:
    """An embedded file: its path inside ``fairtutor/data`` and its SHA-256."""

    path: str
    sha256: str


EMBEDDED = {
    "adult": File(
        "adult/adult.csv.xz",
        "77b5d32d1ca6e2f827a6201f103b82b5d77632b85f6f5d8476a0ef20076acb30",
    ),
    "compas": File(
        "compas/compas.csv.xz",
        "4f80cc2b5815316547ec1e039279bcee673c98cbcdefbdc8beed41dd110b739f",
    ),
    "german": File(
        "german/german.csv.xz",
        "34fe7747fb2eb3e64aa657091e5ec9c76de5dc535987e82a31215c66daeaa92b",
    ),
    "loans": File(
        "loans/loans.csv.xz",
        "070763e695ace5723ee9f2f0dd790cbacb25f73e9742b35bb16910bd00d6d8e4",
    ),
    "digits": File(
        "digits/digits.npy.xz",
        "287b32eba2048f74474795b9d435c572a9c30bf8397dbd459cea66a452b62374",
    ),
}


def check_sum(path: str, content: bytes, sha256: str) -> None:
    """Refuse content whose SHA-256 is not the known one.

    Raises
    ------
    FairtutorError

    Examples
    --------
    >>> check_sum("a.csv", b"changed", "0" * 64)
    Traceback (most recent call last):
        ...
    fairtutor.exchange.errors.FairtutorError: a.csv is damaged or was changed: its \
SHA-256 begins with d67e9d67, not 00000000.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise FairtutorError(
            f"{path} is damaged or was changed: its SHA-256 begins with {found[:8]}, "
            f"not {sha256[:8]}."
        )


def read(name: str) -> bytes:
    """Return the content of an embedded file, decompressed and checked.

    Parameters
    ----------
    name
        Data set.

    Raises
    ------
    FairtutorError
        If the file is missing or not the one that was published.

    Examples
    --------
    >>> read("adult")[:13]
    b'age,workclass'
    """
    file = EMBEDDED[name]
    path = FOLDER / file.path
    fix = "Install fairtutor again, or run python -m fairtutor.data.rebuild."
    if not path.is_file():
        raise FairtutorError(f"The file of data set {name!r} is gone: {path}. {fix}")
    content = path.read_bytes()
    try:
        check_sum(str(path), content, file.sha256)
    except FairtutorError as error:
        raise FairtutorError(f"{error} {fix}") from None
    return lzma.decompress(content)


def read_csv(name: str) -> "pd.DataFrame":
    """Return an embedded table: texts as texts, an empty field as missing.

    Examples
    --------
    >>> read_csv("adult").shape
    (48842, 15)
    """
    import pandas as pd

    content = io.BytesIO(read(name))
    return pd.read_csv(content, keep_default_na=False, na_values=[""])
