"""How a data set shows itself in a notebook."""

from html import escape

import torch

from ..exchange.html import table
from .dataset import Dataset
from .splits import is_audit

BORDER = "border-left:4px solid #777;padding:.2em 0 .2em .8em;margin:.4em 0"


def card(dataset: Dataset) -> str:
    """Return HTML: what a row is, outcomes, groups, splits, licence, criticism.

    Parameters
    ----------
    dataset
        Any data set; every name in it is escaped.

    Returns
    -------
    str

    Examples
    --------
    >>> from fairtutor.data import load
    >>> "16,192" in card(load("adult")), "Ding et al. 2021" in card(load("adult"))
    (True, True)
    """
    facts = [
        ("a row is", dataset.row_is),
        ("size", f"{len(dataset):,} rows, {dataset.X.shape[1]} features"),
        (f"outcome ({dataset.target})", outcomes(dataset)),
        *(
            (attribute.name, groups(dataset, attribute.name))
            for attribute in dataset.attributes
        ),
        ("splits", splits(dataset)),
        ("source", dataset.source),
        ("licence", dataset.licence),
        ("known criticism", dataset.criticism),
    ]
    return (
        f'<div style="{BORDER}"><strong>{escape(dataset.title)}</strong>'
        + table(("data set", dataset.name), [fact for fact in facts if fact[1]])
        + "</div>"
    )


def outcomes(dataset: Dataset) -> str:
    """Return the outcomes with their share of the rows.

    Examples
    --------
    >>> from fairtutor.data import load
    >>> outcomes(load("german"))
    'bad 30.0%, good 70.0% (positive)'
    """
    counts = torch.bincount(dataset.y, minlength=len(dataset.outcomes)).tolist()
    shares = [
        f"{outcome} {count / len(dataset):.1%}"
        for outcome, count in zip(dataset.outcomes, counts, strict=True)
    ]
    if len(shares) == 2:
        shares[1] += " (positive)"
    return ", ".join(shares)


def groups(dataset: Dataset, attribute: str) -> str:
    """Return the groups of a sensitive attribute, with how many rows each has.

    Examples
    --------
    >>> from fairtutor.data import load
    >>> groups(load("adult"), "sex")
    'Female 16,192, Male 32,650'
    """
    codes, labels = dataset.groups(attribute)
    counts = torch.bincount(codes, minlength=len(labels)).tolist()
    return ", ".join(
        f"{label} {count:,}" for label, count in zip(labels, counts, strict=True)
    )


def splits(dataset: Dataset) -> str:
    """Return the splits with their sizes, the audit batches as one.

    Examples
    --------
    >>> from fairtutor.data import load
    >>> splits(load("german"))
    'encoder 250, train 350, validation 100, test 100, audit batches 100 + 100'
    """
    sizes = {split: f"{len(rows):,}" for split, rows in dataset.splits.items()}
    parts = [f"{split} {size}" for split, size in sizes.items() if not is_audit(split)]
    audits = [size for split, size in sizes.items() if is_audit(split)]
    if audits:
        parts.append(f"audit batches {' + '.join(audits)}")
    return ", ".join(parts)
