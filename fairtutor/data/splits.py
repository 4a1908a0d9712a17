"""Disjoint splits that stay the same on every machine and in every version."""

from collections.abc import Mapping

import numpy as np

from ..exchange.errors import FairtutorError

TRAINING = ("encoder", "train")
FIXED = ("encoder", "train", "validation", "test")
MAX_DRAWS = 1000


def is_audit(split: str) -> bool:
    """Return whether a split of this name is one of the regulator's batches.

    Examples
    --------
    >>> is_audit("audit 2"), is_audit("train")
    (True, False)
    """
    return split.startswith("audit ")


def default_sizes(n: int, audits: int | None = None) -> dict[str, int]:
    """Share ``n`` rows out.

    25% encoder, 30% train, 7% validation, 30% audit, the rest test.

    Parameters
    ----------
    n
        Number of rows.
    audits
        Number of audit batches; by default one for every 500 rows, 1 to 5.

    Returns
    -------
    dict
        Sizes by split name, which add up to ``n``.

    Raises
    ------
    FairtutorError
        If ``audits`` is no whole number, or a split would be empty.

    Examples
    --------
    >>> default_sizes(1000)["audit 2"]
    150
    >>> sum(default_sizes(777, audits=4).values())
    777
    """
    audits = min(max(n // 500, 1), 5) if audits is None else audits
    if isinstance(audits, bool) or not isinstance(audits, int) or audits < 1:
        raise FairtutorError(
            f"audits={audits!r}: the number of audit batches is a whole number, 1 or "
            "more."
        )
    shares = {"encoder": 0.25, "train": 0.30, "validation": 0.07}
    sizes = {split: int(share * n) for split, share in shares.items()}
    batches = {f"audit {k}": int(0.3 * n / audits) for k in range(1, audits + 1)}
    sizes["test"] = n - sum(sizes.values()) - sum(batches.values())
    sizes |= batches
    if min(sizes.values()) < 1:
        raise FairtutorError(
            f"{n} rows are too few for {len(sizes)} splits: {audits} audit batches "
            "leave at least one split empty. Give more rows or fewer audits."
        )
    return sizes


def check_sizes(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Return ``sizes`` as a dict, refusing what does not share out exactly ``n`` rows.

    Raises
    ------
    FairtutorError
        If a split is missing or unknown, a size is no positive whole number, or the
        sizes do not add up to ``n``.

    Examples
    --------
    >>> check_sizes(dict(encoder=3, train=3, validation=1, test=1), 9)
    Traceback (most recent call last):
        ...
    fairtutor.exchange.errors.FairtutorError: The split sizes add up to 8, but there \
are 9 rows; every row belongs to exactly one split.
    """
    batches = sum(is_audit(split) for split in sizes)
    expected = [*FIXED, *(f"audit {k}" for k in range(1, batches + 1))]
    missing = [split for split in expected if split not in sizes]
    unknown = [split for split in sizes if split not in expected]
    if missing or unknown:
        raise FairtutorError(
            f"The splits must be named {', '.join(map(repr, expected))}; "
            f"missing: {missing}, not known: {unknown}."
        )
    for split, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise FairtutorError(
                f"Split {split!r} has size {size!r}; a size is a whole number, 1 or "
                "more."
            )
    total = sum(sizes.values())
    if total != n:
        raise FairtutorError(
            f"The split sizes add up to {total}, but there are {n} rows; every row "
            "belongs to exactly one split."
        )
    return {split: sizes[split] for split in expected}


def permutation(n: int, seed: int, draw: int = 0) -> np.ndarray:
    """Return a uniformly random order of ``n`` rows.

    It sorts the raw output of NumPy's PCG64: NumPy promises that this stream never
    changes (NEP 19), which neither ``numpy.random.Generator.permutation`` nor
    ``torch.randperm`` promise across versions.

    Parameters
    ----------
    n
        Number of rows.
    seed, draw
        Non-negative whole numbers; each pair gives an order of its own.

    Returns
    -------
    ndarray of int64, shape (n,)

    Examples
    --------
    >>> permutation(6, seed=0).tolist()
    [3, 2, 1, 0, 4, 5]
    """
    keys = np.random.PCG64(np.random.SeedSequence([seed, draw])).random_raw(n)
    return np.argsort(keys, kind="stable")


def draw_splits(
    sizes: Mapping[str, int],
    codes: np.ndarray,
    attributes: tuple,
    seed: int,
) -> dict[str, np.ndarray]:
    """Cut a random order of the rows into splits, each with a row of every group.

    An order in which some split lacks a group is thrown away and the next one drawn,
    so the result is uniform among all ways to split that leave no group out.

    Parameters
    ----------
    sizes
        Rows per split; they add up to n.
    codes
        Group codes, shape (n, a).
    attributes
        The a attributes, for their names and groups.
    seed
        Non-negative whole number.

    Returns
    -------
    dict
        Sorted row numbers (int64) by split name; disjoint, and together all rows.

    Raises
    ------
    FairtutorError
        If a group is too small to have a row in every split; names the attribute, the
        group and a split.

    Examples
    --------
    >>> draw_splits({"train": 3, "test": 2}, np.empty((5, 0), int), (), seed=0)
    {'train': array([1, 2, 3]), 'test': array([0, 4])}
    """
    n = len(codes)
    split_of_position = np.repeat(np.arange(len(sizes)), list(sizes.values()))
    split_of_row = np.empty(n, dtype=np.int64)
    first_gap = None
    for draw in range(MAX_DRAWS):
        split_of_row[permutation(n, seed, draw)] = split_of_position
        gap = find_gap(split_of_row, list(sizes), codes, attributes)
        if gap is None:
            return {
                split: np.flatnonzero(split_of_row == k)
                for k, split in enumerate(sizes)
            }
        first_gap = first_gap or gap
        if first_gap[-1] < len(sizes):
            break
    attribute, group, split, rows = first_gap
    raise FairtutorError(
        f"Group {group!r} of {attribute!r} has {rows} rows, too few for a row in each "
        f"of the {len(sizes)} splits; split {split!r} has none. Merge {group!r} with "
        "another group, leave these rows out, or ask for fewer audit batches "
        "(audits=...)."
    )


def find_gap(
    split_of_row: np.ndarray, splits: list[str], codes: np.ndarray, attributes: tuple
) -> tuple[str, str, str, int] | None:
    """Return the rarest group that some split lacks, or None if there is none.

    Returns
    -------
    tuple or None
        Attribute, group, split, number of rows of the group.

    Examples
    --------
    >>> from fairtutor.data import Attribute
    >>> sex = Attribute("sex", ("Female", "Male"))
    >>> codes = np.array([[0], [1], [1]])
    >>> find_gap(np.array([0, 0, 1]), ["train", "test"], codes, (sex,))
    ('sex', 'Female', 'test', 1)
    """
    gaps = []
    for column, attribute in enumerate(attributes):
        width = len(attribute.groups)
        cells = split_of_row * width + codes[:, column]
        counts = np.bincount(cells, minlength=len(splits) * width)
        counts = counts.reshape(len(splits), width)
        for split, group in zip(*np.nonzero(counts == 0), strict=True):
            rows = int(counts[:, group].sum())
            gaps.append((attribute.name, attribute.groups[group], splits[split], rows))
    return min(gaps, key=lambda gap: gap[-1], default=None)
