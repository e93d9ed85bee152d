"""Names for people that only the holder of a secret can make again."""

import hashlib
import hmac

from coupon_rec.arguments import keys_of


class Pseudonyms:
    """Pseudonyms under a secret, and under those that were used before it.

    Parameters
    ----------
    keys : str
        The secret, drawn with `new_key`: a phrase can be guessed by whoever knows one person's
        pseudonym, such as their own. After a rotation several, separated by commas, the newest
        first. Without one everybody keeps their name.

    Raises
    ------
    ValueError
        If it is not empty and yet holds no secret, such as a comma or a space.

    Examples
    --------
    >>> before = Pseudonyms("old secret")
    >>> before.of(2448)
    '0f7fdd9772f273a0d17c1722180aa595'
    >>> rotated = Pseudonyms("new secret,old secret")
    >>> rotated.of(2448) == before.of(2448), rotated.all(2448)[1] == before.of(2448)
    (False, True)

    Notes
    -----
    The first 32 hexadecimal digits of an HMAC-SHA256 (RFC 2104), equation `eq-hmac`.
    """

    def __init__(self, keys: str = "") -> None:
        self._keys = [key.encode() for key in keys_of(keys, "a pseudonym key")]

    def of(self, value: int | str) -> int | str:
        """Give the pseudonym under the newest secret; the value itself where there is none."""
        return self.all(value)[0]

    def all(self, value: int | str) -> list[int | str]:
        """Give the pseudonyms under all secrets, the newest first."""
        text = str(value).encode()
        names = [hmac.digest(key, text, hashlib.sha256).hex()[:32] for key in self._keys]
        return [*names] or [value]
