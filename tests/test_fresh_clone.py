"""What a teacher makes is made in a fresh clone, with no file that git does not know."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import cloned
import pytest

pytestmark = pytest.mark.slow


def test_make_workshop(workshop: Path) -> None:
    assert (workshop / "the-right-coupon-workshop.zip").stat().st_size > 100_000
    assert (workshop / "quizzes-with-key.html").exists()


def test_make_slides(decks: Path, clone: Path) -> None:
    chapters = {path.stem for path in (clone / "chapters").glob("*.ipynb")}
    assert {path.stem for path in decks.glob("*.html")} == {*chapters, "index"}


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="downloads 1 GB: only in CI")
def test_make_wheelhouse_holds_all_that_make_book_installs(clone: Path, tmp_path: Path) -> None:
    cloned.make(clone, "wheelhouse")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(clone / "_build" / "wheelhouse")}
    install = ["install", "--dry-run", "-c", "requirements.txt", "-e", ".[book]"]
    result = subprocess.run(
        [tmp_path / "venv/bin/python", "-m", "pip", *install],
        cwd=clone,
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_all_that_make_wheelhouse_asks_for_goes_together(clone: Path, tmp_path: Path) -> None:
    recipe = subprocess.run(
        ["make", "-n", "wheelhouse"], cwd=clone, capture_output=True, text=True, check=True
    ).stdout
    asked = shlex.split(
        recipe.replace("\\\n", "").partition("-m pip wheel ")[2].partition("\nrm ")[0]
    )
    asked = [word for word in asked if not word.startswith("-") and "_build" not in word]
    assert asked == ["requirements.txt", ".[book,assistant]", "hatchling", "editables"]
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, tmp_path / "venv"], check=True)
    dry = ["pip", "install", "--dry-run", "--python", tmp_path / "venv", "-c", *asked]
    result = subprocess.run([uv, *dry], cwd=clone, capture_output=True, text=True, check=False)
    if re.search("dns error|error sending request|timed out", result.stderr):
        pytest.skip("no network, and uv's cache does not know all packages of the book")
    assert result.returncode == 0, result.stderr
    assert {" + hatchling", " + tensorflow", " + jupyter-book"} <= {
        line.split("==")[0] for line in result.stderr.splitlines()
    }
