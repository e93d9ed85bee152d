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
    for requirement in map(Requirement, SERVING):
        assert requirement.specifier == asked[requirement.name].specifier


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


def test_the_service_needs_nothing_that_the_image_lacks() -> None:
    image = installed([Requirement(line).name for line in SERVING]) | {"coupon-rec", "setuptools"}
    lacking = [
        module
        for module, owners in packages_distributions().items()
        if not image & {canonicalize_name(owner) for owner in owners}
    ]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({lacking})); "
        "import coupon_rec.__main__, coupon_rec.serving.http.server; "
        "import coupon_rec.serving.events.redis_log"
    )
    passes(sys.executable, "-c", code)
