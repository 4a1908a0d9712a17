"""Networks as documents: a declared list of layers instead of code.

Whoever hands in a network hands in a list of layer names and sizes. The regulator
builds the network from this list with its own code, so nothing foreign is executed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from torch import nn

from .errors import Refused, did_you_mean
from .layers import Convolution, GroupSort, Residual, side_after
from .trees import MAX_DEPTH, TreeEnsemble, num_parameters

MAX_LAYERS = 32
MAX_WIDTH = 16_384
MAX_PARAMETERS = 20_000_000
MAX_MULTIPLICATIONS = 2 * MAX_PARAMETERS  # for one row: no audit takes days

Shape = tuple[int, int, int, int]  # features in and out, parameters, multiplications


@dataclass(frozen=True)
class Kind:
    """What a layer's name stands for; a layer without sizes keeps its width."""

    make: Callable[..., nn.Module]
    sizes: tuple[str, ...] = ()
    shape: Callable[..., Shape] | None = None


def _linear(inputs: int, outputs: int) -> Shape:
    return inputs, outputs, (inputs + 1) * outputs, inputs * outputs


def _residual(width: int, hidden: int) -> Shape:
    return width, width, (width + 1) * hidden, 2 * width * hidden


def _trees(inputs: int, num_trees: int, depth: int) -> Shape:
    return inputs, 1, num_parameters(num_trees, depth), 0


def _convolution(
    side: int, inputs: int, outputs: int, kernel: int, stride: int
) -> Shape:
    weights, pixels = inputs * kernel**2 * outputs, side_after(side, stride) ** 2
    return inputs * side**2, outputs * pixels, weights + outputs, weights * pixels


KINDS: Mapping[str, Kind] = {
    "linear": Kind(nn.Linear, ("inputs", "outputs"), _linear),
    "residual": Kind(Residual, ("width", "hidden"), _residual),
    "convolution": Kind(
        Convolution,
        ("side", "inputs", "outputs", "kernel", "stride"),
        _convolution,
    ),
    "trees": Kind(TreeEnsemble, ("inputs", "num_trees", "depth"), _trees),
    "relu": Kind(nn.ReLU),
    "tanh": Kind(nn.Tanh),
    "gelu": Kind(nn.GELU),
    "groupsort": Kind(GroupSort),
    "softmax": Kind(partial(nn.Softmax, dim=1)),
}

Layers = tuple[tuple, ...]


def mlp(*widths: int, activation: str = "relu") -> Layers:
    """Declare linear layers of the given widths with an activation between them.

    Parameters
    ----------
    *widths
        Input width, hidden widths, output width; at least two.
    activation
        One of ``"relu"``, ``"tanh"``, ``"gelu"``, ``"groupsort"``; the last needs
        hidden widths that are even.

    Returns
    -------
    tuple of tuple
        The declaration, ready for :func:`build`.

    Examples
    --------
    >>> mlp(107, 32, 1)
    (('linear', 107, 32), ('relu',), ('linear', 32, 1))
    """
    layers: list[tuple] = []
    for before, after in pairwise(widths):
        layers += [("linear", before, after), (activation,)]
    return tuple(layers[:-1])


def build(layers: Sequence[Sequence], width: int) -> nn.Sequential:
    """Build the declared network, or refuse it with the reason.

    Parameters
    ----------
    layers
        Each a name and its sizes: ``("linear", inputs, outputs)``,
        ``("residual", width, hidden)``,
        ``("convolution", side, inputs, outputs, kernel, stride)`` (see
        :mod:`fairtutor.exchange.layers`), or an activation such as ``("relu",)``. An
        empty list is the identity. Or, as the only one,
        ``("trees", inputs, num_trees, depth)``:
        :class:`fairtutor.exchange.trees.TreeEnsemble`.
    width
        The number of features that enter, at least 1.

    Returns
    -------
    torch.nn.Sequential
        Fresh weights, in training mode.

    Raises
    ------
    Refused
        A layer is unknown, malformed or too large, its width does not fit, or trees
        stand beside other layers.

    Examples
    --------
    >>> build([("linear", 3, 2), ("relu",)], width=3)
    Sequential(
      (0): Linear(in_features=3, out_features=2, bias=True)
      (1): ReLU()
    )
    """
    output_width(layers, width)
    return nn.Sequential(*(_module(layer) for layer in layers))


def output_width(layers: Sequence[Sequence], width: int) -> int:
    """Check a declaration without building it; return how many features leave.

    Parameters
    ----------
    layers, width
        As for :func:`build`.

    Returns
    -------
    int
        The width of the last layer.

    Raises
    ------
    Refused
        As for :func:`build`. Sizes are checked before memory is taken.

    Examples
    --------
    >>> output_width(mlp(107, 32, 8), width=107)
    8
    """
    if not isinstance(layers, list | tuple):
        raise Refused("The architecture is not a list of layers.")
    if len(layers) > MAX_LAYERS:
        raise Refused(f"{len(layers)} layers declared; at most {MAX_LAYERS} are taken.")
    parameters = multiplications = 0
    for position, layer in enumerate(layers):
        kind, sizes = _checked(position, layer)
        if layer[0] == "trees":
            _require_alone(position, layers)
        if layer[0] == "groupsort" and width % 2:
            raise Refused(
                f"Layer {position}, 'groupsort', sorts pairs, and {width} features "
                "arrive; an even number is needed."
            )
        if kind.shape is None:
            continue
        inputs, outputs, numbers, work = kind.shape(*sizes)
        if inputs != width:
            raise Refused(
                f"Layer {position} expects {inputs} features, but {width} arrive."
            )
        if outputs > MAX_WIDTH:
            raise Refused(
                f"Layer {position} makes {outputs:,} features; at most {MAX_WIDTH:,} "
                "are taken."
            )
        width, parameters = outputs, parameters + numbers
        multiplications += work
    if parameters > MAX_PARAMETERS:
        raise Refused(
            f"{parameters:,} parameters declared; at most {MAX_PARAMETERS:,} are taken."
        )
    if multiplications > MAX_MULTIPLICATIONS:
        raise Refused(
            f"{multiplications:,} multiplications for each row declared; at most "
            f"{MAX_MULTIPLICATIONS:,} are made. Use smaller kernels or a larger stride."
        )
    return width


def layers_to_json(layers: Layers) -> str:
    """Return the declaration as compact JSON.

    Examples
    --------
    >>> layers_to_json(mlp(2, 1))
    '[["linear",2,1]]'
    """
    return json.dumps(layers, separators=(",", ":"))


def layers_from_json(text: str) -> Layers:
    """Read a declaration; :func:`build` judges its content.

    Raises
    ------
    Refused
        The text is no JSON list of lists.

    Examples
    --------
    >>> layers_from_json('[["linear",2,1]]')
    (('linear', 2, 1),)
    """
    try:
        layers = json.loads(text)
        return tuple(tuple(layer) for layer in layers)
    except (ValueError, TypeError, RecursionError) as error:
        raise Refused(f"The declared architecture cannot be read: {error}") from None


def _module(layer: Sequence) -> nn.Module:
    name, *sizes = layer
    return KINDS[name].make(*sizes)


def _require_alone(position: int, layers: Sequence[Sequence]) -> None:
    """Refuse trees beside other layers: two steps in a row are a table of anything."""
    if len(layers) > 1:
        raise Refused(
            f"Layer {position} is an ensemble of trees, which must be the whole model; "
            f"{len(layers)} layers are declared."
        )


def _checked(position: int, layer: Sequence) -> tuple[Kind, Sequence[int]]:
    if (
        not isinstance(layer, list | tuple)
        or not layer
        or not isinstance(layer[0], str)
    ):
        raise Refused(f"Layer {position} is {layer!r}, not a name and its sizes.")
    name, *sizes = layer
    if name not in KINDS:
        raise Refused(
            f"Layer {position} is of unknown kind {name!r}. {did_you_mean(name, KINDS)}"
        )
    kind = KINDS[name]
    if len(sizes) != len(kind.sizes):
        raise Refused(
            f"Layer {position}, {name!r}, has the wrong number of sizes: it takes "
            f"{', '.join(kind.sizes) or 'none'}."
        )
    for size in sizes:
        if type(size) is not int or not 1 <= size <= MAX_WIDTH:
            raise Refused(
                f"Layer {position}, {name!r}, has size {size!r}; "
                f"sizes are whole numbers from 1 to {MAX_WIDTH:,}."
            )
    _require_sense(position, name, dict(zip(kind.sizes, sizes, strict=True)))
    return kind, sizes


def _require_sense(position: int, name: str, sizes: Mapping[str, int]) -> None:
    """Refuse sizes that are whole numbers and still make no such layer."""
    if name == "trees" and sizes["depth"] > MAX_DEPTH:
        raise Refused(
            f"Layer {position}, 'trees', has depth {sizes['depth']}; at most "
            f"{MAX_DEPTH} is taken."
        )
    if name != "convolution":
        return
    if sizes["kernel"] % 2 == 0:
        raise Refused(
            f"Layer {position}, 'convolution', has a kernel of {sizes['kernel']} "
            "pixels; an odd number is needed, so that it has a middle."
        )
    for size in ("kernel", "stride"):
        if sizes[size] > sizes["side"]:
            raise Refused(
                f"Layer {position}, 'convolution', has a {size} of {sizes[size]} "
                f"pixels, and images of {sizes['side']}."
            )
