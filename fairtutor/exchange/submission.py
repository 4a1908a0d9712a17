"""What the user hands back: a model on one representation, as bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from . import html
from .architecture import Layers
from .errors import Refused
from .representation import Representation
from .weights import NetworkFile, pack


@dataclass(frozen=True)
class Submission(NetworkFile):
    """A scoring model g on z, so that P(y = 1) = σ(g(f(x))), as checked bytes.

    Attributes
    ----------
    packed
        A ``safetensors`` file that declares its architecture.
    width
        The number of features of z.

    Raises
    ------
    Refused
        The bytes are not a well-formed submission.

    Examples
    --------
    >>> import torch
    >>> from fairtutor.exchange import Criterion, FairnessCriteria, build, mlp
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.8),))
    >>> identity = Representation.from_module(
    ...     build((), 3), (), 3, criteria, method="identity"
    ... )
    >>> layers = mlp(3, 1)
    >>> submission = Submission.from_module(
    ...     build(layers, 3), layers, identity, model="logistic"
    ... )
    >>> submission.scores(torch.zeros(5, 3)).shape
    torch.Size([5])
    """

    kind: ClassVar[str] = "submission"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output_width != 1:
            raise Refused(
                f"The model gives {self.output_width} scores per row; one is required."
            )

    @classmethod
    def from_module(
        cls,
        module: nn.Sequential,
        layers: Layers,
        representation: Representation,
        *,
        model: str,
        claims: Mapping[str, float] | None = None,
    ) -> "Submission":
        """Pack a model that was trained on a representation.

        Parameters
        ----------
        module, layers
            The network, from z to one logit, and its declaration.
        representation
            What it was trained on.
        model
            What kind of model it is, for people to read.
        claims
            Constants the user claims, such as ``{"lipschitz": 4.0}``, of z ↦ logit.
            The regulator recomputes them.

        Returns
        -------
        Submission
        """
        claimed = {"claims": json.dumps(dict(claims), sort_keys=True)} if claims else {}
        packed = pack(
            module,
            layers,
            kind=cls.kind,
            representation=representation.fingerprint,
            model=model,
            **claimed,
        )
        return cls(packed, representation.output_width)

    @property
    def model(self) -> str:
        """What the user says it is."""
        return self.header.get("model", "unknown")

    @property
    def representation_fingerprint(self) -> str:
        """Which representation it was trained on."""
        return self.header.get("representation", "")

    def scores(self, Z: Tensor) -> Tensor:
        """Return P(y = 1) for every row of a representation.

        Parameters
        ----------
        Z
            (n, width) float32, on any device.

        Returns
        -------
        torch.Tensor
            (n,) in [0, 1], on the same device.

        Raises
        ------
        FairtutorError
            The rows have another number of features.
        """
        return self.apply(Z).squeeze(1).sigmoid()

    def _repr_html_(self) -> str:
        size = sum(tensor.numel() for tensor in self.module.state_dict().values())
        rows = [
            ("model", self.model),
            ("parameters", f"{size:,}"),
            *(("claims", f"{k} ≤ {v:.4g}") for k, v in self.claims.items()),
            ("fingerprint", self.fingerprint[:12]),
            ("on representation", self.representation_fingerprint[:12]),
        ]
        return html.card("user", "Submission", html.table(("", ""), rows))
