"""What every panel has: a title, a status line, errors in words, a static picture."""

import traceback
from collections.abc import Callable, Sequence
from html import escape
from threading import Event

from ipywidgets import HTML, Button, Layout, VBox, Widget

from ..exchange.errors import FairtutorError
from ..exchange.html import ENTITY_COLOURS
from .background import Background, Work
from .page import TitleBar

COLOURS = {**ENTITY_COLOURS, "loop": "#4d4d4d"}
HOW_TO_USE = (
    "This is a picture of the panel. To use the panel itself, open this notebook in "
    "JupyterLab and run the cell."
)
FULL = Layout(width="auto")


class Panel(VBox):
    """A framed box with a title bar, controls, a status line and an error box.

    Parameters
    ----------
    title
        Text of the title bar.
    entity
        ``"regulator"``, ``"producer"``, ``"user"`` or ``"loop"``, for the colour.

    Attributes
    ----------
    errors : list of BaseException
        Everything that went wrong in this panel, whoever saw it.

    Notes
    -----
    A button shows its errors in the panel. The method behind the button, called from
    code, raises them, so that a notebook's cell fails where it should.
    """

    def __init__(self, title: str, entity: str) -> None:
        colour = COLOURS[entity]
        self.errors: list[BaseException] = []
        self._title, self._colour = title, colour
        self._status, self._problem = HTML(layout=FULL), HTML(layout=FULL)
        self._problem_text = ""
        self._work = Background(self._set_busy, self._say_stopped, self.show_error)
        super().__init__(
            [TitleBar(title_bar(title, colour))],
            layout=Layout(border=f"1px solid {colour}", padding="0 0 6px 0"),
        )
        self.add_class("fairtutor-panel")
        self.stop_button = button("Stop", "Stop training within one step", self.stop)
        self.stop_button.disabled = True
        self.status = ""

    def fill(self, controls: Sequence[Widget], results: Sequence[Widget]) -> None:
        """Put controls above the status line, near which they are used, results below.

        Parameters
        ----------
        controls, results
            From top to bottom.
        """
        title = self.children[0]
        self.children = [title, *controls, self._status, self._problem, *results]

    # ------------------------------------------------------------ status and errors

    @property
    def status(self) -> str:
        """The sentence that says where things stand; settable."""
        return self._status_text

    @status.setter
    def status(self, text: str) -> None:
        self._status_text = text
        self._status.value = (
            '<div role="status" style="padding:2px 10px;font-size:15px;'
            f'line-height:1.4">{escape(text)}</div>'
        )

    def show_error(self, error: BaseException) -> None:
        """Show an error in words and keep it in ``errors``.

        Parameters
        ----------
        error
            One of ours is shown by its sentence alone; any other also with its type
            and, folded away, where it came from.
        """
        self.errors.append(error)
        ours = isinstance(error, FairtutorError)
        self._problem_text = str(error) if ours else f"{type(error).__name__}: {error}"
        self._problem.value = error_box(self._problem_text, None if ours else error)

    def clear_error(self) -> None:
        """Remove the error from view; it stays in ``errors``."""
        self._problem_text = self._problem.value = ""

    def raise_errors(self) -> None:
        """Raise the first error that this panel has had, if any; for tests."""
        if self.errors:
            raise self.errors[0]

    def guard(self, action: Callable[[], object]) -> Callable[[object], None]:
        """Return a callback that runs an action and shows what goes wrong in it.

        Parameters
        ----------
        action
            Called without arguments.
        """

        def callback(_: object) -> None:
            self.clear_error()
            try:
                action()
            except Exception as error:  # everything is shown, in the panel
                self.show_error(error)

        return callback

    def heard(self, action: Callable[..., object]) -> Callable[..., None]:
        """Return what a board calls: an action that shows what goes wrong in it.

        Parameters
        ----------
        action
            Called with what the board tells.
        """
        return lambda *told: self.guard(lambda: action(*told))(None)

    def on_click(self, control: Button, action: Callable[[], object]) -> None:
        """Run an action when a button is pressed, and show what goes wrong in it.

        Buttons stay enabled during training, because a button that is switched off
        under a keyboard user's finger takes the focus with it. Pressing one then only
        says that training is under way.
        """

        def unless_busy() -> None:
            if self.busy:
                self.status = "Training is under way: press Stop, or wait for its end."
            else:
                action()

        control.on_click(self.guard(unless_busy))

    # ------------------------------------------------------------ work in a thread

    @property
    def busy(self) -> bool:
        """Whether training is under way."""
        return self._work.busy

    def start(self, work: Work) -> None:
        """Begin work in the background; the page stays usable.

        Parameters
        ----------
        work
            Called with an event that is set when it should stop.

        Raises
        ------
        FairtutorError
            Other work is under way.
        """

        def work_and_show(stop: Event) -> None:
            try:
                work(stop)
            finally:
                self.show()

        self._work.start(work_and_show)

    def stop(self) -> None:
        """Stop training within one step."""
        self._work.stop()

    def wait(self, timeout: float = 600.0) -> None:
        """Wait until training is over, and raise what went wrong in it.

        Parameters
        ----------
        timeout
            In seconds.

        Raises
        ------
        FairtutorError
            It takes longer than that.
        """
        self._work.wait(timeout)

    def show(self) -> None:
        """Bring what is shown in line with the state; called after all work."""

    def _set_busy(self, busy: bool) -> None:
        self.stop_button.disabled = not busy

    def _say_stopped(self) -> None:
        self.status = "Stopped before the end; nothing was passed on."

    # ------------------------------------------------------------ static picture

    def static_html(self) -> str:
        """Return what the panel shows, as HTML that needs no kernel."""
        return ""

    def snapshot(self) -> str:
        """Return a picture of the panel: HTML with the same bytes for the same state.

        Returns
        -------
        str
        """
        problem = error_box(self._problem_text) if self._problem_text else ""
        return (
            f'<div style="border:1px solid {self._colour};padding-bottom:6px">'
            f"{title_bar(self._title, self._colour)}"
            f'<div style="padding:6px 10px">{self.static_html()}'
            f"<p>{escape(self.status)}</p>{problem}"
            f"<p><em>{HOW_TO_USE}</em></p></div></div>"
        )

    def _repr_mimebundle_(self, **options: object) -> dict[str, object]:
        return {
            **super()._repr_mimebundle_(**options),
            "text/plain": repr(self),
            "text/html": self.snapshot(),
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.status}"


def button(
    text: str, tooltip: str, action: Callable[[], object] | None = None, style: str = ""
) -> Button:
    """Make a button with a tooltip, wide enough for its text.

    Parameters
    ----------
    text, tooltip
        What it says, and what it does.
    action
        Called without arguments when it is pressed.
    style
        ``"primary"`` for the button that is pressed most.

    Returns
    -------
    ipywidgets.Button

    Examples
    --------
    >>> pressed = []
    >>> button("Go", "Go round once", lambda: pressed.append(1)).click()
    >>> pressed
    [1]
    """
    made = Button(
        description=text,
        tooltip=tooltip,
        button_style=style,
        layout=Layout(width="auto", min_width="90px"),
    )
    if action is not None:
        made.on_click(lambda _: action())
    return made


def title_bar(title: str, colour: str) -> str:
    """Return the bar on top of a panel.

    Examples
    --------
    >>> "data &lt;regulator&gt;" in title_bar("data <regulator>", "#0072B2")
    True
    """
    return (
        f'<div role="heading" aria-level="4" style="background:{colour};color:white;'
        'font-size:17px;font-weight:bold;line-height:1.4;padding:5px 10px">'
        f"{escape(title)}</div>"
    )


def error_box(text: str, error: BaseException | None = None) -> str:
    """Return an error in words; of a foreign one also, folded away, its origin.

    Examples
    --------
    >>> "No &lt;tag&gt;" in error_box("No <tag>")
    True
    """
    details = ""
    if error is not None:
        origin = "".join(traceback.format_exception(error))
        details = (
            "<details><summary>Where it came from</summary>"
            f'<pre style="overflow:auto">{escape(origin)}</pre></details>'
        )
    return (
        '<div role="alert" style="border-left:6px solid #D55E00;margin:4px 10px;'
        'padding:4px 10px;font-size:15px;line-height:1.4">'
        f"<strong>✗ That did not work.</strong> {escape(text)}{details}</div>"
    )
