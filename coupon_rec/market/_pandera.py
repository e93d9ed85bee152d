"""Import pandera without the warning of PySpark, which it imports where it is installed."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)
    import pandera.ibis as pa

__all__ = ["pa"]
