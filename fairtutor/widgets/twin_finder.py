"""Pick somebody, see who is nearest under a distance, and how a model treats both."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import torch
from ipywidgets import Button, Dropdown, HBox, Layout
from torch import Tensor

from ..exchange.errors import FairtutorError, did_you_mean
from ..exchange.values import Number
from ..figures import Diagram
from ..figures.twins import image_strip
from ..similarity import total_variation
from .base import Panel, button
from .controls import (
    BY_KEYBOARD,
    WRAP,
    require_settings,
    require_shown,
    row_control,
)
from .page import Board

if TYPE_CHECKING:
    import pandas as pd

SAME = 1e-6  # probabilities this close are equal
CLOSE = 1e-6  # of the largest norm: what rounding can make of a distance of 0
TINY = 1e-200
CHUNK = 256  # people at a time when all pairs are looked at
CANDIDATES = 20


class TwinFinder(Panel):
    """Look for somebody's twins, and for those who are treated otherwise.

    Of those equally near, the most differently treated come first.

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
        Neither people nor images are given, numbers of rows differ, a coordinate is
        not finite, p is no probability, or outcomes are not named one by one.

    Examples
    --------
    >>> import pandas as pd
    >>> p, X = torch.tensor([0.1, 0.9, 0.2]), torch.tensor([[0.0], [1.0], [5.0]])
    >>> people = pd.DataFrame({"age": [30, 31, 50]})
    >>> panel = TwinFinder(p, {"age": X}, people=people, neighbours=1)
    >>> panel.nearest.tolist(), panel.status
    ([1], 'Row 0 gets no; 1 of the 1 nearest by age gets another decision. Largest \
D/ρ: 0.8.')
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
        require_shown(len(p), "p", distances, people, images, "a table of people")
        if not ((p >= 0) & (p <= 1)).all():
            raise FairtutorError("Some p is no probability; use 0 to 1.")
        if not Number(1, len(p) - 1, whole=True).holds(neighbours):
            raise FairtutorError(
                f"{neighbours} neighbours among {len(p)} rows; use 1 to {len(p) - 1}."
            )
        classes = 2 if p.ndim == 1 else p.shape[1]
        if len(outcomes) != classes:
            raise FairtutorError(
                f"{len(outcomes)} outcomes have names, and p has {classes}; name each."
            )
        self.p, self.outcomes, self.neighbours = p.double(), outcomes, neighbours
        self._distances = {name: X.double() for name, X in distances.items()}
        self._people, self._images = people, images
        self._worst: dict[str, int] = {}
        self._last: tuple = None, None  # who was ranked last, and the answer
        self._require(row, next(iter(distances)))
        self.controls = _controls(len(p), list(distances), row)
        self.worst: Button = button(
            "Worst twins", "Go to whoever has the most differently treated neighbour"
        )
        self.on_click(self.worst, self.find_worst)
        self._board = Board()
        self._board.on_pick(self.heard(self._pick))
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
        require_settings(settings, self.controls)
        wanted = {**self.value, **settings}
        self._require(**wanted)
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
        return _ratio(distance, difference)

    def find_worst(self) -> None:
        """Go to the row with the largest ratio among its nearest.

        Of several infinite ratios, the one with the largest D counts.
        """

        def how_bad(row: int) -> tuple[float, float]:
            _, distance, difference = self._ranked(row)
            ratio = _ratio(distance, difference)
            worst = ratio.max()
            return worst.item(), difference[ratio == worst].max().item()

        name = self.controls["distance"].value
        if name not in self._worst:
            self._worst[name] = max(self._candidates(), key=how_bad)
        self.value = {"row": self._worst[name]}

    def show(self) -> None:
        """Bring the board and the status line in line with the controls."""
        row, name = self.controls["row"].value, self.controls["distance"].value
        others = sum(self._decided(i) != self._decided(row) for i in self.nearest)
        self._board.value = self._board_html(Diagram.html)
        verb = "gets" if others == 1 else "get"
        self.status = (
            f"Row {row} gets {self._decided(row)}; {others} of the {self.neighbours} "
            f"nearest by {name} {verb} another decision. Largest D/ρ: "
            f"{_written(self.ratios.max())}."
        )

    def static_html(self) -> str:
        """Return the board, as HTML that needs no kernel."""
        return self._board_html(Diagram.image)

    def _pick(self, row: str) -> None:
        self.value = {"row": int(row)}

    def _require(self, row: object, distance: object) -> None:
        if distance not in self._distances:
            raise FairtutorError(
                f"There is no distance {distance!r}. "
                + did_you_mean(distance, self._distances)
            )
        if not Number(0, len(self.p) - 1, whole=True).holds(row):
            raise FairtutorError(f"Row {row!r}; use 0 to {len(self.p) - 1}.")

    def _ranked(self, row: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return the nearest others, their distances, and how differently treated."""
        row = self.controls["row"].value if row is None else row
        name = self.controls["distance"].value
        if self._last[0] != (row, name):
            self._last = (row, name), self._rank(row, name)
        return self._last[1]

    def _rank(self, row: int, name: str) -> tuple[Tensor, Tensor, Tensor]:
        X = self._distances[name]
        apart = (X - X[row]).norm(dim=1)
        apart[row] = torch.inf
        difference = total_variation(self.p[row].expand_as(self.p), self.p)
        order = difference.argsort(descending=True, stable=True)
        near = order[apart[order].argsort(stable=True)][: self.neighbours]
        return near, apart[near], difference[near]

    def _candidates(self) -> list[int]:
        """Return rows with the largest ratios, by products of matrices, which round."""
        X = self._distances[self.controls["distance"].value]
        X = X - X.mean(0)
        close = CLOSE * max(X.norm(dim=1).max().item(), TINY)
        worst = torch.zeros(len(X), dtype=torch.float64)
        for rows in torch.arange(len(X)).split(CHUNK):
            apart = torch.cdist(X[rows], X)
            apart[torch.arange(len(rows)), rows] = torch.inf
            reach = apart.topk(self.neighbours, largest=False).values[:, -1:]
            at, other = (apart <= reach + close).nonzero(as_tuple=True)
            ratio = total_variation(self.p[rows[at]], self.p[other])
            ratio /= apart[at, other].clamp(min=close)
            worst.scatter_reduce_(0, rows[at], ratio, "amax")
        return worst.topk(min(CANDIDATES, len(X))).indices.tolist()

    def _decided(self, row: int) -> str:
        p = self.p[row]
        return self.outcomes[int(p >= 0.5) if p.ndim == 0 else int(p.argmax())]

    def _probability(self, row: int) -> tuple[str, str]:
        """Return what is told of a person's p: of classes, that of the likeliest."""
        p = self.p[row]
        if p.ndim == 0:
            return f"P({self.outcomes[1]})", f"{p:.2f}"
        return "P(class)", f"{p.max():.2f}"

    def _board_html(self, show: Callable[[Diagram], str]) -> str:
        near, distance, difference = self._ranked()
        rows = [self.controls["row"].value, *near.tolist()]
        apart = [f"{rho:.3g}" for rho in distance.tolist()]
        ratios = [_written(ratio) for ratio in _ratio(distance, difference)]
        if self._images is not None:
            return show(self._strip(rows, apart, ratios))
        return self._table(rows, apart, ratios)

    def _strip(self, rows: list[int], apart: list[str], ratios: list[str]) -> Diagram:
        decided = [self._decided(row) for row in rows]
        places = ["chosen", *map("ρ = {}\nD/ρ = {}".format, apart, ratios)]
        captions = [
            f"row {row}: {outcome}\n{' = '.join(self._probability(row))}\n{place}"
            for row, outcome, place in zip(rows, decided, places, strict=True)
        ]
        marked = [outcome != decided[0] for outcome in decided]
        return image_strip(self._images[rows].numpy(), captions, marked, picks=rows)

    def _table(self, rows: list[int], apart: list[str], ratios: list[str]) -> str:
        """Return people as columns; a value unlike the first's stands out."""
        people = self._people.iloc[rows].astype(object)
        shown = people.where(people.notna(), "(missing)").astype(str).to_numpy().T
        name = self._probability(rows[0])[0]
        lines = [
            ("decision", _marked([self._decided(row) for row in rows], "✗")),
            (name, [self._probability(row)[1] for row in rows]),
            ("distance ρ", ["", *apart]),
            ("ratio D/ρ", ["", *ratios]),
            *zip(people.columns, (_marked(list(v), "≠") for v in shown), strict=True),
        ]
        body = "".join(
            f'<tr><th scope="row" style="text-align:left;padding-right:1em">'
            f'{escape(str(name))}</th><td style="padding-right:1em">'
            + '</td><td style="padding-right:1em">'.join(values)
            + "</td></tr>"
            for name, values in lines
        )
        header = "".join(
            f'<th scope="col" style="text-align:left;padding-right:1em">'
            f"{'chosen: ' if place == 0 else ''}row {row}</th>"
            for place, row in enumerate(rows)
        )
        return (
            '<div style="overflow-x:auto"><table style="border-collapse:collapse">'
            f"<thead><tr><td></td>{header}</tr></thead><tbody>{body}</tbody></table>"
            "</div><p>≠ marks what is not as with the person chosen, ✗ another "
            "decision.</p>"
        )


def _ratio(distance: Tensor, difference: Tensor) -> Tensor:
    return torch.where(difference > SAME, difference / distance, 0.0)


def _written(ratio: Tensor) -> str:
    if not ratio.isfinite():
        return "infinite"
    return f"{ratio:,.0f}" if ratio >= 1000 else f"{ratio:.3g}"


def _marked(values: list[str], mark: str) -> list[str]:
    """Return values as HTML, with a mark before each that is not the first's."""
    return [
        escape(value)
        if value == values[0]
        else f"<strong>{mark} {escape(value)}</strong>"
        for value in values
    ]


def _controls(n: int, names: list[str], row: int) -> dict:
    return {
        "row": row_control(n, row),
        "distance": Dropdown(
            options=names,
            description="distance",
            tooltip=f"Who counts as near. {BY_KEYBOARD}",
            layout=Layout(width="360px"),
            style={"description_width": "70px"},
        ),
    }
