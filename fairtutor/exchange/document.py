"""Reading a criteria document: whatever is wrong, where it stands and what would do."""

import json
from dataclasses import fields
from typing import Any

from .criteria import Criterion, FairnessCriteria
from .errors import did_you_mean
from .metrics import METRICS
from .values import MAX_TEXT, NUMBERS, TOLERANCE, InvalidValue, shown

MAX_CHARACTERS = 2 * 2**20  # more than the largest valid document takes

REQUIRED = {"metric": "one of the metrics' names", "tolerance": str(TOLERANCE)}


def read_criteria(text: str) -> FairnessCriteria:
    """Read a document that a person or a program wrote.

    Parameters
    ----------
    text
        JSON.

    Returns
    -------
    FairnessCriteria

    Raises
    ------
    InvalidValue
        The text is no JSON, too long or nested too deeply, has a key twice or one
        that is not known, or a value is not valid. ``path`` says where.

    Examples
    --------
    >>> read_criteria('{"criteria": [], "confidense": 0.9}')
    Traceback (most recent call last):
        ...
    fairtutor.exchange.values.InvalidValue: confidense: There is no key 'confidense' \
in the criteria. Did you mean 'confidence'? ...
    """
    document, repeated = _parse(text)
    _require_keys(document, FairnessCriteria, "", "the criteria", repeated)
    entries = document.get("criteria", [])
    if not isinstance(entries, list):
        raise _at(
            "", InvalidValue("'criteria' must be a list of criteria.", "criteria")
        )
    document["criteria"] = [
        _read_criterion(entry, f"criteria[{position}]", repeated)
        for position, entry in enumerate(entries)
    ]
    for key, allowed in NUMBERS.items():
        value = document.get(key)
        if allowed.whole and isinstance(value, float) and value.is_integer():
            document[key] = int(value)  # in JSON, 2 and 2.0 are one number
    try:
        return FairnessCriteria(**document)
    except InvalidValue as error:
        raise _at("", error) from None


def _read_criterion(entry: object, path: str, repeated: list) -> Criterion:
    _require_keys(entry, Criterion, path, "a criterion", repeated)
    for key, what in REQUIRED.items():
        if key not in entry:
            known = f" {did_you_mean('', METRICS)}" if key == "metric" else ""
            raise InvalidValue(
                f"{path}.{key}: This criterion is incomplete: it has no {key!r}; give "
                f"{what}.{known}",
                f"{path}.{key}",
            )
    try:
        return Criterion(**entry)
    except InvalidValue as error:
        raise _at(f"{path}.", error) from None


def _parse(text: object) -> tuple[Any, list[tuple[dict, str]]]:
    """Return the parsed document, and each object in it that has a key twice."""
    if not isinstance(text, str):
        raise InvalidValue(f"The criteria are {type(text).__name__}, not JSON text.")
    if len(text) > MAX_CHARACTERS:
        raise InvalidValue(
            f"The document has {len(text):,} characters; at most {MAX_CHARACTERS:,} "
            "are taken."
        )
    repeated: list[tuple[dict, str]] = []

    def collect(pairs: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(pairs)
        if len(made) < len(pairs):
            keys = [key for key, _ in pairs]
            repeated.append((made, next(key for key in keys if keys.count(key) > 1)))
        return made

    try:
        return json.loads(text, object_pairs_hook=collect), repeated
    except ValueError as error:
        raise InvalidValue(f"The criteria are not valid JSON: {error}.") from None
    except RecursionError:
        raise InvalidValue(
            "The document is nested too deeply; criteria are a list of flat entries."
        ) from None


def _require_keys(
    document: object, kind: type, path: str, what: str, repeated: list
) -> None:
    here = f"{path}: " if path else ""
    if not isinstance(document, dict):
        start = f"{here}A criterion" if path else "The criteria"
        raise InvalidValue(f"{start}: expected keys and values in braces.", path)
    known = [field.name for field in fields(kind)]
    before = f"{path}." if path else ""
    for key in document:
        if key not in known:
            raise _at(
                before,
                InvalidValue(
                    f"There is no key {shown(key)} in {what}. "
                    f"{did_you_mean(key, known)}",
                    key[:MAX_TEXT],
                ),
            )
    for owner, key in repeated:
        if owner is document:
            raise _at(
                before,
                InvalidValue(f"The key {key!r} stands twice; keep one of them.", key),
            )


def _at(before: str, error: InvalidValue) -> InvalidValue:
    """Return the error with its place in the document in front."""
    path = before + error.path
    return InvalidValue(f"{path}: {error}", path)
