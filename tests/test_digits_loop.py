"""The loop on data without sensitive attributes: similar digits, treated alike."""

import pytest

from fairtutor import (
    Criterion,
    DataProducer,
    DataRegulator,
    DataUser,
    FairnessCriteria,
    load,
)
from fairtutor.data import Target
from fairtutor.exchange import FairtutorError

CRITERIA = FairnessCriteria(
    (Criterion("same_cell_same_treatment", 0.5), Criterion("consistency", 0.5)),
    rounds=3,
)


def digits():
    even = Target("digit", (0, 2, 4, 6, 8), outcomes=("odd", "even"))
    return load("digits").with_target(even)


@pytest.mark.parametrize("data", [digits, lambda: load("adult")])
def test_individual_criteria_are_audited_with_and_without_groups(data):
    dataset = data()
    regulator = DataRegulator(CRITERIA, dataset)
    z = DataProducer("identity").produce(CRITERIA, dataset, progress=False)
    submission = DataUser("logistic").train(z, dataset, progress=False)
    report = regulator.audit(z, submission)
    named = {f.criterion.metric: f for f in report.findings}
    assert set(named) == {"same_cell_same_treatment", "consistency"}
    for finding in named.values():
        assert 0.5 < finding.lower < finding.estimate < finding.upper <= 1
        assert finding.verdict == "meets"


def test_a_method_that_makes_groups_alike_says_that_there_are_none():
    with pytest.raises(FairtutorError, match="no sensitive attribute"):
        DataProducer("erasure").produce(CRITERIA, digits(), progress=False)
