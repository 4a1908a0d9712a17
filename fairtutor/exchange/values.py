"""What each value of a criteria document may be; the schema is made of the same."""

import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real

from .errors import FairtutorError, did_you_mean
from .metrics import DISTANCES, INTERVALS

MAX_CRITERIA = 100
MAX_ATTRIBUTES = 10  # of one intersection
MAX_TEXT = 200  # characters of a name

_shortened = reprlib.Repr()
_shortened.maxstring = _shortened.maxother = 60


class InvalidValue(FairtutorError):  # noqa: N818
    """A value of a document is wrong.

    Attributes
    ----------
    path
        Where it stands, such as ``"tolerance"`` or ``"criteria[1].tolerance"``.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True)
class Number:
    """The numbers from ``low`` to ``high``, or only the whole ones.

    Examples
    --------
    >>> str(Number(1, 100, whole=True))
    'a whole number from 1 to 100'
    """

    low: float
    high: float
    whole: bool = False

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {_written(self.low)} to {_written(self.high)}"

    def holds(self, value: object) -> bool:
        """Return whether a value is one of them; True and False are no numbers.

        Examples
        --------
        >>> [Number(0, 1).holds(value) for value in (0.5, 1, 2, True, "1")]
        [True, True, False, False, False]
        """
        kind = Integral if self.whole else Real
        number = isinstance(value, kind) and not isinstance(value, bool)
        return number and bool(self.low <= value <= self.high)

    def nearest(self, value: object) -> float | None:
        """Return the number nearest to a value, None if the value is none at all.

        Examples
        --------
        >>> Number(0, 1).nearest(1.5), Number(1, 9, whole=True).nearest("2.2")
        (1, 2)
        """
        try:
            number = value if isinstance(value, int) else float(value)
        except (TypeError, ValueError):
            return None
        if isinstance(value, bool) or number != number:  # NaN
            return None
        clipped = min(max(number, self.low), self.high)
        return round(clipped) if self.whole else clipped


TOLERANCE = Number(0, 1)
NUMBERS: Mapping[str, Number] = {
    "confidence": Number(0.5, 0.9999),
    "rounds": Number(1, 1000, whole=True),
    "threshold": Number(0, 1),
    "min_group_size": Number(1, 1_000_000, whole=True),
    "neighbours": Number(1, 10_000, whole=True),
    "lipschitz": Number(0, 1_000_000),
    "cells": Number(1, 10_000, whole=True),
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "distance": DISTANCES,
    "intervals": INTERVALS,
}


def require_number(what: str, value: object, allowed: Number, path: str) -> float:
    """Return a number that is allowed, equal ones written alike, as fingerprints need.

    Raises
    ------
    InvalidValue
        It is none; the message names the range and the nearest valid value.

    Examples
    --------
    >>> require_number("rounds", 3, Number(1, 9, whole=True), "rounds")
    3
    """
    if allowed.holds(value):
        return int(value) if allowed.whole else float(value) + 0.0  # no −0.0
    near = allowed.nearest(value)
    hint = "" if near is None else f" The nearest valid value is {_written(near)}."
    raise InvalidValue(f"{what} is {shown(value)}; use {allowed}.{hint}", path)


def require_choice(what: str, value: object, known: Iterable[str]) -> None:
    """Accept one of several names.

    Raises
    ------
    InvalidValue
        It is another one; the message has the nearest.

    Examples
    --------
    >>> require_choice("distance", "euclidean", ["euclidean"])
    """
    known = tuple(known)
    if not isinstance(value, str) or value not in known:
        raise InvalidValue(
            f"There is no {what} {shown(value)}. {did_you_mean(value, known)}", what
        )


def is_text(value: object, least: int = 0) -> bool:
    r"""Return whether a value is a name: text of bounded length that can be written.

    Examples
    --------
    >>> [is_text(value, 1) for value in ("sex", "", 5, "x" * 1000, "\ud800")]
    [True, False, False, False, False]
    """
    return (
        isinstance(value, str)
        and least <= len(value) <= MAX_TEXT
        and not any("\ud800" <= character <= "\udfff" for character in value)
    )


def shown(value: object) -> str:
    """Return a value as an error message can show it, however large it is.

    Examples
    --------
    >>> shown("sex"), len(shown("x" * 10_000))
    ("'sex'", 60)
    """
    return _shortened.repr(value)


def _written(number: float) -> str:
    return f"{number:g}" if number != int(number) else str(int(number))
