"""The tasks of a data user: one data set, or several with the same X."""

from collections.abc import Mapping

import torch

from ..data import Dataset
from ..exchange import FairtutorError

HOW = "Make them from one data set, with dataset.tasks({name: Target(...), ...})."


def checked_tasks(given: Dataset | Mapping[str, Dataset]) -> dict[str, Dataset]:
    """Return the data sets by the name of their task, without audit rows.

    Parameters
    ----------
    given
        One data set, whose target names the task, or several by name.

    Returns
    -------
    dict of Dataset

    Raises
    ------
    FairtutorError
        There is none, one is no data set or has not two outcomes, or features, splits
        or sensitive attributes are not the same in all.

    Examples
    --------
    >>> from fairtutor.data import COMPAS_TASKS, load
    >>> list(checked_tasks(load("compas").tasks(COMPAS_TASKS)))
    ['arrested again', 'charged with a felony', 'scored above low']
    """
    tasks = {given.target: given} if isinstance(given, Dataset) else given
    if not isinstance(tasks, Mapping) or not tasks:
        raise FairtutorError(
            f"{given!r} is neither a data set nor data sets by the name of a task."
        )
    for name, dataset in tasks.items():
        _require_task(name, dataset)
    first, *others = tasks
    for name in others:
        _require_same(first, tasks[first], name, tasks[name])
    return {name: dataset.without_audit() for name, dataset in tasks.items()}


def _require_task(name: str, dataset: object) -> None:
    if not isinstance(name, str):
        raise FairtutorError(f"The task {name!r} has no name: use a text.")
    if not isinstance(dataset, Dataset):
        raise FairtutorError(
            f"The task {name!r} is a {type(dataset).__name__}, not a data set."
        )
    if len(dataset.outcomes) != 2:
        raise FairtutorError(
            f"The task {name!r} has {len(dataset.outcomes)} outcomes; a user learns to "
            "tell two apart."
        )


def _require_same(first: str, one: Dataset, name: str, other: Dataset) -> None:
    """Refuse tasks that one representation cannot serve, or whose splits would mix."""
    if one.X.shape != other.X.shape or not torch.equal(one.X, other.X.to(one.X.device)):
        differs = "features"
    elif list(one.splits) != list(other.splits) or not all(
        torch.equal(one.splits[split], other.splits[split].to(one.X.device))
        for split in one.splits
    ):
        differs = "splits"
    elif one.attributes != other.attributes:
        differs = "sensitive attributes"
    else:
        return
    raise FairtutorError(
        f"The tasks {first!r} and {name!r} have different {differs}, so that no one "
        f"representation serves both. {HOW}"
    )
