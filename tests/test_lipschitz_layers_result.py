"""What benchmarks/lipschitz_layers.py found: constants again, and what must hold."""

import time

import pytest
import torch

from fairtutor.results import load_result
from fairtutor.theory.lipschitz import METHODS, lipschitz_bound
from fairtutor.training import seeded

HELD = [method for method in METHODS if method != "unconstrained"]


@pytest.fixture(scope="module")
def benchmark(script):
    return script("benchmarks/lipschitz_layers.py")


@pytest.fixture(scope="module")
def tables():
    return load_result("lipschitz_layers")["threads"]


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    "name", ["unconstrained", "spectral", "aol", "torch spectral_norm"]
)
def test_a_constant_comes_out_again(name, benchmark, tables):
    with seeded(0):
        made = dict(benchmark.contestants())[name]()
        one = benchmark.Contest(made, benchmark.batches(), time.process_time)
    found = tables["1"][name]
    while one.steps < found["steps"]:
        one.step()
    constant = lipschitz_bound(made[1]())
    assert constant == pytest.approx(found["constant"], rel=0.02)


def test_what_is_handed_over_is_held_and_what_is_estimated_is_not(tables):
    for table in tables.values():
        assert all(table[name]["constant"] <= 1 for name in HELD)
        assert table["unconstrained"]["constant"] > 1.5
        assert table["torch spectral_norm"]["constant"] > 1.01
        assert table["deel, no Björck"]["constant"] > 1.01


def test_the_promise_about_time(tables):
    for table in tables.values():
        assert table["spectral"]["ratio"] <= 1.8
        for found in table.values():
            low, high = found["range"]
            assert low <= found["ms"] <= high
