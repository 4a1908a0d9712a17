"""A drawing in a panel that can be clicked, pressed and pulled."""

from collections.abc import Callable
from pathlib import Path

from anywidget import AnyWidget
from ipywidgets import Layout
from traitlets import Unicode

HERE = Path(__file__).parent


class Board(AnyWidget):
    """HTML or SVG whose marked parts report what a hand does to them.

    A part with ``data-pick="name"`` is picked by a click and, with a ``tabindex``, by
    Enter or Space. A part with ``data-drag="name"``, ``data-left`` and ``data-right``
    is pulled sideways between those two places of the drawing.

    Attributes
    ----------
    value : str
        What is shown; set it to draw again.

    Examples
    --------
    >>> board, picked = Board(), []
    >>> board.on_pick(picked.append)
    >>> board.hear({"act": "pick", "name": "report"})
    >>> picked
    ['report']
    """

    _esm = HERE / "board.js"
    value = Unicode("").tag(sync=True)

    def __init__(self) -> None:
        super().__init__(layout=Layout(margin="6px 10px"))
        self._pick: Callable[[str], object] = _nothing
        self._drag: Callable[[str, float], object] = _nothing
        self.on_msg(lambda _, message, buffers: self.hear(message))

    def on_pick(self, action: Callable[[str], object]) -> None:
        """Call an action with the name of the part that is picked."""
        self._pick = action

    def on_drag(self, action: Callable[[str, float], object]) -> None:
        """Call an action with a part's name and its place, 0 (left) to 1 (right)."""
        self._drag = action

    def hear(self, message: dict) -> None:
        """Do what the page reports; anything else is left alone.

        Parameters
        ----------
        message
            Its ``act`` is ``pick`` or ``drag``, with a ``name`` and, for a drag, a
            ``place``.
        """
        if message.get("act") == "pick":
            self._pick(message["name"])
        if message.get("act") == "drag":
            self._drag(message["name"], float(message["place"]))
            self.send({"act": "told"})


def _nothing(*_: object) -> None:
    """Do nothing: nobody listens."""
