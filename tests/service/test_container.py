"""The image and its neighbours, as far as they can be checked without building them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def passes(*command: str) -> None:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    passes(str(Path(sys.executable).with_name("hadolint")), "Dockerfile")


def test_the_compose_file_follows_its_schema() -> None:
    checker = str(Path(sys.executable).with_name("check-jsonschema"))
    passes(checker, "--builtin-schema", "vendor.compose-spec", "compose.yaml")
