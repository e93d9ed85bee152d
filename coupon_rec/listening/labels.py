"""What an opinion is about, and whether it is negative."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from coupon_rec._extras import need
from coupon_rec.arguments import Floats, Mask, require_present

CUT = 0.6
"""Above a half: where four of five opinions are not negative, wrong calls of these cost more."""


def lexicon(texts: Sequence[str]) -> Floats:
    """Score texts by VADER's general list of words, from -1 (bad) to 1 (good).

    Parameters
    ----------
    texts : sequence of str
        Shape (n,).

    Returns
    -------
    numpy.ndarray
        Shape (n,). It is 0 where the list knows none of the words.

    Raises
    ------
    ModuleNotFoundError
        If the extra `listen` is not installed.

    Examples
    --------
    >>> lexicon(["Shares tumble after profit warning"]).round(2)
    array([0.4])
    """
    score = _analyzer().polarity_scores
    return np.array([score(text)["compound"] for text in texts], np.float64)


@cache
def _analyzer() -> Any:
    need("vaderSentiment", "listen")
    from vaderSentiment.vaderSentiment import (  # type: ignore[import-untyped, unused-ignore]
        SentimentIntensityAnalyzer,
    )

    return SentimentIntensityAnalyzer()


def negatives_of(sentences: pd.DataFrame) -> pd.Series:
    """Say which labeled sentences are negative.

    Raises
    ------
    ValueError
        If a column or a value is missing, or a sentiment is no number.
    """
    require_present(sentences, ["text", "topic", "sentiment"], "labeled sentences")
    sentiment = pd.to_numeric(sentences["sentiment"], errors="coerce")
    if sentiment.isna().any():
        wrong = sentences.loc[sentiment.isna(), "sentiment"].iloc[0]
        raise ValueError(
            f"sentiment must be a number, below 0 where a sentence is negative, not {wrong!r}"
        )
    return sentiment < 0


class Labels:
    """Topic and sentiment of texts, learned from labeled sentences.

    Both are logistic regressions on pieces of words, three to five letters long, so that "slump"
    and "slumps" share most of theirs. The one of sentiment also reads what a general lexicon says.

    Parameters
    ----------
    sentences : pandas.DataFrame
        `text`, `topic`, and `sentiment`: below 0 where it is negative.
    scores : callable or None
        From n texts to n numbers, low where they are negative, such as `lexicon`.

    Raises
    ------
    ValueError
        If a column is missing, or there are not two topics, or not both kinds of sentiment.

    Examples
    --------
    >>> sentences = pd.DataFrame({
    ...     "text": ["Milk went sour.", "Fresh milk, good buy.", "Staff on strike.", "Kind staff."],
    ...     "topic": ["food", "food", "people", "people"],
    ...     "sentiment": [-1, 1, -1, 1],
    ... })
    >>> labels = Labels(sentences)
    >>> labels.topic(["The milk is sour"])
    array(['food'], dtype=object)
    >>> bool(labels.negative(["The milk is sour"])[0] > labels.negative(["Kind staff"])[0])
    True
    """

    def __init__(
        self,
        sentences: pd.DataFrame,
        scores: Callable[[Sequence[str]], Floats] | None = None,
    ) -> None:
        bad = negatives_of(sentences)
        if bad.all() or not bad.any() or sentences["topic"].nunique() < 2:
            raise ValueError(
                "labeled sentences need two topics or more, and negative sentences beside others"
            )
        self._scores = scores
        self._pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
        self._pieces.fit(sentences["text"])
        texts = sentences["text"].tolist()
        topics = sentences["topic"].map(lambda topic: str(topic).strip(), na_action="ignore")
        self._topic = LogisticRegression(C=5).fit(self._pieces.transform(texts), topics)
        self._negative = LogisticRegression(C=5).fit(self._columns(texts), bad)

    def _columns(self, texts: Sequence[str]) -> csr_matrix:
        pieces = self._pieces.transform(texts)
        if self._scores is None:
            return pieces
        return hstack([pieces, self._scores(texts)[:, None]]).tocsr()

    def topic(self, texts: Sequence[str]) -> NDArray[np.object_]:
        """The likeliest topic of each text: shape (n,), as in the sentences, as text."""
        return np.asarray(self._topic.predict(self._pieces.transform(texts)), object)

    def negative(self, texts: Sequence[str]) -> Floats:
        """The probability that each text is negative: shape (n,)."""
        return np.asarray(self._negative.predict_proba(self._columns(texts))[:, 1])

    def called(self, texts: Sequence[str]) -> Mask:
        """Whether each text is called negative, by a probability above `CUT`: shape (n,)."""
        return np.asarray(self.negative(texts) > CUT)
