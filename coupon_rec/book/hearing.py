"""Spoken requests for coupons, recognized by the English model that pocketsphinx ships."""

import wave
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from coupon_rec.book.cards import THINGS

SPOKEN = {
    "coffee": "do you have any coupons for coffee",
    "dog-food": "show me my coupons for dog food",
    "frozen-pizza": "show me any coupons for frozen pizza this week",
    "paper-towels": "are there my coupons for paper towels this week",
    "cereal": "do you have my coupons for cereal",
    "orange-juice": "do you have any coupons for orange juice",
    "weather": "what is the weather in boston",
    "taxi": "call me a taxi",
}
"""What is said in each file of `data/speech`."""
GRAMMAR = """#JSGF V1.0;
grammar requests;
public <request> = (do you have | are there | show me) (any | my) coupons
  for ({things}) [this week];
"""


class Ear:
    """Hear requests: any words, or only those of the grammar.

    Parameters
    ----------
    grammar : bool
        Whether only requests of the grammar can be heard.

    Raises
    ------
    ModuleNotFoundError
        If pocketsphinx is not installed.
    """

    def __init__(self, grammar: bool = True) -> None:
        decoder: Any = import_module("pocketsphinx").Decoder
        words = {"lm": None} if grammar else {}
        self._decoder = decoder(samprate=16000, loglevel="FATAL", **words)
        if grammar:
            things = " | ".join(thing.lower() for thing in THINGS)
            self._decoder.add_jsgf_string("requests", GRAMMAR.format(things=things))
            self._decoder.activate_search("requests")

    def hear(self, path: str | Path) -> str:
        """The words of a recording, or nothing: 16,000 samples a second, 16 bits, one channel."""
        with wave.open(str(path)) as file:
            sound = file.readframes(file.getnframes())
        self._decoder.start_utt()
        self._decoder.process_raw(sound, full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr if found else ""


def installed() -> bool:
    """Whether pocketsphinx is there; it has no ready-made package for Python 3.12."""
    return find_spec("pocketsphinx") is not None
