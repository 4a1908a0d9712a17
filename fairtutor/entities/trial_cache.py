"""Trials on disk, one line each: nothing is computed twice, nothing stale is reused."""

import ast
import dataclasses
import hashlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Mapping
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from ..data import Dataset
from ..exchange import FairtutorError

LIBRARY = __name__.split(".")[0]


class TrialCache:
    """A JSON-lines file of results by fingerprint, safe to interrupt and to share.

    Parameters
    ----------
    path
        The file; it need not exist, its folder is made.

    Examples
    --------
    >>> import tempfile
    >>> cache = TrialCache(Path(tempfile.mkdtemp()) / "points.jsonl")
    >>> cache.add("a fingerprint", {"gap": [0.1, 0.0, 0.2]})
    >>> cache.read()
    {'a fingerprint': {'gap': [0.1, 0.0, 0.2]}}
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def read(self) -> dict[str, dict]:
        """Return every whole line; what was cut off while it was written is left out.

        Returns
        -------
        dict
            Records by key.
        """
        if not self.path.is_file():
            return {}
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        records = (_record(line) for line in lines)
        return {record.pop("key"): record for record in records if record}

    def add(self, key: str, record: Mapping[str, object]) -> None:
        """Append a record and wait until it is on the disk.

        Parameters
        ----------
        key
            Fingerprint of everything the record depends on.
        record
            JSON-like.
        """
        # The line break comes first: after a line that was cut off, this one is still
        # whole. One write to a file opened for appending: two processes do not mix.
        line = "\n" + json.dumps({"key": key, **record})
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        handle = os.open(self.path, flags, 0o644)
        try:
            os.write(handle, line.encode())
            os.fsync(handle)
        finally:
            os.close(handle)


def fingerprint(*parts: object) -> str:
    """Return a SHA-256 of values: numbers, texts, tensors, and what is made of them.

    Parameters
    ----------
    *parts
        Also mappings, sequences and dataclasses of such values.

    Raises
    ------
    FairtutorError
        A part is of another kind, and equal ones could not be told from different ones.

    Examples
    --------
    >>> fingerprint(1, {"a": 2.0}) == fingerprint(1, {"a": 2.0})
    True
    >>> fingerprint(torch.zeros(2)) == fingerprint(torch.zeros(3))
    False
    """
    return hashlib.sha256(json.dumps(_plain(parts)).encode()).hexdigest()


def fingerprint_of_data(dataset: Dataset) -> str:
    """Return a SHA-256 of rows, outcomes, groups, splits and their names.

    Parameters
    ----------
    dataset
        Any view of a data set.
    """
    return fingerprint(
        dataset.X,
        dataset.y,
        dataset.A,
        dataset.splits,
        dataset.attributes,
        dataset.feature_columns,
        dataset.outcomes,
    )


def fingerprint_of_code(*functions: Callable) -> str:
    """Return a SHA-256 of the source that functions are written in and rest on.

    Parameters
    ----------
    *functions
        With the file of each goes every file of the library from which that file has
        imported a name at its top, and so on; what comments and docstrings say does not
        matter. Of a function written in a notebook only the function itself is read.

    Raises
    ------
    FairtutorError
        The source of a function cannot be found.

    Notes
    -----
    Files are read from the disk as they are now. Python goes on with what it imported:
    whoever edits the library restarts the kernel before the next sweep, or results of
    the old code are kept as those of the new.

    Examples
    --------
    >>> from fairtutor.producers import erasure, identity
    >>> fingerprint_of_code(erasure) == fingerprint_of_code(identity)
    False
    """
    files: dict[str, Path] = {}
    own = []
    for function in functions:
        module = inspect.getmodule(function)
        if getattr(module, "__file__", None):
            _gather(module, files)
        else:
            own.append(_source(function))
    texts = [files[name].read_text(encoding="utf-8") for name in sorted(files)]
    return fingerprint(sorted(files), [without_words(text) for text in texts], own)


def without_words(source: str) -> str:
    r"""Return what Python code does, without its comments, docstrings and blanks.

    Parameters
    ----------
    source
        Of whole statements.

    Examples
    --------
    >>> without_words("def f():\n    'Say.'\n    return 1") == without_words(
    ...     "def f():  # another word\n    return 1"
    ... )
    True
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        may_have_words = ast.Module | ast.ClassDef | ast.FunctionDef
        if isinstance(node, may_have_words) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)


def _gather(module: ModuleType, files: dict[str, Path]) -> None:
    """Note the module's file, and those of the library that it imports from."""
    if module.__name__ in files:
        return
    files[module.__name__] = Path(module.__file__)
    for base, name in _imports(module):
        if base.split(".")[0] == LIBRARY:
            _gather(_home(base, name), files)


def _imports(module: ModuleType) -> list[tuple[str, str]]:
    """Return (module, name) for every ``from module import name`` at the top."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    package = module.__package__ or ""
    return [
        (resolve_name("." * node.level + (node.module or ""), package), alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]


def _home(base: str, name: str) -> ModuleType:
    """Return the module in which a name is defined, through packages that pass it on.

    Without that, whoever imports one name from a package would rest on all of it.
    """
    module = sys.modules[base]
    if isinstance(getattr(module, name, None), ModuleType):
        return getattr(module, name)
    if hasattr(module, "__path__"):
        for source, passed_on in _imports(module):
            if passed_on == name:
                return _home(source, name)
    return module


def _source(function: Callable) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        raise FairtutorError(
            f"The source of {function!r} cannot be found, and without it nobody can "
            "say whether results of an earlier run are its own. Sweep without a cache."
        ) from None


def _record(line: str) -> dict | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(record, dict) and isinstance(record.get("key"), str)
    return record if whole else None


def _plain(value: object) -> object:
    """Return the value as JSON can write it, tensors as digests of their bytes."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
        array = np.ascontiguousarray(value)
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        return [str(array.dtype), list(array.shape), digest]
    if isinstance(value, torch.dtype | torch.device | Path):
        return str(value)
    if isinstance(value, Mapping):
        return [[_plain(key), _plain(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [getattr(value, field.name) for field in dataclasses.fields(value)]
        return [type(value).__qualname__, _plain(fields)]
    raise FairtutorError(
        f"A {type(value).__name__} among the settings cannot be compared with that of "
        "an earlier run. Sweep without a cache."
    )
