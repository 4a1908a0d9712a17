"""Other views of the same data: fewer rows or columns, other splits or questions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor

from ..exchange.errors import FairtutorError
from .judgements import require_three_rows, require_triplets
from .scale import standardise
from .splits import TRAINING, check_sizes, draw_splits, is_audit

if TYPE_CHECKING:
    from .parts import Rows
    from .targets import Target


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
            judgements={s: t for s, t in self.judgements.items() if s in open_splits},
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

    def with_judgements(self, arbiter: "Callable[[Rows], Tensor]") -> Self:
        """Return the same data with an arbiter's answers to "whom is a more like?".

        Parameters
        ----------
        arbiter
            Is asked once for each split. Takes its rows and returns triplets (a, b, c),
            (m, 3) int64: a is more like b than like c. They are positions in the split.

        Returns
        -------
        Dataset
            What producers and users are given has no answers about audit rows.

        Raises
        ------
        FairtutorError
            The arbiter is no function, or an answer is not three different positions
            in the split.

        Examples
        --------
        >>> import torch
        >>> from fairtutor.data import load
        >>> judged = load("german").with_judgements(lambda r: torch.tensor([[0, 1, 2]]))
        >>> sorted(judged.judgements)[:2]
        ['audit 1', 'audit 2']
        """
        if not callable(arbiter):
            raise FairtutorError(
                f"The arbiter is of type {type(arbiter).__name__}; give a function "
                "that takes the rows of a split and returns triplets (a, b, c)."
            )
        judgements = {split: arbiter(self.rows(split)) for split in self.splits}
        for split, triplets in judgements.items():
            require_triplets(repr(split), triplets, len(self.splits[split]))
            require_three_rows(repr(split), triplets)
        return replace(self, judgements=judgements)

    def without_features(self, columns: str | Iterable[str]) -> Self:
        """Return the same rows and splits, without some columns' features in X.

        Parameters
        ----------
        columns
            Source columns; the name of a sensitive attribute stands for the columns it
            was made from. They stay in ``table``, and attributes stay in A.

        Returns
        -------
        Dataset

        Raises
        ------
        FairtutorError
            If X has no feature from one of these columns, or none would be left.

        Examples
        --------
        >>> from fairtutor.data import load
        >>> blind = load("adult").without_features(["sex", "relationship"])
        >>> blind.X.shape[1], blind.attribute("sex").groups
        (99, ('Female', 'Male'))
        """
        from .targets import without_features

        return without_features(self, columns)

    def with_target(self, target: "Target") -> Self:
        """Return the same rows and splits with another question to answer.

        Parameters
        ----------
        target
            A column of the original table, and which of its values are a yes. The
            column's own features leave X, and so do those that tell it outright.

        Returns
        -------
        Dataset
            X (unless features leave it), A and splits are the same tensors; y, target,
            outcomes, title and criticism are the target's. The former target is still
            not in X.

        Raises
        ------
        FairtutorError
            If the table has no such column or value, values are missing, all rows have
            the same answer, or the column tells a sensitive attribute.

        Examples
        --------
        >>> from fairtutor.data import Target, load
        >>> long_hours = load("adult").with_target(Target("hours-per-week", above=40))
        >>> long_hours.outcomes[1], round(long_hours.y.double().mean().item(), 3)
        ('hours-per-week above 40', 0.294)
        """
        from .targets import with_target

        return with_target(self, target)

    def tasks(self, targets: Mapping[str, "Target"]) -> "dict[str, Self]":
        """Return a data set for each of several questions, all with the same X.

        One representation then serves all of them, and one regulator for each audits
        its user on the same batches.

        Parameters
        ----------
        targets
            By name, such as :data:`fairtutor.data.ADULT_TASKS`. What any of them asks
            for, or is told by, is in X of none.

        Returns
        -------
        dict of Dataset
            X, A and splits are the same tensors in all: write to none of them, or take
            a ``copy()``. For other splits, :meth:`resplit` first.

        Raises
        ------
        FairtutorError
            If there is no target, no feature would be left, or as in `with_target`.

        Examples
        --------
        >>> from fairtutor.data import ADULT_TASKS, load
        >>> tasks = load("adult").tasks(ADULT_TASKS)
        >>> {name: task.X.shape[1] for name, task in tasks.items()}["married"]
        78
        """
        from .targets import tasks

        return tasks(self, targets)

    def _with_splits(self, splits: Mapping[str, np.ndarray]) -> Self:
        """Write the standardised numbers into X and return this with these splits."""
        X = self.X
        if len(self._numeric_at):
            reference = np.concatenate([splits[split] for split in TRAINING])
            scaled = standardise(self._numeric, reference).astype(np.float32)
            X[:, self._numeric_at] = torch.from_numpy(scaled).to(X.device)
        device = X.device
        tensors = {s: torch.as_tensor(i, device=device) for s, i in splits.items()}
        return replace(self, splits=tensors, judgements={})

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
            judgements={split: t.to(device) for split, t in self.judgements.items()},
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
            judgements={split: t.clone() for split, t in self.judgements.items()},
            units=dict(self.units),
        )
