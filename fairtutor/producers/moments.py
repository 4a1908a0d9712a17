"""An encoder whose codes are distributed alike in every group: moment matching."""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from ..exchange.architecture import build, mlp
from ..training import fit, seeded
from .base import Encoder, Task


def moments(
    task: Task,
    *,
    notion: str | None = None,
    width: int = 8,
    hidden: int = 64,
    epochs: int = 20,
    batch_size: int = 256,
    lr: float = 3e-3,
) -> Encoder:
    """Train f so that z = f(x) predicts y, and its distribution tells no group.

    No adversary plays against the encoder: the distance between the groups' codes is
    written down, as the squared maximum mean discrepancy (MMD²) under a Gaussian
    kernel, and added to the loss. It is 0 only where the distributions are equal.
    For the notion "demographic parity" those of z given a are matched; for
    "equalized odds" those given a and y, for both outcomes; for "equal opportunity"
    those given a among y = 1.

    **What it guarantees: nothing.** The MMD of batches is small in the end, and a
    difference finer than the kernel is wide, or one that training did not see, is
    left to a strong probe. With many epochs, or with groups of few rows, the encoder
    learns the training rows' own discrepancy instead of the groups': its ``"MMD²"`` in
    the history falls below 0, which no pair of distributions has.

    Parameters
    ----------
    task
        ``strength`` is the weight of the MMD², which is at most 2 and mostly far
        below: useful weights are large.
    notion
        One of :data:`fairtutor.producers.NOTIONS`; by default the task's.
    width, hidden
        Features of z, and units of each network's hidden layer.
    epochs, batch_size, lr
        Of :func:`fairtutor.training.fit`. A group with fewer than two rows in a batch
        is not matched in it.

    Returns
    -------
    Encoder
        Its output lies in [−1, 1].

    Raises
    ------
    FairtutorError
        The notion is unknown, or outcomes are not 0 and 1.

    References
    ----------
    Gretton et al. (2012), "A Kernel Two-Sample Test", Lemma 6; Louizos et al. (2016),
    "The Variational Fair Autoencoder", section 2.4, for the penalty. They use random
    Fourier features and the biased estimate; why not here: see
    :func:`mean_discrepancy`.

    Examples
    --------
    >>> X = torch.randn(256, 3)
    >>> y, groups = (X[:, 0] > 0).long(), (X[:, 1] > 0).long()
    >>> quiet = {"progress": False}
    >>> encoder = moments(Task(X, y, groups, 2, training=quiet), epochs=2)
    >>> encoder.module(X).shape
    torch.Size([256, 8])
    """
    task.require_two_outcomes()
    layers = (*mlp(task.X.shape[1], hidden, width), ("tanh",))
    with seeded(task.seed):
        objective = MomentsObjective(
            encoder=build(layers, task.X.shape[1]),
            predictor=build(mlp(width, hidden, 1), width),
            num_groups=task.num_groups,
            notion=task.aimed_at(notion),
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


class MomentsObjective(nn.Module):
    """min over f, g of L_y(g ∘ f) + strength · MMD².

    Parameters
    ----------
    encoder, predictor
        f and g.
    num_groups, notion, strength
        As in :class:`fairtutor.producers.Task`.
    """

    def __init__(
        self,
        encoder: nn.Module,
        predictor: nn.Module,
        num_groups: int,
        notion: str,
        strength: float,
    ) -> None:
        super().__init__()
        self.encoder, self.predictor = encoder, predictor
        self.num_groups, self.notion, self.strength = num_groups, notion, strength

    def forward(self, X: Tensor, y: Tensor, groups: Tensor) -> dict[str, Tensor]:
        """Return the losses of a batch: X (n, d), y and groups (n,)."""
        Z = self.encoder(X)  # z = f(x)
        error = binary_cross_entropy_with_logits(self.predictor(Z)[:, 0], y.float())
        members = memberships(y, groups, self.num_groups, self.notion)
        discrepancy = mean_discrepancy(Z, members)
        return {
            "loss": error + self.strength * discrepancy,
            "prediction loss": error.detach(),
            "MMD²": discrepancy.detach(),
        }


def memberships(y: Tensor, groups: Tensor, num_groups: int, notion: str) -> Tensor:
    """Return who is compared with whom: (C, n, G) bool.

    Parameters
    ----------
    y, groups
        (n,) each.
    num_groups, notion
        G, and one of :data:`fairtutor.producers.NOTIONS`.

    Returns
    -------
    torch.Tensor
        In each of the C comparisons, the members of each group. Demographic parity
        makes one of all rows, equalized odds one of y = 0 and one of y = 1, equal
        opportunity one of y = 1.

    Examples
    --------
    >>> y, groups = torch.tensor([0, 1]), torch.tensor([0, 1])
    >>> memberships(y, groups, 2, "equal opportunity").long()
    tensor([[[0, 0],
             [0, 1]]])
    """
    told = one_hot(groups, num_groups).bool()
    compared = {
        "demographic parity": [torch.ones_like(y, dtype=torch.bool)],
        "equalized odds": [y == 0, y == 1],
        "equal opportunity": [y == 1],
    }[notion]
    return torch.stack([told & rows[:, None] for rows in compared])


def mean_discrepancy(Z: Tensor, members: Tensor) -> Tensor:
    r"""Estimate the groups' MMD² without bias, averaged over pairs of groups.

    MMD²(a, b) = E k(z, z′) + E k(w, w′) − 2 E k(z, w), for z, z′ in a and w, w′ in b,
    with k(z, w) = exp(−‖z − w‖² / m), where m is the mean squared distance between the
    rows of Z. As m follows the codes, moving all of them together or apart changes
    nothing, and an encoder cannot lower the MMD by becoming small.

    No row is paired with itself (Gretton et al. 2012, Lemma 6), so the mean over
    batches is the true value, and one batch may be below 0. The biased estimate adds
    (1 − E k(z, z′)) / n for each group, which pulls the codes of a group together, most
    of all those of small groups.

    Parameters
    ----------
    Z
        (n, d).
    members
        (C, n, G) bool, from :func:`memberships`.

    Returns
    -------
    torch.Tensor
        A scalar, at most 2. Pairs in which a group has fewer than two rows are left
        out; 0 if none is left.

    Examples
    --------
    >>> Z = torch.tensor([[0.0], [0.0], [1.0], [1.0]])
    >>> members = memberships(torch.ones(4), torch.tensor([0, 0, 1, 1]), 2, \
    ...     "demographic parity")
    >>> mean_discrepancy(Z, members)  # 2 − 2 exp(−2)
    tensor(1.7293)
    """
    with torch.autocast(Z.device.type, enabled=False):  # distances need the digits
        Z = Z.to(torch.promote_types(Z.dtype, torch.float32))
        lengths = Z.square().sum(1)
        apart = (lengths[:, None] + lengths - 2 * Z @ Z.T).clamp(min=0)
        kernel = torch.exp(-apart / apart.mean().clamp(min=1e-12))
        kernel = kernel - torch.diag(kernel.diagonal())
        told = members.to(Z.dtype)
        sums = told.mT @ kernel @ told  # over the pairs of rows, (C, G, G)
    sizes = told.sum(1)
    pairs = sizes[:, :, None] * sizes[:, None, :] - torch.diag_embed(sizes)
    means = sums / pairs.clamp(min=1)
    own = means.diagonal(dim1=1, dim2=2)
    squared = own[:, :, None] + own[:, None, :] - 2 * means  # MMD²(a, b)
    there = (sizes > 1).to(Z.dtype)
    counted = (there[:, :, None] * there[:, None, :]).triu(1)
    return (counted * squared).sum() / counted.sum().clamp(min=1)
