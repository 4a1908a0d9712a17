"""An encoder trained against an adversary that tries to tell the group."""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from ..exchange.architecture import build, mlp
from ..training import fit, seeded
from .base import Encoder, Task


def adversarial(
    task: Task,
    *,
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
    width, hidden
        Features of z, and units of each network's hidden layer.
    epochs, batch_size, lr
        Of :func:`fairtutor.training.fit`.

    Returns
    -------
    Encoder
        Its output lies in [−1, 1]: an encoder that can grow without bound outruns the
        adversary by moving away from it instead of by forgetting the group.

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
    layers = (*mlp(task.X.shape[1], hidden, width), ("tanh",))
    shares = torch.bincount(task.groups, minlength=task.num_groups) / len(task.groups)
    with seeded(task.seed):
        objective = AdversarialObjective(
            encoder=build(layers, task.X.shape[1]),
            predictor=build(mlp(width, hidden, 1), width),
            adversary=build(mlp(width, hidden, task.num_groups), width),
            shares=shares,
            strength=task.strength,
        )
    history = fit(
        objective,
        [task.X, task.y, task.groups],
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        anneal=True,
        seed=task.seed,
        **task.watching(objective.encoder),
    )
    return Encoder(objective.encoder, layers, history)


class AdversarialObjective(nn.Module):
    """The game min over f, g, max over h of L_y(g ∘ f) + γ · L_adv(h ∘ f).

    Parameters
    ----------
    encoder, predictor, adversary
        f, g and h.
    shares
        P(A = a), (G,).
    strength
        γ.
    """

    def __init__(
        self,
        encoder: nn.Module,
        predictor: nn.Module,
        adversary: nn.Module,
        shares: Tensor,
        strength: float,
    ) -> None:
        super().__init__()
        self.encoder, self.predictor, self.adversary = encoder, predictor, adversary
        self.register_buffer("shares", shares.clamp(min=1e-6))
        self.strength = strength

    def forward(self, X: Tensor, y: Tensor, groups: Tensor) -> dict[str, Tensor]:
        """Return the losses of a batch; minimising ``"loss"`` plays both sides."""
        Z = self.encoder(X)  # z = f(x)
        error = binary_cross_entropy_with_logits(self.predictor(Z)[:, 0], y.float())
        guess = self.adversary(_Reversed.apply(Z, self.strength)).log_softmax(1)
        weight = 1 / (len(self.shares) * self.shares[groups])
        told = one_hot(groups, len(self.shares))
        surprise = -(weight * (guess * told).sum(1)).mean()  # −L_adv, for h to lower
        return {
            "loss": error + surprise,
            "prediction loss": error.detach(),
            "adversary's loss": surprise.detach(),
        }


class _Reversed(torch.autograd.Function):
    """z on the way in, −γ times the gradient on the way back."""

    @staticmethod
    def forward(context: object, Z: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return Z.view_as(Z)

    @staticmethod
    def backward(context: object, gradient: Tensor) -> tuple[Tensor, None]:
        return -context.strength * gradient, None
