"""Bytes that nobody reads or changes without a key, and keys that are rotated and shredded."""

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from coupon_rec._extras import need
from coupon_rec.arguments import keys_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"crv1"
KEY_ID, NONCE, TAG = 8, 12, 16
"""Bytes of a key's id, of a nonce, and of what proves that nothing was changed."""
VARIABLE = "COUPON_REC_STORAGE_KEYS"
"""The environment variable with the keys of the service's files. No option: `ps` shows those."""
SEAL_PLAIN = "COUPON_REC_SEAL_PLAIN"
"""Set to 1 for the one start that seals the files from before there were keys."""


class VaultError(ValueError):
    """Bytes that cannot be opened: another key's, changed, from another place, or not sealed."""


def new_key() -> str:
    """Draw a key of 256 bits, as 44 characters of text."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


class Vault:
    """Seals bytes with AES-256-GCM under the newest of its keys, and opens those of all.

    What is sealed names its key, so keys can be rotated: put a new one first, `reseal` what there
    is, and destroy the old one. All copies of the old bytes are lost with it, backups included.

    Parameters
    ----------
    keys : sequence of str
        One or more keys of `new_key`, the newest first.
    plain : bool
        Whether bytes that nobody has sealed are accepted, in order to seal them. Otherwise they
        are refused: anyone who can write to the disk could have put them there.

    Raises
    ------
    VaultError
        If there is no key, or one is not 32 bytes in base64.
    ModuleNotFoundError
        If the package `cryptography` is not installed (the extra `privacy`).

    Examples
    --------
    >>> vault = Vault([new_key()])
    >>> sealed = vault.seal(b"two bottles of milk", "baskets/7")
    >>> vault.open(sealed, "baskets/7")
    b'two bottles of milk'
    >>> vault.open(sealed, "baskets/8")
    Traceback (most recent call last):
    coupon_rec.privacy.vault.VaultError: baskets/8: was changed, or sealed under another name

    Notes
    -----
    A nonce is 96 bits drawn at random, so one key may seal 2^32 times at most (NIST SP 800-38D):
    rotate it before. That a file was deleted, or an older one of the same name put back, no seal
    can show.
    """

    def __init__(self, keys: Sequence[str], *, plain: bool = False) -> None:
        if not keys:
            raise VaultError("a vault needs a key: make one with coupon_rec.privacy.new_key()")
        raw = [_read_key(key) for key in keys]
        self._ciphers = {_id_of(key): _cipher(key) for key in raw}
        self._current = _id_of(raw[0])
        self.plain = plain
        self.name_key = hashlib.sha256(b"names" + raw[0]).hexdigest()

    @classmethod
    def from_environment(cls) -> "Vault | None":
        """Take the keys of ``COUPON_REC_STORAGE_KEYS``, separated by commas; None if it is empty.

        Bytes that nobody has sealed are accepted only with ``COUPON_REC_SEAL_PLAIN=1``. It is a
        ValueError if the variable is not empty and yet holds no key.
        """
        keys = keys_of(os.environ.get(VARIABLE, ""), f"a key in {VARIABLE}")
        return cls(keys, plain=os.environ.get(SEAL_PLAIN) == "1") if keys else None

    def seal(self, data: bytes, name: str) -> bytes:
        """Encrypt bytes for one place: they open only under the same name."""
        head = MAGIC + self._current + os.urandom(NONCE)
        cipher = self._ciphers[self._current]
        return head + cipher.encrypt(head[-NONCE:], data, head + name.encode())

    def open(self, data: bytes, name: str) -> bytes:
        """Decrypt what `seal` gave.

        Raises
        ------
        VaultError
            If it was changed, is of another name, of a key that this vault does not have, or not
            sealed at all.
        """
        from cryptography.exceptions import InvalidTag

        if not is_sealed(data):
            raise VaultError(
                f"{name}: is not encrypted, though {VARIABLE} has keys. If it is from before there "
                f"were keys, start once with {SEAL_PLAIN}=1; otherwise somebody has put it there"
            )
        head = data[: len(MAGIC) + KEY_ID + NONCE]
        key = _key_of(head)
        if key not in self._ciphers:
            raise VaultError(f"{name}: sealed with a key that is not among those of {VARIABLE}")
        try:
            return self._ciphers[key].decrypt(
                head[-NONCE:], data[len(head) :], head + name.encode()
            )
        except InvalidTag:
            raise VaultError(f"{name}: was changed, or sealed under another name") from None

    def current(self, data: bytes) -> bool:
        """Whether bytes are sealed with the newest key."""
        return is_sealed(data) and _key_of(data) == self._current

    def reseal(self, data: bytes, name: str) -> bytes:
        """Seal with the newest key what is sealed with an older one.

        Raises
        ------
        VaultError
            As `open`; what is not sealed yet is sealed if the vault accepts plain bytes.
        """
        return data if self.current(data) else self.seal(opened(data, name, self), name)


def is_sealed(data: bytes) -> bool:
    """Whether bytes begin as those do that a vault has sealed."""
    return data.startswith(MAGIC)


def opened(data: bytes, name: str, vault: Vault | None) -> bytes:
    """Open sealed bytes, or give plain ones back if there is no vault, or one that accepts them.

    Raises
    ------
    VaultError
        If they are sealed and cannot be opened or there is no vault, or plain and refused.
    """
    if not is_sealed(data) and (vault is None or vault.plain):
        return data
    if vault is None:
        raise VaultError(f"{name}: is encrypted; set {VARIABLE} to the keys that the service had")
    return vault.open(data, name)


class PersonKeys:
    """A key for each person: what is sealed with it is lost everywhere once it is shredded.

    For archives and backups, whose copies nobody can rewrite. The keys stand in one small file,
    themselves sealed by a vault; this file must not be in the backups. It is read for each call,
    under a lock beside it, so that several processes may share it. People stand in it under
    the names that are given: give pseudonyms.

    Parameters
    ----------
    path : str or pathlib.Path
        Where the keys are; written at the first `seal`.
    vault : Vault
        Seals the keys.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     keys = PersonKeys(Path(folder, "keys.json"), Vault([new_key()]))
    ...     backup = keys.seal(7, b"two bottles of milk")
    ...     print(keys.open(7, backup))
    ...     keys.shred(7)
    ...     keys.open(7, backup)
    Traceback (most recent call last):
    coupon_rec.privacy.vault.VaultError: this person has no key: it was shredded, or never made
    """

    def __init__(self, path: str | Path, vault: Vault) -> None:
        self._path, self._vault = Path(path), vault

    def seal(self, person: int | str, data: bytes) -> bytes:
        """Encrypt bytes under the key of a person, who gets one if they have none."""
        name = str(person)
        with self._locked() as keys:
            if name not in keys:
                sealed = self._vault.seal(new_key().encode(), name)
                keys[name] = base64.b64encode(sealed).decode()
                self._write(keys)
            return self._own(name, keys).seal(data, name)

    def open(self, person: int | str, data: bytes) -> bytes:
        """Decrypt bytes of a person; VaultError if their key is gone."""
        with self._locked(fcntl.LOCK_SH) as keys:
            own = self._own(str(person), keys)
        return own.open(data, str(person))

    def shred(self, person: int | str) -> None:
        """Destroy the key of a person, and with it all that it sealed.

        The old file is overwritten; a disk that keeps old blocks, as flash does, may keep the key,
        sealed by the vault.
        """
        with self._locked() as keys:
            if keys.pop(str(person), None):
                self._write(keys)

    @contextmanager
    def _locked(self, kind: int = fcntl.LOCK_EX) -> Iterator[dict[str, str]]:
        """The keys as they stand in the file, which nobody else changes meanwhile."""
        with self._path.with_name(f".{self._path.name}.lock").open("w") as lock:
            fcntl.flock(lock, kind)
            yield self._read()

    def _read(self) -> dict[str, str]:
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def _own(self, name: str, keys: dict[str, str]) -> Vault:
        if name not in keys:
            raise VaultError("this person has no key: it was shredded, or never made")
        return Vault([self._vault.open(base64.b64decode(keys[name]), name).decode()])

    def _write(self, keys: dict[str, str]) -> None:
        draft = self._path.with_name(f".{self._path.name}")
        with draft.open("w") as file:
            file.write(json.dumps(keys))
            file.flush()
            os.fsync(file.fileno())
        if not self._path.exists():
            draft.rename(self._path)
            return
        with self._path.open("r+b") as old:
            draft.replace(self._path)
            old.write(bytes(os.fstat(old.fileno()).st_size))
            old.flush()
            os.fsync(old.fileno())


def _read_key(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text.encode())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise VaultError("a key is not 32 bytes in base64: make one with privacy.new_key()")
    return key


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"id" + key).digest()[:KEY_ID]


def _key_of(data: bytes) -> bytes:
    return data[len(MAGIC) : len(MAGIC) + KEY_ID]


def _cipher(key: bytes) -> "AESGCM":
    need("cryptography", "privacy")
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
