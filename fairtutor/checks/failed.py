"""What a learner sees: a sentence where it runs, a panel where there is a notebook."""

from html import escape

BLUE, ORANGE = "#0072B2", "#D55E00"


class CheckFailed(AssertionError):  # noqa: N818
    """An answer is not right yet. The message says where, and what to read again.

    Attributes
    ----------
    number
        Of the task.
    """

    def __init__(self, number: str, message: str) -> None:
        super().__init__(message)
        self.number = number

    def _render_traceback_(self) -> list[str]:
        """Return what IPython prints: no line of the library, nothing said twice."""
        return [f"{self.number} is not right yet. The panel above says where."]


def show(title: str, text: str, colour: str = BLUE) -> None:
    """Show a framed text in a notebook, and print it elsewhere.

    Parameters
    ----------
    title, text
        Plain text; empty lines part paragraphs.
    colour
        Of the frame.

    Examples
    --------
    >>> show("✓ 07.1 is right.", "On to 07.2.")
    ✓ 07.1 is right.
    On to 07.2.
    """
    if not in_notebook():
        print(f"{title}\n{text}".rstrip())
        return
    from IPython.display import HTML, display

    display(HTML(panel(title, text, colour)))


def panel(title: str, text: str, colour: str) -> str:
    """Return a framed text as HTML; everything is escaped.

    Parameters
    ----------
    title, text, colour
        As for :func:`show`.

    Examples
    --------
    >>> "1 &lt; 2" in panel("07.1", "1 < 2", BLUE)
    True
    """
    shown = "".join(
        f'<p style="margin:.4em 0;white-space:pre-wrap">{escape(paragraph)}</p>'
        for paragraph in text.split("\n\n")
        if paragraph.strip()
    )
    return (
        f'<div role="status" style="border-left:4px solid {colour};'
        f'padding:.3em 1em;margin:.4em 0"><strong>{escape(title)}</strong>{shown}</div>'
    )


def in_notebook() -> bool:
    """Return whether the code runs in a Jupyter kernel."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None
