"""Individual fairness tested by moving people along the gradient of the loss."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from ..exchange.errors import FairtutorError, did_you_mean
from ..training.device import threads_for
from . import intervals
from .intervals.share import normal_quantile

Model = Callable[[Tensor], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]
METHODS = ("euler", "exponential")
CHUNK = 2048  # rows that move together: large enough to be quick, small in memory
NO_GRADIENT = (
    "The loss has no gradient in x: the model is a step function, such as trees, or "
    "was computed without gradients. Compare pairs instead: lipschitz_violations."
)


def outcome_distribution(output: Tensor) -> Tensor:
    """Return P(Y = c) for every row and class.

    Parameters
    ----------
    output
        (n,) P(y = 1), or (n, c) with one probability per class.

    Returns
    -------
    torch.Tensor
        (n, c), and (n, 2) for a binary model.

    Examples
    --------
    >>> outcome_distribution(torch.tensor([0.25]))
    tensor([[0.7500, 0.2500]])
    """
    return torch.stack([1 - output, output], 1) if output.ndim == 1 else output


def log_loss(output: Tensor, y: Tensor) -> Tensor:
    """Return the loss ℓ = −ln P(Y = y) of every row.

    Parameters
    ----------
    output
        Probabilities, as for :func:`outcome_distribution`.
    y
        True outcomes, (n,).

    Returns
    -------
    torch.Tensor
        (n,) from 0, at most 87 in float32: a smaller probability counts as the
        smallest float, so that no loss is infinite and every gradient is finite.

    Examples
    --------
    >>> log_loss(torch.tensor([0.5, 1.0]), torch.tensor([1, 1]))
    tensor([0.6931, -0.0000])
    """
    right = outcome_distribution(output).gather(1, y.long().unsqueeze(1)).squeeze(1)
    return -right.clamp_min(torch.finfo(right.dtype).tiny).log()


def gradient_flow(
    model: Model,
    X: Tensor,
    y: Tensor,
    subspace: Tensor,
    *,
    lam: float = 50.0,
    step_size: float = 0.01,
    steps: int = 500,
    decay: float = 0.0,
    method: str = "euler",
    loss: Loss = log_loss,
    start: Tensor | None = None,
    progress: bool = True,
) -> Tensor:
    """Move every row where the model treats it worse, but not far in fair distance.

    Euler steps of the flow dx/dt = ∇ₓ[ℓ(f(x), y) − λ d²(x, x₀)] from x₀, where
    d(x, x₀) = ‖(I − UUᵀ)(x − x₀)‖ is free along the sensitive directions U:

        xₜ = xₜ₋₁ + ε t^(−decay) ∇ₓ[ℓ(f(xₜ₋₁), y) − λ d²(xₜ₋₁, x₀)],  t = 1 … T

    Parameters
    ----------
    model
        f: any function of (n, d) rows that can be differentiated, such as
        ``lambda X: submission.scores(representation.encode(X))``.
    X
        x₀, (n, d), floating point. Everything runs on its device and in its type.
    y
        (n, …), what the loss compares the model's output with: true outcomes.
    subspace
        U, (d, k) with orthonormal columns, from
        :func:`fairtutor.similarity.sensitive_subspace`; k = 0 frees nothing.
    lam
        λ, from 0. Euler's steps need ε < 1 / λ, or the penalty overshoots.
    step_size, decay
        ε and how fast it falls.
    steps
        T, from 0.
    method
        ``"euler"``, as published, or ``"exponential"``: the penalty, linear in x, is
        solved exactly, and the loss's gradient taken as linear in t, through its
        last two values: second order where the model is smooth. On ReLU networks,
        40% of the steps, each 2.5 times as long, are about as near to the flow.
    loss
        ℓ(f(x), y), one number per row. The default takes probabilities.
    start
        Where the flow begins, if not at x₀: (n, d).
    progress
        Whether to show a bar once it takes over a second.

    Returns
    -------
    torch.Tensor
        x_T, (n, d).

    Raises
    ------
    FairtutorError
        The shapes or the method do not fit, λ ε ≥ 1, or the model has no gradient.

    Notes
    -----
    The flow finds one unfair neighbour, not the worst one: little movement is no
    proof of fairness. It follows gradients, so it cannot see that a decision flips
    where the probability is flat, and it may leave the data: one-hot columns take
    values between and beyond 0 and 1.

    References
    ----------
    Maity, Xue, Yurochkin & Sun (2021), "Statistical inference for individual
    fairness", ICLR, Section 3. Cox & Matthews (2002), "Exponential time differencing
    for stiff systems", J. Comput. Phys. 176, equation 6: the exponential method.

    Examples
    --------
    The first column is sensitive, and only the first of two models uses it.

    >>> X, y = torch.zeros(1, 2), torch.tensor([1])
    >>> U = torch.tensor([[1.0], [0.0]])
    >>> for column in (0, 1):
    ...     x = gradient_flow(lambda X: X[:, column].sigmoid(), X, y, U)
    ...     print([round(value, 2) for value in x[0].tolist()])
    [-4.01, 0.0]
    [0.0, -0.01]
    """
    if method not in METHODS:
        hint = did_you_mean(method, METHODS)
        raise FairtutorError(f"There is no method {method!r}. {hint}")
    exponential = method == "exponential"
    _require_fit(X, y, subspace, start, 0 if exponential else lam * step_size)
    start = X if start is None else start
    moved = torch.empty_like(X)
    starts = range(0, len(X), CHUNK)
    for begin in tqdm(
        starts, "gradient flow", disable=not progress, delay=1, leave=False
    ):
        rows = slice(begin, begin + CHUNK)
        x0, x, past = X[rows].detach(), start[rows].detach().clone(), None
        with threads_for(x0.numel() * X.shape[1]):  # as for one layer, d wide
            for t in range(1, steps + 1):
                x.requires_grad_()
                total = loss(model(x), y[rows]).sum()  # a row's gradient is its own
                if not total.requires_grad:  # nobody would move: that looks fair
                    raise FairtutorError(NO_GRADIENT)
                (ascent,) = torch.autograd.grad(total, x)
                x, size = x.detach(), step_size * t**-decay
                pull = (x - x0) * (-2 * lam)
                if exponential:
                    first, second = _means_of_decay(2 * lam * size)
                    trend = (ascent - past) * (1 - 1 / t) ** decay if t > 1 else 0.0
                    x.add_(trend, alpha=size / 2)
                    pull = first * pull + (first - 1) * ascent + (second - 0.5) * trend
                    past = ascent
                off = pull - (pull @ subspace) @ subspace.T  # (I − UUᵀ) of the pull
                x.add_(ascent, alpha=size).add_(off, alpha=size)
        moved[rows] = x
    return moved


def _means_of_decay(z: float) -> tuple[float, float]:
    """Return the means over s in [0, 1] of e^(−z (1 − s)) and of s e^(−z (1 − s))."""
    if z < 1e-4:  # where the quotients would be rounding
        return 1 - z / 2, 0.5 - z / 6
    first = -math.expm1(-z) / z
    return first, (1 - first) / z


@dataclass(frozen=True)
class FlowTest:
    """What a test along the gradient flow found.

    Attributes
    ----------
    statistic
        ``"loss ratio"`` or ``"outcome change"``.
    values
        Of the rows, (n,); those of the loss ratio may be infinite or NaN.
    mean, lower, upper
        Estimate and limits of the mean; each limit misses with chance alpha.
    tolerance
        δ: what mean is still called fair.
    dropped
        Rows whose value is not finite, which the loss ratio leaves out.
    """

    statistic: str
    values: Tensor
    mean: float
    lower: float
    upper: float
    tolerance: float
    dropped: int = 0

    @property
    def rejected(self) -> bool:
        """Whether fairness (mean ≤ δ) is rejected: the lower limit is above δ.

        False says that unfairness is not shown, which is not that there is none.
        """
        return self.lower > self.tolerance


def loss_ratio_test(
    model: Model,
    X: Tensor,
    moved: Tensor,
    y: Tensor,
    *,
    tolerance: float = 1.25,
    alpha: float = 0.05,
    loss: Loss = log_loss,
) -> FlowTest:
    """Test the mean ratio of the losses after and before the flow.

    T = mean of ℓ(f(x_T), y) / ℓ(f(x₀), y), with the normal limits T ∓ z s / √n of the
    paper. H₀: the mean is at most δ = 1.25; it is rejected if the lower limit is more.

    Parameters
    ----------
    model, X, y, loss
        As for :func:`gradient_flow`.
    moved
        x_T, (n, d), from :func:`gradient_flow`.
    tolerance
        δ, from 1.
    alpha
        Chance that a limit misses, if n is large for how the ratios are spread.

    Returns
    -------
    FlowTest

    Raises
    ------
    FairtutorError
        No ratio is finite.

    Notes
    -----
    Where the model is sure and right the loss is nearly 0, and the ratio nearly
    unlimited; at 0 it does not exist and the row is dropped. A few such rows decide
    the mean and blow up s: **the more unfair the model, the wider the interval**, so
    that a mean of hundreds may not be rejected. See :func:`outcome_change_test`.

    References
    ----------
    Maity et al. (2021), Section 3.2.

    Examples
    --------
    >>> X, y, U = torch.zeros(50, 1), torch.ones(50), torch.eye(1)
    >>> model = lambda X: X[:, 0].sigmoid()
    >>> test = loss_ratio_test(model, X, gradient_flow(model, X, y, U), y)
    >>> test.mean > 4, test.rejected
    (True, True)
    """
    with torch.no_grad():
        ratios = loss(model(moved), y) / loss(model(X), y)
    finite = ratios[ratios.isfinite()].double()
    if not len(finite):
        raise FairtutorError(
            "The loss is 0 in every row, so no ratio exists. Use outcome_change_test."
        )
    mean = finite.mean().item()
    half = normal_quantile(1 - alpha) * finite.std(correction=0).item()
    half /= math.sqrt(len(finite))
    return FlowTest(
        statistic="loss ratio",
        values=ratios,
        mean=mean,
        lower=mean - half,
        upper=mean + half,
        tolerance=tolerance,
        dropped=len(ratios) - len(finite),
    )


def outcome_change_test(
    model: Model,
    X: Tensor,
    moved: Tensor,
    *,
    tolerance: float = 0.1,
    alpha: float = 0.05,
) -> FlowTest:
    """Test the mean change of the outcome's distribution along the flow.

    The value of a row is D(f(x_T), f(x₀)) = ½ Σ_c |P(c | x_T) − P(c | x₀)|, the total
    variation of Dwork et al. (2012) in [0, 1]; for two classes |p(x_T) − p(x₀)|. It is
    the chance that a drawn decision differs between the person and the one who is
    nearly the same but for the sensitive directions, if both are drawn with the same
    luck. No row is dropped, no value is large, and the limits hold for every n.

    Parameters
    ----------
    model, X
        As for :func:`gradient_flow`; the model must give probabilities, and the rows
        come in an order that does not depend on them (shuffled once, for instance).
    moved
        x_T, (n, d), from :func:`gradient_flow`.
    tolerance
        δ in [0, 1): the mean change that is still called fair.
    alpha
        Chance that a limit misses, at most, whatever the values' distribution.

    Returns
    -------
    FlowTest

    Raises
    ------
    FairtutorError
        The model's output is no probability.

    Notes
    -----
    A model that gives everybody the same probability has the value 0 and is useless.
    The test is relative to the chosen directions and λ, as the loss ratio's is, and
    bounds the movement along this flow, not by the worst neighbour.

    Examples
    --------
    >>> X, y, U = torch.zeros(50, 1), torch.ones(50), torch.eye(1)
    >>> model = lambda X: X[:, 0].sigmoid()
    >>> test = outcome_change_test(model, X, gradient_flow(model, X, y, U))
    >>> round(test.mean, 2), round(test.lower, 2), test.rejected
    (0.48, 0.44, True)
    """
    with torch.no_grad():
        before, after = (outcome_distribution(model(x)).double() for x in (X, moved))
    lowest, highest = min(before.min(), after.min()), max(before.max(), after.max())
    if not (lowest >= 0 and highest <= 1 + 1e-6):
        raise FairtutorError(
            f"The model gives values from {lowest:.3g} to {highest:.3g}; "
            "this test needs probabilities from 0 to 1. Add a sigmoid or a softmax."
        )
    changes = (after - before).abs().sum(1).div(2).clamp(max=1.0)
    lower, upper = intervals.mean_interval(changes, 2 * alpha)
    return FlowTest(
        statistic="outcome change",
        values=changes,
        mean=changes.mean().item(),
        lower=lower.item(),
        upper=upper.item(),
        tolerance=tolerance,
    )


def _require_fit(
    X: Tensor, y: Tensor, subspace: Tensor, start: Tensor | None, overshoot: float
) -> None:
    if X.ndim != 2 or len(y) != len(X) or len(subspace) != X.shape[1]:
        raise FairtutorError(
            f"X has the shape {tuple(X.shape)}, y {tuple(y.shape)} and the subspace "
            f"{tuple(subspace.shape)}; they must be (n, d), (n, …) and (d, k)."
        )
    if start is not None and start.shape != X.shape:
        raise FairtutorError(
            f"start has the shape {tuple(start.shape)}; it must be that of X, "
            f"{tuple(X.shape)}."
        )
    if not 0 <= overshoot < 1:
        raise FairtutorError(
            f"λ times the step size is {overshoot:g}; it must be from 0 to less than "
            "1, or the steps overshoot and diverge. Choose smaller steps."
        )
