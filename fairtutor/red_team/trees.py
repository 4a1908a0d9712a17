"""Attacks by trees: numbers that lead out of the tree, and steps where none belong."""

from collections.abc import Callable

import torch
from torch import nn

from ..exchange import Representation, build
from ..exchange.architecture import Layers
from .bench import Attempt, Bench
from .files import Weights, _bytes, declared_as, with_weights


def _sound(bench: Bench) -> tuple[nn.Sequential, Layers]:
    """Return three trees that are in order: each asks one feature."""
    width = bench.submission.width
    layers = (("trees", width, 3, 2),)
    module = build(layers, width)
    module[0].feature.copy_(torch.arange(3.0).unsqueeze(1).expand(3, 3))
    module[0].leaf[:, 2:] = 1.0
    return module, layers


def _changed(
    bench: Bench, name: str, tries: str, change: Callable[[Weights], Weights]
) -> Attempt:
    """Hand in the sound trees with other numbers."""
    packed = declared_as(bench, *_sound(bench), "trees")
    return _bytes(bench, name, tries, with_weights(packed, change))


def _one_number(
    bench: Bench, name: str, tries: str, tensor: str, value: float
) -> Attempt:
    def change(weights: Weights) -> Weights:
        weights[f"0.{tensor}"].view(-1)[-1] = value
        return weights

    return _changed(bench, name, tries, change)


def feature_beyond_the_row(bench: Bench) -> Attempt:
    """Compare the feature after the last one: the next row's, or somebody's memory."""
    tries = "to read beyond the row"
    beyond = float(bench.submission.width)
    return _one_number(bench, "tree: feature out of range", tries, "feature", beyond)


def feature_before_the_row(bench: Bench) -> Attempt:
    """Compare a feature before the first one."""
    tries = "to read before the row"
    return _one_number(bench, "tree: negative feature", tries, "feature", -1.0)


def fractional_feature(bench: Bench) -> Attempt:
    """Compare half a feature: one reader rounds up, another down."""
    tries = "a tree that is another one for each reader"
    return _one_number(bench, "tree: half a feature", tries, "feature", 0.5)


def nan_threshold(bench: Bench) -> Attempt:
    """Compare with NaN: nothing is larger, in one reader, and not smaller either."""
    tries = "a comparison without an answer"
    return _one_number(bench, "tree: NaN threshold", tries, "threshold", torch.nan)


def infinite_leaf(bench: Bench) -> Attempt:
    """Let two leaves cancel to NaN."""
    tries = "scores beyond all numbers"
    return _one_number(bench, "tree: infinite leaf", tries, "leaf", torch.inf)


def missing_nodes(bench: Bench) -> Attempt:
    """Declare depth 2 and bring the nodes of depth 1."""

    def change(weights: Weights) -> Weights:
        return weights | {"0.feature": weights["0.feature"][:, :1].contiguous()}

    tries = "to walk to nodes that are not there"
    return _changed(bench, "tree: missing nodes", tries, change)


def whole_numbers(bench: Bench) -> Attempt:
    """Bring the features as integers, in which 2⁶³ − 1 has its place."""

    def change(weights: Weights) -> Weights:
        return weights | {"0.feature": weights["0.feature"].long()}

    tries = "numbers of a type that nobody checks"
    return _changed(bench, "tree: features of another type", tries, change)


def _declared(bench: Bench, name: str, *layers: tuple) -> Attempt:
    """Hand in the bytes of sound trees under another declaration."""
    packed = declared_as(bench, _sound(bench)[0], layers, "trees")
    return _bytes(bench, name, "to fill the memory", packed)


def too_many_trees(bench: Bench) -> Attempt:
    """Declare 800 MB of trees in a file of a few bytes."""
    trees = ("trees", bench.submission.width, 16_384, 12)
    return _declared(bench, "tree: too many", trees)


def too_deep_trees(bench: Bench) -> Attempt:
    """Declare 2¹⁶³⁸⁴ leaves: a number whose digits alone are refused by Python."""
    trees = ("trees", bench.submission.width, 1, 16_384)
    return _declared(bench, "tree: too deep", trees)


def trees_behind_a_layer(bench: Bench) -> Attempt:
    """Put trees behind a layer that prepares what they compare."""
    width = bench.submission.width
    layers = (("linear", width, width), ("trees", width, 3, 2))
    module = build(layers[:1], width).append(_sound(bench)[0][0])
    packed = declared_as(bench, module, layers, "trees")
    tries = "a step function of columns that nobody looks at"
    return _bytes(bench, "tree: behind another layer", tries, packed)


def trees_as_encoder(bench: Bench) -> Attempt:
    """Hand in a representation that jumps, and claim that it is 0-Lipschitz."""

    def hand_in(regulator):
        width = bench.dataset.X.shape[1]
        layers = (("trees", width, 3, 2),)
        made = Representation.from_module(
            build(layers, width),
            layers,
            width,
            bench.criteria,
            method="trees",
            claims={"lipschitz": 0.0},
        )
        return regulator.audit(made, bench.submission)

    tries = "a constant for a function that has none"
    return bench.attempt("tree: as an encoder", tries, hand_in)


TREES = (
    feature_beyond_the_row,
    feature_before_the_row,
    fractional_feature,
    nan_threshold,
    infinite_leaf,
    missing_nodes,
    whole_numbers,
    too_many_trees,
    too_deep_trees,
    trees_behind_a_layer,
    trees_as_encoder,
)
