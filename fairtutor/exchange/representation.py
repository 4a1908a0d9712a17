"""What the producer hands on: an encoder, the distance it claims, and its claims."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from . import html
from .architecture import Layers
from .criteria import FairnessCriteria
from .errors import Refused
from .weights import NetworkFile, pack


@dataclass(frozen=True)
class Representation(NetworkFile):
    """An encoder z = f(x) as checked bytes, bound to the criteria it was made for.

    Attributes
    ----------
    packed
        A ``safetensors`` file that declares its architecture.
    width
        The number of features of x.

    Raises
    ------
    Refused
        The bytes are not a well-formed representation.

    Examples
    --------
    >>> import torch
    >>> from fairtutor.exchange import Criterion, FairnessCriteria, build, mlp
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.8),))
    >>> layers = mlp(3, 2)
    >>> representation = Representation.from_module(
    ...     build(layers, 3), layers, 3, criteria, method="example"
    ... )
    >>> representation.encode(torch.zeros(5, 3)).shape
    torch.Size([5, 2])
    """

    kind: ClassVar[str] = "representation"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.header.get("distance") != "euclidean":
            raise Refused("A representation's distance is Euclidean on its output.")
        if any(name == "trees" for name, *_ in self.layers):
            raise Refused(
                "The encoder is an ensemble of trees: a step function has no Lipschitz "
                "constant, and a representation is judged by its own. Trees can only "
                "be a submission."
            )

    @classmethod
    def from_module(
        cls,
        module: nn.Sequential,
        layers: Layers,
        width: int,
        criteria: FairnessCriteria,
        *,
        method: str,
        claims: Mapping[str, float] | None = None,
    ) -> "Representation":
        """Pack an encoder.

        Parameters
        ----------
        module, layers
            The network and its declaration.
        width
            The number of features of x.
        criteria
            The document it was made for.
        method
            How it was made, for people to read.
        claims
            Constants the producer claims, such as ``{"lipschitz": 3.2}``. The
            regulator recomputes them.

        Returns
        -------
        Representation
        """
        packed = pack(
            module,
            layers,
            kind=cls.kind,
            criteria=criteria.fingerprint,
            distance="euclidean",
            method=method,
            claims=json.dumps(dict(claims or {}), sort_keys=True),
        )
        return cls(packed, width)

    @property
    def method(self) -> str:
        """How the producer says it was made."""
        return self.header.get("method", "unknown")

    @property
    def criteria_fingerprint(self) -> str:
        """Which criteria it was made for."""
        return self.header.get("criteria", "")

    def encode(self, X: Tensor) -> Tensor:
        """Return z = f(x) for every row.

        Parameters
        ----------
        X
            Rows, (n, width) float32, on any device.

        Returns
        -------
        torch.Tensor
            (n, output_width), on the same device.

        Raises
        ------
        FairtutorError
            The rows have another number of features.
        """
        return self.apply(X)

    def _repr_html_(self) -> str:
        rows = [
            ("method", self.method),
            ("features", f"{self.width} → {self.output_width}"),
            ("claims", ", ".join(f"{k} ≤ {v:.4g}" for k, v in self.claims.items())),
            ("fingerprint", self.fingerprint[:12]),
            ("made for criteria", self.criteria_fingerprint[:12]),
        ]
        return html.card("producer", "Representation", html.table(("", ""), rows))
