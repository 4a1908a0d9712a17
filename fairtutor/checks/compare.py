"""Whether two values are the same, and how a value is shown in a message."""

import numbers
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

SHOWN = 24  # numbers of a tensor; of a larger one only its shape is said


def same(got: object, want: object, tolerance: float) -> bool:
    """Return whether a value is what was wanted, up to rounding.

    Parameters
    ----------
    got
        Anything.
    want
        A number, a truth value, a word, a tensor, or a tuple, list or mapping of these.
        Arrays and tensors of any precision count as the same; shapes must agree.
    tolerance
        Of each number, absolute and relative.

    Examples
    --------
    >>> same(np.float32(0.1), 0.1, 1e-6), same(torch.ones(2, 1), torch.ones(2), 1e-6)
    (True, False)
    """
    if isinstance(want, str):
        return isinstance(got, str) and got == want
    if isinstance(want, Mapping):
        return (
            isinstance(got, Mapping)
            and got.keys() == want.keys()
            and all(same(got[key], want[key], tolerance) for key in want)
        )
    if isinstance(want, tuple | list):
        if isinstance(got, Tensor | np.ndarray) and got.ndim:
            got = list(got)
        return (
            isinstance(got, tuple | list)
            and len(got) == len(want)
            and all(same(a, b, tolerance) for a, b in zip(got, want, strict=True))
        )
    got, want = as_numbers(got), as_numbers(want)
    if got is None or want is None or got.shape != want.shape:
        return False
    close = torch.isclose(got, want, rtol=tolerance, atol=tolerance, equal_nan=True)
    return bool(close.all())


def describe(value: object) -> str:
    """Return how a message shows a value: short ones whole, long ones by their shape.

    Examples
    --------
    >>> describe(torch.tensor([[0.123456, 2.0]])), describe(torch.ones(9, 9))
    ('[[0.1235, 2]]', 'a tensor of shape (9, 9)')
    """
    if isinstance(value, str):
        return repr(value)
    if callable(value) and not isinstance(value, Tensor):
        return "a function"
    if isinstance(value, Mapping):
        parts = [f"{key!r}: {describe(item)}" for key, item in value.items()]
        return f"{{{', '.join(parts)}}}"
    if isinstance(value, tuple | list) and not _is_numeric_list(value):
        return f"({', '.join(describe(item) for item in value)})"
    found = as_numbers(value)
    if found is None:
        return f"{value!r}"[:200]
    if found.ndim == 0:
        whole = isinstance(value, bool | int)
        return str(value) if whole else f"{float(found):.4g}" + _point(found)
    if found.numel() > SHOWN:
        return f"a tensor of shape {tuple(found.shape)}"
    return _rows(found.tolist())


def _rows(values: object) -> str:
    if isinstance(values, list):
        return f"[{', '.join(_rows(value) for value in values)}]"
    return f"{values:.4g}"


def _point(found: Tensor) -> str:
    text = f"{float(found):.4g}"
    return ".0" if text.lstrip("-").isdigit() else ""


def _is_numeric_list(value: object) -> bool:
    return bool(value) and all(isinstance(item, numbers.Real) for item in value)


def as_numbers(value: object) -> Tensor | None:
    """Return numbers in double precision, or None of what is no number.

    Parameters
    ----------
    value
        Anything.

    Examples
    --------
    >>> as_numbers([1, 2]).tolist(), as_numbers("two"), as_numbers([[1], [2, 3]])
    ([1.0, 2.0], None, None)
    """
    if isinstance(value, Tensor):
        return None if value.is_complex() else value.detach().cpu().double()
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return None
    return torch.from_numpy(np.array(array))
