"""What each way of making a representation does to two groups, before and after."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from .picture import Picture
from .style import (
    INK,
    QUIET,
    group_colour,
    group_marker,
    label,
    legend,
    new_figure,
    plain,
)

BINS = 40
LINE_STYLES = ("-", "--", ":", "-.")
HATCHES = ("", "///", "...", "xx")


def shares_by_prototype(
    shares: ArrayLike, labels: Sequence[str], title: str = ""
) -> Picture:
    """Draw how much of each group belongs to each prototype.

    Parameters
    ----------
    shares
        (G, K), the mean membership of each group in each of K prototypes; rows add up
        to 1.
    labels
        The G groups' names.
    title
        A heading.

    Returns
    -------
    Picture
        Prototypes in falling order of the first group's share. The alternative text
        holds the largest difference between two groups at one prototype.

    Raises
    ------
    FairtutorError
        There is not one row a group.

    Examples
    --------
    >>> shares_by_prototype([[0.7, 0.3], [0.4, 0.6]], ["women", "men"])
    Mean membership of 2 groups in 2 prototypes. women: 70%, 30%; men: 40%, 60%. The \
largest difference at a prototype is 30 points.
    """
    shares = np.asarray(shares, dtype=np.float64)
    if shares.ndim != 2 or len(shares) != len(labels):
        raise FairtutorError(
            f"Shares of shape {shares.shape}, but {len(labels)} groups: pass one row "
            "of shares a group."
        )
    order = np.argsort(-shares[0], kind="stable")
    fig, [ax] = new_figure(7.2, 3.6)
    width = 0.8 / len(labels)
    for code, name in enumerate(labels):
        ax.bar(
            np.arange(len(order)) + (code - (len(labels) - 1) / 2) * width,
            100 * shares[code, order],
            width,
            color=group_colour(code),
            edgecolor=INK,
            linewidth=0.6,
            hatch=HATCHES[code % len(HATCHES)],
            label=plain(name),
        )
    ax.set_xticks(range(len(order)), [str(k + 1) for k in order])
    ax.grid(False, axis="x")
    label(ax, title=title, x="prototype", y="mean membership, %")
    legend(ax)
    told = [
        f"{name}: {', '.join(f'{share:.0%}' for share in shares[code, order])}"
        for code, name in enumerate(labels)
    ]
    apart = 100 * np.ptp(shares, axis=0).max()
    return Picture(
        fig,
        f"Mean membership of {len(labels)} groups in {len(order)} prototypes. "
        f"{'; '.join(told)}. The largest difference at a prototype is {apart:.0f} "
        "points.",
    )


def means_and_spreads(
    panels: Mapping[str, ArrayLike],
    codes: ArrayLike,
    labels: Sequence[str],
    axes: tuple[str, str] = ("", ""),
    max_points: int = 500,
) -> Picture:
    """Draw two coordinates of the rows, each group's mean and its spread.

    Parameters
    ----------
    panels
        By heading, the points (n, 2) before and after.
    codes, labels
        Each row's group (n,), and the groups' names.
    axes
        What the two coordinates are.
    max_points
        Draw the first so many rows; means and spreads are computed from all.

    Returns
    -------
    Picture
        The ellipse holds the points within 1.5 standard deviations of the mean.

    Raises
    ------
    FairtutorError
        The shapes disagree.

    Examples
    --------
    >>> x = [[0, 0], [0, 2], [3, 1], [5, 1]]
    >>> z = [[1, 0], [1, 2], [0, 1], [2, 1]]
    >>> means_and_spreads({"x": x, "z": z}, [0, 0, 1, 1], ["a", "b"])
    Two coordinates of 4 rows. x: means a (0.00, 1.00), b (4.00, 1.00), standard \
deviations a (0.00, 1.00), b (1.00, 0.00). z: means a (1.00, 1.00), b (1.00, 1.00), \
standard deviations a (0.00, 1.00), b (1.00, 0.00).
    """
    codes = np.asarray(codes)
    told = []
    fig, all_axes = new_figure(4.2 * len(panels), 4.0, columns=len(panels))
    for ax, (name, points) in zip(all_axes, panels.items(), strict=True):
        points = _points(name, points, len(codes))
        groups = [points[codes == code] for code in range(len(labels))]
        for code, rows in enumerate(groups):
            _scatter(ax, points[:max_points], codes[:max_points], code, labels)
            _ellipse(ax, rows, group_colour(code), LINE_STYLES[code % 4])
        label(ax, title=name, x=axes[0], y=axes[1] if ax is all_axes[0] else "")
        means = _each(labels, [rows.mean(0) for rows in groups])
        spreads = _each(labels, [rows.std(0) for rows in groups])
        told.append(f"{name}: means {means}, standard deviations {spreads}.")
    _solid_legend(all_axes[0])
    return Picture(fig, f"Two coordinates of {len(codes)} rows. {' '.join(told)}")


def values_by_group(
    panels: Mapping[str, ArrayLike],
    codes: ArrayLike,
    labels: Sequence[str],
    x: str = "",
) -> Picture:
    """Draw how one number is distributed in each group, before and after.

    Parameters
    ----------
    panels
        By heading, the values (n,).
    codes, labels
        Each row's group (n,), and the groups' names.
    x
        What the number is.

    Returns
    -------
    Picture
        Each group's histogram has area 1. The alternative text holds the share of
        each group's area that it does not have in common with the first group's.

    Raises
    ------
    FairtutorError
        The shapes disagree.

    Examples
    --------
    >>> values_by_group({"x": [0, 0, 1, 1]}, [0, 0, 1, 1], ["a", "b"])
    Distribution of a number in 2 groups. x: a and b have 0% in common.
    """
    codes = np.asarray(codes)
    fig, all_axes = new_figure(4.2 * len(panels), 3.4, columns=len(panels))
    told = []
    for ax, (name, values) in zip(all_axes, panels.items(), strict=True):
        values = np.asarray(values, dtype=np.float64)
        if values.shape != codes.shape:
            raise FairtutorError(
                f"{name!r} has values of shape {values.shape}, for {len(codes)} rows."
            )
        edges = np.linspace(values.min(), values.max() + 1e-9, BINS + 1)
        heights = [
            np.histogram(values[codes == code], edges, density=True)[0]
            for code in range(len(labels))
        ]
        for code, height in enumerate(heights):
            ax.stairs(
                height,
                edges,
                color=group_colour(code),
                linestyle=LINE_STYLES[code % len(LINE_STYLES)],
                linewidth=2.5,
                label=plain(labels[code]),
            )
            ax.stairs(height, edges, color=group_colour(code), fill=True, alpha=0.2)
        label(ax, title=name, x=x, y="density" if ax is all_axes[0] else "")
        width = edges[1] - edges[0]
        common = [width * np.minimum(heights[0], height).sum() for height in heights]
        told += [
            f"{name}: {labels[0]} and {other} have {share:.0%} in common"
            for other, share in zip(labels[1:], common[1:], strict=True)
        ]
    legend(all_axes[0], loc="best")
    words = f"Distribution of a number in {len(labels)} groups. {'; '.join(told)}."
    return Picture(fig, words)


def joined_people(
    panels: Mapping[str, ArrayLike],
    codes: ArrayLike,
    labels: Sequence[str],
    pairs: ArrayLike,
) -> Picture:
    """Draw people as points and join those who were judged comparable.

    Parameters
    ----------
    panels
        By heading, the points (n, 2).
    codes, labels
        Each row's group (n,), and the groups' names.
    pairs
        (m, 2), positions of the two rows of each judgement.

    Returns
    -------
    Picture
        The alternative text holds the median distance of joined people as a share of
        the median distance of all.

    Raises
    ------
    FairtutorError
        The shapes disagree.

    Examples
    --------
    >>> points = [[0, 0], [1, 0], [4, 0], [5, 0]]
    >>> joined_people({"z": points}, [0, 1, 0, 1], ["a", "b"], [[0, 1], [2, 3]])
    4 people, 2 judgements of who is comparable. z: joined people lie 0.29 times as \
far apart as any two people (medians).
    """
    codes, pairs = np.asarray(codes), np.asarray(pairs, dtype=np.int64)
    fig, all_axes = new_figure(4.2 * len(panels), 4.0, columns=len(panels))
    told = []
    for ax, (name, points) in zip(all_axes, panels.items(), strict=True):
        points = _points(name, points, len(codes))
        ends = points[pairs]  # (m, 2 people, 2 coordinates)
        ax.plot(*ends.transpose(2, 1, 0), color=QUIET, linewidth=1.0, alpha=0.7)
        for code in range(len(labels)):
            _scatter(ax, points, codes, code, labels, alpha=0.95)
        label(ax, title=name)
        ax.set_xticklabels([])
        ax.set_yticklabels([])
        joined = np.median(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1))
        every = np.linalg.norm(points[:, None] - points[None], axis=2)
        typical = np.median(every[np.triu_indices(len(points), 1)])
        told.append(
            f"{name}: joined people lie {joined / typical:.2f} times as far apart as "
            "any two people (medians)"
        )
    legend(all_axes[0], loc="best")
    return Picture(
        fig,
        f"{len(codes)} people, {len(pairs)} judgements of who is comparable. "
        f"{'; '.join(told)}.",
    )


def _points(name: str, points: ArrayLike, n: int) -> np.ndarray:
    points = np.asarray(points, dtype=np.float64)
    if points.shape != (n, 2):
        raise FairtutorError(
            f"{name!r} has points of shape {points.shape}; pass two coordinates for "
            f"each of the {n} rows."
        )
    return points


def _scatter(
    ax: Axes,
    points: np.ndarray,
    codes: np.ndarray,
    code: int,
    labels: Sequence[str],
    alpha: float = 0.45,
) -> None:
    ax.scatter(
        *points[codes == code].T,
        color=group_colour(code),
        marker=group_marker(code),
        s=24,
        alpha=alpha,
        linewidth=0,
        label=plain(labels[code]),
        zorder=3,
    )


def _ellipse(ax: Axes, rows: np.ndarray, colour: str, style: str) -> None:
    """Draw mean and 1.5 standard deviations of some points."""
    variances, directions = np.linalg.eigh(np.cov(rows.T, bias=True))
    widths = 3 * np.sqrt(variances.clip(min=0))
    angle = np.degrees(np.arctan2(directions[1, 1], directions[0, 1]))
    mean = rows.mean(0)
    for stroke in (
        {"color": INK, "linewidth": 3.4},
        {"color": colour, "linewidth": 2.2, "linestyle": style},
    ):
        ax.add_patch(Ellipse(mean, *widths[::-1], angle=angle, fill=False, **stroke))
    ax.plot(*mean, marker="P", markersize=13, color=colour, markeredgecolor=INK)


def _solid_legend(ax: Axes) -> None:
    """Add a legend whose markers can be seen, though the points let others through."""
    legend(ax, loc="best", markerscale=1.6)
    for handle in ax.get_legend().legend_handles:
        handle.set_alpha(1)


def _each(labels: Sequence[str], pairs: Sequence[np.ndarray]) -> str:
    """Write one pair of numbers a group; adding nought turns −0.00 into 0.00."""
    pairs = [np.round(pair, 2) + 0.0 for pair in pairs]
    return ", ".join(
        f"{name} ({x:.2f}, {y:.2f})" for name, (x, y) in zip(labels, pairs, strict=True)
    )
