"""What replicas tell each other of the questions that they have granted, over Redis."""

import json
import secrets
from collections.abc import Sequence
from typing import Any

from redis import RedisError

from coupon_rec.serving.events.redis_log import connected
from coupon_rec.serving.http.security import Asked

CHANNEL = "coupon-rec:asked"


class SharedAsked:
    """Who asked about whom, told to all replicas and kept nowhere.

    While Redis is away each replica counts for itself, so that a client may ask each as often as
    all of them together before.

    Parameters
    ----------
    url : str
        Of the Redis server, such as ``redis://localhost:6379``.
    """

    def __init__(self, url: str) -> None:
        self._redis = connected(url)
        self._mine = secrets.token_hex(8)
        self._channel: Any = None

    def exchange(self, granted: Sequence[Asked]) -> list[Asked]:
        """Tell what was granted here, and give what the others have told since the last call."""
        try:
            if self._channel is None:
                channel = self._redis.pubsub()
                channel.subscribe(CHANNEL)
                self._channel = channel
            if granted:
                self._redis.publish(CHANNEL, json.dumps([self._mine, granted]))
            return self._told()
        except RedisError:
            self._channel = None
            return []

    def _told(self) -> list[Asked]:
        told: list[Asked] = []
        while message := self._channel.get_message():
            if message["type"] == "message":
                told += self._read(message["data"])
        return told

    def _read(self, data: str) -> list[Asked]:
        """What another replica has told; nothing if somebody put something else there."""
        try:
            sender, granted = json.loads(data)
            if sender == self._mine:
                return []
            return [(str(client), str(user), float(cost)) for client, user, cost in granted]
        except (ValueError, TypeError, OverflowError, RecursionError):
            return []

    def close(self) -> None:
        """Leave Redis."""
        self._redis.close()
