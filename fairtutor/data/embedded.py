"""The files that ship with the library, and the check that they are whole."""

import hashlib
import io
import lzma
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.errors import FairtutorError

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent


EMBEDDED = {
    "adult": "adult/adult.csv.xz",
    "compas": "compas/compas.csv.xz",
    "german": "german/german.csv.xz",
    "loans": "loans/loans.csv.xz",
    "digits": "digits/digits.npy.xz",
    "words": "words/words.csv.xz",
}


def sums(file: str) -> dict[str, str]:
    """Return the SHA-256 by path, from a list such as ``sha256sum`` writes.

    Parameters
    ----------
    file
        ``"SHA256SUMS"`` for the embedded files, ``"ORIGINALS.sha256"`` for what they
        are rebuilt from.

    Examples
    --------
    >>> len(sums("SHA256SUMS")["adult/adult.csv.xz"])
    64
    """
    lines = (FOLDER / file).read_text(encoding="utf-8").splitlines()
    return {path: sha256 for sha256, path in (line.split("  ", 1) for line in lines)}


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
SHA-256 begins with d67e2e94, not 00000000.
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
    path = FOLDER / EMBEDDED[name]
    fix = "Install fairtutor again, or run python -m fairtutor.data.rebuild."
    if not path.is_file():
        raise FairtutorError(f"The file of data set {name!r} is gone: {path}. {fix}")
    content = path.read_bytes()
    try:
        check_sum(str(path), content, sums("SHA256SUMS")[EMBEDDED[name]])
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
