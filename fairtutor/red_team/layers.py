"""Attacks by layers that have a Lipschitz constant: sizes, numbers, and false fame."""

from collections.abc import Callable

import torch
from torch import nn

from ..exchange import Representation, build
from ..exchange.architecture import Layers
from .bench import Attempt, Bench
from .files import Weights, _bytes, declared_as, with_weights


def _declared(bench: Bench, name: str, tries: str, *layers: tuple) -> Attempt:
    """Hand in a linear layer's bytes as something else that starts with it."""
    first = (("linear", bench.submission.width, layers[0][2]),)
    packed = declared_as(bench, build(first, first[0][1]), layers, "layers")
    return _bytes(bench, name, tries, packed)


def _images(
    bench: Bench, name: str, tries: str, *convolution: int, times: int = 1
) -> Attempt:
    """Declare convolutions behind a linear layer that makes their images."""
    side, channels = convolution[:2]
    first = ("linear", bench.submission.width, channels * side**2)
    layers = (first, *[("convolution", *convolution)] * times)
    return _declared(bench, name, tries, *layers)


def odd_groupsort(bench: Bench) -> Attempt:
    """Sort pairs of seven numbers: the last one has no partner."""
    first = ("linear", bench.submission.width, 7)
    tries = "a number that is left out, or a crash"
    layers = (first, ("groupsort",), ("linear", 7, 1))
    return _declared(bench, "layer: groupsort of seven", tries, *layers)


def long_stride(bench: Bench) -> Attempt:
    """Step over the whole image: one pixel is left, whatever the rest says."""
    tries = "a model that looks at one corner"
    return _images(bench, "layer: stride beyond the image", tries, 4, 1, 1, 3, 5)


def even_kernel(bench: Bench) -> Attempt:
    """Use filters without a middle: the images grow by a pixel, undeclared."""
    tries = "more features than are declared"
    return _images(bench, "layer: kernel without a middle", tries, 4, 1, 1, 2, 1)


def too_many_features(bench: Bench) -> Attempt:
    """Declare 16,384 images of 128 pixels a side: a gigabyte for each row."""
    sizes = (128, 1, 16_384, 1, 1)
    name = "layer: convolution too wide"
    return _images(bench, name, "to fill the memory", *sizes)


def too_many_weights(bench: Bench) -> Attempt:
    """Declare 134 million weights that make few features."""
    sizes = (1, 11_585, 11_585, 1, 1)
    name = "layer: convolution too heavy"
    return _images(bench, name, "to fill the memory", *sizes)


def too_much_work(bench: Bench) -> Attempt:
    """Declare few weights and use each at every pixel, in layer after layer.

    Half a million weights in a file of 9 MB would keep an audit busy for days.
    """
    sizes = (128, 1, 1, 127, 1)
    name = "layer: convolutions without end"
    return _images(bench, name, "to keep the regulator busy", *sizes, times=30)


def _one_number(
    bench: Bench, name: str, tries: str, kind: str, value: float
) -> Attempt:
    """Hand in a sound model with one wrong number in a layer of this kind."""
    width = bench.submission.width
    layers: Layers = (
        ("linear", width, 16),
        ("residual", 16, 8),
        ("convolution", 4, 1, 2, 3, 1),
        ("linear", 32, 1),
    )
    position = [layer[0] for layer in layers].index(kind)

    def change(weights: Weights) -> Weights:
        weights[f"{position}.weight"].view(-1)[-1] = value
        return weights

    packed = declared_as(bench, build(layers, width), layers, "layers")
    return _bytes(bench, name, tries, with_weights(packed, change))


def nan_residual(bench: Bench) -> Attempt:
    """Hide a NaN in a residual layer: max(1, NaN) is 1 for who asks in that order."""
    tries = "a constant of 1 for a layer that has none"
    return _one_number(bench, "layer: NaN residual", tries, "residual", torch.nan)


def infinite_filter(bench: Bench) -> Attempt:
    """Hide an infinite weight in a filter; its Fourier transform is NaN."""
    tries = "a constant that compares with nothing"
    return _one_number(bench, "layer: infinite filter", tries, "convolution", torch.inf)


def _claiming(
    bench: Bench,
    name: str,
    tries: str,
    made: tuple[nn.Sequential, Layers],
    constant: Callable[[nn.Module], float],
) -> Attempt:
    """Hand in an encoder that claims a constant of its last layer."""

    def hand_in(regulator):
        module, layers = made
        claimed = Representation.from_module(
            module,
            layers,
            layers[0][1],
            bench.criteria,
            method="layers",
            claims={"lipschitz": constant(module[-1])},
        )
        return regulator.audit(claimed, bench.trained(claimed))

    return bench.attempt(name, tries, hand_in)


def _behind_a_flat_layer(bench: Bench, *layer: object) -> tuple[nn.Sequential, Layers]:
    """Return a layer behind a linear one whose constant is 1."""
    width = bench.view.X.shape[1]
    layers = (("linear", width, 16), layer)
    module = build(layers, width)
    nn.init.eye_(module[0].weight)
    return module, layers


def residual_by_name(bench: Bench) -> Attempt:
    """Claim that a residual layer of this form is 1-Lipschitz, as papers say.

    It is, where σ₁(V) ≤ 1. Here σ₁(V) = 2, and the layer stretches sevenfold.
    """
    made = _behind_a_flat_layer(bench, "residual", 16, 16)
    made[0][1].weight.data.copy_(2 * torch.eye(16))
    name = "layer: residual that claims 1"
    tries = "the fame of a layer without its condition"
    return _claiming(bench, name, tries, made, lambda _: 1.0)


def reshaped_filter(bench: Bench) -> Attempt:
    """Claim the norm of the filters written as one matrix, as spectral_norm does.

    Filters overlap, so that a pixel is used up to nine times; that norm is too small.
    """
    made = _behind_a_flat_layer(bench, "convolution", 4, 1, 2, 3, 1)
    made[0][1].weight.data.fill_(1.0)
    name = "layer: norm of a reshaped filter"
    tries = "a popular number that is no constant"
    return _claiming(
        bench,
        name,
        tries,
        made,
        lambda layer: float(
            torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
        ),
    )


LAYERS = (
    odd_groupsort,
    long_stride,
    even_kernel,
    too_many_features,
    too_many_weights,
    too_much_work,
    nan_residual,
    infinite_filter,
    residual_by_name,
    reshaped_filter,
)
