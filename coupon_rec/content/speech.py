"""Hear a spoken request for coupons, and refuse what is none."""

import re
import sys
import wave
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

from coupon_rec._extras import need

RATE = 16_000
MOST_SECONDS = 15
SENTENCE = "(do you have | are there | show me) (any | my) coupons for ({things}) [this week]"
GRAMMAR = f"#JSGF V1.0;\ngrammar requests;\npublic <request> = {SENTENCE};\n"
WHOLE = re.sub(r" \[(.+)\]", r"( \1)?", SENTENCE).replace(" | ", "|")
"""A whole sentence of the grammar, as a pattern: pocketsphinx also gives the beginning of one."""


class Ear:
    """Hear requests with the English model that pocketsphinx ships, on this machine.

    Parameters
    ----------
    things : sequence of str, optional
        What may be asked for, such as the products of a catalog, in small letters. Only sentences
        such as "do you have any coupons for coffee" are heard then, and all else is refused, though
        what sounds like a request may be taken for one, "do not show me" for "show me": have the
        customer confirm what was heard. Any words are heard, mostly wrongly, if it is left out.

    Attributes
    ----------
    unknown : list of str
        Things that cannot be heard, since the model's dictionary lacks one of their words.

    Raises
    ------
    ModuleNotFoundError
        If pocketsphinx is not installed.
    ValueError
        If none of the things can be heard.

    Examples
    --------
    `Ear(["coffee", "dog food"]).hear("request.wav")` gives "show me my coupons for dog food", or
    "" where it hears no such sentence.
    """

    def __init__(self, things: Sequence[str] | None = None) -> None:
        if find_spec("pocketsphinx") is None and sys.version_info[:2] == (3, 12):
            raise ModuleNotFoundError(
                "pocketsphinx has no ready-made package for Python 3.12: use another Python, or "
                "build it with pip install 'pocketsphinx>=5.1' and a C compiler",
                name="pocketsphinx",
            )
        need("pocketsphinx", "speech")
        words: dict[str, Any] = {} if things is None else {"lm": None}
        self._decoder: Any = import_module("pocketsphinx").Decoder(
            samprate=RATE, loglevel="FATAL", **words
        )
        self._lock = Lock()
        self.unknown: list[str] = []
        self._sentence = re.compile(".*", re.DOTALL)
        if things is None:
            return
        spoken = [each for each in things if all(map(self._decoder.lookup_word, each.split()))]
        self.unknown = [each for each in things if each not in spoken]
        if not spoken:
            raise ValueError("none of the things has only words of the model's dictionary")
        self._decoder.add_jsgf_string("requests", GRAMMAR.format(things=" | ".join(spoken)))
        self._decoder.activate_search("requests")
        things = [" ".join(map(re.escape, each.split())) for each in spoken]
        self._sentence = re.compile(WHOLE.format(things="|".join(things)))

    def hear(self, recording: str | Path | bytes) -> str:
        """Give the words of a recording, or "" where none are heard.

        Parameters
        ----------
        recording : str, pathlib.Path or bytes
            A WAV file, or what is in one: 16,000 samples a second of 16 bits, one channel, at most
            15 seconds.

        Raises
        ------
        ValueError
            If it is something else.
        """
        sound = _samples(recording)
        if not sound:
            return ""
        with self._lock:
            self._decoder.start_utt()
            try:
                self._decoder.process_raw(sound, full_utt=True)
            finally:
                self._decoder.end_utt()
            guess = self._decoder.hyp()
        words = str(guess.hypstr) if guess else ""
        return words if self._sentence.fullmatch(words) else ""


def _samples(recording: str | Path | bytes) -> bytes:
    source = BytesIO(recording) if isinstance(recording, bytes) else str(recording)
    try:
        with wave.open(source) as file:
            form = file.getframerate(), file.getsampwidth(), file.getnchannels()
            if form != (RATE, 2, 1) or file.getnframes() > MOST_SECONDS * RATE:
                raise ValueError(
                    f"the recording has {file.getnframes()} samples, {form[0]} a second, of "
                    f"{8 * form[1]} bits and {form[2]} channels: send {RATE} a second, 16 bits, "
                    f"one channel, and at most {MOST_SECONDS} seconds"
                )
            sound = bytes(file.readframes(file.getnframes()))
            return sound[: len(sound) // 2 * 2]
    except (wave.Error, EOFError, RuntimeError) as error:
        raise ValueError(f"the recording is no WAV file ({error or 'it ends too early'})") from None
