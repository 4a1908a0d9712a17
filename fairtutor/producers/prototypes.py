"""Learned prototypes (LFR): everyone is handed on as a mixture of a few examples."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ..exchange.architecture import build
from ..exchange.errors import FairtutorError, did_you_mean
from ..training import fit, fit_full_batch, seeded
from .base import Encoder, Task

OPTIMISERS = ("L-BFGS", "Adam")
# |t| has a kink at 0, where L-BFGS gets stuck early; √(t² + ε²) − ε has none.
SMOOTHINGS = (0.1, 0.01, 0.001)
SURE = 1e-6  # ŷ is kept this far from 0 and 1, where its logarithm ends


@dataclass(frozen=True)
class PrototypeEncoder(Encoder):
    """What :func:`prototypes` made: an encoder, and the model it was learned with.

    Attributes
    ----------
    V
        The prototypes v_k, (k, d), in the units of x.
    alpha
        The weights α_i of the features in the distance, (d,), at least 0.
    w
        The share of positive outcomes of each prototype, (k,), from 0 to 1.
    """

    V: Tensor = None
    alpha: Tensor = None
    w: Tensor = None

    def predict(self, X: Tensor) -> Tensor:
        """Return the method's own prediction ŷ = M w, (n,), from 0 to 1.

        Parameters
        ----------
        X
            (n, d).
        """
        with torch.no_grad():
            return self.module(X) @ self.w

    def reconstruct(self, X: Tensor) -> Tensor:
        """Return x̂ = M V, (n, d): people as mixtures of prototypes.

        Parameters
        ----------
        X
            (n, d).
        """
        with torch.no_grad():
            return self.module(X) @ self.V


def prototypes(
    task: Task,
    *,
    num_prototypes: int = 10,
    A_x: float = 0.01,
    A_y: float = 1.0,
    optimiser: str = "L-BFGS",
    epochs: int = 30,
    batch_size: int = 256,
    lr: float = 1e-2,
) -> PrototypeEncoder:
    """Replace each person by how much they resemble each of k learned prototypes.

    z = M(x) with M_k(x) = softmax over k of −Σᵢ αᵢ (xᵢ − v_ki)². The term Σᵢ αᵢ xᵢ² is
    the same for every prototype and cancels in the softmax, so that the encoder is one
    linear layer, 2 x · (α ∘ v_k) − Σᵢ αᵢ v_ki², and a softmax. Minimised is

    A_z · L_z + A_x · L_x + A_y · L_y

    - L_z = Σ_k |mean of M_k in one group − mean of M_k in the other|. With more than
      two groups the mean over all pairs of groups, which is ours; the paper has two.
    - L_x = mean of ‖x − x̂‖², with x̂ = M V.
    - L_y = mean log loss of ŷ = M w.

    The paper prints L_x and L_y as sums over the rows; means make the weights
    independent of their number. Its two groups may also have weights α of their own;
    here the encoder treats x the same way whoever it is. L_z says that *mean*
    memberships are equal, not that nobody can tell the group from z.

    Parameters
    ----------
    task
        ``strength`` is A_z. Outcomes are 0 and 1.
    num_prototypes
        k, the width of z, from 2 to the number of rows.
    A_x, A_y
        Weights of the reconstruction and of the prediction, from 0.
    optimiser
        ``"L-BFGS"`` on all rows, as in the paper, or ``"Adam"`` on batches.
    epochs
        Of ten L-BFGS iterations at most, or of Adam's passes over the rows; at least 3.
    batch_size, lr
        Of Adam; see :func:`fairtutor.training.fit`.

    Returns
    -------
    PrototypeEncoder
        Its history records the three terms, L_z as ``"group difference"``.

    Raises
    ------
    FairtutorError
        A setting is out of its range, or outcomes are not 0 and 1.

    Notes
    -----
    L_z has kinks where groups agree, just where one wants to arrive, and L-BFGS stalls
    there, with large A_z before anything is learned. It minimises √(t² + ε²) − ε in
    place of |t|, for ε = 0.1, 0.01 and 0.001 in turn; the smoothed L_z is at most k ε
    below L_z. The history gives the exact one.

    References
    ----------
    Zemel et al. (2013), "Learning Fair Representations".

    Examples
    --------
    >>> X = torch.randn(256, 3)
    >>> y, groups = (X[:, 0] > 0).long(), (X[:, 1] > 0).long()
    >>> task = Task(X, y, groups, 2, training={"progress": False})
    >>> encoder = prototypes(task, num_prototypes=4, epochs=6)
    >>> encoder.layers
    (('linear', 3, 4), ('softmax',))
    >>> bool(encoder.module(X).sum(1).allclose(torch.ones(256)))
    True
    """
    _require(task, num_prototypes, optimiser, A_x=A_x, A_y=A_y)
    objective = untrained(task, num_prototypes, A_x=A_x, A_y=A_y)
    rows = rows_of(task)
    watching = task.watching(objective.encoder)
    if optimiser == "Adam":
        history = fit(
            objective,
            rows,
            epochs=epochs,
            batch_size=batch_size,
            lr=lr,
            anneal=True,
            seed=task.seed,
            **watching,
        )
    else:
        stages = [{"smoothing": smoothing} for smoothing in SMOOTHINGS]
        history = fit_full_batch(
            objective, rows, epochs=epochs, stages=stages, **watching
        )
    return objective.made(history)


class SoftAssignment(nn.Module):
    """M(x), (n, k): the encoder in the parameters of the paper.

    Parameters
    ----------
    V
        Prototypes, (k, d).
    alpha
        Weights of the features, (d,), over 0; kept so by learning their logarithm.
    """

    def __init__(self, V: Tensor, alpha: Tensor) -> None:
        super().__init__()
        self.V = nn.Parameter(V.clone())
        self.log_alpha = nn.Parameter(alpha.log())

    def linear(self) -> tuple[Tensor, Tensor]:
        """Return the weights (k, d) and biases (k,) of the layer before the softmax."""
        scaled = self.log_alpha.exp() * self.V
        return 2 * scaled, -(scaled * self.V).sum(1)

    def forward(self, X: Tensor) -> Tensor:
        """Return M, (n, k), of rows (n, d)."""
        weight, bias = self.linear()
        return (X @ weight.T + bias).softmax(1)


class PrototypeObjective(nn.Module):
    """A_x L_x + A_y L_y + A_z L_z of Zemel et al. (2013), Eq. 4.

    Parameters
    ----------
    V, alpha
        As for :class:`SoftAssignment`.
    w
        Predictions of the prototypes, (k,), between 0 and 1.
    A_x, A_y, A_z
        The weights.

    Attributes
    ----------
    smoothing
        ε of √(t² + ε²) − ε in place of |t| in L_z; 0 is the paper's.
    """

    def __init__(
        self,
        V: Tensor,
        alpha: Tensor,
        w: Tensor,
        *,
        A_x: float,
        A_y: float,
        A_z: float,
    ) -> None:
        super().__init__()
        self.encoder = SoftAssignment(V, alpha)
        self.logit_w = nn.Parameter(w.logit())
        self.A_x, self.A_y, self.A_z = A_x, A_y, A_z
        self.smoothing = 0.0

    def forward(
        self, X: Tensor, y: Tensor, members: Tensor, norms: Tensor
    ) -> dict[str, Tensor]:
        """Return the losses of the rows that :func:`rows_of` gives."""
        V = self.encoder.V
        # Not in bfloat16, where ‖x‖² − 2 x · x̂ + ‖x̂‖² would be rounding.
        X, y, members, norms = (rows.to(V.dtype) for rows in (X, y, members, norms))
        with torch.autocast(X.device.type, enabled=False):
            weight, bias = self.encoder.linear()
            # Both products with X in one: X is most of what has to be read.
            by_weight, by_V = (X @ torch.cat([weight, V]).T).chunk(2, dim=1)
            M = (by_weight + bias).softmax(1)
            # ‖x − x̂‖² = ‖x‖² − 2 x · x̂ + ‖x̂‖² without an x̂ of n × d numbers.
            L_x = (norms + (M * (M @ (V @ V.T) - 2 * by_V)).sum(1)).mean()
            y_hat = (M @ self.logit_w.sigmoid()).clamp(SURE, 1 - SURE)
            L_y = -(y * y_hat.log() + (1 - y) * (-y_hat).log1p()).mean()
            L_z, smooth_L_z = self._group_difference(M, members)
            return {
                "loss": self.A_x * L_x + self.A_y * L_y + self.A_z * smooth_L_z,
                "group difference": L_z.detach(),
                "reconstruction loss": L_x.detach(),
                "prediction loss": L_y.detach(),
            }

    def _group_difference(self, M: Tensor, members: Tensor) -> tuple[Tensor, Tensor]:
        """L_z as it is and smoothed, over pairs of the groups that have rows."""
        sizes = members.sum(0)
        means = members.T @ M / sizes.clamp(min=1)[:, None]  # (G, k)
        there = (sizes > 0).to(M.dtype)
        pairs = there[:, None] * there / (there.sum() * (there.sum() - 1)).clamp(min=1)
        between = means[:, None] - means  # (G, G, k)
        exact = between.abs()
        if not self.smoothing:
            smooth = exact
        else:
            smooth = (between.square() + self.smoothing**2).sqrt() - self.smoothing
        return tuple((pairs * each.sum(2)).sum() for each in (exact, smooth))

    def made(self, history: object) -> PrototypeEncoder:
        """Return the encoder as declared layers, with V, α and w beside it."""
        with torch.no_grad(), seeded(0):  # what build draws is written over
            weight, bias = self.encoder.linear()
            layers = (("linear", weight.shape[1], len(weight)), ("softmax",))
            module = build(layers, weight.shape[1])
            # What is the same for all k cancels here too; without it the layer
            # stretches less, and so does what can be claimed of it.
            module[0].weight.copy_(weight - weight.mean(0))
            module[0].bias.copy_(bias - bias.mean())
            return PrototypeEncoder(
                module.eval(),
                layers,
                history,
                V=self.encoder.V.detach().clone(),
                alpha=self.encoder.log_alpha.exp(),
                w=self.logit_w.sigmoid(),
            )


def rows_of(task: Task) -> list[Tensor]:
    """Return what the objective reads of each row: x, y, its group one-hot, ‖x‖².

    Parameters
    ----------
    task
        With n rows and G groups.

    Returns
    -------
    list of Tensor
        Shapes (n, d), (n,), (n, G) and (n,), all floating point.

    Examples
    --------
    >>> y = groups = torch.tensor([0, 1])
    >>> [tuple(rows.shape) for rows in rows_of(Task(torch.eye(2), y, groups, 2))]
    [(2, 2), (2,), (2, 2), (2,)]
    """
    X = task.X
    members = one_hot(task.groups, task.num_groups).to(X.dtype)
    return [X, task.y.to(X.dtype), members, X.square().sum(1)]


def untrained(
    task: Task, num_prototypes: int = 10, *, A_x: float = 0.01, A_y: float = 1.0
) -> PrototypeObjective:
    """Return the objective where the search begins.

    Parameters
    ----------
    task, num_prototypes, A_x, A_y
        As for :func:`prototypes`.

    Returns
    -------
    PrototypeObjective
        Its prototypes are rows at random, its features weigh the same, such that the
        mean squared distance between rows is 6, and w is random.

    Examples
    --------
    >>> y = groups = torch.tensor([0, 1]).repeat(4)
    >>> task = Task(torch.randn(8, 2), y, groups, 2)
    >>> losses = untrained(task, 3)(*rows_of(task))
    >>> list(losses)
    ['loss', 'group difference', 'reconstruction loss', 'prediction loss']
    """
    X = task.X
    with seeded(task.seed):
        V = X[torch.randperm(len(X))[:num_prototypes].to(X.device)]
        w = torch.randn(num_prototypes).sigmoid().to(X)
    alpha = torch.full_like(X[0], 3.0) / X.var(0, correction=0).sum().clamp(min=1e-6)
    return PrototypeObjective(V, alpha, w, A_x=A_x, A_y=A_y, A_z=task.strength)


def _require(task: Task, k: int, optimiser: str, **weights: float) -> None:
    if not isinstance(k, int) or not 2 <= k <= len(task.X):
        raise FairtutorError(
            f"num_prototypes is {k!r}; use a whole number from 2 to the number of "
            f"rows, {len(task.X):,}."
        )
    if optimiser not in OPTIMISERS:
        raise FairtutorError(
            f"optimiser is {optimiser!r}. {did_you_mean(optimiser, OPTIMISERS)}"
        )
    for name, value in weights.items():
        if not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise FairtutorError(f"{name} is {value!r}; use a number from 0.")
    task.require_two_outcomes()
