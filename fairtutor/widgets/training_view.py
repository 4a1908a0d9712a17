"""How training goes, while it goes: a progress bar and the loss so far."""

import time
from collections.abc import Mapping

from ipywidgets import HTML, IntProgress, Layout, VBox

from ..exchange.html import ENTITY_COLOURS
from ..figures import live_curve

SECONDS_BETWEEN_UPDATES = 0.15


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
        self._shown_at = float("-inf")
        self.bar.value, self.bar.max = 0, 1
        self.bar.description = f"{entity}: no training yet"
        self.bar.style.bar_color = ENTITY_COLOURS[entity]
        self.curve.value = ""

    def on_epoch(self, info: Mapping[str, float]) -> None:
        """Take one epoch's losses; for :func:`fairtutor.training.fit`.

        Parameters
        ----------
        info
            With ``epoch``, ``epochs`` and ``loss``.
        """
        self.values.append(info["loss"])
        self.epochs = int(info["epochs"])
        now = time.monotonic()
        if now - self._shown_at >= SECONDS_BETWEEN_UPDATES:
            self._shown_at = now
            self.show()

    def show(self) -> None:
        """Show all epochs so far; also after the last, which may have come too soon."""
        if not self.values:
            self.bar.description = f"{self.entity}: nothing to train, a closed form"
            return
        self.bar.max, self.bar.value = self.epochs, len(self.values)
        self.bar.description = f"{self.entity}: epoch {len(self.values)}/{self.epochs}"
        self.curve.value = live_curve(self.values, self.epochs, self.entity).html()

    def static_html(self) -> str:
        """Return the curve as an image, or nothing before the first epoch."""
        if not self.values:
            return ""
        return live_curve(self.values, self.epochs, self.entity).image()
