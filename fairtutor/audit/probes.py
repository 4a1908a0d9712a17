"""What leaks: how well probes can tell a person's group from the representation."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot
from tqdm import tqdm

from ..exchange.architecture import build, mlp
from ..exchange.errors import FairtutorError
from ..similarity import neighbour_mean
from ..training import fit, seeded
from .intervals import clopper_pearson

NEIGHBOURS = 15
HELD_OUT = 0.2  # of the MLP's training rows, to stop by

Probe = Callable[[Tensor, Tensor, Tensor, int, int], Tensor]


@dataclass(frozen=True)
class ProbeScore:
    """How well one probe tells the group on rows that it was not trained on.

    Attributes
    ----------
    name
        The probe's family.
    balanced_accuracy
        The mean over groups of the share of the group that is recognised; NaN if a
        group has no scored rows.
    lower, upper
        An interval for it that holds together with those of the other families.
    """

    name: str
    balanced_accuracy: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Leakage:
    """What every probe found, and the best of them.

    Attributes
    ----------
    families
        One score per family, in the order in which they were tried.
    num_groups
        G. A probe that knows nothing has a balanced accuracy of 1 / G.
    alpha
        The chance that one of the intervals misses, at most.
    """

    families: tuple[ProbeScore, ...]
    num_groups: int
    alpha: float

    @property
    def best(self) -> ProbeScore:
        """The family with the highest balanced accuracy."""
        return max(self.families, key=lambda probe: probe.balanced_accuracy)

    @property
    def estimate(self) -> float:
        """The balanced accuracy of the best family; it is a little optimistic."""
        return self.best.balanced_accuracy

    @property
    def lower(self) -> float:
        """At least one of the probes has a true balanced accuracy above this."""
        return max(probe.lower for probe in self.families)

    @property
    def upper(self) -> float:
        """None of the probes tried has a true balanced accuracy above this."""
        return max(probe.upper for probe in self.families)

    @property
    def chance(self) -> float:
        """The balanced accuracy of a probe that knows nothing, 1 / G."""
        return 1 / self.num_groups

    def __str__(self) -> str:
        return "\n".join(
            f"{probe.name:<20} {probe.balanced_accuracy:.3f} "
            f"({probe.lower:.3f} to {probe.upper:.3f})"
            for probe in self.families
        )


def linear(
    Z: Tensor, groups: Tensor, scored: Tensor, num_groups: int, seed: int
) -> Tensor:
    """Predict by multinomial logistic regression on standardised columns of z.

    Parameters
    ----------
    Z, groups
        Training rows, (n, d) float64 and (n,).
    scored
        Rows to predict, (m, d).
    num_groups, seed
        G, and what fixes the probe.

    Returns
    -------
    torch.Tensor
        (m,) predicted groups. Each group weighs the same in training, however many
        rows it has, because balanced accuracy is what counts.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced", max_iter=300)
    Z, scored = _standardised(Z, scored)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged: then it is weaker
        model.fit(Z, groups)
    return torch.from_numpy(model.predict(scored))


def neural_network(
    Z: Tensor, groups: Tensor, scored: Tensor, num_groups: int, seed: int
) -> Tensor:
    """Predict by an MLP on ranks, stopped early on a fifth of the training rows.

    Parameters and result are those of :func:`linear`.
    """
    Z, scored = (part.float() for part in _ranks(Z, scored))
    order = torch.randperm(len(Z), generator=torch.Generator().manual_seed(seed))
    held_out, rest = order.tensor_split([max(1, int(HELD_OUT * len(Z)))])
    with seeded(seed):
        module = build(mlp(Z.shape[1], 64, 64, num_groups), Z.shape[1])
    fit(
        BalancedLogLoss(module, groups, num_groups),
        [Z[rest], groups[rest]],
        epochs=60,
        lr=3e-3,
        weight_decay=1e-3,
        seed=seed,
        validation=[Z[held_out], groups[held_out]],
        patience=8,
        progress=False,
    )
    with torch.no_grad():
        return module(scored).argmax(1)


def nearest_neighbours(
    Z: Tensor, groups: Tensor, scored: Tensor, num_groups: int, seed: int
) -> Tensor:
    """Predict the group most over-represented among the 15 nearest training rows.

    Parameters and result are those of :func:`linear`; distances are Euclidean
    between ranks.
    """
    Z, scored = (part.float() for part in _ranks(Z, scored))
    told = one_hot(groups, num_groups).double()
    k = min(NEIGHBOURS, len(Z))
    near = [
        neighbour_mean(scored, Z, of, k, progress=False) for of in told.unbind(1)[1:]
    ]
    near = torch.stack([1 - sum(near), *near], 1)  # each group's share among them
    return (near / told.mean(0).clamp(min=1 / len(Z))).argmax(1)


def trees(
    Z: Tensor, groups: Tensor, scored: Tensor, num_groups: int, seed: int
) -> Tensor:
    """Predict by boosted trees, to which only the order of each column matters.

    Parameters and result are those of :func:`linear`.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        class_weight="balanced", early_stopping=False, random_state=seed
    )
    return torch.from_numpy(model.fit(Z.numpy(), groups).predict(scored.numpy()))


FAMILIES: Mapping[str, Probe] = {
    "linear": linear,
    "neural network": neural_network,
    "nearest neighbours": nearest_neighbours,
    "trees": trees,
}


def leakage(
    Z_train: Tensor,
    groups_train: Tensor,
    Z_score: Tensor,
    groups_score: Tensor,
    num_groups: int,
    *,
    alpha: float = 0.05,
    families: Mapping[str, Probe] = FAMILIES,
    min_group_size: int = 1,
    seed: int = 0,
    progress: bool = False,
) -> Leakage:
    """Train probes to tell the group from z on some rows, and score them on others.

    With chance 1 − alpha at least, the true balanced accuracy of every probe lies in
    its interval, and that of the best probe between ``lower`` and ``upper``.

    **This bounds the probes that were tried, on this many training rows, and no
    others.** A user with a better model, more rows, or a key agreed on with the
    producer may tell the group better. For what would bound every user see
    :func:`fairtutor.theory.leakage.largest_gap`.

    Parameters
    ----------
    Z_train, groups_train
        Representation, (n, d), and group codes from 0, (n,), to train the probes on.
    Z_score, groups_score
        (m, d) and (m,), rows that the probes have not seen.
    num_groups
        G, at least 2.
    alpha
        The chance that any of the intervals misses, at most.
    families
        Probes by name; see :func:`linear` for what a probe is given.
    min_group_size
        The share recognised of a group with fewer scored rows counts as unknown,
        anything from 0 to 1.
    seed
        Of the probes.
    progress
        Whether to show a bar once probing takes over a second.

    Returns
    -------
    Leakage

    Raises
    ------
    FairtutorError
        Sizes do not fit each other, z holds NaN or infinite values, or a group code
        is none.

    Notes
    -----
    The balanced accuracy is the mean over groups of P(ĝ = a | a). Each share gets its
    Clopper–Pearson interval at alpha / (G · number of families), and the limits are
    averaged. Columns are standardised or ranked, so that nothing hides in a small or
    large scale.

    Examples
    --------
    >>> groups = torch.arange(400) % 2
    >>> Z = torch.randn(400, 3, generator=torch.Generator().manual_seed(0))
    >>> told = leakage(Z[:200], groups[:200], Z[200:], groups[200:], 2)
    >>> told.lower < told.chance < told.upper
    True
    >>> Z[:, 1] = 1e-6 * groups
    >>> leakage(Z[:200], groups[:200], Z[200:], groups[200:], 2).estimate
    1.0
    """
    _require_fit(Z_train, groups_train, Z_score, groups_score, num_groups)
    Z, scored = Z_train.detach().cpu().double(), Z_score.detach().cpu().double()
    groups, truth = groups_train.cpu().long(), groups_score.cpu().long()
    alone = len(groups.unique()) < 2
    scores = []
    for name, probe in tqdm(
        families.items(), "probes", disable=not progress, delay=1, leave=False
    ):
        predicted = (
            groups[:1].expand(len(truth))
            if alone  # there is nothing to learn
            else probe(Z, groups, scored, num_groups, seed)
        )
        recognised = torch.bincount(truth[predicted == truth], minlength=num_groups)
        scores.append(
            _score(
                name,
                recognised.tolist(),
                torch.bincount(truth, minlength=num_groups).tolist(),
                alpha / len(families),
                min_group_size,
            )
        )
    return Leakage(tuple(scores), num_groups, alpha)


def _score(
    name: str, recognised: list[int], sizes: list[int], alpha: float, minimum: int
) -> ProbeScore:
    """Average the groups' shares and their intervals."""
    limits = [
        clopper_pearson(k, n, alpha / len(sizes)) if n >= minimum else (0.0, 1.0)
        for k, n in zip(recognised, sizes, strict=True)
    ]
    shares = [k / n if n else torch.nan for k, n in zip(recognised, sizes, strict=True)]
    lower, upper = (sum(side) / len(sizes) for side in zip(*limits, strict=True))
    return ProbeScore(name, sum(shares) / len(sizes), lower, upper)


class BalancedLogLoss(nn.Module):
    """−log P(group | z), averaged so that each group weighs the same.

    Parameters
    ----------
    module
        From z to one logit per group.
    groups, num_groups
        All training rows' groups, (n,), and G.
    """

    def __init__(self, module: nn.Module, groups: Tensor, num_groups: int) -> None:
        super().__init__()
        self.module = module
        sizes = torch.bincount(groups, minlength=num_groups).clamp(min=1)
        self.register_buffer("weights", len(groups) / (num_groups * sizes))

    def forward(self, Z: Tensor, groups: Tensor) -> dict[str, Tensor]:
        """Return the loss of a batch: Z (n, d), groups (n,)."""
        surprise = cross_entropy(self.module(Z), groups, reduction="none")
        return {"loss": (self.weights[groups] * surprise).mean()}


def _standardised(Z: Tensor, scored: Tensor) -> tuple[Tensor, Tensor]:
    """Give each column mean 0 and variance 1 on the training rows; constants go to 0.

    Dividing by the largest value first keeps squares of any float32 from overflowing,
    and keeps those of the smallest from vanishing.
    """
    centre = Z.mean(0)
    widest = (Z - centre).abs().amax(0)
    varies = Z.amax(0) > Z.amin(0)
    unit = torch.where(varies, widest, 1.0)
    deviation = ((Z - centre) / unit).square().mean(0).sqrt()
    scale = varies / (unit * torch.where(varies, deviation, 1.0))
    return (Z - centre) * scale, (scored - centre) * scale


def _ranks(Z: Tensor, scored: Tensor) -> tuple[Tensor, Tensor]:
    """Replace each column by its ranks among the training rows, then standardise.

    Equal values share their mean rank. No scale and no outlier hides an order.
    """
    ordered = Z.T.contiguous().sort(1).values

    def ranked(rows: Tensor) -> Tensor:
        columns = rows.T.contiguous()
        below = torch.searchsorted(ordered, columns)
        through = torch.searchsorted(ordered, columns, right=True)
        return ((below + through) / 2).T.double()

    return _standardised(ranked(Z), ranked(scored))


def _require_fit(
    Z: Tensor, groups: Tensor, scored: Tensor, truth: Tensor, num_groups: int
) -> None:
    """Refuse what the probes could only stumble over."""
    if num_groups < 2:
        raise FairtutorError(f"{num_groups} groups; leakage needs two to tell apart.")
    for name, rows, codes in (("training", Z, groups), ("scored", scored, truth)):
        if rows.ndim != 2 or codes.shape != rows.shape[:1] or not len(rows):
            raise FairtutorError(
                f"The {name} rows have shape {tuple(rows.shape)} and their groups "
                f"{tuple(codes.shape)}; give (n, d) and (n,), n from 1."
            )
        if not rows.isfinite().all():
            column = int((~rows.isfinite()).any(0).nonzero()[0])
            raise FairtutorError(
                f"Column {column} of the {name} rows holds NaN or infinite values."
            )
        if codes.min() < 0 or codes.max() >= num_groups:
            raise FairtutorError(
                f"The {name} rows' groups go from {int(codes.min())} to "
                f"{int(codes.max())}; codes go from 0 to {num_groups - 1}."
            )
    if Z.shape[1] != scored.shape[1] or not Z.shape[1]:
        raise FairtutorError(
            f"The training rows have {Z.shape[1]} columns, the scored {scored.shape[1]}"
        )
