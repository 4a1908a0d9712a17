"""A representation in two dimensions, coloured by a sensitive attribute."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from .picture import Picture
from .style import group_colour, group_marker, label, legend, new_figure, plain


def principal_plane(
    Z: ArrayLike, like: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Project points on their first two principal components.

    Parameters
    ----------
    Z
        (n, d), n at least 2, finite. One column is drawn against zero.
    like
        (n, 2), where the same rows lay on an earlier plane. Each component then takes
        the sign that goes with it, so that pictures in a row are not mirrored.

    Returns
    -------
    points
        (n, 2), float64, centred. Without ``like``, the sign of each component is such
        that its largest loading is positive: the same Z gives the same picture.
    share
        (2,), the share of the total variance that each component holds, 0 to 1.

    Raises
    ------
    FairtutorError
        Z is not a table of at least two rows of finite numbers, or ``like`` has
        other rows.

    Examples
    --------
    >>> Z = [[0, 0, 5], [2, 0, 5], [4, 0, 5]]
    >>> points, share = principal_plane(Z)
    >>> points[:, 0].tolist(), share.round(2).tolist()
    ([-2.0, 0.0, 2.0], [1.0, 0.0])
    >>> principal_plane(Z, like=-points)[0].tolist() == (-points).tolist()
    True
    """
    Z = np.asarray(Z, dtype=np.float64)
    if Z.ndim != 2 or len(Z) < 2 or Z.shape[1] < 1 or not np.isfinite(Z).all():
        raise FairtutorError(
            f"A representation of shape {Z.shape} cannot be drawn: pass at least two "
            "rows and one column of finite numbers."
        )
    if Z.shape[1] == 1:
        Z = np.column_stack([Z, np.zeros(len(Z))])
    centred = Z - Z.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    variances, directions = variances[:-3:-1], directions[:, :-3:-1]
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.where(directions[largest, [0, 1]] < 0, -1.0, 1.0)
    total = (centred**2).sum()
    share = np.clip(variances / total, 0, 1) if total > 0 else np.zeros(2)
    points = centred @ directions
    return (points if like is None else points * _signs(points, like)), share


def _signs(points: np.ndarray, like: ArrayLike) -> np.ndarray:
    """Return for each component 1 or −1, whichever brings it nearer to ``like``."""
    if np.shape(like) != points.shape:
        raise FairtutorError(
            f"The plane has points of shape {points.shape}, the earlier one of shape "
            f"{np.shape(like)}: pass the same rows."
        )
    return np.where((points * np.asarray(like)).sum(axis=0) < 0, -1.0, 1.0)


def embedding(
    Z: ArrayLike,
    codes: ArrayLike,
    labels: Sequence[str],
    title: str = "",
    max_points: int = 600,
    like: ArrayLike | None = None,
) -> Picture:
    """Draw a representation on its principal plane, a colour and shape per group.

    Two groups that lie apart here can be told apart by anyone who holds the
    representation. Groups that overlap here may still be told apart in a direction
    that the plane leaves out: the picture can show leakage, never rule it out.

    Parameters
    ----------
    Z
        (n, d), the representation.
    codes
        (n,), whole numbers: each row's group as a position in ``labels``.
    labels
        The groups' names.
    title
        A heading.
    max_points
        Draw the first so many rows; the plane is computed from all.
    like
        As for :func:`principal_plane`.

    Returns
    -------
    Picture
        The alternative text holds each group's mean on the plane.

    Raises
    ------
    FairtutorError
        The shapes disagree, or a code has no label.

    Examples
    --------
    >>> embedding([[0.0, 1], [2, 1]], [0, 1], ["Female", "Male"])
    Principal plane of a representation with 2 columns, 100% and 0% of its variance. \
Group means: Female (-1.00, 0.00), Male (1.00, 0.00).
    """
    points, share = principal_plane(Z, like)
    codes = checked_codes(codes, len(points), labels)
    fig, [ax] = new_figure(6.4, 4.6)
    for code, name in enumerate(labels):
        rows = points[:max_points][codes[:max_points] == code]
        ax.scatter(
            *rows.T,
            color=group_colour(code),
            marker=group_marker(code),
            s=26,
            alpha=0.65,
            linewidth=0,
            label=plain(name),
        )
    label(
        ax,
        title=title or "The representation, seen from its widest side",
        x=f"component 1 ({share[0]:.0%} of variance)",
        y=f"component 2 ({share[1]:.0%})",
    )
    legend(ax, markerscale=1.6, loc="best")
    return Picture(fig, _alt(points, share, codes, labels, np.shape(Z)[1]))


def checked_codes(codes: ArrayLike, n: int, labels: Sequence[str]) -> np.ndarray:
    """Return the groups of n rows as whole numbers, each with a label.

    Raises
    ------
    FairtutorError
        There are more or fewer codes than rows, or a code has no label.

    Examples
    --------
    >>> checked_codes([0, 1], 2, ["Female", "Male"])
    array([0, 1])
    """
    codes = np.asarray(codes)
    if codes.shape != (n,):
        raise FairtutorError(
            f"{n} rows of the representation, but groups of shape {codes.shape}: "
            "pass one group code a row."
        )
    if codes.min() < 0 or codes.max() >= len(labels):
        raise FairtutorError(
            f"Group codes from {codes.min()} to {codes.max()}, but {len(labels)} "
            "labels: each code is a position in the labels."
        )
    return codes


def means_in_words(points: np.ndarray, codes: np.ndarray, labels: Sequence[str]) -> str:
    """Return where each group's mean lies on the plane.

    Parameters
    ----------
    points, codes
        (n, 2) and (n,).
    labels
        The groups' names.

    Examples
    --------
    >>> means_in_words(np.array([[0.0, 1], [2, 1]]), np.array([0, 0]), ["a", "b"])
    'Group means: a (1.00, 1.00), b (no rows).'
    """
    means = []
    for code, name in enumerate(labels):
        rows = points[codes == code]
        # Adding nought turns −0.00 into 0.00.
        x, y = np.round(rows.mean(axis=0), 2) + 0.0 if len(rows) else (np.nan, np.nan)
        means.append(f"{name} ({x:.2f}, {y:.2f})" if len(rows) else f"{name} (no rows)")
    return f"Group means: {', '.join(means)}."


def _alt(points, share, codes, labels, width: int) -> str:
    return (
        f"Principal plane of a representation with {width} columns, {share[0]:.0%} and "
        f"{share[1]:.0%} of its variance. {means_in_words(points, codes, labels)}"
    )
