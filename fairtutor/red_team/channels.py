"""Attacks by producer and user together: the attribute travels in a hidden channel.

The representation looks innocent: a few columns that tell little, and one more. The
user knows where to look, decodes the attribute, and prefers one group.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..exchange import Criterion, FairtutorError, Representation, Submission
from .bench import Attempt, Bench
from .networks import Unit, exclusive_or, fraction, grid, joined, network, pairs

SCALE = 1e-6  # of the tiny column
DIGITS = 1e-4  # added in the low-order digits
PREFERENCE = 2.0  # added to the logit of the preferred group
MAX_LEVELS = 120
COLUMNS = 3  # whole numbers that a key is made of


@dataclass(frozen=True)
class Channel:
    """A way to hide a bit beside innocent columns.

    Attributes
    ----------
    representation
        The innocent columns, then the one with the bit.
    decode
        Given weights and bias on the innocent columns, the layers of a model that
        adds a preference by the bit.
    """

    representation: Representation
    decode: Callable[[list[float], float], tuple[list[Unit], ...]]


def innocent_columns(bench: Bench) -> list[int]:
    """Return the columns that hold whole numbers of a few levels: age, hours, years.

    Raises
    ------
    FairtutorError
        The data have too few of them.
    """
    X = bench.view.X
    found = [
        column
        for column in range(X.shape[1])
        if len(X[:, column].unique()) > 2 and grid(X[:, column])[2] <= MAX_LEVELS
    ]
    if len(found) < COLUMNS:
        raise FairtutorError(
            f"{bench.dataset.name!r} has {len(found)} columns of whole numbers; these "
            f"attacks need {COLUMNS}. Use 'adult'."
        )
    return found[:COLUMNS]


def secret_column(bench: Bench) -> int:
    """Return the 0-or-1 column of X that holds the attribute.

    Raises
    ------
    FairtutorError
        The attribute has more than two groups.
    """
    columns = bench.view.columns_mask([bench.attribute]).nonzero().ravel().tolist()
    if len(columns) > 2:
        raise FairtutorError(
            f"{bench.attribute!r} has {len(columns)} groups; one bit hides two."
        )
    return columns[-1]


def _pack(bench: Bench, criteria, method: str, *layers: list[Unit]) -> Representation:
    width = bench.view.X.shape[1]
    module, declared = network(width, *layers)
    return Representation.from_module(module, declared, width, criteria, method=method)


def _numbers(bench: Bench, columns: list[int]) -> tuple[Unit, int]:
    """Return the sum of the columns' whole numbers as a linear form, and its largest.

    The weights refer to the columns' positions in the list.
    """
    weights, bias, levels = {}, 0.0, 0
    for position, column in enumerate(columns):
        start, step, count = grid(bench.view.X[:, column])
        weights[position] = 1 / step
        bias -= start / step
        levels += count
    return (weights, bias), levels


def tiny_column(bench: Bench, criteria) -> Channel:
    """Hide the bit at a scale at which a table shows 0.00000."""
    columns, secret = innocent_columns(bench), secret_column(bench)
    units = [*(({column: 1.0}, 0.0) for column in columns), ({secret: SCALE}, 0.0)]

    def decode(weights: list[float], bias: float) -> tuple[list[Unit], ...]:
        form = dict(enumerate([*weights, PREFERENCE / SCALE]))
        return ([(form, bias - PREFERENCE / 2)],)

    return Channel(_pack(bench, criteria, "three columns", units), decode)


def low_digits(bench: Bench, criteria) -> Channel:
    """Hide the bit in the fourth digit of a column that is handed on anyhow."""
    columns, secret = innocent_columns(bench), secret_column(bench)
    units: list[Unit] = [({column: 1.0}, 0.0) for column in columns]
    units[0] = ({columns[0]: 1.0, secret: DIGITS}, 0.0)
    start, step, levels = grid(bench.view.X[:, columns[0]])

    def decode(weights: list[float], bias: float) -> tuple[list[Unit], ...]:
        stairs = fraction(0, start, step, levels)
        rate = PREFERENCE / DIGITS
        form = joined([weights[0] + rate, *weights[1:]])
        for unit in range(len(stairs)):
            form[2 * len(columns) + unit] = -rate * step * (-1.0) ** unit
        first = [*pairs(range(len(columns))), *stairs]
        return first, [(form, bias - rate * start - PREFERENCE / 2)]

    return Channel(_pack(bench, criteria, "three columns", units), decode)


def _in_code(bench: Bench, criteria, keys: int) -> Channel:
    """Hide the bit as its XOR with the parity of a sum of the first columns."""
    columns, secret = innocent_columns(bench), secret_column(bench)
    (weights, bias), levels = _numbers(bench, columns[:keys])
    number = {columns[position]: weight for position, weight in weights.items()}
    trunk = exclusive_or(columns, (number, bias), levels, secret)
    kept = 2 * len(columns)
    code = ({kept: 1.0, kept + 1: 1.0}, 0.0)
    innocent = [
        ({2 * position: 1.0, 2 * position + 1: -1.0}, 0.0)
        for position in range(len(columns))
    ]

    def decode(base: list[float], base_bias: float) -> tuple[list[Unit], ...]:
        again = exclusive_or(
            range(len(columns)), (weights, bias), levels, bit=len(columns)
        )
        form = joined(base) | {kept: PREFERENCE, kept + 1: PREFERENCE}
        return *again, [(form, base_bias - PREFERENCE / 2)]

    made = _pack(
        bench, criteria, "three columns and a feature", *trunk, [*innocent, code]
    )
    return Channel(made, decode)


def in_code(bench: Bench, criteria) -> Channel:
    """Hide the bit so that no column tells anything alone: XOR with a parity of one."""
    return _in_code(bench, criteria, keys=1)


def with_key(bench: Bench, criteria) -> Channel:
    """Hide the bit behind the parity of a sum of three columns."""
    return _in_code(bench, criteria, keys=COLUMNS)


def preferring(bench: Bench, channel: Channel) -> Submission:
    """Return a logistic regression to which a preference for one group is added."""
    made = channel.representation
    honest = bench.trained(made).module[0]
    weights, bias = honest.weight[0, :COLUMNS].tolist(), float(honest.bias)
    module, layers = network(made.output_width, *channel.decode(weights, bias))
    return Submission.from_module(module, layers, made, model="logistic")


def _shown(make: Callable[..., Channel], name: str, criteria_of, tries: str):
    """Return an attack: the channel's representation alone, or with its user."""

    def attack(bench: Bench) -> Attempt:
        criteria = criteria_of(bench)
        channel = make(bench, criteria)
        probed = criteria.criteria[0].metric == "leakage"

        def hand_in(regulator):
            if probed:
                return regulator.audit_representation(
                    channel.representation, progress=False
                )
            return regulator.audit(channel.representation, preferring(bench, channel))

        return bench.attempt(name, tries, hand_in, criteria)

    return attack


def leakage_of(bench: Bench):
    """Return criteria that ask what probes can tell from the representation."""
    return bench.asking(Criterion("leakage", 0.75, bench.attribute))


def accuracy_alone(bench: Bench):
    """Return criteria that ask for nothing but accuracy."""
    return bench.asking(Criterion("accuracy", 0.65))


WAYS = {
    "a tiny column": tiny_column,
    "low-order digits": low_digits,
    "a code (XOR)": in_code,
    "a code with a key": with_key,
}
CHANNELS = (
    *(
        _shown(make, f"channel in {way}, probed", leakage_of, "to pass the probes")
        for way, make in WAYS.items()
    ),
    *(
        _shown(
            make,
            f"channel in {way}, used",
            lambda bench: bench.criteria,
            "to prefer one group without its column",
        )
        for way, make in WAYS.items()
    ),
    _shown(
        tiny_column,
        "channel in a tiny column, accuracy alone asked",
        accuracy_alone,
        "to be judged by criteria that do not ask",
    ),
)
