"""Pick somebody, see who is nearest under a distance, and how a model treats both."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import torch
from ipywidgets import HTML, BoundedIntText, Button, Dropdown, HBox, Layout
from torch import Tensor

from ..exchange.errors import FairtutorError, did_you_mean
from ..figures.twins import image_strip
from ..similarity import total_variation
from .base import Panel, button
from .controls import WRAP

if TYPE_CHECKING:
    import pandas as pd

SAME = 1e-6  # probabilities this close are equal


class TwinFinder(Panel):
    """Look for somebody's twins, and for those who are treated otherwise.

    Parameters
    ----------
    p
        P(y = 1), (n,), or probabilities of each class, (n, C).
    distances
        By name: coordinates, (n, d), whose Euclidean distance it is.
    people
        A table with one row each, to show; or
    images
        (n, height, width), to show.
    outcomes
        What the classes are called; by default no and yes.
    neighbours
        How many of the nearest are shown.
    row
        Who comes first.

    Attributes
    ----------
    controls : dict
        ``row`` and ``distance``.
    worst : ipywidgets.Button
        Goes to the person with the most differently treated neighbour.

    Raises
    ------
    FairtutorError
        Neither people nor images are given, or numbers of rows differ.

    Examples
    --------
    >>> import pandas as pd
    >>> p, X = torch.tensor([0.1, 0.9, 0.2]), torch.tensor([[0.0], [1.0], [5.0]])
    >>> people = pd.DataFrame({"age": [30, 31, 50]})
    >>> panel = TwinFinder(p, {"age": X}, people=people, neighbours=1)
    >>> panel.nearest.tolist(), panel.status
    ([1], 'Row 0 gets no; 1 of the 1 nearest by age gets another decision. The \
largest ratio D/ρ is 0.8.')
    """

    def __init__(
        self,
        p: Tensor,
        distances: Mapping[str, Tensor],
        *,
        people: "pd.DataFrame | None" = None,
        images: Tensor | None = None,
        outcomes: Sequence[str] = ("no", "yes"),
        neighbours: int = 5,
        row: int = 0,
    ) -> None:
        super().__init__("Twin finder", "regulator")
        _require_rows(p, distances, people, images, neighbours)
        self.p, self.outcomes, self.neighbours = p.double(), outcomes, neighbours
        self._distances = {name: X.double() for name, X in distances.items()}
        self._people, self._images = people, images
        self.controls = _controls(len(p), list(distances), row)
        self.worst: Button = button(
            "Worst twins", "Go to whoever has the most differently treated neighbour"
        )
        self.on_click(self.worst, self.find_worst)
        self._board = HTML(layout=Layout(margin="6px 10px"))
        self.fill(
            [HBox([*self.controls.values(), self.worst], layout=WRAP)], [self._board]
        )
        self.show()
        for control in self.controls.values():
            control.observe(self.guard(self.show), names="value")

    @property
    def value(self) -> dict[str, str | int]:
        """Who is looked at, and by which distance; settable, also in part.

        Raises
        ------
        FairtutorError
            There is no such row or distance. Then nothing changes.
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
        if wanted["distance"] not in self._distances:
            raise FairtutorError(
                f"There is no distance {wanted['distance']!r}. "
                + did_you_mean(wanted["distance"], self._distances)
            )
        if not 0 <= wanted["row"] < len(self.p):
            raise FairtutorError(f"Row {wanted['row']}; use 0 to {len(self.p) - 1}.")
        for name, control in self.controls.items():
            control.value = wanted[name]

    @property
    def nearest(self) -> Tensor:
        """The rows of the nearest others, the nearest first."""
        return self._ranked()[0]

    @property
    def ratios(self) -> Tensor:
        """D / ρ with each of the nearest; infinite for the same person, otherwise."""
        _, distance, difference = self._ranked()
        return torch.where(difference > SAME, difference / distance, 0.0)

    def find_worst(self) -> None:
        """Go to the row with the largest ratio among its nearest."""
        X, best = self._distances[self.controls["distance"].value], (-1.0, 0)
        for start in range(0, len(X), 512):
            apart = torch.cdist(X[start : start + 512], X)
            rows = torch.arange(len(apart))
            apart[rows, rows + start] = torch.inf
            distance, near = apart.topk(self.neighbours, largest=False)
            own = self.p[start : start + 512]
            for place in range(self.neighbours):
                D = total_variation(own, self.p[near[:, place]])
                ratio = torch.where(D > SAME, D / distance[:, place].clamp(min=SAME), 0)
                largest, at = ratio.max(0)
                best = max(best, (largest.item(), int(at) + start))
        self.value = {"row": best[1]}

    def show(self) -> None:
        """Bring the board and the status line in line with the controls."""
        row, name = self.controls["row"].value, self.controls["distance"].value
        others = sum(self._decided(i) != self._decided(row) for i in self.nearest)
        self._board.value = self._board_html()
        verb = "gets" if others == 1 else "get"
        self.status = (
            f"Row {row} gets {self._decided(row)}; {others} of the {self.neighbours} "
            f"nearest by {name} {verb} another decision. The largest ratio D/ρ is "
            f"{self.ratios.max():.3g}."
        )

    def static_html(self) -> str:
        """Return the board, as HTML that needs no kernel."""
        return self._board_html()

    def _ranked(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the nearest others, their distances, and how differently treated."""
        row = self.controls["row"].value
        X = self._distances[self.controls["distance"].value]
        apart = (X - X[row]).norm(dim=1)
        apart[row] = torch.inf
        near = apart.argsort(stable=True)[: self.neighbours]
        own = self.p[row].expand_as(self.p[near])
        return near, apart[near], total_variation(own, self.p[near])

    def _decided(self, row: int) -> str:
        p = self.p[row]
        return self.outcomes[int(p >= 0.5) if p.ndim == 0 else int(p.argmax())]

    def _probability(self, row: int) -> float:
        p = self.p[row]
        return p.item() if p.ndim == 0 else p.max().item()

    def _board_html(self) -> str:
        near, distance, _ = self._ranked()
        rows = [self.controls["row"].value, *near.tolist()]
        apart = [0.0, *distance.tolist()]
        if self._images is not None:
            return self._strip(rows, apart).html()
        return self._table(rows, apart)

    def _strip(self, rows: list[int], apart: list[float]):
        first = self._decided(rows[0])
        captions = [
            f"row {row}\n{self._decided(row)} ({self._probability(row):.2f})\n"
            + ("chosen" if place == 0 else f"ρ = {rho:.2f}")
            for place, (row, rho) in enumerate(zip(rows, apart, strict=True))
        ]
        marked = [self._decided(row) != first for row in rows]
        return image_strip(self._images[rows].numpy(), captions, marked)

    def _table(self, rows: list[int], apart: list[float]) -> str:
        """Return people as columns; a value unlike the first's stands out."""
        shown = self._people.iloc[rows].astype(str).to_numpy().T
        lines = [
            ("distance ρ", ["", *(f"{rho:.2f}" for rho in apart[1:])]),
            ("P(yes)", [f"{self._probability(row):.2f}" for row in rows]),
            ("decision", [self._decided(row) for row in rows]),
            *zip(self._people.columns, shown, strict=True),
        ]
        body = "".join(
            f'<tr><th scope="row" style="text-align:left;padding-right:1em">'
            f"{escape(str(name))}</th>{_cells(name, list(values))}</tr>"
            for name, values in lines
        )
        header = "".join(
            f'<th scope="col" style="text-align:left;padding-right:1em">'
            f"{'chosen: ' if place == 0 else ''}row {row}</th>"
            for place, row in enumerate(rows)
        )
        return (
            '<table style="border-collapse:collapse"><thead><tr><td></td>'
            f"{header}</tr></thead><tbody>{body}</tbody></table>"
            "<p>≠ marks what is not as with the person chosen, ✗ another decision.</p>"
        )


def _cells(name: str, values: list[str]) -> str:
    """Return a row's cells; of numbers that always differ, nothing is marked."""
    made = []
    for value in values:
        unlike = value != values[0] and name not in ("distance ρ", "P(yes)")
        mark = "✗ " if name == "decision" else "≠ "
        text = f"<strong>{mark}{escape(value)}</strong>" if unlike else escape(value)
        made.append(f'<td style="padding-right:1em">{text}</td>')
    return "".join(made)


def _require_rows(
    p: Tensor,
    distances: Mapping[str, Tensor],
    people: "pd.DataFrame | None",
    images: Tensor | None,
    neighbours: int,
) -> None:
    if (people is None) == (images is None):
        raise FairtutorError("Give people, a table, or images; one of the two.")
    shown = people if people is not None else images
    for name, rows in {"what is shown": shown, **distances}.items():
        if len(rows) != len(p):
            raise FairtutorError(f"{name} has {len(rows)} rows, and p {len(p)}.")
    if not 1 <= neighbours < len(p):
        raise FairtutorError(
            f"{neighbours} neighbours among {len(p)} rows; use 1 to {len(p) - 1}."
        )


def _controls(n: int, names: list[str], row: int) -> dict:
    return {
        "row": BoundedIntText(
            value=row,
            min=0,
            max=n - 1,
            description="row",
            tooltip="Who is looked at; arrow keys go to the next",
            layout=Layout(width="170px"),
            style={"description_width": "40px"},
        ),
        "distance": Dropdown(
            options=names,
            description="distance",
            tooltip="Who counts as near",
            layout=Layout(width="360px"),
            style={"description_width": "70px"},
        ),
    }
