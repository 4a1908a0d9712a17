"""Counting behind the pictures of scores: rates, bars and words, no drawing."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError

RATES = (
    "selection rate",
    "true positive rate",
    "false positive rate",
    "positive predictive value",
)


def threshold_rates(
    scores: ArrayLike, y: ArrayLike, thresholds: ArrayLike
) -> dict[str, np.ndarray]:
    """Return one group's rates for every threshold; positive means score ≥ threshold.

    Parameters
    ----------
    scores
        (n,), finite.
    y
        (n,), the outcomes, 0 or 1.
    thresholds
        (t,), in the scores' unit.

    Returns
    -------
    dict of str to numpy.ndarray
        For each name in :data:`RATES` an array (t,), 0 to 1, and NaN where nobody is
        in the denominator: the predictive value of a decision that nobody gets.

    Raises
    ------
    FairtutorError
        Lengths disagree, there is no row, a score is not finite, or an outcome is
        neither 0 nor 1.

    Examples
    --------
    >>> rates = threshold_rates([1, 2, 3, 4], [0, 1, 0, 1], [2.5, 9])
    >>> {name: values.tolist() for name, values in rates.items()}
    {'selection rate': [0.5, 0.0], 'true positive rate': [0.5, 0.0], \
'false positive rate': [0.5, 0.0], 'positive predictive value': [0.5, nan]}
    """
    scores, y = checked_scores(scores, y)
    positives, negatives = np.sort(scores[y == 1]), np.sort(scores[y == 0])
    true = len(positives) - np.searchsorted(positives, thresholds)
    false = len(negatives) - np.searchsorted(negatives, thresholds)
    return {
        "selection rate": _share(true + false, len(scores)),
        "true positive rate": _share(true, len(positives)),
        "false positive rate": _share(false, len(negatives)),
        "positive predictive value": _share(true, true + false),
    }


def split_by_group(
    scores: ArrayLike, y: ArrayLike, codes: ArrayLike, labels: Sequence[str]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (scores, outcomes) of each group, in the order of the labels.

    Raises
    ------
    FairtutorError
        Lengths disagree, a group has no row, or a value is out of its range.

    Examples
    --------
    >>> [y.tolist() for _, y in split_by_group([1, 2, 3], [0, 1, 1], [0, 1, 0], "ab")]
    [[0, 1], [1]]
    """
    scores, y = checked_scores(scores, y)
    codes = np.asarray(codes)
    if codes.shape != scores.shape:
        raise FairtutorError(
            f"{len(scores)} scores, but groups of shape {codes.shape}: pass one group "
            "code a row."
        )
    for code, name in enumerate(labels):
        if not (codes == code).any():
            raise FairtutorError(
                f"No row is in group {name!r} (code {code}); leave the group out of "
                "the labels or pass rows of it."
            )
    return [(scores[codes == code], y[codes == code]) for code in range(len(labels))]


def checked_scores(scores: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and outcomes as arrays, or say what is wrong with them.

    Raises
    ------
    FairtutorError
        Lengths disagree, there is no row, a score is not finite, or an outcome is
        neither 0 nor 1.

    Examples
    --------
    >>> checked_scores([3], [2])
    Traceback (most recent call last):
        ...
    fairtutor.exchange.errors.FairtutorError: Outcomes must be 0 or 1, but 2 occurs.
    """
    scores, y = np.asarray(scores, dtype=np.float64), np.asarray(y)
    if scores.ndim != 1 or scores.shape != y.shape or not len(scores):
        raise FairtutorError(
            f"Scores of shape {scores.shape} and outcomes of shape {y.shape}: pass one "
            "of each for every row, and at least one row."
        )
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise FairtutorError(f"The score in row {row} is {scores[row]}; drop the row.")
    strange = y[(y != 0) & (y != 1)]
    if len(strange):
        raise FairtutorError(f"Outcomes must be 0 or 1, but {strange[0]} occurs.")
    return scores, y


def require_one_a_group(thresholds: Sequence[float], labels: Sequence[str]) -> None:
    """Refuse thresholds that are not one for each group.

    Raises
    ------
    FairtutorError
        Their number is another.

    Examples
    --------
    >>> require_one_a_group([1, 2], ["Female", "Male"])
    """
    if len(thresholds) != len(labels):
        raise FairtutorError(
            f"{len(thresholds)} thresholds for {len(labels)} groups: pass one a group."
        )


def score_bins(scores: np.ndarray, most: int = 30) -> np.ndarray:
    """Return bin edges: one bin a value if there are few values, else equal widths.

    Examples
    --------
    >>> score_bins(np.array([1.0, 2, 3])).tolist()
    [0.5, 1.5, 2.5, 3.5]
    """
    values = np.unique(scores)
    if 2 <= len(values) <= most:
        half = np.diff(values) / 2
        inner = values[:-1] + half
        return np.array([values[0] - half[0], *inner, values[-1] + half[-1]])
    return np.linspace(values[0], values[-1] + 1e-9, most + 1)


def cut_position(values: np.ndarray, edges: np.ndarray, threshold: float) -> float:
    """Return where to draw a threshold: between bars, if a bar is one value.

    Examples
    --------
    >>> values = np.array([1.0, 2, 3])
    >>> float(cut_position(values, score_bins(values), 2))
    1.5
    """
    if len(edges) == len(values) + 1:
        return edges[np.searchsorted(values, threshold)]
    return threshold


def stacked_bars(
    scores: np.ndarray, y: np.ndarray, edges: np.ndarray, threshold: float
) -> list[tuple[bool, np.ndarray, np.ndarray]]:
    """Return one group's bars: outcome 1 upwards, outcome 0 downwards.

    Parameters
    ----------
    scores, y
        The group's, (n,).
    edges
        (b + 1,), from :func:`score_bins`.
    threshold
        Whoever scores at least that much is selected.

    Returns
    -------
    list of tuple
        Four of (selected, bottoms (b,), heights (b,)), in shares of the group; what is
        not selected stands on top of what is. Heights below the axis are negative.

    Examples
    --------
    >>> scores, y = np.array([1, 2]), np.array([0, 1])
    >>> for selected, _, heights in stacked_bars(scores, y, score_bins(scores), 2):
    ...     print(selected, heights.tolist())
    True [0.0, 0.5]
    False [0.0, 0.0]
    True [0.0, 0.0]
    False [-0.5, 0.0]
    """
    bars = []
    for outcome, sign in ((1, 1), (0, -1)):
        chosen, above = y == outcome, scores >= threshold
        selected = sign * np.histogram(scores[chosen & above], edges)[0] / len(y)
        others = sign * np.histogram(scores[chosen & ~above], edges)[0] / len(y)
        bars += [(True, np.zeros(len(selected)), selected), (False, selected, others)]
    return bars


def rates_in_words(
    labels: Sequence[str],
    marked: Sequence[float],
    points: Sequence[Mapping[str, np.ndarray]],
) -> str:
    """Return the rates of each group at its threshold, as a sentence for each rate.

    Examples
    --------
    >>> rates_in_words(["a"], [2], [threshold_rates([1, 2], [0, 1], [2])])[:55]
    'Rates by group at thresholds a 2. Selection rate: a 0.5'
    """
    at = ", ".join(
        f"{name} {threshold:g}" for name, threshold in zip(labels, marked, strict=True)
    )
    told = []
    for rate in RATES:
        values = [
            f"{name} {point[rate][0]:.3f}"
            if point[rate][0] == point[rate][0]
            else f"{name} undefined"
            for name, point in zip(labels, points, strict=True)
        ]
        told.append(f"{rate[0].upper()}{rate[1:]}: {', '.join(values)}")
    return f"Rates by group at thresholds {at}. {'. '.join(told)}."


def _share(part: np.ndarray, whole: np.ndarray | int) -> np.ndarray:
    whole = np.broadcast_to(whole, np.shape(part))
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
