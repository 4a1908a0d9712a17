"""What rows and classes must be, before a distance is taken of them."""

from torch import Tensor

from ..exchange.errors import FairtutorError


def require_finite(name: str, X: Tensor) -> None:
    """Refuse a coordinate that is NaN or infinite, and name its place.

    Raises
    ------
    FairtutorError
    """
    if not X.isfinite().all():
        where = (~X.isfinite()).nonzero()[0].tolist()
        raise FairtutorError(
            f"{name} has {X[tuple(where)].item()} in row {where[0]}, column "
            f"{where[1]}, which is not finite. Leave such rows out, or fill the gap, "
            "before distances are taken."
        )


def require_rows(name: str, X: Tensor, least: int = 1) -> None:
    """Refuse what is no table of finite coordinates, or has too few rows.

    Raises
    ------
    FairtutorError
    """
    if X.ndim != 2 or X.shape[1] == 0 or len(X) < least:
        rows = "one row" if least == 1 else f"{least} rows"
        raise FairtutorError(
            f"{name} has the shape {tuple(X.shape)}; give (n, d), {rows} or more."
        )
    require_finite(name, X)


def require_classes(y: Tensor, n: int) -> None:
    """Refuse classes that are not one whole number from 0 for each of n rows.

    Raises
    ------
    FairtutorError
    """
    if y.shape != (n,):
        raise FairtutorError(
            f"y has the shape {tuple(y.shape)}; give one class for each of {n} rows."
        )
    for wrong in y[(y < 0) | (y != y.round())][:1].tolist():
        raise FairtutorError(f"A class is {wrong}; use whole numbers from 0.")
