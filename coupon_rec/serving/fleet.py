"""A client of several replicas: it asks the one that serves a user, and tries again."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from coupon_rec.outgoing import NoAnswer, ask, bearer
from coupon_rec.serving.hashing import shard_of

PAUSE = 0.1
"""Seconds before the next try, where a service does not say how long to wait."""


class FleetError(ValueError):
    """A request that no replica answered in time, or that one refused; the message says why."""


class Fleet:
    """The replicas of a service, each with a part of the users.

    A request goes to a replica of the user's shard. If it is away, or turns the request away, the
    next one is asked at once, and each again as soon as its `Retry-After` says, until `patience` is
    over. So an event may reach a service twice, and counts once, by its `event_id`.

    Parameters
    ----------
    shards : sequence of sequence of str
        For each shard, the addresses of its replicas, such as ``[["http://10.0.0.1:8000"]]``; one
        shard if the bundle is whole.
    api_key : str
        What the services ask for, if they do.
    patience : float
        Seconds after which a request is given up.

    Examples
    --------
    >>> fleet = Fleet([["http://127.0.0.1:8001"], ["http://127.0.0.1:8002"]])
    >>> fleet.recommend(5, k=3)  # doctest: +SKIP
    """

    def __init__(
        self, shards: Sequence[Sequence[str]], api_key: str = "", patience: float = 60.0
    ) -> None:
        if not shards or not all(shards):
            raise ValueError("each shard needs a replica: pass a list of addresses for each")
        self.shards = shards
        self._headers = {"Content-Type": "application/json", **bearer(api_key)}
        self._patience = patience

    def recommend(self, user_id: int | str, **fields: Any) -> dict[str, Any]:
        """Ask for the coupons of a user.

        Parameters
        ----------
        user_id : int or str
            Whom.
        **fields
            The rest of the body of `/v1/recommendations`, such as ``k=3``.

        Returns
        -------
        dict
            Its answer, with the `request_id` under which it is in the decision log.

        Raises
        ------
        FleetError
            If it is refused, or nobody answers in time.
        """
        shard = shard_of(user_id, len(self.shards))
        return self._post(shard, "/v1/recommendations", {"user_id": user_id, **fields})

    def send(self, events: Sequence[Mapping[str, Any]]) -> int:
        """Send events, each to its user's shard; all are accepted when it returns.

        Parameters
        ----------
        events : sequence of mapping
            As `/v1/events` takes them, at most 1,000.

        Returns
        -------
        int
            How many.

        Raises
        ------
        FleetError
            If some are refused, or nobody takes them in time; those of other shards may have been
            accepted. To send all again does no harm.
        """
        by_shard = defaultdict(list)
        for event in events:
            by_shard[shard_of(event["user_id"], len(self.shards))].append(event)
        for shard, mine in by_shard.items():
            self._post(shard, "/v1/events", {"events": mine})
        return len(events)

    def _post(self, shard: int, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        content, deadline, tries = json.dumps(body).encode(), time.monotonic() + self._patience, 0
        ready = dict.fromkeys(self.shards[shard], 0.0)  # from when on each may be asked
        while True:
            address = min(ready, key=ready.__getitem__)
            time.sleep(max(ready[address] - time.monotonic(), 0))
            tries += 1
            seconds = max((deadline - time.monotonic()) / 2, PAUSE)  # leaves some to the next
            try:
                answer = ask(address + path, content, self._headers, seconds=seconds)
                if answer.ok:
                    return {
                        **json.loads(answer.body),
                        "request_id": answer.headers.get("X-Request-Id", ""),
                    }
                problem = f"{address}: {answer.beginning}"
                if answer.status not in (429, 502, 503, 504):
                    raise FleetError(problem)
                wait = _seconds(answer.headers.get("Retry-After", ""))
            except FleetError:
                raise
            except (NoAnswer, ValueError, TypeError, RecursionError) as error:  # away, or cut off
                problem, wait = f"{address}: {error}", PAUSE
            ready[address] = time.monotonic() + wait
            if max(min(ready.values()), time.monotonic()) > deadline:
                raise FleetError(f"shard {shard}: given up after {tries} tries ({problem})")


def _seconds(text: str) -> float:
    """How long `Retry-After` says to wait; a little, where it says something else."""
    return float(text) if text.isdecimal() and text.isascii() else PAUSE
