"""``fairtutor red-team``: every attack on a data set, and what the regulator says."""

import argparse
from pathlib import Path

from ..data import load
from ..exchange import FairtutorError
from . import ATTACKS, channels
from .bench import Bench, run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``fairtutor red-team``."""
    parser.add_argument("--data", default="adult", help="a data set (default: adult)")
    parser.add_argument(
        "--attribute", default="sex", help="of two groups, to hide (default: sex)"
    )
    parser.add_argument(
        "--html", type=Path, help="where the table is written as a page"
    )


def attack(args: argparse.Namespace) -> int:
    """Try every attack, print the table, and write it if asked to."""
    if args.html is not None and not args.html.parent.is_dir():
        raise FairtutorError(f"There is no folder {str(args.html.parent)!r}.")
    dataset = load(args.data)
    bench = Bench(dataset, args.attribute, rounds=min(5, dataset.num_audits))
    channels.innocent_columns(bench), channels.secret_column(bench)  # or say why not
    attempts = run(bench, ATTACKS)
    print(f"{dataset.title}: {len(attempts.attempts)} attacks\n\n{attempts}")
    if args.html is not None:
        page = f'<!doctype html><meta charset="utf-8">{attempts._repr_html_()}'
        args.html.write_text(page, encoding="utf-8")
        print(f"\nThe table as a page: {args.html}")
    return 0
