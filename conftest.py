"""What holds for every test: the library's examples too draw the same numbers."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _same_numbers():
    """Start each test and each example from one seed, in whatever order they run."""
    torch.manual_seed(0)
