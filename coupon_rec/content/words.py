"""Vectors of short texts: counted words, and words that somebody else has learned from."""

import json
import re
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from coupon_rec._extras import need
from coupon_rec.arguments import Floats

Floats32 = NDArray[np.float32]


def words_of(text: str) -> list[str]:
    """The words of a text: runs of letters, in small letters.

    Examples
    --------
    >>> words_of("ICE - CRUSHED/CUBED")
    ['ice', 'crushed', 'cubed']
    """
    return re.findall(r"[^\W\d_]+", text.lower())


def tfidf(texts: Sequence[str]) -> Floats:
    r"""Count the words of each text, rare words more.

    Parameters
    ----------
    texts : sequence of str
        n texts.

    Returns
    -------
    numpy.ndarray
        Shape (n, words), the words in alphabetical order. A text without words is all zeros.

    Raises
    ------
    ValueError
        If there are no texts, or no words in them.

    Notes
    -----
    Equation `eq-tfidf`.

    Examples
    --------
    >>> tfidf(["white bread", "rye bread"]).round(2).tolist()
    [[0.0, 0.0, 0.69], [0.0, 0.69, 0.0]]
    """
    words = CountVectorizer(analyzer=words_of)
    try:
        counts = words.fit_transform(texts).toarray()
    except ValueError:
        raise ValueError(f"the {len(texts)} texts hold no word: pass texts with letters") from None
    return np.asarray(counts * np.log(len(texts) / (counts > 0).sum(axis=0)))


class WordVectors:
    """Vectors of pieces of words that the package `wordllama` ships, read without its code.

    A text's vector is the mean of those of its pieces. Nothing is downloaded.

    Raises
    ------
    ModuleNotFoundError
        If the package is not installed; it says how to install it.

    Notes
    -----
    Pieces are those of the tokenizer beside the vectors: letters are joined, pair by pair, in the
    order in which the pairs were learned (byte-pair encoding).
    """

    def __init__(self) -> None:
        need("wordllama", "book")
        spec = find_spec("wordllama")
        assert spec is not None and spec.submodule_search_locations
        self._folder = Path(spec.submodule_search_locations[0])  # its code is never imported

    @cached_property
    def _vectors(self) -> Floats32:
        """Shape (pieces, 256), out of a file of the safetensors format."""
        content = (self._folder / "weights" / "l2_supercat_256.safetensors").read_bytes()
        header = int.from_bytes(content[:8], "little")
        (about,) = (
            one for one in json.loads(content[8 : 8 + header]).values() if "data_offsets" in one
        )
        first, last = about["data_offsets"]
        numbers = np.frombuffer(content[8 + header + first : 8 + header + last], "<f2")
        return numbers.reshape(about["shape"]).astype("float32")

    @cached_property
    def _model(self) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
        """The number of each piece, and the rank of each pair to be joined."""
        path = self._folder / "tokenizers" / "l2_supercat_tokenizer_config.json"
        model = json.loads(path.read_text("utf-8"))["model"]
        pairs = (pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"])
        return model["vocab"], {(a, b): rank for rank, (a, b) in enumerate(pairs)}

    def pieces(self, text: str) -> list[str]:
        """Cut a text into the pieces that have a vector.

        Parameters
        ----------
        text : str
            Such as "frozen pizza".
        """
        vocabulary, ranks = self._model
        parts = list("▁" + text.replace(" ", "▁"))
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            rank, j = min((ranks.get(pair, len(ranks)), j) for j, pair in enumerate(pairs))
            if rank == len(ranks):
                break
            parts[j : j + 2] = [parts[j] + parts[j + 1]]
        return [part for part in parts if part in vocabulary]

    def of(self, texts: Sequence[str]) -> Floats32:
        """The vector of each text, in small letters; zeros for a text without a known piece.

        Parameters
        ----------
        texts : sequence of str
            n texts.

        Returns
        -------
        numpy.ndarray
            float32 of shape (n, 256).
        """
        vocabulary = self._model[0]
        means = np.zeros((len(texts), self._vectors.shape[1]), "float32")
        for row, text in enumerate(texts):
            rows = [vocabulary[piece] for piece in self.pieces(text.lower())]
            if rows:
                means[row] = self._vectors[rows].mean(axis=0)
        return means
