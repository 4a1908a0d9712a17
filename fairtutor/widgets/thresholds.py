"""Two thresholds to move, and which definitions of fairness hold at the same time."""

from collections.abc import Sequence
from html import escape

import numpy as np
from ipywidgets import HTML, BoundedFloatText, FloatSlider, HBox, IntSlider, Layout
from numpy.typing import ArrayLike

from ..exchange.errors import FairtutorError
from ..exchange.html import table
from ..figures import Diagram, threshold_board, threshold_rates
from ..figures.scores import score_bins, split_by_group
from ..theory.impossibility import DEFINITIONS
from .base import Panel
from .controls import WRAP
from .page import Board

FEW_VALUES = 30


class ThresholdExplorer(Panel):
    """Move each group's threshold and see which definitions hold together.

    A threshold is moved with its slider, or by pulling its line.

    Parameters
    ----------
    scores
        (n,), finite: for instance a decile score.
    y
        (n,), the outcomes, 0 or 1.
    groups
        (n,), each row's group: names, or codes as positions in ``labels``.
    labels
        The groups' names; by default the names found, sorted. Two to six.
    thresholds
        Where to start, one a group; by default the middle of the scores.
    tolerance
        The largest gap at which a definition holds.
    score_name
        What the score is.

    Attributes
    ----------
    sliders : list
        One a group, in the order of ``labels``.
    tolerance : ipywidgets.BoundedFloatText
        The tolerance's control.

    Raises
    ------
    FairtutorError
        The arrays do not fit each other, or there are fewer than two groups.

    Examples
    --------
    >>> scores, y = [1, 2, 3, 4, 1, 2, 3, 4], [0, 1, 0, 1, 0, 0, 0, 1]
    >>> panel = ThresholdExplorer(scores, y, list("aaaabbbb"))
    >>> panel.value = [3, 4]
    >>> panel.rates["a"]["selection rate"], panel.holding
    (0.5, [])
    """

    def __init__(
        self,
        scores: ArrayLike,
        y: ArrayLike,
        groups: ArrayLike,
        labels: Sequence[str] | None = None,
        *,
        thresholds: Sequence[float] | None = None,
        tolerance: float = 0.05,
        score_name: str = "score",
    ) -> None:
        super().__init__("Thresholds by group", "loop")
        codes, self.labels = _codes(groups, labels)
        self._parts = split_by_group(scores, y, codes, self.labels)
        self._data = np.asarray(scores, dtype=float), np.asarray(y), codes
        self.score_name = score_name
        values = np.unique(self._data[0])
        self.sliders = [_slider(name, values) for name in self.labels]
        self.tolerance = BoundedFloatText(
            value=tolerance,
            min=0,
            max=1,
            step=0.01,
            description="tolerance",
            tooltip="The largest gap at which a definition holds",
            layout=Layout(width="180px"),
        )
        self._board = Board()
        self._board.on_drag(self.heard(self._pull))
        self._table = HTML(layout=Layout(margin="0 10px"))
        controls = HBox([*self.sliders, self.tolerance], layout=WRAP)
        self.fill([controls], [self._board, self._table])
        if thresholds is not None:
            self.value = thresholds
        for control in [*self.sliders, self.tolerance]:
            control.observe(self.guard(self.show), names="value")
        self.show()

    @property
    def value(self) -> list[float]:
        """The thresholds, one a group; settable.

        Raises
        ------
        FairtutorError
            Their number is not that of the groups, or one lies outside the scores.
        """
        return [slider.value for slider in self.sliders]

    @value.setter
    def value(self, thresholds: Sequence[float]) -> None:
        if len(thresholds) != len(self.sliders):
            raise FairtutorError(
                f"{len(thresholds)} thresholds for {len(self.sliders)} groups: pass "
                "one a group."
            )
        for slider, threshold in zip(self.sliders, thresholds, strict=True):
            if not slider.min <= threshold <= slider.max:
                raise FairtutorError(
                    f"The threshold {threshold} of {slider.description!r} is outside "
                    f"the scores; use {slider.min:g} to {slider.max:g}."
                )
            slider.value = threshold

    @property
    def rates(self) -> dict[str, dict[str, float]]:
        """The four rates of each group, by the group's name; NaN where undefined."""
        return {
            name: {
                rate: float(values[0])
                for rate, values in threshold_rates(*part, [threshold]).items()
            }
            for name, part, threshold in zip(
                self.labels, self._parts, self.value, strict=True
            )
        }

    @property
    def gaps(self) -> dict[str, float]:
        """The largest difference between groups, by definition; NaN if undefined."""
        rates = self.rates.values()
        columns = {
            name: np.array([group[rate] for group in rates])
            for name, rate in DEFINITIONS.items()
        }
        return {name: float(np.ptp(column)) for name, column in columns.items()}

    @property
    def holding(self) -> list[str]:
        """The definitions that hold within the tolerance."""
        return [name for name, gap in self.gaps.items() if gap <= self.tolerance.value]

    def show(self) -> None:
        """Bring board, table and status line in line with the thresholds."""
        self._board.value = self._diagram().html()
        self._table.value = self._table_html()
        holding = self.holding
        words = ", ".join(holding) if holding else "none of the four definitions"
        self.status = f"Within {self.tolerance.value:g} hold: {words}."

    def static_html(self) -> str:
        """Return board and table, as HTML that needs no kernel."""
        return self._diagram().image() + self._table_html()

    def _pull(self, code: str, place: float) -> None:
        """Set a group's threshold to where a hand has pulled it."""
        slider, edges = self.sliders[int(code)], score_bins(np.unique(self._data[0]))
        score = edges[0] + place * (edges[-1] - edges[0])
        if isinstance(slider, IntSlider):
            score = round(score + 0.5)  # a threshold stands left of its bar
        slider.value = min(max(score, slider.min), slider.max)

    def _diagram(self) -> Diagram:
        return threshold_board(*self._data, self.labels, self.value, self.score_name)

    def _table_html(self) -> str:
        rates, holding = self.rates, self.holding
        rows = [
            (
                name,
                f"equal {rate}",
                *(f"{rates[group][rate]:.3f}" for group in self.labels),
                f"{gap:.3f}",
                "✓ holds" if name in holding else "✗ does not hold",
            )
            for (name, rate), gap in zip(
                DEFINITIONS.items(), self.gaps.values(), strict=True
            )
        ]
        header = ("definition", "asks for", *self.labels, "gap", "")
        held = escape(", ".join(holding))
        return f'<div data-holding="{held}">{table(header, rows)}</div>'


def _codes(
    groups: ArrayLike, labels: Sequence[str] | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return group codes and names, from names or from codes."""
    groups = np.asarray(groups)
    if labels is None:
        names, codes = np.unique(groups, return_inverse=True)
        labels = tuple(str(name) for name in names)
    elif groups.dtype.kind in "iu":
        codes = groups
    else:
        at = {name: code for code, name in enumerate(labels)}
        codes = np.array([at.get(str(name), -1) for name in groups])
    if not 2 <= len(labels) <= 6:
        raise FairtutorError(f"{len(labels)} groups; this panel compares two to six.")
    return codes, tuple(labels)


def _slider(name: str, values: np.ndarray) -> IntSlider | FloatSlider:
    """Make a threshold's slider, from everybody selected to nobody selected."""
    options = {
        "description": name,
        "tooltip": f"Who of {name} scores at least this gets the positive decision",
        "layout": Layout(width="380px"),
        "style": {"description_width": "initial"},
    }
    if len(values) <= FEW_VALUES and (values == values.astype(int)).all():
        low, high = int(values[0]), int(values[-1]) + 1
        return IntSlider(value=(low + high) // 2, min=low, max=high, **options)
    edges = score_bins(values)
    step = float(edges[-1] - edges[0]) / 200
    low, high = float(values[0]), float(values[-1]) + step
    return FloatSlider(
        value=(low + high) / 2,
        min=low,
        max=high,
        step=step,
        readout_format=".3g",
        **options,
    )
