"""A fresh clone of this tree, and what `make` makes in it."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
DONE = ("python", "book", "test", "node")  # what is installed is not installed again


def into(folder: Path) -> None:
    """Copy what git knows or would know, with the packages and pages of this tree."""
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
