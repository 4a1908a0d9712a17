"""Networks as bytes: one ``safetensors`` file with the architecture in its header.

``safetensors`` stores numbers and nothing else, so reading a file never runs code.
A pickle could; one is refused before anything looks inside it.
"""

import hashlib
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import nn

from .architecture import (
    Layers,
    build,
    layers_from_json,
    layers_to_json,
    output_width,
)
from .errors import FairtutorError, Refused
from .trees import TreeEnsemble

MAX_BYTES = 128 * 2**20
MAX_HEADER_BYTES = 2**20
HEADER = "fairtutor"
PICKLE_OR_ZIP = (b"\x80", b"PK\x03\x04", b"\x1f\x8b")


@dataclass(frozen=True)
class PackedNetwork:
    """A network that was checked while it was unpacked.

    Attributes
    ----------
    module
        The network, in evaluation mode, float32, on the CPU.
    layers
        Its declared architecture.
    header
        The other text fields of the file's header.
    """

    module: nn.Sequential
    layers: Layers
    header: Mapping[str, str]


@dataclass(frozen=True)
class NetworkFile:
    """A network that travels: bytes that are checked when the object is made.

    Attributes
    ----------
    packed
        A ``safetensors`` file that declares its architecture.
    width
        The number of features that enter the network.

    Raises
    ------
    Refused
        The bytes are not a well-formed file of this kind.
    """

    packed: bytes = field(repr=False)
    width: int

    kind: ClassVar[str] = "network"

    def __post_init__(self) -> None:
        if self.header.get("kind") != self.kind:
            raise Refused(f"This file does not hold a {self.kind}.")
        _ = self.claims

    @classmethod
    def read(cls, path: str | Path, width: int) -> Self:
        """Read a file; its size is checked before it is opened.

        Parameters
        ----------
        path
            A file that :meth:`write` made, or anything else.
        width
            The number of features that enter the network.

        Raises
        ------
        Refused
            The file is absent, too large, or not well-formed.
        """
        path = Path(path)
        if not path.is_file():
            raise Refused(f"There is no file {path.name!r}.")
        if path.stat().st_size > MAX_BYTES:
            raise Refused(f"{path.name!r} is larger than {MAX_BYTES:,} bytes.")
        return cls(path.read_bytes(), width)

    def write(self, path: str | Path) -> None:
        """Write the network as one ``safetensors`` file."""
        Path(path).write_bytes(self.packed)

    @cached_property
    def _network(self) -> PackedNetwork:
        return unpack(self.packed, self.width)

    @property
    def header(self) -> Mapping[str, str]:
        """The text fields of the file, as whoever made it wrote them."""
        return self._network.header

    @property
    def module(self) -> nn.Sequential:
        """The network, built from its declaration, in evaluation mode."""
        return self._network.module

    @property
    def layers(self) -> Layers:
        """The declared architecture."""
        return self._network.layers

    @property
    def output_width(self) -> int:
        """The number of features that leave the network."""
        return output_width(self.layers, self.width)

    @cached_property
    def claims(self) -> dict[str, float]:
        """Constants that whoever made it claims; nobody has checked them yet."""
        try:
            claims = json.loads(self.header.get("claims", "{}"))
            claims = {str(name): float(value) for name, value in claims.items()}
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            raise Refused("The claimed constants cannot be read as numbers.") from None
        for name, value in claims.items():
            if not 0 <= value < math.inf:
                raise Refused(
                    f"The claimed {name!r} is {value}; a constant is a finite number "
                    "from 0."
                )
        return claims

    def apply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the network's output for every row.

        The weights have no gradients; rows that ask for theirs get them.

        Parameters
        ----------
        rows
            (n, width) float32, on any device.

        Returns
        -------
        torch.Tensor
            (n, output_width), on the same device.

        Raises
        ------
        FairtutorError
            The rows have another number of features.
        """
        if rows.ndim != 2 or rows.shape[1] != self.width:
            raise FairtutorError(
                f"This {self.kind} takes rows of {self.width} features; the shape "
                f"given is {tuple(rows.shape)}. Was it made for other data?"
            )
        return self.module.to(rows.device)(rows)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the file: weights, architecture and header."""
        return hashlib.sha256(self.packed).hexdigest()


def pack(module: nn.Sequential, layers: Layers, **header: str) -> bytes:
    """Return a network and its declared architecture as one file's bytes.

    Parameters
    ----------
    module
        A network built by :func:`fairtutor.exchange.architecture.build`.
    layers
        Its declaration.
    **header
        Further text fields, such as ``kind="encoder"``.

    Returns
    -------
    bytes
        A ``safetensors`` file.

    Notes
    -----
    All fields share one header entry: the format does not fix the order of several,
    and the same network must give the same bytes, hence the same fingerprint.

    Examples
    --------
    >>> from fairtutor.exchange.architecture import build, mlp
    >>> layers = mlp(3, 1)
    >>> packed = pack(build(layers, 3), layers, kind="model")
    >>> unpack(packed, width=3).header["kind"]
    'model'
    """
    tensors = {
        name: tensor.detach().float().cpu().contiguous()
        for name, tensor in module.state_dict().items()
    }
    fields = {**header, "layers": layers_to_json(layers)}
    return save_safetensors(tensors, {HEADER: json.dumps(fields, sort_keys=True)})


def unpack(packed: bytes, width: int) -> PackedNetwork:
    r"""Check a file and build its network, or refuse it with the reason.

    Parameters
    ----------
    packed
        A file's bytes, from anyone.
    width
        The number of features that will enter the network.

    Returns
    -------
    PackedNetwork

    Raises
    ------
    Refused
        The bytes are a pickle or archive, too large, damaged, or lack an
        architecture; a weight is missing, superfluous, misshapen, not float32,
        NaN or infinite; a tree compares a feature that does not exist.

    Examples
    --------
    >>> unpack(b"\x80\x04K\x01\x02.", width=3)
    Traceback (most recent call last):
        ...
    fairtutor.exchange.errors.Refused: This is a pickle or an archive, ...
    """
    header = read_header(packed)
    if "layers" not in header:
        raise Refused("The file declares no architecture (header field 'layers').")
    layers = layers_from_json(header["layers"])
    module = build(layers, width)
    try:
        weights = load_safetensors(packed)
    except (SafetensorError, ValueError, KeyError) as error:
        raise Refused(f"The weights cannot be read: {error}") from None
    _check_weights(weights, module.state_dict())
    module.load_state_dict(weights)
    for layer in module:
        if isinstance(layer, TreeEnsemble):
            layer.require_features()
    rest = {key: value for key, value in header.items() if key != "layers"}
    return PackedNetwork(module.eval().requires_grad_(False), layers, rest)


def read_header(packed: bytes) -> dict[str, str]:
    """Return the text fields of a file's header, without touching its weights.

    Raises
    ------
    Refused
        The bytes are not a ``safetensors`` file of an accepted size, or its header
        names something twice or cannot be written as UTF-8.

    Examples
    --------
    >>> read_header(b"short")
    Traceback (most recent call last):
        ...
    fairtutor.exchange.errors.Refused: The file is too short to hold any weights.
    """
    if type(packed) is not bytes:  # a subclass could show each reader another content
        raise Refused(
            f"Expected the bytes of a safetensors file, got {type(packed).__name__}."
        )
    if packed.startswith(PICKLE_OR_ZIP) and packed[8:9] != b"{":
        raise Refused(
            "This is a pickle or an archive, which can run code when it is opened. "
            "Hand in safetensors bytes, as Submission.from_module makes them."
        )
    if len(packed) > MAX_BYTES:
        raise Refused(f"{len(packed):,} bytes; at most {MAX_BYTES:,} are taken.")
    if len(packed) < 10:
        raise Refused("The file is too short to hold any weights.")
    (size,) = struct.unpack("<Q", packed[:8])
    if size > min(MAX_HEADER_BYTES, len(packed) - 8):
        raise Refused("The file's header is damaged or too long.")
    try:
        metadata = _unambiguous(packed[8 : 8 + size].decode("utf-8"))["__metadata__"]
        fields = _unambiguous(metadata[HEADER])
        fields = {str(key): str(value) for key, value in fields.items()}
        "".join([*fields, *fields.values()]).encode("utf-8")  # half a character fails
        return fields
    except Refused:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused(
            "The file's header is not one that fairtutor wrote. Hand in the bytes "
            "made by Representation.from_module or Submission.from_module."
        ) from None


def _unambiguous(text: str) -> dict:
    """Read JSON in which no name stands twice: readers differ in which one counts."""

    def unique(pairs: list[tuple[str, object]]) -> dict:
        found: dict[str, object] = {}
        for name, value in pairs:
            if name in found:
                raise Refused(f"The file's header names {name!r} twice.")
            found[name] = value
        return found

    return json.loads(text, object_pairs_hook=unique)


def _check_weights(
    given: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]
) -> None:
    """Refuse weights that are not exactly those the architecture declares."""
    missing = sorted(expected.keys() - given.keys())
    surplus = sorted(given.keys() - expected.keys())
    if missing or surplus:
        raise Refused(
            "The weights do not fit the declared architecture: "
            f"missing {missing or 'none'}, superfluous {surplus or 'none'}."
        )
    for name, tensor in sorted(given.items()):  # the file's order is left to chance
        if tensor.dtype != torch.float32:
            raise Refused(f"Weight {name!r} is {tensor.dtype}; float32 is required.")
        if tensor.shape != expected[name].shape:
            raise Refused(
                f"Weight {name!r} has shape {tuple(tensor.shape)}; the architecture "
                f"declares {tuple(expected[name].shape)}."
            )
        if not torch.isfinite(tensor).all():
            raise Refused(f"Weight {name!r} holds NaN or infinite values.")
