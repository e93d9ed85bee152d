"""Bytes that nobody reads or changes without a key, and keys that can be rotated."""

import base64
import hashlib
import os
from collections.abc import Sequence

from coupon_rec._extras import need
from coupon_rec.arguments import keys_of

MAGIC, MAGIC_1_0 = b"crv2", b"crv1"
"""How sealed bytes begin, and how those of version 1.0 do, in AES-256-GCM."""
KEY_ID = 8
"""Bytes of a hash that say which key sealed something."""
HEAD_1_0 = len(MAGIC_1_0) + KEY_ID + 12
"""Of version 1.0: magic, id of the key, and a nonce of 12 bytes."""
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
    """Seals bytes under the newest of its keys, and opens those of all.

    What is sealed is text without line breaks, a third longer, and names its key. So keys can be
    rotated: put a new one first, `reseal` what there is, and destroy the old one. All copies of the
    old bytes are lost with it, backups included. What version 1.0 sealed is opened, too.

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
    Fernet (https://github.com/fernet/spec): AES-128-CBC with HMAC-SHA256; the moment of sealing is
    readable. That a file was deleted, or an older one of the same name put back, no seal can show.
    """

    def __init__(self, keys: Sequence[str], *, plain: bool = False) -> None:
        if not keys:
            raise VaultError("a vault needs a key: make one with coupon_rec.privacy.new_key()")
        need("cryptography", "privacy")
        from cryptography.fernet import Fernet, MultiFernet

        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:  # its message is left out, and no traceback shows the key
            raise VaultError(
                "a key is not 32 bytes in base64: make one with privacy.new_key()"
            ) from None
        raw = [base64.urlsafe_b64decode(key) for key in keys]
        self._keys = {hashlib.sha256(b"id" + key).digest()[:KEY_ID].hex(): key for key in raw}
        self._newest = next(iter(self._keys))
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
        return MAGIC + self._newest.encode() + self._fernet.encrypt(_place(name) + data)

    def open(self, data: bytes, name: str) -> bytes:
        """Decrypt what `seal` gave.

        Raises
        ------
        VaultError
            If it was changed, is of another name, of a key that this vault does not have, or not
            sealed at all.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.fernet import InvalidToken

        if not is_sealed(data):
            raise VaultError(
                f"{name}: is not encrypted, though {VARIABLE} has keys. If it is from before there "
                f"were keys, start once with {SEAL_PLAIN}=1; otherwise somebody has put it there"
            )
        if _key_of(data) not in self._keys:
            raise VaultError(f"{name}: sealed with a key that is not among those of {VARIABLE}")
        try:
            if data.startswith(MAGIC_1_0):
                return self._open_1_0(data, name)
            plain = self._fernet.decrypt(data[len(MAGIC) + 2 * KEY_ID :])
            if plain.startswith(_place(name)):
                return plain[len(_place(name)) :]
        except (InvalidToken, InvalidTag):
            pass
        raise VaultError(f"{name}: was changed, or sealed under another name")

    def _open_1_0(self, data: bytes, name: str) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        head = data[:HEAD_1_0]
        nonce = head[len(MAGIC_1_0) + KEY_ID :]
        cipher = AESGCM(self._keys[_key_of(data)])
        return cipher.decrypt(nonce, data[HEAD_1_0:], head + name.encode())

    def current(self, data: bytes) -> bool:
        """Whether bytes are sealed with the newest key, as `seal` does it today."""
        return data.startswith(MAGIC + self._newest.encode())

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
    return data.startswith((MAGIC, MAGIC_1_0))


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


def _place(name: str) -> bytes:
    """What stands before the bytes, encrypted with them."""
    return name.encode() + b"\0"


def _key_of(data: bytes) -> str:
    """The id of the key that sealed something."""
    after = data[len(MAGIC) :]
    if data.startswith(MAGIC_1_0):
        return after[:KEY_ID].hex()
    return after[: 2 * KEY_ID].decode("ascii", "replace")
