"""The plane of fairness and utility: what every picture in it holds."""

from matplotlib.axes import Axes

from ..exchange.criteria import Criterion
from .style import BAND, INK, NOTE_SIZE, QUIET, REGULATOR


def draw_constant(ax: Axes, constant: float, criterion: Criterion) -> None:
    """Draw the accuracy of the constant predictor, and where it lies if that is known.

    Parameters
    ----------
    ax
        Gap across, accuracy upwards.
    constant
        Accuracy of always giving the more frequent decision.
    criterion
        Whose metric is the gap.

    Examples
    --------
    >>> from fairtutor.figures.style import new_figure
    >>> fig, [ax] = new_figure()
    >>> draw_constant(ax, 0.76, Criterion("selection_rate_difference", 0.1, "sex"))
    >>> [text.get_text() for text in ax.texts]
    ['constant predictor 0.760']
    """
    ax.axhline(constant, color=QUIET, linestyle=":", linewidth=1.8)
    if criterion.metric.endswith("_difference"):
        # It treats everyone alike, so that any difference of rates is nought.
        ax.plot([0], [constant], marker="*", markersize=15, color=INK, linestyle="")
    ax.annotate(
        f"constant predictor {constant:.3f}",
        (0.99, constant),
        xycoords=("axes fraction", "data"),
        xytext=(0, 5),
        textcoords="offset points",
        fontsize=NOTE_SIZE,
        color=INK,
        ha="right",
    )


def draw_tolerance(
    ax: Axes, criterion: Criterion, left: float, right: float, height: float = 0.99
) -> None:
    """Draw the tolerance, shade the tolerated side, and set the limits across.

    Parameters
    ----------
    ax
        Gap across, accuracy upwards.
    criterion
        Whose tolerance it is.
    left, right
        Limits of the axis.
    height
        Where the line's words stand, from 0 (bottom) to 1.

    Examples
    --------
    >>> from fairtutor.figures.style import new_figure
    >>> fig, [ax] = new_figure()
    >>> criterion = Criterion("selection_rate_difference", 0.1, "sex")
    >>> draw_tolerance(ax, criterion, 0.0, 0.5)
    >>> ax.texts[0].get_text(), float(ax.get_xlim()[1])
    ('tolerance 0.1', 0.5)
    """
    tolerance = criterion.tolerance
    tolerated = (tolerance, right) if criterion.spec.at_least else (left, tolerance)
    ax.axvspan(*tolerated, color=BAND, zorder=0)
    ax.axvline(tolerance, color=REGULATOR, linestyle="--", linewidth=1.5)
    ax.annotate(
        f"tolerance {tolerance:g}",
        (tolerance, height),
        xycoords=("data", "axes fraction"),
        xytext=(5, 0),
        va="top" if height > 0.5 else "baseline",
        textcoords="offset points",
        fontsize=NOTE_SIZE,
        color=REGULATOR,
    )
    ax.set_xlim(left, right)
