"""What holds for every test: the same numbers, and nothing of the developer's own."""

import os

import pytest
import torch

# Notebooks that check answers draw one set of data, and keep no record of progress.
os.environ.setdefault("FAIRTUTOR_CHECK_SEED", "0")


@pytest.fixture(autouse=True)
def _same_numbers():
    """Start each test and each example from one seed, in whatever order they run."""
    torch.manual_seed(0)
