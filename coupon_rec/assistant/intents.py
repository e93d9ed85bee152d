"""What a message is about, learned from messages whose intent a person has said."""

import json
import re
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

MESSAGES: Final = Path(__file__).with_name("messages.json")
LEARNED_FROM: Final = ("plain", "studied", "written")
"""The kinds of messages to learn from; the others are held out to count by."""
MAX_LETTERS: Final = 4000
"""Letters of a message; over HTTP, a longer one is refused."""
UNSEEN: Final = ("Cf", "Cn", "Mn", "Mc", "Me")
"""Marks, what formats a text, and what is no letter yet."""
BLANKS: Final = (0x115F, 0x1160, 0x2800)
"""What looks like a space, and is a letter or a sign to Python."""
SIGNS: Final[dict[str, str | int | None]] = {
    **dict.fromkeys("🚫⛔❌❎✕✖✗✘☒🚷", " no "),
    **dict.fromkeys("🛑", " stop "),
    **dict.fromkeys("👍👌", " ok "),
    **dict.fromkeys("👎✋🤚🖐🙅🖕🔇🔕🤮🤢🤬😡😠💩🗑💔", " not "),
    "?": " ? ",
}
"""What says something without a letter."""
SURE: Final = 0.7
"""Probability below which an intent counts as not understood: a wrong answer costs more."""


def messages(kind: str) -> list[tuple[str, str]]:
    """Give intent and words of a kind of messages, with "{product}" where one is named."""
    messages = json.loads(MESSAGES.read_text("utf-8"))[kind]
    return [(intent, words) for intent, listed in messages.items() for words in listed]


def text_of(words: str) -> str:
    """Give the letters, digits and question marks of a message, with single spaces.

    Examples
    --------
    >>> text_of("What’s  the LAST day?")
    'what s the last day ?'
    """
    text = unicodedata.normalize("NFKD", words[:MAX_LETTERS].translate(str.maketrans(SIGNS)))
    unseen = (c for c in text if unicodedata.category(c) in UNSEEN)
    text = text.translate({**dict.fromkeys(map(ord, unseen)), **dict.fromkeys(BLANKS, " ")})
    return " ".join(re.findall(r"[^\W_]+|\?", text.casefold()))


def pieces(text: str) -> list[str]:
    """Cut a plain text into words, pairs of words, and 2 to 4 letters in a row of each word.

    Examples
    --------
    >>> pieces("no ad")
    ['no', 'ad', 'no ad', '_n', 'no', 'o_', '_no', 'no_', '_no_', '_a', 'ad', 'd_', '_ad', 'ad_', \
'_ad_']
    """
    words = text.split()
    terms = [*words, *(" ".join(pair) for pair in pairwise(words))]
    for word in (f"_{word}_" for word in words):
        for length in (2, 3, 4):
            terms += [word[at : at + length] for at in range(len(word) - length + 1)]
    return terms


@cache
def _classifier() -> Any:
    """Learn the intents, in about a second."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    rows = [row for kind in LEARNED_FROM for row in messages(kind)]
    texts = [text_of(words.replace("{product}", "thing")) for _, words in rows]
    vectorizer = TfidfVectorizer(analyzer=pieces, sublinear_tf=True)
    classifier = make_pipeline(vectorizer, LogisticRegression(C=100, solver="newton-cg"))
    with threadpool_limits(1):
        return classifier.fit(texts, [intent for intent, _ in rows])


def intent_of(text: str) -> str:
    """Give the likeliest intent of a plain text, or "unknown" if it is not `SURE`."""
    classifier = _classifier()
    (chances,) = classifier.predict_proba([text])
    likeliest = int(np.argmax(chances))
    return str(classifier.classes_[likeliest]) if chances[likeliest] >= SURE else "unknown"
