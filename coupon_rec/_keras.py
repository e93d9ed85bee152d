"""Import Keras without the start-up lines that TensorFlow's C++ code writes to stderr."""

import os
import sys

if "keras" not in sys.modules:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    stderr = os.dup(2)
    with open(os.devnull, "w") as silence:
        os.dup2(silence.fileno(), 2)
        try:
            import keras
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
else:
    import keras

__all__ = ["keras"]
