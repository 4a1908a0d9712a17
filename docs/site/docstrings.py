"""Docstrings as Sphinx should read them: bars are absolute values, not references."""

import re
from collections.abc import Iterator, Sequence

LITERAL = re.compile(r"(``.*?``|:math:`.*?`)")


def escaped(lines: Sequence[str]) -> Iterator[str]:
    r"""Yield the lines with each bar escaped, but for code and its output.

    Parameters
    ----------
    lines
        Of a docstring.

    Examples
    --------
    >>> list(escaped(["|p - q| of ``a | b``", ">>> 1 | 2", "3"]))
    ['\\|p - q\\| of ``a | b``', '>>> 1 | 2', '3']
    """
    code = False
    for line in lines:
        code = line.lstrip().startswith(">>>") or (code and bool(line.strip()))
        yield line if code else "".join(map(_part, LITERAL.split(line)))


def _part(text: str) -> str:
    return text if LITERAL.fullmatch(text) else text.replace("|", r"\|")


def process(app, what, name, obj, options, lines) -> None:
    """Escape a docstring in place; Sphinx calls this for each."""
    lines[:] = escaped(lines)


def is_field(app, what, name, obj, skip, options) -> bool | None:
    """Leave out a named tuple's field: its class's Attributes tell of it."""
    return True if (obj.__doc__ or "").startswith("Alias for field") else None


def setup(app):
    """Register with Sphinx, after napoleon."""
    app.connect("autodoc-skip-member", is_field)
    app.connect("autodoc-process-docstring", process, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
