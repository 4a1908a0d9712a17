"""One look for every figure: colours, markers, sizes, and the words beside them.

Nothing here is told by colour alone. Groups and verdicts also differ in marker shape,
and a verdict is always written out. Colours: Okabe and Ito (2008), *Color Universal
Design*, which people with the common forms of colour blindness can tell apart.
"""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..exchange.html import ENTITY_COLOURS
from ..exchange.report import SYMBOLS

REGULATOR, PRODUCER, USER = ENTITY_COLOURS.values()
INK = "#1b1b1b"
QUIET = "#6b6b6b"
GRID = "#dddddd"
BAND = "#e9f0f6"

GROUP_COLOURS = ("#E69F00", "#56B4E9", "#CC79A7", "#000000", "#8C6D1F", "#999999")
GROUP_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")

VERDICT_MARKERS = {"meets": "o", "violates": "X", "undecided": "D"}

TITLE_SIZE, LABEL_SIZE, TICK_SIZE, NOTE_SIZE = 14, 12.5, 11.5, 11
DPI = 144
PIXELS_PER_INCH = 100


def group_colour(code: int) -> str:
    """Return the colour of the group with this code, cycling after six.

    Examples
    --------
    >>> group_colour(0)
    '#E69F00'
    """
    return GROUP_COLOURS[code % len(GROUP_COLOURS)]


def group_marker(code: int) -> str:
    """Return the marker shape of the group with this code, cycling after ten.

    Ten shapes and six colours: a pair repeats after thirty groups.

    Examples
    --------
    >>> group_marker(1)
    's'
    """
    return GROUP_MARKERS[code % len(GROUP_MARKERS)]


def plain(text: object) -> str:
    r"""Return text that matplotlib draws as written: a group may be called ``$$``.

    Examples
    --------
    >>> plain("under $50k, over $50k")
    'under \\$50k, over \\$50k'
    """
    return str(text).replace("$", r"\$")


def verdict_label(verdict: str) -> str:
    """Return the verdict's symbol and word.

    Examples
    --------
    >>> verdict_label("meets")
    '✓ meets'
    """
    return f"{SYMBOLS[verdict]} {verdict}"


def new_figure(
    width: float = 7.2, height: float = 4.2, columns: int = 1, share_y: bool = False
) -> tuple[Figure, list[Axes]]:
    """Make a figure of its own, outside pyplot's global state, safe in a thread.

    Parameters
    ----------
    width, height
        In inches; an inch is shown as 100 pixels.
    columns
        How many axes stand side by side.
    share_y
        Whether the axes have one vertical scale.

    Returns
    -------
    tuple of Figure and list of Axes
        The axes already in the house style.

    Examples
    --------
    >>> fig, (left, right) = new_figure(columns=2)
    >>> len(fig.axes)
    2
    """
    fig = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    axes = fig.subplots(1, columns, squeeze=False, sharey=share_y)[0].tolist()
    for ax in axes:
        _dress(ax)
    return fig, axes


def label(ax: Axes, title: str = "", x: str = "", y: str = "") -> None:
    """Set title and axis labels in the house sizes.

    Examples
    --------
    >>> fig, [ax] = new_figure()
    >>> label(ax, title="Loss", x="epoch")
    >>> ax.get_xlabel()
    'epoch'
    """
    ax.set_title(plain(title), fontsize=TITLE_SIZE, color=INK, loc="left", pad=10)
    ax.set_xlabel(plain(x), fontsize=LABEL_SIZE, color=INK)
    ax.set_ylabel(plain(y), fontsize=LABEL_SIZE, color=INK)


def legend(ax: Axes, **options) -> None:
    """Add a legend in the house style; with nothing labelled, none.

    Examples
    --------
    >>> fig, [ax] = new_figure()
    >>> legend(ax)
    >>> ax.get_legend() is None
    True
    """
    if ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize=NOTE_SIZE, frameon=False, labelcolor=INK, **options)


def whiskers(estimate: float, lower: float, upper: float) -> list[list[float]]:
    """Return an interval as the two lengths that matplotlib draws from the estimate.

    Rounding can leave a limit on the wrong side of its estimate by 1e-17; such a
    length is drawn as nought.

    Examples
    --------
    >>> whiskers(0.0, 1e-18, 0.25)
    [[0.0], [0.25]]
    """
    return [[max(0.0, estimate - lower)], [max(0.0, upper - estimate)]]


def row_labels(ax: Axes, labels: Sequence[str]) -> None:
    """Name the rows of a horizontal chart, the first on top.

    Examples
    --------
    >>> fig, [ax] = new_figure()
    >>> row_labels(ax, ["Female", "Male"])
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['Female', 'Male']
    """
    ax.set_yticks(range(len(labels)), [plain(name) for name in labels])
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.grid(False, axis="y")


def _dress(ax: Axes) -> None:
    ax.set_facecolor("white")
    ax.tick_params(labelsize=TICK_SIZE, colors=INK, length=3)
    ax.grid(True, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(QUIET)
