"""What a customer wants: an intent and its slots, by rules that can be read."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from coupon_rec.assistant.asking import (
    ABOUT,
    AGAIN,
    ASKS,
    BARE,
    BRIEF,
    BUT,
    CONCERNS,
    LACKS,
    MAY_CONCERN,
    OTHER_THINGS,
    REFUSES,
    WONDERS,
)
from coupon_rec.assistant.phrases import (
    AGREES,
    DECLINES,
    DESK,
    GLAD,
    HELLO,
    NOUN,
    OFFERING,
    PLACE,
    PLACES,
    POLITE,
    RULES,
    SHORT,
    SIGNS,
    WAVERS,
    WHICH,
)

MAX_LETTERS: Final = 500
"""Letters of a message that are read; over HTTP, a longer one is refused."""
UNSEEN: Final = ("Cf", "Cn", "Mn", "Mc", "Me")
"""Marks, what formats a text, and what is no letter yet."""
BLANKS: Final = (0x115F, 0x1160, 0x2800)
"""What looks like a space, and is a letter or a sign to Python."""

_SIGNS = {ord(sign): word for signs, word in SIGNS for sign in signs}
_SHORT = {short: meant for shorts, meant in SHORT for short in shorts.split()}


class Heard(NamedTuple):
    """What was understood of a message.

    Attributes
    ----------
    intent : str
        One of `RULES`; "product" where only a product was understood, "unknown" where nothing was.
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
    """Give the letters and digits of a message: small, without marks, with single spaces.

    What is typed in a hurry is written out.

    Examples
    --------
    >>> plain("What’s  the LAST day?"), plain("whats the last day plz")
    ('what s the last day', 'what s the last day please')
    """
    text = unicodedata.normalize("NFKD", words[:MAX_LETTERS].translate(_SIGNS))
    unseen = (c for c in text if unicodedata.category(c) in UNSEEN)
    text = text.translate({**dict.fromkeys(map(ord, unseen)), **dict.fromkeys(BLANKS, " ")})
    return " ".join(_SHORT.get(word, word) for word in re.findall(r"[^\W_]+", text.casefold()))


def _found(pattern: str, text: str) -> re.Match[str] | None:
    """Find a pattern whose words end where ASCII letters do, as in the browser."""
    return re.search(pattern, text, re.ASCII)


def _sentences(words: str) -> Iterator[tuple[str, bool]]:
    """Yield the sentences of a message, and whether each asks something: "ok?" asks nothing."""
    text = unicodedata.normalize("NFKD", words[:MAX_LETTERS].translate(_SIGNS))
    for sentence, end in re.findall(r"([^.!?;:\n]+)([.!?;:\n]*)", text):
        yield sentence, "?" in end and not _found(r"\b(ok(ay)?|clear|understood)$", plain(sentence))


def _nameless(text: str, named: Sequence[str]) -> str:
    """Write "thing" for products: "broken rice" is no complaint."""
    for name in named:
        text = re.sub(rf"\b{_plain_name(name)}\b", "thing", text)
    return text


def wants_nothing(words: str, products: Sequence[str] = ()) -> bool:
    """Whether a message asks for no more offers, whatever else it asks for.

    Each sentence is heard by itself, and if it asks nothing, each part between its commas, too.

    Examples
    --------
    >>> wants_nothing("Please don't. Stop the coupons."), wants_nothing("Please don't stop.")
    (True, False)
    >>> wants_nothing("No coupons today!"), wants_nothing("No coupons today?")
    (True, False)
    """
    parts: list[str] = []
    for sentence, asks in _sentences(words):
        parts += [f"{plain(sentence)} ?"] if asks else map(plain, [sentence, *sentence.split(",")])
    named = _named(plain(words), products)
    parts = [_nameless(part, named) for part in parts]
    parts = [part for part in parts if not _found(DECLINES, part)]
    stops = [pattern for intent, pattern in RULES if intent == "stop"]
    return any(_found(pattern, part) for part in parts for pattern in stops)


def _clauses(words: str, named: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield sentences as "hi , any thing coupons ?", and without what only sounds like a no."""
    for sentence, asks in _sentences(words):
        parts = [plain(part) for part in re.split(r"[,()–—]| -+ ", sentence)]
        text = _nameless(" , ".join(filter(None, parts)) + (" ?" if asks else ""), named)
        yield text, " ".join(re.sub("|".join(LACKS), "", text, flags=re.ASCII).split())


def _texts(words: str, products: Sequence[str]) -> list[str]:
    """The sentences of a message, with "thing" for products."""
    return [text for text, _ in _clauses(words, _named(plain(words), products))]


def refuses(words: str, products: Sequence[str] = ()) -> bool:
    """Whether a message may refuse something, though it may not be clear that it wants no offers.

    Examples
    --------
    >>> refuses("Cancel my coupons"), refuses("I have no coupons. Any for me?")
    (True, False)
    """
    named = _named(plain(words), products)
    return any(_found(REFUSES, kept) for _, kept in _clauses(words, named))


def may_refuse(words: str, products: Sequence[str] = ()) -> bool:
    """Whether a word stands there with which something may be refused, though it may be missed.

    Examples
    --------
    >>> may_refuse("I want coffee without ads"), may_refuse("I want coffee")
    (True, False)
    """
    return any(_found(REFUSES, text) for text in _texts(words, products))


def asks_alone(words: str, products: Sequence[str] = ()) -> bool:
    """Whether each sentence asks about coupons, in few words, or is a courtesy: all is answered.

    Examples
    --------
    >>> asks_alone("Hi, any coupons?"), asks_alone("Any coupons? And my order is 4711.")
    (True, False)
    """
    return all(
        _found(POLITE, text) or _found(AGAIN, text) or (_found(ABOUT, text) and _found(BRIEF, text))
        for text in _texts(words, products)
    )


def agrees(words: str) -> bool:
    """Whether a message is a yes to "Shall I bring in a colleague?".

    Examples
    --------
    >>> agrees("Thanks, yes please"), agrees("Sure"), agrees("No thanks")
    (True, True, False)
    """
    begins = plain(re.split(r"[,.!?;:\n]", words.strip(), maxsplit=1)[0])
    text, begins = plain(words), "" if _found(r"^(ok(ay)?|fine)\b", begins) else begins
    yes = _found(AGREES, text) or _found(AGREES, begins)
    return bool(yes) and not _found(WAVERS, text) and not wants_nothing(words)


def allows_offer(words: str, intent: str, products: Sequence[str] = ()) -> bool:
    """Whether an offer that nobody asked for may follow a message of this intent.

    Not where a word may refuse, nor where the message was not understood, nor where more is said
    of a product than that it is wanted.

    Examples
    --------
    >>> allows_offer("do you have coffee?", "product", ["coffee"])
    True
    >>> allows_offer("there was glass in the coffee", "product", ["coffee"])
    False
    """
    texts = _texts(words, products)
    declined = any(_found(DECLINES, text) for text in texts)
    if intent == "unknown" or declined or may_refuse(words, products):
        return False
    return intent != "product" or all(_found(WONDERS, t) or _found(POLITE, t) for t in texts)


def asks_again(words: str, products: Sequence[str] = ()) -> bool:
    """Whether a message asks for coupons and says nothing else, as one does after a stop.

    Examples
    --------
    >>> asks_again("Hi! Any coupons?"), asks_again("Any coupons, and I sue")
    (True, False)
    """
    texts = _texts(words, products)
    asks = any(_found(AGAIN, text) for text in texts)
    alone = all(_found(AGAIN, text) or _found(POLITE, text) for text in texts)
    return asks and alone and not may_refuse(words, products)


def _asks(words: str, named: Sequence[str], intent: str = "coupons") -> bool:
    """Whether a message asks for coupons, or begins as a question if they are not its intent."""
    clauses = [*_clauses(words, named)]
    about = intent != "coupons" and any(_found(ABOUT, text) for text, _ in clauses)
    bare = [(text, kept) for text, kept in clauses if _found(BARE, kept)]
    lacks = any(kept != text for text, kept in bare)
    alone = all(each in bare or _found(POLITE, each[1]) for each in clauses)
    asks = any(_found(pattern, kept) for _, kept in clauses for pattern in ASKS)
    return about or asks or lacks or (bool(bare) and alone)


def hear(words: str, products: Sequence[str] = (), *, shown: bool = False) -> Heard:
    """Understand a message, or say that it was not understood.

    Parameters
    ----------
    words : str
        The message.
    products : sequence of str
        Names to look for.
    shown : bool
        Whether coupons were just shown, so that "how much is it?" is about them.

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
    place, places = _found(WHICH, text), re.findall(PLACE, text, re.ASCII)
    which = PLACES[place[1]] if place and len(places) == 1 else 0
    here = [plain(each) for each, _ in _sentences(words) if _found(PLACE, plain(each))]
    meant = _named(here[0], products) if which and here else named
    but = _found(BUT, _nameless(text, named))
    product = meant[0] if len(meant) == 1 and not but else ""
    stops, texts = wants_nothing(words, products), _texts(words, named)
    declined = [text for text in texts if _found(DECLINES, text)]
    text = plain(" ".join(text for text in texts if text not in declined))
    if not stops and all(each in declined or _found(POLITE, each) for each in texts):
        greets = "hello" if _found(rf"^{HELLO}\b", text) else "unknown"
        courtesy = "thanks" if declined or _found(GLAD, text) else greets
        return Heard(courtesy, product, which)
    found = (
        intent
        for intent, pattern in RULES
        if (stops if intent == "stop" else _found(pattern, text))
    )
    rest = "product" if named else "unknown"
    intent = next(found, rest)
    if intent not in ("person", "forget", "stop", "complaint"):
        intent = next((to for to, pattern in DESK if _found(pattern, text)), intent)
    asks = _asks(words, named, intent)
    about = f"{CONCERNS}|{MAY_CONCERN}" if shown or intent == "use" else CONCERNS
    other = _found(OTHER_THINGS, text) and not _found(rf"\b{NOUN}\b", text)
    concerned = which or (not other and any(_found(about, text) for text in texts))
    if intent in ("terms", "why", "use") and not concerned:
        intent = rest
    if intent in OFFERING and (refuses(words, named) or not asks):
        intent = "unknown"
    if intent == "use" and (refuses(words, named) or not asks):
        intent = rest
    return Heard(intent, product, which)


_plain_name = lru_cache(maxsize=None)(plain)  # of products: their names are few, and stay


def _named(text: str, products: Sequence[str]) -> list[str]:
    """The products that are named, the longest first: "oat milk" alone names no milk."""
    named, words = [], {name: _plain_name(name) for name in products}
    words = {name: plainly for name, plainly in words.items() if not _found(f"^{NOUN}$", plainly)}
    for name in sorted(words, key=lambda each: len(words[each]), reverse=True):
        if f" {words[name]} " in f" {text} ":
            named.append(name)
            text = re.sub(rf"\b{words[name]}\b", "|", text)
    return named
