"""Layers whose constants are known: what they compute, and that no pair breaks them."""

import pytest
import torch
from torch import nn

from fairtutor.exchange import FairtutorError, Refused, build
from fairtutor.exchange.architecture import MAX_MULTIPLICATIONS, output_width
from fairtutor.exchange.layers import Convolution, GroupSort, Residual, side_after
from fairtutor.exchange.weights import pack, unpack
from fairtutor.theory.lipschitz import (
    LipschitzNetwork,
    layer_constants,
    lipschitz_bound,
    sampled_lower_bound,
)

KINDS = (
    ("linear", "relu"),
    ("linear", "tanh"),
    ("linear", "gelu"),
    ("linear", "groupsort"),
    ("residual",),
    ("convolution", "relu"),
    ("convolution", "groupsort"),
    ("linear", "softmax"),
)


def random_network(draw):
    """Return a random network of one to four blocks, and its input width."""
    side = int(torch.randint(2, 5, (), generator=draw))
    channels = int(torch.randint(1, 3, (), generator=draw))
    start = width = channels * side**2
    layers, images = [], True
    for _ in range(int(torch.randint(1, 5, (), generator=draw))):
        kind, *rest = KINDS[int(torch.randint(len(KINDS), (), generator=draw))]
        if kind == "convolution" and images:
            outputs, kernel = 2 * int(torch.randint(1, 3, (), generator=draw)), 1
            if side >= 3:
                kernel = 3
            stride = min(side, int(torch.randint(1, 3, (), generator=draw)))
            layers.append(("convolution", side, channels, outputs, kernel, stride))
            channels, side = outputs, side_after(side, stride)
        elif kind == "residual":
            layers.append(("residual", width, 2 * width))
        else:
            layers.append(("linear", width, 16))
            images = False
        width = output_width(layers, start)
        layers += [(name,) for name in rest if name != "groupsort" or width % 2 == 0]
    return build(layers, start).double(), start


def dense(layer, width):
    """Return the matrix of an affine layer, from what it does to unit vectors."""
    unit = torch.eye(width, dtype=torch.float64)
    return (layer(unit) - layer(torch.zeros_like(unit))).detach().T


def test_no_pair_of_a_thousand_networks_is_stretched_more_than_the_bound():
    draw = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    closest = 0.0
    for _ in range(1_000):
        network, width = random_network(draw)
        network.requires_grad_(False)
        for parameter in network.parameters():
            parameter *= 3 * torch.rand((), generator=draw, dtype=torch.float64)
        bound = lipschitz_bound(network)
        x = torch.randn(10_000, width, generator=draw, dtype=torch.float64)
        step = torch.randn(10_000, width, generator=draw, dtype=torch.float64)
        step *= 10.0 ** -(torch.arange(10_000) % 4).double().unsqueeze(1)
        stretched = (network(x + step) - network(x)).norm(dim=1)
        assert (stretched <= bound * step.norm(dim=1) * (1 + 1e-6) + 1e-12).all()
        closest = max(closest, (stretched / step.norm(dim=1)).max().item() / bound)
    assert closest > 0.9  # a bound that is never nearly reached would prove little


@pytest.mark.parametrize(
    ("side", "inputs", "outputs", "kernel", "stride", "slack"),
    [
        (8, 1, 4, 3, 1, 1.10),
        (6, 3, 3, 3, 1, 1.15),
        (9, 2, 2, 5, 1, 1.15),
        (5, 4, 2, 1, 1, 1.0001),
        (8, 2, 3, 5, 2, 2.2),  # the stride is not made use of
        (7, 1, 2, 3, 3, 3.2),
    ],
)
def test_a_convolution_is_bounded_as_the_operator_it_is(
    side, inputs, outputs, kernel, stride, slack
):
    torch.manual_seed(3)
    layer = Convolution(side, inputs, outputs, kernel, stride).double()
    largest = torch.linalg.matrix_norm(dense(layer, inputs * side**2), 2).item()
    bound = lipschitz_bound(nn.Sequential(layer))
    assert largest <= bound <= slack * largest


def test_a_convolution_is_the_sum_over_its_neighbourhood():
    torch.manual_seed(0)
    layer = Convolution(side=4, inputs=2, outputs=3, kernel=3, stride=2).double()
    X = torch.randn(5, 32, dtype=torch.float64)
    padded = torch.zeros(5, 2, 6, 6, dtype=torch.float64)
    padded[:, :, 1:5, 1:5] = X.view(5, 2, 4, 4)
    made = layer(X).view(5, 3, 2, 2)
    for row in range(2):
        for column in range(2):
            patch = padded[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            expected = (patch.unsqueeze(1) * layer.weight).sum((2, 3, 4)) + layer.bias
            assert torch.allclose(made[:, :, row, column], expected)


@pytest.mark.parametrize("size", [0.3, 0.9, 1.0, 1.3, 3.0])
def test_a_residual_layer_keeps_its_constant(size):
    torch.manual_seed(1)
    layer = Residual(6, 10).double()
    layer.requires_grad_(False)
    layer.weight *= size / torch.linalg.matrix_norm(layer.weight, 2)
    bound = lipschitz_bound(nn.Sequential(layer))
    assert bound == pytest.approx(max(1.0, 2 * size**2 - 1), rel=1e-9)
    unit = torch.eye(6, dtype=torch.float64)
    active = unit - 2 * layer.weight @ layer.weight.T  # where every ReLU is on
    assert torch.linalg.matrix_norm(active, 2).item() <= bound * (1 + 1e-12)
    assert sampled_lower_bound(layer, 5 * torch.randn(500, 6)) <= bound * (1 + 1e-9)


def test_groupsort_keeps_the_numbers_and_sorts_each_pair():
    X = torch.randn(20, 8)
    made = GroupSort()(X)
    assert torch.equal(made.sort(1).values, X.sort(1).values)
    assert torch.equal(
        made.view(20, 4, 2).sort(2, descending=True).values.flatten(1), made
    )


def test_the_search_finds_the_norm_of_a_linear_map_and_never_more():
    torch.manual_seed(2)
    for _ in range(20):
        layer = nn.Linear(12, 7).double()
        largest = torch.linalg.matrix_norm(layer.weight, 2).item()
        found = sampled_lower_bound(layer, torch.randn(100, 12))
        assert found <= largest * (1 + 1e-9)
        assert found == pytest.approx(largest, rel=1e-3)


def test_the_search_stays_below_the_bound_and_comes_near_it_for_one_layer():
    torch.manual_seed(4)
    network = build([("linear", 10, 20), ("relu",), ("linear", 20, 3)], 10)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = sampled_lower_bound(network, torch.randn(1_000, 10))
    assert 0.2 * lipschitz_bound(network) < found <= lipschitz_bound(network)
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert next(network.parameters()).requires_grad


def test_a_constant_function_stretches_nothing():
    layer = nn.Linear(4, 2)
    nn.init.zeros_(layer.weight)
    assert sampled_lower_bound(layer, torch.randn(30, 4)) == 0.0
    assert sampled_lower_bound(layer, torch.ones(30, 4)) == 0.0


@pytest.mark.parametrize("method", ["unconstrained", "spectral", "cayley", "sll"])
def test_the_weights_of_a_layer_in_training_are_not_taken_for_its_own(method):
    """Cayley's stay orthonormal, whatever the size of what they are made of."""
    network = LipschitzNetwork(6, 8, 8, 1, method=method)
    with pytest.raises(FairtutorError, match=r"take what export\(\) returns"):
        lipschitz_bound(network.body)
    assert lipschitz_bound(network.export()[0]) > 0


def test_a_parametrized_linear_layer_is_bounded_by_the_weight_in_use():
    torch.manual_seed(0)
    layer = nn.utils.parametrizations.orthogonal(nn.Linear(8, 5)).double()
    layer.parametrizations.weight.original.data *= 3
    bound = lipschitz_bound(nn.Sequential(layer))
    unit = dense(layer, 8)
    assert bound == pytest.approx(torch.linalg.matrix_norm(unit, 2).item(), rel=1e-9)


def test_constants_are_listed_in_the_order_of_the_layers():
    layers = [("linear", 4, 6), ("groupsort",), ("residual", 6, 5), ("softmax",)]
    network = build(layers, 4)
    names, constants = zip(*layer_constants(network), strict=True)
    assert names == ("Linear", "GroupSort", "Residual", "Softmax")
    product = torch.tensor(constants, dtype=torch.float64).prod().item()
    assert lipschitz_bound(network) == pytest.approx(product)


def test_the_new_layers_travel_as_bytes():
    torch.manual_seed(0)
    layers = (
        ("convolution", 4, 1, 2, 3, 2),
        ("groupsort",),
        ("residual", 8, 3),
        ("linear", 8, 1),
    )
    network = build(layers, 16)
    X = torch.randn(6, 16)
    got = unpack(pack(network, layers), 16)
    assert got.layers == layers
    assert torch.equal(got.module(X), network.eval()(X))


@pytest.mark.parametrize(
    ("layers", "width", "reason"),
    [
        ([("groupsort",)], 5, "sorts pairs, and 5 features arrive"),
        ([("residual", 4)], 4, "wrong number of sizes: it takes width, hidden"),
        ([("residual", 4, 8)], 5, "expects 4 features, but 5 arrive"),
        ([("convolution", 4, 1, 2, 2, 1)], 16, "kernel of 2 pixels; an odd number"),
        ([("convolution", 4, 1, 2, 5, 1)], 16, "kernel of 5 pixels, and images of 4"),
        ([("convolution", 4, 1, 2, 3, 5)], 16, "stride of 5 pixels, and images of 4"),
        ([("convolution", 4, 1, 2, 3, 0)], 16, "size 0"),
        ([("convolution", 5, 1, 2, 3, 1)], 16, "expects 25 features, but 16 arrive"),
        ([("convolution", 128, 1, 9, 3, 1)], 128**2, "makes 147,456 features"),
        (
            [("convolution", 3, 1820, 1820, 3, 1)],
            1820 * 9,
            "29,813,420 parameters declared",
        ),
        ([("convolution", 128, 1, 1, 51, 1)], 128**2, "42,614,784 multiplications"),
        (
            [("convolution", 128, 1, 1, 35, 1)] * 2,
            128**2,
            "40,140,800 multiplications for each row declared; at most 40,000,000",
        ),
        ([("groupsort", 2)], 4, "wrong number of sizes: it takes none"),
    ],
)
def test_sizes_that_make_no_layer_are_refused_before_memory_is_taken(
    layers, width, reason
):
    with pytest.raises(Refused, match=reason):
        build(layers, width)


def test_only_convolutions_use_a_weight_more_than_twice():
    """What the limit on parameters lets through otherwise is never too much work."""
    assert output_width([("linear", 4_000, 4_998)], 4_000) == 4_998
    assert output_width([("residual", 4_000, 4_998)], 4_000) == 4_000
    layers = [("convolution", 128, 1, 1, 49, 1)]
    assert MAX_MULTIPLICATIONS >= 128**2 * 49**2
    assert output_width(layers, 128**2) == 128**2
    assert output_width([("convolution", 128, 1, 1, 127, 7)], 128**2) == 19**2
