"""What is for a person reaches one, or the customer hears that it does not."""

import re
import socket
from datetime import datetime

import pytest
from receiver import Receiver

from coupon_rec.assistant import Assistant, Catalog, Customers, Tools, hand_to
from coupon_rec.assistant.talking import ALONE, NOBODY, SAYS
from coupon_rec.book import talking
from coupon_rec.privacy import Pseudonyms

WISHES = {
    "stop": "unsubscribe me",
    "forget": "forget me",
    "complaint": "my order is late",
    "person": "a human, please",
}
TOOLS = Tools(2448, lambda user: talking.MINE[int(user)], Catalog(talking.FACTS))


def test_the_shop_gets_the_words_under_a_pseudonym_before_the_customer_is_told(
    hook: Receiver,
) -> None:
    talk = Assistant(TOOLS, hand_over=hand_to(hook.address, "winter"))
    assert talk.reply("my order is late").reply == SAYS["complaint"]
    (facts,) = hook.received
    assert (facts["dialogue"], facts["words"]) == (talk.dialogue, "my order is late")
    assert facts["user"] == Pseudonyms("winter").of(2448)
    assert abs((datetime.now() - datetime.fromisoformat(facts["time"])).total_seconds()) < 600


def test_a_desk_takes_a_second_yes_for_no_copy_of_the_first(hook: Receiver) -> None:
    give = hand_to(hook.address)
    for words in ("yes", "yes"):
        give(7, "d1", words)
    assert len({*hook.ids}) == 2


def test_the_address_of_the_desk_is_in_no_log(
    hook: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        gone = f"http://127.0.0.1:{free.getsockname()[1]}/secret"
    Assistant(TOOLS, hand_over=hand_to(gone)).reply("my order is late")
    assert "nobody took a customer's words" in caplog.text and "secret" not in caplog.text


def test_after_a_handover_too_it_is_said_when_nobody_takes_the_words(hook: Receiver) -> None:
    talk = Assistant(TOOLS, hand_over=hand_to(hook.address))
    for hook.status, words in ((200, "my order is late"), (503, "is anybody there?")):
        turn = talk.reply(words)
    assert turn.reply == NOBODY


@pytest.mark.parametrize(("intent", "words"), WISHES.items())
def test_nothing_is_said_to_be_passed_on_that_nobody_has_taken(
    intent: str, words: str, hook: Receiver
) -> None:
    hook.status = 503
    with socket.create_server(("127.0.0.1", 0)) as free:
        gone = f"http://127.0.0.1:{free.getsockname()[1]}"
    for hand_over in (None, hand_to(hook.address), hand_to(gone)):
        talk = Assistant(TOOLS, Customers(), hand_over=hand_over)
        turn = talk.reply(words)
        assert (turn.intent, turn.reply, turn.handed_over) == (intent, ALONE[intent], False)
        assert not re.search("colleague|passed", turn.reply)
        assert not any(talk.reply("coffee?").offered for _ in range(5))
        assert "25% off coffee" in talk.reply("any coupons?").reply  # it has not gone silent


def test_a_colleague_is_offered_only_where_there_may_be_one(hook: Receiver) -> None:
    for words in ("coffee?", "lorem ipsum"):
        assert "colleague" not in Assistant(TOOLS).reply(words).reply
        assert "colleague" in Assistant(TOOLS, hand_over=hand_to(hook.address)).reply(words).reply
