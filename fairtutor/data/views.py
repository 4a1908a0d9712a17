"""Other views of the same data: without audit rows, in other splits, elsewhere."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Self

import numpy as np
import torch

from .scale import standardise
from .splits import TRAINING, check_sizes, draw_splits, is_audit


class Views:
    """What a :class:`fairtutor.data.Dataset` can be turned into."""

    def without_audit(self) -> Self:
        """Return the view that producers and users get: the audit rows are gone.

        Returns
        -------
        Dataset
            With the other rows renumbered, in X, y, A, splits and table.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> view = load("adult").without_audit()
        >>> len(view), list(view.splits)
        (34842, ['encoder', 'train', 'validation', 'test'])
        """
        open_splits = {s: i for s, i in self.splits.items() if not is_audit(s)}
        keep = torch.zeros(len(self), dtype=torch.bool, device=self.X.device)
        keep[torch.cat(list(open_splits.values()))] = True
        kept, renumbered = keep.nonzero().ravel(), keep.cumsum(0) - 1
        rows = kept.cpu().numpy()
        return replace(
            self,
            X=self.X[kept],
            y=self.y[kept],
            A=self.A[kept],
            splits={s: renumbered[i] for s, i in open_splits.items()},
            _numeric=self._numeric[rows],
            _table=self._table.take(rows),
        )

    def resplit(self, sizes: Mapping[str, int] | None = None, seed: int = 0) -> Self:
        """Return the same rows in other splits, X standardised anew.

        Parameters
        ----------
        sizes
            Rows per split, which add up to the number of rows; by default the present
            sizes.
        seed
            Seed of the new splits, 0 or more.

        Returns
        -------
        Dataset

        Raises
        ------
        FairtutorError
            If the sizes do not fit, or a group is too small for a row in every split.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> other = load("german").resplit(seed=1)
        >>> {split: len(rows) for split, rows in other.splits.items()}["train"]
        350
        """
        sizes = sizes or {split: len(rows) for split, rows in self.splits.items()}
        sizes = check_sizes(sizes, len(self))
        splits = draw_splits(sizes, self.A.cpu().numpy(), self.attributes, seed)
        return replace(self, X=self.X.clone())._with_splits(splits)

    def _with_splits(self, splits: Mapping[str, np.ndarray]) -> Self:
        """Write the standardised numbers into X and return this with these splits."""
        X = self.X
        if len(self._numeric_at):
            reference = np.concatenate([splits[split] for split in TRAINING])
            scaled = standardise(self._numeric, reference).astype(np.float32)
            X[:, self._numeric_at] = torch.from_numpy(scaled).to(X.device)
        device = X.device
        tensors = {s: torch.as_tensor(i, device=device) for s, i in splits.items()}
        return replace(self, splits=tensors)

    def to(self, device: str | torch.device) -> Self:
        """Return this data set on another device.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> load("german").to("cpu").X.device
        device(type='cpu')
        """
        return replace(
            self,
            X=self.X.to(device),
            y=self.y.to(device),
            A=self.A.to(device),
            splits={split: i.to(device) for split, i in self.splits.items()},
        )

    def copy(self) -> Self:
        """Return a data set whose tensors can be written to without changing this one.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> german = load("german")
        >>> german.copy().X.data_ptr() == german.X.data_ptr()
        False
        """
        return replace(
            self,
            X=self.X.clone(),
            y=self.y.clone(),
            A=self.A.clone(),
            splits={split: i.clone() for split, i in self.splits.items()},
            units=dict(self.units),
        )
