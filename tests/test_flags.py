"""What is noticed beyond the criteria, and what is not."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fairtutor import audit
from fairtutor.audit import FLAGS, Audited, flags
from fairtutor.exchange import Criterion, FairnessCriteria

CRITERIA = FairnessCriteria((Criterion("accuracy", 0.8),))
many = settings(derandomize=True, deadline=None, max_examples=40)


def seen(n=100, m=50, columns=4):
    random = torch.Generator().manual_seed(0)
    return Audited(
        y=torch.zeros(n),
        scores=torch.rand(n, generator=random),
        groups={("sex",): (torch.arange(n) % 2, ("f", "m"))},
        X=torch.zeros(n, 1),
        reference=torch.zeros(m, 1),
        reference_scores=torch.rand(m, generator=random),
        Z=torch.randn(n, columns, generator=random),
        Z_reference=torch.randn(m, columns, generator=random),
    )


def test_nothing_is_said_of_what_is_in_order():
    assert flags(seen(), CRITERIA) == ()


def test_nothing_is_said_of_a_model_that_was_not_handed_in():
    alone = replace(seen(), scores=None, reference_scores=None)
    assert flags(alone, CRITERIA) == ()
    without = replace(seen(), Z=None, Z_reference=None)
    assert flags(without, CRITERIA) == ()


@pytest.mark.parametrize(("scale", "word"), [(0.49, "negative"), (-0.5, "positive")])
def test_one_decision_for_everyone_is_noticed(scale, word):
    """Also where the scores differ, and only over audit and reference rows together."""
    audited = seen()
    scores, others = (
        (scale * s) if scale > 0 else (1 + scale * s)
        for s in (audited.scores, audited.reference_scores)
    )
    constant = replace(audited, scores=scores, reference_scores=others)
    assert flags(constant, CRITERIA) == (f"All 150 rows get the {word} decision.",)
    others = others.clone()
    others[0] = 1 - others[0]
    assert flags(replace(constant, reference_scores=others), CRITERIA) == ()


@given(distinct=st.integers(1, 20))
@many
def test_scores_of_few_values_are_noticed(distinct):
    audited = seen()
    values = torch.linspace(0.1, 0.9, distinct)
    few = replace(
        audited,
        scores=values[torch.arange(100) % distinct],
        reference_scores=values[torch.arange(50) % distinct],
    )
    said = [sentence for sentence in flags(few, CRITERIA) if "scores take" in sentence]
    value = "value" if distinct == 1 else "different values"
    expected = f"The scores take only {distinct} {value} on 150 rows."
    assert said == ([expected] if distinct < 10 else [])


@given(constant=st.integers(0, 4), repeated=st.integers(0, 4), free=st.integers(0, 5))
@many
def test_a_representation_that_is_mostly_idle_is_noticed(constant, repeated, free):
    if free == 0:
        repeated = 0  # of what?
    columns = constant + repeated + free
    if not columns:
        return
    audited = seen(columns=columns)
    Z = torch.cat([audited.Z, audited.Z_reference])
    Z[:, :constant] = 7
    if repeated:
        Z[:, constant : constant + repeated] = Z[:, -1:]
    audited = replace(audited, Z=Z[:100], Z_reference=Z[100:])
    said = flags(audited, CRITERIA)
    if free < columns / 2:
        assert said == (
            f"Of the representation's {columns} columns only {free} tell people "
            f"apart; {constant} are constant, {repeated} repeat another.",
        )
    else:
        assert said == ()


def test_groups_too_small_to_judge_are_named_once():
    codes = torch.tensor([0] * 71 + [1] * 29)
    small = replace(
        seen(),
        groups={
            ("sex",): (codes, ("f", "m")),
            ("sex", "age"): (codes, ("f", "m")),
            ("race",): (codes, ("a", "b", "c")),
        },
    )
    assert flags(small, CRITERIA) == (
        "Too small to be judged, with fewer than 30 audit rows: m (29), b (29), c (0).",
    )
    generous = FairnessCriteria(CRITERIA.criteria, min_group_size=1)
    assert "c (0)." in flags(small, generous)[0]


def test_flags_stand_in_a_fixed_order_and_can_be_several():
    audited = seen()
    everything = replace(
        audited,
        scores=torch.zeros(100),
        reference_scores=torch.zeros(50),
        Z=torch.zeros(100, 4),
        Z_reference=torch.zeros(50, 4),
        groups={("sex",): (torch.zeros(100).long(), ("f", "m"))},
    )
    said = flags(everything, CRITERIA)
    assert len(said) == len(FLAGS)
    assert said == tuple(flag(everything, CRITERIA) for flag in FLAGS)


def test_no_module_has_the_name_of_what_the_package_offers():
    """Importing such a module later would put it in the place of the function."""
    modules = {path.stem for path in Path(audit.__file__).parent.glob("*.py")}
    assert "notices" in modules
    assert not modules & set(audit.__all__)
