"""What cannot be answered is refused in words, where it is handed in."""

import pytest
import torch
from torch import nn

from fairtutor import DataProducer, DataUser, FairtutorError, load
from fairtutor.entities.producer import hand_over
from fairtutor.exchange import Criterion, FairnessCriteria
from fairtutor.similarity import Box, GridCells, TreeCells, worst_pairs
from fairtutor.theory.lipschitz import (
    LipschitzNetwork,
    Margins,
    certified_radius,
    expected_error,
    lipschitz_bound,
)
from fairtutor.theory.robustness import robustness_bound
from fairtutor.training.adversary import FairDistance
from fairtutor.training.sensr import SenSeI, SenSR
from fairtutor.widgets import BoundExplorer, CellExplorer

BOX = Box.unit(2)
NAN = torch.tensor([[0.5, float("nan")], [0.1, 0.2]])
Z = torch.rand(50, 2, generator=torch.Generator().manual_seed(0))
Y = (Z[:, 0] > 0.5).float()
CRITERIA = FairnessCriteria((Criterion("accuracy", 0.8),))
FIRST = FairDistance(torch.eye(2)[:, :1])

REFUSED = {
    "a row without a cell": (lambda: GridCells(BOX, 3).assign(NAN), "no cell"),
    "a tree of such rows": (lambda: TreeCells(BOX, NAN, 3), "no cell"),
    "rows of another width": (lambda: BOX.clip(torch.rand(5, 3)), "rows of 2 numbers"),
    "half a piece": (lambda: GridCells(BOX, 2.5), "per_side is 2.5"),
    "half a cell": (lambda: TreeCells(BOX, Z, 2.5), "num_cells is 2.5"),
    "a box of nobody": (lambda: Box.fit(Z[:0]), "of 0 rows"),
    "a box of too many": (lambda: Box.fit(Z, share=2.0), "share is 2.0"),
    "a distance to nowhere": (
        lambda: worst_pairs(NAN, Y[:2], progress=False),
        "not finite",
    ),
    "no pairs": (lambda: worst_pairs(Z, Y, k=0, progress=False), "k is 0"),
    "scores for probabilities": (
        lambda: worst_pairs(Z, 3 * Y, progress=False),
        "not from 0 to 1",
    ),
    "a class that is none": (
        lambda: certified_radius(torch.rand(3, 2), torch.tensor([0, 1, 2]), 1.0),
        "A y is 2; use 0 to 1",
    ),
    "no steepness": (lambda: certified_radius(Y, Y, 0.0), "L is 0.0"),
    "too few outcomes": (lambda: expected_error(Y, Y[:3]), "one y for each row"),
    "cells in words": (lambda: robustness_bound(0.1, "5", 10), "K is '5'"),
    "no epsilon": (lambda: robustness_bound(None, 5, 10), "epsilon is None"),
    "long directions": (lambda: FairDistance(5 * torch.eye(2)), "not orthonormal"),
    "other columns": (lambda: FIRST(torch.rand(4, 3)), "The rows have 3 numbers"),
    "one layer": (lambda: lipschitz_bound(nn.Linear(2, 2)), "no nn.Sequential"),
    "a constant in words": (lambda: LipschitzNetwork(2, 8, 1, L="1"), "L is '1'"),
    "a network for an encoder": (
        lambda: hand_over(nn.Sequential(nn.Linear(2, 2)), 2, CRITERIA, method="mine"),
        "type Sequential; give an Encoder",
    ),
    "a plane for a line": (
        lambda: BoundExplorer((Z, Y), (Z, Y), lambda z: z, 1.0),
        "one number for each row",
    ),
    "a line's L in words": (
        lambda: BoundExplorer((Z[:, 0], Y), (Z[:, 0], Y), lambda z: z, "1"),
        "L is '1'",
    ),
    "two p a row": (
        lambda: CellExplorer(Z, Z, {"grid": lambda K: GridCells(BOX, 2)}),
        "one p a row",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_words(name):
    attempt, said = REFUSED[name]
    with pytest.raises(FairtutorError, match=said):
        attempt()


@pytest.mark.parametrize(("L", "said"), [("big", "'big'"), (-1, "-1"), (0, "0")])
def test_the_users_constant_is_named_as_it_was_given(L, said):
    visible = load("german").without_audit()
    criteria = FairnessCriteria((Criterion("accuracy", 0.7),))
    representation = DataProducer("identity").produce(criteria, visible)
    with pytest.raises(FairtutorError, match=f"L is {said}; use a number"):
        DataUser("lipschitz", L=L).train(representation, visible, progress=False)


@pytest.mark.parametrize("objective", [Margins, SenSR, SenSeI])
def test_outcomes_may_be_whole_numbers_or_not(objective):
    network = LipschitzNetwork(2, 8, 2)
    losses = []
    for y in (Y, Y.long()):
        torch.manual_seed(0)
        extra = () if objective is Margins else (FIRST,)
        losses.append(objective(network, *extra)(Z, y)["loss"].item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    if objective is Margins:
        one = Margins(LipschitzNetwork(2, 8, 1))
        losses = [one.eval()(Z, y)["loss"] for y in (Y, Y.long())]
        assert losses[0] == losses[1]
