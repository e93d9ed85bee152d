"""Nothing of a model reaches a customer but a few phrases that promise nothing."""

import itertools
import re
import string
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coupon_rec.assistant import Refused, guarded, problem, product_name
from coupon_rec.assistant.guard import MOST_SAID, SAFE
from coupon_rec.book.talking import CLAIMS as PROMISES
from coupon_rec.book.talking import YES, audit

settings.register_profile("busy", deadline=None)  # whoever else is on the machine
settings.load_profile("busy")

polite = st.lists(st.sampled_from(sorted(SAFE)), min_size=1, max_size=4).map(", ".join)
WRITTEN = """
zero one two three four five six seven eight nine ten twelve twenty ninety hundred half double twice
dozen percent free nothing everything gratis
"""
written = st.sampled_from(WRITTEN.split())
dates = st.dates().flatmap(
    lambda day: st.sampled_from(
        [
            day.isoformat(),
            f"{day.day}/{day.month}/{day.year % 100}",
            f"{day.day}. {day.strftime('%B')}",
            f"the {day.day}th of {day.strftime('%b')}",
            day.strftime("%A"),
            f"in {day.strftime('%B')}",
        ]
    )
)
money = st.tuples(st.sampled_from("$€£¥₹₽₿¢"), st.integers(1, 99)).map(lambda p: f"{p[0]}{p[1]}")
digits = st.tuples(st.sampled_from("٠०০๐０𝟎𝟘"), st.integers(1, 9)).map(
    lambda p: chr(ord(p[0]) + p[1])
)
deals = st.sampled_from(["two for one", "buy one, get one free", "1+1", "2-for-1", "bogo", "50 %"])
marked = st.sampled_from(
    ["<b>9</b>0", "&#57;0", "**9**0", "9\u200b0", "9\u00ad0", "`9`0", "\\u0039"]
)
claims = st.one_of(written, dates, money, digits, deals, marked, st.sampled_from(PROMISES))


def passed(pieces: Sequence[str]) -> str:
    """What a customer sees of a stream."""
    seen = []
    try:
        for sentence in guarded(pieces):
            seen.append(sentence)
    except Refused:
        pass
    return " ".join(seen)


def cut(text: str, places: Sequence[int]) -> list[str]:
    """Cut a text into pieces."""
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[a:b] for a, b in itertools.pairwise(ends)]


@given(polite, claims, polite)
def test_a_claim_between_polite_words_is_refused(before: str, claim: str, after: str) -> None:
    assert problem(f"{before} {claim} {after}")


@given(polite, claims, polite, st.lists(st.integers(0, 200), max_size=8))
@example("hello", "90% off", "you", [8, 9, 10, 11])
def test_a_claim_cut_into_pieces_never_reaches_the_customer(
    before: str, claim: str, after: str, places: list[int]
) -> None:
    pieces = cut(f"Hello! {before} {claim} {after}. Welcome.", places)
    assert passed(pieces) in ("", "Hello!")


@given(st.text(max_size=80), st.lists(st.integers(0, 100), max_size=5))
def test_whatever_passes_is_made_of_safe_phrases_alone(text: str, places: list[int]) -> None:
    seen = passed(cut(text, places))
    assert set(seen) <= {*string.ascii_letters, *" .,!?'’"}
    phrases = re.split(r"[.,!?]+(?: |$)", seen.replace("’", "'").lower())
    assert {phrase.strip() for phrase in phrases} - {""} <= SAFE


@given(polite)
def test_polite_phrases_pass_whole(words: str) -> None:
    assert problem(words) == ""
    assert passed([*f"{words}. "]) == f"{words}."


@pytest.mark.parametrize("claim", [*PROMISES, *YES])
def test_every_known_claim_is_refused(claim: str) -> None:
    assert problem(claim)


@pytest.mark.parametrize(
    "sentence",
    [
        "Yes, that is right.",
        "Absolutely, you can have it!",
        "Of course!",
        "Sure!",
        "That offer is yours, certainly.",
        "You have a coupon.",
        "We will bring it to you.",
        "Enjoy!",
        "With pleasure.",
        "I hope so.",
        "You are good.",
        "We are.",
        "You’re, dear customer",
        "Happy to!",
        "We are happy to, dear customer.",
        "You are in.",
        "Sorry.",
        "There was a coupon, but it was yours.",
        "If we could, we would.",
        "For you!",
        "Hello there thank you",
        "Welcome!",
        "Welcome to the shop!",
        "Hello you",
        "Good!",
        "A nice day, for you.",
        "Very, very good day",
        "Good day!",
        "Good evening!",
        "Goodbye!",
        "Bye, bye!",
        "Thanks!",
        "Many thanks!",
        "Thank you very much.",
        "I'm very sorry to hear that.",
    ],
)
def test_what_offers_affirms_or_denies_without_a_number_is_refused(sentence: str) -> None:
    assert problem(sentence)


@pytest.mark.parametrize(
    "sentence",
    ["Look at our.shop", "Ask help.me", "Hello me-at", "I'd care", "Hello do've", "We'll, we'll"],
)
def test_words_joined_to_an_address_or_another_word_are_refused(sentence: str) -> None:
    assert problem(sentence)


def test_the_end_of_a_line_is_no_end_of_a_sentence() -> None:
    assert passed(["Hello!\nHey\n", "\n"]) == "Hello!"
    assert passed(["Hello\nthere.\n"]) == "Hello there."


@pytest.mark.parametrize("space", ["\x1c", "\x85", "\u2028", "\xa0", "\t", "\r\n"])
def test_no_strange_space_gets_out(space: str) -> None:
    assert passed([f"Hello{space}there.{space}Hey.{space}"]) in ("Hello there. Hey.", "")
    assert space not in passed([f"{space}. {space}! Hello{space}."])


@pytest.mark.parametrize("piece", ["hello ", "Hello! ", "!", "\n"])
def test_a_model_without_an_end_is_read_up_to_a_limit(piece: str) -> None:
    stream = guarded(itertools.repeat(piece))
    with pytest.raises(Refused, match="letters"):
        for sentence in stream:
            assert len(sentence) <= MOST_SAID


def test_what_ends_no_sentence_is_not_searched_without_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched: list[str] = []

    class Counted:
        def match(self, text: str) -> None:
            searched.append(text)

        fullmatch = match

    monkeypatch.setattr("coupon_rec.assistant.guard.SENTENCE", Counted())
    assert passed(["Hello", *[""] * 1000]) == "" and len(searched) == 2
    with pytest.raises(Refused, match="end no sentence"):
        list(guarded(["!" * 150 + "a" * 150]))


@pytest.mark.parametrize("phrase", sorted(SAFE))
def test_no_safe_phrase_agrees_or_denies(phrase: str) -> None:
    assert audit(f"{phrase}!", []) == []


@given(polite)
def test_nor_do_several_together(words: str) -> None:
    assert audit(f"{words}.", []) == []


def test_a_sentence_is_held_back_until_it_is_whole() -> None:
    seen = []
    stream = guarded(iter(["Hello th", "ere. Thanks for", " asking", ". It is 5", "0% off. Hey."]))
    with pytest.raises(Refused, match="'It is 50% off'"):
        for sentence in stream:
            seen.append(sentence)
    assert seen == ["Hello there.", "Thanks for asking."]


def test_what_was_not_finished_is_not_shown() -> None:
    assert passed(["Hello there. You have"]) == "Hello there."


@given(st.one_of(claims, st.text(max_size=50)))
def test_only_a_released_name_is_shown(name: str) -> None:
    shown = product_name(name, "COFFEE", released=("coffee", "tea"))
    assert shown == ("tea" if name.strip().casefold() == "tea" else "coffee")


@pytest.mark.parametrize("name", ["BEERS/ALES", " Bed  Linen", "dry bn/veg"])
def test_a_released_name_is_known_in_any_case(name: str) -> None:
    released = ("beers/ales", "bed linen", "dry bn/veg")
    assert product_name(name, released=released) == " ".join(name.casefold().split())


@pytest.mark.parametrize("name", [None, float("nan"), "", "COFFEE, FREE", "fr-ee coffee"])
def test_what_nobody_has_released_is_selected_products(name: object) -> None:
    assert product_name(name, released=("coffee",)) == "selected products"
