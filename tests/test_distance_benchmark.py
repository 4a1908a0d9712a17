"""benchmarks/distance.py judges on seeds that chose nothing; without the peers."""

import math
import sys
from types import SimpleNamespace

import pytest

OTHER = "SupCon"


@pytest.fixture
def benchmark(script, monkeypatch):
    peers = SimpleNamespace(losses=None, miners=None)
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", peers)
    return script("benchmarks/distance.py")


@pytest.fixture
def raced(benchmark, monkeypatch):
    """Races that take no time; .004 is the best step size on seeds 0 to 2 alone."""
    asked = []

    def race(method, lr, seed, known, judged, cap):
        if cap:
            asked.append((method, lr, seed))
        lucky = lr == 4e-3 and seed < 3
        seconds = 1.0 if lucky else 3.0
        return benchmark.Run(seconds + (method != benchmark.OURS and lucky), 0.97)

    monkeypatch.setattr(benchmark, "race", race)
    monkeypatch.setattr(sys, "argv", ["distance.py", "--peers", OTHER])
    return asked


def test_no_seed_that_chooses_a_step_size_is_reported(benchmark, raced, capsys):
    assert benchmark.main() == 0
    names = {benchmark.OURS, OTHER}
    tried = {(n, lr, s) for n in names for lr in benchmark.STEP_SIZES for s in range(3)}
    judged = {(n, 4e-3, s) for n in names for s in range(3, 10)}
    assert len(raced) == len(tried | judged)
    assert set(raced) == tried | judged
    table = capsys.readouterr().out
    assert "chosen on seeds 0 to 2, all else on 3 to 9" in table
    assert table.count("3.0-3.0") == 2  # none of the lucky ones


@pytest.mark.parametrize(
    ("mine", "other", "said"),
    [
        (3.0, 3.5, "kept"),
        (3.0, 3.0, "kept"),
        (3.0, 2.5, "broken: SupCon is sooner"),
        (5.0, 6.0, "broken: over 4 s"),
        (5.0, 4.5, "broken: over 4 s, SupCon is sooner"),
        (math.inf, math.inf, "broken: over 4 s"),
    ],
)
def test_the_verdict_says_what_is_broken(benchmark, mine, other, said):
    runs = {benchmark.OURS: mine, OTHER: other}
    runs = {n: [benchmark.Run(seconds, 0.97)] * 3 for n, seconds in runs.items()}
    assert benchmark.verdict(runs) == said
