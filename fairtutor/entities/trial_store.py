"""Which trial answers which question: by a fingerprint of all that it depends on."""

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path

import torch

from .. import __version__
from ..data import Dataset
from ..exchange import Criterion, FairnessCriteria
from ..producers import METHODS
from ..training import device, precision
from .frontier import Trial
from .producer import DataProducer
from .rehearsal import rehearse
from .trial_cache import (
    TrialCache,
    fingerprint,
    fingerprint_of_code,
    fingerprint_of_data,
    without_words,
)
from .user import DataUser

COMPUTING = ("numpy", "scikit-learn", "scipy")  # what else computes, beside torch
PRODUCER = Path(inspect.getfile(DataProducer))


@dataclass(frozen=True, eq=False)
class Question:
    """What a sweep asks of every producer and user.

    Attributes
    ----------
    view
        The data, without audit rows.
    criteria, criterion
        All of them, and the one that is followed.
    split
        Whose rows are measured.
    """

    view: Dataset
    criteria: FairnessCriteria
    criterion: Criterion
    split: str

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of data, criteria, split, versions, device and precision."""
        return fingerprint(
            __version__,
            torch.__version__,
            [version(package) for package in COMPUTING],
            device().type,
            precision(device()),
            fingerprint_of_data(self.view),
            self.criteria.fingerprint,
            self.criterion,
            self.split,
        )


class TrialStore:
    """The trials of one question, in memory, and on disk if there is a file.

    Parameters
    ----------
    question
        What was asked.
    path
        Of the cache, or ``None``.

    Examples
    --------
    >>> from fairtutor import load
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.6),))
    >>> view = load("german").without_audit()
    >>> store = TrialStore(Question(view, criteria, criteria.followed(), "test"))
    >>> store.has(DataProducer("identity"), "mlp")
    False
    """

    def __init__(self, question: Question, path: str | Path | None = None) -> None:
        self.question = question
        self._file = None if path is None else TrialCache(path)
        self._records = {} if self._file is None else self._file.read()
        self._trials: dict[tuple, Trial] = {}
        self._code = cache(_code_behind)

    def has(self, producer: DataProducer, user: str) -> bool:
        """Return whether there is a trial that still holds."""
        name = _name(producer, user)
        if name not in self._trials and self._file is not None:
            trial = _trial_of(self._records.get(self.key(producer, user)), producer)
            if trial is not None:
                self._trials[name] = trial
        return name in self._trials

    def get(self, producer: DataProducer, user: str) -> Trial:
        """Return the trial that :meth:`has` found or :meth:`keep` was given."""
        return self._trials[_name(producer, user)]

    def keep(self, producer: DataProducer, user: str, trial: Trial) -> None:
        """Remember a trial, and write it to the file at once."""
        self._trials[_name(producer, user)] = trial
        if self._file is not None:
            record = _record(trial, producer, user, self.question.view)
            self._file.add(self.key(producer, user), record)

    def key(self, producer: DataProducer, user: str) -> str:
        """Return a fingerprint of everything that the trial depends on."""
        return fingerprint(
            self.question.fingerprint,
            self._code(producer.method),
            producer.method,
            float(producer.strength),
            producer.seed,
            producer.settings,
            user,
        )


def _code_behind(method: str) -> str:
    """Return a fingerprint of the method's code and of all others' but other methods'.

    The producer's file imports every method, so that it is read without its imports.
    """
    return fingerprint(
        fingerprint_of_code(METHODS[method], DataUser, rehearse),
        without_words(PRODUCER.read_text(encoding="utf-8")),
    )


def _name(producer: DataProducer, user: str) -> tuple:
    return producer.method, float(producer.strength), producer.seed, user


def _record(
    trial: Trial, producer: DataProducer, user: str, view: Dataset
) -> dict[str, object]:
    """Return a trial as a line of the cache; the names are there for people."""
    return {
        "data": view.name,
        "method": producer.method,
        "user": user,
        "strength": trial.strength,
        "seed": trial.seed,
        "gap": [None if math.isnan(number) else number for number in trial.gap],
        "accuracy": [*trial.accuracy],
    }


def _trial_of(record: Mapping | None, producer: DataProducer) -> Trial | None:
    """Read a trial from the cache, or nothing from what is none."""
    try:
        gap, accuracy = (
            tuple(math.nan if number is None else float(number) for number in numbers)
            for numbers in (record["gap"], record["accuracy"])
        )
    except (TypeError, KeyError, ValueError):
        return None
    if len(gap) != 3 or len(accuracy) != 3:
        return None
    return Trial(float(producer.strength), producer.seed, gap, accuracy)
