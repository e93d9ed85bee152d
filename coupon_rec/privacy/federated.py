"""Data that stays home: clients send masked sums over sockets, and the server adds them up.

``python -m coupon_rec.privacy.federated HOST:PORT NUMBER DATA.npz`` is a client that answers with
the sums of Newton's step for a logistic regression on its own rows (`newton_sums`). The shared key
of the federation is in ``COUPON_REC_FEDERATION_KEY``.
"""

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Client,
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.privacy.masks import FEWEST, MOST, Masks, from_words, without

Floats = NDArray[np.float64]

VARIABLE = "COUPON_REC_FEDERATION_KEY"
GONE = (EOFError, OSError)
"""What a connection raises when the other side has died."""
MOST_BYTES = 2**26
"""The longest answer of a client that is read."""


class Server:
    """Asks clients for sums, and sees no single answer, as long as it does as agreed.

    Parameters
    ----------
    key : bytes
        The shared key without which nobody is let in.
    clients : int
        How many to wait for, from three to a thousand.
    host : str
        Address to listen on; the port is any free one.
    patience : float
        Seconds that a client may take to answer, to the last byte, before it counts as dead.

    Attributes
    ----------
    address : tuple of (str, int)
        Where clients connect.
    alive : list of int
        The numbers of the clients that have answered so far.
    received : dict of int to numpy.ndarray
        What came from each client in the last round: noise to the eye, shape (n,), uint64.

    Notes
    -----
    Messages are JSON or raw numbers, and never unpickled. The sockets are not encrypted: put TLS
    in front of them where others can listen: the answer of a client that was late is never read
    here, but could be by whoever has heard it, since the others have given its masks away.

    The sums themselves are not private. Two of them, of nearly the same question with one client
    and without, differ by what this client has: only noise helps against that.
    """

    def __init__(
        self, key: bytes, clients: int, host: str = "127.0.0.1", patience: float = 10.0
    ) -> None:
        if clients < FEWEST:
            raise ValueError(f"{clients} clients: a sum of fewer than {FEWEST} hides nobody")
        if clients > MOST:
            raise ValueError(f"{clients} clients: a sum of more than {MOST} may overflow")
        self._listener, self._key = Listener((host, 0), backlog=clients), key
        self.address: tuple[str, int] = self._listener.address
        self._clients, self._patience = clients, patience
        self._doors: dict[int, Connection[Any, Any]] = {}
        self._turn = 0
        self.received: dict[int, NDArray[np.uint64]] = {}

    @property
    def alive(self) -> list[int]:  # noqa: D102  (an attribute of the class)
        return sorted(self._doors)

    def gather(self) -> None:
        """Wait until all clients are there, and tell each the public keys of all.

        Who does not have the key, or says nothing, is sent away.

        Raises
        ------
        ValueError
            If two clients have the same number.
        """
        keys: dict[int, str] = {}
        while len(keys) < self._clients:
            door = self._listener.accept()
            hello = self._greeted(door)
            if hello is None:
                door.close()
                continue
            if hello["number"] in keys:
                raise ValueError(
                    f"two clients have the number {hello['number']}: give each its own"
                )
            self._doors[hello["number"]] = door
            keys[hello["number"]] = hello["key"]
        for door in self._doors.values():
            _send(door, {"keys": keys})

    def _greeted(self, door: "Connection[Any, Any]") -> dict[str, Any] | None:
        """Hear who a client is, if it has the key and is not silent."""
        try:
            with _in_time(door, self._patience):
                deliver_challenge(door, self._key)
                answer_challenge(door, self._key)
                hello = json.loads(door.recv_bytes(200))
                return {"number": int(hello["number"]), "key": str(hello["key"])}
        except (AuthenticationError, *GONE, ValueError, KeyError, TypeError):
            return None

    def sum(self, question: ArrayLike) -> Floats:
        """Ask every client the same, and give the sum of what those answered who live.

        Parameters
        ----------
        question : array_like
            Numbers, such as the weights of a model, shape (d,).

        Raises
        ------
        RuntimeError
            If fewer than three are left, one more dies while the masks of the dead are gathered,
            or answers differ in length. Nothing is learned then; ask something else, since clients
            do not answer the same question again for fewer.
        """
        self._turn += 1
        members = self.alive
        words = np.asarray(question, np.float64).tobytes().hex()
        asked = {"turn": self._turn, "members": members, "question": words}
        answers = self._ask(members, asked)
        sizes = {len(data): number for number, data in answers.items()}
        if len(sizes) > 1:
            told = ", ".join(f"{n} of client {number}" for n, number in sizes.items())
            raise RuntimeError(f"answers differ in bytes, {told}: do data have the same columns?")
        self.received = {n: np.frombuffer(data, np.uint64) for n, data in answers.items()}
        dead = [number for number in members if number not in answers]
        if len(answers) < FEWEST:
            raise RuntimeError(f"{len(answers)} clients are left: fewer than {FEWEST} hide nobody")
        total = np.add.reduce([*self.received.values()])
        if dead:
            seeds = self._ask([*answers], {"turn": self._turn, "dead": dead})
            if len(seeds) < len(answers):
                raise RuntimeError("one more client died while masks were gathered: ask anew")
            total = without(
                total,
                (
                    (number, gone, data[32 * place : 32 * (place + 1)])
                    for number, data in seeds.items()
                    for place, gone in enumerate(dead)
                ),
            )
        return from_words(total)

    def _ask(self, numbers: list[int], message: dict[str, Any]) -> dict[int, bytes]:
        """Send a message, and gather the answers of those who give one in time."""
        with ThreadPoolExecutor(MOST) as threads:
            told = [*threads.map(lambda number: self._answer(number, message), numbers)]
        answers = dict(zip(numbers, told, strict=True))
        for number in numbers:
            if answers[number] is None:
                self._lose(number)  # what comes late is never read: see Masks
        return {number: data for number, data in answers.items() if data is not None}

    def _answer(self, number: int, message: dict[str, Any]) -> bytes | None:
        door = self._doors[number]
        try:
            with _in_time(door, self._patience):
                _send(door, message)
                return door.recv_bytes(MOST_BYTES)
        except GONE:
            return None

    def _lose(self, number: int) -> None:
        self._doors.pop(number).close()

    def close(self) -> None:
        """Let the clients go, and stop listening."""
        for door in self._doors.values():
            door.close()
        self._listener.close()


def client(
    address: tuple[str, int], key: bytes, number: int, answer: Callable[[Floats], ArrayLike]
) -> None:
    """Answer a server until it closes the connection.

    It takes part in sums of three or more only, gives one answer a round, and the secrets it has
    with the dead only after it and only once. Members may leave and never come back, and the same
    question is not answered again for fewer, as the two sums would differ by those who are gone.
    A client that is asked for more than that closes the connection.

    Parameters
    ----------
    address : tuple of (str, int)
        Of the server.
    key : bytes
        The shared key.
    number : int
        Which client this is; each has its own.
    answer : callable
        Gives, for the numbers that the server sent, those that are to be summed.
    """
    masks = Masks(number)
    with Client(address, authkey=key) as door:
        _send(door, {"number": number, "key": masks.public.hex()})
        try:
            told_keys = json.loads(door.recv_bytes())["keys"]
            keys = {int(other): bytes.fromhex(each) for other, each in told_keys.items()}
            last, members, told = 0, set(keys), True
            summed_for: dict[str, set[int]] = {}
            while True:
                asked = json.loads(door.recv_bytes())
                if "question" in asked and asked["turn"] > last:
                    text, now = asked["question"], set(asked["members"])
                    if not now <= members or summed_for.get(text, now) != now:
                        return
                    last, members, told = asked["turn"], now, text in summed_for
                    summed_for[text] = members
                    question = np.frombuffer(bytes.fromhex(text))
                    mine = {other: keys[other] for other in members}
                    door.send_bytes(masks.hide(answer(question), mine, last).tobytes())
                elif not told and len(members - set(asked["dead"])) >= FEWEST:
                    told = True
                    members = summed_for[text] = members - set(asked["dead"])
                    seeds = [masks.seed(keys[gone], last) for gone in asked["dead"]]
                    door.send_bytes(b"".join(seeds))
                else:
                    return
        except GONE:
            return


def newton_sums(x: ArrayLike, y: ArrayLike, weights: ArrayLike) -> Callable[[Floats], Floats]:
    """Give what a client adds to Newton's step: gradient and Hessian, in one vector.

    Parameters
    ----------
    x, y, weights : array_like
        The client's own rows: shape (n, d), labels and weights of shape (n,).
    """
    x, y, weights = np.asarray(x, np.float64), np.asarray(y), np.asarray(weights)

    def sums(theta: Floats) -> Floats:
        p = 1 / (1 + np.exp(-(x @ theta)))
        gradient = x.T @ (weights * (p - y))
        hessian = (x * (weights * p * (1 - p))[:, None]).T @ x
        return np.concatenate([gradient, hessian.ravel()])

    return sums


def newton_step(theta: Floats, total: Floats, ridge: float = 1.0) -> Floats:
    """Move weights of shape (d,) by the sums of all clients; the last weight is not penalized."""
    penalty = np.full(len(theta), ridge)
    penalty[-1] = 0.0
    gradient, hessian = total[: len(theta)], total[len(theta) :].reshape(len(theta), -1)
    step = np.linalg.solve(hessian + np.diag(penalty), gradient + penalty * theta)
    return np.asarray(theta - step)


@contextmanager
def _in_time(door: "Connection[Any, Any]", seconds: float) -> Iterator[None]:
    """Shut a connection down if what is done with it takes longer, even within a message."""
    line = socket.socket(fileno=os.dup(door.fileno()))
    late = Timer(seconds, line.shutdown, [socket.SHUT_RDWR])
    late.start()
    try:
        yield
    finally:
        late.cancel()
        line.close()


def _send(door: "Connection[Any, Any]", message: dict[str, Any]) -> None:
    door.send_bytes(json.dumps(message).encode())


def main(place: str, number: str, data: str | Path) -> None:
    """Answer a server from the rows of a file with the arrays x, y and weights."""
    host, _, port = place.rpartition(":")
    rows = np.load(data, allow_pickle=False)
    sums = newton_sums(rows["x"], rows["y"], rows["weights"])
    client((host, int(port)), os.environ[VARIABLE].encode(), int(number), sums)


if __name__ == "__main__":
    main(*sys.argv[1:])
