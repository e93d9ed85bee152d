"""Read the offer that is printed on a card, and refuse to guess."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from coupon_rec.arguments import Floats

HEIGHT = 48
LINE = re.compile(r"(?P<amount>[$\dOoIl.]+%?)[O0o]ff(?P<thing>.+)", re.IGNORECASE)
AMOUNT = re.compile(r"\$(?P<money>\d{1,2}\.\d\d)|(?P<percent>\d{1,2})%")
LETTER = str.maketrans("015", "OIS")
DIGIT = str.maketrans("OoIl", "0011")


@dataclass(frozen=True)
class Printed:
    """What a card offers.

    Attributes
    ----------
    thing : str
        The kind of item, as the shop writes it.
    amount : float
        Currency, or the share of the price, that it takes off.
    share : bool
        Whether the amount is a share of the price.
    """

    thing: str
    amount: float
    share: bool


class Reader:
    """Read lines of text with a recognizer in ONNX, such as `tools/fetch_models.py` keeps.

    Parameters
    ----------
    path : str or path
        The recognizer: from pictures of 48 rows to the probability of each character at each
        place, the characters named in its metadata.
    """

    def __init__(self, path: str | Path) -> None:
        self._session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        named = self._session.get_modelmeta().custom_metadata_map["character"]
        self._characters = ["", *named.splitlines(), " "]

    def probabilities(self, line: NDArray[np.uint8]) -> Floats:
        """The probability of each character at each place of a picture.

        Parameters
        ----------
        line : numpy.ndarray
            One line of text: uint8 of shape (48, width, 3).

        Returns
        -------
        numpy.ndarray
            Shape (places, characters); the first character is "none".

        Raises
        ------
        ValueError
            If the picture has another shape.
        """
        if line.ndim != 3 or line.shape[0] != HEIGHT or line.shape[2] != 3:
            raise ValueError(f"a line must have shape (48, width, 3), not {line.shape}")
        pixels = (line[..., ::-1].astype("float32") / 127.5 - 1).transpose(2, 0, 1)[None]
        name = self._session.get_inputs()[0].name
        return np.asarray(self._session.run(None, {name: pixels})[0][0])

    def read(self, line: NDArray[np.uint8]) -> tuple[str, Floats]:
        """The text of a line, and the probability of each of its characters.

        A character that stands at neighboring places is one; "none" between two keeps them apart.
        """
        p = self.probabilities(line)
        best = p.argmax(axis=1)
        new = (best > 0) & (best != np.concatenate([[0], best[:-1]]))
        text = "".join(self._characters[number] for number in best[new])
        sure = p.max(axis=1)[new]
        first = len(text) - len(text.lstrip())
        return text.strip(), np.asarray(sure[first : first + len(text.strip())], "float64")

    def offer(
        self, line: NDArray[np.uint8], things: Collection[str], least: float = 0.8
    ) -> Printed | None:
        """What a line offers, or None where it is not an offer or an amount is unsure.

        Parameters
        ----------
        line : numpy.ndarray
            One line of text: uint8 of shape (48, width, 3).
        things : collection of str
            The kinds of items, in capitals.
        least : float
            Refuse if a character of the amount is less probable than this, in [0, 1].
        """
        text, sure = self.read(line)
        match = LINE.fullmatch(text.replace(" ", ""))
        if match is None:
            return None
        dark = sure[[character != " " for character in text]]
        return tidy(text, things) if dark[: match.end("amount")].min() >= least else None


def tidy(text: str, things: Collection[str]) -> Printed | None:
    """Understand a line that was read, or refuse.

    The amount may hold only digits and the rest only letters, so an O among digits is a 0, and a
    0 among letters is an O. Spaces do not count. What is left must be an offer for a thing that
    the shop knows.

    Parameters
    ----------
    text : str
        As it was read, such as "$1.5O 0FF C0FFEE".
    things : collection of str
        The kinds of items, in capitals.

    Returns
    -------
    Printed or None
        None where the line is not such an offer.

    Examples
    --------
    >>> tidy("$1.5O0FF C0FFEE", ["COFFEE"])
    Printed(thing='COFFEE', amount=1.5, share=False)
    >>> tidy("$1.5O 0FF T0FFEE", ["COFFEE"]) is None
    True
    """
    line = LINE.fullmatch(text.replace(" ", ""))
    if line is None:
        return None
    by_letters = {thing.replace(" ", ""): thing for thing in things}
    thing = by_letters.get(line["thing"].upper().translate(LETTER))
    amount = AMOUNT.fullmatch(line["amount"].translate(DIGIT))
    if thing is None or amount is None:
        return None
    if amount["money"]:
        return Printed(thing, float(amount["money"]), False)
    return Printed(thing, int(amount["percent"]) / 100, True)
