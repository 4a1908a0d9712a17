"""What each metric requires, in words that follow what :mod:`fairtutor.audit` does."""

from collections.abc import Mapping

POINTS = "shall be at most {tolerance} ({percent} percentage points)"
LARGEST = f"The largest of these shares minus the smallest {POINTS}."
AT_LEAST = "shall be at least {tolerance} ({percent}%)"
AGREEMENT = (
    "The difference between the two, without its sign, is taken from 1; a positive "
    "decision counts as 1, a negative one as 0. The mean of the result over all "
    f"audited people {AT_LEAST}."
)
REQUIREMENTS: Mapping[str, str] = {
    "selection_rate_difference": (
        "In each of {groups}, the share of people who get the positive decision is "
        f"taken. {LARGEST}"
    ),
    "selection_rate_ratio": (
        "In each of {groups}, the share of people who get the positive decision is "
        "taken. The smallest of these shares, divided by the largest, shall be at "
        "least {tolerance}. If nobody gets the positive decision, there is no such "
        "number and the requirement stays undecided."
    ),
    "true_positive_rate_difference": (
        "Only people whose true outcome is positive are looked at. In each of "
        "{groups}, the share of them who get the positive decision is taken. "
        f"{LARGEST}"
    ),
    "false_positive_rate_difference": (
        "Only people whose true outcome is negative are looked at. In each of "
        "{groups}, the share of them who get the positive decision is taken. "
        f"{LARGEST}"
    ),
    "equalized_odds_difference": (
        "Two things are compared between {groups}: the share who get the positive "
        "decision among people whose true outcome is positive, and the same share "
        "among people whose true outcome is negative. For each, the smallest group’s "
        "share is subtracted from the largest group’s. The larger of the two "
        f"differences {POINTS}."
    ),
    "predictive_parity_difference": (
        "Only people who get the positive decision are looked at. In each of "
        "{groups}, the share of them whose true outcome is positive is taken. "
        f"{LARGEST}"
    ),
    "accuracy_difference": (
        "In each of {groups}, the share of people whose decision agrees with their "
        f"true outcome is taken. {LARGEST}"
    ),
    "calibration_gap": (
        "People are sorted by their probability into five ranges of equal width, from "
        "0 to 0.2 and so on. Within a range, in each of {groups} that has at least "
        "{least} people there, the share of people whose true outcome is positive is "
        "taken, and the smallest share is subtracted from the largest. The largest of "
        f"these differences over the ranges {POINTS}. Where less than half of some "
        "group is compared with another group, the requirement can be violated but "
        "not met."
    ),
    "mean_score_difference": (
        "In each of {groups}, the mean of the {score} is taken. The largest of these "
        "means minus the smallest shall be at most {tolerance}."
    ),
    "accuracy": (
        f"The share of people whose decision agrees with their true outcome {AT_LEAST}."
    ),
    "consistency": (
        "Each person’s {score} is compared with the mean {score} of the {neighbours} "
        f"reference people most like them. {AGREEMENT}"
    ),
    "same_cell_same_treatment": (
        "The reference people are divided into at most {cells} cells of people like "
        "each other (by k-means). Each audited person falls into the cell whose "
        "centre is nearest, and their {score} is compared with the mean {score} of the "
        f"reference people in that cell. {AGREEMENT}"
    ),
    "attribute_flip_consistency": (
        "For each person, the features made from {names} are set to every combination "
        "of the values that occur in the data, while all other features stay as they "
        f"are. The share of people whose decision is the same every time {AT_LEAST}."
    ),
    "lipschitz_violations": (
        "The audited people are put into random pairs, nobody in more than one. A pair "
        "counts as a violation if its two probabilities differ by more than "
        "{lipschitz} times the distance between the two people. Distances are scaled "
        "so that two reference people are at distance 1 on average. The share of "
        "pairs that violate shall be at most {tolerance} ({percent}%)."
    ),
    "judgement_agreement": (
        "An arbiter was asked about audited people, three at a time: which of two "
        "people is a third one more like? The representation answers by the smaller "
        "of its two straight-line distances; two equal ones count half. Nobody is in "
        f"more than one of the judgements that are used. The share of judgements with "
        f"which the representation agrees {AT_LEAST}."
    ),
    "leakage": (
        "Models called probes, of several families, learn on the reference people to "
        "tell, from the representation alone, to which of {groups} a person belongs. "
        "Of the audited people in each group, the share is taken whom a probe assigns "
        "rightly; the mean of these shares over the groups is its balanced accuracy. "
        "The highest balanced accuracy of any probe shall be at most {tolerance}. "
        "If a probe that learns on half of the audited people is clearly better than "
        "all of these on the other half, the requirement can be violated but not met. "
        "A guess reaches one divided by the number of groups, so a smaller tolerance "
        "cannot be met."
    ),
}
LIMITS_OF: Mapping[str, str] = {
    "calibration_gap": (
        "The calibration gap compares groups with each other. It does not say that "
        "the probabilities are right."
    ),
    "attribute_flip_consistency": (
        "A decision that ignores a column may still follow from others that tell the "
        "same. Setting a column anew describes the model and not what causes what."
    ),
    "lipschitz_violations": (
        "Violations are counted among random pairs. That says how common they are, "
        "not how bad the worst pair is."
    ),
    "judgement_agreement": (
        "Agreement is with one arbiter, who may be mistaken or prejudiced. It says "
        "nothing of people whom nobody judged."
    ),
    "leakage": (
        "Leakage is measured with the probes that were tried. Another model, more "
        "data, or a key agreed on in secret may tell the groups better."
    ),
}
# Whose intervals the option "intervals" chooses; those of all others always hold.
COMPARES_SHARES = frozenset(
    {
        "selection_rate_difference",
        "selection_rate_ratio",
        "true_positive_rate_difference",
        "false_positive_rate_difference",
        "equalized_odds_difference",
        "predictive_parity_difference",
        "accuracy_difference",
        "calibration_gap",
    }
)
LIKENESS = frozenset(
    {"consistency", "same_cell_same_treatment", "lipschitz_violations"}
)
NEEDS_REFERENCE = LIKENESS | {"leakage"}
DISTANCE_IN_WORDS = {"euclidean": "the straight-line (Euclidean) distance"}
# What is shown of each group, or of each probe, beside a finding.
SHOWN: Mapping[str, str] = {
    "selection_rate_difference": "selection rate",
    "selection_rate_ratio": "selection rate",
    "true_positive_rate_difference": "true positive rate",
    "false_positive_rate_difference": "false positive rate",
    "equalized_odds_difference": "rate of positive decisions",
    "predictive_parity_difference": "positive predictive value",
    "accuracy_difference": "accuracy",
    "calibration_gap": "rate of positive outcomes",
    "mean_score_difference": "mean {score}",
    "accuracy": "accuracy",
    "consistency": "consistency",
    "same_cell_same_treatment": "agreement within the cell",
    "attribute_flip_consistency": "share of unchanged decisions",
    "lipschitz_violations": "share of violations",
    "judgement_agreement": "share of judgements agreed with",
    "leakage": "balanced accuracy",
}
