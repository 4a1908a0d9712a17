"""What happened during training, one row per epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(repr=False)
class History:
    """Losses per epoch; draws itself in a notebook.

    Attributes
    ----------
    epochs
        One mapping of names to values per epoch, in order.
    best_epoch
        The epoch, from 1, whose weights were kept; ``None`` means the last.

    Examples
    --------
    >>> history = History([{"loss": 0.9}, {"loss": 0.5}])
    >>> history["loss"]
    [0.9, 0.5]
    """

    epochs: list[Mapping[str, float]] = field(default_factory=list)
    best_epoch: int | None = None

    def __getitem__(self, name: str) -> list[float]:
        return [epoch[name] for epoch in self.epochs]

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def names(self) -> list[str]:
        """The losses that were recorded."""
        return list(self.epochs[0]) if self.epochs else []

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {self[name][-1]:.4g}" for name in self.names)
        return f"History of {len(self)} epochs" + (
            f", at the end: {last}" if last else ""
        )

    def plot(self) -> object:
        """Return the training curves as a :class:`fairtutor.figures.Picture`."""
        from ..figures import training_curves  # drawing is loaded only to draw

        return training_curves({name: self[name] for name in self.names})

    def _repr_html_(self) -> str:
        if not self.epochs:
            return "<p>Nothing was trained: this method has a closed form.</p>"
        return self.plot()._repr_html_()
