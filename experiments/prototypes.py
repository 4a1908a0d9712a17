"""The tables of "Learning Fair Representations" (Zemel et al. 2013) beside ours.

Run ``python experiments/prototypes.py``; it writes
``experiments/results/prototypes.json``. About 8 CPU minutes.

Adult with sex and German credit with age, five random splits into thirds for training,
selection and testing. All features are indicators: categories, and numbers cut at
their quartiles. L-BFGS, ten prototypes, A_x = 0.01, A_y and A_z from a grid of five.
Of the 25 models the one with the least discrimination on the validation rows is kept,
and the one with the largest accuracy minus discrimination. The same is done with
logistic regressions of five penalties.

The paper's accuracy is 1 − mean |y − ŷ| and its discrimination the difference of the
groups' means of ŷ, for any ŷ from 0 to 1. Both are computed for ŷ as it is
("scores") and rounded ("decisions"): the constant that is right most often has another
accuracy in each.
"""

import argparse
import math
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from fairtutor import load
from fairtutor.audit.ynn import consistency
from fairtutor.producers import Task, prototypes
from fairtutor.producers.prototypes import SMOOTHINGS, rows_of, untrained
from fairtutor.results import save_result, spread
from fairtutor.training import fit_full_batch, seeded

SETS = {"adult": "sex", "german": "age_group"}
SPLITS = 5
GRID = (0.1, 0.5, 1.0, 5.0, 10.0)
PENALTIES = (0.001, 0.01, 0.1, 1.0, 10.0)
EPOCHS = 12
SMOOTHED = [{"smoothing": smoothing} for smoothing in SMOOTHINGS]
SELECTIONS = {
    "minimum discrimination": lambda found: -found["discrimination"],
    "maximum difference": lambda found: found["accuracy"] - found["discrimination"],
}
PUBLISHED = {  # accuracy, discrimination, consistency where it is quoted
    "adult": {
        "minimum discrimination": {
            "logistic regression": [0.6787, 0.1892],
            "LFR": [0.7023, 0.0006],
        },
        "maximum difference": {
            "logistic regression": [0.7931, 0.1960, 0.7297],
            "LFR": [0.7721, 0.0020, 0.8108],
        },
    },
    "german": {
        "minimum discrimination": {"LFR": [0.5909, 0.0042]},
        "maximum difference": {"LFR": [0.6708, 0.0302, 0.9408]},
    },
}
NOTES = [
    "On Adult the published rows of the maximum difference are near ours for scores, "
    "not for decisions, as if the paper's accuracy counted probabilities, which its "
    "formula allows. So is LFR's published consistency, Eq. 15 as printed, without "
    "the mean; that of the logistic regression is near none of ours. By these measures "
    "a constant score has an accuracy of 0.63 and a consistency of 0.80.",
    "On German credit a test part has 333 people, about 50 under 25: a discrimination "
    "of some thousandths cannot be told from several hundredths. The published 0.5909 "
    "is near a constant score's 0.58, and 0.9408 above LFR's consistency in all ours.",
    "Logistic regression depends on the penalties tried: a large one makes it nearly "
    "constant. How the paper regularised it, made indicators of numbers and cut the "
    "rows into parts is not known here; that the quoted consistency belongs to the "
    "maximum difference is assumed. Its naive Bayes and Kamishima's are left out.",
    "The paper gives each group weights α of its own; ours are shared, so that the "
    "encoder does not look at the group. The losses are means over rows; as sums, A_z "
    "up to 10 would not matter beside thousands of rows.",
    "The group difference is minimised smoothed; without that the search ends earlier "
    "and higher (see 'smoothing'). Neighbours are among the test rows, ties shared.",
]


@cache
def indicators(name: str) -> tuple[Tensor, Tensor, Tensor, tuple[str, ...]]:
    """Return X of 0 and 1, y, groups and their names, of rows without a gap."""
    import pandas as pd

    dataset = load(name)
    columns = list(dict.fromkeys(dataset.feature_columns))
    table = dataset.table[columns]
    whole = table.notna().all(axis=1).to_numpy()
    table = table[whole]
    parts = []
    for column in columns:
        values = table[column]
        if pd.api.types.is_numeric_dtype(values):
            edges = np.unique(values.quantile([0.25, 0.5, 0.75]))
            values = pd.Series(np.searchsorted(edges, values), name=column)
        parts.append(pd.get_dummies(values).to_numpy(np.float32))
    codes, names = dataset.groups(SETS[name])
    keep = torch.from_numpy(np.flatnonzero(whole))
    X = torch.from_numpy(np.concatenate(parts, axis=1))
    return X, dataset.y[keep], codes[keep], names


def parts_of(n: int, split: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the row numbers to train on, to select by and to test on."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(split))
    return order.tensor_split(3)


def judged(y_hat: Tensor, y: Tensor, groups: Tensor) -> dict[str, float]:
    """Return the paper's accuracy and discrimination, and the mean of ŷ."""
    y_hat = y_hat.double()
    rates = [y_hat[groups == g].mean() for g in (0, 1)]
    return {
        "accuracy": 1 - (y - y_hat).abs().mean().item(),
        "discrimination": (rates[0] - rates[1]).abs().item(),
        "mean": y_hat.mean().item(),
    }


def variants(y_hat: Tensor) -> dict[str, Tensor]:
    return {"decisions": (y_hat > 0.5).double(), "scores": y_hat.double()}


def train_task(name: str, split: int, strength: float) -> Task:
    X, y, groups, _ = indicators(name)
    rows = parts_of(len(X), split)[0]
    return Task(
        X[rows],
        y[rows],
        groups[rows],
        2,
        strength=strength,
        seed=split,
        training={"progress": False},
    )


def lfr(name: str, split: int, A_y: float, A_z: float) -> Tensor:
    """Return ŷ of all rows by one trained model."""
    task = train_task(name, split, A_z)
    made = prototypes(task, A_x=0.01, A_y=A_y, epochs=EPOCHS)
    return made.predict(indicators(name)[0]).clamp(0, 1)


def logistic(name: str, split: int, C: float) -> Tensor:
    from sklearn.linear_model import LogisticRegression

    task = train_task(name, split, 0.0)
    model = LogisticRegression(C=C, max_iter=500)
    model.fit(task.X.numpy(), task.y.numpy())
    X = indicators(name)[0]
    return torch.from_numpy(model.predict_proba(X.numpy())[:, 1]).float()


MODELS = {
    "LFR": (lfr, [{"A_y": A_y, "A_z": A_z} for A_y in GRID for A_z in GRID]),
    "logistic regression": (logistic, [{"C": C} for C in PENALTIES]),
}


def measure(name: str, split: int, method: str, number: int) -> tuple[dict, Tensor]:
    """Train one model; return what it does on validation and test rows, and ŷ."""
    torch.set_num_threads(1)
    make, settings = MODELS[method]
    y_hat = make(name, split, **settings[number])
    _, y, groups, _ = indicators(name)
    _, validation, test = parts_of(len(y), split)
    return settings[number] | {
        part: {
            variant: judged(values[rows], y[rows], groups[rows])
            for variant, values in variants(y_hat).items()
        }
        for part, rows in (("validation", validation), ("test", test))
    }, y_hat[test].numpy()


def select(runs: list[dict], variant: str, selection: str) -> int:
    score = SELECTIONS[selection]
    return max(range(len(runs)), key=lambda i: score(runs[i]["validation"][variant]))


def with_consistency(name: str, split: int, y_hat: np.ndarray, variant: str) -> dict:
    """Return all measures of ŷ on the test rows."""
    torch.set_num_threads(1)
    X, y, groups, _ = indicators(name)
    test = parts_of(len(y), split)[2]
    y_hat = variants(torch.from_numpy(y_hat))[variant]
    found = judged(y_hat, y[test], groups[test])
    for formula in ("mean", "as printed"):
        title = "consistency" + " as printed" * (formula != "mean")
        found[title] = consistency(X[test], y_hat, 5, formula=formula)
    return found


def baselines(name: str, split: int) -> dict[str, dict[str, dict]]:
    """Return the constant predictor and chance, as decisions and as scores."""
    y = indicators(name)[1]
    train, _, test = parts_of(len(y), split)
    coin = torch.rand(len(test), generator=torch.Generator().manual_seed(split))
    says = {
        "constant": {"scores": torch.full_like(coin, y[train].float().mean())},
        "chance": {"scores": torch.full_like(coin, 0.5), "decisions": coin},
    }
    says["constant"]["decisions"] = says["constant"]["scores"]
    return {
        title: {
            variant: with_consistency(name, split, y_hat.numpy(), variant)
            for variant, y_hat in of.items()
        }
        for title, of in says.items()
    }


def stalled(split: int = 0, A_z: float = 50.0) -> dict:
    """Return a search that stops early, saying no to everyone, and one that goes on.

    Both begin where all prototypes are about equally far from everyone, as they are
    under the unsquared distance of several packages, whose default A_z this is. With
    |t| in L_z as printed, L-BFGS soon finds no step that helps.
    """
    torch.set_num_threads(1)
    task = train_task("adult", split, A_z)
    rows, found = rows_of(task), {"A_z": A_z}
    for title, stages in (("as printed", [{}]), ("smoothed", SMOOTHED)):
        objective = untrained(task)
        with seeded(split):
            objective.encoder.V.data.uniform_()
            objective.encoder.log_alpha.data.fill_(math.log(0.03))
        fitted = fit_full_batch(
            objective, rows, epochs=30, stages=stages, progress=False
        )
        found[title] = told(split, objective) | {
            name: fitted[name][-1] for name in ("prediction loss", "group difference")
        }
        objective.smoothing = 0.0
        found[title]["loss"] = objective(*rows)["loss"].item()
    return found


def told(split: int, objective: torch.nn.Module) -> dict[str, dict[str, float]]:
    """Return what the model itself says on test rows, and a user of its z."""
    from sklearn.linear_model import LogisticRegression

    X, y, groups, _ = indicators("adult")
    train, _, test = parts_of(len(X), split)
    with torch.no_grad():
        Z = objective.encoder(X)
        own = Z @ objective.logit_w.sigmoid()
    user = LogisticRegression(C=1.0, max_iter=500).fit(Z[train], y[train])
    by_user = torch.from_numpy(user.predict_proba(Z)[:, 1])
    return {
        title: judged((y_hat[test] > 0.5).double(), y[test], groups[test])
        for title, y_hat in (("its own decisions", own), ("a user's", by_user))
    }


def smoothing_matters(name: str = "adult", seeds: int = 3) -> dict[str, list[float]]:
    """Return the exact objective at the end, with and without smoothed kinks."""
    torch.set_num_threads(1)
    ends: dict[str, list[float]] = {}
    for title, stages in (("smoothed", SMOOTHED), ("as printed", [{}])):
        for seed in range(seeds):
            task = train_task(name, seed, 1.0)
            objective, rows = untrained(task), rows_of(task)
            fit_full_batch(
                objective, rows, epochs=EPOCHS, stages=stages, progress=False
            )
            objective.smoothing = 0.0
            with torch.no_grad():
                ends.setdefault(title, []).append(objective(*rows)["loss"].item())
    return ends


def main() -> None:
    """Measure everything, print the tables and write the result."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--processes", type=int, default=2)
    asked = arguments.parse_args()
    work = [
        (name, split, method, number)
        for name in SETS
        for split in range(SPLITS)
        for method, (_, settings) in MODELS.items()
        for number in range(len(settings))
    ]
    with ProcessPoolExecutor(asked.processes, get_context("spawn")) as pool:
        measured = tqdm(
            pool.map(measure, *zip(*work, strict=True)), total=len(work), unit="model"
        )
        grid: dict[tuple, list[dict]] = {}
        says: dict[tuple, list[np.ndarray]] = {}
        for (name, split, method, _), (run, y_hat) in zip(work, measured, strict=True):
            grid.setdefault((name, split, method), []).append(run)
            says.setdefault((name, split, method), []).append(y_hat)
        early, kinks = pool.submit(stalled), pool.submit(smoothing_matters)
        chosen = [
            (key, select(runs, variant, selection), variant, selection)
            for key, runs in grid.items()
            for variant in ("decisions", "scores")
            for selection in SELECTIONS
        ]
        asked_for = [
            (*key[:2], says[key][number], variant) for key, number, variant, _ in chosen
        ]
        results = tqdm(
            pool.map(with_consistency, *zip(*asked_for, strict=True)),
            total=len(chosen),
            unit="choice",
        )
        found: dict[tuple, list[dict]] = {}
        for (key, number, variant, selection), run in zip(chosen, results, strict=True):
            name, _, method = key
            found.setdefault((name, selection, method, variant), []).append(
                run | MODELS[method][1][number]
            )
        lines = [
            (name, split, pool.submit(baselines, name, split))
            for name in SETS
            for split in range(SPLITS)
        ]
        base: dict[tuple, list[dict]] = {}
        for name, _, line in lines:
            for title, of in line.result().items():
                for variant, run in of.items():
                    base.setdefault((name, title, variant), []).append(run)
    tables = {
        name: {
            selection: {
                method: {
                    variant: spread(found[name, selection, method, variant])
                    for variant in ("decisions", "scores")
                }
                for method in MODELS
            }
            for selection in SELECTIONS
        }
        | {
            title: {v: spread(base[name, title, v]) for v in ("decisions", "scores")}
            for title in ("constant", "chance")
        }
        for name in SETS
    }
    show(tables)
    save_result(
        "prototypes",
        {
            "command": "python experiments/prototypes.py",
            "what": "accuracy, discrimination, consistency on test rows; [mean, "
            "deviation] over five splits",
            "notes": NOTES,
            "published": PUBLISHED,
            "tables": tables,
            "stalled": early.result(),
            "smoothing": kinks.result(),
            "grid, first split": {
                name: {method: grid[name, 0, method] for method in MODELS}
                for name in SETS
            },
        },
    )


def show(tables: dict) -> None:
    """Print the tables, and which published accuracy is below a constant's."""
    for name, table in tables.items():
        for title, of in table.items():
            rows = of if title in SELECTIONS else {title: of}
            for method, by_variant in rows.items():
                for variant, values in by_variant.items():
                    told = ", ".join(
                        f"{k} {m:.4f} ± {s:.4f}" for k, (m, s) in values.items()
                    )
                    print(f"{name}, {title}, {method}, {variant}: {told}")
        constant, score = (
            table["constant"][variant]["accuracy"][0]
            for variant in ("decisions", "scores")
        )
        for selection, published in PUBLISHED[name].items():
            for method, values in published.items():
                beside = "not above" if values[0] <= constant else "above"
                print(
                    f"{name}, {selection}, {method}: published {values}, {beside} the "
                    f"majority class, {constant:.4f}; a constant score has {score:.4f}"
                )


if __name__ == "__main__":
    main()
