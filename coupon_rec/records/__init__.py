"""Offers as sharded TFRecord files, and the `tf.data` pipeline that reads them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
