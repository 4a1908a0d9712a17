"""Learn a representation in which ‖·‖₂ is a good distance, from judgements."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ..exchange.architecture import Layers, build, mlp
from ..exchange.values import Number, require_number
from ..similarity import Moves
from ..similarity.checks import require_classes, require_rows
from ..training import fit, seeded
from .base import Encoder

IMAGES: Layers = (
    ("convolution", 28, 1, 24, 5, 2),
    ("relu",),
    ("convolution", 14, 24, 48, 5, 2),
    ("relu",),
    ("linear", 48 * 7 * 7, 128),
    ("relu",),
    ("linear", 128, 32),
)
TRAINING = {"epochs": 100, "batch_size": 350, "lr": 2e-3, "anneal": True}
TEMPERATURE, SHARE = Number(0.01, 10), Number(0, 1)
GENTLE = Moves(turn=15, slant=0.2, bend=1.0)  # labels say the rest
NEVER = -1e9  # a logit: nobody is their own neighbour

Move = Callable[[Tensor], Tensor]


class Alike(nn.Module):
    r"""Pull what was judged alike together, and everything else apart.

    Each row x is moved twice. Of all others in the batch, which is its own other copy,
    and which are of its class? With s(z, z') = zᵀz' / (‖z‖ ‖z'‖ τ),

        −log p(z' | z),   p(z' | z) = exp s(z, z') / Σ_{z'' ≠ z} exp s(z, z''),

    is averaged over z' with the weight w on the copy; 1 − w is shared by all moved rows
    of the class.

    Parameters
    ----------
    encoder
        From (n, d) to (n, k).
    move
        The invariance: from (n, d) to (n, d), at random.
    temperature
        τ. The smaller it is, the more the nearest wrong rows count, and the less rows
        that are alike are pulled into one point.
    own
        w, from 0 to 1. At 1 no class is looked at: *label-free*.

    Raises
    ------
    FairtutorError
        The temperature is not from .01 to 10, or w not from 0 to 1.

    References
    ----------
    Chen et al. (2020), "A simple framework for contrastive learning of visual
    representations" (w = 1). Khosla et al. (2020), "Supervised contrastive learning"
    (the copy is one of the class). p is from Goldberger et al. (2004), "Neighbourhood
    components analysis".

    Examples
    --------
    >>> objective = Alike(nn.Linear(2, 2), lambda X: X + 0.1, own=1.0)
    >>> sorted(objective(torch.randn(4, 2), torch.arange(4)))
    ['loss']
    """

    def __init__(
        self, encoder: nn.Module, move: Move, *, temperature: float = 0.2, own: float
    ) -> None:
        super().__init__()
        require_number("temperature", temperature, TEMPERATURE, "temperature")
        require_number("own", own, SHARE, "own")
        self.encoder, self.move = encoder, move
        self.temperature, self.own = temperature, own

    def forward(self, X: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return the loss of a batch: X (n, d) and classes y (n,), n ≥ 2."""
        Z = normalize(self.encoder(torch.cat([self.move(X), self.move(X)])))
        self_ = torch.eye(len(Z), dtype=torch.bool, device=X.device)
        s = (Z @ Z.T / self.temperature).masked_fill(self_, NEVER)
        log_p = s.log_softmax(1)
        copies = torch.arange(len(Z), device=X.device).roll(len(X))
        loss = -log_p.gather(1, copies.unsqueeze(1)).mean()
        if self.own < 1:
            classes = y.repeat(2)
            peers = (classes.unsqueeze(1) == classes) & ~self_
            far = -(log_p * peers).sum(1) / peers.sum(1)
            loss = self.own * loss + (1 - self.own) * far.mean()
        return {"loss": loss}


def linear_encoder(W: Tensor) -> Encoder:
    """Return φ(x) = Wx, for a linear distance ρ(x, x') = ‖W(x − x')‖₂.

    Parameters
    ----------
    W
        (k, d), such as I − UUᵀ or what :func:`fairtutor.similarity.pair_map` finds.

    Returns
    -------
    Encoder
        Without history.

    Raises
    ------
    FairtutorError
        W is no matrix, or has a number that is not finite.

    Examples
    --------
    >>> linear_encoder(torch.diag(torch.tensor([2.0, 0.0]))).module(torch.ones(1, 2))
    tensor([[2., 0.]])
    """
    require_rows("W", W)
    layers = mlp(W.shape[1], len(W))
    module = build(layers, W.shape[1]).requires_grad_(False)
    module[0].weight.copy_(W)
    module[0].bias.zero_()
    return Encoder(module.eval(), layers)


def learn_distance(
    X: Tensor,
    y: Tensor | None = None,
    *,
    layers: Layers = IMAGES,
    move: Move | None = None,
    temperature: float | None = None,
    own: float = 0.3,
    seed: int = 0,
    **training: object,
) -> Encoder:
    """Train an encoder φ so that ρ(x, x') = ‖φ(x) − φ(x')‖₂ follows judgements.

    Two kinds of judgements can be given. *An image and its moved copy are similar* is
    always used. *Rows of one class are similar* is used if classes are given; without
    them φ is label-free.

    Parameters
    ----------
    X
        (n, d) float32.
    y
        Classes, (n,) whole numbers, or ``None``.
    layers
        Of φ, as :func:`fairtutor.exchange.build` takes them; by default a convolutional
        network for images of 28 × 28 pixels, to 32 numbers.
    move
        What must not matter; by default :class:`fairtutor.similarity.Moves`, and with
        classes gentler ones: what stays alike in strong moves, labels say better.
    temperature
        τ of :class:`Alike`; by default .15 with classes and .2 without.
    own
        w of :class:`Alike`, with classes.
    seed
        Of weights, rows and moves.
    **training
        For :func:`fairtutor.training.fit`, over epochs=100, batch_size=350, lr=2e-3.

    Returns
    -------
    Encoder
        With its history.

    Raises
    ------
    FairtutorError
        X has fewer than two rows or is not finite, there is not one class for each row,
        or a setting is out of its range.

    Examples
    --------
    >>> from fairtutor import load
    >>> X = load("digits").rows("encoder").X[:64]
    >>> learned = learn_distance(X, epochs=1, progress=False)
    >>> learned.module(X).shape
    torch.Size([64, 32])
    """
    require_rows("X", X, least=2)
    if y is not None:
        require_classes(y, len(X))
    label_free = y is None
    if temperature is None:
        temperature = 0.2 if label_free else 0.15
    if label_free:
        own = 1.0
    with seeded(seed):
        encoder = build(layers, X.shape[1])
        move = move or (Moves() if label_free else GENTLE)
        objective = Alike(encoder, move, temperature=temperature, own=own)
        rows = X, torch.arange(len(X)) if label_free else y
        history = fit(objective, rows, seed=seed, **{**TRAINING, **training})
    return Encoder(encoder.requires_grad_(False), layers, history)
