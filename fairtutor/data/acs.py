"""The successor of Adult, fetched online: ACS income of Ding et al. (2021)."""

import socket
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.errors import FairtutorError
from .catalogue import about, make
from .dataset import Dataset

if TYPE_CHECKING:
    import pandas as pd

HOST = "www.openml.org"
SECONDS = 5
STATE = "CA"


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
        column: whole(frame[column]).map({int(code): w for code, w in names.items()})
        for column, names in about("acs_income")["words"].items()
    }
    over = (frame["PINCP"].astype(float) > 50_000).map({True: ">50K", False: "<=50K"})
    derived = {**words, "RELP": whole(frame["RELP"]).astype(str), "income": over}
    return make("acs_income", frame.assign(**derived))


def whole(column: "pd.Series") -> "pd.Series":
    """Return codes as whole numbers, however they were written.

    Examples
    --------
    >>> import pandas as pd
    >>> whole(pd.Series(["1.0", "2"])).tolist()
    [1, 2]
    """
    return column.astype(float).astype(int)


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
