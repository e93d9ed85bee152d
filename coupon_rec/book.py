"""What the chapters need to be pages: numbers of the prose that come from the cells."""

from typing import Any


def note(**values: Any) -> None:
    """Keep values under their names, for the prose to show with `{glue:text}`.

    Parameters
    ----------
    **values
        Numbers, kept as Python's own so that the prose can format them, or text.
    """
    from myst_nb import glue

    for name, value in values.items():
        glue(name, value.item() if hasattr(value, "item") else value, display=False)
