"""The representation as it is being learned, and as it is in the end."""

import torch
from ipywidgets import HTML, Dropdown, Layout
from torch import nn

from ..data import Dataset
from ..exchange import Representation
from ..figures import Picture, embedding, live_embedding, principal_plane
from .measured import SHOWN_SPLIT
from .training_view import Pace


class EmbeddingView(HTML):
    """Draw validation rows on the representation's principal plane.

    Parameters
    ----------
    dataset
        Its validation rows are drawn.

    Attributes
    ----------
    colour_by : ipywidgets.Dropdown
        The sensitive attribute that colours the points; to stand among the controls.
    frames : int
        How many pictures the present training has drawn so far.

    Examples
    --------
    >>> from fairtutor import load
    >>> view = EmbeddingView(load("german"))
    >>> view.begin("a linear map")
    >>> view.on_encoder(nn.Linear(61, 2))
    >>> "a linear map, epoch 1: principal plane" in view.value, view.frames
    (True, 1)
    """

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(layout=Layout(margin="0 10px", max_width="100%"))
        self._dataset, self._rows = dataset, dataset.rows(SHOWN_SPLIT)
        self.colour_by = Dropdown(
            options=[attribute.name for attribute in dataset.attributes],
            description="colour by",
            tooltip="The sensitive attribute that colours the points",
        )
        self.begin("")

    def begin(self, title: str) -> None:
        """Get ready for a new training.

        Parameters
        ----------
        title
            What is trained.
        """
        self._title, self._epoch, self.frames = title, 0, 0
        self._X = self._rows.X
        self._points = None  # where the last picture had them
        self._pace = Pace()

    def on_encoder(self, encoder: nn.Module) -> None:
        """Draw the encoder as it is now, if it is time; for ``DataProducer.produce``.

        Parameters
        ----------
        encoder
            Wherever it is trained.
        """
        self._epoch += 1
        if not self._pace.due:
            return
        with self._pace.drawing(), torch.no_grad():
            on = next((p.device for p in encoder.parameters()), self._X.device)
            self._X = self._X.to(on)
            Z = encoder(self._X).float().cpu().numpy()
            self._points, share = principal_plane(Z, self._points)
            self.value = live_embedding(
                self._points,
                share,
                *self._groups(),
                title=f"{self._title}, epoch {self._epoch}",
            ).html()
            self.frames += 1

    def picture(self, representation: Representation, as_last: bool = False) -> Picture:
        """Draw a representation that is made.

        Parameters
        ----------
        representation
            Of the data set's rows.
        as_last
            Whether its components take the signs that they had in the last picture.
            Those depend on the clock; without, the same representation always gives
            the same picture.

        Returns
        -------
        Picture
        """
        Z = representation.encode(self._rows.X)
        return embedding(
            Z.cpu().numpy(),
            *self._groups(),
            title=f"{representation.method}, {SHOWN_SPLIT} rows",
            like=self._points if as_last else None,
        )

    def _groups(self) -> tuple:
        codes, labels = self._dataset.groups(self.colour_by.value)
        return codes[self._rows.index].cpu().numpy(), labels
