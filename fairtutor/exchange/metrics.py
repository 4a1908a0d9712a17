"""The names that criteria can use: metrics, score functions, distances, intervals."""

from collections.abc import Mapping
from dataclasses import dataclass

# What is scored of each person: the yes-or-no decision ŷ, the probability p = P(ŷ = 1),
# the loss |y − p|, the chance that a decision drawn with probability p is wrong, or,
# without any model, the representation z.
SCORES = ("decision", "probability", "loss", "representation")
DISTANCES = ("euclidean",)
INTERVALS = ("score", "exact")


@dataclass(frozen=True)
class Metric:
    """A fairness metric that criteria can name.

    Attributes
    ----------
    title
        For tables and figures.
    question
        What it asks of a model, in one sentence.
    kind
        ``"group"`` compares the groups of a sensitive attribute, ``"individual"``
        compares people with people like them, ``"representation"`` looks at z alone,
        and ``"utility"`` says how useful the model is.
    names_attribute
        Whether a criterion must name a sensitive attribute.
    at_least
        Whether large values are good, so that the tolerance is a lower bound.
    scores
        The score functions it can be taken of; the first is the default.
    """

    title: str
    question: str
    kind: str = "group"
    names_attribute: bool = True
    at_least: bool = False
    scores: tuple[str, ...] = ("decision",)


METRICS: Mapping[str, Metric] = {
    "selection_rate_difference": Metric(
        "selection rate difference",  # demographic parity
        "Do the groups get the positive decision equally often?",
    ),
    "selection_rate_ratio": Metric(
        "selection rate ratio",
        "Is the lowest group's selection rate close to the highest group's?",
        at_least=True,
    ),
    "true_positive_rate_difference": Metric(
        "true positive rate difference",  # equal opportunity
        "Of those who deserve the positive decision, do the groups get it equally "
        "often?",
    ),
    "false_positive_rate_difference": Metric(
        "false positive rate difference",
        "Of those who do not deserve it, do the groups get the positive decision "
        "equally often?",
    ),
    "equalized_odds_difference": Metric(
        "equalized odds difference",
        "Are both error rates equal between the groups (the larger of the two gaps)?",
    ),
    "predictive_parity_difference": Metric(
        "predictive parity difference",
        "Of those who get the positive decision, do the groups deserve it equally "
        "often?",
    ),
    "accuracy_difference": Metric(
        "accuracy difference",  # accuracy parity
        "Is the decision right equally often in the groups?",
    ),
    "calibration_gap": Metric(
        "calibration gap",
        "Among people with similar scores, do outcomes differ between the groups?",
        scores=("probability",),
    ),
    "mean_score_difference": Metric(
        "mean score difference",
        "Is what is scored, a probability or a loss, equal on average in the groups?",
        scores=("probability", "loss"),
    ),
    "accuracy": Metric(
        "accuracy",
        "How often is the decision right?",
        kind="utility",
        names_attribute=False,
        at_least=True,
    ),
    "consistency": Metric(
        "consistency",
        "Does a person get the same decision as the people most like them?",
        kind="individual",
        names_attribute=False,
        at_least=True,
        scores=("decision", "probability"),
    ),
    "same_cell_same_treatment": Metric(
        "same cell, same treatment",
        "Does a person get the same decision as the others in their cell of the "
        "feature space?",
        kind="individual",
        names_attribute=False,
        at_least=True,
        scores=("decision", "probability"),
    ),
    "attribute_flip_consistency": Metric(
        "attribute flip consistency",
        "Would the decision stay the same if these columns, and nothing else, were "
        "set to any other value?",
        kind="individual",
        at_least=True,
    ),
    "lipschitz_violations": Metric(
        "Lipschitz violations",
        "How often do two people's probabilities lie further apart than L times "
        "their distance?",
        kind="individual",
        names_attribute=False,
        scores=("probability",),
    ),
    "judgement_agreement": Metric(
        "agreement with judgements",
        "Does the distance between representations agree with an arbiter who says "
        "whom of two others a person is more like?",
        kind="representation",
        names_attribute=False,
        at_least=True,
        scores=("representation",),
    ),
    "leakage": Metric(
        "leakage",
        "How well can the best of several probes tell the group from the "
        "representation (balanced accuracy)?",
        kind="representation",
        scores=("representation",),
    ),
}
