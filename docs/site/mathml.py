"""Formulas as MathML: browsers draw it, print it and read it aloud without a script."""

from html import escape

from docutils.nodes import SkipNode
from latex2mathml.converter import convert


def mathml(latex, display):
    """Return a formula as MathML with its source as an annotation for readers.

    Parameters
    ----------
    latex
        Without its dollars.
    display
        ``"inline"`` or ``"block"``.

    Examples
    --------
    >>> mathml("x", "inline").startswith("<math")
    True
    """
    made = convert(latex.replace("\\ ", "\\;"), display=display)
    return made.replace("<math ", f'<math alttext="{escape(latex)}" ', 1)


def visit_inline(writer, node):
    """Write a formula in the line."""
    writer.body.append(mathml(node.astext(), "inline"))
    raise SkipNode


def visit_block(writer, node):
    """Write a formula on a line of its own."""
    writer.body.append(f'<div class="math">{mathml(node.astext(), "block")}</div>')
    raise SkipNode


def setup(app):
    """Register the renderer with Sphinx."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
