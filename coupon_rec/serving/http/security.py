"""Who is let in, and how often: keys, the rate of each address, and limits against probing."""

import hmac
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address

from coupon_rec.arguments import keys_of

HOUR = 3600.0
MOST_BUCKETS = 2**16
"""Clients, or people of a client, that are remembered; whoever was not seen longest goes first."""
OPERATOR = "operator"
"""What the client is called that has the operator's key."""

Asked = tuple[str, str, float]
"""Who asked about whom, and how many questions it counts as."""


class RateLimit:
    """A bucket for each name: it refills steadily, and a request takes one or more out of it.

    Parameters
    ----------
    rate : float
        What flows into a bucket in a second, greater than 0.
    most : float, optional
        What a bucket holds, at least 1; one second's, if left out.
    """

    def __init__(self, rate: float, most: float | None = None) -> None:
        self._rate = rate
        self._most = max(rate if most is None else most, 1.0)
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def wait(self, name: Hashable, now: float | None = None, cost: float = 1.0) -> float:
        """Take something out of a bucket, or say how long to wait until it is there, in seconds."""
        now = time.monotonic() if now is None else now
        left, cost = self._left(name, now), min(cost, self._most)
        if left < cost:
            return (cost - left) / self._rate
        self._keep(name, left - cost, now)
        return 0.0

    def take(self, name: Hashable, now: float | None = None, cost: float = 1.0) -> None:
        """Take out what was granted elsewhere, be it more than there is."""
        now = time.monotonic() if now is None else now
        self._keep(name, max(self._left(name, now) - cost, -self._most), now)

    def _left(self, name: Hashable, now: float) -> float:
        left, since = self._buckets.get(name, (self._most, now))
        return min(self._most, left + (now - since) * self._rate)

    def _keep(self, name: Hashable, left: float, now: float) -> None:
        self._buckets[name] = left, now
        self._buckets.move_to_end(name)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)


class Probing:
    """Slows a client that asks about one person after the other, or about one again and again.

    A model can be copied from its answers, and a person's place in its training guessed: both
    take many of them. So a client may ask about so many people in an hour, and so often about each
    of them; what it saves up is an hour's. A person counts once an hour, under whatever number of
    questions.

    Parameters
    ----------
    users : float
        People that a client may ask about in an hour; 0 for no limit.
    asks : float
        Questions in an hour that a client may ask about one of them; 0 for no limit.
    shared : bool
        Whether to remember what is granted until `given` hands it over, for other replicas.
    """

    def __init__(self, users: float = 0.0, asks: float = 0.0, *, shared: bool = False) -> None:
        self._users = RateLimit(users / HOUR, users) if users else None
        self._asks = RateLimit(asks / HOUR, asks) if asks else None
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._shared = shared
        self._granted: list[Asked] = []

    def wait(
        self, client: str, user_id: int | str, cost: float = 1.0, now: float | None = None
    ) -> tuple[str, float]:
        """Grant a question, or say which limit is reached and how long to wait, in seconds.

        Parameters
        ----------
        client : str
            Who asks.
        user_id : int or str
            About whom; 5 and "5" are the same person.
        cost : float
            How many questions it counts as.

        Returns
        -------
        str, float
            "users" or "asks" and the seconds; an empty text and 0 if it is granted.
        """
        if not (self._users or self._asks):
            return "", 0.0
        now = time.monotonic() if now is None else now
        person = client, str(user_id)
        if self._asks and (wait := self._asks.wait(person, now, cost)):
            return "asks", wait
        if self._users and self._is_new(person, now):
            if wait := self._users.wait(client, now):
                return "users", wait
            self._see(person, now)
        if self._shared:
            self._granted.append((*person, cost))
        return "", 0.0

    def given(self) -> list[Asked]:
        """Hand over what was granted here since the last call."""
        granted, self._granted = self._granted, []
        return granted

    def take(self, asked: Iterable[Asked], now: float | None = None) -> None:
        """Count what other replicas have granted."""
        now = time.monotonic() if now is None else now
        for client, user, cost in asked:
            if self._asks:
                self._asks.take((client, user), now, cost)
            if self._users and self._is_new((client, user), now):
                self._users.take(client, now)
                self._see((client, user), now)

    def _is_new(self, person: tuple[str, str], now: float) -> bool:
        return now - self._seen.get(person, -HOUR) >= HOUR

    def _see(self, person: tuple[str, str], now: float) -> None:
        self._seen[person] = now
        self._seen.move_to_end(person)
        if len(self._seen) > MOST_BUCKETS:
            self._seen.popitem(last=False)


class Keys:
    """The keys of clients and of the operator, compared in a time that tells nothing.

    Parameters
    ----------
    clients : str
        The keys of clients, separated by commas: one for each client, or the new and the old one
        while a key is changed. Anyone is let in if it is empty.
    operator : str
        What `/v1/reload`, `/v1/reviews` and `/metrics` need; any client's key if it is empty.

    Raises
    ------
    ValueError
        If one of them is not empty and yet holds no key, such as a comma or a line break.
    """

    def __init__(self, clients: str = "", operator: str = "") -> None:
        keys = keys_of(clients, "a key")
        keys_of(operator, "a key for the operator")
        self.operator = bool(operator)
        self.open = not keys
        self._names = {b"Bearer " + key.encode(): _name(key) for key in keys}
        if operator:
            self._names[b"Bearer " + operator.strip().encode()] = OPERATOR

    def client(self, authorization: bytes, address: str) -> str | None:
        """Name who sent a request: a name of its key, or its address where it needs no key.

        None if the key is missing or wrong.
        """
        found = None
        for ours, name in self._names.items():
            if hmac.compare_digest(authorization, ours):
                found = name
        return found or (f"@{address}" if self.open else None)  # no header spells a key's name


def _name(key: str) -> str:
    """A name of a key that does not tell it, and is the same in each replica."""
    return blake2b(key.encode(), digest_size=8).hexdigest()


def network_of(address: str) -> str:
    """Give an address, or of one in IPv6 its first half: whoever has one has 2^64 of them.

    Examples
    --------
    >>> network_of("192.0.2.7"), network_of("2001:db8:1:2:3:4:5:6"), network_of("testclient")
    ('192.0.2.7', '2001:db8:1:2::', 'testclient')
    """
    if ":" not in address:
        return address
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> 64 << 64))
