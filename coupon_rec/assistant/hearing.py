"""What a customer wants: an intent and its slots, by rules that can be read."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

MOST_LETTERS: Final = 500
"""Letters of a message that are read; over HTTP, a longer one is refused."""

ADS: Final = (
    r"(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|"
    r"marketing)"
)
UNSEEN: Final = ("Cf", "Cn", "Mn", "Mc", "Me")
"""Marks, what formats a text, and what is no letter yet."""
BLANKS: Final = (0x115F, 0x1160, 0x2800)
"""What looks like a space, and is a letter or a sign to Python."""

RULES: Final[tuple[tuple[str, str], ...]] = (
    ("person", r"\b(human|person|agent|manager|employee|colleague|operator|representative)\b"),
    ("person", r"\b(talk|speak|chat)\b.*\b(some ?(one|body)|staff|support)\b"),
    ("person", r"^(yes|yeah|yep)( please)?$"),  # the one thing that the assistant asks
    ("person", r"\b(customer service|transfer me|put me through|call you)\b"),
    ("forget", r"\b(delete|erase|wipe|remove|destroy|deletion|clear|get rid)\b.*\b(me|my|data)\b"),
    ("forget", r"\b(forget|forgotten)\b"),
    ("stop", r"\b(unsubscribe|opt(ing)?( \w+)? out|leave me (alone|in peace))\b"),
    ("stop", r"\boff (the|your)( \w+)? list\b|\b(not|no longer) interested\b"),
    (
        "stop",
        r"(?<!\bnot )(?<!\bdon t )(?<!\bnever )(?<!\bt want to )(?<!\bdo you )(?<!\bdid you )"
        r"\b(stop|quit)\b(?! (by|off|at(?! once))\b)",
    ),
    (
        "stop",
        rf"^((i said|please|ok(ay)?|well|no|thanks?|thank you|sorry|hi|hello|hey) )*no {ADS}"
        r"( (please|thanks?|you|for|me|today|now|any|more|ever|again|at|all|i|said))*$",
    ),
    ("stop", rf"^(please )?no more( please)?$|\bturn off\b.*\b{ADS}\b"),
    (
        "stop",
        rf"^(?!why\b|(is|are) there\b|(do|have) you\b).*\b(no more|no further|never again|"
        rf"(want|need|wish|prefer|rather)( \w+)? no)\b.*\b{ADS}\b",
    ),
    (
        "stop",
        r"\bcancel( (all|any|my|the|your|these|marketing))* (newsletters?|mailings?|e ?mails?)\b",
    ),
    ("stop", rf"\bcancel (all|any) {ADS}\b"),
    (
        "stop",
        r"\b(not|don ?t|never|no longer)( (ever|really))* (want|need|wish|care|like)"
        rf"( (for|about|any|more|of|your|the|these|those|to|get|see|receive|have))* {ADS}\b",
    ),
    (
        "stop",
        r"(?<!\bwhy )(?<!\bdid )(?<!\bdoes )\b(not|don ?t|never|no longer)"
        r"( (ever|really|please|be|to|want|wish|you))* "
        r"(send\w*|show\w*|recommend\w*|offer|contact|e ?mail|bother|write)\b",
    ),
    (
        "complaint",
        r"\b(refund|money back|broken|spoiled|rotten|stale|complain|complaint|damaged)\b",
    ),
    ("complaint", r"\b(rude|unhappy|angry|terrible|ridiculous|awful|charged|missing|refused)\b"),
    ("complaint", r"\b(never|not|didn ?t|did not|doesn ?t|does not) (arrived?|work|come|came)\b"),
    ("complaint", r"\b(is|was|are|were) (late|wrong|cold)\b|\bwrong (item|order|product|price)\b"),
    ("why", r"\bwhy\b|\bhow come\b|\breason\b|\bbasis\b|\bwhat made you\b"),
    ("why", r"\bhow (do|did) you (know|choose|pick|select|decide)\b"),
    ("terms", r"\bexpired\b"),
    ("use", r"\bhow (do|can|to|does|should)\b.*\b(use|redeem|redeeming|apply|activate|work)"),
    ("use", r"\b(till|checkout|register|print|scan|code|automatically)\b"),
    ("use", r"\bhow to\b|\bwhere (can|do) i (use|redeem)\b"),
    ("terms", r"\b(expir\w*|run out|runs out|valid|until|conditions?|terms|minimum|last day)\b"),
    ("terms", r"\b(how (much|long)|what percent\w*|which (products?|items?)|when|up to which)\b"),
    ("terms", r"\b(how big|cover|covers|still (good|work))\b"),
    ("coupons", r"\b(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?\b"),
    ("coupons", r"\b(save|saving|savings|cheaper|cheap|on sale|money off|anything (for|on|off))\b"),
    ("thanks", r"\b(thanks?|thx|bye|goodbye|cheers|see you|that s all|that was all|helps)\b"),
    ("hello", r"^(hi|hiya|hello|hey|greetings|good (morning|afternoon|evening|day))\b"),
)
"""Intents and the patterns that speak for them; the first that is found decides."""

PLACES: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
PLACE: Final = rf"\b({'|'.join(PLACES)})\b(?! (?:day|time|week|month|year)s?\b)"
WHICH: Final = (
    rf"(?:^|(?<!\bnot )(?<!\bbefore )\b(?:the|my|your) ){PLACE} (?:one|coupon|voucher|offer|deal)\b"
)
"""How a coupon of a list is named: "the forty-third coupon" is not the third one."""
ASKS: Final = (
    r"^(coupon|voucher)s?\b|"
    r"\b(any|what|which|my|have|show|give|list|see|the)\b.*\b(coupon|voucher)s?\b|"
    r"\b(any|a) discounts?\b|"
    rf"\b({'|'.join(PLACES)}) one\b.*\b(valid|until|expires?)\b"
)
REFUSES: Final = r"\b(no|not|don ?t|never|without|nobody|hate|enough|stop|keep)\b"
"""How a customer who wants none asks for coupons, and what would make that a refusal."""


class Heard(NamedTuple):
    """What was understood of a message.

    Attributes
    ----------
    intent : str
        One of `RULES`; "product" where only a product was understood, "unknown" where nothing was.
    product : str
        The product that was named, as the catalog writes it; empty if none was.
    which : int
        The coupon of the list that was meant, from 1 on; -1 for the last, 0 if none was named, or
        several.
    """

    intent: str
    product: str = ""
    which: int = 0


def plain(words: str) -> str:
    """Give the letters and digits of a message: small, without marks, with single spaces.

    Examples
    --------
    >>> plain("What’s  the LAST day?")
    'what s the last day'
    """
    text = unicodedata.normalize("NFKD", words[:MOST_LETTERS]).casefold()
    unseen = (c for c in text if unicodedata.category(c) in UNSEEN)
    text = text.translate({**dict.fromkeys(map(ord, unseen)), **dict.fromkeys(BLANKS, " ")})
    return " ".join(re.findall(r"[^\W_]+", text))


def wants_nothing(words: str) -> bool:
    """Whether a message asks for no more offers, whatever else it asks for.

    Each sentence is heard by itself, and if it asks nothing, each part between its commas, too.

    Examples
    --------
    >>> wants_nothing("Please don't. Stop the coupons."), wants_nothing("Please don't stop.")
    (True, False)
    """
    text = unicodedata.normalize("NFKD", words[:MOST_LETTERS])
    parts = []
    for sentence, end in re.findall(r"([^.!?;:\n]+)([.!?;:\n]*)", text):
        parts += [sentence, *([] if "?" in end else sentence.split(","))]
    stops = [pattern for intent, pattern in RULES if intent == "stop"]
    return any(re.search(pattern, plain(part)) for part in parts for pattern in stops)


def asks_for_coupons(words: str) -> bool:
    """Whether a message asks for coupons in so many words."""
    text = plain(words)
    return bool(re.search(ASKS, text)) and not re.search(REFUSES, text)


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
    text = plain(words)
    named = _named(text, products)
    product = named[0] if len(named) == 1 else ""
    place, places = re.search(WHICH, text), re.findall(PLACE, text)
    which = PLACES[place[1]] if place and len(places) == 1 else 0
    stops = wants_nothing(words)
    found = (
        intent
        for intent, pattern in RULES
        if (stops if intent == "stop" else re.search(pattern, text))
    )
    return Heard(next(found, "product" if named else "unknown"), product, which)


def _named(text: str, products: Sequence[str]) -> list[str]:
    """The products that are named, the longest first: "oat milk" alone names no milk."""
    named, words = [], {name: plain(name) for name in products}
    for name in sorted(words, key=lambda each: len(words[each]), reverse=True):
        if f" {words[name]} " in f" {text} ":
            named.append(name)
            text = re.sub(rf"\b{words[name]}\b", "|", text)
    return named
