"""One query, and who is nearest to it under two distances, side by side."""

from collections.abc import Callable, Mapping, Sequence

import torch
from ipywidgets import HBox, IntSlider, Layout
from torch import Tensor

from ..exchange.errors import FairtutorError
from ..exchange.html import table
from ..exchange.values import Number, require_number
from ..figures import Diagram
from ..figures.twins import image_strip
from .base import Panel
from .controls import WRAP, require_settings, require_shown, row_control
from .page import Board

MOST, MOST_DISTANCES = 12, 4


class NeighbourExplorer(Panel):
    """Choose a row, and compare its neighbours under one distance and another.

    Parameters
    ----------
    distances
        By name, one to four: coordinates, (n, d), whose Euclidean distance it is.
    classes
        What each row is, (n,), in words or numbers; a neighbour of another class is
        marked.
    images
        (n, height, width), to show; or
    names
        One text for each row, to show.
    neighbours
        How many of the nearest, to start with.
    row
        Who comes first.

    Attributes
    ----------
    controls : dict
        ``row`` and ``neighbours``.

    Raises
    ------
    FairtutorError
        There is not either an image or a name for each row, numbers of rows differ, a
        coordinate is not finite, or a setting is out of its range.

    Examples
    --------
    >>> pixels = torch.tensor([[0.0], [1.0], [5.0]])
    >>> spaces = {"pixels": pixels, "learned": pixels[[0, 2, 1]]}
    >>> panel = NeighbourExplorer(spaces, ["a", "b", "a"], names=["x", "y", "z"])
    >>> panel.value = {"neighbours": 1}
    >>> panel.nearest
    {'pixels': [1], 'learned': [2]}
    >>> panel.status
    "Row 0 is 'a'. Of the nearest 1, as it is: 0 by pixels, 1 by learned."
    """

    def __init__(
        self,
        distances: Mapping[str, Tensor],
        classes: Sequence[object] | Tensor,
        *,
        images: Tensor | None = None,
        names: Sequence[str] | None = None,
        neighbours: int = 6,
        row: int = 0,
    ) -> None:
        super().__init__("Nearest under which distance?", "regulator")
        if isinstance(classes, Tensor):
            classes = classes.tolist()
        n = len(classes)
        if n < 2 or not 1 <= len(distances) <= MOST_DISTANCES:
            raise FairtutorError(
                f"{n} rows under {len(distances)} distances; give two rows or more, "
                f"and 1 to {MOST_DISTANCES} distances."
            )
        require_shown(n, "classes", distances, names, images, "names")
        self.classes = [str(name) for name in classes]
        self._distances = {name: Z.double() for name, Z in distances.items()}
        self._images, self._names = images, names
        self._last: tuple = None, None  # which settings were ranked last, the answer
        self._allowed = {
            "row": Number(0, n - 1, whole=True),
            "neighbours": Number(1, min(MOST, n - 1), whole=True),
        }
        start = {"row": row, "neighbours": min(neighbours, n - 1)}
        self._require(start)
        self.controls = _controls(self._allowed, start)
        self._board = Board()
        self._board.on_pick(self.heard(self._pick))
        self.fill([HBox(list(self.controls.values()), layout=WRAP)], [self._board])
        self.show()
        for control in self.controls.values():
            control.observe(self.guard(self.show), names="value")

    @property
    def value(self) -> dict[str, int]:
        """The row and how many neighbours; settable, also in part.

        Raises
        ------
        FairtutorError
            A name is unknown or a number out of its range. Then nothing changes.
        """
        return {name: control.value for name, control in self.controls.items()}

    @value.setter
    def value(self, settings: Mapping[str, int]) -> None:
        require_settings(settings, self.controls)
        self._require(settings)
        for name, wanted in settings.items():
            self.controls[name].value = wanted

    @property
    def nearest(self) -> dict[str, list[int]]:
        """The nearest other rows under each distance, the nearest first."""
        return {name: rows for name, (rows, _) in self._ranked().items()}

    def show(self) -> None:
        """Bring the board and the status line in line with the controls."""
        row, k = self.controls["row"].value, self.controls["neighbours"].value
        own = self.classes[row]
        alike = ", ".join(
            f"{sum(self.classes[i] == own for i in rows)} by {name}"
            for name, rows in self.nearest.items()
        )
        self._board.value = self._board_html(Diagram.html)
        self.status = f"Row {row} is {own!r}. Of the nearest {k}, as it is: {alike}."

    def static_html(self) -> str:
        """Return the board, as HTML that needs no kernel."""
        return self._board_html(Diagram.image)

    def _board_html(self, show: Callable[[Diagram], str]) -> str:
        if self._names is not None:
            return self._table()
        return "".join(show(strip) for strip in self._strips())

    def _pick(self, row: str) -> None:
        self.value = {"row": int(row)}

    def _require(self, settings: Mapping[str, object]) -> None:
        for name, wanted in settings.items():
            require_number(name, wanted, self._allowed[name], name)

    def _ranked(self) -> dict[str, tuple[list[int], list[float]]]:
        """Return the nearest rows and their distances; of ties, the first row."""
        if self._last[0] != self.value:
            self._last = self.value, self._rank()
        return self._last[1]

    def _rank(self) -> dict[str, tuple[list[int], list[float]]]:
        row, found = self.controls["row"].value, {}
        for name, Z in self._distances.items():
            apart = (Z - Z[row]).norm(dim=1)
            apart[row] = torch.inf
            near = apart.argsort(stable=True)[: self.controls["neighbours"].value]
            found[name] = near.tolist(), apart[near].tolist()
        return found

    def _strips(self) -> list[Diagram]:
        row, pictures = self.controls["row"].value, []
        for name, (near, apart) in self._ranked().items():
            captions = [f"row {row}: {self.classes[row]}\nchosen"] + [
                f"row {i}: {self.classes[i]}\nρ = {rho:.3g}"
                for i, rho in zip(near, apart, strict=True)
            ]
            rows = [row, *near]
            marked = [self.classes[i] != self.classes[row] for i in rows]
            images = self._images[rows].numpy()
            title = f"Nearest by {name}"
            pictures.append(image_strip(images, captions, marked, title, rows))
        return pictures

    def _table(self) -> str:
        row, columns = self.controls["row"].value, []
        for near, apart in self._ranked().values():
            columns.append(
                [
                    f"{'' if self.classes[i] == self.classes[row] else '✗ '}"
                    f"{self._names[i]} ({self.classes[i]}), ρ = {rho:.3g}"
                    for i, rho in zip(near, apart, strict=True)
                ]
            )
        ranks = range(1, self.controls["neighbours"].value + 1)
        header = ("", *(f"nearest by {name}" for name in self._distances))
        chosen = f"{self._names[row]} ({self.classes[row]})"
        first = ("chosen", *[chosen] * len(columns))
        return table(header, [first, *zip(ranks, *columns, strict=True)])


def _controls(allowed: Mapping[str, Number], start: Mapping[str, int]) -> dict:
    row, neighbours = allowed.values()
    return {
        "row": row_control(row.high + 1, start["row"]),
        "neighbours": IntSlider(
            value=start["neighbours"],
            min=neighbours.low,
            max=neighbours.high,
            description="neighbours",
            tooltip="How many of the nearest are shown",
            layout=Layout(width="320px"),
            style={"description_width": "80px"},
        ),
    }
