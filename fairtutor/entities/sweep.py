"""The fairness–utility frontier of a method: every strength, several seeds."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Event

from tqdm import tqdm

from ..data import Dataset
from ..exchange import FairnessCriteria, FairtutorError, Representation
from ..producers import STRENGTHS
from ..training import Stopped
from .evidence import constant_accuracy
from .frontier import Frontier, FrontierPoint, Trial
from .producer import DataProducer
from .rehearsal import rehearse
from .trial_store import Question, TrialStore
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
    return sweep_users(
        dataset,
        criteria,
        method,
        [user],
        strengths,
        seeds,
        settings=settings,
        metric=metric,
        split=split,
        cache=cache,
        progress=progress,
        stop=stop,
    )[user]


def sweep_users(
    dataset: Dataset,
    criteria: FairnessCriteria,
    method: str,
    users: Iterable[str],
    strengths: Iterable[float] | None = None,
    seeds: int | Iterable[int] = 5,
    *,
    settings: Mapping[str, object] | None = None,
    metric: str | None = None,
    split: str = "test",
    cache: str | Path | None = None,
    progress: bool = True,
    stop: Event | None = None,
) -> dict[str, Frontier]:
    """Do as :func:`sweep` for several users, who share each representation.

    Parameters
    ----------
    dataset, criteria, method, strengths, seeds, settings, metric, split, cache
        As for :func:`sweep`.
    users
        The users' models.
    progress, stop
        As for :func:`sweep`.

    Returns
    -------
    dict
        A frontier by user, each what :func:`sweep` gives for this user.

    Raises
    ------
    Stopped, FairtutorError
        As for :func:`sweep`.

    Examples
    --------
    >>> from fairtutor import Criterion, load
    >>> criterion = Criterion("selection_rate_difference", 0.1, "sex")
    >>> criteria, users = FairnessCriteria((criterion,)), ["logistic", "mlp"]
    >>> list(sweep_users(load("german"), criteria, "erasure", users, [1.0], seeds=1))
    ['logistic', 'mlp']
    """
    users = list(users)
    for model in users:
        DataUser(model)  # refuses an unknown one before anything is trained
    producers = _producers(method, strengths, seeds, dict(settings or {}))
    view = dataset.without_audit()
    rows = view.rows(split)
    question = Question(view, criteria, criteria.followed(metric), split)
    store = TrialStore(question, cache)
    with tqdm(
        total=len(producers) * len(users),
        desc=f"sweep of {method}",
        disable=not progress,
        delay=PROGRESS_AFTER,
        leave=False,
        unit="point",
    ) as bar:
        for producer in producers:
            missing = [user for user in users if not store.has(producer, user)]
            bar.update(len(users) - len(missing))
            if not missing:
                continue
            _stop_if(stop)
            made = producer.produce(criteria, view, progress=False, stop=stop)
            for user in missing:
                _stop_if(stop)
                store.keep(producer, user, _trial(producer, user, made, question, stop))
                bar.update()
    chosen = [producer for producer in producers if producer.method == method]
    identity = [producer for producer in producers if producer.method == "identity"]
    return {
        user: Frontier(
            method=method,
            user=user,
            data=dataset.name,
            split=split,
            rows=len(rows),
            criterion=question.criterion,
            points=_points([store.get(producer, user) for producer in chosen]),
            identity=_points([store.get(producer, user) for producer in identity])[0],
            constant_accuracy=constant_accuracy(rows.y),
        )
        for user in users
    }


def _producers(
    method: str,
    strengths: Iterable[float] | None,
    seeds: int | Iterable[int],
    settings: dict[str, object],
) -> list[DataProducer]:
    """Return who takes part, the identity first; refuse all that is wrong at once."""
    DataProducer(method)  # refuses an unknown method
    strengths = tuple(STRENGTHS[method] if strengths is None else strengths)
    seeds = tuple(range(seeds) if isinstance(seeds, int) else seeds)
    for name, values in (("strengths", strengths), ("seeds", seeds)):
        if not values or len(set(values)) < len(values):
            raise FairtutorError(
                f"The {name} are {list(values)}; give at least one, each once."
            )
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise FairtutorError(f"A seed is {seed!r}; use whole numbers from 0.")
    identity = [DataProducer("identity", strength=0.0, seed=seed) for seed in seeds]
    return identity + [
        DataProducer(method, strength=strength, seed=seed, **settings)
        for seed in seeds
        for strength in strengths
        if method != "identity"
    ]


def _trial(
    producer: DataProducer,
    user: str,
    made: Representation,
    question: Question,
    stop: Event | None,
) -> Trial:
    """Let a user train on the representation, and rehearse."""
    view, criteria, split = question.view, question.criteria, question.split
    trainer = DataUser(user, seed=producer.seed)
    submission = trainer.train(made, view, progress=False, stop=stop)
    found = rehearse(view, criteria, made, submission, split, progress=False)
    finding = found.finding(question.criterion)
    return Trial(
        strength=float(producer.strength),
        seed=producer.seed,
        gap=(finding.estimate, finding.lower, finding.upper),
        accuracy=found.accuracy,
    )


def _points(trials: Iterable[Trial]) -> tuple[FrontierPoint, ...]:
    by_strength: dict[float, list[Trial]] = {}
    for trial in trials:
        by_strength.setdefault(trial.strength, []).append(trial)
    return tuple(FrontierPoint(s, tuple(of)) for s, of in by_strength.items())


def _stop_if(stop: Event | None) -> None:
    if stop is not None and stop.is_set():
        raise Stopped
