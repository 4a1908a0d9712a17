"""Training on the worst similar individuals: SenSR and SenSeI."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from .adversary import FairDistance, worst_similar

NOISE = 0.1  # where the search starts: uniform in ± NOISE
LEAST_LAMBDA, TINY = 1e-5, 1e-12


class SenSR(nn.Module):
    r"""Learn from each person's worst similar individual in their place.

        min_θ E sup_{x'} [ ℓ(f_θ(x'), y) − λ dₓ(x, x') ],
        λ ← max(0, λ − η (ε − mean dₓ))

    Parameters
    ----------
    network
        f, from (n, d) to class scores (n, C).
    distance
        dₓ.
    epsilon
        ε: the mean distance that the adversary may use.
    steps, lr
        Of the search (:func:`fairtutor.training.adversary.worst_similar`).
    eta
        η.

    References
    ----------
    Yurochkin, Bower & Sun (2020), "Training individually fair ML models with
    sensitive subspace robustness", algorithm 2.

    Examples
    --------
    >>> distance = FairDistance(torch.tensor([[1.0], [0.0]]))
    >>> objective = SenSR(nn.Linear(2, 2), distance, steps=3)
    >>> sorted(objective(torch.randn(8, 2), torch.ones(8, dtype=torch.long)))
    ['distance', 'loss']
    """

    def __init__(
        self,
        network: nn.Module,
        distance: FairDistance,
        *,
        epsilon: float = 0.01,
        steps: int = 10,
        lr: float = 0.01,
        eta: float = 1.0,
    ) -> None:
        super().__init__()
        self.network, self.distance = network, distance
        self.epsilon, self.eta = epsilon, eta
        self.steps, self.lr = steps, lr
        self.register_buffer("lam", torch.ones(()))

    def forward(self, X: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return the losses of a batch: X (n, d), y (n,) whole numbers."""
        if not self.training:
            return {"loss": cross_entropy(self.network(X), y.long())}
        worst = self.worst(X, y)
        apart = self.distance(worst - X).mean()
        moved = self.lam - self.eta * (self.epsilon - apart)
        self.lam.copy_(moved.clamp(min=0))
        return {"loss": cross_entropy(self.network(worst), y.long()), "distance": apart}

    def worst(self, X: Tensor, y: Tensor) -> Tensor:
        """Return each person's worst similar individual, (n, d)."""

        def loss_slope(outputs: Tensor) -> Tensor:
            own = one_hot(y.long(), outputs.shape[1])
            return outputs.softmax(1) - own

        return worst_similar(
            self.network,
            X,
            loss_slope,
            self.distance,
            lam=self.lam,
            steps=self.steps,
            lr=self.lr,
            start=_near(X),
        )


class SenSeI(nn.Module):
    r"""Learn from each person, and ask the same answer for the worst similar one.

        min_θ E [ ℓ(f_θ(x), y) + ρ sup_{x'} { ‖f_θ(x) − f_θ(x')‖² − λ dₓ(x, x') } ]

    λ rises while the mean distance used is above ε, and falls below it.

    Parameters
    ----------
    network, distance, epsilon, steps, lr
        As for :class:`SenSR`.
    rho
        ρ, the weight of the same answer.

    References
    ----------
    Yurochkin & Sun (2021), "SenSeI: Sensitive set invariance for enforcing individual
    fairness", algorithm 1; how λ moves is that of inFairness 0.2.

    Examples
    --------
    >>> distance = FairDistance(torch.tensor([[1.0], [0.0]]))
    >>> objective = SenSeI(nn.Linear(2, 2), distance, steps=3)
    >>> sorted(objective(torch.randn(8, 2), torch.ones(8, dtype=torch.long)))
    ['distance', 'loss', 'unlike']
    """

    def __init__(
        self,
        network: nn.Module,
        distance: FairDistance,
        *,
        rho: float = 5.0,
        epsilon: float = 0.1,
        steps: int = 10,
        lr: float = 0.01,
    ) -> None:
        super().__init__()
        self.network, self.distance = network, distance
        self.rho, self.epsilon, self.steps, self.lr = rho, epsilon, steps, lr
        self.register_buffer("lam", torch.ones(()))

    def forward(self, X: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return the losses of a batch: X (n, d), y (n,) whole numbers."""
        outputs = self.network(X)
        error = cross_entropy(outputs, y.long())
        if not self.training:
            return {"loss": error}
        worst = self.worst(X, outputs.detach())
        apart = self.distance(worst - X).mean()
        factor = (apart / self.epsilon).clamp(min=TINY)
        factor = torch.maximum(factor, 1 / factor)
        moved = self.lam + factor * (apart - self.epsilon)
        self.lam.copy_(moved.clamp(min=LEAST_LAMBDA))
        unlike = (outputs - self.network(worst)).square().sum(1).mean()
        return {"loss": error + self.rho * unlike, "unlike": unlike, "distance": apart}

    def worst(self, X: Tensor, outputs: Tensor) -> Tensor:
        """Return each person's most differently treated similar individual, (n, d)."""
        return worst_similar(
            self.network,
            X,
            lambda other: 2 * (other - outputs),
            self.distance,
            lam=self.lam,
            steps=self.steps,
            lr=self.lr,
            start=_near(X),
        )


def _near(X: Tensor) -> Tensor:
    """Return where the search starts, as x' − x: at x itself the gain may be flat."""
    return (2 * torch.rand_like(X) - 1) * NOISE
