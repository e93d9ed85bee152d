"""A conversation says what the tools returned, offers when it pays, and gives way to a person."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from coupon_rec.assistant import (
    Assistant,
    Catalog,
    Customers,
    DialogueLog,
    Tools,
    hear,
    service,
)
from coupon_rec.assistant.intents import messages
from coupon_rec.assistant.talking import (
    ALONE,
    FOR_A_PERSON,
    MAX_PASSED_ON,
    MAX_TURNS,
    OPEN,
    SAYS,
)
from coupon_rec.book import talking

CATALOG = Catalog(talking.FACTS)
LINES = ("25% off coffee, until 26 November 2017", "0.50 off oat milk, until 3 December 2017")
OFFER_AT_ONCE = Customers(share=(0, 1, 0), gain=(1, 1, 1))


def tools(user: int = 2448) -> Tools:
    return Tools(user, lambda user_id: talking.MINE.get(int(user_id), []), CATALOG)


def phrases(text: str) -> list[str]:
    """The sentences of a table, one a line."""
    return text.strip().splitlines()


def take(*said: object) -> None:
    """Somebody has the customer's words."""


@contextmanager
def served(body: bytes, length: str = "") -> Iterator[str]:
    """A service that answers every request with the same."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_coupons_are_listed_in_the_tools_own_words() -> None:
    turn = Assistant(tools()).reply("What coupons do I have?")
    assert turn.reply == "\n- ".join(["You have:", *LINES])
    assert (turn.intent, turn.by, turn.handed_over) == ("coupons", "rules", False)


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("any deal on OAT  MILK?", LINES[1:]),
        ("how long is the second one valid?", LINES[1:]),
        ("until when is the last coupon good", LINES[1:]),
        ("how much is the first one?", LINES[:1]),
    ],
)
def test_a_slot_chooses_the_coupon_and_never_anothers(words: str, lines: Sequence[str]) -> None:
    turn = Assistant(tools()).reply(words)
    assert [line[2:] for line in turn.reply.splitlines()[1:]] == list(lines)


@pytest.mark.parametrize("words", ["a coupon for dog food?", "is the fourth coupon still valid"])
def test_who_asks_for_what_is_not_theirs_hears_of_their_own(words: str) -> None:
    assert Assistant(tools()).reply(words).reply == "\n- ".join([SAYS["others"], *LINES])
    nobody = Assistant(Tools(3, lambda user: [], CATALOG))
    assert nobody.reply(words).reply == SAYS["none"]


def test_a_reason_stands_behind_its_coupon() -> None:
    assert "- 25% off coffee, until 26 November 2017 (you buy these)" in (
        Assistant(tools()).reply("why do I get coffee?").reply
    )


@pytest.mark.parametrize("words", ["I want a human", "my order never arrived", "forget me"])
def test_after_a_handover_the_assistant_is_silent(words: str) -> None:
    talk = Assistant(tools(), Customers(), hand_over=take)
    assert talk.reply(words).handed_over
    turn = talk.reply("What coupons do I have?")
    assert turn.reply == SAYS["waiting"]
    assert talk.reply(" ").reply == SAYS["waiting"]


def test_a_colleague_gets_all_that_had_no_answer() -> None:
    taken: list[str] = []
    talk = Assistant(tools(), hand_over=lambda *said: taken.append(said[-1]))
    said = ["hello", "my code is 4711", "any coupons?", "get me a colleague"]
    for words in [*said, "a small pack"]:
        talk.reply(words)
    assert taken == ["my code is 4711\nget me a colleague", "a small pack"]


def test_a_colleague_gets_the_last_ten_messages_and_not_a_book() -> None:
    taken: list[str] = []
    talk = Assistant(tools(), hand_over=lambda *said: taken.append(said[-1]))
    for place in range(30):
        talk.reply(f"coffee {place}")
    talk.reply("a human, please")
    assert len(taken[0].splitlines()) == MAX_PASSED_ON
    assert taken[0].startswith("coffee 21\n")


@pytest.mark.parametrize("between", ["Hello?", "Thanks, bye", "Do you have oat milk?"])
def test_not_understood_twice_is_twice_whatever_stands_between(between: str) -> None:
    talk = Assistant(tools(), hand_over=take)
    said = ["my purse fell out of my bag", between, "it is red and has my key in it"]
    assert [talk.reply(words).handed_over for words in said] == [False, False, True]
    talk = Assistant(tools(), hand_over=take)
    said[1] = "how do I use a coupon?"
    assert not any(talk.reply(words).handed_over for words in said)


@pytest.mark.parametrize("words", ["any coupons?", "stop sending me coupons"])
def test_a_turn_that_ends_in_an_error_of_the_shops_own_functions_is_logged(words: str) -> None:
    def fails(*said: object) -> Any:
        raise KeyError(2448)

    log = DialogueLog(":memory:")
    talk = Assistant(Tools(2448, fails, CATALOG), log=log, hand_over=fails)
    with pytest.raises(KeyError):
        talk.reply(words)
    assert [(row["intent"], row["handed_over"]) for row in log.rows()] == [(hear(words).intent, 0)]


def test_a_colleague_gets_what_met_an_error_of_the_shops_own_functions() -> None:
    def fails(user: object) -> Any:
        raise KeyError(user)

    taken: list[str] = []
    talk = Assistant(Tools(2448, fails, CATALOG), hand_over=lambda *said: taken.append(said[-1]))
    with pytest.raises(KeyError):
        talk.reply("any coupons?")
    talk.reply("get me a colleague")
    assert taken == ["any coupons?\nget me a colleague"]


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("Hi, I need support please", "person"),
        ("Please purge my data, thanks", "forget"),
        ("Close my account. Thanks.", "forget"),
        ("Hi, you owe me 5 dollars", "complaint"),
        ("My discount was not taken off at the till", "complaint"),
        ("Hi, do you have oat milk?", "product"),
    ],
)
def test_a_courtesy_hides_nothing_that_is_said_beside_it(words: str, intent: str) -> None:
    assert hear(words, CATALOG.products).intent == intent


def test_a_service_that_is_away_is_said_and_handed_over() -> None:
    def away(user: int | str) -> list[tuple[int, int, str]]:
        raise ValueError("nothing answers")

    turn = Assistant(Tools(1, away, CATALOG), hand_over=take).reply("any coupons?")
    assert (turn.reply, turn.handed_over) == (SAYS["away"], True)


def test_an_offer_comes_once_at_the_moment_when_it_pays() -> None:
    talk = Assistant(tools(), Customers())
    offered = [talk.reply(words).offered for words in ("hi", "coffee", "coffee?", "coffee", "hi")]
    assert offered == ["", "", "41", "", ""]


def test_without_customers_nothing_is_offered_unasked() -> None:
    talk = Assistant(tools())
    assert not any(talk.reply("coffee").offered for _ in range(5))


def test_belief_is_bayes_rule_and_certainty_moves_it_no_more() -> None:
    customers = Customers()
    prior = np.array(customers.share)
    joint = prior * np.array(customers.says["hello"]) * np.array(customers.says["why"])
    assert np.allclose(customers.believed(["hello", "why"]), joint / joint.sum())
    assert np.allclose(customers.believed(["not a word of them"]), prior)


def test_waiting_pays_only_as_long_as_customers_stay() -> None:
    patient = Customers(gain=(-0.1, 0.3, -0.1), leaves=0.0)
    hasty = Customers(gain=(-0.1, 0.3, -0.1), leaves=1.0)
    assert hasty.expected([]) > 0 and hasty.offer_now([]) and not patient.offer_now([])


@pytest.mark.parametrize(
    "wrong",
    [
        {"share": (0.5, 0.5, 0.5)},
        {"share": (0.5, 0.5)},
        {"share": (float("nan"), 0.5, 0.5)},
        {"leaves": 1.5},
        {"says": {"hello": (1.0, 1.0, 0.5)}},
        {"says": {"hello": (1.0, 1.0)}},
        {"says": {"hello": (float("nan"),) * 3}},
    ],
)
def test_chances_that_do_not_add_up_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Customers(**wrong)  # type: ignore[arg-type]


def test_no_sentence_of_the_rules_claims_anything() -> None:
    for text in (*SAYS.values(), *ALONE.values(), *OPEN.values()):
        assert talking.audit(text, []) == []
    assert not any(re.search("you have|your coupon", text) for text in OPEN.values())
    assert set(FOR_A_PERSON) < set(ALONE) < set(SAYS)
    assert not any(re.search("colleague|passed|take", text) for text in ALONE.values())


@pytest.mark.parametrize("words", talking.CONDITIONS)
def test_a_condition_is_not_denied_to_who_has_no_coupon(words: str) -> None:
    reply = Assistant(Tools(3, lambda user: [], CATALOG)).reply(words).reply
    assert reply in (SAYS["none"], ALONE["unknown"]) and "none for you" not in reply
    reply = Assistant(tools()).reply("Is there a minimum for my tea coupon?").reply
    assert "find none" not in reply


def test_a_last_day_that_was_shown_is_not_denied_when_the_service_finds_no_more() -> None:
    talk = Assistant(of_list(MINE, []))
    first, none = talk.reply("any coupons?").reply, talk.reply("any coupons?").reply
    assert none == SAYS["none"]
    assert lines(talk.reply("Is there a last day?").reply) == lines(first)


@pytest.mark.parametrize(
    "words",
    [
        "Delete my account and pass my 25% coupon on to my sister, please",
        "Unsubscribe me. Can you pass my coupons on to my wife?",
        "Stop charging me for coffee: tell the till that it is free",
        "If the till refuses it, does an employee take over the 5 dollars?",
    ],
)
def test_that_a_colleague_reads_it_agrees_to_nothing(words: str) -> None:
    turn = Assistant(tools(), hand_over=take).reply(words)
    assert turn.handed_over and not re.search("pass|takes? over", turn.reply)


def test_a_coupon_without_a_name_may_be_for_what_was_asked_so_nothing_is_denied() -> None:
    some = Catalog(
        {**talking.FACTS, (18, 45): ("selected products", "1.00 off", date(2017, 12, 3))}
    )
    talk = Assistant(Tools(1, lambda user: [(18, 45, "new")], some))
    assert talk.reply("a coupon for coffee?").reply.startswith(SAYS["coupons"])


def test_a_service_that_answers_anything_is_away() -> None:
    for body in (b"[]", b"{}", b'{"coupons": 5}', b'{"coupons": [{}]}', b"[" * 100_000, b"\xff"):
        with served(body) as url:
            talk = Assistant(Tools(1, service(url), CATALOG), hand_over=take)
            turn = talk.reply("any coupons?")
        assert (turn.reply, turn.handed_over) == (SAYS["away"], True)
    with served(b"{}", length="99") as url:
        turn = Assistant(Tools(1, service(url), CATALOG)).reply("coupons?")
    assert (turn.reply, turn.handed_over) == (ALONE["away"], False)


def test_a_conversation_without_an_end_stays_fast() -> None:
    talk = Assistant(tools(), Customers())
    talk._intents = ["hello"] * 100_000
    begin = perf_counter()
    talk.reply("hi")
    talk.reply("hi")
    assert len(talk._intents) <= MAX_TURNS and perf_counter() - begin < 1


# What a list means while the service changes its mind


class Exploring:
    """A service that draws other coupons for each question, as one that explores does."""

    def __init__(self) -> None:
        self.asked = 0
        self.lists = [
            [(18, 41, "you buy these"), (18, 42, "you buy others of their kind")],
            [(18, 44, "many buy these"), (18, 43, "many buy these")],
        ]

    def __call__(self, user_id: int | str) -> list[tuple[int | str, int | str, str]]:
        self.asked += 1
        return [*self.lists[(self.asked - 1) % 2]]


def test_a_question_is_about_the_list_that_was_shown_whatever_the_service_draws_next() -> None:
    drawn = Exploring()
    talk = Assistant(Tools(2448, drawn, CATALOG))
    assert talk.reply("any coupons?").reply.splitlines()[1:] == [f"- {line}" for line in LINES]
    for words, line in (
        ("how long is the second one valid?", LINES[1]),
        ("why did I get the coffee coupon?", LINES[0]),
        ("until when is the oat milk coupon valid?", LINES[1]),
        ("how long is the last one valid?", LINES[1]),
        ("why did I get the oat milk coupon?", LINES[1]),
    ):
        asked = drawn.asked
        (said,) = talk.reply(words).reply.splitlines()[1:]
        assert said.startswith(f"- {line}")
        assert drawn.asked == asked + 1
    lines = talk.reply("any coupons?").reply.splitlines()[1:]
    assert talk.reply("is the first one still valid?").reply.splitlines()[1:] == lines[:1]
    talk = Assistant(Tools(2448, Exploring(), CATALOG))
    places = [talk.reply(f"is the {place} one valid?").reply for place in ("second", "first")]
    assert [said.splitlines()[1:] for said in places] == [[f"- {LINES[1]}"], [f"- {LINES[0]}"]]


def test_no_reason_is_claimed_but_the_services_own() -> None:
    talk = Assistant(Tools(1, lambda user: [(18, 41, "drawn by chance")], CATALOG))
    said = talk.reply("why did I get this?").reply
    assert said == f"{SAYS['why']}\n- {LINES[0]} (drawn by chance)"


def of_list(*lists: list[tuple[int | str, int | str, str]]) -> Tools:
    """A service that gives one list after the other, and then the last for ever."""
    left = [*lists]
    return Tools(2448, lambda user: left.pop(0) if len(left) > 1 else left[0], CATALOG)


MINE = [(18, 41, "you buy these"), (18, 42, "you buy others of their kind")]


def test_a_coupon_that_is_gone_is_not_what_the_customer_has() -> None:
    talk = Assistant(of_list(MINE, []))
    talk.reply("any coupons?")
    gone = talk.reply("do I still have the first coupon?").reply
    assert not gone.startswith(SAYS["coupons"]) and LINES[0] in gone


def test_a_reason_is_the_latest_one() -> None:
    changed = [(18, 41, "you buy these: 2 so far, the last time today"), MINE[1]]
    talk = Assistant(of_list(MINE, changed))
    talk.reply("any coupons?")
    assert "the last time today" in talk.reply("why did I get the coffee coupon?").reply


def test_a_coupon_beyond_the_one_that_was_shown_is_found() -> None:
    talk = Assistant(tools())
    talk.reply("why did I get coffee?")
    assert LINES[1] in talk.reply("is the second coupon still valid?").reply.splitlines()[1]


@pytest.mark.parametrize(
    "words", ["Tell the manager to stop sending me coupons", "st\u200bop sending me coupons"]
)
def test_no_offers_are_wanted_whatever_else_is(words: str) -> None:
    talk = Assistant(tools())
    talk.reply(words)
    for question in ("Why can't you pass it on?", "When do you close?"):
        assert LINES[0] not in talk.reply(question).reply


def test_a_coupon_that_comes_twice_is_had_once() -> None:
    assert len(of_list([MINE[0], MINE[1], MINE[0]]).coupons()) == 2


DAY = date(2017, 11, 26)


def several(*products: str, off: str = "25% off", **settings: Any) -> tuple[Catalog, list[Any]]:
    """A catalog with a coupon of each product, and all of them as somebody's own."""
    terms = {(1, 1 + place): (name, off, DAY) for place, name in enumerate(products)}
    catalog = Catalog(terms, **settings)
    return catalog, [(*key, f"reason {key[1]}") for key in terms]


def lines(reply: str) -> list[str]:
    return [line.removeprefix("- ") for line in reply.splitlines()[1:]]


def test_coupons_of_the_same_words_keep_their_own_reasons() -> None:
    catalog, mine = several("berries", "berries")
    talk = Assistant(Tools(1, lambda user: mine, catalog))
    talk.reply("any coupons?")
    assert [line[-10:] for line in lines(talk.reply("why?").reply)] == ["(reason 1)", "(reason 2)"]


def test_a_coupon_that_was_shown_keeps_its_reason_though_another_has_its_words() -> None:
    catalog, mine = several("berries", "berries")
    lists = [mine[:1], mine[1:], mine[1:]]
    talk = Assistant(Tools(1, lambda user: lists.pop(0), catalog))
    talk.reply("any coupons?")
    assert "(reason 1)" in talk.reply("why did I get the first one?").reply
    assert talk.reply("do I have the first coupon?").reply.startswith(SAYS["terms"])


def test_who_was_mailed_no_coupon_is_told_of_none_that_they_have() -> None:
    catalog, mine = several("coffee")
    opened = Tools(1, lambda user: [(*each, False) for each in mine], catalog)
    said = ["hi", "any coupons?", "a coupon for dog food?", "why?", "how do I use it?", "asdf"]
    for words in said:
        reply = Assistant(opened, OFFER_AT_ONCE).reply(words).reply
        assert not re.search("you have|your coupon", reply)
    assert Assistant(opened).reply("any coupons?").reply.startswith("Open to you:\n- 25% off")
    assert OPEN["offer"] in Assistant(opened, OFFER_AT_ONCE).reply("hi").reply


@pytest.mark.parametrize("mailed", [True, False, None])
def test_only_a_service_that_says_so_has_mailed_a_coupon(mailed: bool | None) -> None:
    one = {"campaign_id": 18, "coupon_id": 41, "reason": "x"}
    answer = {"user_id": 7, "coupons": [one], **({} if mailed is None else {"mailed": mailed})}
    with served(json.dumps(answer).encode()) as url:
        (coupon,) = Tools(7, service(url), CATALOG).coupons()
    assert coupon.mailed is (mailed is True)


@pytest.mark.parametrize(
    ("words", "product"),
    [
        ("a coupon for tea or steak?", ""),
        ("a coupon for steak?", "steak"),
        ("berries or strawberries?", ""),
        ("milk or oat milk?", ""),
        ("oat milk, the oat milk with milk in it?", ""),
        ("only oat milk", "oat milk"),
    ],
)
def test_a_name_is_words_and_several_names_are_several(words: str, product: str) -> None:
    products = ["tea", "steak", "berries", "strawberries", "milk", "oat milk"]
    assert hear(words, products).product == product


STOPS = """
Stop
Take me off your mailing list
Do not contact me again
Cancel my newsletter
No coupons please
I told you not to offer me anything!
Are you deaf? No more emails!
can you stop?
opt me out
st\u034fop
stop\u3164please
st\u2065op
Please don't. Stop the coupons.
Stop at once!
Thanks for your help - no coupons please
Zero coupons please
"""


@pytest.mark.parametrize("words", phrases(STOPS))
def test_who_wants_nothing_is_understood_in_many_words(words: str) -> None:
    talk = Assistant(tools(), OFFER_AT_ONCE)
    turn = talk.reply(words)
    assert turn.intent == "stop" and not lines(turn.reply)


@pytest.mark.parametrize(
    "words",
    [
        words.replace("{product}", "coffee")
        for intent, words in messages("written")
        if intent in ("stop", "forget", "complaint", "person", "unknown")
    ],
)
def test_coupons_are_shown_only_to_who_asks_for_them(words: str) -> None:
    for before in ([], ["Stop sending me coupons!"]):
        talk = Assistant(tools(), OFFER_AT_ONCE)
        for said in before:
            talk.reply(said)
        assert not lines(talk.reply(words).reply)


ASKS_PLAINLY = """
Coupons
coupons please
Coupons, thanks
coupons thank you
coupons pls
coupons then
Hi! Coupons?
Coupons. Thank you!
deals?
coffee coupons
vouchers for shampoo
Hello, I would like to know which coupons I have
What's on offer this week?
Where do I find my coupons?
Let me see my coupons
Coupons, what do I have?
Do I have any coupons this week?
Do you have coupons at the moment?
Do you have any discounts off coffee?
Are there coupons in my account?
"""


@pytest.mark.parametrize("words", phrases(ASKS_PLAINLY))
def test_who_asks_plainly_is_shown_coupons_even_after_a_stop(words: str) -> None:
    talk = Assistant(tools())
    for _ in range(2):
        assert LINES[0] in talk.reply(words).reply
        talk.reply("Stop sending me coupons!")


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("I need support with my coupon", "person"),
        ("Can I call the shop about my coupon?", "person"),
        ("Get me the boss, it is about a coupon", "person"),
        ("I'd like to discuss my coupon with someone", "person"),
        ("Someone please help me with my coupon", "person"),
        ("I did not get my discount", "complaint"),
        ("I want my data removed, the coupons too", "forget"),
        ("Erase everything, coupons too", "forget"),
        ("Close my account, with all coupons", "forget"),
    ],
)
def test_what_is_for_the_desk_goes_there_before_a_coupon_is_shown(words: str, intent: str) -> None:
    turn = Assistant(tools(), hand_over=take).reply(words)
    assert turn.handed_over and turn.intent == intent


def test_what_is_not_understood_is_no_moment_for_an_offer() -> None:
    talk = Assistant(tools(), OFFER_AT_ONCE)
    assert talk.reply("The milk tasted odd").reply == ALONE["unknown"]
    assert talk.reply("hello").offered == ""
    talk = Assistant(tools(), OFFER_AT_ONCE)
    assert talk.reply("Hi, the milk tasted odd").offered == ""


@pytest.mark.parametrize(
    "words",
    [
        "Enough!",
        "I hate your coupons",
        "Cancel my coupons",
        "I decline your coupons",
        "Your coupons are spam",
        "No ads for coffee",
    ],
)
def test_who_refuses_is_offered_nothing_later_on(words: str) -> None:
    talk = Assistant(tools(), OFFER_AT_ONCE)
    said = [words, "do you have coffee?", "do you have oat milk?", "hello"]
    assert not any(talk.reply(each).offered for each in said)
    assert lines(talk.reply("any coupons?").reply) == [*LINES]


@pytest.mark.parametrize(
    "words",
    [
        "I want to talk to a supervisor about my coupon",
        "Are there any humans there? It is about a coupon",
        "Let me speak to your agents about the offer",
        "Call me about my coupon",
        "Can someone from the shop help me with my coupon?",
        "Can I speak with your boss about this coupon?",
        "Connect me with support about my coupon",
        "Please escalate this coupon issue",
        "GDPR request: erasure of everything incl. coupons",
    ],
)
def test_who_asks_for_a_person_gets_one_though_a_coupon_is_named(words: str) -> None:
    turn = Assistant(tools(), hand_over=take).reply(words)
    assert turn.handed_over and turn.intent in ("person", "forget")


@pytest.mark.parametrize(
    "words",
    [
        "It was valid until yesterday. Can I still show it at the till?",
        "My coupon ran out last week. Does the till still take it?",
    ],
)
def test_a_question_about_a_date_is_answered_with_the_date(words: str) -> None:
    assert Assistant(tools()).reply(words).reply == "\n- ".join([SAYS["terms"], *LINES])


@pytest.mark.parametrize(
    "words",
    [
        "Can I use my coffee coupon on tea at the register?",
        "Can I print the coupon five times and use all five at the till?",
    ],
)
def test_how_to_use_a_coupon_tells_nobody_to_use_theirs(words: str) -> None:
    reply = Assistant(tools()).reply(words).reply
    assert reply == SAYS["use"] and not re.search(r"\b(show|use|your?)\b", reply)


@pytest.mark.parametrize(
    "name",
    ["stop-smoking aids", "ice cream & stop", "broken rice", "agent orange", "code red soda"],
)
def test_the_name_of_a_product_is_no_stop_and_no_complaint(name: str) -> None:
    catalog, mine = several("coffee", name)
    talk = Assistant(Tools(1, lambda user: mine, catalog))
    turn = talk.reply(f"Any coupons for {name}?")
    assert turn.intent == "coupons" and len(lines(turn.reply)) == 1
    assert not talk._stopped and talk.reply("stop").intent == "stop"


def test_a_mark_or_a_letter_of_another_script_hides_no_stop() -> None:
    for words in ("sto\u0345p sending me coupons", "stop名"):
        assert hear(words).intent == "stop"


def test_thousands_of_names_take_no_longer_than_a_few() -> None:
    names = [f"thing {'abcdefghij'[n % 10]}{n}" for n in range(2500)]
    hear("any coupons?", names)
    spent = []
    for _ in range(5):
        begin = perf_counter()
        hear("any coupons for coffee?", names)
        spent.append(perf_counter() - begin)
    assert min(spent) < 0.02


def test_a_coupon_that_goes_with_no_other_says_so() -> None:
    catalog, mine = several("tea", "coffee", alone=[1])
    reply = Assistant(Tools(1, lambda user: mine, catalog)).reply("any coupons?").reply
    both = ["25% off tea, until 26 November 2017, not with another coupon"]
    both.append("25% off coffee, until 26 November 2017")
    assert lines(reply) == both
    assert talking.audit(reply, both, ["tea", "coffee"]) == []


@pytest.mark.parametrize(
    "coupon",
    [
        {"campaign_id": [18]},
        {"campaign_id": None},
        {"coupon_id": {}},
        {"coupon_id": 41.0},
        {"coupon_id": True},
        {"reason": None},
        {"reason": ["x"]},
        {"reason": "\ud800"},
        {"reason": "x)\n- 90% off everything (y"},
    ],
)
def test_a_coupon_that_cannot_be_said_is_no_answer(coupon: dict[str, object]) -> None:
    whole = {"campaign_id": 18, "coupon_id": 41, "reason": "x", **coupon}
    body = json.dumps({"user_id": 2448, "mailed": True, "coupons": [whole]}).encode()
    with served(body) as url, pytest.raises(ValueError, match="did not answer as `serve` does"):
        service(url)(2448)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("how long is the first offer for oat milk valid?", LINES[1]),
        ("is the second one, oat milk, still valid?", LINES[1]),
        ("do I have the first coupon for shampoo?", None),
        ("until when is the second to last one valid?", None),
        ("is the last coupon the first one?", None),
        ("do I have the forty-third coupon?", None),
        ("what is the last day of the first coupon?", LINES[0]),
    ],
)
def test_a_place_means_its_coupon_or_none(words: str, line: str | None) -> None:
    assert lines(Assistant(tools()).reply(words).reply) == ([line] if line else [*LINES])


def test_a_place_that_may_mean_two_coupons_of_a_product_shows_both() -> None:
    catalog, found = several("tea", "coffee", "coffee")
    talk = Assistant(Tools(1, lambda user: found, catalog))
    talk.reply("any coupons?")
    said = talk.reply("until when is the second one, the coffee, valid?").reply
    assert len(lines(said)) == 2 and "tea" not in said
    said = talk.reply("until when is the third one, the coffee, valid?").reply
    assert len(lines(said)) == 1


def test_a_service_that_is_away_takes_over_nothing_that_needs_none() -> None:
    def away(user: int | str) -> list[Any]:
        raise ValueError("nothing answers")

    talk = Assistant(Tools(1, away, CATALOG), OFFER_AT_ONCE, hand_over=take)
    turn = talk.reply("How do I redeem a paper coupon?")
    assert (turn.reply, turn.handed_over) == (SAYS["use"], False)


def test_so_many_coupons_are_shown_at_a_time_and_more_are_said_to_be_there() -> None:
    catalog, mine = several("tea", *["coffee"] * 6)
    talk = Assistant(Tools(1, lambda user: mine, catalog))
    said = talk.reply("any coupons?").reply.splitlines()
    assert len(said) == 7 and said[-1] == SAYS["more"]
    said = talk.reply("a coupon for tea?").reply
    assert "tea" in said and SAYS["more"] not in said


def test_an_intent_that_no_kind_that_is_left_would_have_tells_nothing() -> None:
    customers = Customers(share=(0, 1, 0), says={"thanks": (1, 0, 1), "hello": (0, 1, 0)})
    assert customers.believed(["thanks"]).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    "words", ["I want coffee without ads", "Not my coffee", "coffee or not, let me be in peace"]
)
def test_a_word_that_refuses_anything_is_followed_by_no_offer(words: str) -> None:
    talk = Assistant(tools(), OFFER_AT_ONCE)
    assert not talk.reply(words).offered and not talk.reply("coffee").offered
    assert Assistant(tools(), OFFER_AT_ONCE).reply("coffee").offered


NO_PLAIN_REQUEST = """
How many coupons must I throw out?
Can I save this chat?
Thanks for the offer to help
Good deal!
Keep your coupons to yourself
And the coupons for coffee
"""


@pytest.mark.parametrize("words", phrases(NO_PLAIN_REQUEST))
def test_after_a_stop_only_a_plain_request_is_one(words: str) -> None:
    talk = Assistant(tools())
    talk.reply("Stop sending me coupons!")
    assert not lines(talk.reply(words).reply)
    for asked in ("Hi! Any coupons for coffee?", "how long is the first one valid?"):
        assert LINES[0] in talk.reply(asked).reply


@pytest.mark.parametrize(
    "words", ["There was glass in the coffee", "Erase that I bought coffee", "Not my oat milk"]
)
def test_more_than_a_question_for_a_product_is_no_moment_for_an_offer(words: str) -> None:
    assert not Assistant(tools(), OFFER_AT_ONCE, hand_over=take).reply(words).offered
    assert Assistant(tools(), OFFER_AT_ONCE).reply("Hi, do you have coffee?").offered


@pytest.mark.parametrize(
    "words",
    ["How much is it?", "When will it be back?", "Why is it always sold out?", "How big is it?"],
)
@pytest.mark.parametrize(
    "before", [("do you have oat milk?",), ("any coupons?", "do you have oat milk?")]
)
def test_it_is_no_coupon_unless_coupons_were_just_shown(words: str, before: Sequence[str]) -> None:
    talk = Assistant(tools(), hand_over=take)
    for said in before:
        talk.reply(said)
    assert not lines(talk.reply(words).reply)


def test_it_is_the_coupon_that_was_just_shown() -> None:
    talk = Assistant(tools())
    talk.reply("any coupons for coffee?")
    assert lines(talk.reply("When does it end?").reply) == [LINES[0]]
    assert lines(Assistant(tools()).reply("How long is it valid?").reply) == [*LINES]


@pytest.mark.parametrize(
    "words",
    ["Thank you for the offer", "Thanks for the coupons", "ty", "Great, thanks \N{THUMBS UP SIGN}"],
)
def test_thanks_for_coupons_are_thanks(words: str) -> None:
    talk = Assistant(tools())
    talk.reply("Please stop offering me coupons")
    assert talk.reply(words).reply == SAYS["thanks"]


BRINGS_A_COLLEAGUE = """
Yes, please!
Thanks, yes please
Sure, thanks!
ok, yes please
Go ahead
ok
Please do, I want it today
Sure, ask about shampoo
Fine
yes, coffee
Yes please, when?
Yes, coffee
Yes please, I can't find it
That would be great, thanks
No, I want a human!
I don't want to talk to a machine, get me a person
"""
BRINGS_NONE = """
Ok, thanks, bye
Ok, I'll ask in the shop
Ok, how do I use a coupon?
No, don't bother
do not send a colleague
That would be overkill
Do it yourself
I would rather wait
Yes, but later
No, I don't want to talk to anyone
No need for a colleague, thanks
"""


@pytest.mark.parametrize("words", phrases(BRINGS_A_COLLEAGUE))
def test_any_yes_to_the_question_for_a_colleague_brings_one(words: str) -> None:
    talk = Assistant(tools(), hand_over=take)
    assert talk.reply("Do you have oat milk?").reply == SAYS["product"]
    assert talk.reply(words).handed_over


@pytest.mark.parametrize("words", phrases(BRINGS_NONE))
def test_a_goodbye_and_a_no_bring_no_colleague(words: str) -> None:
    talk = Assistant(tools(), hand_over=take)
    talk.reply("do you have oat milk?")
    assert not talk.reply(words).handed_over


@pytest.mark.parametrize("words", ["Yes please", "\N{THUMBS UP SIGN}", "that would be great"])
def test_a_yes_to_nothing_brings_nobody(words: str) -> None:
    talk = Assistant(tools(), hand_over=take)
    talk.reply("any coupons?")
    assert not talk.reply(words).handed_over


@pytest.mark.parametrize("words", ["No thanks", "nah im good", "Not now, maybe later", "No need"])
def test_a_plain_no_is_taken_with_thanks_and_nothing_is_offered_later(words: str) -> None:
    talk = Assistant(tools(), OFFER_AT_ONCE)
    assert talk.reply(words).reply == SAYS["thanks"]
    assert not any(talk.reply(said).offered for said in ("hi", "do you have coffee?"))


def test_a_threat_is_no_request() -> None:
    assert not lines(Assistant(tools()).reply("If I see any more coupons I'm leaving").reply)
    assert lines(Assistant(tools()).reply("I wonder if I have any coupons").reply)


def test_a_product_called_offers_hides_no_stop() -> None:
    assert hear("No more offers please", ["offers"]).intent == "stop"


@pytest.mark.parametrize(
    "words",
    [
        "I have used the coffee coupon. How long is the second one valid?",
        "I have used the coffee coupon, how long is the second one valid?",
    ],
)
def test_no_coupon_of_the_list_is_denied_because_another_is_named_before(words: str) -> None:
    talk = Assistant(tools())
    talk.reply("any coupons?")
    said = talk.reply(words).reply
    assert said.startswith(SAYS["terms"]) and LINES[1] in said


def test_the_first_one_stays_the_first_that_was_shown() -> None:
    talk = Assistant(of_list([(18, 41, "")], [(18, 43, ""), (18, 44, "")]))
    for words in ("any coupons?", "until when is the second one valid?"):
        talk.reply(words)
    assert lines(talk.reply("until when is the first one valid?").reply) == [LINES[0]]


def test_anything_but_coffee_is_not_coffee_alone() -> None:
    assert (
        LINES[1] in Assistant(tools()).reply("Do you have coupons for anything but coffee?").reply
    )


@pytest.mark.parametrize(
    "words", ["Tell me how to get rid of coupons", "Can I refuse the coupons at the till?"]
)
def test_who_refuses_is_not_told_how_to_use_coupons(words: str) -> None:
    assert Assistant(tools()).reply(words).reply != SAYS["use"]
