"""A registry of bundles: which one is in service, which were, and the way back."""

import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel, ValidationError

from coupon_rec.outgoing import NoAnswer, ask, bearer, is_address
from coupon_rec.serving.bundle.manifest import verified, version_of

LOADING_SECONDS = 120


class _Reloaded(BaseModel):
    """What a service answers."""

    bundle: str


class RegistryError(ValueError):
    """A bundle that cannot be put in service; what was in service before is again."""


class Registry:
    """A folder of bundles, of which one is in service.

    ::

        versions/4f0c.../    the bundles, under their versions
        live                 a link to the one in service; services are started with it
        history.jsonl        what was put in service, when and why

    To put a bundle in service is to move the link and to have every service load it. A service
    answers from the old bundle until the new one is loaded, so no request is lost. If one refuses,
    the link moves back and all load the old one.

    Parameters
    ----------
    folder : str or pathlib.Path
        Created if it does not exist. It must be able to hold symbolic links.
    services : sequence of str
        Addresses, such as `"http://127.0.0.1:8000"`.
    api_key : str
        What they ask for, if they do.

    Raises
    ------
    ValueError
        If a service is no address, or no header can hold the key.
    """

    def __init__(self, folder: str | Path, services: Sequence[str] = (), api_key: str = "") -> None:
        self.folder = Path(folder)
        self.live = self.folder / "live"
        for service in services:
            if not is_address(service):
                raise ValueError(
                    f"a service is an address such as http://127.0.0.1:8000, not {service!r}"
                )
        self.services = tuple(service.rstrip("/") for service in services)
        self._headers = bearer(api_key)
        (self.folder / "versions").mkdir(parents=True, exist_ok=True)

    @property
    def version(self) -> str | None:
        """The version in service; None before the first."""
        return self.live.readlink().name if self.live.is_symlink() else None

    @property
    def history(self) -> list[dict[str, Any]]:
        """What was put in service, the oldest first: `time`, `version`, `back`, `reason`.

        `back` says whether it was a way back.
        """
        path = self.folder / "history.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        entries = [json.loads(line) for line in lines]
        # Of the last one, a kill may have left no more than the note.
        return entries if not entries or entries[-1]["version"] == self.version else entries[:-1]

    def add(self, bundle: str | Path) -> str:
        """Copy a bundle into the registry, after a look at every byte, and give its version.

        Raises
        ------
        BundleError
            If it cannot be used.
        """
        version = version_of(verified(bundle))
        place = self.folder / "versions" / version
        if not place.exists():
            with TemporaryDirectory(prefix=".draft-", dir=self.folder / "versions") as draft:
                copy = Path(shutil.copytree(bundle, Path(draft, version)))
                verified(copy)
                copy.rename(place)
        return version

    def promote(self, version: str, reason: str = "") -> None:
        """Put a version in service.

        Raises
        ------
        RegistryError
            If there is no such version, or a service does not take it.
        """
        if not (self.folder / "versions" / version).is_dir() or not version:
            versions = sorted(p.name for p in (self.folder / "versions").iterdir())
            raise RegistryError(
                f"there is no version {version!r} in {self.folder}; there are {versions}"
            )
        self._serve(version, False, reason)

    def roll_back(self, reason: str = "") -> str:
        """Put the version that was in service before this one back, and give it.

        Twice in a row, it goes two promotions back: what was taken out is not put in again.

        Raises
        ------
        RegistryError
            If there was none, or a service does not take it.
        """
        promoted: list[str] = []
        for each in self.history:
            if each["back"]:
                promoted.pop()
            elif not promoted or promoted[-1] != each["version"]:
                promoted.append(each["version"])
        if len(promoted) < 2:
            raise RegistryError(f"{self.folder}: nothing was in service before {self.version}")
        self._serve(promoted[-2], True, reason)
        return promoted[-2]

    def _serve(self, version: str, back: bool, reason: str) -> None:
        """Note the version, move the link and have every service load it; undo it if one refuses.

        A note that comes true only with the link leaves a way back from a kill in between.
        """
        before, noted = self.version, self.history
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = {"time": now, "version": version, "back": back, "reason": reason}
        self._note([*noted, entry])
        self._link(version)
        try:
            for service in self.services:
                self._reload(service, version)
        except RegistryError:
            if before:
                self._link(before)
                for service in self.services:
                    with suppress(RegistryError):  # it kept what it had, or it is gone
                        self._reload(service, before)
            else:
                self.live.unlink()
            self._note(noted)
            raise

    def _note(self, entries: list[dict[str, Any]]) -> None:
        """Write the history at once: it is never half of a line."""
        draft = self.folder / f".history-{os.getpid()}"
        draft.write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")
        draft.replace(self.folder / "history.jsonl")

    def _link(self, version: str) -> None:
        """Move the link at once: there is no moment without one."""
        draft = self.folder / f".live-{os.getpid()}"
        draft.unlink(missing_ok=True)
        draft.symlink_to(Path("versions", version), target_is_directory=True)
        draft.replace(self.live)

    def _reload(self, service: str, version: str) -> None:
        try:
            answer = ask(f"{service}/v1/reload", b"", self._headers, seconds=LOADING_SECONDS)
            if not answer.ok:
                raise RegistryError(f"{service} does not take {version}: {answer.beginning}")
            loaded = _Reloaded.model_validate_json(answer.body).bundle
        except (NoAnswer, ValidationError) as error:
            raise RegistryError(f"{service} cannot be asked to load {version}: {error}") from error
        if loaded != version:
            raise RegistryError(f"{service} loaded {loaded}: start it with {self.live}")
