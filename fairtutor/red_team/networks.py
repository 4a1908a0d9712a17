"""Networks set by hand: how layers of ReLUs hide a bit, and how they find it again."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from ..exchange import build
from ..exchange.architecture import Layers

Unit = tuple[Mapping[int, float], float]  # weights by input, and the bias


def network(width: int, *layers: Sequence[Unit]) -> tuple[nn.Sequential, Layers]:
    """Build linear layers from units written out, with a ReLU between them.

    Parameters
    ----------
    width
        The number of features that enter.
    *layers
        Each layer's units.

    Returns
    -------
    tuple of torch.nn.Sequential and its declaration

    Examples
    --------
    >>> import torch
    >>> module, layers = network(2, [({0: 1.0, 1: -1.0}, 0.5)])
    >>> module(torch.tensor([[3.0, 1.0]])).item()
    2.5
    """
    declared: list[tuple] = []
    for units in layers:
        declared += [("linear", width, len(units)), ("relu",)]
        width = len(units)
    declared.pop()
    module = build(declared, declared[0][1])
    linear = [layer for layer in module if isinstance(layer, nn.Linear)]
    for layer, units in zip(linear, layers, strict=True):
        layer.weight.data.zero_()
        for row, (weights, bias) in enumerate(units):
            for column, weight in weights.items():
                layer.weight.data[row, column] = weight
            layer.bias.data[row] = bias
    return module, tuple(declared)


def pairs(columns: Sequence[int]) -> list[Unit]:
    """Return two units per column, x and −x: a ReLU keeps one of them.

    Examples
    --------
    >>> pairs([4])
    [({4: 1.0}, 0.0), ({4: -1.0}, 0.0)]
    """
    return [({column: sign}, 0.0) for column in columns for sign in (1.0, -1.0)]


def through(units: range) -> list[Unit]:
    """Return units that pass on what a ReLU has made non-negative.

    Examples
    --------
    >>> through(range(2))
    [({0: 1.0}, 0.0), ({1: 1.0}, 0.0)]
    """
    return [({unit: 1.0}, 0.0) for unit in units]


def joined(weights: Sequence[float]) -> dict[int, float]:
    """Return the weights on :func:`pairs` that give the sum of weights times columns.

    Examples
    --------
    >>> joined([0.5])
    {0: 0.5, 1: -0.5}
    """
    return {
        2 * position + side: sign * weight
        for position, weight in enumerate(weights)
        for side, sign in ((0, 1.0), (1, -1.0))
    }


def exclusive_or(
    carried: Sequence[int], number: Unit, levels: int, bit: int
) -> tuple[list[Unit], ...]:
    """Return four layers that compute the parity of a whole number, XOR a bit.

    A triangle wave is 0 at even numbers and 1 at odd ones. Cut off at its flanks it
    is exactly 0 or 1, and |parity − bit| is the XOR.

    Parameters
    ----------
    carried
        Input columns that pass through, as :func:`pairs`.
    number
        A linear form of the input that takes whole numbers from 0.
    levels
        The largest of them.
    bit
        The input column that holds 0 or 1.

    Returns
    -------
    tuple of list of Unit
        The last layer's units are the carried pairs, then two whose sum is the XOR.

    Examples
    --------
    >>> import torch
    >>> out = [({0: 1.0, 1: 1.0}, 0.0)]
    >>> module, _ = network(2, *exclusive_or([], ({0: 1.0}, 0.0), 5, bit=1), out)
    >>> rows = torch.tensor([[0.0, 0.0], [0.0, 1.0], [3.0, 0.0], [3.0, 1.0]])
    >>> module(rows)[:, 0].tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    kept = len(pairs(carried))
    form, start = number
    waves = [(form, start - step) for step in range(levels + 1)]
    first = [*pairs(carried), ({bit: 1.0}, 0.0), *waves]
    slopes = [1.0, *(2.0 * (-1.0) ** step for step in range(1, levels + 1))]
    wave = {kept + 1 + step: slope for step, slope in enumerate(slopes)}
    second = [*through(range(kept + 1)), (wave, 0.0)]
    # 4t − 1.5 and 4t − 2.5 are exact in float32 near t = 1: their difference is 1.
    t = kept + 1
    third = [*through(range(kept + 1)), *(({t: 4.0}, -x) for x in (1.5, 2.5))]
    difference = {t: 1.0, t + 1: -1.0, kept: -1.0}
    opposite = {unit: -weight for unit, weight in difference.items()}
    fourth = [*through(range(kept)), (difference, 0.0), (opposite, 0.0)]
    return first, second, third, fourth


def fraction(column: int, start: float, step: float, levels: int) -> list[Unit]:
    """Return units whose sum, weighed by ±1 in turn, is the level a value stands on.

    Parameters
    ----------
    column
        Holds ``start`` + ``step`` · k, k from 0 to ``levels``, plus something small.
    start, step, levels
        As above.

    Returns
    -------
    list of Unit
        After a ReLU, the staircase k is the first minus the second, plus the third
        minus the fourth, and so on.

    Examples
    --------
    >>> import torch
    >>> units = fraction(0, 10.0, 2.0, 3)
    >>> alternating = {i: (-1.0) ** i for i in range(len(units))}
    >>> module, _ = network(1, units, [(alternating, 0.0)])
    >>> module(torch.tensor([[10.01], [12.0], [16.01]]))[:, 0].tolist()
    [0.0, 1.0, 3.0]
    """
    return [
        ({column: 4 / step}, -4 * (start / step + level + side))
        for level in range(levels)
        for side in (0.375, 0.625)
    ]


def grid(values: Tensor) -> tuple[float, float, int]:
    """Return start, step and number of levels of evenly spaced values.

    Parameters
    ----------
    values
        One column's, (n,).

    Returns
    -------
    tuple of float, float and int
        The step is the smallest distance between two different values.

    Examples
    --------
    >>> import torch
    >>> grid(torch.tensor([1.0, 2.0, 1.5]))
    (1.0, 0.5, 2)
    """
    distinct = values.double().unique()
    step = float(distinct.diff().min())
    return float(distinct[0]), step, round(float(distinct[-1] - distinct[0]) / step)
