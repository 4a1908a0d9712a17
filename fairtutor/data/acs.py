"""The successor of Adult, fetched online: ACS income of Ding et al. (2021)."""

import socket
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.errors import FairtutorError
from .dataset import Dataset
from .frame import build

if TYPE_CHECKING:
    import pandas as pd

HOST = "www.openml.org"
SECONDS = 5
STATE = "CA"
DROPPED = ("OCCP", "POBP")
ABOUT = {
    "name": "acs_income",
    "title": "ACS income: who earned more than $50,000 in California, 2018",
    "row_is": "one working person aged 17 or over in California, American Community "
    "Survey 2018",
    "source": "US Census Bureau, ACS PUMS 2018, as prepared by Ding et al. (2021) and "
    "fetched from OpenML through fairlearn",
    "licence": "US Census Bureau terms of service (public use microdata)",
    "citation": "Ding, F., Hardt, M., Miller, J. and Schmidt, L. (2021). Retiring "
    "Adult: New datasets for fair machine learning. NeurIPS 34",
    "criticism": "Results change from state to state and from year to year (Ding et "
    "al. 2021): one state in one year is no evidence for another.",
    "units": {"AGEP": "years", "SCHL": "level, 1 to 24", "WKHP": "hours a week"},
}
NAMES = {
    "SEX": {1: "Male", 2: "Female"},
    "RAC1P": {
        1: "White",
        2: "Black",
        3: "American Indian",
        4: "Alaska Native",
        5: "American Indian or Alaska Native, other",
        6: "Asian",
        7: "Pacific Islander",
        8: "Other",
        9: "Two or more",
    },
    "MAR": {
        1: "Married",
        2: "Widowed",
        3: "Divorced",
        4: "Separated",
        5: "Never married",
    },
    "COW": {
        1: "Private, for profit",
        2: "Private, not for profit",
        3: "Local government",
        4: "State government",
        5: "Federal government",
        6: "Self-employed, not incorporated",
        7: "Self-employed, incorporated",
        8: "Without pay",
        9: "Unemployed",
    },
}


@cache
def build_acs_income() -> Dataset:
    """Return ACS income of California, 2018; 195,665 rows, fetched once.

    X leaves out occupation and place of birth (OCCP, POBP: hundreds of codes each);
    they stay in ``table``.

    Returns
    -------
    Dataset

    Raises
    ------
    FairtutorError
        If fairlearn is not installed, or the data can be neither fetched nor found on
        disk.
    """
    return from_acs_frame(fetch())


def from_acs_frame(frame: "pd.DataFrame") -> Dataset:
    """Return the fetched table as a data set, codes written out in words.

    Parameters
    ----------
    frame
        The ten features of ACS income and ``PINCP``, income in US dollars.

    Returns
    -------
    Dataset
    """
    words = {
        column: frame[column].astype(float).astype(int).map(names)
        for column, names in NAMES.items()
    }
    relation = frame["RELP"].astype(float).astype(int).astype(str)
    over = (frame["PINCP"].astype(float) > 50_000).map({True: ">50K", False: "<=50K"})
    table = frame.assign(**words, RELP=relation, income=over).reset_index(drop=True)
    return build(
        table,
        target="income",
        positive=">50K",
        sensitive=("SEX", "RAC1P"),
        drop=(*DROPPED, "PINCP"),
        about=ABOUT,
    )


def fetch() -> "pd.DataFrame":
    """Return California's rows from fairlearn's cache on disk, or from the network.

    Raises
    ------
    FairtutorError
        As in `build_acs_income`; without a network after a few seconds at most.
    """
    try:
        from fairlearn.datasets import fetch_acs_income
    except ImportError:
        raise FairtutorError(
            "'acs_income' is fetched through fairlearn, which is not installed. Write "
            "pip install fairlearn, or use the embedded load('adult')."
        ) from None
    home = Path.home() / ".fairlearn-data"
    if not (home / "openml").is_dir() and not reachable(HOST):
        raise FairtutorError(offline_message(f"{HOST} cannot be reached"))
    try:
        bunch = fetch_acs_income(states=[STATE], data_home=str(home))
    except (OSError, ValueError) as error:
        raise FairtutorError(offline_message(str(error))) from error
    return bunch.frame


def offline_message(reason: str) -> str:
    """Return why there is no ACS income, and what to use instead.

    Examples
    --------
    >>> offline_message("no network")[:45]
    "'acs_income' is fetched from the network, and"
    """
    return (
        f"'acs_income' is fetched from the network, and that failed: {reason}. Go "
        "online once (it is then kept on disk), or use the embedded load('adult')."
    )


def reachable(host: str) -> bool:
    """Return whether a web server answers within a few seconds.

    Examples
    --------
    >>> reachable("nowhere.invalid")
    False
    """
    try:
        socket.create_connection((host, 443), timeout=SECONDS).close()
    except OSError:
        return False
    return True
