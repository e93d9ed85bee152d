"""No word of a model reaches a customer unless it is one of a few that promise nothing."""

import itertools
import string
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coupon_rec.assistant import Refused, guarded, problem, product_name
from coupon_rec.assistant.guard import CLAIMS, SAFE
from coupon_rec.book.talking import CLAIMS as PROMISES

settings.register_profile("busy", deadline=None)  # whoever else is on the machine
settings.load_profile("busy")

polite = st.lists(st.sampled_from(sorted(SAFE)), min_size=1, max_size=6).map(" ".join)
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
def test_whatever_passes_is_made_of_safe_words_alone(text: str, places: list[int]) -> None:
    seen = passed(cut(text, places))
    assert set(seen) <= {*string.ascii_letters, *" .,!?'’-\n"}
    seen = seen.replace("’", "'")
    for ending in ("'s", "'m", "'re", "'ll", "'d", "'ve"):
        seen = seen.replace(ending, "").replace(ending.upper(), "")
    for mark in ".,!?'-\n":
        seen = seen.replace(mark, " ")
    assert {word.casefold() for word in seen.split()} <= SAFE


@given(polite)
def test_polite_words_pass_whole(words: str) -> None:
    assert problem(words) == ""
    assert passed([*f"{words}. "]) == f"{words}."


@pytest.mark.parametrize("claim", PROMISES)
def test_every_known_claim_is_refused(claim: str) -> None:
    assert problem(claim)


def test_no_safe_word_is_a_number_a_date_or_money() -> None:
    assert {"tell", "you"} == SAFE & CLAIMS


def test_a_sentence_is_held_back_until_it_is_whole() -> None:
    seen = []
    stream = guarded(iter(["I am gl", "ad. You are", " welcome", ". It is 5", "0% off. Bye."]))
    with pytest.raises(Refused, match="sign '5'"):
        for sentence in stream:
            seen.append(sentence)
    assert seen == ["I am glad.", "You are welcome."]


def test_what_was_not_finished_is_not_shown() -> None:
    assert passed(["I am glad. You have"]) == "I am glad."


@given(st.one_of(claims, st.text(max_size=50)))
def test_a_product_name_that_claims_something_is_not_shown(name: str) -> None:
    shown = product_name(name, "COFFEE")
    words = set(shown.replace("-", " ").replace("'", " ").replace("/", " ").split())
    assert shown.isascii() and not words & CLAIMS and not any(c.isdigit() for c in shown)
    assert shown in ("coffee", str(name).strip().casefold())


@pytest.mark.parametrize("claim", PROMISES)
def test_a_promise_in_a_products_name_becomes_its_category(claim: str) -> None:
    assert product_name(f"Coffee {claim}", "COFFEE") == "coffee"
