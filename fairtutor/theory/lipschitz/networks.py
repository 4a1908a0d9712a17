"""Networks whose Lipschitz constant is L, whatever training does to their weights."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...exchange.architecture import KINDS, Layers, build, output_width
from ...exchange.errors import FairtutorError, did_you_mean
from ...exchange.values import Number, require_number
from .layers import LINEAR, AlmostOrthogonal, SDPResidual

ABOVE_0 = Number(1e-9, 1e9)
METHODS = (*LINEAR, "sll")


class LipschitzNetwork(nn.Module):
    """A network f with ‖f(x) − f(x')‖₂ ≤ L ‖x − x'‖₂, for training.

    While it trains, the constraint may hold only nearly (a method says how). In
    evaluation and at hand-over every layer's norm is computed in float64 and divided
    out where it is above 1.

    Parameters
    ----------
    *widths
        Input width, hidden widths, output width; at least two.
    L
        The constant, above 0.
    method
        How layers are held at 1: ``"spectral"``, ``"parseval"``, ``"orthogonal"``,
        ``"cayley"``, ``"aol"`` or ``"sll"``; or ``"unconstrained"``, whose constant is
        whatever comes out times L.
    activation
        ``"groupsort"`` (even hidden widths) or ``"relu"``. With ``"sll"`` it stands
        where the width changes; between equal widths the layer is residual.

    Raises
    ------
    FairtutorError
        The method or activation is unknown, L is not above 0, or there is no such
        network: a width is no whole number from 1, or GroupSort's is odd.

    Examples
    --------
    >>> network = LipschitzNetwork(4, 8, 1, L=2.0)
    >>> module, layers = network.export()
    >>> layers
    (('linear', 4, 8), ('groupsort',), ('linear', 8, 1))
    >>> from fairtutor.theory.lipschitz import lipschitz_bound
    >>> 1.9 < lipschitz_bound(module) <= 2.0
    True
    """

    def __init__(
        self,
        *widths: int,
        L: float = 1.0,
        method: str = "spectral",
        activation: str = "groupsort",
    ) -> None:
        super().__init__()
        if method not in METHODS:
            raise FairtutorError(
                f"There is no method {method!r}. {did_you_mean(method, METHODS)}"
            )
        if activation not in ("groupsort", "relu", "tanh"):
            raise FairtutorError(
                f"The activation is {activation!r}; use groupsort, relu or tanh, which "
                "have the constant 1."
            )
        require_number("L", L, ABOVE_0, "L")
        if len(widths) < 2:
            raise FairtutorError(
                f"The widths are {widths}; at least an input and an output width are "
                "needed."
            )
        self.L, self.method = float(L), method
        self.layers = tuple(_declared(widths, method, activation))
        output_width(self.layers, widths[0])  # refuses what cannot be declared
        self.body = nn.Sequential(*(_made(layer, method) for layer in self.layers))

    def forward(self, X: Tensor) -> Tensor:
        """Return (n, outputs) for rows X, (n, inputs)."""
        return self.L * self.body(X)

    @torch.no_grad()
    def export(self) -> tuple[nn.Sequential, Layers]:
        """Return the same network as plain layers, on the CPU, with its declaration.

        Returns
        -------
        torch.nn.Sequential and its declaration
            float32, in evaluation mode. Its
            :func:`~fairtutor.theory.lipschitz.lipschitz_bound` is at most L, other
            than for ``"unconstrained"``.
        """
        module = build(self.layers, self.layers[0][1]).eval()
        last = len(module) - 1
        for position, layer in enumerate(self.body):
            if isinstance(layer, SDPResidual):
                module[position] = layer.plain()
            elif isinstance(layer, nn.Linear):
                scale = self.L if position == last else 1.0
                module[position].weight.copy_(scale * layer.handed_over())
                module[position].bias.copy_(scale * layer.bias)
        return module.requires_grad_(False), self.layers


class Margins(nn.Module):
    """Cross-entropy of scores t · f(x), with a penalty on steep places if asked for.

    Cross-entropy pushes scores apart as far as L allows. Where L is small they cannot
    be pushed far, and it cares for every row alike; a temperature t makes the loss
    steeper without changing L or the decisions.

    Parameters
    ----------
    network
        From X to one logit, or to one score for each class.
    temperature
        t, above 0.
    penalty
        Weight of mean (‖∇ₓ f_y‖ − L)₊², at the rows of the batch: nothing is promised
        between them. (Gulrajani et al. 2017 pull the norm to 1 from both sides.)
    L
        Of the penalty.

    Raises
    ------
    FairtutorError
        The temperature is not above 0.

    References
    ----------
    Béthune et al. (2022), "Pay attention to your loss: understanding misconceptions
    about 1-Lipschitz neural networks".
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        temperature: float = 1.0,
        penalty: float = 0.0,
        L: float = 1.0,
    ) -> None:
        super().__init__()
        require_number("temperature", temperature, ABOVE_0, "temperature")
        self.network, self.temperature = network, temperature
        self.penalty, self.L = penalty, L

    def forward(self, X: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return the losses of a batch: X (n, d); y (n,), the class or 0 and 1."""
        if not self.penalty or not self.training:
            return {"loss": self._cross_entropy(self.network(X), y)}
        X = X.detach().requires_grad_(True)
        scores = self.network(X)
        chosen = scores[:, 0] if scores.shape[1] == 1 else _of(scores, y)
        (slopes,) = torch.autograd.grad(chosen.sum(), X, create_graph=True)
        steep = (slopes.norm(dim=1) - self.L).clamp(min=0).square().mean()
        error = self._cross_entropy(scores, y)
        return {"loss": error + self.penalty * steep, "steepness": steep}

    def _cross_entropy(self, scores: Tensor, y: Tensor) -> Tensor:
        scaled = self.temperature * scores
        if scores.shape[1] == 1:
            return functional.binary_cross_entropy_with_logits(
                scaled[:, 0], y.to(scaled)
            )
        return functional.cross_entropy(scaled, y.long())


def _of(scores: Tensor, y: Tensor) -> Tensor:
    return scores.gather(1, y.long().unsqueeze(1)).squeeze(1)


def _declared(widths: tuple[int, ...], method: str, activation: str) -> Iterator[tuple]:
    steps = list(pairwise(widths))
    for position, (inputs, outputs) in enumerate(steps):
        inner = 0 < position < len(steps) - 1
        if method == "sll" and inner and inputs == outputs:
            yield ("residual", inputs, outputs)
            continue
        yield ("linear", inputs, outputs)
        if position < len(steps) - 1:
            yield (activation,)


def _made(layer: tuple, method: str) -> nn.Module:
    name, *sizes = layer
    if name == "linear":
        return LINEAR.get(method, AlmostOrthogonal)(*sizes)
    return SDPResidual(*sizes) if name == "residual" else KINDS[name].make()
