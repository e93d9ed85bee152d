"""What the chapters need to be pages: numbers of the prose that come from the cells."""

import os
from contextlib import AbstractContextManager
from typing import Any

os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "2")
# A sum over a batch is cut into as many parts as TensorFlow has threads, and rounds accordingly:
# with as many threads on every machine, a chapter trains the same model on one core and on all.

SPLIT = ("2017-01-15", "2017-09-01", "2017-10-01")
"""The first days of the training, validation and test campaigns, as chapter 2 chooses them."""


def quiet() -> AbstractContextManager[None]:
    """Lose what is written to stderr meanwhile, by the C++ code of TensorFlow as well."""
    from coupon_rec._keras import quiet

    return quiet()


def note(**values: Any) -> None:
    """Keep values under their names, for the prose to show with `{glue:text}`.

    Parameters
    ----------
    **values
        Numbers or text. Decimals keep four significant digits: more would differ from one
        processor to the next.
    """
    from IPython.display import display

    # What `myst_nb.glue` displays; importing it would take each chapter two seconds.
    kind = "application/papermill.record/"
    for name, value in values.items():
        plain = value.item() if hasattr(value, "item") else value
        shown = float(f"{plain:.4g}") if isinstance(plain, float) else plain
        metadata = {"scrapbook": {"name": name, "mime_prefix": kind}}
        display({f"{kind}text/plain": repr(shown)}, raw=True, metadata=metadata)
