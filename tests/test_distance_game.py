"""The distance game: what an arbiter answers is what the distance becomes."""

import pandas as pd
import pytest
import torch

from fairtutor import FairtutorError
from fairtutor.similarity import triplet_agreement, triplet_weights
from fairtutor.widgets import DistanceGame


def people(n=60):
    draw = torch.Generator().manual_seed(0)
    numbers = torch.randn(n, 3, generator=draw)
    scaled = (numbers * torch.tensor([10.0, 2.0, 1000.0])).numpy()
    return pd.DataFrame(scaled, columns=["age", "hours", "<b>gain</b>"])


def played(count, column):
    """Let an arbiter play who looks at one column only."""
    game = DistanceGame(people())
    values = people()[column].to_numpy()
    for _ in range(count):
        left, middle, right = game.question
        gaps = [abs(values[middle] - values[side]) for side in (left, right)]
        game.answer("left" if gaps[0] < gaps[1] else "right")
    return game


@pytest.mark.parametrize("column", ["age", "<b>gain</b>"])
def test_what_the_arbiter_looks_at_is_what_counts(column):
    game = played(25, column)
    at = list(people().columns).index(column)
    others = torch.cat([game.weights[:at], game.weights[at + 1 :]])
    assert game.weights[at] > 5 * others.max()
    assert triplet_agreement(game.coordinates(), game.triplets) > 0.9


def test_guesses_are_made_before_the_answer():
    game = DistanceGame(people())
    for _ in range(5):
        left, middle, right = game.question
        Z = game.coordinates()
        near = (Z[middle] - Z[left]).norm() < (Z[middle] - Z[right]).norm()
        game.answer("left")
        assert game.guessed[-1] == bool(near)
    assert game.status == (
        f"5 answers. Before each, the distance guessed: right in {sum(game.guessed)} "
        "of 5."
    )


def test_buttons_do_what_they_say_and_a_skip_judges_nothing():
    game = DistanceGame(people())
    left, middle, right = game.question
    game.buttons["right"].click()
    assert game.triplets.tolist() == [[middle, right, left]]
    before = game.question
    game.buttons["skip"].click()
    assert len(game.triplets) == 1 and game.question != before
    assert len(set(game.question)) == 3
    game.raise_errors()


def test_the_same_answers_give_the_same_game():
    first, second = (played(4, "age") for _ in range(2))
    assert first.snapshot() == second.snapshot()
    assert "<b>gain" not in first.snapshot() and "&lt;b&gt;gain" in first.snapshot()
    with pytest.raises(FairtutorError, match="use 'left' or 'right'"):
        first.answer("middle")
    assert len(first.triplets) == 4


def test_the_least_certain_of_what_is_drawn_is_asked():
    game = played(10, "age")
    left, middle, right = game.question
    asked = game._certainty(torch.tensor([[middle, left, right]])).abs()
    draw = torch.Generator().manual_seed(9)
    rows = torch.rand(500, 60, generator=draw).argsort(1)[:, :3]
    assert asked < game._certainty(rows).abs().quantile(0.05)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (people(2), "2 people with 3 columns"),
        (people().iloc[:, :0], "0 columns"),
        (people().assign(job="clerk"), "'job' is not of numbers"),
        (
            people().assign(one=1.0),
            "'one' has a value that is not",
        ),
        (people().assign(age=float("nan")), "'age'"),
    ],
)
def test_who_cannot_be_judged_is_named(table, said):
    with pytest.raises(FairtutorError, match=said):
        DistanceGame(table)


# -------------------------------------------------------------------- its weights


def test_weights_are_those_that_made_the_answers():
    draw = torch.Generator().manual_seed(0)
    Z = torch.randn(300, 3, generator=draw).double()
    true = torch.tensor([2.0, 0.5, 0.0]).double()
    triplets = torch.randint(300, (4_000, 3), generator=draw)
    a, b, c = (Z[column] for column in triplets.T)
    gain = ((a - c).square() - (a - b).square()) @ true
    other = torch.rand(4_000, generator=draw) > gain.sigmoid()
    judged = torch.where(other[:, None], triplets[:, [0, 2, 1]], triplets)
    assert torch.allclose(triplet_weights(Z, judged), true, atol=0.15)


def test_before_the_first_answer_all_count_alike():
    none = torch.empty(0, 3, dtype=torch.long)
    assert triplet_weights(torch.eye(4), none).tolist() == [0.25] * 4


def test_the_minimum_is_one():
    """No weights near the ones found are better."""
    draw = torch.Generator().manual_seed(1)
    Z = torch.randn(50, 3, generator=draw).double()
    triplets = torch.randint(50, (30, 3), generator=draw)
    a, b, c = (Z[column] for column in triplets.T)
    gain = (a - c).square() - (a - b).square()

    def cost(w):
        error = torch.nn.functional.softplus(-(gain @ w)).sum()
        return error + 3 * (w - 1 / 3).square().sum() / 2

    w = triplet_weights(Z, triplets)
    for _ in range(100):
        near = (w + 0.05 * torch.randn(3, generator=draw).double()).clamp(min=0)
        assert cost(w) <= cost(near) + 1e-6


@pytest.mark.parametrize(
    ("Z", "triplets", "said"),
    [
        (torch.eye(3), torch.zeros(2, 2).long(), "give"),
        (torch.eye(3) / 0, torch.zeros(1, 3).long(), "finite"),
        (torch.eye(3), torch.tensor([[0, 1, 3]]), "from 0 to 2"),
    ],
)
def test_what_is_no_judgement_is_refused(Z, triplets, said):
    with pytest.raises(FairtutorError, match=said):
        triplet_weights(Z, triplets)


def test_answers_are_read_and_set_from_code():
    game = played(8, "age")
    again = DistanceGame(people())
    again.value = game.value
    assert again.value == game.value and len(again.value) == 8
    assert torch.equal(again.weights, game.weights)
    assert again.guessed == game.guessed
    again.value = ()
    assert again.status.startswith("No answer yet")


@pytest.mark.parametrize("answer", [(0, 1), (0, 1, 1), (0, 1, 60), (0, 1, 2.5)])
def test_a_wrong_answer_from_code_is_refused_and_changes_nothing(answer):
    game = played(3, "age")
    before = game.value, game.snapshot()
    with pytest.raises(FairtutorError, match="from 0 to 59"):
        game.value = [(0, 1, 2), answer]
    assert (game.value, game.snapshot()) == before
