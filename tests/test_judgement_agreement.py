"""An arbiter's judgements travel with the data, and the regulator audits by them."""

import pytest
import torch
from scipy.stats import binomtest

from fairtutor import (
    Criterion,
    DataProducer,
    DataRegulator,
    DataUser,
    FairnessCriteria,
    FairtutorError,
    load,
    rehearse,
)
from fairtutor.entities.producer import hand_over
from fairtutor.producers import linear_encoder

AGREE = FairnessCriteria(
    (Criterion("judgement_agreement", 0.8),), rounds=2, min_group_size=10
)


def random_triplets(rows):
    """Judge by the first feature alone, hundreds of triples that share people."""
    draw = torch.Generator().manual_seed(1)
    a, b, c = torch.randint(len(rows.X), (3, 2_000), generator=draw)
    x = rows.X[:, 0]
    near, far = (x[a] - x[b]).abs(), (x[a] - x[c]).abs()
    return torch.stack([a, b, c], 1)[(near < far) & (a != b)]


@pytest.fixture(scope="module")
def judged():
    return load("german").with_judgements(random_triplets)


def expected(Z, triplets, budget):
    """Go through the judgements one by one, with nobody in two of them."""
    seen, right, n = set(), 0.0, 0
    for a, b, c in triplets.tolist():
        if seen & {a, b, c}:
            continue
        seen |= {a, b, c}
        near, far = (Z[a] - Z[b]).norm(), (Z[a] - Z[c]).norm()
        right, n = right + float(near < far) + 0.5 * float(near == far), n + 1
    low = binomtest(int(right), n).proportion_ci(1 - budget, "exact").low
    high = binomtest(int(-(-right // 1)), n).proportion_ci(1 - budget, "exact").high
    return right / n, low, high, n


def test_the_finding_is_that_of_a_loop_and_its_interval_is_exact(judged):
    z = DataProducer("identity").produce(AGREE, judged)
    report = DataRegulator(AGREE, judged).audit_representation(z, progress=False)
    [found] = report.findings
    rows, triplets = judged.rows("audit 1"), judged.judgements["audit 1"]
    estimate, low, high, n = expected(z.encode(rows.X), triplets, AGREE.error_budget)
    assert 10 <= n < 60 and f"{n} judgements" in found.note
    assert (found.estimate, found.lower, found.upper) == pytest.approx(
        (estimate, low, high)
    )


def test_the_distance_that_the_arbiter_used_agrees_and_no_distance_ties(judged):
    width = judged.X.shape[1]
    first = torch.zeros(1, width)
    first[0, 0] = 1
    for W, estimate in ((first, 1.0), (torch.zeros(1, width), 0.5)):
        z = hand_over(linear_encoder(W), width, AGREE, method="by hand")
        found = DataRegulator(AGREE, judged).audit_representation(z, progress=False)
        assert found.findings[0].estimate == pytest.approx(estimate, abs=0.04)


def test_producers_and_users_never_see_answers_about_audit_rows(judged):
    view = judged.without_audit()
    assert set(view.judgements) == {"encoder", "train", "validation", "test"}
    kept = view.judgements["test"]
    assert torch.equal(kept, judged.judgements["test"])
    assert judged.resplit(seed=1).judgements == {}


def test_too_few_judgements_decide_nothing():
    few = load("german").with_judgements(lambda rows: torch.tensor([[0, 1, 2]]))
    z = DataProducer("identity").produce(AGREE, few)
    [found] = DataRegulator(AGREE, few).audit_representation(z).findings
    assert found.verdict == "undecided" and "10 are needed" in found.note


def test_a_rehearsal_without_judgements_says_so():
    german = load("german")
    z = DataProducer("identity").produce(AGREE, german)
    submission = DataUser("logistic").train(z, german, epochs=1, progress=False)
    [found] = rehearse(german, AGREE, z, submission).findings
    assert found.verdict == "undecided" and "nobody judged" in found.note


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (torch.zeros(4, 2).long(), r"\(4, 2\); return whole numbers"),
        (torch.zeros(4, 3), "float32"),
        (torch.tensor([[0, 1, 9_999]]), "position 9999 of 'encoder'"),
        (torch.tensor([[0, 1, -1]]), "position -1"),
        ([[0, 1, 2]], "'encoder' are of type list; return a torch.Tensor"),
        (None, "of type NoneType"),
        (torch.ones(1, 3).bool(), "torch.bool"),
        (torch.ones(1, 3).byte(), "torch.uint8"),
        (
            torch.tensor([[2, 1, 0], [0, 0, 1]]),
            r"Triplet 1 .*\[0, 0, 1\]",
        ),
        (torch.tensor([[0, 1, 0]]), "three different rows"),
        (torch.tensor([[0, 1, 1]]), "three different rows"),
    ],
)
def test_an_arbiter_who_names_nobody_is_refused(answer, said):
    with pytest.raises(FairtutorError, match=said):
        load("german").with_judgements(lambda rows: answer)


def test_an_arbiter_who_cannot_be_asked_is_refused():
    with pytest.raises(FairtutorError, match="type Tensor; give a function"):
        load("german").with_judgements(torch.tensor([[0, 1, 2]]))


def test_nobody_may_have_judged_anything():
    none = torch.empty(0, 3, dtype=torch.long)
    german = load("german").with_judgements(lambda rows: none)
    assert all(len(triplets) == 0 for triplets in german.judgements.values())


def test_writing_to_the_judgements_of_a_copy_changes_no_others(judged):
    before = {split: t.clone() for split, t in judged.judgements.items()}
    copy = judged.copy()
    assert copy.judgements.keys() == before.keys()
    for split, triplets in copy.judgements.items():
        assert torch.equal(triplets, before[split])
        triplets.zero_()
        assert torch.equal(judged.judgements[split], before[split])


def test_criteria_without_judgements_are_refused():
    with pytest.raises(FairtutorError, match="nobody has judged 'german'"):
        DataRegulator(AGREE, load("german"))
