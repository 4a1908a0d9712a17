"""What every method of making a representation is given, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from ..exchange.architecture import Layers
from ..training import History


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
    training
        Keyword arguments for :func:`fairtutor.training.fit`: progress, stop, on_epoch.
    """

    X: Tensor
    y: Tensor
    groups: Tensor
    num_groups: int
    strength: float = 1.0
    seed: int = 0
    training: Mapping[str, object] = field(default_factory=dict)


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
