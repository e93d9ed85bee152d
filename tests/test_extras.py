"""Each extra brings what the code behind it imports."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
CODE = ROOT / "coupon_rec"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
NEED = re.compile(r"need\(\"(\w+)\", \"(\w+)\"\)")
WITHOUT_NEED = {
    "book": "book",
    "records/writing.py": "spark",
    "serving/batch.py": "spark",
    "serving/bundle/exporting.py": "train",
    "training/cluster.py": "spark",
}
"""Code that asks for no extra by itself: it is handed what only the extra can have made."""


def needs(file: Path) -> set[tuple[str, str]]:
    """The modules and extras that a file, or a room that it lies in, asks for."""
    rooms = [folder / "__init__.py" for folder in file.parents if CODE in (folder, *folder.parents)]
    asked = {found for each in (file, *rooms) for found in NEED.findall(each.read_text("utf-8"))}
    inside = file.relative_to(CODE)
    if inside == Path("_extras.py"):
        return set()
    for place in (inside, *inside.parents):
        if extra := WITHOUT_NEED.get(place.as_posix()):
            asked.add(("coupon_rec", extra))
    return asked


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name.split(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@cache
def brought(extra: str) -> set[str]:
    """The packages that are installed with the core and an extra, and with what these require."""
    found: set[tuple[str, str]] = set()
    new = [*PROJECT["dependencies"], *EXTRAS[extra]]
    while new:
        each = Requirement(new.pop())
        name = canonicalize_name(each.name)
        if name == "coupon-rec":
            new += [part for extra in each.extras for part in EXTRAS[extra]]
            continue
        for one in {(name, extra) for extra in ("", *each.extras)} - found:
            found.add(one)
            new += [str(part) for part in required(name) if applies(part, one[1])]
    return {name for name, _ in found}


def required(name: str) -> list[Requirement]:
    try:
        return [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:
        return []


def applies(part: Requirement, extra: str) -> bool:
    return part.marker is None or part.marker.evaluate({"extra": extra})


FILES = [file for file in sorted(CODE.rglob("*.py")) if needs(file)]


@pytest.fixture(scope="module")
def distributions() -> Mapping[str, list[str]]:
    """The packages that have a module."""
    return packages_distributions()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(CODE).as_posix())
def test_the_extra_brings_what_the_code_behind_it_imports(
    file: Path, distributions: Mapping[str, list[str]]
) -> None:
    extras = {extra for _, extra in needs(file)}
    packages = {name for extra in extras for name in brought(extra)}
    modules = {*imports(file), *(module for module, _ in needs(file))}
    for module in modules - {"coupon_rec", *sys.stdlib_module_names}:
        names = {canonicalize_name(each) for each in distributions.get(module, [module])}
        assert names & packages, f"add what brings {module} to one of {extras}"
