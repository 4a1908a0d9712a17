"""Networks as documents: a declared list of layers instead of code.

Whoever hands in a network hands in a list of layer names and sizes. The regulator
builds the network from this list with its own code, so nothing foreign is executed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise

from torch import nn

from .errors import Refused, did_you_mean
from .trees import MAX_DEPTH, TreeEnsemble, num_parameters

MAX_LAYERS = 32
MAX_WIDTH = 16_384
MAX_PARAMETERS = 20_000_000

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "softmax": partial(nn.Softmax, dim=1),
}
SIZES: Mapping[str, int] = {"linear": 2, "trees": 3, **dict.fromkeys(ACTIVATIONS, 0)}

Layers = tuple[tuple, ...]


def mlp(*widths: int, activation: str = "relu") -> Layers:
    """Declare linear layers of the given widths with an activation between them.

    Parameters
    ----------
    *widths
        Input width, hidden widths, output width; at least two.
    activation
        One of ``"relu"``, ``"tanh"``, ``"gelu"``.

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
        Each a name and its sizes: ``("linear", inputs, outputs)`` or an
        activation such as ``("relu",)``. An empty list is the identity. Or, as the
        only one, ``("trees", inputs, num_trees, depth)``:
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
    parameters = 0
    for position, layer in enumerate(layers):
        name = _checked_name(position, layer)
        if name in ACTIVATIONS:
            continue
        inputs = layer[1]
        if inputs != width:
            raise Refused(
                f"Layer {position} expects {inputs} features, but {width} arrive."
            )
        if name == "trees":
            _require_alone(position, layers)
            parameters, width = num_parameters(*layer[2:]), 1
        else:
            parameters, width = parameters + (inputs + 1) * layer[2], layer[2]
    if parameters > MAX_PARAMETERS:
        raise Refused(
            f"{parameters:,} parameters declared; at most {MAX_PARAMETERS:,} are taken."
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
    made = {"linear": nn.Linear, "trees": TreeEnsemble, **ACTIVATIONS}
    return made[name](*sizes)


def _require_alone(position: int, layers: Sequence[Sequence]) -> None:
    """Refuse trees beside other layers: two steps in a row are a table of anything."""
    if len(layers) > 1:
        raise Refused(
            f"Layer {position} is an ensemble of trees, which must be the whole model; "
            f"{len(layers)} layers are declared."
        )


def _checked_name(position: int, layer: Sequence) -> str:
    if (
        not isinstance(layer, list | tuple)
        or not layer
        or not isinstance(layer[0], str)
    ):
        raise Refused(f"Layer {position} is {layer!r}, not a name and its sizes.")
    name, *sizes = layer
    if name not in SIZES:
        raise Refused(
            f"Layer {position} is of unknown kind {name!r}. {did_you_mean(name, SIZES)}"
        )
    if len(sizes) != SIZES[name]:
        raise Refused(f"Layer {position}, {name!r}, has the wrong number of sizes.")
    for size in sizes:
        if type(size) is not int or not 1 <= size <= MAX_WIDTH:
            raise Refused(
                f"Layer {position}, {name!r}, has size {size!r}; "
                f"sizes are whole numbers from 1 to {MAX_WIDTH:,}."
            )
    if name == "trees" and sizes[-1] > MAX_DEPTH:
        raise Refused(
            f"Layer {position}, 'trees', has depth {sizes[-1]}; at most {MAX_DEPTH} is "
            "taken."
        )
    return name
