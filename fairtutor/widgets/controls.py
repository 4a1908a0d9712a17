"""The settings of a producer and of a user, as controls that several panels have."""

import inspect
import re
from collections.abc import Callable, Collection, Mapping, Sized
from html import escape

from ipywidgets import (
    HTML,
    BoundedIntText,
    Dropdown,
    FloatSlider,
    HBox,
    IntText,
    Layout,
)
from torch import Tensor

from ..entities import DataProducer, DataUser
from ..entities.user import MODELS
from ..exchange.errors import FairtutorError, did_you_mean
from ..producers import METHODS, STRENGTHS

WRAP = Layout(flex_flow="row wrap", padding="4px 10px", grid_gap="4px 16px")
# A closed list leaves arrows and letters to JupyterLab: M turns the cell into Markdown.
BY_KEYBOARD = "By keyboard: Space opens the list, arrows move, Enter chooses."
FULL_ROW = Layout(width="100%", margin="0")


def require_settings(settings: Collection[str], known: Collection[str]) -> None:
    """Refuse a setting that a panel does not have, before anything changes.

    Parameters
    ----------
    settings
        Names that somebody gave.
    known
        Names of all settings.

    Raises
    ------
    FairtutorError
        One is unknown; the message names the nearest one.

    Examples
    --------
    >>> require_settings(["rows"], ["rows", "gap"])
    """
    for name in settings:
        if name not in known:
            raise FairtutorError(
                f"There is no setting {name!r}. {did_you_mean(name, known)}"
            )


def row_control(n: int, row: int) -> BoundedIntText:
    """Make the field that says which of n rows is looked at.

    Examples
    --------
    >>> row_control(10, row=3).max
    9
    """
    return BoundedIntText(
        value=row,
        min=0,
        max=n - 1,
        description="row",
        tooltip="Who is looked at; arrow up goes to the next, arrow down back",
        layout=Layout(width="170px"),
        style={"description_width": "40px"},
    )


def require_shown(
    n: int,
    of: str,
    distances: Mapping[str, Tensor],
    texts: Sized | None,
    images: Tensor | None,
    kind: str,
) -> None:
    """Refuse what an explorer of neighbours cannot show, each thing by its name.

    Parameters
    ----------
    n, of
        How many rows there are, and of what they are counted, such as ``"p"``.
    distances
        Coordinates, (n, d) each, at least one.
    texts, images
        What is shown of each row: one of the two. Images are (n, height, width).
    kind
        What the texts are, such as ``"names"``.

    Raises
    ------
    FairtutorError
    """
    if (texts is None) == (images is None):
        raise FairtutorError(f"Give images or {kind}; one of the two.")
    if images is not None and images.ndim != 3:
        raise FairtutorError(
            f"images has the shape {tuple(images.shape)}; use (n, height, width)."
        )
    shown = images if texts is None else texts
    for name, rows in {"what is shown": shown, **distances}.items():
        if len(rows) != n:
            raise FairtutorError(f"{name} has {len(rows)} rows, and {of} {n}.")
    if not distances:
        raise FairtutorError("Give a distance, by name; there is none.")
    for name, Z in distances.items():
        if not Z.isfinite().all():
            raise FairtutorError(f"{name} has a coordinate that is not finite.")


class ProducerControls(HBox):
    """Method, strength and seed of a :class:`fairtutor.DataProducer`.

    Below them stands what the method does and what its strength means. Another method
    comes with its own strength, because each has its own scale.

    Parameters
    ----------
    producer
        What to start from.

    Examples
    --------
    >>> controls = ProducerControls(DataProducer("erasure", strength=0.5))
    >>> controls.method.value = "adversarial"
    >>> str(controls.value)
    'adversarial (strength 2)'
    """

    def __init__(self, producer: DataProducer | None = None) -> None:
        self.method = Dropdown(
            options=list(METHODS),
            description="method",
            tooltip=f"How the representation is made. {BY_KEYBOARD}",
        )
        self.strength = FloatSlider(
            min=0,
            max=1,
            description="strength",
            readout_format=".2f",
            tooltip="How much fairness is preferred to usefulness",
        )
        self.seed = _seed("producer")
        self._words = HTML(layout=FULL_ROW)
        self.method.observe(lambda _: self._follow_method(), names="value")
        controls = [self.method, self.strength, self.seed, self._words]
        super().__init__(controls, layout=WRAP)
        self.value = producer or DataProducer("identity")

    @property
    def value(self) -> DataProducer:
        """A new producer with these settings; settable."""
        method = self.method.value
        return DataProducer(
            method,
            strength=self.strength.value,
            seed=self.seed.value,
            **(self._given.settings if method == self._given.method else {}),
        )

    @value.setter
    def value(self, producer: DataProducer) -> None:
        self._given = producer
        self.method.value = producer.method
        self._follow_method()
        self.seed.value = producer.seed

    @property
    def words(self) -> str:
        """What the method does and what its strength means, from its docstring."""
        method = self.method.value
        what, strength = words_of(METHODS[method])
        if STRENGTHS[method][-1] == 0:
            return f"{what} It has no strength."
        return f"{what} {strength[:1].upper()}{strength[1:]}"

    def _follow_method(self) -> None:
        method = self.method.value
        same = method == self._given.method
        strength = (self._given if same else DataProducer(method)).strength
        most = max(STRENGTHS[method][-1], strength)
        self.strength.max, self.strength.step = most or 1.0, (most or 1.0) / 20
        self.strength.value = strength
        self.strength.disabled = most == 0
        self._words.value = words_html(self.words)


class UserControls(HBox):
    """Model and seed of a :class:`fairtutor.DataUser`, and what the model is.

    Parameters
    ----------
    user
        What to start from.

    Examples
    --------
    >>> controls = UserControls(DataUser("mlp", seed=3))
    >>> controls.model.value, controls.value.seed
    ('mlp', 3)
    """

    def __init__(self, user: DataUser | None = None) -> None:
        self.model = Dropdown(
            options=list(MODELS),
            description="model",
            tooltip=f"What the user trains on the representation. {BY_KEYBOARD}",
        )
        self.seed = _seed("user")
        self._words = HTML(layout=FULL_ROW)
        self.model.observe(lambda _: self._follow_model(), names="value")
        super().__init__([self.model, self.seed, self._words], layout=WRAP)
        self.value = user or DataUser("logistic")
        self._follow_model()

    @property
    def value(self) -> DataUser:
        """A new user with these settings; settable."""
        return DataUser(self.model.value, seed=self.seed.value)

    @value.setter
    def value(self, user: DataUser) -> None:
        self.model.value, self.seed.value = user.model, user.seed

    @property
    def words(self) -> str:
        """What the model is, from its docstring."""
        return words_of(MODELS[self.model.value])[0]

    def _follow_model(self) -> None:
        self._words.value = words_html(self.words)


def words_of(function: Callable) -> tuple[str, str]:
    """Return what a function does and what its first parameter is, by its docstring.

    Parameters
    ----------
    function
        With a numpydoc docstring.

    Returns
    -------
    tuple of str
        The first paragraph, and the text of the first parameter or ``""``. Both plain.

    Examples
    --------
    >>> words_of(METHODS["erasure"])[1]
    'strength s from 0 (nothing is erased) to 1.'
    """
    text = inspect.getdoc(function) or ""
    first = re.search(r"^Parameters\n-+\n\w.*\n((?:[ ]+.*\n?)+)", text, re.MULTILINE)
    return tuple(map(_plain, (text.split("\n\n")[0], first[1] if first else "")))


def words_html(text: str) -> str:
    """Return text as a paragraph that stands below controls.

    Examples
    --------
    >>> "a &lt; b" in words_html("a < b")
    True
    """
    return (
        '<div style="font-size:15px;line-height:1.4;padding:0 2px">'
        f"{escape(text)}</div>"
    )


def _plain(text: str) -> str:
    """Return docstring text in one line, without its marks for code and links."""
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?([^`]*)`", r"\1", " ".join(text.split()))
    return text.replace("`", "").replace("**", "")


def _seed(entity: str) -> IntText:
    return IntText(
        value=0,
        description=f"{entity}'s seed",
        style={"description_width": "initial"},
        tooltip="Fixes the random start and the order of the rows",
        layout=Layout(width="180px"),
    )
