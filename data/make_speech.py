"""Let espeak-ng speak the requests in data/speech, for chapter 23.

The chapter reads the files; this script needs the package espeakng-loader 0.2.4, which brings the
espeak-ng library (GPL-3.0; what it speaks is not covered). No person was recorded.
"""

import ctypes
import wave
from pathlib import Path

import espeakng_loader
import numpy as np
from scipy.signal import resample_poly

from coupon_rec.book.hearing import SPOKEN

FOLDER = Path(__file__).parent / "speech"
SYNCHRONOUS, UTF_8, SPEED = 2, 1, 1
VOICES = ("en-us", "en-us+f3", "en-us+m5")


def main() -> None:
    """Write a file for each request."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, data, 0)
    spoken: list[np.ndarray] = []
    kind = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
    )

    @kind
    def heard(samples, count, _):
        if count > 0:
            spoken.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    library.espeak_SetSynthCallback(heard)
    library.espeak_SetParameter(SPEED, 140, 0)
    FOLDER.mkdir(exist_ok=True)
    for number, (name, text) in enumerate(SPOKEN.items()):
        spoken.clear()
        library.espeak_SetVoiceByName(VOICES[number % len(VOICES)].encode())
        content = text.encode()
        library.espeak_Synth(content, len(content) + 1, 0, 0, 0, UTF_8, None, None)
        library.espeak_Synchronize()
        sound = resample_poly(np.concatenate(spoken).astype("float64"), 16000, rate)
        with wave.open(str(FOLDER / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16000)
            file.writeframes(np.clip(sound, -32768, 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    main()
