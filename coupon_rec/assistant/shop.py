"""What the assistant asks of the shop over HTTP: its service for coupons, its desk for people."""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from secrets import token_hex
from typing import Any

from pydantic import BaseModel, StrictInt, StrictStr

from coupon_rec.assistant.tools import MAX_SHOWN, Recommend
from coupon_rec.outgoing import FEW_BYTES, NoAnswer, Unreachable, ask, bearer, hook, is_address
from coupon_rec.privacy import Pseudonyms

logger = logging.getLogger("coupon_rec.assistant")

HandOver = Callable[[int | str, str, str], None]
"""Give a user's words in a dialogue to a person; OSError if nobody has taken them."""


class _Recommended(BaseModel):
    campaign_id: StrictInt | StrictStr
    coupon_id: StrictInt | StrictStr
    reason: StrictStr


class _Answer(BaseModel):
    """What is read of a service's answer."""

    user_id: StrictInt | StrictStr
    coupons: list[_Recommended]
    mailed: Any = None


def service(url: str, key: str = "", moment: datetime | None = None) -> Recommend:
    """Ask a running `python -m coupon_rec serve` for recommendations.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:8000``.
    key : str
        Its API key, if it has one.
    moment : datetime.datetime, optional
        The time of the shop; now, by the clock of the service, if left out.

    Returns
    -------
    callable
        From a user to their coupons, within 10 seconds. It raises a ValueError that says what the
        service said.
    """
    if not is_address(url):
        raise ValueError(f"a service has an address such as http://..., not {url!r}")
    address = f"{url.rstrip('/')}/v1/recommendations"
    headers = {"Content-Type": "application/json", **bearer(key)}
    context = {"context": {"time": moment.isoformat(timespec="seconds")}} if moment else {}

    def recommend(user_id: int | str) -> Sequence[tuple[int | str, int | str, str, bool]]:
        question = json.dumps({"user_id": user_id, "k": MAX_SHOWN, **context}).encode()
        try:
            answer = ask(address, question, headers, seconds=10, max_bytes=FEW_BYTES)
            if answer.ok:
                return _read(answer.body, user_id)
        except Unreachable as error:
            logger.warning("no service answers: %s", type(error).__name__)
            raise ValueError(
                f"nothing answers at {url} ({error}): start `python -m coupon_rec serve BUNDLE`, "
                "and give its address with --service"
            ) from None
        except (NoAnswer, ValueError) as error:
            logger.warning("the service does not answer as `serve`: %s", type(error).__name__)
            raise ValueError(f"the service at {url} did not answer as `serve` does") from None
        logger.warning("the service refused: %d", answer.status)
        raise ValueError(f"the service at {url} refused: {answer.beginning}")

    return recommend


def _read(body: bytes, user_id: int | str) -> list[tuple[int | str, int | str, str, bool]]:
    answer = _Answer.model_validate_json(body)
    if str(answer.user_id) != str(user_id):
        raise ValueError("an answer about somebody else")
    if not all(each.reason.isprintable() for each in answer.coupons):
        raise ValueError("a reason that cannot be shown")
    mailed = answer.mailed is True
    return [(each.campaign_id, each.coupon_id, each.reason, mailed) for each in answer.coupons]


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
