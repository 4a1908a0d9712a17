"""Fair distance: people who differ only along sensitive directions are alike."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError


def sensitive_subspace(X: Tensor, A: Tensor, columns: Sequence[int] = ()) -> Tensor:
    """Return the directions along which X tells the sensitive attributes.

    For each binary attribute the direction is the coefficient vector of a logistic
    regression that predicts it from X. What lies along these directions does not
    count in the fair distance d(x, x′) = ‖(I − UUᵀ)(x − x′)‖.

    Parameters
    ----------
    X
        Features, (n, d).
    A
        Sensitive attributes, (n, a), each 0 or 1 and each taking both values.
    columns
        Columns of X that are themselves sensitive attributes. The regressions leave
        them out, and each is one more direction.

    Returns
    -------
    torch.Tensor
        U, (d, k), with orthonormal columns, in the type and on the device of X. k is
        at most a plus the number of columns.

    Raises
    ------
    FairtutorError
        An attribute is not binary, or the lengths do not fit.

    Notes
    -----
    The directions depend on how the regressions are fitted where columns of X are
    collinear, as one-hot columns are. Like the authors' programs we use liblinear, with
    scikit-learn's default penalty, which also shrinks the intercept; without that the
    directions of two samples differ more (experiments/individual_fairness.py, COMPAS).

    References
    ----------
    Yurochkin, Bower & Sun (2020), "Training individually fair ML models with
    sensitive subspace robustness", Appendix B.1.

    Examples
    --------
    >>> A = (torch.arange(100) % 2).unsqueeze(1)
    >>> X = torch.hstack([3.0 * A, torch.sin(torch.arange(100.0)).unsqueeze(1)])
    >>> U = sensitive_subspace(X, A)
    >>> U.shape, bool(U[0].abs() > 0.99)
    (torch.Size([2, 1]), True)
    """
    from sklearn.linear_model import LogisticRegression

    if A.ndim != 2 or len(A) != len(X):
        raise FairtutorError(
            f"A has the shape {tuple(A.shape)} and X {tuple(X.shape)}; give A one row "
            "for each row of X and one column for each attribute."
        )
    for j, codes in enumerate(A.T):
        if set(codes.unique().tolist()) != {0, 1}:
            raise FairtutorError(
                f"Attribute {j} takes the values {codes.unique().tolist()}; a "
                "direction needs 0 and 1, both present. Compare one group with the "
                "others."
            )
    free = [i for i in range(X.shape[1]) if i not in set(columns)]
    known, groups = X[:, free].double().cpu().numpy(), A.cpu().numpy()
    directions = torch.zeros(X.shape[1], A.shape[1] + len(columns), dtype=torch.double)
    for j in range(A.shape[1]):
        fitted = LogisticRegression(solver="liblinear").fit(known, groups[:, j])
        directions[free, j] = torch.from_numpy(fitted.coef_[0])
    for j, column in enumerate(columns, A.shape[1]):
        directions[column, j] = 1.0
    left, sizes, _ = torch.linalg.svd(directions, full_matrices=False)
    return left[:, sizes > 1e-9 * sizes[0]].to(X)
