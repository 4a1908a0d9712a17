"""An encoder trained against an adversary that tries to tell the group."""

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    mse_loss,
    one_hot,
)

from ..exchange.architecture import build, mlp
from ..exchange.errors import FairtutorError, did_you_mean
from ..training import fit, seeded
from .base import Encoder, Task
from .cells import in_cells

LOSSES = ("log", "absolute")


def adversarial(
    task: Task,
    *,
    notion: str | None = None,
    adversary_loss: str = "log",
    reconstruction: float = 0.0,
    cells: int | None = None,
    width: int = 8,
    hidden: int = 64,
    epochs: int = 40,
    batch_size: int = 256,
    lr: float = 3e-3,
) -> Encoder:
    """Train f so that z = f(x) predicts y well and the group badly.

    Parameters
    ----------
    task
        ``strength`` is γ, the weight of the adversary.
    notion
        Which gap between groups the adversary stands for, one of
        :data:`fairtutor.producers.NOTIONS`; by default the task's. For demographic
        parity it sees z; for equalized odds z and y, and each group with each outcome
        weighs alike; for equal opportunity z of the rows with y = 1.
    adversary_loss
        ``"log"``, the cross entropy of its guess, or ``"absolute"``, the distance
        |h(z) − a| of the paper's theorems, each with groups of equal weight. The log
        loss is the default: an adversary that is surely wrong learns nothing from the
        distance, whose slope is 0 there, and the gaps stay larger and vary more
        (``experiments/adversary_loss.py``).
    reconstruction
        The paper's β, the weight of a decoder that restores x from z and the group.
        A representation for tasks that nobody knows yet needs one.
    cells
        Hand out the cell of z among so many in place of z, so that the theorem's bound
        can be computed: :func:`fairtutor.producers.cells.in_cells`.
    width, hidden
        Features of z, and units of each network's hidden layer.
    epochs, batch_size, lr
        Of :func:`fairtutor.training.fit`.

    Returns
    -------
    Encoder
        z lies in [−1, 1]: an encoder that can grow without bound outruns the
        adversary by moving away from it instead of by forgetting the group.

    Raises
    ------
    FairtutorError
        The notion or the loss is unknown, the decoder's weight negative, outcomes are
        not 0 and 1, or the notion is equal opportunity and no row has y = 1.

    References
    ----------
    Madras et al. (2018), "Learning Adversarially Fair and Transferable
    Representations"; trained by gradient reversal (Ganin et al. 2016).

    Examples
    --------
    >>> X = torch.randn(256, 3)
    >>> y, groups = (X[:, 0] > 0).long(), (X[:, 1] > 0).long()
    >>> quiet = {"progress": False}
    >>> encoder = adversarial(Task(X, y, groups, 2, training=quiet), epochs=2)
    >>> encoder.module(X).shape
    torch.Size([256, 8])
    """
    notion = task.aimed_at(notion)
    task.require_two_outcomes()
    if adversary_loss not in LOSSES:
        raise FairtutorError(
            f"The adversary's loss is {adversary_loss!r}. "
            f"{did_you_mean(adversary_loss, LOSSES)}"
        )
    if not reconstruction >= 0:
        raise FairtutorError(f"reconstruction is {reconstruction!r}; use 0 or more.")
    d, sees_y = task.X.shape[1], notion == "equalized odds"
    layers = (*mlp(d, hidden, width), ("tanh",))
    told = width + task.num_groups  # what the decoder is told: z and the group
    with seeded(task.seed):
        objective = AdversarialObjective(
            encoder=build(layers, d),
            predictor=build(mlp(width, hidden, 1), width),
            adversary=build(
                mlp(width + sees_y, hidden, task.num_groups), width + sees_y
            ),
            strength=task.strength,
            sees_y=sees_y,
            absolute=adversary_loss == "absolute",
            decoder=build(mlp(told, hidden, d), told) if reconstruction else None,
            reconstruction=reconstruction,
        )
    weight = row_weights(notion, task.y, task.groups)
    history = fit(
        objective,
        [task.X, task.y.float(), task.groups, weight],
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        anneal=True,
        seed=task.seed,
        **task.watching(objective.encoder),
    )
    encoder = Encoder(objective.encoder, layers, history)
    return in_cells(encoder, task.X, cells, seed=task.seed) if cells else encoder


def row_weights(notion: str, y: Tensor, groups: Tensor) -> Tensor:
    """Weigh the adversary's rows so that each group counts alike.

    Parameters
    ----------
    notion
        One of :data:`fairtutor.producers.NOTIONS`.
    y, groups
        (n,) each.

    Returns
    -------
    torch.Tensor
        (n,), of mean 1. For equalized odds each group with each outcome counts alike,
        for equal opportunity rows with y = 0 do not count.

    Raises
    ------
    FairtutorError
        The notion is equal opportunity and no row has y = 1.

    Examples
    --------
    >>> y, groups = torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 0, 1])
    >>> row_weights("demographic parity", y, groups)
    tensor([0.6667, 0.6667, 0.6667, 2.0000])
    >>> row_weights("equal opportunity", y, groups)
    tensor([0., 1., 1., 2.])
    """
    counts = y == 1 if notion == "equal opportunity" else torch.ones_like(y).bool()
    if not counts.any():
        raise FairtutorError("Equal opportunity needs rows with y = 1; there are none.")
    cell = 2 * groups + y if notion == "equalized odds" else groups
    _, position = cell.unique(return_inverse=True)
    sizes = torch.bincount(position[counts], minlength=int(position.max()) + 1)
    share = sizes[position].clamp(min=1) / len(y)
    return counts / ((sizes > 0).sum() * share)


class AdversarialObjective(nn.Module):
    """The game min over f, g, k, max over h of L_y(g ∘ f) + β · L_x(k ∘ f) + γ · L_adv.

    Parameters
    ----------
    encoder, predictor, adversary
        f, g and h.
    strength
        γ.
    sees_y
        Whether h is told y beside z.
    absolute
        Whether h's loss is |h(z) − a|, or else its log loss.
    decoder, reconstruction
        k, which is told z and the group, or ``None``; and β.
    """

    def __init__(
        self,
        encoder: nn.Module,
        predictor: nn.Module,
        adversary: nn.Module,
        strength: float,
        *,
        sees_y: bool = False,
        absolute: bool = False,
        decoder: nn.Module | None = None,
        reconstruction: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder, self.predictor, self.adversary = encoder, predictor, adversary
        self.decoder = decoder
        self.strength, self.reconstruction = strength, reconstruction
        self.sees_y, self.absolute = sees_y, absolute

    def forward(
        self, X: Tensor, y: Tensor, groups: Tensor, weight: Tensor
    ) -> dict[str, Tensor]:
        """Return the losses of a batch; minimising ``"loss"`` plays both sides.

        ``y`` comes as 0.0 or 1.0, and ``weight`` from :func:`row_weights`.
        """
        Z = self.encoder(X)  # z = f(x)
        error = binary_cross_entropy_with_logits(self.predictor(Z).squeeze(1), y)
        surprise = self._surprise(Z, y, groups, weight)
        losses = {
            "loss": error + surprise,
            "prediction loss": error,
            "adversary's loss": surprise,
        }
        if self.decoder is not None:
            told = one_hot(groups, self.decoder[0].in_features - Z.shape[1])
            restored = self.decoder(torch.cat([Z, told.to(X.dtype)], 1))
            losses["reconstruction loss"] = mse_loss(restored, X)
            losses["loss"] = (
                losses["loss"] + self.reconstruction * losses["reconstruction loss"]
            )
        return losses

    def _surprise(self, Z: Tensor, y: Tensor, groups: Tensor, weight: Tensor) -> Tensor:
        """−L_adv, which h lowers and f, through the reversed gradient, raises."""
        # Between two ends that are both z every point is z, exactly, and the gradient
        # of the moving end is −γ times the one that arrives.
        Z = torch.lerp(Z.detach(), Z, -self.strength)
        guess = self.adversary(torch.cat([Z, y[:, None]], 1) if self.sees_y else Z)
        wrong = cross_entropy(guess, groups, reduction="none")  # −log h(z)ₐ
        if self.absolute:
            wrong = -torch.expm1(-wrong)  # 1 − h(z)ₐ, which is |h(z) − a| for two
        return (weight * wrong).mean()
