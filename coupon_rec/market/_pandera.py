"""Import pandera without the warning of PySpark, which it imports where it is installed."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)
    import pandera.ibis as pa
    from pandera.api.checks import Check
    from pandera.errors import SchemaError, SchemaErrorReason, SchemaErrors

__all__ = ["Check", "SchemaError", "SchemaErrorReason", "SchemaErrors", "pa"]
