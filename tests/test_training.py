"""The training loop against a plain one; seeds, stops, processes, and plain errors.

What trains here runs on FAIRTUTOR_DEVICE, where it is set.
"""

import math
import os
import subprocess
import sys
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import psutil
import pytest
import torch
from torch import nn

from fairtutor.exchange import FairtutorError
from fairtutor.training import History, Stopped, device, fit, precision, seeded
from fairtutor.training.device import WORTH_SHARING, threads_for
from fairtutor.training.engine import Alone, engine

SCRIPT = Path(__file__).parent / "two_processes.py"


class Recorder(nn.Module):
    """Pulls b towards the rows' mean and keeps the batches it saw."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.b = nn.Parameter(torch.zeros(()))
        self.batches, self.factor = [], factor

    def forward(self, x, *others):
        if self.training:
            self.batches.append([part.detach().cpu() for part in (x, *others)])
        return {"loss": ((x - self.b) ** 2).mean() * self.factor, "b": self.b.detach()}


class Regression(nn.Module):
    def __init__(self, seed=0):
        super().__init__()
        with seeded(seed):
            self.net = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, X, y):
        return {"loss": ((self.net(X)[:, 0] - y) ** 2).mean()}


def rows(n=100, seed=0):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, 5, generator=generator)
    return X, X[:, 0] - X[:, 1] ** 2


def quiet(objective, tensors, **settings):
    return fit(objective, tensors, **{"epochs": 3, "progress": False} | settings)


# The loop itself.


def by_hand(objective, X, y, *, epochs, batch_size, lr, weight_decay, anneal, seed):
    optimiser = torch.optim.AdamW(
        objective.parameters(), lr=lr, weight_decay=weight_decay
    )
    shuffle = torch.Generator().manual_seed(seed)
    for epoch in range(epochs):
        share = (1 + math.cos(math.pi * epoch / epochs)) / 2 if anneal else 1
        optimiser.param_groups[0]["lr"] = lr * share
        order = torch.randperm(len(X), generator=shuffle)
        for start in range(0, len(X) - batch_size + 1, batch_size):
            batch = order[start : start + batch_size]
            optimiser.zero_grad()
            objective(X[batch], y[batch])["loss"].backward()
            optimiser.step()


@pytest.mark.parametrize("anneal", [False, True])
def test_fit_is_adam_on_shuffled_batches(anneal, monkeypatch):
    monkeypatch.setenv("FAIRTUTOR_DEVICE", "cpu")
    settings = {"epochs": 4, "batch_size": 32, "lr": 0.01, "weight_decay": 0.1}
    settings["anneal"] = anneal
    ours, plain = Regression(), Regression()
    quiet(ours, rows(), seed=5, **settings)
    by_hand(plain, *rows(), seed=5, **settings)
    for mine, its in zip(ours.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(mine, its, rtol=0, atol=1e-6)


def test_one_process_alone_does_what_fabric_does(monkeypatch):
    from lightning_fabric import Fabric

    monkeypatch.setenv("FAIRTUTOR_DEVICE", "cpu")
    settings = {"validation": rows(20, seed=1), "patience": 2, "anneal": True}
    alone, wrapped = Regression(), Regression()
    history = quiet(alone, rows(), batch_size=32, **settings)
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    monkeypatch.setattr(sys.modules[fit.__module__], "engine", lambda: fabric)
    again = quiet(wrapped, rows(), batch_size=32, **settings)
    assert isinstance(engine(), Alone)
    assert again["loss"] == pytest.approx(history["loss"], abs=1e-6)
    for mine, its in zip(alone.parameters(), wrapped.parameters(), strict=True):
        assert torch.allclose(mine, its, rtol=0, atol=1e-6)


def test_batches_hold_every_row_at_most_once_and_whole():
    x = torch.arange(100.0)
    objective = Recorder()
    quiet(objective, [x, 10 * x, -x.long()], epochs=4, batch_size=32)
    assert len(objective.batches) == 4 * 3
    epochs = [objective.batches[3 * e : 3 * e + 3] for e in range(4)]
    orders = []
    for epoch in epochs:
        seen = torch.cat([first for first, *_ in epoch])
        assert [len(first) for first, *_ in epoch] == [32] * 3
        assert len(seen.unique()) == 96
        orders.append(tuple(seen.tolist()))
        for first, second, third in epoch:
            assert torch.equal(second, 10 * first)
            assert torch.equal(third, -first.long())
    assert len(set(orders)) == 4, "each epoch has an order of its own"
    everyone = {row for order in orders for row in order}
    assert len(everyone) == 100, "the rows left over change from epoch to epoch"


def test_fewer_rows_than_a_batch_are_one_batch():
    objective = Recorder()
    quiet(objective, [torch.arange(10.0)], epochs=2, batch_size=256)
    assert [len(x) for (x,) in objective.batches] == [10, 10]


def test_the_seed_fixes_the_order_and_nothing_else_does():
    same, again, other = Regression(), Regression(), Regression()
    quiet(same, rows(), batch_size=16, seed=1)
    torch.manual_seed(99)
    quiet(again, rows(), batch_size=16, seed=1)
    quiet(other, rows(), batch_size=16, seed=2)
    for a, b, c in zip(*(m.parameters() for m in (same, again, other)), strict=True):
        assert torch.equal(a, b) or device().type != "cpu"
        assert not torch.equal(a, c)


def test_the_networks_come_back_on_the_cpu_ready_to_use():
    objective = Regression()
    quiet(objective, rows())
    assert not objective.training
    assert {p.device.type for p in objective.parameters()} == {"cpu"}


def test_losses_are_the_means_of_the_epochs_batches():
    objective = Recorder()
    history = quiet(objective, [torch.arange(96.0)], epochs=1, batch_size=32, lr=0)
    expected = [((x - 0) ** 2).mean().item() for (x,) in objective.batches]
    assert history["loss"] == pytest.approx([sum(expected) / 3], rel=1e-2)
    assert history.names == ["loss", "b"]


def test_on_epoch_hears_of_each_epoch_as_it_ends():
    heard = []
    history = quiet(
        Recorder(), [torch.ones(8)], validation=[torch.ones(4)], on_epoch=heard.append
    )
    assert [(said["epoch"], said["epochs"]) for said in heard] == [
        (1, 3),
        (2, 3),
        (3, 3),
    ]
    assert set(heard[0]) == {"loss", "b", "validation loss", "epoch", "epochs"}
    assert [said["loss"] for said in heard] == history["loss"]
    assert "epoch" not in history.names


def test_early_stopping_keeps_the_best_weights():
    """b walks from 0 towards 1, past the validation rows at .5."""
    objective = Recorder()
    validation = [torch.full((8,), 0.5)]
    history = quiet(
        objective,
        [torch.ones(64)],
        epochs=100,
        lr=0.06,
        validation=validation,
        patience=4,
    )
    losses = history["validation loss"]
    assert history.best_epoch == losses.index(min(losses)) + 1
    assert len(history) == history.best_epoch + 4 < 100
    kept = objective(*validation)["loss"].item()
    assert kept == pytest.approx(min(losses), abs=1e-3 if device().type != "cpu" else 0)
    assert abs(objective.b.item() - 0.5) < 0.06


def test_the_best_of_all_epochs_is_kept_even_without_a_stop():
    objective = Recorder()
    history = quiet(
        objective,
        [torch.ones(64)],
        epochs=14,
        lr=0.06,
        validation=[torch.full((8,), 0.5)],
        patience=50,
    )
    assert len(history) == 14
    assert history.best_epoch < 14
    assert abs(objective.b.item() - 0.5) < 0.06


def test_validation_without_patience_keeps_the_last_weights():
    objective = Recorder()
    history = quiet(
        objective, [torch.ones(64)], epochs=40, lr=0.06, validation=[torch.zeros(8)]
    )
    assert history.best_epoch is None
    assert len(history) == 40
    assert objective.b.item() > 0.9


# Stopping and plain errors.


def test_stop_is_heard_within_one_step():
    stop, objective = Event(), Recorder()
    objective.register_forward_hook(
        lambda *_: stop.set() if len(objective.batches) == 5 else None
    )
    with pytest.raises(Stopped):
        quiet(objective, [torch.ones(100)], batch_size=1, stop=stop)
    assert len(objective.batches) == 5


def test_stop_between_epochs():
    stop, heard = Event(), []

    def on_epoch(said):
        heard.append(said)
        stop.set()

    with pytest.raises(Stopped):
        quiet(Recorder(), [torch.ones(8)], stop=stop, on_epoch=on_epoch)
    assert len(heard) == 1


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_named(factor):
    with pytest.raises(FairtutorError, match=f"The loss became {factor} in epoch 1"):
        quiet(Recorder(factor), [torch.ones(8)])


def test_a_validation_loss_that_is_no_number_is_named():
    with pytest.raises(FairtutorError, match="The validation loss became nan"):
        quiet(Recorder(), [torch.ones(8)], validation=[torch.full((3,), math.nan)])


@pytest.mark.parametrize(
    ("tensors", "settings", "said"),
    [
        ([torch.ones(8)], {"patience": 2}, "patience needs validation rows"),
        ([torch.ones(8)], {"epochs": 0}, "epochs is 0; use a whole number from 1"),
        ([torch.ones(8)], {"batch_size": 0}, "batch_size is 0"),
        ([], {}, r"The rows come in tensors of \[\] entries"),
        ([torch.ones(0)], {}, r"The rows come in tensors of \[0\] entries"),
        ([torch.ones(8), torch.ones(9)], {}, r"tensors of \[8, 9\] entries"),
        ([torch.ones(8)], {"validation": [torch.ones(0)]}, "The validation rows come"),
    ],
)
def test_what_does_not_fit_is_named(tensors, settings, said):
    with pytest.raises(FairtutorError, match=said):
        quiet(Recorder(), tensors, **settings)


def test_a_batch_is_shared_equally_or_not_at_all():
    batches = sys.modules[fit.__module__]._batches
    shuffle = torch.Generator().manual_seed(0)
    two = [
        SimpleNamespace(world_size=2, global_rank=rank, device="cpu") for rank in (0, 1)
    ]
    with pytest.raises(FairtutorError, match="A batch of 5 rows cannot be shared"):
        next(batches(two[0], [torch.ones(8)], 5, shuffle))
    x = torch.arange(22.0)
    shares = [
        [b[0] for b in batches(one, [x], 8, torch.Generator().manual_seed(0))]
        for one in two
    ]
    assert [len(b) for b in shares[0] + shares[1]] == [4] * 4
    together = torch.cat(shares[0] + shares[1])
    assert len(together.unique()) == 16
    order = torch.randperm(22, generator=torch.Generator().manual_seed(0))[:16]
    joined = [torch.cat(pair) for pair in zip(*shares, strict=True)]
    assert torch.equal(torch.cat(joined), x[order])


def test_progress_is_silent_on_request_and_for_a_moment(capsys):
    quiet(Recorder(), [torch.ones(8)])
    fit(Recorder(), [torch.ones(8)], epochs=1, progress="a name")
    assert "a name" not in capsys.readouterr().err


# Seeds, devices, threads.


def test_seeded_draws_from_the_seed_and_leaves_no_trace():
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    with seeded(7):
        inside = torch.rand(3)
        with seeded(8):
            torch.rand(5)
        then = torch.rand(3)
    assert torch.equal(torch.rand(2), expected)
    with seeded(7):
        assert torch.equal(torch.cat([inside, then]), torch.rand(6))
    with seeded(8):
        assert not torch.equal(torch.rand(3), inside)


def test_seeded_leaves_no_trace_after_an_error():
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    with pytest.raises(RuntimeError), seeded(7):
        torch.rand(1)
        raise RuntimeError
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("cudda", "FAIRTUTOR_DEVICE is 'cudda'. Did you mean 'cuda'?"),
        ("cuda", "asks for 'cuda', which this machine's torch does not see"),
        ("mps", "asks for 'mps', which this machine's torch does not see"),
    ],
)
def test_a_device_that_is_not_there_is_named(wanted, said, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("FAIRTUTOR_DEVICE", wanted)
    with pytest.raises(FairtutorError) as error:
        device()
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_fastest_device_there_is_chosen(cuda, mps, chosen, monkeypatch):
    monkeypatch.delenv("FAIRTUTOR_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device().type == chosen
    monkeypatch.setenv("FAIRTUTOR_DEVICE", "CPU")
    assert device().type == "cpu"


def test_precision_is_mixed_on_gpus_only(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    gpu = torch.device("cuda")
    assert precision(gpu) == "bf16-mixed"
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert precision(gpu) == "16-mixed"
    for name in ("cpu", "mps"):
        assert precision(torch.device(name)) == "32-true"


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_small_steps_take_one_thread_and_give_the_others_back():
    with threads_for(WORTH_SHARING - 1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with threads_for(WORTH_SHARING):
        assert torch.get_num_threads() == 2
    with pytest.raises(FairtutorError):
        quiet(Recorder(math.nan), [torch.ones(8)])
    with pytest.raises(Stopped):
        stop = Event()
        stop.set()
        quiet(Recorder(), [torch.ones(8)], stop=stop)
    assert torch.get_num_threads() == 2


def test_a_history_shows_its_curves_and_an_empty_one_says_why():
    history = History([{"loss": 0.9}, {"loss": 0.5}])
    assert (len(history), history.names, history["loss"]) == (2, ["loss"], [0.9, 0.5])
    assert "loss" in history._repr_html_()
    assert "<img" in history._repr_html_()
    assert "0.5" in repr(history)
    assert "closed form" in History()._repr_html_()
    assert (len(History()), History().names) == (0, [])


# Several processes.


def run_script(folder, processes, **environment):
    folder.mkdir()
    threads = {"OMP_NUM_THREADS": "1", "FAIRTUTOR_DEVICE": "cpu"}
    process = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)],
        env={**os.environ, **threads, "FAIRTUTOR_PROCESSES": processes, **environment},
        capture_output=True,
        text=True,
        timeout=90,
    )
    return process


def test_two_processes_give_the_result_of_one(tmp_path):
    """Also for a second training in the same script; and no process stays behind."""
    for name, processes in (("one", "1"), ("two", "2")):
        done = run_script(tmp_path / name, processes)
        assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "one").glob("pid-*"))) == 1
    pids = [int(path.read_text()) for path in (tmp_path / "two").glob("pid-*")]
    assert len(set(pids)) == 2
    one = torch.load(tmp_path / "one" / "kept-0.pt")
    for rank in (0, 1):
        two = torch.load(tmp_path / "two" / f"kept-{rank}.pt")
        for name in ("first", "second"):
            for key, value in one[name].items():
                assert torch.allclose(value, two[name][key], rtol=0, atol=1e-6)
            losses = one[f"{name} losses"], two[f"{name} losses"]
            assert torch.allclose(*losses, rtol=0, atol=1e-6)
    assert not torch.equal(one["first"]["net.0.bias"], one["second"]["net.0.bias"])
    _, alive = psutil.wait_procs(
        [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=10
    )
    assert not alive


@pytest.mark.parametrize("wanted", ["two", "0", "-1", "1.5"])
def test_a_number_of_processes_that_is_none_is_named(wanted, monkeypatch):
    monkeypatch.setenv("FAIRTUTOR_PROCESSES", wanted)
    with pytest.raises(FairtutorError, match=f"FAIRTUTOR_PROCESSES is '{wanted}'"):
        quiet(Recorder(), [torch.ones(8)])
