"""What others may rely on: every name of the reference with its parameters, command and path.

After a change that is meant to change them, with a line in `CHANGELOG.md`:

    .venv/bin/python tests/names.py > tests/names.txt
"""

import importlib
import inspect
import re
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).parents[1]
ENTRY = re.compile(r"^\.\. (currentmodule|auto\w+):: (.+)$", re.MULTILINE)


def reference() -> Iterator[tuple[str, str]]:
    """Module and name of each entry of the reference, but those that only the chapters need."""
    module = ""
    for page in ("api.md", "api_decisions.md", "api_serving.md"):
        for kind, name in ENTRY.findall((ROOT / "appendix" / page).read_text("utf-8")):
            if kind == "currentmodule":
                module = name
            elif not module.startswith("coupon_rec.book"):
                yield module, name


def functions() -> Iterator[tuple[str, str]]:
    """Module and name of each function of the reference, and of its classes' public methods."""
    for module, shown in reference():
        value = attrgetter(shown)(importlib.import_module(module))
        if inspect.isfunction(value):
            yield module, shown
        elif inspect.isclass(value) and not issubclass(value, Exception):
            for member, method in vars(value).items():
                function = getattr(method, "__func__", method)
                if not member.startswith("_") and inspect.isfunction(function):
                    yield module, f"{shown}.{member}"


def parameters(called: Any) -> str:
    signature = inspect.signature(called)
    kinds = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    names = [kinds.get(each.kind, "") + each.name for each in signature.parameters.values()]
    return f"({', '.join(name for name in names if name not in ('self', 'cls'))})"


def members(name: str, shown: type) -> Iterator[str]:
    """The public methods and properties that a class of the package defines."""
    for member, value in sorted(vars(shown).items()):
        if member.startswith("_"):
            continue
        if isinstance(value, property):
            yield f"{name}.{member}"
        elif inspect.isfunction(function := getattr(value, "__func__", value)):
            yield f"{name}.{member}{parameters(function)}"


def of_python() -> Iterator[str]:
    for module, shown in reference():
        value = attrgetter(shown)(importlib.import_module(module))
        called = inspect.isclass(value) and not issubclass(value, Exception)
        name = f"{module}.{shown}"
        yield name + (parameters(value) if called or inspect.isfunction(value) else "")
        if called:
            yield from members(name, value)


def of_command_line() -> Iterator[str]:
    from coupon_rec.__main__ import app

    for name, command in sorted(typer.main.get_command(app).commands.items()):
        words = [
            parameter.name.upper() if parameter.param_type_name == "argument" else parameter.opts[0]
            for parameter in command.params
        ]
        yield f"python -m coupon_rec {' '.join([name, *words])}"


def of_service() -> Iterator[str]:
    from coupon_rec.serving.http.app import router

    yield from sorted(f"{min(route.methods)} {route.path}" for route in router.routes)


def names() -> list[str]:
    return [*of_python(), *of_command_line(), *of_service()]


if __name__ == "__main__":
    print("\n".join(names()))
