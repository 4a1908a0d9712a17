"""The feature space divided into cells that are fixed before a sample is seen."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..exchange.errors import FairtutorError
from . import clipped
from .box import Box

CHUNK = 65_536  # rows at a time: bounds memory at CHUNK × K × 8 bytes


@dataclass(frozen=True, eq=False)
class Cells:
    """K cells: each holds the points that are nearest to its centre.

    Parameters
    ----------
    centres
        (K, d) float64. Of equally near ones, the first counts.
    box
        Where points can be. Without one, cells at the rim have no end.

    Examples
    --------
    >>> cells = Cells(torch.tensor([[0.0], [10.0]]).double())
    >>> cells.assign(torch.tensor([[1.0], [9.0], [4.0]])).tolist()
    [0, 1, 0]
    """

    centres: Tensor
    box: Box | None = None

    @classmethod
    def fit(
        cls,
        reference: Tensor,
        num_cells: int,
        *,
        seed: int = 0,
        box: Box | None = None,
    ) -> "Cells":
        """Put centres where reference rows are close together, by k-means.

        Parameters
        ----------
        reference
            Rows to learn from, (n, d); none of them may be audited later.
        num_cells
            K, from 1 to n. Fewer come out where fewer rows differ: a cell without a
            reference row is left out.
        seed
            Of the first centres.
        box
            Where points can be.

        Returns
        -------
        Cells

        Raises
        ------
        FairtutorError
            K is out of its range.

        References
        ----------
        Arthur & Vassilvitskii (2007), "k-means++: The Advantages of Careful Seeding".

        Examples
        --------
        >>> line = torch.tensor([[0.0], [0.2], [5.0], [5.2]])
        >>> sorted(round(c, 1) for c in Cells.fit(line, 2).centres.ravel().tolist())
        [0.1, 5.1]
        """
        from sklearn.cluster import KMeans

        if not 1 <= num_cells <= len(reference):
            raise FairtutorError(
                f"{num_cells} cells cannot be made of {len(reference)} rows; use 1 to "
                f"{len(reference)}."
            )
        distinct, times = torch.unique(reference.double(), dim=0, return_counts=True)
        means = KMeans(min(num_cells, len(distinct)), n_init=1, random_state=seed)
        means.fit(distinct.cpu().numpy(), sample_weight=times.cpu().numpy())
        cells = cls(torch.as_tensor(means.cluster_centers_, device=reference.device))
        taken = torch.bincount(cells.assign(reference), minlength=len(cells.centres))
        return cls(cells.centres[taken > 0], box)

    def __len__(self) -> int:
        return len(self.centres)

    @cached_property
    def diameters(self) -> Tensor:
        """At least the diameter of each cell, (K,) float64.

        Infinite without a box; else see :func:`fairtutor.similarity.clipped.diameters`.
        """
        if self.box is None:
            return torch.full((len(self),), float("inf"), dtype=torch.float64)
        return clipped.diameters(self.centres, self.box)

    def polygons(self) -> list[Tensor]:
        """Return each cell's corners in the plane, clipped to the box.

        Raises
        ------
        FairtutorError
            There is no box, or it is not in the plane.
        """
        if self.box is None or self.centres.shape[1] != 2:
            raise FairtutorError(
                f"Cells in {self.centres.shape[1]} dimensions "
                f"{'without' if self.box is None else 'with'} a box cannot be drawn; "
                "use two dimensions and a box."
            )
        return clipped.polygons(self.centres, self.box)

    def assign(self, X: Tensor) -> Tensor:
        """Return each row's cell.

        Parameters
        ----------
        X
            (n, d). With a box, rows outside are moved to its border first, so that no
            two rows of a cell are farther apart than its diameter.

        Returns
        -------
        torch.Tensor
            (n,) int64, from 0 to K − 1.
        """
        if not len(X):
            return torch.empty(0, dtype=torch.long, device=X.device)
        X = X if self.box is None else self.box.clip(X)
        half = self.centres.square().sum(1) / 2  # ‖x − c‖² = ‖x‖² + 2 (‖c‖²/2 − x·c)
        nearest = [
            torch.addmm(half, rows.double(), self.centres.T, alpha=-1).argmin(1)
            for rows in X.split(CHUNK)
        ]
        return torch.cat(nearest)
