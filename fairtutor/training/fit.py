"""The training loop that every producer and every user goes through."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from threading import Event
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from ..exchange.errors import FairtutorError
from .checks import require_counts, require_finite, require_rows
from .device import threads_for
from .engine import Alone, engine
from .history import History
from .progress import bar

if TYPE_CHECKING:
    from lightning_fabric import Fabric

OnEpoch = Callable[[Mapping[str, float]], None]


class Stopped(Exception):  # noqa: N818 (someone pressed the button; nothing is wrong)
    """Training was stopped before its last epoch."""


def fit(
    objective: nn.Module,
    rows: Sequence[Tensor],
    *,
    epochs: int,
    batch_size: int = 256,
    lr: float = 1e-3,
    weight_decay: float = 0.0,
    anneal: bool = False,
    seed: int = 0,
    validation: Sequence[Tensor] | None = None,
    patience: int | None = None,
    progress: bool | str = True,
    stop: Event | None = None,
    on_epoch: OnEpoch | None = None,
) -> History:
    """Minimise an objective over rows with Adam; train its networks in place.

    Parameters
    ----------
    objective
        A module whose ``forward(*batch)`` returns a mapping of scalar losses. The one
        named ``"loss"``, a mean over the rows of the batch, is minimised; the others
        are recorded.
    rows
        Tensors with one entry per row, such as (X, y). They move to the training
        device once; batches are slices of them there.
    epochs
        Passes over the rows, at least 1.
    batch_size
        Rows per step over all processes. Rows beyond the last whole batch of an
        epoch wait for the next shuffle.
    lr, weight_decay
        Adam's step size and decoupled weight decay.
    anneal
        Whether the step size falls to 0 over the epochs, along a half cosine. Games
        between networks need it: at a fixed step size they circle and never settle.
    seed
        Fixes the order of the rows.
    validation
        Held-out tensors; their loss is recorded as ``"validation loss"``.
    patience
        Stop after this many epochs without a better validation loss, and keep the
        best weights.
    progress
        Whether to show a bar once training takes over a second; a string names it.
    stop
        Set it from another thread to stop within one step.
    on_epoch
        Called after each epoch with its losses, ``"epoch"`` and ``"epochs"``.

    Returns
    -------
    History

    Raises
    ------
    Stopped
        ``stop`` was set.
    FairtutorError
        The loss is not finite, or the rows and settings do not fit each other.

    Notes
    -----
    ``FAIRTUTOR_PROCESSES=2`` runs the calling script in several processes through
    Lightning Fabric: each takes its share of every batch and gradients are averaged,
    so the result is that of one process.

    Examples
    --------
    >>> class MeanError(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.b = nn.Parameter(torch.zeros(()))
    ...     def forward(self, y):
    ...         return {"loss": ((y - self.b) ** 2).mean()}
    >>> objective = MeanError()
    >>> history = fit(objective, [torch.ones(64)], epochs=200, lr=0.1, progress=False)
    >>> round(objective.b.item(), 2)
    1.0
    """
    if patience is not None and validation is None:
        raise FairtutorError("patience needs validation rows to judge by.")
    require_counts(epochs=epochs, batch_size=batch_size)
    require_rows("rows", rows)
    if validation is not None:
        require_rows("validation rows", validation)
    runner = engine()
    parameters = objective.to(runner.device).parameters()
    # Fused: one pass over all parameters in place of six operations for each.
    adam = torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay, fused=True)
    model, optimiser = runner.setup(objective, adam)
    schedule = CosineAnnealingLR(adam, epochs) if anneal else None
    rows = [tensor.to(runner.device) for tensor in rows]
    held_out = [tensor.to(runner.device) for tensor in validation or ()]
    shuffle = torch.Generator().manual_seed(seed)
    history, best, best_loss = History(), None, float("inf")
    work = batch_size * sum(p.numel() for p in objective.parameters())
    for epoch in bar(epochs, runner.is_global_zero and progress):
        with threads_for(work):
            losses = _epoch(runner, model, optimiser, rows, batch_size, shuffle, stop)
        if schedule is not None:
            schedule.step()
        if validation is not None:
            losses["validation loss"] = _evaluate(model, held_out)
        require_finite(losses, epoch)
        history.epochs.append(losses)
        if on_epoch is not None:
            on_epoch({**losses, "epoch": epoch, "epochs": epochs})
        if patience is None:
            continue
        if losses["validation loss"] < best_loss:
            best, best_loss = (
                deepcopy(objective.state_dict()),
                losses["validation loss"],
            )
            history.best_epoch = epoch
        elif epoch - history.best_epoch >= patience:
            break
    if best is not None:
        objective.load_state_dict(best)
    objective.cpu().eval()
    return history


def _epoch(
    runner: "Alone | Fabric",
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    rows: Sequence[Tensor],
    batch_size: int,
    shuffle: torch.Generator,
    stop: Event | None,
) -> dict[str, float]:
    """Take one pass of steps; read the losses from the device once, at its end."""
    model.train()
    kept = []
    for batch in _batches(runner, rows, batch_size, shuffle):
        if stop is not None and stop.is_set():
            raise Stopped
        losses = model(*batch)
        optimiser.zero_grad()
        runner.backward(losses["loss"])
        optimiser.step()
        kept.append(torch.stack([loss.detach() for loss in losses.values()]))
    means = runner.all_reduce(torch.stack(kept).mean(0))
    return dict(zip(losses, means.tolist(), strict=True))


def _batches(
    runner: "Alone | Fabric",
    rows: Sequence[Tensor],
    batch_size: int,
    shuffle: torch.Generator,
) -> Iterator[list[Tensor]]:
    """Shuffle once per epoch, then slice: no copy and no transfer per batch."""
    n, ranks = len(rows[0]), runner.world_size
    size = min(batch_size, n)
    if size % ranks:
        raise FairtutorError(
            f"A batch of {size} rows cannot be shared equally by {ranks} processes."
        )
    order = torch.randperm(n, generator=shuffle).to(runner.device)
    shuffled = [tensor[order] for tensor in rows]
    share = size // ranks
    for start in range(runner.global_rank * share, n - n % size, size):
        yield [tensor[start : start + share] for tensor in shuffled]


@torch.no_grad()
def _evaluate(model: nn.Module, rows: Sequence[Tensor]) -> float:
    model.eval()
    return model(*rows)["loss"].item()
