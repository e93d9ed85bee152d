"""Names that a package imports when they are first asked for, so that a service starts quickly."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy(package: str, names: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Make the `__getattr__` (PEP 562) of a package.

    Parameters
    ----------
    package : str
        The package.
    names : mapping of str to sequence of str
        For each module of the package, the names that the package takes from it.
    """
    home = {name: module for module, members in names.items() for name in members}

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{home[name]}"), name)

    return get
