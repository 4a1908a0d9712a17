"""Standardised numbers, measured on the rows that may be learned from."""

import numpy as np


def standardise(numeric: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Scale columns to mean 0 and standard deviation 1 on the reference rows.

    Parameters
    ----------
    numeric : ndarray of float64, shape (n, k)
        Raw numbers; NaN is missing and becomes the median of the reference rows.
    reference : ndarray of int64
        The rows that mean, standard deviation (over all of them, not n − 1) and median
        are taken from.

    Returns
    -------
    ndarray of float64, shape (n, k)
        A column that is constant, or missing, on the reference rows becomes 0.

    Examples
    --------
    >>> x = np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, 5.0], [5.0, 7.0]])
    >>> standardise(x, np.array([0, 1])).T.tolist()
    [[-1.0, 1.0, 0.0, 3.0], [0.0, 0.0, 0.0, 0.0]]
    """
    known = ~np.isnan(numeric[reference])
    medians = [
        np.median(column[mask]) if mask.any() else 0.0
        for column, mask in zip(numeric[reference].T, known.T, strict=True)
    ]
    filled = np.where(np.isnan(numeric), medians, numeric)
    mean, std = filled[reference].mean(axis=0), filled[reference].std(axis=0)
    constant = std <= 1e-12 * np.abs(filled[reference]).max(axis=0)
    return np.where(constant, 0.0, (filled - mean) / np.where(constant, 1.0, std))
