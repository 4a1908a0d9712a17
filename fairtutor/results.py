"""Results of long runs, computed by the scripts in ``experiments/``."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

from .exchange.errors import FairtutorError, did_you_mean

PACKAGE = Path(__file__).parent


def folder() -> Path:
    """Return where the result files are: in an installed wheel, or in the clone."""
    inside = PACKAGE / "experiments"
    return inside if inside.is_dir() else PACKAGE.parent / "experiments" / "results"


def load_result(name: str) -> dict:
    """Read what ``experiments/NAME.py`` computed and wrote.

    Parameters
    ----------
    name
        Of the script, without its ending.

    Returns
    -------
    dict
        The script's result; its key ``"command"`` is how to compute it again.

    Raises
    ------
    FairtutorError
        There is no such result.

    Examples
    --------
    >>> load_result("coverge")
    Traceback (most recent call last):
        ...
    fairtutor.exchange.errors.FairtutorError: There is no result 'coverge'. ...
    """
    path = folder() / f"{name}.json"
    if not path.is_file():
        known = sorted(found.stem for found in folder().glob("*.json"))
        raise FairtutorError(
            f"There is no result {name!r}. {did_you_mean(name, known)}"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def save_result(name: str, result: dict) -> Path:
    """Write a script's result where :func:`load_result` finds it in a clone.

    Parameters
    ----------
    name
        Of the script, without its ending.
    result
        JSON-like, with the key ``"command"``. Floats are rounded to 6 digits.

    Returns
    -------
    pathlib.Path
        The file that was written.
    """
    path = PACKAGE.parent / "experiments" / "results" / f"{name}.json"
    text = json.dumps(_rounded(result), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def spread(runs: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Return mean and standard deviation of each number over runs, such as seeds.

    Parameters
    ----------
    runs
        Two or more, each with a number for each name of the first.

    Returns
    -------
    dict of str to list
        ``[mean, deviation]``, the deviation with n − 1.

    Examples
    --------
    >>> spread([{"accuracy": 0.75, "gap": 0.5}, {"accuracy": 0.25, "gap": 0.5}])
    {'accuracy': [0.5, 0.3535533905932738], 'gap': [0.5, 0.0]}
    """
    columns = {name: [run[name] for run in runs] for name in runs[0]}
    return {name: [mean(values), stdev(values)] for name, values in columns.items()}


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
