"""Import Keras and TensorFlow without the start-up lines of TensorFlow's C++ code on stderr."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "keras" in sys.modules:
    import keras
    import tensorflow as tf
else:
    stderr = os.dup(2)
    with open(os.devnull, "w") as silence:
        os.dup2(silence.fileno(), 2)
        try:
            import keras
            import tensorflow as tf
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)

__all__ = ["keras", "tf"]
