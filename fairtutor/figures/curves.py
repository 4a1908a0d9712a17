"""Curves over time: training values by epoch, false verdicts by round."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..exchange.errors import FairtutorError
from .picture import Picture
from .style import (
    GROUP_COLOURS,
    GROUP_MARKERS,
    INK,
    PRODUCER,
    QUIET,
    USER,
    label,
    legend,
    new_figure,
)

CURVE_COLOURS = {"producer": PRODUCER, "user": USER}
LINE_STYLES = ("-", "--", ":", "-.")


def training_curves(
    values: Mapping[str, Sequence[float]], entity: str = "producer", title: str = ""
) -> Picture:
    """Draw how training went: each value against the epoch.

    Parameters
    ----------
    values
        By name (``"loss"``, ``"validation loss"``), one number an epoch.
    entity
        ``"producer"`` or ``"user"``: whose training it is, for the first colour.
    title
        A heading.

    Returns
    -------
    Picture
        Curves differ in line style as well as in colour.

    Raises
    ------
    FairtutorError
        There is no value yet.

    Examples
    --------
    >>> training_curves({"loss": [0.7, 0.5, 0.4]})
    Training over 3 epochs: loss from 0.7 to 0.4.
    """
    if not values or not all(len(curve) for curve in values.values()):
        raise FairtutorError("There is no curve yet: train for at least one epoch.")
    fig, [ax] = new_figure(7.2, 3.6)
    colours = (CURVE_COLOURS[entity], INK, *GROUP_COLOURS)
    for number, (name, curve) in enumerate(values.items()):
        ax.plot(
            range(1, len(curve) + 1),
            curve,
            color=colours[number % len(colours)],
            linestyle=LINE_STYLES[number % len(LINE_STYLES)],
            marker="o" if len(curve) == 1 else "",
            linewidth=2.5,
            label=name,
        )
    label(ax, title=title or "Training", x="epoch", y="" if len(values) > 1 else name)
    ax.xaxis.get_major_locator().set_params(integer=True)
    if len(values) > 1:
        legend(ax)
    return Picture(fig, _training_alt(values, title))


def false_meets_curve(
    shares: Mapping[str, Sequence[float]], error_budget: float | None = None
) -> Picture:
    """Draw how often a submission at the limit is let through, by rounds tried.

    Parameters
    ----------
    shares
        By the way of auditing (``"one audit split, reused"``), the share of simulated
        runs in which at least one of the first 1, 2, … rounds was a false *meets*.
    error_budget
        The share that the criteria allow for all rounds together, e.g. 0.05.

    Returns
    -------
    Picture

    Raises
    ------
    FairtutorError
        There is no share.

    Examples
    --------
    >>> false_meets_curve({"reused": [0.02, 0.05], "fresh": [0.01, 0.01]}, 0.05)
    Share of runs with at least one false meets. reused: 2.0% after 1 round, 5.0% \
after 2; fresh: 1.0% after 1 round, 1.0% after 2. Allowed: 5%.
    """
    if not shares or not all(len(curve) for curve in shares.values()):
        raise FairtutorError("There is no curve yet: pass one share a round.")
    fig, [ax] = new_figure(7.2, 4.0)
    for code, (name, curve) in enumerate(shares.items()):
        rounds = np.arange(1, len(curve) + 1)
        ax.plot(
            rounds,
            100 * np.asarray(curve),
            color=GROUP_COLOURS[code % len(GROUP_COLOURS)],
            marker=GROUP_MARKERS[code % len(GROUP_MARKERS)],
            markevery=max(1, len(curve) // 10),
            linewidth=2.5,
            label=name,
        )
    if error_budget is not None:
        ax.axhline(
            100 * error_budget, color=QUIET, linestyle="--", label="error budget"
        )
    ax.set_ylim(bottom=0)
    label(ax, title="A false “meets” in at least one round", x="rounds", y="% of runs")
    legend(ax)
    return Picture(fig, _meets_alt(shares, error_budget))


def _training_alt(values: Mapping[str, Sequence[float]], title: str) -> str:
    epochs = max(len(curve) for curve in values.values())
    told = [
        f"{name} from {curve[0]:.4g} to {curve[-1]:.4g}"
        for name, curve in values.items()
    ]
    ending = "" if epochs == 1 else "s"
    return f"{title or 'Training'} over {epochs} epoch{ending}: {', '.join(told)}."


def _meets_alt(shares: Mapping[str, Sequence[float]], budget: float | None) -> str:
    told = []
    for name, curve in shares.items():
        last = f", {curve[-1]:.1%} after {len(curve)}" if len(curve) > 1 else ""
        told.append(f"{name}: {curve[0]:.1%} after 1 round{last}")
    allowed = "" if budget is None else f" Allowed: {budget:.0%}."
    return f"Share of runs with at least one false meets. {'; '.join(told)}.{allowed}"
