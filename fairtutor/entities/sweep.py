"""The fairness–utility frontier of a method: every strength, several seeds."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Event

import torch
from tqdm import tqdm

from .. import __version__
from ..data import Dataset
from ..exchange import Criterion, FairnessCriteria, FairtutorError
from ..producers import METHODS, STRENGTHS
from ..training import Stopped, device
from .evidence import constant_accuracy
from .frontier import Frontier, FrontierPoint, Trial
from .producer import DataProducer
from .rehearsal import rehearse
from .trial_cache import (
    TrialCache,
    fingerprint,
    fingerprint_of_code,
    fingerprint_of_data,
)
from .user import DataUser

PROGRESS_AFTER = 2  # seconds


def sweep(
    dataset: Dataset,
    criteria: FairnessCriteria,
    method: str,
    strengths: Iterable[float] | None = None,
    seeds: int | Iterable[int] = 5,
    *,
    user: str = "mlp",
    settings: Mapping[str, object] | None = None,
    metric: str | None = None,
    split: str = "test",
    cache: str | Path | None = None,
    progress: bool = True,
    stop: Event | None = None,
) -> Frontier:
    """Measure what a method gives at every strength, over several seeds.

    For each strength and seed a producer makes a representation on the encoder rows,
    a user trains on it, and both rehearse on rows that are not the regulator's.

    Parameters
    ----------
    dataset
        Its audit rows stay unread.
    criteria
        What the regulator published.
    method
        A name in :data:`fairtutor.producers.METHODS`.
    strengths
        By default the method's own in :data:`fairtutor.producers.STRENGTHS`.
    seeds
        How many, from 0 on, or which. Producer and user get the same.
    user
        The user's model.
    settings
        The method's own, as for :class:`fairtutor.DataProducer`.
    metric
        The metric of the criteria that is the gap; by default the first that compares
        groups.
    split
        Where gap and accuracy are measured, as for :func:`rehearse`.
    cache
        A JSON-lines file to which each result is written as soon as it is there. A
        later call, also after an interruption, computes only what is missing; several
        processes may share the file. A result is reused only if nothing it depends on
        has changed: data, criteria, method, strength, seed, settings, user, split,
        device, versions, and the source of what computes it.
    progress
        Whether to show a bar once the sweep takes over two seconds.
    stop
        Set it from another thread to stop within one training step.

    Returns
    -------
    Frontier
        With the identity, measured in the same way, beside it.

    Raises
    ------
    Stopped
        ``stop`` was set. What was finished is in the cache.
    FairtutorError
        A name is unknown, or strengths or seeds are missing or no numbers from 0.

    Notes
    -----
    **Strengths that are chosen on these rows look a little better than they are**: see
    :func:`rehearse`.

    Examples
    --------
    >>> from fairtutor import Criterion, load
    >>> criterion = Criterion("selection_rate_difference", 0.1, "sex")
    >>> criteria = FairnessCriteria((criterion,))
    >>> frontier = sweep(
    ...     load("german"), criteria, "erasure", [0.5, 1.0], seeds=2, user="logistic"
    ... )
    >>> [point.strength for point in frontier.points]
    [0.5, 1.0]
    """
    view = dataset.without_audit()
    rows = view.rows(split)
    criterion = criteria.followed(metric)
    pairs = _pairs(method, strengths, seeds, user, dict(settings or {}))
    keys = [""] * len(pairs)
    stored, file = {}, None
    if cache is not None:
        keys = _keys(pairs, view, criteria, criterion, split)
        file = TrialCache(cache)
        stored = file.read()
    trials = {}
    with tqdm(
        total=len(pairs),
        desc=f"sweep of {method}",
        disable=not progress,
        delay=PROGRESS_AFTER,
        leave=False,
        unit="point",
    ) as bar:
        for (producer, trainer), key in zip(pairs, keys, strict=True):
            known = (producer.method, producer.strength, producer.seed)
            trials[known] = _stored_trial(stored.get(key), producer)
            if trials[known] is None:
                trials[known] = _trial(
                    producer, trainer, view, criteria, criterion, split, stop
                )
                if file is not None:
                    file.add(key, _record(trials[known], producer, trainer, view))
            bar.update()
    return Frontier(
        method=method,
        user=user,
        data=dataset.name,
        split=split,
        rows=len(rows),
        criterion=criterion,
        points=_points(trials, method),
        identity=_points(trials, "identity")[0],
        constant_accuracy=constant_accuracy(rows.y),
    )


def _pairs(
    method: str,
    strengths: Iterable[float] | None,
    seeds: int | Iterable[int],
    user: str,
    settings: dict[str, object],
) -> list[tuple[DataProducer, DataUser]]:
    """Return who takes part, the identity first; refuse all that is wrong at once."""
    DataProducer(method)  # refuses an unknown method
    chosen = tuple(STRENGTHS[method] if strengths is None else strengths)
    counted = isinstance(seeds, int)
    seeds = tuple(range(seeds) if counted else seeds)
    for name, values in (("strengths", chosen), ("seeds", seeds)):
        if not values or len(set(values)) < len(values):
            raise FairtutorError(
                f"The {name} are {list(values)}; give at least one, each once."
            )
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise FairtutorError(f"A seed is {seed!r}; use whole numbers from 0.")
    producers = [
        DataProducer("identity", strength=0.0, seed=seed) for seed in seeds
    ] + [
        DataProducer(method, strength=strength, seed=seed, **settings)
        for seed in seeds
        for strength in chosen
        if method != "identity"
    ]
    return [(producer, DataUser(user, seed=producer.seed)) for producer in producers]


def _trial(
    producer: DataProducer,
    user: DataUser,
    view: Dataset,
    criteria: FairnessCriteria,
    criterion: Criterion,
    split: str,
    stop: Event | None,
) -> Trial:
    if stop is not None and stop.is_set():
        raise Stopped
    watch = {"progress": False, "stop": stop}
    representation = producer.produce(criteria, view, **watch)
    submission = user.train(representation, view, **watch)
    found = rehearse(view, criteria, representation, submission, split, progress=False)
    finding = found.finding(criterion)
    return Trial(
        strength=float(producer.strength),
        seed=producer.seed,
        gap=(finding.estimate, finding.lower, finding.upper),
        accuracy=found.accuracy,
    )


def _points(trials: Mapping[tuple, Trial], method: str) -> tuple[FrontierPoint, ...]:
    by_strength: dict[float, list[Trial]] = {}
    for (made_by, _, _), trial in trials.items():
        if made_by == method:
            by_strength.setdefault(trial.strength, []).append(trial)
    return tuple(FrontierPoint(s, tuple(of)) for s, of in by_strength.items())


def _keys(
    pairs: list[tuple[DataProducer, DataUser]],
    view: Dataset,
    criteria: FairnessCriteria,
    criterion: Criterion,
    split: str,
) -> list[str]:
    """Return a fingerprint for each pair, of everything its result depends on."""
    about = (__version__, torch.__version__, device().type, fingerprint_of_data(view))
    about += (criteria.fingerprint, criterion, split)
    made_by = {producer.method for producer, _ in pairs}
    code = {
        method: fingerprint_of_code(METHODS[method], DataUser, rehearse)
        for method in made_by
    }
    return [
        fingerprint(
            about,
            code[producer.method],
            producer.method,
            float(producer.strength),
            producer.seed,
            producer.settings,
            user.model,
        )
        for producer, user in pairs
    ]


def _record(
    trial: Trial, producer: DataProducer, user: DataUser, view: Dataset
) -> dict[str, object]:
    """Return a trial as a line of the cache; the names are there for people."""
    return {
        "data": view.name,
        "method": producer.method,
        "user": user.model,
        "strength": trial.strength,
        "seed": trial.seed,
        "gap": [None if math.isnan(number) else number for number in trial.gap],
        "accuracy": [*trial.accuracy],
    }


def _stored_trial(record: Mapping | None, producer: DataProducer) -> Trial | None:
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
