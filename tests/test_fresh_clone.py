"""What a teacher makes is made in a fresh clone, with no file that git does not know."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DONE = ("python", "book", "test", "node")  # what is installed is not installed again


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that a clone of this tree would have, with the packages and pages of this one."""
    folder = tmp_path_factory.mktemp("clone")
    command = "git -c safe.directory=* ls-files --cached --others --exclude-standard"
    listing = subprocess.run(command.split(), cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listing.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for name in (".venv", "tools/node/node_modules", "_build/html"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists() and (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    return folder


def make(clone: Path, command: str, *done: str) -> str:
    """Run a command of make in the clone and give what it printed."""
    skipped = [part for name in DONE for part in ("-o", f".venv/.{name}")]
    skipped += [part for name in done for part in ("-o", name)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        ["make", *skipped, command],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_make_workshop(clone: Path) -> None:
    assert "For learners: " in make(clone, "workshop")
    assert (clone / "_build/workshop/the-right-coupon-workshop.zip").stat().st_size > 100_000
    assert (clone / "_build/workshop/quizzes-with-key.html").exists()


def test_make_slides(clone: Path) -> None:
    for needed in ("_build/html/index.html", "tools/node/node_modules/reveal.js"):
        if not (clone / needed).exists():
            reason = f"no {needed}: `make test` makes it, with npm"
            pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    assert "Open file://" in make(clone, "slides", "book")
    chapters = {path.stem for path in (clone / "chapters").glob("*.ipynb")}
    assert {path.stem for path in (clone / "_build/slides").glob("*.html")} == {*chapters, "index"}


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="downloads 1 GB: only in CI")
def test_make_wheelhouse_holds_all_that_make_book_installs(clone: Path, tmp_path: Path) -> None:
    make(clone, "wheelhouse")
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
