"""Docstrings of the package as the reference shows them: equations become links."""

import re

from sphinx.application import Sphinx
from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer


def prepare(
    app: Sphinx, kind: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Turn `eq-name` into a link to the equation of that name."""
    if kind == "property":  # what stands before a colon would be read as its type
        lines[0] = lines[0].replace(": ", " – ", 1)
    lines[:] = [re.sub(r"(?<![:`])`(eq-[\w-]+)`", r":eq:`\1`", line) for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handler with Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", prepare, priority=400)  # before NumPy style
    # A layer of ours is read with its bases, whose source would start TensorFlow.
    for base in ("keras", "keras.layers"):
        ModuleAnalyzer.cache["module", base] = PycodeError("left out")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
