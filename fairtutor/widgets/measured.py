"""A quick look at a model: accuracy and gap on validation rows, no audit."""

from dataclasses import dataclass

from ..audit import audit
from ..data import Dataset
from ..entities.evidence import Evidence, constant_accuracy
from ..exchange import Criterion, FairnessCriteria, Representation, Submission

SHOWN_SPLIT = "validation"  # rows that no encoder and no weight was trained on
TOLERANCE = 0.1

Estimate = tuple[float, float, float]  # estimate, lower, upper


@dataclass(frozen=True)
class Measured:
    """What a model does on the validation rows.

    Attributes
    ----------
    criterion
        Its metric is the gap.
    gap, accuracy
        (estimate, lower, upper), each interval 95% on its own.
    constant_accuracy
        Of always giving the more frequent decision.
    rows
        How many rows that is.
    """

    criterion: Criterion
    gap: Estimate
    accuracy: Estimate
    constant_accuracy: float
    rows: int


def in_words(estimate: Estimate) -> str:
    """Return an estimate with its interval.

    Examples
    --------
    >>> in_words((0.8, 0.75, 0.85))
    '0.800 (0.750 to 0.850)'
    """
    return "{:.3f} ({:.3f} to {:.3f})".format(*estimate)


def followed_criterion(criteria: FairnessCriteria, dataset: Dataset) -> Criterion:
    """Return the first criterion that compares groups.

    Criteria that compare no groups leave the selection rates of the first attribute.

    Parameters
    ----------
    criteria, dataset
        What is asked, of which data.

    Examples
    --------
    >>> from fairtutor import load
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.7),))
    >>> str(followed_criterion(criteria, load("german")))
    'selection rate difference between sex groups ≤ 0.1'
    """
    compared = (c for c in criteria.criteria if c.spec.kind == "group" and c.attribute)
    return next(compared, None) or selection_gap(dataset.attributes[0].name)


def selection_gap(attribute: str) -> Criterion:
    """Return the difference of selection rates between an attribute's groups.

    Examples
    --------
    >>> selection_gap("sex").metric
    'selection_rate_difference'
    """
    return Criterion("selection_rate_difference", TOLERANCE, attribute)


def measure(
    dataset: Dataset,
    criterion: Criterion,
    representation: Representation,
    submission: Submission,
    threshold: float = 0.5,
) -> Measured:
    """Measure a model on the validation rows.

    Training looked at these rows to know when to stop, and who compares many models on
    them keeps some luck with the best. Only an audit on fresh rows gives a verdict.

    Parameters
    ----------
    dataset
        With validation rows.
    criterion
        Its metric is the gap.
    representation, submission
        What was made and trained.
    threshold
        From which score on the decision is positive.

    Returns
    -------
    Measured

    Raises
    ------
    Refused
        A value or score is not finite.

    Examples
    --------
    >>> from fairtutor import DataProducer, DataUser, load
    >>> german = load("german").without_audit()
    >>> gap = selection_gap("sex")
    >>> z = DataProducer("identity").produce(FairnessCriteria((gap,)), german)
    >>> model = DataUser("logistic").train(z, german, epochs=2, progress=False)
    >>> measure(german, gap, z, model).rows
    100
    """
    asked = FairnessCriteria((criterion,), rounds=1, threshold=threshold)
    evidence = Evidence(asked, dataset)
    seen = evidence.look(SHOWN_SPLIT, representation, submission)
    audited = evidence.audited(seen, seen, False)
    [finding] = audit(audited, asked)
    return Measured(
        criterion=criterion,
        gap=(finding.estimate, finding.lower, finding.upper),
        accuracy=evidence.accuracy(audited),
        constant_accuracy=constant_accuracy(audited.y),
        rows=len(seen.rows),
    )
