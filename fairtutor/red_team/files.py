"""Attacks by the file: bytes that are no network, or not the one they declare."""

import io
import json
import pickle
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from ..exchange import Submission
from ..exchange.architecture import Layers
from ..exchange.weights import HEADER, MAX_BYTES, pack, read_header
from .bench import Attempt, Bench

Weights = dict[str, Tensor]


class Payload:
    """Something that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def _bytes(bench: Bench, name: str, tries: str, packed: bytes) -> Attempt:
    """Hand bytes in as a submission."""

    def hand_in(regulator):
        return regulator.audit(
            bench.representation, Submission(packed, bench.submission.width)
        )

    return bench.attempt(name, tries, hand_in)


def _header(bench: Bench) -> dict:
    packed = bench.submission.packed
    (size,) = struct.unpack("<Q", packed[:8])
    return json.loads(packed[8 : 8 + size])


def with_header(header: dict | str, data: bytes) -> bytes:
    """Return a ``safetensors`` file by hand, whatever its header says."""
    text = header if isinstance(header, str) else json.dumps(header)
    return struct.pack("<Q", len(text.encode())) + text.encode() + data


def _fields(bench: Bench, **changed: str) -> bytes:
    """Return the honest submission's bytes with other text fields."""
    packed = bench.submission.packed
    fields = json.loads(_header(bench)["__metadata__"][HEADER]) | changed
    return save(load(packed), {HEADER: json.dumps(fields)})


def _weights(bench: Bench, change: Callable[[Weights], Weights]) -> bytes:
    """Return the honest submission's bytes with other weights."""
    return with_weights(bench.submission.packed, change)


def declared_as(
    bench: Bench, module: nn.Sequential, layers: Layers, model: str
) -> bytes:
    """Return a network's bytes as a submission, under any declaration."""
    return pack(
        module,
        layers,
        kind="submission",
        representation=bench.representation.fingerprint,
        model=model,
    )


def with_weights(packed: bytes, change: Callable[[Weights], Weights]) -> bytes:
    """Return a file of other weights with the same text fields."""
    return save(change(load(packed)), {HEADER: json.dumps(read_header(packed))})


def plain_pickle(bench: Bench) -> Attempt:
    """Hand in a pickle of the weights, as many peers exchange them."""
    packed = pickle.dumps(dict(bench.submission.module.state_dict()))
    return _bytes(bench, "pickle", "the usual way to save a model", packed)


def pickle_that_runs(bench: Bench, protocol: int = 4) -> Attempt:
    """Hand in a pickle that creates a file when opened; say so if it did."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "was here"
        packed = pickle.dumps(Payload(path), protocol=protocol)
        name = "pickle that runs code" if protocol else "old pickle that runs code"
        done = _bytes(bench, name, "code that runs when the file is opened", packed)
        if path.exists():
            raise RuntimeError("The regulator executed foreign code.")
    return done


def old_pickle_that_runs(bench: Bench) -> Attempt:
    """Hand in the same in the oldest protocol, which starts with no mark."""
    return pickle_that_runs(bench, protocol=0)


def torch_archive(bench: Bench) -> Attempt:
    """Hand in what ``torch.save`` writes: a zip archive with a pickle in it."""
    with tempfile.TemporaryDirectory() as folder:
        path, buffer = Path(folder) / "was here", io.BytesIO()
        torch.save(Payload(path), buffer)
        done = _bytes(
            bench, "torch.save archive", "a pickle inside a zip", buffer.getvalue()
        )
        if path.exists():
            raise RuntimeError("The regulator executed foreign code.")
    return done


def zip_bomb(bench: Bench) -> Attempt:
    """Hand in an npz archive of a few kilobytes that unfolds to gigabytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, weight=np.zeros((4096, 4096), dtype=np.float32))
    tries = "64 MiB of zeros, or as many as you like, in a small archive"
    return _bytes(bench, "npz archive, zip bomb", tries, buffer.getvalue())


def file_and_archive(bench: Bench) -> Attempt:
    """Append an archive to an honest file: valid as either, for two readers."""
    buffer = io.BytesIO()
    np.savez(buffer, weight=np.zeros(3))
    return _bytes(
        bench,
        "two files in one",
        "bytes that another program reads as an archive",
        bench.submission.packed + buffer.getvalue(),
    )


class Chameleon(bytes):
    """Bytes that show another face to whoever slices them."""

    def __getitem__(self, key: object) -> object:
        return bytes.__getitem__(self, key)


def bytes_with_code(bench: Bench) -> Attempt:
    """Hand in an object that claims to be bytes and brings methods of its own."""
    packed = Chameleon(bench.submission.packed)
    tries = "one content for the fingerprint, another for the audit"
    return _bytes(bench, "bytes with methods", tries, packed)


def oversized_file(bench: Bench) -> Attempt:
    """Hand in a file of one byte too many; it is not even opened."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        with path.open("wb") as file:
            file.truncate(MAX_BYTES + 1)

        def hand_in(regulator):
            submission = Submission.read(path, bench.submission.width)
            return regulator.audit(bench.representation, submission)

        return bench.attempt("oversized file", "to fill the memory", hand_in)


def oversized_architecture(bench: Bench) -> Attempt:
    """Declare layers of many gigabytes in a file of a few bytes."""
    width = bench.submission.width
    layers = [["linear", width, 16384], *[["linear", 16384, 16384]] * 20]
    packed = _fields(bench, layers=json.dumps([*layers, ["linear", 16384, 1]]))
    return _bytes(bench, "oversized architecture", "to fill the memory", packed)


def nested_architecture(bench: Bench) -> Attempt:
    """Declare a list in a list in a list, deeper than a reader can follow."""
    packed = _fields(bench, layers="[" * 50_000 + "]" * 50_000)
    return _bytes(bench, "nested architecture", "to exhaust the reader", packed)


def nested_header(bench: Bench) -> Attempt:
    """Nest the header itself."""
    deep = '{"__metadata__":' * 50_000 + "{}" + "}" * 50_000
    packed = with_header(deep, b"")
    return _bytes(bench, "nested header", "to exhaust the reader", packed)


def endless_header(bench: Bench) -> Attempt:
    """Say that the header is longer than the file."""
    packed = struct.pack("<Q", 2**62) + bench.submission.packed[8:]
    return _bytes(bench, "endless header", "to read beyond the file", packed)


def unwritable_name(bench: Bench) -> Attempt:
    """Give the model a name that no file and no page can hold."""
    packed = _fields(bench, model="\ud800")
    tries = "a page or file about it that cannot be written"
    return _bytes(bench, "name of half a character", tries, packed)


def wrong_dtype(bench: Bench) -> Attempt:
    """Hand in weights of double precision."""
    packed = _weights(bench, lambda w: {name: t.double() for name, t in w.items()})
    return _bytes(bench, "wrong dtype", "float64 where float32 is read", packed)


def wrong_shape(bench: Bench) -> Attempt:
    """Hand in the transposed weight."""
    packed = _weights(bench, lambda w: w | {"0.weight": w["0.weight"].T.contiguous()})
    return _bytes(bench, "wrong shape", "a weight that fits no layer", packed)


def missing_weight(bench: Bench) -> Attempt:
    """Leave one weight to chance."""
    packed = _weights(bench, lambda w: {"0.weight": w["0.weight"]})
    return _bytes(bench, "missing weight", "a weight that is left as it was", packed)


def surplus_weight(bench: Bench) -> Attempt:
    """Bring a weight that nobody asked for."""
    packed = _weights(bench, lambda w: w | {"1.weight": torch.zeros(3)})
    return _bytes(bench, "superfluous weight", "data that travels unseen", packed)


def duplicate_weight(bench: Bench) -> Attempt:
    """Name the same weight twice, for readers that take the first or the last."""
    header = json.dumps(_header(bench))
    (size,) = struct.unpack("<Q", bench.submission.packed[:8])
    entry = json.dumps(_header(bench)["0.bias"])
    packed = with_header(
        header[:-1] + f', "0.bias": {entry}}}', bench.submission.packed[8 + size :]
    )
    return _bytes(bench, "duplicate weight", "two weights of one name", packed)


def overlapping_weights(bench: Bench) -> Attempt:
    """Let two weights share the same bytes."""
    header = _header(bench)
    start = header["0.weight"]["data_offsets"][0]
    header["0.bias"]["data_offsets"] = [start, start + 4]
    (size,) = struct.unpack("<Q", bench.submission.packed[:8])
    packed = with_header(header, bench.submission.packed[8 + size :])
    return _bytes(bench, "overlapping weights", "two weights in one place", packed)


def _first_weight(value: float) -> Callable[[Weights], Weights]:
    def change(weights: Weights) -> Weights:
        weights["0.weight"].view(-1)[0] = value
        return weights

    return change


def nan_weight(bench: Bench) -> Attempt:
    """Hide one NaN: comparisons with it are false, so nothing ever violates."""
    packed = _weights(bench, _first_weight(torch.nan))
    return _bytes(bench, "NaN weight", "scores that compare with nothing", packed)


def inf_weight(bench: Bench) -> Attempt:
    """Hide an infinite weight."""
    packed = _weights(bench, _first_weight(torch.inf))
    return _bytes(bench, "infinite weight", "scores beyond all numbers", packed)


FILES = (
    plain_pickle,
    pickle_that_runs,
    old_pickle_that_runs,
    torch_archive,
    zip_bomb,
    file_and_archive,
    bytes_with_code,
    oversized_file,
    oversized_architecture,
    nested_architecture,
    nested_header,
    endless_header,
    unwritable_name,
    wrong_dtype,
    wrong_shape,
    missing_weight,
    surplus_weight,
    duplicate_weight,
    overlapping_weights,
    nan_weight,
    inf_weight,
)
