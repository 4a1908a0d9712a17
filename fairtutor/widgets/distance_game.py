"""You are the arbiter: say who is alike, and see what your distance turns out to be."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import torch
from ipywidgets import HTML, HBox, Layout
from torch import Tensor

from ..exchange.errors import FairtutorError
from ..exchange.html import ENTITY_COLOURS, table
from ..exchange.values import Number
from ..similarity import triplet_weights
from .base import Panel, button
from .controls import WRAP
from .page import Board

if TYPE_CHECKING:
    import pandas as pd

SIDES = ("left", "right")
CHOICES = 200  # triplets of which the least certain one is asked
MOST_COLUMNS = 12
ROOM = 220  # pixels, for the longest bar


class DistanceGame(Panel):
    """Say whom the person in the middle is more like, the left or the right one.

    After each answer the weights that explain all answers best are found anew
    (:func:`fairtutor.similarity.triplet_weights`). Asked next is the triplet that they
    are least certain of, among some that are drawn. Before each answer the distance
    guesses; how often it is right is the only score.

    Parameters
    ----------
    people
        One row each; every column is shown, and is a coordinate of the distance, in
        units of its standard deviation. At most 12 columns of numbers.
    seed
        Of the triplets.

    Attributes
    ----------
    triplets : torch.Tensor
        (m, 3), what was judged: the first is more like the second than like the third.
    question : tuple of int
        Rows on the left, in the middle, on the right.
    guessed : list of bool
        Whether each answer was the one that the distance expected.
    buttons : dict
        ``left``, ``right`` and ``skip``.

    Raises
    ------
    FairtutorError
        There are fewer than three people, or a column is not of finite numbers, or the
        same for all.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"age": [20, 30, 60], "hours": [40, 10, 39]})
    >>> game = DistanceGame(people)
    >>> left, middle, right = game.question
    >>> game.answer("left")
    >>> game.triplets.tolist() == [[middle, left, right]]
    True
    """

    def __init__(self, people: "pd.DataFrame", *, seed: int = 0) -> None:
        super().__init__("Who is alike? You are the arbiter", "regulator")
        self._people, self._Z = people, _standardised(people)
        self._draw = torch.Generator().manual_seed(seed)
        self.triplets = torch.empty(0, 3, dtype=torch.long)
        self.guessed: list[bool] = []
        self.weights = triplet_weights(self._Z, self.triplets)
        self.question = self._next()
        self.buttons = {
            "left": button("The left one", "The middle is more like the left person"),
            "right": button("The right one", "The middle is more like the right one"),
            "skip": button("Cannot say", "Ask about others"),
        }
        for side in SIDES:
            self.on_click(self.buttons[side], lambda side=side: self.answer(side))
        self.on_click(self.buttons["skip"], self.skip)
        self._board = Board()
        self._found = HTML(layout=Layout(margin="6px 10px"))
        asks = HTML(
            "Is the person in the middle more like …", layout=Layout(margin="0 10px")
        )
        self.fill(
            [self._board, asks, HBox(list(self.buttons.values()), layout=WRAP)],
            [self._found],
        )
        self.show()

    def answer(self, side: str) -> None:
        """Judge the question on the board, and go to the next.

        Parameters
        ----------
        side
            ``"left"`` or ``"right"``: whom the person in the middle is more like.

        Raises
        ------
        FairtutorError
            It is neither.
        """
        if side not in SIDES:
            raise FairtutorError(f"The answer is {side!r}; use 'left' or 'right'.")
        left, middle, right = self.question
        alike, unlike = (left, right) if side == "left" else (right, left)
        self._learn(middle, alike, unlike)
        self.skip()

    def skip(self) -> None:
        """Leave the question open, and go to the next."""
        self.question = self._next()
        self.show()

    @property
    def value(self) -> tuple[tuple[int, int, int], ...]:
        """Your answers, (middle, alike, unlike) each; settable, judged in that order.

        Raises
        ------
        FairtutorError
            An answer is not of three different rows of the table. Then nothing
            changes.
        """
        return tuple(map(tuple, self.triplets.tolist()))

    @value.setter
    def value(self, answers: Sequence[Sequence[int]]) -> None:
        row = Number(0, len(self._Z) - 1, whole=True)
        for answer in answers:
            three = len(set(answer)) == len(answer) == 3
            if not three or not all(row.holds(index) for index in answer):
                raise FairtutorError(
                    f"The answer {tuple(answer)!r} is not of three different rows; "
                    f"give (middle, alike, unlike), each from 0 to {row.high}."
                )
        self.triplets, self.guessed = self.triplets[:0], []
        self.weights = triplet_weights(self._Z, self.triplets)
        for answer in answers:
            self._learn(*answer)
        self.skip()

    def coordinates(self) -> Tensor:
        """Return z, (n, d) float64, whose Euclidean distance is the one you taught."""
        return self._Z * self.weights.sqrt()

    def show(self) -> None:
        """Bring the board, the bars and the status in line with the answers."""
        self._board.value, self._found.value = self._table(), self._bars()
        m, right = len(self.guessed), sum(self.guessed)
        answers = "1 answer" if m == 1 else f"{m} answers"
        self.status = (
            f"{answers}. Before each, the distance guessed: right in {right} of {m}."
            if m
            else "No answer yet: all columns count alike."
        )

    def static_html(self) -> str:
        """Return board and bars, as HTML that needs no kernel."""
        return self._table() + self._bars()

    def _learn(self, middle: int, alike: int, unlike: int) -> None:
        """Note whether the distance guesses an answer, then learn from it."""
        judged = torch.tensor([[middle, alike, unlike]])
        self.guessed.append(self._certainty(judged).item() > 0)
        self.triplets = torch.cat([self.triplets, judged])
        self.weights = triplet_weights(self._Z, self.triplets)

    def _next(self) -> tuple[int, int, int]:
        """Return the least certain of some triplets of three different people."""
        rows = torch.randint(len(self._Z), (CHOICES, 3), generator=self._draw)
        a, b, c = rows.unbind(1)
        rows = rows[(a != b) & (b != c) & (c != a)]
        least = self._certainty(rows).abs().argmin()
        middle, left, right = rows[least].tolist()
        return left, middle, right

    def _certainty(self, triplets: Tensor) -> Tensor:
        """Return d²(a, c) − d²(a, b): above 0 where a is nearer to b."""
        a, b, c = (self._Z[column] for column in triplets.unbind(1))
        return ((a - c).square() - (a - b).square()) @ self.weights

    def _table(self) -> str:
        people = self._people.iloc[list(self.question)]
        rows = [
            (column, *(f"{value:g}" for value in people[column]))
            for column in people.columns
        ]
        return table(("", "left", "middle", "right"), rows)

    def _bars(self) -> str:
        """Return how much each column counts: the weight as a bar and as a number."""
        longest = max(self.weights.max().item(), 1e-9)
        colour = ENTITY_COLOURS["regulator"]
        lines = "".join(
            f'<tr><th scope="row" style="text-align:left;padding-right:1em">'
            f'{escape(str(name))}</th><td style="padding-right:1em">{weight:.2f}</td>'
            f'<td><div style="width:{ROOM * weight / longest:.0f}px;height:12px;'
            f'background:{colour}"></div></td></tr>'
            for name, weight in zip(
                self._people.columns, self.weights.tolist(), strict=True
            )
        )
        return (
            "<p>What your answers say of each column (0: it does not count):</p>"
            f'<table style="border-collapse:collapse">{lines}</table>'
        )


def _standardised(people: "pd.DataFrame") -> Tensor:
    if len(people) < 3 or not 1 <= len(people.columns) <= MOST_COLUMNS:
        raise FairtutorError(
            f"{len(people)} people with {len(people.columns)} columns; give three "
            f"people or more, and 1 to {MOST_COLUMNS} columns."
        )
    for name, kind in people.dtypes.items():
        if kind.kind not in "biuf":
            raise FairtutorError(f"Column {name!r} is not of numbers; leave it out.")
    Z = torch.from_numpy(people.to_numpy(dtype="float64", copy=True))
    for name, column in zip(people.columns, Z.unbind(1), strict=True):
        if not column.isfinite().all() or column.std() == 0:
            raise FairtutorError(
                f"Column {name!r} has a value that is not finite, or one value for "
                "all; leave it out."
            )
    return (Z - Z.mean(0)) / Z.std(0)
