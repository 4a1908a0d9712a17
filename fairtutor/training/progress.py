"""The bar over whatever trains."""

from tqdm import tqdm


def bar(
    steps: int, progress: bool | str, *, name: str = "training", unit: str = "epoch"
) -> tqdm:
    """Count steps from 1, with a bar once they take over a second.

    Parameters
    ----------
    steps
        How many.
    progress
        Whether to show the bar; a string names it.
    name
        Of a bar that ``progress`` does not name.
    unit
        What is counted.

    Returns
    -------
    tqdm
        To iterate over, or to ``update``.

    Examples
    --------
    >>> list(bar(3, progress=False))
    [1, 2, 3]
    """
    return tqdm(
        range(1, steps + 1),
        desc=progress if isinstance(progress, str) else name,
        disable=not progress,
        delay=1,
        leave=False,
        unit=unit,
    )
