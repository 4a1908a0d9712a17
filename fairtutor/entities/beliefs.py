"""What a user of a representation can come to believe about outcomes and groups."""

from dataclasses import replace

from torch import Tensor

from ..data import Dataset
from ..exchange import FairtutorError, Representation, did_you_mean
from ..theory.mistrust import Beliefs
from .user import DataUser


def membership(dataset: Dataset, attribute: str, member: str) -> Tensor:
    """Return who belongs to one group of an attribute, and who to any other.

    Parameters
    ----------
    dataset
        Any data set.
    attribute
        A sensitive attribute.
    member
        Name of one of its groups.

    Returns
    -------
    Tensor of int64, shape (n,)
        1 for members.

    Raises
    ------
    FairtutorError
        There is no such attribute or group.

    Examples
    --------
    >>> from fairtutor import load
    >>> int(membership(load("adult"), "sex", "Female").sum())
    16192
    """
    codes, labels = dataset.groups(attribute)
    if member not in labels:
        raise FairtutorError(
            f"{attribute!r} has no group {member!r}. {did_you_mean(member, labels)}"
        )
    return (codes == labels.index(member)).long()


def beliefs(
    representation: Representation,
    dataset: Dataset,
    attribute: str,
    member: str,
    *,
    model: str = "trees",
    seed: int = 0,
    progress: bool = True,
) -> Beliefs:
    """Learn P(y = 1 | z) and P(a = 1 | z) from the train rows, and apply them to all.

    If they were the true chances, a user could decide with them as accurately as a gap
    allows (:func:`fairtutor.theory.mistrust.best_fair_rule`). With the identity in
    place of a fair representation it is the trusted user, who sees x.

    Parameters
    ----------
    representation
        What the user is given.
    dataset
        Its splits ``"train"`` and ``"validation"`` are used, as by `DataUser`.
    attribute, member
        a = 1 is this group of this attribute, a = 0 all others.
    model, seed
        As for `DataUser`. Trees draw nothing at random, and need few rows to tell a
        group that x gives away.
    progress
        Whether to show a bar for each of the two trainings.

    Returns
    -------
    Beliefs
        About each row of ``dataset``.

    Raises
    ------
    FairtutorError
        There is no such attribute, group or model.

    Examples
    --------
    >>> from fairtutor import Criterion, DataProducer, FairnessCriteria, load
    >>> german = load("german").without_audit()
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.7),))
    >>> x = DataProducer("identity").produce(criteria, german)
    >>> about = beliefs(x, german, "sex", "female", progress=False)
    >>> about.outcome.shape, bool((about.group > 0.5).any())
    (torch.Size([800]), True)
    """
    user = DataUser(model, seed=seed)
    groups = replace(
        dataset,
        y=membership(dataset, attribute, member),
        target=attribute,
        outcomes=(f"not {member}", member),
    )
    Z = representation.encode(dataset.X)
    outcome, group = (
        user.train(representation, asked, progress=progress).scores(Z)
        for asked in (dataset, groups)
    )
    return Beliefs(outcome, group)
