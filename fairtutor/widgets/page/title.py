"""A panel's title bar, which says when the kernel does not answer."""

from pathlib import Path

from anywidget import AnyWidget
from ipywidgets import Layout
from traitlets import Unicode

HERE = Path(__file__).parent
SILENT = (
    "✗ The kernel has not answered for 3 seconds. It may be running another cell: then "
    "wait. If it was restarted or has ended, this panel is dead: run its cell again."
)


class TitleBar(AnyWidget):
    """HTML on top of a panel, and below it a warning while the kernel is silent.

    Parameters
    ----------
    value
        HTML of the bar.

    Examples
    --------
    >>> "<b>Loop</b>" in TitleBar("<b>Loop</b>").value
    True
    """

    _esm = HERE / "title.js"
    _css = HERE / "panel.css"
    value = Unicode("").tag(sync=True)
    silent = Unicode(SILENT).tag(sync=True)

    def __init__(self, value: str) -> None:
        super().__init__(value=value, layout=Layout(width="auto"))
        self.on_msg(lambda _, message, buffers: self.hear(message))

    def hear(self, message: dict) -> None:
        """Give a sign of life when the page asks for one.

        Parameters
        ----------
        message
            ``{"act": "ask"}``; anything else is left alone.
        """
        if message.get("act") == "ask":
            self.send({"act": "here"})
