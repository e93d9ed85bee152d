"""A conversation says what the tools returned, offers when it pays, and gives way to a person."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date
from itertools import chain, repeat
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
    Turn,
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
MINE = [(18, 41, "you buy these"), (18, 42, "you buy others of their kind")]
LINES = ("25% off coffee, until 26 November 2017", "0.50 off oat milk, until 3 December 2017")
OFFER_AT_ONCE = Customers(share=(0, 1, 0), gain=(1, 1, 1))
STOP = "Stop sending me coupons!"


def of(*lists: list[Any], catalog: Catalog = CATALOG, **settings: Any) -> Assistant:
    """A conversation whose service gives one list after the other, and the last for ever."""
    given = chain(lists, repeat(lists[-1]))
    return Assistant(Tools(2448, lambda user: next(given), catalog), **settings)


def several(*products: str, **settings: Any) -> tuple[Catalog, list[Any]]:
    """A catalog with a coupon of each product, and all of them as somebody's own."""
    day = date(2017, 11, 26)
    terms = {(1, 1 + place): (name, "25% off", day) for place, name in enumerate(products)}
    return Catalog(terms, **settings), [(*key, f"reason {key[1]}") for key in terms]


def fails(*said: object) -> Any:
    """An error of the shop's own functions."""
    raise KeyError(2448)


def away(user: int | str) -> Any:
    """A service that does not answer."""
    raise ValueError("nothing answers")


@pytest.fixture
def taken() -> list[str]:
    """What the desk has got."""
    return []


@pytest.fixture
def desk(taken: list[str]) -> Assistant:
    """A conversation that a colleague can take over."""
    return of(MINE, hand_over=lambda *said: taken.append(said[-1]))


@pytest.fixture
def eager() -> Assistant:
    """A conversation that offers as soon as it may."""
    return of(MINE, customers=OFFER_AT_ONCE)


def last(talk: Assistant, *said: str) -> Turn:
    """The answer to the last of these."""
    return [talk.reply(words) for words in said][-1]


def lines(reply: str) -> list[str]:
    return [line.removeprefix("- ") for line in reply.splitlines()[1:]]


def phrases(text: str) -> list[list[str]]:
    """A table of sentences, one a line, with what is expected of each before it."""
    return [line.split(" | ") for line in text.strip().splitlines()]


# Which coupons are told


@pytest.mark.parametrize(
    ("words", "opening", "told"),
    [
        ("What coupons do I have?", "coupons", LINES),
        ("I wonder if I have any coupons", "coupons", LINES),
        ("any deal on OAT  MILK?", "coupons", LINES[1:]),
        ("how long is the second one valid?", "terms", LINES[1:]),
        ("until when is the last coupon good", "terms", LINES[1:]),
        ("how much is the first one?", "terms", LINES[:1]),
        ("how long is the first offer for oat milk valid?", "terms", LINES[1:]),
        ("is the second one, oat milk, still valid?", "terms", LINES[1:]),
        ("what is the last day of the first coupon?", "terms", LINES[:1]),
        ("It was valid until yesterday. Can I still show it at the till?", "terms", LINES),
        ("My coupon ran out last week. Does the till still take it?", "terms", LINES),
        ("until when is the second to last one valid?", "terms", LINES),
        ("is the last coupon the first one?", "terms", LINES),
        ("How long is it valid?", "terms", LINES),
        ("Do you have coupons for anything but coffee?", "coupons", LINES),
        ("do I have the first coupon for shampoo?", "others", LINES),
        ("do I have the forty-third coupon?", "coupons", LINES),
        ("a coupon for dog food?", "others", LINES),
        ("is the fourth coupon still valid", "others", LINES),
        ("Can I use my coffee coupon on tea at the register?", "use", ()),
        ("Can I print the coupon five times and use all five at the till?", "use", ()),
        ("If I see any more coupons I'm leaving", "unknown", ()),
    ],
)
def test_a_name_or_a_place_means_its_coupon_and_never_anothers(
    words: str, opening: str, told: Sequence[str]
) -> None:
    said = {**SAYS, **ALONE}[opening]
    assert of(MINE).reply(words).reply == "\n- ".join([said, *told])
    if opening == "others":
        assert of([]).reply(words).reply == SAYS["none"]


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


def test_no_coupon_is_denied_that_may_be_for_what_was_asked() -> None:
    facts = {**talking.FACTS, (18, 45): ("selected products", "1.00 off", date(2017, 12, 3))}
    nameless = of([(18, 45, "new")], catalog=Catalog(facts))
    assert nameless.reply("a coupon for coffee?").reply.startswith(SAYS["coupons"])
    words = "I have used the coffee coupon. How long is the second one valid?"
    said = last(of(MINE), "any coupons?", words).reply
    assert said.startswith(SAYS["terms"]) and LINES[1] in said


@pytest.mark.parametrize("words", talking.CONDITIONS)
def test_a_condition_is_not_denied_to_who_has_no_coupon(words: str) -> None:
    assert of([]).reply(words).reply in (SAYS["none"], ALONE["unknown"])


def test_so_many_coupons_are_shown_at_a_time_and_more_are_said_to_be_there() -> None:
    catalog, mine = several("tea", *["coffee"] * 6)
    talk = of(mine, catalog=catalog)
    said = talk.reply("any coupons?").reply.splitlines()
    assert len(said) == 7 and said[-1] == SAYS["more"]
    said = talk.reply("a coupon for tea?").reply
    assert "tea" in said and SAYS["more"] not in said


def test_a_coupon_that_goes_with_no_other_says_so() -> None:
    catalog, mine = several("tea", "coffee", alone=[1])
    reply = of(mine, catalog=catalog).reply("any coupons?").reply
    both = ["25% off tea, until 26 November 2017, not with another coupon"]
    both.append("25% off coffee, until 26 November 2017")
    assert lines(reply) == both
    assert talking.audit(reply, both, ["tea", "coffee"]) == []


def test_who_was_mailed_no_coupon_is_told_of_none_that_they_have() -> None:
    opened = [(*each, False) for each in MINE]
    for words in ("hi", "any coupons?", "a coupon for dog food?", "why?", "how do I use it?"):
        reply = of(opened, customers=OFFER_AT_ONCE).reply(words).reply
        assert not re.search("you have|your coupon", reply)
    assert OPEN["offer"] in of(opened, customers=OFFER_AT_ONCE).reply("hi").reply


def test_no_sentence_of_the_rules_claims_anything() -> None:
    for text in (*SAYS.values(), *ALONE.values(), *OPEN.values()):
        assert talking.audit(text, []) == []
    assert not any(re.search("you have|your coupon", text) for text in OPEN.values())
    assert set(FOR_A_PERSON) < set(ALONE) < set(SAYS)
    assert not any(re.search("colleague|passed|take", text) for text in ALONE.values())
    assert not any(re.search("pass|takes? over", SAYS[intent]) for intent in FOR_A_PERSON)
    assert not re.search(r"\b(show|use|your?)\b", SAYS["use"])


# What a list means while the service changes its mind


def test_a_question_is_about_the_list_that_was_shown_whatever_the_service_draws_next() -> None:
    others = [(18, 44, "many buy these"), (18, 43, "many buy these")]
    drawn = iter([MINE, others] * 4)  # one list a question
    talk = Assistant(Tools(2448, lambda user: next(drawn), CATALOG))
    assert lines(talk.reply("any coupons?").reply) == [*LINES]
    for words, line in (
        ("how long is the second one valid?", LINES[1]),
        ("why did I get the coffee coupon?", LINES[0]),
        ("until when is the oat milk coupon valid?", LINES[1]),
        ("how long is the last one valid?", LINES[1]),
        ("why did I get the oat milk coupon?", LINES[1]),
    ):
        (said,) = lines(talk.reply(words).reply)
        assert said.startswith(line)
    shown = lines(talk.reply("any coupons?").reply)
    assert lines(talk.reply("is the first one still valid?").reply) == shown[:1]
    assert next(drawn, None) is None
    talk = of(MINE, others)
    for place, line in (("second", LINES[1]), ("first", LINES[0])):
        assert lines(talk.reply(f"is the {place} one valid?").reply) == [line]


@pytest.mark.parametrize(
    ("lists", "said", "told"),
    [
        ([[(18, 41, "drawn by chance")]], ["why this?"], f"- {LINES[0]} (drawn by chance)"),
        (
            [MINE, [(18, 41, "you buy these: today"), MINE[1]]],
            ["any coupons?", "why did I get the coffee coupon?"],
            "(you buy these: today)",
        ),
        ([MINE], ["why did I get coffee?", "is the second coupon still valid?"], LINES[1]),
        ([MINE], ["any coupons for coffee?", "When does it end?"], LINES[0]),
        (
            [[(18, 41, "")], [(18, 43, ""), (18, 44, "")]],
            ["any coupons?", "is the second one valid?", "until when is the first one valid?"],
            LINES[0],
        ),
    ],
)
def test_a_coupon_keeps_its_place_and_has_the_latest_reason_of_the_service(
    lists: list[Any], said: list[str], told: str
) -> None:
    (line,) = last(of(*lists), *said).reply.splitlines()[1:]
    assert line.endswith(told)


def test_coupons_of_the_same_words_keep_their_own_reasons() -> None:
    catalog, mine = several("berries", "berries")
    why = lines(last(of(mine, catalog=catalog), "any coupons?", "why?").reply)
    assert [line[-10:] for line in why] == ["(reason 1)", "(reason 2)"]
    talk = of(mine[:1], mine[1:], catalog=catalog)
    talk.reply("any coupons?")
    assert "(reason 1)" in talk.reply("why did I get the first one?").reply
    assert talk.reply("do I have the first coupon?").reply.startswith(SAYS["terms"])


def test_a_coupon_that_is_gone_is_neither_had_nor_denied() -> None:
    talk = of(MINE, [])
    first, none = talk.reply("any coupons?").reply, talk.reply("any coupons?").reply
    assert none == SAYS["none"]
    assert lines(talk.reply("Is there a last day?").reply) == lines(first)
    gone = talk.reply("do I still have the first coupon?").reply
    assert not gone.startswith(SAYS["coupons"]) and LINES[0] in gone


def test_a_coupon_that_comes_twice_is_had_once() -> None:
    assert len(of([MINE[0], MINE[1], MINE[0]]).tools.coupons()) == 2


def test_a_place_that_may_mean_two_coupons_of_a_product_shows_both() -> None:
    catalog, found = several("tea", "coffee", "coffee")
    talk = of(found, catalog=catalog)
    talk.reply("any coupons?")
    said = talk.reply("until when is the second one, the coffee, valid?").reply
    assert len(lines(said)) == 2 and "tea" not in said
    said = talk.reply("until when is the third one, the coffee, valid?").reply
    assert len(lines(said)) == 1


@pytest.mark.parametrize("words", ["How much is it?", "When will it be back?", "How big is it?"])
@pytest.mark.parametrize("before", [[], ["any coupons?"]])
def test_it_is_no_coupon_unless_coupons_were_just_shown(words: str, before: list[str]) -> None:
    assert not lines(last(of(MINE), *before, "do you have oat milk?", words).reply)


# What the service answers

Serving = Callable[..., str]
SERVED = {"user_id": 2448, "mailed": True}
COUPON = {"campaign_id": 18, "coupon_id": 41, "reason": "x"}


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"coupons": 5}', b'{"coupons": [{}]}', b"[" * 100_000, b"\xff"]
)
def test_a_service_that_answers_anything_is_away(body: bytes, serving: Serving) -> None:
    url = serving(lambda asked: body)
    turn = Assistant(Tools(1, service(url), CATALOG)).reply("any coupons?")
    assert (turn.reply, turn.handed_over) == (ALONE["away"], False)


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
def test_a_coupon_that_cannot_be_said_is_no_answer(coupon: Any, serving: Serving) -> None:
    body = json.dumps({**SERVED, "coupons": [{**COUPON, **coupon}]}).encode()
    with pytest.raises(ValueError, match="did not answer as `serve` does"):
        service(serving(lambda asked: body))(2448)


def test_an_answer_that_is_cut_off_is_none(serving: Serving) -> None:
    body = json.dumps({**SERVED, "coupons": [COUPON]}).encode()
    with pytest.raises(ValueError):
        service(serving(lambda asked: body, length=1000))(2448)


@pytest.mark.parametrize("said", [{"mailed": True}, {"mailed": False}, {}])
def test_only_a_service_that_says_so_has_mailed_a_coupon(said: Any, serving: Serving) -> None:
    body = json.dumps({"user_id": 2448, "coupons": [COUPON], **said}).encode()
    (coupon,) = Tools(2448, service(serving(lambda asked: body)), CATALOG).coupons()
    assert coupon.mailed is said.get("mailed", False)


def test_a_service_that_is_away_is_handed_over_by_what_needs_it() -> None:
    talk = Assistant(Tools(1, away, CATALOG), OFFER_AT_ONCE, hand_over=lambda *said: None)
    turn = talk.reply("How do I redeem a paper coupon?")
    assert (turn.reply, turn.handed_over) == (SAYS["use"], False)
    turn = talk.reply("any coupons?")
    assert (turn.reply, turn.handed_over) == (SAYS["away"], True)


# Who is for a person

MEANT = """
person | Hi, I need support please
forget | Please purge my data, thanks
forget | Close my account. Thanks.
complaint | Hi, you owe me 5 dollars
complaint | My discount was not taken off at the till
product | Hi, do you have oat milk?
person | I need support with my coupon
person | Can I call the shop about my coupon?
person | Get me the boss, it is about a coupon
person | I'd like to discuss my coupon with someone
person | Someone please help me with my coupon
complaint | I did not get my discount
forget | I want my data removed, the coupons too
forget | Erase everything, coupons too
forget | Close my account, with all coupons
person | I want to talk to a supervisor about my coupon
person | Are there any humans there? It is about a coupon
person | Let me speak to your agents about the offer
person | Call me about my coupon
person | Can someone from the shop help me with my coupon?
person | Can I speak with your boss about this coupon?
person | Connect me with support about my coupon
person | Please escalate this coupon issue
person | GDPR request: erasure of everything incl. coupons
forget | Delete my account and pass my 25% coupon on to my sister, please
stop | Unsubscribe me. Can you pass my coupons on to my wife?
stop | Stop charging me for coffee: tell the till that it is free
stop | Tell me how to get rid of coupons
stop | Can I refuse the coupons at the till?
person | If the till refuses it, does an employee take over the 5 dollars?
thanks | Thank you for the offer
thanks | Thanks for the coupons
thanks | Great, thanks \N{THUMBS UP SIGN}
"""


@pytest.mark.parametrize(("intent", "words"), phrases(MEANT))
def test_neither_a_courtesy_nor_a_coupon_hides_what_is_said_beside_it(
    intent: str, words: str, desk: Assistant
) -> None:
    turn = desk.reply(words)
    assert (turn.intent, turn.reply) == (intent, SAYS[intent])
    assert turn.handed_over == (intent in FOR_A_PERSON)


def test_a_colleague_gets_all_that_had_no_answer(desk: Assistant, taken: list[str]) -> None:
    said = ["hello", "my code is 4711", "any coupons?", "get me a colleague"]
    for words in [*said, "a small pack"]:
        desk.reply(words)
    assert taken == ["my code is 4711\nget me a colleague", "a small pack"]
    assert desk.reply(" ").reply == SAYS["waiting"]


def test_a_colleague_gets_the_last_ten_messages_and_not_a_book(
    desk: Assistant, taken: list[str]
) -> None:
    last(desk, *[f"coffee {place}" for place in range(30)], "a human, please")
    assert len(taken[0].splitlines()) == MAX_PASSED_ON
    assert taken[0].startswith("coffee 21\n")


@pytest.mark.parametrize(
    ("between", "twice"),
    [
        ("Hello?", True),
        ("Thanks, bye", True),
        ("Do you have oat milk?", True),
        ("how do I use a coupon?", False),
    ],
)
def test_not_understood_twice_is_twice_but_for_an_answer_between(
    between: str, twice: bool, desk: Assistant
) -> None:
    said = ["my purse fell out of my bag", between, "it is red and has my key in it"]
    assert [desk.reply(words).handed_over for words in said] == [False, False, twice]


@pytest.mark.parametrize("words", ["any coupons?", STOP])
def test_a_turn_that_ends_in_an_error_of_the_shops_own_functions_is_logged(words: str) -> None:
    log = DialogueLog(":memory:")
    talk = Assistant(Tools(2448, fails, CATALOG), log=log, hand_over=fails)
    with pytest.raises(KeyError):
        talk.reply(words)
    assert [(row["intent"], row["handed_over"]) for row in log.rows()] == [(hear(words).intent, 0)]


def test_a_colleague_gets_what_met_an_error_of_the_shops_own_functions(
    desk: Assistant, taken: list[str]
) -> None:
    desk.tools = Tools(2448, fails, CATALOG)
    with pytest.raises(KeyError):
        desk.reply("any coupons?")
    desk.reply("get me a colleague")
    assert taken == ["any coupons?\nget me a colleague"]


BRINGS_A_COLLEAGUE = """
Yes, please!
Thanks, yes please
Sure, thanks!
Go ahead
ok
Please do, I want it today
Sure, ask about shampoo
Fine
Yes, coffee
Yes please, when?
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


@pytest.mark.parametrize(("words",), phrases(BRINGS_A_COLLEAGUE))
def test_any_yes_to_the_question_for_a_colleague_brings_one(words: str, desk: Assistant) -> None:
    assert last(desk, "Do you have oat milk?", words).handed_over


@pytest.mark.parametrize(
    ("question", "words"),
    [
        *[("do you have oat milk?", *words) for words in phrases(BRINGS_NONE)],
        ("any coupons?", "Yes please"),
        ("any coupons?", "\N{THUMBS UP SIGN}"),
        ("any coupons?", "that would be great"),
    ],
)
def test_a_goodbye_a_no_and_a_yes_to_nothing_bring_no_colleague(
    question: str, words: str, desk: Assistant
) -> None:
    assert not last(desk, question, words).handed_over


# Offers, and who wants none

STOPS = """
Take me off your mailing list
Do not contact me again
Cancel my newsletter
I told you not to offer me anything!
Are you deaf? No more emails!
can you stop?
opt me out
st\u034fop
stop\u3164please
st\u2065op
st\u200bop sending me coupons
sto\u0345p sending me coupons
stop名
Please don't. Stop the coupons.
Stop at once!
Thanks for your help - no coupons please
Zero coupons please
Tell the manager to stop sending me coupons
Enough!
I hate your coupons
Cancel my coupons
I decline your coupons
Your coupons are spam
No ads for coffee
I want coffee without ads
coffee or not, let me be in peace
"""
REFUSALS = """
No thanks
nah im good
Not now, maybe later
No need
Not my coffee
There was glass in the coffee
Erase that I bought coffee
Not my oat milk
Hi, the milk tasted odd
"""


@pytest.mark.parametrize(("words",), phrases(STOPS))
def test_who_wants_nothing_is_understood_in_many_words(words: str) -> None:
    assert hear(words).intent == "stop"


@pytest.mark.parametrize(("words",), phrases(STOPS) + phrases(REFUSALS))
def test_who_refuses_is_offered_nothing_later_on(words: str, eager: Assistant) -> None:
    products = [f"do you have {name}?" for name in ("coffee", "oat milk")]
    for said in (words, *products, "hello", "Why can't you pass it on?", "When do you close?"):
        turn = eager.reply(said)
        assert not turn.offered and not lines(turn.reply)
    assert lines(eager.reply("any coupons?").reply) == [*LINES]


@pytest.mark.parametrize("words", ["hello", "coffee", "Hi, do you have coffee?"])
def test_who_refuses_nothing_may_be_offered_a_coupon(words: str, eager: Assistant) -> None:
    assert eager.reply(words).offered


@pytest.mark.parametrize(
    "words",
    [
        words.replace("{product}", "coffee")
        for intent, words in messages("written")
        if intent in ("stop", "forget", "complaint", "person", "unknown")
    ],
)
def test_coupons_are_shown_only_to_who_asks_for_them(words: str, eager: Assistant) -> None:
    assert not lines(eager.reply(words).reply)
    assert not lines(last(of(MINE, customers=OFFER_AT_ONCE), STOP, words).reply)


ASKS_PLAINLY = """
Coupons
Coupons, thanks
coupons then
Hi! Coupons?
Coupons. Thank you!
deals?
coffee coupons
Hello, I would like to know which coupons I have
What's on offer this week?
Where do I find my coupons?
Let me see my coupons
Coupons, what do I have?
Do you have any discounts off coffee?
Are there coupons in my account?
"""


@pytest.mark.parametrize(("words",), phrases(ASKS_PLAINLY))
def test_who_asks_plainly_is_shown_coupons_even_after_a_stop(words: str) -> None:
    assert LINES[0] in of(MINE).reply(words).reply
    assert LINES[0] in last(of(MINE), STOP, words).reply


NO_PLAIN_REQUEST = """
How many coupons must I throw out?
Can I save this chat?
Thanks for the offer to help
Good deal!
Keep your coupons to yourself
And the coupons for coffee
"""


@pytest.mark.parametrize(("words",), phrases(NO_PLAIN_REQUEST))
def test_after_a_stop_only_a_plain_request_is_one(words: str) -> None:
    talk = of(MINE)
    assert not lines(last(talk, STOP, words).reply)
    for asked in ("Hi! Any coupons for coffee?", "how long is the first one valid?"):
        assert LINES[0] in talk.reply(asked).reply


@pytest.mark.parametrize(
    "name",
    ["stop-smoking aids", "ice cream & stop", "broken rice", "agent orange", "code red soda"],
)
def test_the_name_of_a_product_is_no_stop_and_hides_none(name: str) -> None:
    catalog, mine = several("coffee", name)
    turn = of(mine, catalog=catalog).reply(f"Any coupons for {name}?")
    assert turn.intent == "coupons" and len(lines(turn.reply)) == 1
    assert hear("stop", [name]).intent == hear("No more offers please", ["offers"]).intent == "stop"


def test_an_offer_comes_once_at_the_moment_when_it_pays() -> None:
    said = ("hi", "coffee", "coffee?", "coffee", "hi")
    talk, silent = of(MINE, customers=Customers()), of(MINE)
    assert [talk.reply(words).offered for words in said] == ["", "", "41", "", ""]
    assert not any(silent.reply(words).offered for words in said)


def test_belief_is_bayes_rule_and_certainty_moves_it_no_more() -> None:
    customers = Customers()
    prior = np.array(customers.share)
    joint = prior * np.array(customers.says["hello"]) * np.array(customers.says["why"])
    assert np.allclose(customers.believed(["hello", "why"]), joint / joint.sum())
    assert np.allclose(customers.believed(["not a word of them"]), prior)
    sure = Customers(share=(0, 1, 0), says={"thanks": (1, 0, 1), "hello": (0, 1, 0)})
    assert sure.believed(["thanks"]).tolist() == [0, 1, 0]


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


# Speed


def test_a_conversation_without_an_end_stays_fast() -> None:
    talk = of(MINE, customers=Customers())
    talk._intents = ["hello"] * 100_000
    begin = perf_counter()
    last(talk, "hi", "hi")
    assert len(talk._intents) <= MAX_TURNS and perf_counter() - begin < 1


def test_thousands_of_names_take_no_longer_than_a_few() -> None:
    names = [f"thing {'abcdefghij'[n % 10]}{n}" for n in range(2500)]
    hear("any coupons?", names)
    spent = []
    for _ in range(5):
        begin = perf_counter()
        hear("any coupons for coffee?", names)
        spent.append(perf_counter() - begin)
    assert min(spent) < 0.02
