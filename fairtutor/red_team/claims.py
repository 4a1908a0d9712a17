"""Attacks by what is said: fingerprints, constants, and numbers on some rows only."""

import json
from dataclasses import replace

import torch
from safetensors.torch import load, save

from ..entities import DataProducer
from ..exchange import Criterion, Representation, Submission, build, mlp
from ..exchange.weights import HEADER, read_header
from ..theory.lipschitz import lipschitz_bound
from .bench import Attempt, Bench


def _pair(bench: Bench, name: str, tries: str, representation, submission) -> Attempt:
    return bench.attempt(
        name, tries, lambda regulator: regulator.audit(representation, submission)
    )


def _altered(representation: Representation, **changed: str) -> Representation:
    """Return the representation with other text fields: new bytes, same weights."""
    fields = read_header(representation.packed) | changed
    packed = save(load(representation.packed), {HEADER: json.dumps(fields)})
    return Representation(packed, representation.width)


def easier_criteria(bench: Bench) -> Attempt:
    """Make the representation for criteria that tolerate everything."""
    easier = bench.asking(Criterion("selection_rate_difference", 1.0, bench.attribute))
    made = DataProducer("identity").produce(easier, bench.view)
    tries = "to be judged by criteria of its own"
    return _pair(bench, "other criteria", tries, made, bench.trained(made))


def swapped_encoder(bench: Bench) -> Attempt:
    """Train and show a model on one encoder, then hand in another one.

    The honest encoder is approved first; then the identity takes its place, with the
    model that was approved.
    """
    other = DataProducer("identity").produce(bench.criteria, bench.view)

    def hand_in(regulator):
        regulator.audit(bench.representation, bench.submission)
        return regulator.audit(other, bench.submission)

    tries = "an encoder that was never approved"
    return bench.attempt("encoder swapped after approval", tries, hand_in)


def renamed_encoder(bench: Bench) -> Attempt:
    """Change one word of an approved encoder, no weight."""
    renamed = _altered(bench.representation, method="approved")
    tries = "a name that was never approved"
    return _pair(bench, "encoder renamed", tries, renamed, bench.submission)


def lying_object(bench: Bench) -> Attempt:
    """Hand in an object that encodes everyone alike while the regulator looks on.

    The regulator builds the network from the bytes: its report is the honest one.
    """

    class Liar(Representation):
        def encode(self, X):
            return torch.zeros(len(X), self.output_width)

    lying = Liar(bench.representation.packed, bench.representation.width)
    own = bench.attempt(
        "", "", lambda r: r.audit(bench.representation, bench.submission)
    )
    name, tries = "object with an encoder of its own", "to encode only for the audit"
    done = _pair(bench, name, tries, lying, bench.submission)
    if done.said != own.said:
        raise RuntimeError("The regulator audited the object, not the bytes.")
    said = "The report is that of the honest bytes. " + done.said
    return replace(done, outcome="no effect", said=said)


def no_submission(bench: Bench) -> Attempt:
    """Hand in nothing at all."""
    tries = "an error in place of an answer"
    return _pair(bench, "no submission", tries, bench.representation, None)


def other_distance(bench: Bench) -> Attempt:
    """Claim another distance than the one that constants are computed for."""

    def hand_in(regulator):
        claimed = _altered(bench.representation, distance="hamming")
        return regulator.audit(claimed, bench.submission)

    tries = "constants that mean something else"
    return bench.attempt("other distance", tries, hand_in)


def small_constant(bench: Bench) -> Attempt:
    """Claim a Lipschitz constant of one tenth of the true one."""
    claim = json.dumps({"lipschitz": lipschitz_bound(bench.representation.module) / 10})
    claimed = _altered(bench.representation, claims=claim)
    tries = "to look individually fair"
    submission = bench.trained(claimed)
    return _pair(bench, "claimed constant too small", tries, claimed, submission)


def nested_claims(bench: Bench) -> Attempt:
    """Claim constants in a list in a list in a list."""

    def hand_in(regulator):
        claimed = _altered(bench.representation, claims="[" * 50_000)
        return regulator.audit(claimed, bench.submission)

    return bench.attempt("nested claims", "to exhaust the reader", hand_in)


def _overflowing(bench: Bench, column: int, level: float) -> tuple:
    """Return a model that gives ∞ − ∞ where a feature is above a level, else 0."""
    width = bench.view.X.shape[1]
    layers = mlp(width, 1, 2, 1)
    module = build(layers, width)
    for parameter in module.parameters():
        parameter.data.zero_()
    module[0].weight.data[0, column] = 1000.0
    module[0].bias.data[0] = -1000.0 * level
    module[2].weight.data[:] = 3e38
    module[4].weight.data[:] = torch.tensor([[1.0, -1.0]])
    made = DataProducer("identity").produce(bench.criteria, bench.view)
    return made, Submission.from_module(module, layers, made, model="overflow")


def overflow_on_some_rows(bench: Bench) -> Attempt:
    """Use finite weights whose products are infinite for some people only."""
    highest = bench.dataset.rows("test").X.amax(0)
    column = int(highest.argmax())
    handed_in = _overflowing(bench, column, float(highest[column]) / 2)
    tries = "NaN for some people, from weights that are finite"
    return _pair(bench, "overflow on some rows", tries, *handed_in)


def overflow_on_audit_rows(bench: Bench) -> Attempt:
    """Make it happen to none of the fixed rows, and to somebody in the audit batch.

    The refusal says something of the batch, so it uses the batch up.
    """
    fixed, fresh = (bench.dataset.rows(s).X.amax(0) for s in ("test", "audit 1"))
    column = int((fresh - fixed).argmax())
    level = float(fresh[column] + fixed[column]) / 2
    tries = "to learn of audit rows from refusals that cost nothing"
    handed_in = _overflowing(bench, column, level)
    return _pair(bench, "overflow on audit rows only", tries, *handed_in)


def constant_predictor(bench: Bench) -> Attempt:
    """Refuse everyone: no gap, and the accuracy of the more frequent outcome."""
    layers = mlp(bench.representation.output_width, 1)
    module = build(layers, bench.representation.output_width)
    module[0].weight.data.zero_()
    module[0].bias.data.fill_(-3.0)
    submission = Submission.from_module(
        module, layers, bench.representation, model="constant"
    )
    tries = "perfect parity by deciding nothing"
    return _pair(bench, "constant predictor", tries, bench.representation, submission)


CLAIMS = (
    easier_criteria,
    swapped_encoder,
    renamed_encoder,
    lying_object,
    no_submission,
    other_distance,
    small_constant,
    nested_claims,
    overflow_on_some_rows,
    overflow_on_audit_rows,
    constant_predictor,
)
