"""How many cells? The robustness bound and the measured gap, by moving a slider."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from ipywidgets import FloatLogSlider, HBox, Layout
from torch import Tensor

from ..exchange.errors import FairtutorError
from ..exchange.values import Number, require_number
from ..figures import Diagram
from ..figures.bound import bound_board, promise_axes
from ..similarity import Box, GridCells
from ..theory.lipschitz import expected_error
from ..theory.robustness import cell_epsilon, robustness_bound
from .base import Panel
from .controls import WRAP
from .page import Board

MOST_PIECES = 512
STEEPNESS = Number(0, 1e9)
PIECES = np.unique(np.geomspace(1, MOST_PIECES, 40).round().astype(int))

Sample = tuple[Tensor, Tensor]
Model = Callable[[Tensor], Tensor]


class BoundExplorer(Panel):
    """Cut a line into more or fewer cells; see bound and gap together.

    Parameters
    ----------
    sample, fresh
        z, (n,) from 0 to 1, and y, (n,) 0 or 1: the rows that the model learned from,
        and others.
    model
        From z, (n,), to P(y = 1), (n,).
    L
        Its certified constant.
    pieces
        Of the line, to start with; K is twice as many.
    delta
        δ.

    Attributes
    ----------
    slider : ipywidgets.FloatLogSlider
        How many pieces.

    Raises
    ------
    FairtutorError
        A z is no number from 0 to 1, L none from 0, or the number of pieces outside
        1 … 512.

    Examples
    --------
    >>> z = torch.linspace(0, 1, 101)
    >>> panel = BoundExplorer((z, z.round()), (z, z.round()), lambda z: z, L=1.0)
    >>> panel.value = 10
    >>> round(panel.parts["epsilon"], 3)
    0.1
    """

    def __init__(
        self,
        sample: Sample,
        fresh: Sample,
        model: Model,
        L: float,
        *,
        pieces: int = 25,
        delta: float = 0.05,
    ) -> None:
        super().__init__("How many cells?", "regulator")
        for z, _ in (sample, fresh):
            if z.ndim != 1 or not ((z >= 0) & (z <= 1)).all():
                raise FairtutorError(
                    f"z has the shape {tuple(z.shape)} or lies outside 0 … 1; give one "
                    "number for each row, clipped and scaled."
                )
        require_number("L", L, STEEPNESS, "L")
        self.sample, self.L, self.delta = sample, L, delta
        errors = [expected_error(model(z), y).item() for z, y in (sample, fresh)]
        self.gap = abs(errors[0] - errors[1])
        places = torch.linspace(0, 1, 201, dtype=sample[0].dtype)
        self._curve = places.numpy(), model(places).numpy()
        self._computed = [self._bound(int(k)) for k in PIECES]
        self.slider = FloatLogSlider(
            value=pieces,
            base=2,
            min=0,
            max=np.log2(MOST_PIECES),
            step=0.125,
            description="pieces of the line",
            tooltip="How many cells the line is cut into; K counts each twice",
            readout_format=",.0f",
            layout=Layout(width="440px"),
            style={"description_width": "130px"},
        )
        self._board = Board()
        self._board.on_drag(self.heard(self._pull))
        self.fill([HBox([self.slider], layout=WRAP)], [self._board])
        self.slider.observe(self.guard(self.show), names="value")
        self.value = pieces
        self.show()

    @property
    def value(self) -> int:
        """How many pieces; settable from 1 to 512."""
        return round(self.slider.value)

    @value.setter
    def value(self, pieces: int) -> None:
        require_number("pieces", pieces, Number(1, MOST_PIECES, whole=True), "pieces")
        self.slider.value = pieces

    @property
    def parts(self) -> dict[str, float]:
        """Epsilon, the second term and their sum at the chosen number of pieces."""
        return self._bound(self.value)

    def show(self) -> None:
        """Bring picture and status line in line with the slider."""
        found, pieces = self.parts, self.value
        self._board.value = self._picture().html()
        self.status = (
            f"{pieces} pieces, K = {2 * pieces}: epsilon {found['epsilon']:.3f} + "
            f"second term {found['second term']:.3f} = {found['bound']:.3f}. "
            f"Measured gap: {self.gap:.4f}."
        )

    def static_html(self) -> str:
        """Return the picture, as HTML that needs no kernel."""
        return self._picture().image()

    def _pull(self, _: str, place: float) -> None:
        self.value = round(promise_axes(PIECES).number_at(place))

    def _bound(self, pieces: int) -> dict[str, float]:
        epsilon = cell_epsilon(self.L, GridCells(Box.unit(1), pieces).diameters)
        bound = robustness_bound(epsilon, 2 * pieces, len(self.sample[0]), self.delta)
        return {"epsilon": epsilon, "second term": bound - epsilon, "bound": bound}

    def _picture(self) -> Diagram:
        z, y = (part.numpy() for part in self.sample)
        series: dict[str, Sequence[float]] = {
            name: [found[name] for found in self._computed]
            for name in ("bound", "epsilon", "second term")
        }
        series["measured gap"] = [self.gap] * len(PIECES)
        return bound_board(
            z,
            y,
            self._curve,
            np.linspace(0, 1, self.value + 1),
            PIECES.tolist(),
            series,
            self.value,
        )
