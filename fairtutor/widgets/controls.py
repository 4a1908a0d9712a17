"""The settings of a producer and of a user, as controls that several panels have."""

from ipywidgets import Dropdown, FloatSlider, HBox, IntText, Layout

from ..entities import DataProducer, DataUser
from ..entities.user import MODELS
from ..producers import METHODS, STRENGTHS

WRAP = Layout(flex_flow="row wrap", padding="4px 10px", grid_gap="4px 16px")


class ProducerControls(HBox):
    """Method, strength and seed of a :class:`fairtutor.DataProducer`.

    Parameters
    ----------
    producer
        What to start from.

    Examples
    --------
    >>> controls = ProducerControls(DataProducer("erasure", strength=0.5))
    >>> controls.method.value = "adversarial"
    >>> str(controls.value)
    'adversarial (strength 0.5)'
    """

    def __init__(self, producer: DataProducer | None = None) -> None:
        self.method = Dropdown(
            options=list(METHODS),
            description="method",
            tooltip="How the representation is made",
        )
        self.strength = FloatSlider(
            min=0,
            max=1,
            step=0.05,
            description="strength",
            readout_format=".2f",
            tooltip="How much fairness is preferred to usefulness",
        )
        self.seed = _seed("producer")
        self.method.observe(lambda _: self._fit_slider(), names="value")
        super().__init__([self.method, self.strength, self.seed], layout=WRAP)
        self.value = producer or DataProducer("identity")

    @property
    def value(self) -> DataProducer:
        """A new producer with these settings; settable."""
        method = self.method.value
        return DataProducer(
            method,
            strength=self.strength.value,
            seed=self.seed.value,
            **(self._settings if method == self._settings_of else {}),
        )

    @value.setter
    def value(self, producer: DataProducer) -> None:
        self._settings_of, self._settings = producer.method, dict(producer.settings)
        self.method.value = producer.method
        self._fit_slider(at_least=producer.strength)
        self.strength.value = producer.strength
        self.seed.value = producer.seed

    def _fit_slider(self, at_least: float = 0.0) -> None:
        self.strength.max = max(STRENGTHS[self.method.value][-1], 1.0, at_least)


class UserControls(HBox):
    """Model and seed of a :class:`fairtutor.DataUser`.

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
            tooltip="What the user trains on the representation",
        )
        self.seed = _seed("user")
        super().__init__([self.model, self.seed], layout=WRAP)
        self.value = user or DataUser("logistic")

    @property
    def value(self) -> DataUser:
        """A new user with these settings; settable."""
        return DataUser(self.model.value, seed=self.seed.value)

    @value.setter
    def value(self, user: DataUser) -> None:
        self.model.value, self.seed.value = user.model, user.seed


def _seed(entity: str) -> IntText:
    return IntText(
        value=0,
        description=f"{entity}'s seed",
        style={"description_width": "initial"},
        tooltip="Fixes the random start and the order of the rows",
        layout=Layout(width="180px"),
    )
