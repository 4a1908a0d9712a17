"""What runs the steps: this process alone, or Lightning Fabric's several."""

import os
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..exchange.errors import FairtutorError
from .device import device, precision

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Alone:
    """One process in full precision: what Fabric would do, without its wrappers.

    Fabric takes a second to import and a tenth of a millisecond or more at each step,
    which small networks notice.
    """

    world_size, global_rank, is_global_zero = 1, 0, True

    def __init__(self, on: torch.device) -> None:
        self.device = on

    def setup(
        self, module: nn.Module, optimiser: torch.optim.Optimizer
    ) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Change nothing: the module is on its device."""
        return module, optimiser

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients."""
        loss.backward()

    def all_reduce(self, value: Tensor) -> Tensor:
        """Return the mean over one process."""
        return value


def engine() -> "Alone | Fabric":
    """Return what runs the steps on our device, in as many processes as asked for.

    ``FAIRTUTOR_PROCESSES`` says how many.

    Raises
    ------
    FairtutorError
        It is no whole number from 1.
    """
    wanted = os.environ.get("FAIRTUTOR_PROCESSES") or "1"
    if not wanted.isdecimal() or int(wanted) < 1:
        raise FairtutorError(
            f"FAIRTUTOR_PROCESSES is {wanted!r}; use a whole number from 1."
        )
    processes, on = int(wanted), device()
    if processes == 1 and precision(on) == "32-true":
        return Alone(on)
    from lightning_fabric import Fabric  # takes a second to import

    fabric = Fabric(
        accelerator=on.type,
        devices=processes,
        strategy="ddp" if processes > 1 else "auto",
        precision=precision(on),
    )
    fabric.launch()
    return fabric
