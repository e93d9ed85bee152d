"""What is not part of the core is named, with the command that installs it."""

from importlib.util import find_spec


def need(module: str, extra: str) -> None:
    """Check that a module of an extra is installed.

    Parameters
    ----------
    module : str
        A module that the extra brings, such as ``"keras"``.
    extra : {"train", "book", "privacy", "speech"}
        The extra.

    Raises
    ------
    ModuleNotFoundError
        Saying how to install the extra.

    Examples
    --------
    >>> need("numpy", "train")
    >>> need("no_such_module", "train")
    Traceback (most recent call last):
    ModuleNotFoundError: no_such_module is not installed: pip install 'coupon-rec[train]'
    """
    if find_spec(module) is None:
        raise ModuleNotFoundError(
            f"{module} is not installed: pip install 'coupon-rec[{extra}]'", name=module
        )
