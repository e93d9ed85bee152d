"""What a customer wants: an intent and its slots, by rules that can be read."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

MOST_LETTERS: Final = 500
"""Letters of a message that are read; over HTTP, a longer one is refused."""

ADS: Final = (
    r"(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|"
    r"marketing|discounts?|promotions?|promos?|specials|bargains?)"
)
UNSEEN: Final = ("Cf", "Cn", "Mn", "Mc", "Me")
"""Marks, what formats a text, and what is no letter yet."""
BLANKS: Final = (0x115F, 0x1160, 0x2800)
"""What looks like a space, and is a letter or a sign to Python."""

RULES: Final[tuple[tuple[str, str], ...]] = (
    (
        "person",
        r"\b(human|person|agent|manager|supervisor|employee|colleague|operator|representative)s?\b",
    ),
    ("person", r"\b(talk|speak|chat)\b.*\b(some ?(one|body)|staff|support)\b"),
    ("person", r"\b(talk|speak|chat) (to|with) (your|the|an?|any ?one|any ?body)\b"),
    ("person", r"\b(can|could|will) (some|any) ?(one|body)\b.*\bhelp\b|\bescalate\b"),
    ("person", r"\b(call|ring|phone) me( (back|about|on|at|please|now|today|tomorrow)\b|$)"),
    ("person", r"^(yes|yeah|yep)( please)?$"),  # the one thing that the assistant asks
    ("person", r"\b(customer service|transfer me|put me (through|in touch)|connect me|call you)\b"),
    ("forget", r"\b(delete|erase|wipe|remove|destroy|deletion)\b.*\b(me|my|data)\b|\berasure\b"),
    ("forget", r"\b(clear|get rid of)( all)?( (my|the)( \w+)?)? (data|history|account|profile)\b"),
    ("forget", r"\b(clear|get rid of)\b.*\b(stored|have|know)\b.*\b(on|about) me\b"),
    (
        "forget",
        r"(?<!\bi )(?<!\bdon t )(?<!\bnot )(?<!\bnever )(?<!\bnot to )(?<!\bt want to )\bforget\b"
        r"|\bbe forgotten\b",
    ),
    (
        "stop",
        r"\b(un ?subscribe|unsubscribing|opt(ing)?( \w+)? out|leave me (alone|in peace|be))\b",
    ),
    ("stop", r"^(please )?(go away|shut up)( please)?$|\b(not|don ?t) disturb me\b"),
    ("stop", r"\boff (the|your)( \w+)? list\b|\b(not|no longer) interested\b"),
    (
        "stop",
        rf"^(?!(when|how long|does|do|did|will)\b.*\b{ADS}( ever)? stop\b).*"
        r"(?<!\bnot )(?<!\bdon t )(?<!\bnever )(?<!\bt want to )(?<!\bdo you )(?<!\bdid you )"
        r"(?<!\bbus )(?<!\btram )(?<!\btruck )(?<!\bpit )(?<!\bnext )"
        r"\b(stop|quit)\b(?! (by|off|at(?! once))\b)",
    ),
    (
        "stop",
        rf"^((i said|please|ok(ay)?|well|no|thanks?|thank you|sorry|hi|hello|hey) )*(no|zero) {ADS}"
        r"( (please|thanks?|you|for|me|today|now|any|more|ever|again|at|all|i|said|ok(ay)?|then"
        r"|understood))*$",
    ),
    (
        "stop",
        r"^(?!why\b).*(?<!\bis )(?<!\bare )(?<!\bhave )(?<!\bsee )(?<!\bfind )(?<!\bgot )"
        rf"(?<!\bget )\bno {ADS} (please|thanks|thank you)$",
    ),
    ("stop", rf"^(please )?no more( please)?$|\bturn off\b.*\b{ADS}\b"),
    (
        "stop",
        r"^(?!(why|is|are|was|were|does|did|have|has)\b|do (i|you|we)\b|there (is|are)\b).*"
        r"(?<!\bhave )(?<!\bsee )(?<!\bfind )(?<!\bgot )\b(no more|no further|never again|"
        rf"(want|need|wish|prefer|rather)( \w+)? no)\b.*\b{ADS}\b",
    ),
    ("stop", rf"\b(i d|would) like( to (get|have|receive))? no( more| further)? {ADS}\b"),
    (
        "stop",
        r"\b(prefer|rather|like|wish|ask|want) not to (get|receive|have|see|be (sent|shown))"
        rf"( (any|more|your|the))* {ADS}\b",
    ),
    ("stop", rf"\b(had|have) enough (of|with)( (all|your|the|these))* {ADS}\b|^enough {ADS}$"),
    ("stop", rf"\bi (refuse|object to)( (all|any|your))+ {ADS}\b|\bi object to marketing\b"),
    ("stop", r"\b(withdraw|revoke)( my)? consent\b|^(please )?cease\b"),
    ("stop", rf"\b(want|ask(ed)? for)( (all|your|the|my|these))* {ADS}( to be)? stopped\b"),
    (
        "stop",
        r"\bcancel( (all|any|my|the|your|these|marketing))* (newsletters?|mailings?|e ?mails?)\b",
    ),
    ("stop", rf"\bcancel (all|any) {ADS}\b"),
    (
        "stop",
        r"(?<!\bif i )\b(not|don ?t|never|no longer)( (ever|really))* (want|need|wish|care|like)"
        r"( (for|about|any|more|of|your|the|these|those|to|get|see|receive|have|hear|be|sent|given"
        r"|mailed|shown|told))* (?!(coupon|voucher|offer|deal|discount|promotion) (on|for)\b)"
        rf"{ADS}\b(?!.*\b(others?|instead)\b)",
    ),
    (
        "stop",
        r"^((please|ok(ay)?|and|so|but|just|thanks?|thank you|hi|hello|hey) )*(do not|don ?t|never)"
        r"( (ever|please))* (give|mail|text|message|spam|deliver|tell|mention)"
        rf"( (me|us|with|about|of|any|more|your|the|these))* {ADS}"
        r"( (please|any|more|ever|again|at|all|now|today|thanks?|you))*$",
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
    ("terms", r"\b(expir\w*|(runs?|ran) out|valid|until|conditions?|terms|minimum|last day)\b"),
    ("terms", r"\b(how (much|long)|what percent\w*|which (products?|items?)|when|up to which)\b"),
    ("terms", r"\b(how big|cover|covers|still (good|work))\b"),
    ("use", r"\b(till|checkout|register|print|scan|code|automatically)\b"),
    ("use", r"\bhow to\b|\bwhere (can|do) i (use|redeem)\b"),
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
    r"^((the|my) )?(coupon|voucher)s?\b|"
    r"\b(any|what|which|show|give|list|see|tell|is|are|do i|i have|have (i|you)|do you|why|when|"
    r"how|where|find)\b.*\b(coupon|voucher)s?\b|"
    r"\b(want|like|need)( (to (have|get)|some|my|a|the|all))* (coupon|voucher)s?\b|"
    r"\b(any|a) discounts?\b|"
    rf"\b({'|'.join(PLACES)}) one\b.*\b(valid|until|expires?)\b"
)
REFUSES: Final = (
    r"\b(no|not|don ?t|i won ?t|never|without|nobody|none|zero|nope|nothing more|hate|sick of|"
    r"(can ?t|cannot) stand|enough|stop\w*|keep|cancel\w*|cease|refuse|refrain|avoid|object|"
    r"consent|opted|unsub\w*|withdraw|revoke|gone|shut up)\b|\btake\b.*\baway\b"
    r"|^(please )?(end|drop|skip|spare|save)\b"
)
"""How a customer who wants none asks for coupons, and what would make that a refusal."""
LACKS: Final = (
    r"(?<!\bto )(?<!\bwill )\b(not|don ?t|never)( (yet|even|ever|really))*"
    r" (see|find|have|had|get|got|receive|received|know|sure|remember|only|just)\b"
    r"|(?<!\bdid )(?<!\byou )\b(not|don ?t|never)( want to)? (stop|quit|miss|lose|forget)\b"
    r"|\b(is|are|was|were|or|if|i have|i had|see|find|got)( \w+)? (no|not)\b"
    r"(?! (wanted|welcome|needed|use|need|interest)\b)"
    r"|^(any|what|which|where|is|are|do (i|you|we)|does|can i|have (i|you)|show me|list)\b.*"
)
"""What sounds like a refusal, and is none: a question, and a coupon that is missed or kept."""


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
    text = unicodedata.normalize("NFKD", words[:MOST_LETTERS])
    unseen = (c for c in text if unicodedata.category(c) in UNSEEN)
    text = text.translate({**dict.fromkeys(map(ord, unseen)), **dict.fromkeys(BLANKS, " ")})
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def _found(pattern: str, text: str) -> re.Match[str] | None:
    """Find a pattern whose words end where ASCII letters do, as in the browser."""
    return re.search(pattern, text, re.ASCII)


def _sentences(words: str) -> Iterator[tuple[str, bool]]:
    """Yield the sentences of a message, and whether each asks something: "ok?" asks nothing."""
    text = unicodedata.normalize("NFKD", words[:MOST_LETTERS])
    for sentence, end in re.findall(r"([^.!?;:\n]+)([.!?;:\n]*)", text):
        yield sentence, "?" in end and not _found(r"\b(ok(ay)?|clear|understood)$", plain(sentence))


def wants_nothing(words: str) -> bool:
    """Whether a message asks for no more offers, whatever else it asks for.

    Each sentence is heard by itself, and if it asks nothing, each part between its commas, too.

    Examples
    --------
    >>> wants_nothing("Please don't. Stop the coupons."), wants_nothing("Please don't stop.")
    (True, False)
    """
    parts = []
    for sentence, asks in _sentences(words):
        parts += [sentence, *([] if asks else sentence.split(","))]
    stops = [pattern for intent, pattern in RULES if intent == "stop"]
    return any(_found(pattern, plain(part)) for part in parts for pattern in stops)


def refuses(words: str) -> bool:
    """Whether a message seems to refuse coupons, though it may not be clear that it wants none.

    Examples
    --------
    >>> refuses("Cancel my coupons"), refuses("I have no coupons. Any for me?")
    (True, False)
    """
    named = [pattern for intent, pattern in RULES if intent == "coupons"]
    for sentence, asks in _sentences(words):
        for part in [] if asks else map(plain, re.split(r"[,()–—]| -+ ", sentence)):
            refused = _found(REFUSES, re.sub(LACKS, "", part, flags=re.ASCII))
            if refused and any(_found(pattern, part) for pattern in named):
                return True
            if _found(r"^no (thanks?|thank you)$", part):
                return True
    return False


def asks_for_coupons(words: str) -> bool:
    """Whether a message asks for coupons in so many words."""
    text = plain(words)
    return bool(_found(ASKS, text)) and not _found(REFUSES, text)


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
    place, places = _found(WHICH, text), re.findall(PLACE, text, re.ASCII)
    which = PLACES[place[1]] if place and len(places) == 1 else 0
    stops = wants_nothing(words)
    found = (
        intent
        for intent, pattern in RULES
        if (stops if intent == "stop" else _found(pattern, text))
    )
    intent = next(found, "product" if named else "unknown")
    if intent == "coupons" and refuses(words):  # better not understood than shown
        intent = "unknown"
    return Heard(intent, product, which)


_plain_name = lru_cache(maxsize=None)(plain)  # of products: their names are few, and stay


def _named(text: str, products: Sequence[str]) -> list[str]:
    """The products that are named, the longest first: "oat milk" alone names no milk."""
    named, words = [], {name: _plain_name(name) for name in products}
    for name in sorted(words, key=lambda each: len(words[each]), reverse=True):
        if f" {words[name]} " in f" {text} ":
            named.append(name)
            text = re.sub(rf"\b{words[name]}\b", "|", text)
    return named
