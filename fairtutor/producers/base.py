"""What every method of making a representation is given, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from ..exchange.architecture import Layers
from ..exchange.errors import FairtutorError, did_you_mean
from ..training import History

# What a method can try to equalise between groups: rates of positive decisions, both
# error rates, or the true positive rate alone.
NOTIONS = ("demographic parity", "equalized odds", "equal opportunity")


@dataclass(frozen=True)
class Task:
    """What a producer works on.

    Attributes
    ----------
    X, y
        The encoder rows, (n, d) float32 and (n,) int64.
    groups
        The group of each row in the attributes that the criteria name, (n,), from 0.
    num_groups
        How many groups there are.
    strength
        How much fairness is preferred to usefulness, from 0; its scale is the
        method's own.
    seed
        Of weights and row order.
    notion
        The group fairness that the criteria ask for, one of :data:`NOTIONS`. Methods
        that know only demographic parity do not look at it.
    sensitive
        Which columns of X were made from the sensitive attributes, (d,) bool, or
        ``None`` if X has none.
    training
        Keyword arguments for :func:`fairtutor.training.fit`: progress, stop, on_epoch.
    on_encoder
        Called after each epoch with the encoder so far, wherever it is trained, for
        those who want to watch.
    """

    X: Tensor
    y: Tensor
    groups: Tensor
    num_groups: int
    strength: float = 1.0
    seed: int = 0
    notion: str = "demographic parity"
    sensitive: Tensor | None = None
    training: Mapping[str, object] = field(default_factory=dict)
    on_encoder: Callable[[nn.Module], None] | None = None

    def aimed_at(self, notion: str | None = None) -> str:
        """Return the notion a method aims at: its own setting, or what is asked for.

        Parameters
        ----------
        notion
            The method's setting; ``None`` leaves it to the criteria.

        Raises
        ------
        FairtutorError
            There is no notion of this name.
        """
        notion = self.notion if notion is None else notion
        if notion not in NOTIONS:
            raise FairtutorError(
                f"The notion is {notion!r}. {did_you_mean(notion, NOTIONS)}"
            )
        return notion

    def require_two_outcomes(self) -> None:
        """Refuse outcomes other than 0 and 1, for a method that predicts them.

        Raises
        ------
        FairtutorError
            There are others.
        """
        if not ((self.y == 0) | (self.y == 1)).all():
            raise FairtutorError(
                f"This method predicts outcomes of 0 and 1; y goes from {self.y.min()} "
                f"to {self.y.max()}. Make it two outcomes, or take another method."
            )

    def watching(self, encoder: nn.Module) -> dict[str, object]:
        """Return ``training``, in which each epoch also shows the encoder.

        Parameters
        ----------
        encoder
            The network that is trained.
        """
        if self.on_encoder is None:
            return dict(self.training)
        on_epoch = self.training.get("on_epoch")

        def show(losses: Mapping[str, float]) -> None:
            if on_epoch is not None:
                on_epoch(losses)
            self.on_encoder(encoder)

        return {**self.training, "on_epoch": show}


@dataclass(frozen=True)
class Encoder:
    """What a method made.

    Attributes
    ----------
    module, layers
        The network and its declaration.
    history
        Of its training; empty for a closed form.
    """

    module: nn.Sequential
    layers: Layers
    history: History = field(default_factory=History)


Method = Callable[..., Encoder]
