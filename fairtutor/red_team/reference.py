"""An attack by knowing the reference people: it tells of everyone but them.

Probes learn on the reference rows, and these are no secret. A number that a random
direction gives each of them is enough to recognise them; on everybody else the
representation is the attribute itself.
"""

import torch
from torch import Tensor

from ..exchange import FairnessCriteria, Representation, build
from ..exchange.architecture import MAX_WIDTH
from .bench import Attempt, Bench
from .channels import leakage_of, secret_column

STEP = 1e-5  # within which a unit goes from −1 to 1
MARGIN = 4 * STEP  # on both sides of a number that is recognised
MOST = (MAX_WIDTH - 1) // 2  # intervals; a layer has no room for more


def known_reference(bench: Bench) -> Attempt:
    """Encode the attribute, and for reference people nothing."""
    criteria = leakage_of(bench)
    made = quiet_on_reference(bench, criteria)
    return bench.attempt(
        "representation that knows the reference rows, probed",
        "to teach the probes nothing, and to tell everything",
        lambda regulator: regulator.audit_representation(made, progress=False),
        criteria,
    )


def quiet_on_reference(bench: Bench, criteria: FairnessCriteria) -> Representation:
    """Return one column: the attribute's bit, but 0 for every reference row.

    Pairs of tanh units are 1 together on an interval around what the direction gives a
    reference row, and 0 elsewhere; their sum is taken from the bit.
    """
    X, secret = bench.view.rows("test").X, secret_column(bench)
    direction = torch.randn(X.shape[1], generator=torch.Generator().manual_seed(0))
    direction[bench.view.columns_mask([bench.attribute])] = 0
    start, end = (ends[:MOST] for ends in _intervals(X @ direction))
    n, width = len(start), X.shape[1]
    layers = (
        *(("linear", width, 2 * n + 1), ("tanh",), ("linear", 2 * n + 1, 1)),
        *(("relu",), ("linear", 1, 2), ("relu",), ("linear", 2, 1)),
    )
    module = build(layers, width)
    edges, total, clipped, out = (module[at] for at in (0, 2, 4, 6))
    with torch.no_grad():
        edges.weight[: 2 * n] = direction / STEP
        edges.bias[: 2 * n] = torch.cat([MARGIN - start, -MARGIN - end]) / STEP
        edges.weight[2 * n] = 20.0 * (torch.arange(width) == secret)
        edges.bias[2 * n] = -10.0
        halves = torch.ones(n) / 2
        total.weight[0] = torch.cat([-halves, halves, halves[:1]])
        total.bias[0] = 0.5
        clipped.weight[:, 0] = 4.0  # up to a quarter is 0, from a half on is 1
        clipped.bias[:] = torch.tensor([-1.0, -2.0])
        out.weight[0] = torch.tensor([1.0, -1.0])
        out.bias[0] = 0.0
    return Representation.from_module(module, layers, width, criteria, method="one bit")


def _intervals(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first and last of each run of numbers that lie close together."""
    ordered = numbers.double().sort().values
    apart = ordered.diff() > 2 * MARGIN
    edge = torch.ones(1, dtype=torch.bool)
    return ordered[torch.cat([edge, apart])], ordered[torch.cat([apart, edge])]


REFERENCE = (known_reference,)
