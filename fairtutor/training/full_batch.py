"""The other training loop: L-BFGS on all rows at once, for smooth, small models."""

from collections.abc import Mapping, Sequence
from threading import Event

import torch
from torch import Tensor, nn

from ..exchange.errors import FairtutorError
from .checks import is_finite, require_counts, require_finite, require_rows
from .device import device, threads_for
from .fit import OnEpoch, Stopped
from .history import History
from .progress import bar

SETTLED = 1e-7  # an epoch that lowers the loss by a smaller share has converged


def fit_full_batch(
    objective: nn.Module,
    rows: Sequence[Tensor],
    *,
    epochs: int,
    iterations: int = 10,
    memory: int = 20,
    stages: Sequence[Mapping[str, float]] = ({},),
    progress: bool | str = True,
    stop: Event | None = None,
    on_epoch: OnEpoch | None = None,
) -> History:
    """Minimise an objective over all rows with L-BFGS; train its networks in place.

    Parameters
    ----------
    objective
        A module whose ``forward(*rows)`` returns a mapping of scalar losses, as for
        :func:`fairtutor.training.fit`; ``"loss"`` is minimised.
    rows
        Tensors with one entry per row. They move to the training device once.
    epochs
        At most this many times ``iterations`` steps of L-BFGS; fewer if the loss
        settles.
    iterations
        Steps of L-BFGS between two entries of the history.
    memory
        How many past steps approximate the curvature.
    stages
        Attributes of the objective to set, such as ``{"smoothing": 0.1}``: each stage
        gets an equal share of the epochs, and L-BFGS forgets its past between them.
    progress, stop, on_epoch
        As for :func:`fairtutor.training.fit`.

    Returns
    -------
    History

    Notes
    -----
    The line search tries longer and longer steps where the loss is flat, and may end
    where numbers overflow. The stage then ends with what it had before that epoch.

    Raises
    ------
    Stopped
        ``stop`` was set; noticed before the next evaluation of the loss.
    FairtutorError
        The loss is not finite in the first epoch, there are fewer epochs than stages,
        or the rows are not of one length.

    References
    ----------
    Liu and Nocedal (1989), "On the limited memory BFGS method for large scale
    optimization".

    Examples
    --------
    >>> class Distance(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.b = nn.Parameter(torch.zeros(2))
    ...     def forward(self, X):
    ...         return {"loss": (X - self.b).square().sum(1).mean()}
    >>> objective = Distance()
    >>> X = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> history = fit_full_batch(objective, [X], epochs=3, progress=False)
    >>> [round(b, 4) for b in objective.b.tolist()]
    [2.0, 3.0]
    """
    require_counts(iterations=iterations, memory=memory)
    require_rows("rows", rows)
    if epochs < len(stages):
        raise FairtutorError(
            f"There are {epochs} epochs for {len(stages)} stages; give each at least "
            "one."
        )
    on = device()
    objective.to(on).train()
    rows = [tensor.to(on) for tensor in rows]
    history = History()
    parameters = list(objective.parameters())
    work = len(rows[0]) * sum(parameter.numel() for parameter in parameters)
    with threads_for(work), bar(epochs, progress) as shown:
        for number, stage in enumerate(stages):
            for attribute, value in stage.items():
                setattr(objective, attribute, value)
            optimiser = _lbfgs(objective, iterations, memory)
            before = float("inf")
            first, end = (epochs * n // len(stages) for n in (number, number + 1))
            for epoch in range(first + 1, end + 1):
                start = [parameter.detach().clone() for parameter in parameters]
                losses = _step(objective, optimiser, rows, stop)
                if history.epochs and not is_finite(losses):
                    _put_back(parameters, start)
                    break
                require_finite(losses, epoch)
                history.epochs.append(losses)
                shown.update()
                if on_epoch is not None:
                    on_epoch({**losses, "epoch": epoch, "epochs": epochs})
                if before - losses["loss"] < SETTLED * abs(losses["loss"]):
                    break
                before = losses["loss"]
    objective.cpu().eval()
    return history


def _lbfgs(objective: nn.Module, iterations: int, memory: int) -> torch.optim.LBFGS:
    return torch.optim.LBFGS(
        objective.parameters(),
        max_iter=iterations,
        history_size=memory,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-7,
        tolerance_change=1e-10,
    )


def _step(
    objective: nn.Module,
    optimiser: torch.optim.LBFGS,
    rows: Sequence[Tensor],
    stop: Event | None,
) -> dict[str, float]:
    """Take one epoch's iterations; return the losses at their end."""

    def evaluate() -> Tensor:
        if stop is not None and stop.is_set():
            raise Stopped
        optimiser.zero_grad()
        loss = objective(*rows)["loss"]
        loss.backward()
        return loss.detach()

    optimiser.step(evaluate)
    with torch.no_grad():
        losses = objective(*rows)
    return dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))


def _put_back(parameters: Sequence[nn.Parameter], values: Sequence[Tensor]) -> None:
    with torch.no_grad():
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(value)
