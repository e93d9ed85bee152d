"""The manifest of a bundle: what the folder must hold, to the last byte."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

FORMAT = 1
"""Number of the layout of a bundle; it grows when an older service could not read a newer one."""

NAME = "manifest.json"
PLATFORMS = "platforms.json"
"""The calibration of each platform that has a model of its own, in bundles that have some."""
FRESH = "export it anew with `python -m coupon_rec export`, or copy it again whole"


class BundleError(ValueError):
    """A bundle that cannot be made or used; the message names the file and says how to fix it."""


def seal(folder: Path, facts: dict[str, Any]) -> str:
    """Write the manifest of a bundle whose other files are complete.

    Parameters
    ----------
    folder : pathlib.Path
        The bundle.
    facts : dict
        What the manifest says besides the files, as JSON knows it.

    Returns
    -------
    str
        The version: 12 hexadecimal digits of a hash of all files and facts but `created`.
    """
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        files[path.relative_to(folder).as_posix()] = {
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    manifest = {"format": FORMAT, "version": "", **facts, "files": files}
    manifest["version"] = _version(manifest)
    (folder / NAME).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return str(manifest["version"])


def platform_file(name: str) -> str:
    """Name the file of the model of a platform."""
    return f"platforms/{name}.onnx"


def verified(folder: str | Path) -> dict[str, Any]:
    """Read the manifest of a bundle and compare every file with it.

    Parameters
    ----------
    folder : str or pathlib.Path
        As `coupon_rec.serving.bundle.export` wrote it. Files that the manifest does not name
        are not looked at.

    Returns
    -------
    dict
        The manifest: format, version, created, packages, differences, files.

    Raises
    ------
    BundleError
        If the folder is no bundle, or one for a newer package, or one of its files is missing,
        cut short or changed, or leads out of it.
    """
    folder = Path(folder)
    manifest = _read(folder)
    for path in folder.rglob("*"):
        if path.is_symlink():
            _require_inside(folder, path)
    for name in manifest["files"]:
        content(folder, manifest, name)
    return manifest


def version_of(manifest: dict[str, Any]) -> str:
    """Give the version of a bundle; one that forgot somebody keeps the one it had."""
    return str(manifest.get("whole", manifest["version"]))


def content(folder: str | Path, manifest: dict[str, Any], name: str) -> bytes:
    """Read a file of a bundle, and compare it with the manifest.

    Parameters
    ----------
    folder, manifest
        The bundle, and what `verified` gave for it. The file is refused if another bundle has
        taken the place of that one since.
    name : str
        The file's, from the folder on.

    Raises
    ------
    BundleError
        If the bundle has no such file, or it is missing, cut short or changed, or lies elsewhere.
    """
    path = Path(folder, name)
    expected = manifest["files"].get(name)
    if expected is None:
        raise BundleError(f"{path}: not among the files of the bundle; {FRESH}")
    _require_inside(Path(folder), path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: missing from the bundle; {FRESH}") from error
    if hashlib.sha256(data).hexdigest() != expected["sha256"]:
        raise BundleError(f"{path}: its content is not the one exported; {FRESH}")
    return data


def _require_inside(folder: Path, path: Path) -> None:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleError(f"{path}: leads out of the bundle; {FRESH}")


def _read(folder: Path) -> dict[str, Any]:
    path = folder / NAME
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(f"{path}: cannot be read, so {folder} is no bundle; {FRESH}") from error
    except ValueError as error:
        raise BundleError(f"{path}: cut short or damaged ({error}); {FRESH}") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise BundleError(f"{path}: not the manifest of a bundle; {FRESH}")
    if manifest["format"] > FORMAT:
        raise BundleError(
            f"{path}: the bundle has format {manifest['format']}, this coupon_rec reads {FORMAT}; "
            "update coupon_rec, or export with this version"
        )
    if manifest.get("version") != _version(manifest):
        raise BundleError(f"{path}: does not have the version it names; {FRESH}")
    if not re.fullmatch("[0-9a-f]{12}", version_of(manifest)):  # it becomes the name of a folder
        raise BundleError(f"{path}: is part of no version; {FRESH}")
    return manifest


def _version(manifest: dict[str, Any]) -> str:
    facts = {name: fact for name, fact in manifest.items() if name not in ("version", "created")}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
