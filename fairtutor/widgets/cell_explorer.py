"""Cells of the plane: who is in one, and whether all there are treated alike."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
from ipywidgets import HTML, Dropdown, HBox, IntSlider, Layout
from torch import Tensor

from ..audit import cell_terms
from ..exchange.errors import FairtutorError, did_you_mean
from ..exchange.html import table
from ..exchange.values import Number
from ..figures import Diagram
from ..figures.cells import cells_in_the_plane
from .base import Panel
from .controls import BY_KEYBOARD, WRAP, require_settings
from .page import Board

MOST_CELLS = 60


class Partition(Protocol):
    """Cells of the plane, as :mod:`fairtutor.similarity` makes them."""

    diameters: Tensor

    def __len__(self) -> int: ...

    def assign(self, X: Tensor) -> Tensor:
        """Return each row's cell."""

    def polygons(self) -> list[Tensor]:
        """Return each cell's corners."""


class _Found(NamedTuple):
    """Everybody's cell, their terms of the agreement, and the cells' corners."""

    cell: Tensor
    terms: Tensor
    corners: list[np.ndarray]


class CellExplorer(Panel):
    """Cut the plane into cells, choose one, and see how its people are treated.

    A cell is chosen with the slider or by a click on it.

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
        Z is not in the plane or not finite, p is no probability, or a setting is out
        of its range.

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
        if Z.ndim != 2 or Z.shape[1] != 2 or p.shape != Z.shape[:1]:
            raise FairtutorError(
                f"Z has the shape {tuple(Z.shape)} and p {tuple(p.shape)}; give rows "
                "of two numbers, and one p a row."
            )
        if not Z.isfinite().all() or not ((p >= 0) & (p <= 1)).all():
            raise FairtutorError("Some Z is not finite, or some p not from 0 to 1.")
        if not partitions:
            raise FairtutorError("Give a partition, by name; there is none.")
        _require_cells(cells)
        self.Z, self.p, self.decisions = Z, p.double(), decisions
        self._partitions = dict(partitions)
        self._made: dict[tuple[str, int], Partition] = {}
        self._found: dict[Partition, _Found] = {}
        self._quiet = False
        self.controls = _controls(list(partitions), cells)
        self.controls["cell"].max = len(self._chosen()) - 1
        self._board = Board()
        self._board.on_pick(self.heard(self._pick))
        self._table = HTML(layout=Layout(margin="0 10px"))
        self.fill(
            [HBox(list(self.controls.values()), layout=WRAP)],
            [self._board, self._table],
        )
        self.show()
        for control in self.controls.values():
            control.observe(self.guard(self._changed), names="value")

    @property
    def value(self) -> dict[str, str | int]:
        """Partition, number of cells asked for, and cell; settable, also in part.

        A cell that another partition does not have becomes its last.

        Raises
        ------
        FairtutorError
            A name is unknown, or a number out of its range. Then nothing changes.
        """
        return {name: control.value for name, control in self.controls.items()}

    @value.setter
    def value(self, settings: Mapping[str, str | int]) -> None:
        require_settings(settings, self.controls)
        wanted = {**self.value, **settings}
        if wanted["partition"] not in self._partitions:
            raise FairtutorError(
                f"There is no partition {wanted['partition']!r}. "
                + did_you_mean(wanted["partition"], self._partitions)
            )
        _require_cells(wanted["cells"])
        last = len(self._cells(wanted["partition"], wanted["cells"])) - 1
        if "cell" not in settings:
            wanted["cell"] = min(wanted["cell"], last)
        if not Number(0, last, whole=True).holds(wanted["cell"]):
            raise FairtutorError(f"Cell {wanted['cell']!r}; use 0 to {last}.")
        self._quiet = True
        self.controls["cell"].max = last
        for name, control in self.controls.items():
            control.value = wanted[name]
        self._quiet = False
        self.show()

    @property
    def agreement(self) -> float:
        """1 − mean |ŷ − mean of ŷ in the cell|: how far same cell, same treatment."""
        return self._terms().mean().item()

    def show(self) -> None:
        """Bring picture, table and status line in line with the controls."""
        cells = self._chosen()
        self._board.value = self._picture().html()
        self._table.value = self._table_html()
        self.status = (
            f"{len(cells)} cells ({self.controls['partition'].value}), the largest "
            f"{cells.diameters.max():.2f} across. Same cell, same treatment: "
            f"{self.agreement:.3f}."
        )

    def static_html(self) -> str:
        """Return picture and table, as HTML that needs no kernel."""
        return self._picture().image() + self._table_html()

    def _pick(self, cell: str) -> None:
        self.value = {"cell": int(cell)}

    def _changed(self) -> None:
        if self._quiet:
            return
        self._quiet = True  # a smaller number of cells can move the chosen one
        self.controls["cell"].max = len(self._chosen()) - 1
        self._quiet = False
        self.show()

    def _terms(self) -> Tensor:
        return self._looked_at().terms

    def _looked_at(self) -> _Found:
        """Return what is found out once about a partition."""
        cells = self._chosen()
        if cells not in self._found:
            y_hat = (self.p >= 0.5).double()
            terms = cell_terms(cells, self.Z, y_hat, self.Z, y_hat)
            corners = [polygon.numpy() for polygon in cells.polygons()]
            self._found[cells] = _Found(cells.assign(self.Z), terms, corners)
        return self._found[cells]

    def _cells(self, partition: str, number: int) -> Partition:
        key = partition, number
        if key not in self._made:
            self._made[key] = self._partitions[partition](number)
        return self._made[key]

    def _chosen(self) -> Partition:
        return self._cells(
            self.controls["partition"].value, self.controls["cells"].value
        )

    def _picture(self) -> Diagram:
        found = self._looked_at()
        return cells_in_the_plane(
            found.corners,
            self.Z.numpy(),
            (self.p >= 0.5).long().numpy(),
            found.cell.numpy(),
            chosen=self.controls["cell"].value,
            decisions=self.decisions,
        )

    def _table_html(self) -> str:
        cells, chosen = self._chosen(), self.controls["cell"].value
        inside = self._looked_at().cell == chosen
        p, yes = self.p[inside].numpy(), self.decisions[1]
        rows = [("people", f"{len(p):,}"), ("across", f"{cells.diameters[chosen]:.2f}")]
        if len(p):
            low, middle, high = np.quantile(p, (0, 0.5, 1))
            rows += [
                (f"get {yes}", f"{np.mean(p >= 0.5):.0%}"),
                (
                    f"P({yes}): least, median, largest",
                    f"{low:.2f}, {middle:.2f}, {high:.2f}",
                ),
                ("same cell, same treatment", f"{self._terms()[inside].mean():.3f}"),
            ]
        return f'<div data-cell="{chosen}">{table((f"cell {chosen}", ""), rows)}</div>'


def _require_cells(number: object) -> None:
    if not Number(2, MOST_CELLS, whole=True).holds(number):
        raise FairtutorError(f"{number!r} cells; use 2 to {MOST_CELLS}.")


def _controls(names: list[str], cells: int) -> dict[str, Dropdown | IntSlider]:
    wide = {"layout": Layout(width="300px"), "style": {"description_width": "80px"}}
    return {
        "partition": Dropdown(
            options=names,
            description="partition",
            tooltip=f"How the plane is cut. {BY_KEYBOARD}",
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
