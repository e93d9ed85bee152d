"""The rate limit of each address, and the check of the API key."""

import hmac
import time
from collections import OrderedDict

from coupon_rec.serving.http.settings import Settings

MOST_ADDRESSES = 10_000


class RateLimit:
    """A bucket of requests for each address: it refills steadily, and a request takes one.

    Parameters
    ----------
    rate : float
        Requests a second, greater than 0. A bucket holds one second's, and at least one.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(rate, 1.0)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str, now: float | None = None) -> float:
        """Take one request out of the bucket of an address, or say how long to wait, in seconds."""
        now = time.monotonic() if now is None else now
        left, since = self._buckets.pop(address, (self._most, now))
        left = min(self._most, left + (now - since) * self._rate)
        allowed = left >= 1
        self._buckets[address] = (left - allowed, now)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate


def key_is_right(settings: Settings, authorization: bytes) -> bool:
    """Compare the key of a request with ours, if we have one, in a time that tells nothing."""
    if not settings.api_key:
        return True
    ours = b"Bearer " + settings.api_key.encode()
    return hmac.compare_digest(authorization, ours)
