"""Trees as numbers: an ensemble of binary trees that the regulator walks itself."""

import torch
from torch import Tensor, nn

from .errors import Refused

MAX_DEPTH = 12
CELLS = 2**19  # trees × rows that are walked at once: some MiB


class TreeEnsemble(nn.Module):
    """A sum of complete binary trees, in one fixed layout.

    Every tree has the same depth D, so a row takes D steps, whatever the numbers say.
    The node at place p of a level has its children at places 2p and 2p + 1 of the
    next, and the levels lie one behind the other. Row x goes on from place p to

        2p + [x_feature > threshold]

    and what it finds below the last level is added up over the trees. A tree that is
    not complete repeats a leaf's value in all places below it.

    Parameters
    ----------
    inputs
        Features that enter.
    num_trees
        T.
    depth
        D, the number of comparisons from the root to a leaf.

    Attributes
    ----------
    feature, threshold
        (T, 2ᴰ − 1): which feature a node compares, a whole number, with what.
    leaf
        (T, 2ᴰ).
    base
        (1,), what is added to every row's sum.

    Notes
    -----
    A step function: its gradient is 0 or does not exist, and it has no Lipschitz
    constant. NaN is larger than nothing, so that it would go to the left.

    Examples
    --------
    >>> stump = TreeEnsemble(inputs=2, num_trees=1, depth=1)
    >>> stump.feature[0, 0], stump.threshold[0, 0] = 1.0, 0.5
    >>> stump.leaf[0] = torch.tensor([-1.0, 1.0])
    >>> stump(torch.tensor([[9.0, 0.5], [0.0, 0.6]]))
    tensor([[-1.],
            [ 1.]])
    """

    def __init__(self, inputs: int, num_trees: int, depth: int) -> None:
        super().__init__()
        self.inputs, self.num_trees, self.depth = inputs, num_trees, depth
        for name in ("feature", "threshold"):
            self.register_buffer(name, torch.zeros(num_trees, 2**depth - 1))
        self.register_buffer("leaf", torch.zeros(num_trees, 2**depth))
        self.register_buffer("base", torch.zeros(1))

    def forward(self, X: Tensor) -> Tensor:
        """Return the sum over the trees, (n, 1), for rows X, (n, inputs)."""
        feature = self.feature.long()
        blocks = X.split(max(1, CELLS // self.num_trees))
        return torch.cat([self._walk(rows, feature) for rows in blocks])

    def _walk(self, rows: Tensor, feature: Tensor) -> Tensor:
        columns = rows.T.contiguous()
        place = rows.new_zeros(self.num_trees, len(rows), dtype=torch.long)
        for level in range(self.depth):
            nodes = slice(2**level - 1, 2 ** (level + 1) - 1)
            x = columns.gather(0, feature[:, nodes].gather(1, place))
            right = x > self.threshold[:, nodes].gather(1, place)
            place = place.mul_(2).add_(right)
        # MPS has no float64; elsewhere the sum is exact to the last digit of float32.
        exact = torch.float32 if rows.device.type == "mps" else torch.float64
        total = self.leaf.gather(1, place).sum(0, dtype=exact) + self.base
        return total.to(self.leaf.dtype).unsqueeze(1)

    def require_features(self) -> None:
        """Refuse a node whose feature is not one of those that enter.

        Raises
        ------
        Refused
            A feature is not a whole number from 0 to ``inputs`` − 1.
        """
        feature = self.feature
        known = (feature == feature.floor()) & (feature >= 0) & (feature < self.inputs)
        for tree, node in (~known).nonzero()[:1].tolist():
            raise Refused(
                f"Node {node} of tree {tree} compares feature "
                f"{feature[tree, node].item():g}; features are whole numbers from 0 to "
                f"{self.inputs - 1}."
            )

    def extra_repr(self) -> str:
        """Return the sizes, for people to read."""
        return f"inputs={self.inputs}, num_trees={self.num_trees}, depth={self.depth}"


def num_parameters(num_trees: int, depth: int) -> int:
    """Return how many numbers an ensemble holds.

    Examples
    --------
    >>> num_parameters(num_trees=100, depth=1)
    401
    """
    return num_trees * (2 * (2**depth - 1) + 2**depth) + 1
