"""Real data sets that ship with the library: ``load("adult")`` gives a `Dataset`."""

import torch

from ..exchange.errors import FairtutorError, did_you_mean
from .dataset import Dataset
from .parts import Attribute, Rows
from .targets import ADULT_TASKS, COMPAS_TASKS, Target, base_rates
from .words import GivenNames, given_names

__all__ = [
    "ADULT_TASKS",
    "COMPAS_TASKS",
    "Attribute",
    "Dataset",
    "GivenNames",
    "Rows",
    "Target",
    "base_rates",
    "given_names",
    "load",
    "names",
    "verify",
]


def names() -> tuple[str, ...]:
    """Return the names that `load` knows.

    Examples
    --------
    >>> names()
    ('adult', 'compas', 'german', 'loans', 'digits', 'words', \
'acs_income')
    """
    from .embedded import EMBEDDED

    return (*EMBEDDED, "acs_income")


def load(name: str, device: str | torch.device | None = None) -> Dataset:
    """Return a data set.

    Parameters
    ----------
    name
        One of `names`. All are embedded but ``"acs_income"``, which is fetched through
        fairlearn when it is asked for the first time.
    device
        Where the tensors go; by default the CPU.

    Returns
    -------
    Dataset
        Its tensors are your own: writing to them changes no later `load`.

    Raises
    ------
    FairtutorError
        If there is no data set of this name, its file is damaged, or it cannot be
        fetched.

    Examples
    --------
    >>> load("german")
    Dataset('german': 1,000 rows, 61 features; target 'credit'; sensitive: sex (2), \
age_group (2); 2 audit batches)
    """
    from . import acs, catalogue, digits, words

    if name not in names():
        raise FairtutorError(f"No data set {name!r}. {did_you_mean(name, names())}")
    if name == "acs_income":
        dataset = acs.build_acs_income()
    elif name == "digits":
        dataset = digits.build_digits()
    elif name == "words":
        dataset = words.build_words()
    else:
        dataset = catalogue.build_embedded(name)
    yours = dataset.copy()
    return yours if device is None else yours.to(device)


def verify(name: str) -> None:
    """Check that the file of an embedded data set is the one that was published.

    Raises
    ------
    FairtutorError
        If it is missing, damaged or changed.

    Examples
    --------
    >>> verify("adult")
    """
    from .embedded import read

    read(name)
