"""What a certified constant says about errors, and about every point nearby."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ...exchange.errors import FairtutorError


def expected_error(p: Tensor, y: Tensor) -> Tensor:
    """Return the mean of 1 − p_y: how often the randomised classifier is wrong.

    Parameters
    ----------
    p
        Probabilities of the positive outcome, (n,), or of each class, (n, C).
    y
        (n,), 0 or 1, or the class.

    Returns
    -------
    torch.Tensor
        A scalar in [0, 1]. Unlike the error of decisions it is Lipschitz in p, and
        changes when scores are scaled.

    Raises
    ------
    FairtutorError
        A y is no class of p, or the lengths differ.

    Examples
    --------
    >>> round(expected_error(torch.tensor([0.9, 0.2]), torch.tensor([1, 0])).item(), 2)
    0.15
    """
    _require_outcomes(p, y)
    if p.ndim == 1:
        return (y - p).abs().mean()
    return 1 - p.gather(1, y.long().unsqueeze(1)).mean()


def certified_radius(scores: Tensor, y: Tensor, L: float) -> Tensor:
    r"""Return within which distance of x nobody gets another decision.

    With several classes the margin f_y − f_j is a product with (e_y − e_j), of length
    √2, so it has the constant √2 L, and stays above 0 while

        ‖x' − x‖ < (f_y − max_{j ≠ y} f_j) / (√2 L).

    With one logit, which has the constant L itself: ± t / L.

    Parameters
    ----------
    scores
        Logits t, (n,), or scores f of each class, (n, C).
    y
        (n,), the true outcome or class.
    L
        Certified constant of x ↦ scores.

    Returns
    -------
    torch.Tensor
        (n,). Negative where the decision is wrong.

    Raises
    ------
    FairtutorError
        A y is no class of the scores, the lengths differ, or L is not above 0.

    References
    ----------
    Tsuzuku, Sato & Sugiyama (2018), "Lipschitz-margin training". Béthune et al.
    (2022), "Pay attention to your loss".

    Examples
    --------
    >>> certified_radius(torch.tensor([3.0, 3.0]), torch.tensor([1, 0]), L=2.0)
    tensor([ 1.5000, -1.5000])
    """
    _require_outcomes(scores, y)
    if not 0 < L < float("inf"):
        raise FairtutorError(f"L is {L}; use a number above 0.")
    if scores.ndim == 1:
        return torch.where(y > 0.5, scores, -scores) / L
    own = y.long().unsqueeze(1)
    others = scores.scatter(1, own, float("-inf")).amax(1)
    return (scores.gather(1, own).squeeze(1) - others) / (2**0.5 * L)


def certified_accuracy(
    scores: Tensor, y: Tensor, L: float, radii: Sequence[float]
) -> Tensor:
    """Return the share of rows that are right, and right for everybody within r.

    Parameters
    ----------
    scores, y, L
        As for :func:`certified_radius`.
    radii
        Each r ≥ 0; at 0 it is the accuracy.

    Returns
    -------
    torch.Tensor
        (len(radii),) in [0, 1], falling with r.

    Examples
    --------
    >>> scores, y = torch.tensor([3.0, 1.0, -1.0]), torch.tensor([1, 1, 1])
    >>> certified_accuracy(scores, y, 1.0, [0.0, 2.0])
    tensor([0.6667, 0.3333])
    """
    radius = certified_radius(scores, y, L)
    asked = torch.as_tensor(radii, dtype=radius.dtype, device=radius.device)
    return (radius.unsqueeze(1) > asked).to(radius.dtype).mean(0)


def probability_constant(L: float, classes: int = 2) -> float:
    r"""Return the constant of x ↦ p in total variation, from that of the logits.

    One logit: p = σ(t), and σ' ≤ ¼. Several classes, p = softmax(t): along a direction
    v of length 1 the change of ½ Σ|pᵢ| is ½ Σ pᵢ |vᵢ − p·v|, at most half the
    standard deviation of v under p. That is at most ½ · (max v − min v) / 2, and
    max v − min v ≤ √2. Hence √2 / 4.

    Parameters
    ----------
    L
        Constant of the logits in ‖·‖₂.
    classes
        2 for one logit; else the number of softmax's inputs.

    Returns
    -------
    float

    Examples
    --------
    >>> probability_constant(4.0)
    1.0
    """
    return L / 4 if classes == 2 else L * 2**0.5 / 4


def _require_outcomes(scores: Tensor, y: Tensor) -> None:
    """Refuse outcomes that are none of the classes, or not one for each row."""
    if scores.ndim > 2 or y.shape != scores.shape[:1]:
        raise FairtutorError(
            f"y has the shape {tuple(y.shape)} and the scores {tuple(scores.shape)}; "
            "give one y for each row."
        )
    classes = 2 if scores.ndim == 1 else scores.shape[1]
    for other in y[(y < 0) | (y >= classes) | (y != y.round())][:1].tolist():
        raise FairtutorError(f"A y is {other:g}; use 0 to {classes - 1}.")
