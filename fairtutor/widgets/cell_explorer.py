"""Cells of the plane: who is in one, and whether all there are treated alike."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from ipywidgets import HTML, Dropdown, HBox, IntSlider, Layout
from torch import Tensor

from ..audit import cell_terms
from ..exchange.errors import FairtutorError, did_you_mean
from ..exchange.html import table
from ..figures.cells import cells_in_the_plane
from .base import Panel
from .controls import WRAP

MOST_CELLS = 60


class Partition(Protocol):
    """Cells of the plane, as :mod:`fairtutor.similarity` makes them."""

    diameters: Tensor

    def __len__(self) -> int: ...

    def assign(self, X: Tensor) -> Tensor:
        """Return each row's cell."""

    def polygons(self) -> list[Tensor]:
        """Return each cell's corners."""


class CellExplorer(Panel):
    """Cut the plane into cells, choose one, and see how its people are treated.

    Parameters
    ----------
    Z
        Where people stand, (n, 2).
    p
        P(y = 1) of each, (n,).
    partitions
        By name: a function from the number of cells to cells with a box.
    cells
        How many to start with, 2 to 60.
    decisions
        What *no* and *yes* mean.

    Attributes
    ----------
    controls : dict
        The control of each setting: ``partition``, ``cells``, ``cell``.

    Raises
    ------
    FairtutorError
        Z is not in the plane, or a setting is out of its range.

    Examples
    --------
    >>> import torch
    >>> from fairtutor.similarity import Box, GridCells
    >>> Z = torch.rand(100, 2, generator=torch.Generator().manual_seed(0))
    >>> grid = lambda K: GridCells(Box.unit(2), max(1, round(K**0.5)))
    >>> panel = CellExplorer(Z, Z[:, 0], {"grid": grid}, cells=4)
    >>> panel.value
    {'partition': 'grid', 'cells': 4, 'cell': 0}
    """

    def __init__(
        self,
        Z: Tensor,
        p: Tensor,
        partitions: Mapping[str, Callable[[int], Partition]],
        *,
        cells: int = 16,
        decisions: tuple[str, str] = ("no", "yes"),
    ) -> None:
        super().__init__("Same cell, same treatment", "regulator")
        if Z.ndim != 2 or Z.shape[1] != 2 or len(p) != len(Z):
            raise FairtutorError(
                f"Z has the shape {tuple(Z.shape)} and p {tuple(p.shape)}; give rows "
                "of two numbers, and one p a row."
            )
        self.Z, self.p, self.decisions = Z, p.double(), decisions
        self._partitions = dict(partitions)
        self._made: dict[tuple[str, int], Partition] = {}
        self.controls = _controls(list(partitions), cells)
        self._board = HTML(layout=Layout(margin="6px 10px"))
        self._table = HTML(layout=Layout(margin="0 10px"))
        self.fill(
            [HBox(list(self.controls.values()), layout=WRAP)],
            [self._board, self._table],
        )
        self.show()
        for control in self.controls.values():
            control.observe(self.guard(self.show), names="value")

    @property
    def value(self) -> dict[str, str | int]:
        """Partition, number of cells asked for, and cell; settable, also in part.

        Raises
        ------
        FairtutorError
            A name is unknown, or a number out of its range. Then nothing changes.
        """
        return {name: control.value for name, control in self.controls.items()}

    @value.setter
    def value(self, settings: Mapping[str, str | int]) -> None:
        for name in settings:
            if name not in self.controls:
                raise FairtutorError(
                    f"There is no setting {name!r}. {did_you_mean(name, self.controls)}"
                )
        wanted = {**self.value, **settings}
        if wanted["partition"] not in self._partitions:
            raise FairtutorError(
                f"There is no partition {wanted['partition']!r}. "
                + did_you_mean(wanted["partition"], self._partitions)
            )
        if not 2 <= wanted["cells"] <= MOST_CELLS:
            raise FairtutorError(f"{wanted['cells']} cells; use 2 to {MOST_CELLS}.")
        there = len(self._cells(wanted["partition"], wanted["cells"]))
        if not 0 <= wanted["cell"] < there:
            raise FairtutorError(f"Cell {wanted['cell']}; use 0 to {there - 1}.")
        for name, control in self.controls.items():
            if name == "cell":
                control.max = max(control.max, there - 1)
            control.value = wanted[name]
        self.show()

    @property
    def agreement(self) -> float:
        """1 − mean |ŷ − mean of ŷ in the cell|: how far same cell, same treatment."""
        cells, y_hat = self._chosen(), (self.p >= 0.5).double()
        return cell_terms(cells, self.Z, y_hat, self.Z, y_hat).mean().item()

    def show(self) -> None:
        """Bring picture, table and status line in line with the controls."""
        cells = self._chosen()
        self.controls["cell"].max = len(cells) - 1
        self._board.value = self._picture().html()
        self._table.value = self._table_html()
        self.status = (
            f"{len(cells)} cells ({self.controls['partition'].value}), the largest "
            f"{cells.diameters.max():.2f} across. Same cell, same treatment: "
            f"{self.agreement:.3f}."
        )

    def static_html(self) -> str:
        """Return picture and table, as HTML that needs no kernel."""
        return self._picture().html() + self._table_html()

    def _cells(self, partition: str, number: int) -> Partition:
        key = partition, number
        if key not in self._made:
            self._made[key] = self._partitions[partition](number)
        return self._made[key]

    def _chosen(self) -> Partition:
        return self._cells(
            self.controls["partition"].value, self.controls["cells"].value
        )

    def _picture(self):
        cells = self._chosen()
        return cells_in_the_plane(
            [corners.numpy() for corners in cells.polygons()],
            self.Z.numpy(),
            (self.p >= 0.5).long().numpy(),
            cells.assign(self.Z).numpy(),
            chosen=self.controls["cell"].value,
            decisions=self.decisions,
        )

    def _table_html(self) -> str:
        cells, chosen = self._chosen(), self.controls["cell"].value
        p = self.p[cells.assign(self.Z) == chosen].numpy()
        rows = [("people", f"{len(p):,}"), ("across", f"{cells.diameters[chosen]:.2f}")]
        if len(p):
            rows += [
                (f"get {self.decisions[1]}", f"{np.mean(p >= 0.5):.0%}"),
                ("P(yes), least to largest", f"{p.min():.2f} … {p.max():.2f}"),
            ]
        return table((f"cell {chosen}", ""), rows)


def _controls(names: list[str], cells: int) -> dict[str, Dropdown | IntSlider]:
    wide = {"layout": Layout(width="300px"), "style": {"description_width": "80px"}}
    return {
        "partition": Dropdown(
            options=names,
            description="partition",
            tooltip="How the plane is cut",
            **wide,
        ),
        "cells": IntSlider(
            value=cells,
            min=2,
            max=MOST_CELLS,
            description="cells",
            tooltip="How many cells are asked for",
            continuous_update=False,
            **wide,
        ),
        "cell": IntSlider(
            value=0,
            min=0,
            max=cells - 1,
            description="show cell",
            tooltip="Which cell is framed and told of below",
            continuous_update=False,
            **wide,
        ),
    }
