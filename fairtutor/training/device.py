"""Where training runs, in which precision, from which seed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..exchange.errors import FairtutorError, did_you_mean

DEVICES = ("cuda", "mps", "cpu")
WORTH_SHARING = 20_000_000


def device() -> torch.device:
    """Return the device to train on: CUDA, else Apple's MPS, else the CPU.

    The environment variable ``FAIRTUTOR_DEVICE`` overrides the choice.

    Returns
    -------
    torch.device

    Raises
    ------
    FairtutorError
        The variable names no known device, or one that this machine lacks.

    Examples
    --------
    >>> device().type in DEVICES
    True
    """
    wanted = os.environ.get("FAIRTUTOR_DEVICE", "").lower()
    if not wanted:
        return torch.device(next(name for name in DEVICES if _present(name)))
    if wanted not in DEVICES:
        raise FairtutorError(
            f"FAIRTUTOR_DEVICE is {wanted!r}. {did_you_mean(wanted, DEVICES)}"
        )
    if not _present(wanted):
        raise FairtutorError(
            f"FAIRTUTOR_DEVICE asks for {wanted!r}, which this machine's torch does "
            "not see. Unset the variable, or install a torch built for it."
        )
    return torch.device(wanted)


def precision(on: torch.device) -> str:
    """Return Lightning Fabric's name for the precision to train in.

    Mixed bfloat16 on GPUs that have it, mixed float16 on older ones, and full
    float32 elsewhere.

    Examples
    --------
    >>> precision(torch.device("cpu"))
    '32-true'
    """
    if on.type != "cuda":
        return "32-true"
    return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw random numbers from a seed inside the block, and as before after it.

    Parameters
    ----------
    seed
        Any whole number from 0.

    Examples
    --------
    >>> with seeded(0):
    ...     a = torch.rand(1)
    >>> with seeded(0):
    ...     b = torch.rand(1)
    >>> bool(a == b)
    True
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def threads_for(work: int) -> Iterator[None]:
    """Use one CPU thread inside the block if its steps are too small to share.

    Threads that wait for each other after every small layer cost more than they save,
    most of all on a busy machine.

    Parameters
    ----------
    work
        Multiplications per step, about rows × parameters.

    Examples
    --------
    >>> with threads_for(1000):
    ...     torch.get_num_threads()
    1
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1 if work < WORTH_SHARING else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _present(name: str) -> bool:
    if name == "cuda":
        return torch.cuda.is_available()
    if name == "mps":
        return torch.backends.mps.is_available()
    return True
