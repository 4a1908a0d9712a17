"""``fairtutor loop``: three rounds of the closed loop, over several seeds."""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from tqdm import tqdm

from .audit import accuracy_and_gap
from .data import Dataset, load
from .data.splits import is_audit
from .entities import ClosedLoop, DataProducer, DataUser, Round
from .exchange import Criterion, FairnessCriteria, FairtutorError

METHODS = ("identity", "erasure", "adversarial")


@dataclass(frozen=True)
class Outcome:
    """A round's accuracy and gap on the test rows, the same rows for every round."""

    method: str
    seed: int
    accuracy: float
    gap: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``fairtutor loop``."""
    parser.add_argument("--data", default="adult", help="a data set (default: adult)")
    parser.add_argument(
        "--attribute", help="whose groups are compared (default: first)"
    )
    parser.add_argument(
        "--model", default="mlp", help="the user's: logistic, mlp or trees"
    )
    parser.add_argument(
        "--tolerance", type=float, default=0.1, help="of the gap (default: 0.1)"
    )
    parser.add_argument(
        "--seeds", type=int, default=5, help="how many seeds (default: 5)"
    )
    parser.add_argument("--json", type=Path, help="where the rounds are written")


def run(args: argparse.Namespace) -> int:
    """Go round, print the first seed's reports and all seeds' spread, write JSON."""
    path = args.json or Path(f"fairtutor-loop-{args.data}.json")
    _require_runnable(args.seeds, path)
    dataset = with_batches(load(args.data), len(METHODS))
    attribute = args.attribute or first_attribute(dataset)
    criteria = default_criteria(attribute, args.tolerance)
    loops, outcomes = [], []
    steps = tqdm(total=args.seeds * len(METHODS), unit="round", leave=False)
    for seed in range(args.seeds):
        loop = ClosedLoop(dataset, criteria)
        for method in METHODS:
            steps.set_description(f"seed {seed}, {method}")
            round_ = loop.round(
                DataProducer(method, seed=seed),
                DataUser(args.model, seed=seed),
                progress=False,
            )
            outcomes.append(Outcome(method, seed, *on_test(dataset, round_, attribute)))
            steps.update()
        loops.append(loop)
    steps.close()
    print(f"{dataset.title}: {len(dataset):,} rows. The rounds of seed 0:\n")
    for round_ in loops[0].rounds:
        print(f"{round_!r}\n")
    print(summary(dataset, outcomes, attribute))
    seeds = [json.loads(loop.to_json()) for loop in loops]
    path.write_text(json.dumps(seeds, indent=2, ensure_ascii=False), encoding="utf-8")
    print(f"\nAll rounds of all seeds: {path}")
    return 0


def with_batches(dataset: Dataset, rounds: int) -> Dataset:
    """Return the data with at least so many audit batches, for one batch a round.

    Parameters
    ----------
    dataset
        Its audit rows are shared out anew if it has fewer batches.
    rounds
        How many batches are needed.

    Returns
    -------
    Dataset
        The other splits are the same.

    Examples
    --------
    >>> german = with_batches(load("german"), 3)
    >>> [len(german.splits[f"audit {k}"]) for k in (1, 2, 3)]
    [66, 67, 67]
    """
    if dataset.num_audits >= rounds:
        return dataset
    sizes = {split: len(rows) for split, rows in dataset.splits.items()}
    pool = sum(sizes.pop(split) for split in list(sizes) if is_audit(split))
    ends = [pool * k // rounds for k in range(rounds + 1)]
    sizes |= {f"audit {k}": ends[k] - ends[k - 1] for k in range(1, rounds + 1)}
    return dataset.resplit(sizes)


def default_criteria(
    attribute: str, tolerance: float = 0.1, rounds: int = len(METHODS)
) -> FairnessCriteria:
    """Return the criteria of the command: a group gap, consistency and accuracy.

    Parameters
    ----------
    attribute
        Whose groups are compared.
    tolerance
        Of the selection rate difference.
    rounds
        How many audits share the error budget.

    Returns
    -------
    FairnessCriteria

    Examples
    --------
    >>> [criterion.metric for criterion in default_criteria("sex").criteria]
    ['selection_rate_difference', 'consistency', 'accuracy']
    """
    return FairnessCriteria(
        (
            Criterion("selection_rate_difference", tolerance, attribute),
            Criterion("consistency", 0.8),
            Criterion("accuracy", 0.6),
        ),
        name=f"equal selection by {attribute}",
        rounds=rounds,
    )


def on_test(dataset: Dataset, round_: Round, attribute: str) -> tuple[float, float]:
    """Return a round's accuracy and selection rate difference on the test rows."""
    rows = dataset.rows("test")
    decisions = round_.scores(rows.X) >= round_.criteria.threshold
    codes, names = dataset.groups(attribute)
    return accuracy_and_gap(rows.y, decisions, codes[rows.index], len(names))


def summary(dataset: Dataset, outcomes: list[Outcome], attribute: str) -> str:
    """Return a table of methods, mean ± standard deviation over seeds."""
    y = dataset.rows("test").y.double().mean().item()
    lines = [
        f"On the {len(dataset.splits['test']):,} test rows, mean ± standard deviation "
        f"over {len({o.seed for o in outcomes})} seeds:",
        f"  {'':<20}{'accuracy':>16}{f'gap by {attribute}':>18}",
    ]
    for method in METHODS:
        chosen = [o for o in outcomes if o.method == method]
        accuracy, gap = [o.accuracy for o in chosen], [o.gap for o in chosen]
        lines.append(f"  {method:<20}{_spread(accuracy):>16}{_spread(gap):>18}")
    lines.append(f"  {'constant predictor':<20}{max(y, 1 - y):>16.3f}{0:>18.3f}")
    return "\n".join(lines)


def _require_runnable(seeds: int, path: Path) -> None:
    """Refuse before anything is trained what would fail after it."""
    if seeds < 1:
        raise FairtutorError(f"--seeds is {seeds}; use a whole number from 1.")
    if not path.parent.is_dir():
        raise FairtutorError(
            f"There is no folder {str(path.parent)!r} to write {path.name!r} into."
        )


def first_attribute(dataset: Dataset) -> str:
    """Return the attribute whose groups are compared where none is named.

    Raises
    ------
    FairtutorError
        The data have none.
    """
    if not dataset.attributes:
        raise FairtutorError(
            f"{dataset.name!r} has no sensitive attribute whose groups could be "
            "compared. Name other data, such as --data adult."
        )
    return dataset.attributes[0].name


def _spread(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{mean(values):.3f} ± {stdev(values):.3f}"
