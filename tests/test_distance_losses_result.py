"""What benchmarks/distance_losses.py found; its pixels again, without training."""

import pytest
import torch

from fairtutor import load
from fairtutor.results import load_result
from fairtutor.similarity import (
    moved_too_far,
    retrieval_at_1,
    shifted,
)

LEARNED = {
    "contrastive",
    "triplet",
    "neighbourhood components",
    "proxies",
    "copies and class",
}


@pytest.fixture(scope="module")
def table():
    return load_result("distance_losses")["table"]


def test_pixels_come_out_again(table):
    digits = load("digits").resplit(seed=2)
    rows = [digits.rows(s) for s in ("test", "audit 1", "audit 2", "audit 3")]
    X, y = torch.cat([r.X for r in rows]), torch.cat([r.y for r in rows]).long()
    kept = table["pixels"]["runs"][1]
    assert retrieval_at_1(X, y) == pytest.approx(kept["retrieval"], abs=1e-5)
    too_far = moved_too_far(X, shifted(X, 2, 2), y)
    assert too_far == pytest.approx(kept["too far (2, 2)"], abs=1e-5)
    new = y > 5
    assert retrieval_at_1(X[new], y[new]) == pytest.approx(kept["unseen"], abs=1e-5)


def test_every_loss_pulls_classes_together_and_forgets_others(table):
    assert set(table) == {"pixels", *LEARNED}
    for loss in LEARNED:
        for run, raw in zip(table[loss]["runs"], table["pixels"]["runs"], strict=True):
            assert run["retrieval"] > raw["retrieval"]
            assert run["triplets"] > raw["triplets"] + 0.15
            assert run["spread in a class"] < 0.6 < raw["spread in a class"]
            assert run["unseen"] < raw["unseen"]
