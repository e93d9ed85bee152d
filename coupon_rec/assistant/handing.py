"""Handing over: a customer's words go to the shop, which says that it has them."""

from collections.abc import Callable
from datetime import datetime
from secrets import token_hex

from coupon_rec.outgoing import hook
from coupon_rec.privacy import Pseudonyms

HandOver = Callable[[int | str, str, str], None]
"""Give a user's words in a dialogue to a person; OSError if nobody has taken them."""


def hand_to(address: str, key: str = "") -> HandOver:
    """Post what a person should see to a web hook of the shop.

    Parameters
    ----------
    address : str
        It gets a JSON object with an `id`, which is also the header ``Idempotency-Key``, the
        `dialogue`, the `user`, their `words`, after those before that had no answer (up to ten
        messages in all, each on a new line), and the `time`, and answers with a status of success
        once it has kept them.
    key : str
        With keys, users appear under pseudonyms, as in a `DialogueLog`.

    Returns
    -------
    callable
        For `Assistant`. It raises an OSError if the address does not answer within 10 seconds.

    Raises
    ------
    ValueError
        If the address is not one of the web.
    """
    send, people = hook(address), Pseudonyms(key)

    def hand_over(user_id: int | str, dialogue: str, words: str) -> None:
        facts = {"dialogue": dialogue, "user": str(people.of(user_id)), "words": words}
        time = datetime.now().isoformat(timespec="seconds")
        send({"id": token_hex(16), **facts, "time": time})

    return hand_over
