"""What an opinion is about, whether it is negative, and how often its labels err."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec._extras import need
from coupon_rec.arguments import Floats, Mask, numbers, require_one_order, require_present

NEGATIVE_FROM = 0.6  # not a half: where most opinions are not negative, wrong calls cost more


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
    import vaderSentiment.vaderSentiment as vader  # type: ignore[import-untyped, unused-ignore]

    return vader.SentimentIntensityAnalyzer()


def negatives_of(sentences: pd.DataFrame) -> Mask:
    """Say which labeled sentences are negative.

    Raises
    ------
    ValueError
        If a column or a value is missing, or a sentiment is no number.
    """
    require_present(sentences, ["text", "topic", "sentiment"], "labeled sentences")
    return numbers("sentiment, below 0 where it is negative,", sentences["sentiment"]) < 0


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
        # not above: whoever listens to stars needs none of it
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline, make_union
        from sklearn.preprocessing import FunctionTransformer

        def pieces() -> TfidfVectorizer:
            return TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)

        negative = negatives_of(sentences)
        if negative.all() or not negative.any() or sentences["topic"].nunique() < 2:
            raise ValueError(
                "labeled sentences need two topics or more, and negative sentences beside others"
            )
        texts = sentences["text"].tolist()
        topics = sentences["topic"].map(lambda topic: str(topic).strip())
        columns = pieces()
        if scores:
            columns = make_union(columns, FunctionTransformer(lambda some: scores(some)[:, None]))
        self._topic = make_pipeline(pieces(), LogisticRegression(C=5)).fit(texts, topics)
        self._negative = make_pipeline(columns, LogisticRegression(C=5)).fit(texts, negative)

    def topic(self, texts: Sequence[str]) -> NDArray[np.object_]:
        """The likeliest topic of each text: shape (n,), as in the sentences, as text."""
        return np.asarray(self._topic.predict(texts), object)

    def negative(self, texts: Sequence[str]) -> Floats:
        """The probability that each text is negative: shape (n,)."""
        return np.asarray(self._negative.predict_proba(texts)[:, 1])

    def called(self, texts: Sequence[str]) -> Mask:
        """Whether each text is called negative, by a probability above 0.6: shape (n,)."""
        return np.asarray(self.negative(texts) > NEGATIVE_FROM)


@dataclass(frozen=True)
class Errors:
    """How a classifier errs, and what its counts say of the truth.

    Attributes
    ----------
    caught : float
        Share of the negative opinions that it calls negative.
    wrongly : float
        Share of the others that it calls negative; below `caught`.

    Raises
    ------
    ValueError
        If the shares are outside [0, 1], or `wrongly` is not below `caught`: then its counts say
        nothing.

    Notes
    -----
    Equation `eq-labeled`, and its inverse `eq-corrected` (Rogan and Gladen 1978).

    Examples
    --------
    >>> errors = Errors(caught=0.8, wrongly=0.1)
    >>> round(errors.labeled(0.2), 2), round(float(errors.corrected(24, 100)), 2)
    (0.24, 0.2)
    """

    caught: float = 1.0
    wrongly: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.wrongly < self.caught <= 1:
            raise ValueError(
                "a classifier must call more of the negative opinions negative than of the "
                f"others, both shares in [0, 1], not {self.caught} and {self.wrongly}"
            )

    @classmethod
    def of(cls, called: ArrayLike, negative: ArrayLike) -> "Errors":
        """Count the errors on labeled sentences that the classifier has not seen.

        Parameters
        ----------
        called, negative : array_like
            Whether it says so, and whether it is so, 0 or 1, shape (n,); both kinds must occur.
        """
        require_one_order(called=called, negative=negative)
        calls = numbers("called", np.asarray(called, float))
        bad = numbers("negative", np.asarray(negative, float), calls.size) > 0
        if bad.all() or not bad.any():
            raise ValueError("negative must hold both kinds, to count the errors of each")
        return cls(float(calls[bad].mean()), float(calls[~bad].mean()))

    def labeled(self, share: float) -> float:
        """The share that it will call negative, from the share that is."""
        return self.wrongly + (self.caught - self.wrongly) * share

    def of_part(self, part: float) -> "Errors":
        """The errors where a part of the opinions is labeled, and stars tell of the others."""
        return Errors(part * self.caught + 1 - part, part * self.wrongly)

    def corrected(self, called: ArrayLike, opinions: ArrayLike) -> Floats:
        """The share that is negative, from how many of how many it calls so; within [0, 1]."""
        require_one_order(called=called, opinions=opinions)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.asarray(called, np.float64) / np.asarray(opinions, np.float64)
        return np.asarray(np.clip((share - self.wrongly) / (self.caught - self.wrongly), 0, 1))
