"""Turn a certified constant up and down, and see the model, its error, its reach."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from ipywidgets import FloatSlider, HBox, Layout, SelectionSlider
from torch import Tensor, nn

from ..exchange.errors import FairtutorError
from ..exchange.values import Number, require_number
from ..figures import Diagram
from ..figures.dial import constant_axes, dial_board
from ..theory.lipschitz import (
    certified_accuracy,
    expected_error,
    lipschitz_bound,
    probability_constant,
)
from .base import Panel
from .controls import WRAP, require_settings
from .page import Board

GRID = 60
SETTINGS = {"L": Number(1e-9, 1e9), "radius": Number(0, 1)}

Rows = tuple[Tensor, Tensor]


class LipschitzDial(Panel):
    """Choose L among models that were trained with different constants.

    Parameters
    ----------
    models
        Plain networks from z in the plane to one logit, such as
        :meth:`fairtutor.theory.lipschitz.LipschitzNetwork.export` returns.
    sample, fresh
        Z, (n, 2), and y, (n,), 0 or 1: rows that the models learned from, and others.
    radius
        r of the certified accuracy, to start with.
    outcomes
        What 0 and 1 mean.

    Attributes
    ----------
    constants : list of float
        Of P(y = 1) for each model, recomputed, rising: the logit's over 4.
    controls : dict
        ``L`` and ``radius``.

    Raises
    ------
    FairtutorError
        There is no model, one is constant or has no single logit, or Z is not in the
        plane.

    Examples
    --------
    >>> models = [nn.Sequential(nn.Linear(2, 1)) for _ in range(3)]
    >>> Z = torch.rand(50, 2)
    >>> panel = LipschitzDial(models, (Z, Z[:, 0].round()), (Z, Z[:, 0].round()))
    >>> panel.value["radius"], len(panel.constants)
    (0.1, 3)
    """

    def __init__(
        self,
        models: Sequence[nn.Sequential],
        sample: Rows,
        fresh: Rows,
        *,
        radius: float = 0.1,
        outcomes: Sequence[str] = ("no", "yes"),
    ) -> None:
        super().__init__("Lipschitz dial", "user")
        if not models:
            raise FairtutorError("There is no model; train at least one.")
        for Z, _ in (sample, fresh):
            if Z.ndim != 2 or Z.shape[1] != 2:
                raise FairtutorError(
                    f"Z has the shape {tuple(Z.shape)}; give rows of two numbers."
                )
        bounds = [_bound(model) for model in models]
        self._bounds = sorted(bounds)
        self.constants = [probability_constant(bound) for bound in self._bounds]
        by_constant = [models[k] for k in np.argsort(bounds, kind="stable")]
        self._sample, self._outcomes = sample, outcomes
        self._logits = [_logits(model, (sample, fresh)) for model in by_constant]
        self._y = sample[1], fresh[1]
        self._sides = _sides(torch.cat([sample[0], fresh[0]]))
        self._surfaces = [_surface(model, *self._sides) for model in by_constant]
        self.controls = _controls(self.constants, radius)
        self._board = Board()
        self._board.on_drag(self.heard(self._pull))
        self.fill([HBox(list(self.controls.values()), layout=WRAP)], [self._board])
        self.show()
        for control in self.controls.values():
            control.observe(self.guard(self.show), names="value")

    @property
    def value(self) -> dict[str, float]:
        """L and the radius; settable, also in part. Of L the nearest one is taken.

        Raises
        ------
        FairtutorError
            A name is unknown, or a number is out of its range. Then nothing changes.
        """
        return {
            "L": self.constants[self.controls["L"].value],
            "radius": self.controls["radius"].value,
        }

    @value.setter
    def value(self, settings: Mapping[str, float]) -> None:
        require_settings(settings, self.controls)
        wanted = {**self.value, **settings}
        for name, allowed in SETTINGS.items():
            require_number(name, wanted[name], allowed, name)
        away = [abs(np.log(L / wanted["L"])) for L in self.constants]
        self.controls["L"].value = int(np.argmin(away))
        self.controls["radius"].value = wanted["radius"]

    @property
    def measures(self) -> dict[str, float]:
        """What the curves show at the chosen L."""
        at = self.controls["L"].value
        return {name: values[at] for name, values in self._series.items()}

    def show(self) -> None:
        """Bring picture and status line in line with the controls."""
        self._series = self._measured(self.controls["radius"].value)
        self._board.value = self._picture().html()
        told = ", ".join(f"{name} {value:.3f}" for name, value in self.measures.items())
        self.status = f"L = {self.value['L']:.3g}: {told}."

    def static_html(self) -> str:
        """Return the picture, as HTML that needs no kernel."""
        return self._picture().image()

    def _pull(self, _: str, place: float) -> None:
        self.value = {"L": constant_axes(self.constants).number_at(place)}

    def _measured(self, radius: float) -> dict[str, list[float]]:
        series: dict[str, list[float]] = {
            "error, sample": [],
            "error, fresh": [],
            "accuracy, fresh": [],
            f"certified at {radius:g}": [],
        }
        error, fresh_error, right, kept = series.values()
        y, fresh_y = self._y
        for (logits, fresh_logits), L in zip(self._logits, self._bounds, strict=True):
            error.append(expected_error(logits.sigmoid(), y).item())
            fresh_error.append(expected_error(fresh_logits.sigmoid(), fresh_y).item())
            shares = certified_accuracy(fresh_logits, fresh_y, L, (0.0, radius))
            right.append(shares[0].item())
            kept.append(shares[1].item())
        return series

    def _picture(self) -> Diagram:
        Z, y = self._sample
        at = self.controls["L"].value
        return dial_board(
            tuple(side.numpy() for side in self._sides),
            self._surfaces[at].numpy(),
            Z.numpy(),
            y.numpy(),
            [_told(L) for L in self.constants],
            self._series,
            _told(self.constants[at]),
            self._outcomes,
        )


def _bound(model: nn.Sequential) -> float:
    """Return the logit's constant, of a model that the dial can show."""
    bound = lipschitz_bound(model)
    if bound == 0:
        raise FairtutorError("A model has the constant 0: it is the same for all.")
    with torch.no_grad():
        answer = model(torch.zeros(1, 2))
    if answer.shape != (1, 1):
        raise FairtutorError(
            f"A model answers with {answer.shape[-1]} numbers; give models of one "
            "logit."
        )
    return bound


def _told(L: float) -> float:
    """Return L with the digits that people read."""
    return float(f"{L:.4g}")


@torch.no_grad()
def _logits(model: nn.Sequential, parts: tuple[Rows, Rows]) -> list[Tensor]:
    return [model(Z.float())[:, 0].double() for Z, _ in parts]


def _sides(Z: Tensor) -> tuple[Tensor, Tensor]:
    low, high = Z.amin(0), Z.amax(0)
    edge = 0.05 * (high - low)
    ends = zip((low - edge).tolist(), (high + edge).tolist(), strict=True)
    first, second = (torch.linspace(*pair, GRID) for pair in ends)
    return first, second


@torch.no_grad()
def _surface(model: nn.Sequential, first: Tensor, second: Tensor) -> Tensor:
    across, upwards = torch.meshgrid(first, second, indexing="xy")
    points = torch.stack([across.flatten(), upwards.flatten()], 1)
    return model(points)[:, 0].sigmoid().view(GRID, GRID).double()


def _controls(constants: list[float], radius: float) -> dict:
    wide = {"layout": Layout(width="400px"), "style": {"description_width": "60px"}}
    return {
        "L": SelectionSlider(
            options=[(f"{L:.3g}", k) for k, L in enumerate(constants)],
            value=len(constants) // 2,
            description="L",
            tooltip="The certified constant of P(yes)",
            **wide,
        ),
        "radius": FloatSlider(
            value=radius,
            min=0,
            max=1,
            step=0.01,
            description="radius",
            tooltip="Within which distance the decision must stay the same",
            readout_format=".2f",
            **wide,
        ),
    }
