"""The image and its neighbours, as far as they can be checked without building them."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SERVING = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["serving"]


def passes(*command: str) -> None:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    passes(str(Path(sys.executable).with_name("hadolint")), "Dockerfile")


def test_the_compose_file_follows_its_schema() -> None:
    checker = str(Path(sys.executable).with_name("check-jsonschema"))
    passes(checker, "--builtin-schema", "vendor.compose-spec", "compose.yaml")


def test_the_image_holds_what_the_package_asks_for_in_the_same_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {Requirement(line).name: Requirement(line) for line in project["dependencies"]}
    for line in SERVING:
        requirement = Requirement(line)
        assert requirement.specifier == asked[requirement.name].specifier, line


def installed(names: list[str]) -> set[str]:
    """Name the distributions that some requirements bring in."""
    found: set[str] = set()
    while names:
        name = canonicalize_name(names.pop())
        if name not in found:
            found.add(name)
            needs = [Requirement(line) for line in requires(name) or ()]
            names += [each.name for each in needs if not each.marker or each.marker.evaluate()]
    return found


def test_the_service_imports_nothing_that_the_image_lacks() -> None:
    code = "import sys, coupon_rec.__main__, coupon_rec.serving.server; print(*sys.modules)"
    listed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    roots = {name.split(".")[0] for name in listed.stdout.split()}
    owners = packages_distributions()
    needed = {canonicalize_name(owner) for root in roots for owner in owners.get(root, ())}
    image = installed([Requirement(line).name for line in SERVING])
    assert needed <= image | {"coupon-rec", "setuptools"}, needed - image
