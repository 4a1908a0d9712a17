"""How training goes, while it goes: a progress bar and the loss so far."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ipywidgets import HTML, IntProgress, Layout, VBox

from ..exchange.html import ENTITY_COLOURS
from ..figures import Diagram, live_curve

SECONDS_BETWEEN_UPDATES = 0.15
MOST_OF_THE_TIME = 0.15  # that drawing may take from training


class Pace:
    """Say when to draw again: at most seven times a second, and not all the time.

    Where a picture takes long, because it is large or the machine is busy, the next
    one waits longer: all together take at most 15% of the time.

    Examples
    --------
    >>> pace = Pace()
    >>> pace.due
    True
    >>> with pace.drawing():
    ...     pass
    >>> pace.due
    False
    """

    def __init__(self) -> None:
        self._next = float("-inf")

    @property
    def due(self) -> bool:
        """Whether it is time for a picture."""
        return time.monotonic() >= self._next

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Measure how long a picture takes, and set the time of the next."""
        start = time.monotonic()
        yield
        took = time.monotonic() - start
        self._next = start + max(SECONDS_BETWEEN_UPDATES, took / MOST_OF_THE_TIME)


class TrainingView(VBox):
    """Show the epochs of a training, at most seven times a second.

    Parameters
    ----------
    entity
        ``"producer"`` or ``"user"``: who trains, for words and colour.

    Examples
    --------
    >>> view = TrainingView("user")
    >>> view.on_epoch({"epoch": 1, "epochs": 2, "loss": 0.7})
    >>> view.values, view.bar.value
    ([0.7], 1)
    """

    def __init__(self, entity: str) -> None:
        self.bar = IntProgress(
            max=1, description="", layout=Layout(width="96%", margin="4px 10px")
        )
        self.bar.style.description_width = "initial"
        self.curve = HTML(layout=Layout(margin="0 10px"))
        super().__init__([self.bar, self.curve])
        self.begin(entity)

    def begin(self, entity: str) -> None:
        """Clear the view for a new training.

        Parameters
        ----------
        entity
            ``"producer"`` or ``"user"``.
        """
        self.entity, self.values, self.epochs = entity, [], 1
        self._pace = Pace()
        self.bar.value, self.bar.max = 0, 1
        self.bar.description = f"{entity}: no training yet"
        self.bar.style.bar_color = ENTITY_COLOURS[entity]
        self.curve.value = ""

    def on_epoch(self, info: Mapping[str, float]) -> None:
        """Take one epoch's losses; for :func:`fairtutor.training.fit`.

        Parameters
        ----------
        info
            With ``epoch``, ``epochs`` and ``loss``; without a loss, what comes first.
        """
        self.name = "loss" if "loss" in info else next(iter(info))
        self.values.append(info[self.name])
        self.epochs = int(info["epochs"])
        if self._pace.due:
            with self._pace.drawing():
                self.show()

    def show(self) -> None:
        """Show all epochs so far; also after the last, which may have come too soon."""
        if not self.values:
            self.bar.max = self.bar.value = 1
            self.bar.description = f"{self.entity}: done at once, without epochs"
            return
        self.bar.max, self.bar.value = self.epochs, len(self.values)
        self.bar.description = f"{self.entity}: epoch {len(self.values)}/{self.epochs}"
        self.curve.value = self._diagram().html()

    def static_html(self) -> str:
        """Return the curve as an image, or nothing before the first epoch."""
        if not self.values:
            return ""
        return self._diagram().image()

    def _diagram(self) -> Diagram:
        return live_curve(self.values, self.epochs, self.entity, self.name)
