"""Train twice in a row and save the parameters of process 0; run by test_training.

It takes the folder to write into. FAIRTUTOR_PROCESSES says in how many processes.
"""

import os
import sys
from pathlib import Path

import torch
from torch import nn

from fairtutor.training import fit, seeded


class Objective(nn.Module):
    def __init__(self):
        super().__init__()
        with seeded(3):
            self.net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, X, y):
        return {"loss": ((self.net(X)[:, 0] - y) ** 2).mean()}


def main(folder: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(330, 6, generator=generator)
    y = X[:, 0] * X[:, 1] + 0.1 * torch.randn(330, generator=generator)
    kept = {}
    for name, seed in (("first", 0), ("second", 1)):
        objective = Objective()
        history = fit(
            objective,
            [X, y],
            epochs=4,
            batch_size=32,
            lr=1e-2,
            seed=seed,
            validation=[X[:50], y[:50]],
            patience=3,
            progress=False,
        )
        kept[name] = objective.state_dict()
        kept[f"{name} losses"] = torch.tensor(history["loss"], dtype=torch.float64)
    rank = os.environ.get("LOCAL_RANK", "0")
    (folder / f"pid-{rank}").write_text(str(os.getpid()))
    torch.save(kept, folder / f"kept-{rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
