"""Errors in plain language: what was wrong, where, and what to write instead."""

from collections.abc import Iterable
from difflib import get_close_matches


class FairtutorError(ValueError):
    """Something the caller can put right; the message says how."""


class Refused(FairtutorError):  # noqa: N818
    """The regulator does not accept what it was handed; the message is the reason."""


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Return a sentence that offers the nearest valid name, then all of them.

    Parameters
    ----------
    name
        What was asked for.
    valid
        The names that exist.

    Returns
    -------
    str
        For example ``"Did you mean 'adult'? Valid: 'adult', 'german'."``

    Examples
    --------
    >>> did_you_mean("adlut", ["adult", "german"])
    "Did you mean 'adult'? Valid: 'adult', 'german'."
    >>> did_you_mean("?", ["adult", "german"])
    "Valid: 'adult', 'german'."
    """
    options = list(valid)
    by_lower_case = {option.lower(): option for option in options}
    asked = str(name)[:100].lower()  # it may be a megabyte of somebody's document
    near = get_close_matches(asked, by_lower_case, n=1)
    listing = f"Valid: {', '.join(repr(option) for option in options)}."
    return f"Did you mean {by_lower_case[near[0]]!r}? {listing}" if near else listing
