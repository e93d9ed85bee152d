"""What a customer wants: a veto by rules, then an intent that was learned, and its slots."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from coupon_rec.assistant.intents import intent_of, text_of

OFFERING: Final = ("coupons", "terms", "why")
"""What is answered with coupons, and only to who asks for that, without a word that refuses."""

ADS: Final = (
    r"(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|commercials?|e ?mails?|"
    r"mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)"
)
DECLINES: Final = (
    r"^(?=.*\b(no|nope|nah|not|later|mind|bother)\b)((no|nope|nah|thanks?|thank you|please|sorry|"
    r"ok(ay)?|really|i m (good|fine|ok)|im good|not (now|today|yet|for me|this time|necessary|"
    r"needed)|maybe|later|never ?mind|need|it s|very kind of you|don ?t bother)( |$))+$|"
    r"^(no )?(i )?(do not|don ?t|no need)( \w+){0,4} (colleague|person|human|any ?one|any ?body)"
    r"( (please|thanks?|thank you|needed|necessary))*$"
)
"""A plain no, taken with thanks."""
VETO: Final = (
    (
        "stop",
        r"(?<!\bnot )(?<!\bt )(?<!\bdont )(?<!\bnever )(?<!\bbus )(?<!\btram )(?<!\bdoor )"
        r"(?<!\bdoes it )(?<!\boffer )(?<!\bcoupon )\bstop\b(?! (by|off|smoking|snoring)\b)|"
        rf"\bun ?subscrib\w*|\bopt(ed|ing)?( \w+)? out\b|\bleave me (alone|in peace|be)\b|"
        rf"\b(no|no more|zero|enough( of| with)?)( (your|the))* {ADS}\b(?! \?)|"
        rf"\b(not|never|don ?t|no longer) (want|need|wish)( (to|get|see|any|more|your|the))* {ADS}|"
        r"\b(not|never|don ?t)( ever)? (send|show|offer|mail|text|contact|bother)\b(?! .*\?)|"
        r"\bnot interested( \?)?$|\btake me off\b",
    ),
    (
        "person",
        r"\b(kill|suicid|murder|robb|stab|bomb|burn|poison|swallow|chok|bleed|injur|threat|allerg|"
        r"emergenc|ambulanc|polic|hospital|lawyer|solicitor|attorney|lawsuit|gdpr)\w*\b|"
        r"\b(gun|knife|sue|sued|court|article \d+|where you live)\b",
    ),
    (
        "forget",
        r"\b(delet(e|ion of)|eras(e|ure of)|wipe|remove|destroy|purge|close|forget)( \w+){0,3} (me|"
        r"data|information|history|account|profile|records?|everything)\b|\bbe forgotten\b",
    ),
    (
        "person",
        r"(?<!\bper )(?<!\beach )(?<!\bevery )(?<!\bone )\b(human|person|manager|supervisor|"
        r"employee|colleague|operator|representative)s?\b|\b(talk|speak|chat) (to|with) "
        r"(?!my|him|her)|\b(call|ring|phone) me\b(?! a\b)|\bcan i (call|phone)\b|"
        r"\b(customer service|transfer me|put me through|connect me)\b",
    ),
    (
        "complaint",
        r"\b(refund|money back|complain\w*|broken|spoiled|rotten|stale|sour|mou?ldy|damaged|rude|"
        r"overcharged|unacceptable|disappointed|charged twice|never (arrived|came)|(is|was|were) "
        r"(late|wrong|cold|missing)|(did|does|was|would)( not|n? ?t) (scan|work|accepted|taken|"
        r"deducted|applied|delivered)|where is my (order|parcel|package|delivery))\b",
    ),
)
"""What must never be answered with a coupon, whatever was learned: the first that is found."""
REFUSES: Final = (
    r"\b(no|not|never|none|nobody|nope|nah|nothing|zero|0|t|cannot|cant|dont|without|against|"
    r"enough|quit|cease|ending|less|fewer|gone|away|hell|too (many|much)|fed up|sick|tired|rid|"
    r"leav\w+|lost|spare|skip|drop|hide|mute|ban|ugh|seriously|peace|as if|keine|nix|nein|lousy|"
    r"useless|(?<!it )(?<!coupon )(?<!offer )end|(?<!run )(?<!runs )(?<!ran )(?<!find )out|"
    r"(take|taken|coupons?|vouchers?|offers?|deals?)( me)? off|off with|why \w+ \w+ still|"
    r"(stop|ended|unsub|unwanted|disabl|deactivat|discontinu|keep|annoy|pester|spam|bother|block|"
    r"blacklist|hat(e|ing)|dislik|refus|declin|reject|object|cancel|remov|delet|destroy|turn|"
    r"switch|opt(ed|ing|$)|withdraw|permission|allow|lawyer|junk(?! food)|shove|bin)\w*)\b"
)
"""What may refuse coupons: better not understood than shown."""
AGREES: Final = (
    r"^((oh|ok(ay)?|well|right|great|hi|hello|thanks?|thank you) )*(yes|yeah|yep|yup|sure|gladly|"
    r"certainly|definitely|absolutely|of course|go ahead|please do|do (it|that|so)|that would be "
    r"(very )?(great|nice|good|lovely|kind|helpful)|why not|please)\b|^(ok(ay)?|fine)$"
)
WAVERS: Final = r"\b(but|later|tomorrow|maybe|bye|goodbye|myself|yourself|i ll|i m)\b"
"""What takes back a yes."""

PLACES: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
PLACE: Final = rf"\b({'|'.join(PLACES)})\b(?! (?:day|time|week|month|year)s?\b)"
WHICH: Final = (
    rf"(?:^|(?<!\bnot )(?<!\bbefore )\b(?:the|my|your) ){PLACE} (?:one|coupon|voucher|offer|deal)\b"
)
"""How a coupon of a list is named: "the forty-third coupon" is not the third one."""


class Heard(NamedTuple):
    """What was understood of a message.

    Attributes
    ----------
    intent : str
        Such as "coupons"; "product" for a question about a product, "unknown" if none was
        understood.
    product : str
        The product that was named, as the catalog writes it; empty if none was, or several.
    which : int
        The coupon of the list that was meant, from 1 on; -1 for the last, 0 if none was named, or
        several.
    """

    intent: str
    product: str = ""
    which: int = 0


def plain(words: str) -> str:
    """Give the letters and digits of a message: small, without marks, with single spaces."""
    return text_of(words.replace("?", " "))


def _found(pattern: str, text: str) -> re.Match[str] | None:
    """Find a pattern whose words end where ASCII letters do."""
    return re.search(pattern, text, re.ASCII)


_plain_name = lru_cache(maxsize=None)(plain)  # of products: their names are few, and stay


def _named(text: str, products: Sequence[str]) -> tuple[list[str], str]:
    """Give the products that are named, the longest first, and the text with "thing" for them."""
    named = []
    for name in sorted(products, key=lambda each: len(_plain_name(each)), reverse=True):
        word = _plain_name(name)
        if f" {word} " in f" {text} " and not _found(f"^{ADS}$", word):
            named.append(name)
            text = re.sub(rf"\b{word}\b", "thing", text)
    return named, text


def refuses(words: str, products: Sequence[str] = ()) -> bool:
    """Whether a word of a message may refuse something.

    Examples
    --------
    >>> refuses("Cancel my coupons"), refuses("Anything off coffee?")
    (True, False)
    """
    _, text = _named(text_of(words), products)
    return bool(_found(REFUSES, text))


def names_coupon(words: str) -> bool:
    """Whether a coupon is named, and not only meant, as by "how much is it?"."""
    return bool(_found(rf"\b{ADS}\b", plain(words)))


def agrees(words: str) -> bool:
    """Whether a message is a yes to "Shall I bring in a colleague?".

    Examples
    --------
    >>> agrees("Thanks, yes please"), agrees("Sure"), agrees("No thanks")
    (True, True, False)
    """
    text = plain(words)
    doubts = _found(WAVERS, text) or _found(r"\b(no|nah|not|nope)\b", text)
    return bool(_found(AGREES, text)) and not doubts


def hear(words: str, products: Sequence[str] = ()) -> Heard:
    """Understand a message, or say that it was not understood.

    Parameters
    ----------
    words : str
        The message.
    products : sequence of str
        Names to look for.

    Examples
    --------
    >>> hear("Got a deal on oat milk?", ["coffee", "oat milk"])
    Heard(intent='coupons', product='oat milk', which=0)
    >>> hear("how long is the second one valid?").which
    2
    >>> hear("What is the capital of France?").intent
    'unknown'
    """
    named, text = _named(text_of(words), products)
    place, places = _found(WHICH, text), re.findall(PLACE, text, re.ASCII)
    which = PLACES[place[1]] if place and len(places) == 1 else 0
    but = _found(r"\b(but|except|besides|others?)\b", text)
    product = named[0] if len(named) == 1 and not but else ""
    return Heard(_intent(words, text, products), product, which)


def _intent(words: str, text: str, products: Sequence[str]) -> str:
    if _found(DECLINES, text):
        return "thanks"
    vetoed = next((intent for intent, pattern in VETO if _found(pattern, text)), "")
    intent = vetoed or intent_of(text)
    return "unknown" if intent in OFFERING and refuses(words, products) else intent
