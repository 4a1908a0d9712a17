"""Linear layers that stretch no distance: ways to hold σ₁(W) at 1 in training."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...exchange.layers import Residual
from .bound import spectral_norm

HEADROOM = 1 + 1e-6  # more than the rounding of a float32 weight can add to σ₁(W)
TINY = 1e-12
RETRACTION = 0.5  # β of a Parseval step
BJORCK_STEPS = 12
CONVERGES = 2.9  # a bound on σ₁(W)² below which Björck's iteration does


class Free(nn.Linear):
    """A linear layer that may stretch as it likes: the one to compare with."""

    bounded = False

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        if self.bounded:
            nn.init.orthogonal_(self.weight)

    def weight_in_use(self) -> Tensor:
        """Return the matrix that training multiplies with, (outputs, inputs)."""
        return self.weight

    def forward(self, X: Tensor) -> Tensor:
        """Return (n, outputs); in evaluation, with the matrix that is handed over."""
        weight = self.weight_in_use() if self.training else self.handed_over()
        return functional.linear(X, weight, self.bias)

    @torch.no_grad()
    def handed_over(self) -> Tensor:
        """Return the matrix in use, with σ₁ computed exactly and brought to at most 1.

        Returns
        -------
        torch.Tensor
            (outputs, inputs) float32. Only :class:`Free` leaves σ₁ as it is.
        """
        weight = self.weight_in_use()
        if not self.bounded:
            return weight
        return shrunk(weight)


class Spectral(Free):
    """Divide by an estimate of σ₁(W), one step of power iteration each time.

    u ← W v / ‖W v‖ and v ← Wᵀu / ‖Wᵀu‖ turn towards the direction that W stretches
    most; uᵀ W v is then below σ₁(W), so that training runs *above* a constant of 1.
    The exact σ₁ is divided out at hand-over.

    References
    ----------
    Miyato et al. (2018), "Spectral normalization for generative adversarial networks".
    """

    bounded = True

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        v = torch.randn(inputs)
        self.register_buffer("v", v / v.norm())

    def estimate(self) -> Tensor:
        """Return uᵀ W v ≤ σ₁(W) after one more step in training."""
        v = self.v
        with torch.no_grad():
            u = functional.normalize(self.weight @ v, dim=0)
            if self.training:
                v = functional.normalize(u @ self.weight, dim=0)
                self.v = v
        return (u @ self.weight) @ v

    def weight_in_use(self) -> Tensor:
        """Return W / uᵀ W v."""
        return self.weight / self.estimate()

    def forward(self, X: Tensor) -> Tensor:
        """Return (n, outputs); what is divided in training is W x, smaller than W."""
        if not self.training:
            return super().forward(X)
        return functional.linear(X, self.weight) / self.estimate() + self.bias


class Parseval(Free):
    r"""After each step go back towards orthonormal rows: W ← (1 + β) W − β W Wᵀ W.

    The paper takes β = .0003 and a tenth of the rows, which holds σ₁ near 1; we take
    all rows and β = ½.

    References
    ----------
    Cisse et al. (2017), "Parseval networks", section 4.1.
    """

    bounded = True

    def weight_in_use(self) -> Tensor:
        """Return W, after it was pulled back in place if this is training."""
        if self.training:
            with torch.no_grad():
                self.weight.copy_(self._retracted())
        return self.weight

    def _retracted(self) -> Tensor:
        W, factor = self.weight, {"beta": 1 + RETRACTION, "alpha": -RETRACTION}
        if W.shape[0] <= W.shape[1]:
            return torch.addmm(W, W @ W.T, W, **factor)
        return torch.addmm(W, W, W.T @ W, **factor)


class Orthogonal(Spectral):
    """Make the rows (or columns) orthonormal by Björck and Bowie's iteration.

    References
    ----------
    Björck & Bowie (1971), "An iterative algorithm for computing the best estimate of
    an orthogonal matrix". Anil, Lucas & Grosse (2019), "Sorting out Lipschitz
    function approximation".
    """

    def weight_in_use(self) -> Tensor:
        """Return what the iteration makes of W / uᵀ W v.

        Each step multiplies W by A = (3 I − W Wᵀ) / 2. The factors commute with G =
        W Wᵀ, so that they are collected on the small side, and W is multiplied once.
        Above σ₁² = 3 they would grow without end, and an estimate may be that late:
        W is then divided by a bound, which changes no singular vector.
        """
        weight = self.weight / self.estimate()
        wide = weight.shape[0] <= weight.shape[1]
        G = weight @ weight.T if wide else weight.T @ weight
        late = (_size(G) / CONVERGES).clamp(min=1)
        weight, G = weight / late.sqrt(), G / late
        unit = torch.eye(len(G), dtype=G.dtype, device=G.device)
        product = unit
        for _ in range(BJORCK_STEPS):
            A = 1.5 * unit - 0.5 * G
            product = A @ product
            G = A @ G @ A
        return product @ weight if wide else weight @ product

    def forward(self, X: Tensor) -> Tensor:
        """Return (n, outputs)."""
        return Free.forward(self, X)


class Cayley(Free):
    """Make an orthonormal matrix of any matrix by the Cayley transform.

    For a tall matrix of U above V, with A = U − Uᵀ + Vᵀ V:
    (I + A)⁻¹ (I − A) above −2 V (I + A)⁻¹.

    References
    ----------
    Trockman & Kolter (2021), "Orthogonalizing convolutional layers with the Cayley
    transform", appendix.
    """

    bounded = True

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        nn.init.xavier_normal_(self.weight)

    def weight_in_use(self) -> Tensor:
        """Return the transform of W; a wide one is transposed first and afterwards."""
        wide = self.weight.shape[0] < self.weight.shape[1]
        tall = self.weight.T if wide else self.weight
        size = tall.shape[1]
        U, V = tall[:size], tall[size:]
        A = U - U.T + V.T @ V
        unit = torch.eye(size, dtype=A.dtype, device=A.device)
        inverse = torch.linalg.inv(unit + A)
        made = torch.cat([inverse @ (unit - A), -2 * V @ inverse])
        return made.T if wide else made


class AlmostOrthogonal(Free):
    """Shrink each row (or column) by what it shares with the others.

    With G = W Wᵀ and Dᵢᵢ = (Σⱼ |Gᵢⱼ|)^(−1/2), σ₁(D W) ≤ 1 for *every* W: D G D has
    the eigenvalues of a matrix whose rows have absolute values that add up to 1.

    References
    ----------
    Prach & Lampert (2022), "Almost-orthogonal layers for efficient general-purpose
    Lipschitz networks". They take columns; we take whichever there are fewer of.
    """

    bounded = True

    def weight_in_use(self) -> Tensor:
        """Return D W, or W D."""
        wide = self.weight.shape[0] <= self.weight.shape[1]
        gram = self.weight @ self.weight.T if wide else self.weight.T @ self.weight
        scale = (gram.abs().sum(1) + TINY).rsqrt()
        return scale.unsqueeze(1) * self.weight if wide else self.weight * scale


class SDPResidual(nn.Module):
    """x − 2 V relu(Vᵀx + b), with V = W T^(−1/2) that σ₁(V) ≤ 1 for every W.

    Tᵢᵢ = Σⱼ |WᵀW|ᵢⱼ qⱼ / qᵢ, with q > 0 learned.

    Parameters
    ----------
    width
        Features that enter and leave.
    hidden
        Columns of W.

    References
    ----------
    Araujo et al. (2023), "A unified algebraic perspective on Lipschitz neural
    networks", theorem 3 (SLL).
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.orthogonal_(torch.empty(width, hidden)))
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.log_q = nn.Parameter(torch.zeros(hidden))

    def weight_in_use(self) -> Tensor:
        """Return V, (width, hidden)."""
        q = self.log_q.exp()
        gram = (self.weight.T @ self.weight).abs()
        return self.weight * ((gram @ q) / q + TINY).rsqrt()

    def forward(self, X: Tensor) -> Tensor:
        """Return rows of the shape of X, (n, width)."""
        V = self.weight_in_use() if self.training else self.handed_over()
        hidden = functional.relu(torch.addmm(self.bias, X, V))
        return torch.addmm(X, hidden, V.T, alpha=-2)

    @torch.no_grad()
    def handed_over(self) -> Tensor:
        """Return V with σ₁(V) computed exactly and brought to at most 1."""
        return shrunk(self.weight_in_use())

    def plain(self) -> Residual:
        """Return the layer as one that can be declared."""
        layer = Residual(*self.weight.shape)
        layer.weight.data.copy_(self.handed_over())
        layer.bias.data.copy_(self.bias.detach())
        return layer


LINEAR: Mapping[str, type[Free]] = {
    "unconstrained": Free,
    "spectral": Spectral,
    "parseval": Parseval,
    "orthogonal": Orthogonal,
    "cayley": Cayley,
    "aol": AlmostOrthogonal,
}


@torch.no_grad()
def _size(G: Tensor) -> Tensor:
    """Bound σ₁ of a symmetric (n, n) from above by ‖G⁴‖^¼, at most n^⅛ times it."""
    scale = G.norm() + TINY
    return scale * torch.linalg.matrix_power(G / scale, 4).norm() ** 0.25


def shrunk(weight: Tensor) -> Tensor:
    """Divide a matrix by its exact σ₁ where that is above 1.

    Parameters
    ----------
    weight
        (m, n) float32.

    Returns
    -------
    torch.Tensor
        (m, n) float32 with σ₁ ≤ 1, its own rounding included.

    Examples
    --------
    >>> shrunk(torch.tensor([[2.0, 0.0], [0.0, 0.5]]))
    tensor([[1.0000, 0.0000],
            [0.0000, 0.2500]])
    """
    size = spectral_norm(weight) * HEADROOM
    return weight if size <= 1 else (weight.double() / size).to(weight.dtype)
