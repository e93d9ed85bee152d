"""Data that stays home: clients give masked sums of their own rows, and the server adds them up."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.privacy.masks import FEWEST, MOST_CLIENTS, Masks, Words, from_words, without

Floats = NDArray[np.float64]


class Client:
    """Who has rows, and gives no more of them than masked sums.

    It gives one answer a round, and the secrets that it has with the dead only after it and only
    once. Members may leave and never come back, and the same question is not answered again for
    fewer, as the two sums would differ by those who are gone.

    Parameters
    ----------
    number : int
        Which client this is; each has its own.
    answer : callable
        Gives, for the numbers that the server asks about, those that are to be summed, such as
        `newton_sums`.

    Attributes
    ----------
    alive : bool
        Whether it answers at all; set it to False and it is dead.
    """

    def __init__(self, number: int, answer: Callable[[Floats], ArrayLike]) -> None:
        self.number, self.alive = number, True
        self.masks = Masks(number)
        self._answer = answer
        self._keys: dict[int, bytes] = {}
        self._members: set[int] = set()
        self._turn = 0
        self._secrets_given = True
        self._summed_for: dict[bytes, set[int]] = {}

    def join(self, keys: dict[int, bytes]) -> None:
        """Learn the public keys of all who take part, once."""
        if self._keys:
            raise PermissionError(f"client {self.number} takes part in a federation already")
        self._keys, self._members = keys, set(keys)

    def answer(self, turn: int, members: set[int], question: Floats) -> Words:
        """Answer a question with the masks of the members.

        Raises
        ------
        PermissionError
            If the round is over, a member comes back, or the question was answered for others.
        ValueError
            If fewer than three take part, or an answer is not finite.
        """
        asked = question.tobytes()
        before = self._summed_for.get(asked, members)
        if turn <= self._turn or not members <= self._members or before != members:
            raise PermissionError(
                f"client {self.number} answers once a round, and a question once: it was asked for "
                f"{len(members)} members in round {turn}"
            )
        self._turn, self._members = turn, members
        self._secrets_given = asked in self._summed_for
        self._summed_for[asked] = members
        keys = {number: self._keys[number] for number in members}
        return self.masks.hide(self._answer(question), keys, turn)

    def secrets(self, dead: Sequence[int], question: Floats) -> list[bytes]:
        """Give the secrets of this round with the dead, so that their masks can be taken out.

        Raises
        ------
        PermissionError
            If they were given, the question is a repeated one, or fewer than three are left.
        """
        left = self._members - {*dead}
        if self._secrets_given or len(left) < FEWEST:
            raise PermissionError(f"client {self.number} gives no secrets away: ask anew")
        self._secrets_given = True
        self._members = self._summed_for[question.tobytes()] = left
        return [self.masks.seed(self._keys[number], self._turn) for number in dead]


class Server:
    """Asks clients for sums, and sees no single answer, as long as it does as agreed.

    Parameters
    ----------
    clients : sequence of Client
        From three to a thousand, in this process. Over a network their messages would be the same,
        inside TLS.

    Attributes
    ----------
    alive : list of int
        The numbers of the clients that have answered so far.
    received : dict of int to numpy.ndarray
        What came from each client in the last round: noise to the eye, shape (n,), uint64.

    Raises
    ------
    ValueError
        If there are too few or too many clients, or two have the same number.

    Notes
    -----
    The sums themselves are not private. Two of them, of nearly the same question with one client
    and without, differ by what this client has: only noise helps against that.

    Examples
    --------
    >>> clients = [Client(number, lambda question: question + 1) for number in range(3)]
    >>> Server(clients).sum([1.0, 2.0]).tolist()
    [6.0, 9.0]
    """

    def __init__(self, clients: Sequence[Client]) -> None:
        if len(clients) < FEWEST:
            raise ValueError(f"{len(clients)} clients: a sum of fewer than {FEWEST} hides nobody")
        if len(clients) > MOST_CLIENTS:
            raise ValueError(
                f"{len(clients)} clients: a sum of more than {MOST_CLIENTS} may overflow"
            )
        (number, times), *_ = Counter(client.number for client in clients).most_common()
        if times > 1:
            raise ValueError(f"two clients have the number {number}: give each its own")
        keys = {client.number: client.masks.public for client in clients}
        for client in clients:
            client.join(keys)
        self._clients = {client.number: client for client in clients}
        self._turn = 0
        self.received: dict[int, Words] = {}

    @property
    def alive(self) -> list[int]:  # noqa: D102  (an attribute of the class)
        return sorted(self._clients)

    def sum(self, question: ArrayLike) -> Floats:
        """Ask every client the same, and give the sum of what those answered who live.

        Parameters
        ----------
        question : array_like
            Numbers, such as the weights of a model, shape (d,).

        Raises
        ------
        RuntimeError
            If fewer than three are left, or answers differ in length. Nothing is learned then.
        PermissionError
            If clients do not answer the same question again for fewer; ask something else.
        """
        self._turn += 1
        asked, members = np.array(question, np.float64), set(self._clients)
        living = {number: client for number, client in self._clients.items() if client.alive}
        self._clients = living  # who is late is never heard: see Masks
        if len(living) < FEWEST:
            raise RuntimeError(f"{len(living)} clients are left: fewer than {FEWEST} hide nobody")
        self.received = {
            number: client.answer(self._turn, members, asked) for number, client in living.items()
        }
        sizes = {words.size: number for number, words in self.received.items()}
        if len(sizes) > 1:
            told = ", ".join(f"{size} of client {number}" for size, number in sizes.items())
            raise RuntimeError(f"answers differ in length, {told}: do data have the same columns?")
        total: Words = np.add.reduce([*self.received.values()])
        if dead := sorted(members - set(living)):
            for number, client in living.items():
                seeds = client.secrets(dead, asked)
                pairs = zip(dead, seeds, strict=True)
                total = without(total, ((number, gone, seed) for gone, seed in pairs))
        return from_words(total)


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
