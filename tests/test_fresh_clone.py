"""What a teacher makes is made in a fresh clone, with no file that git does not know."""

import os
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
