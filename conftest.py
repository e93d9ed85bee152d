"""Settings of the notebook tests: standard error is not part of a stored output."""

import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def pytest_collectstart(collector: Any) -> None:
    """Let nbval compare everything a notebook shows except its standard error."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)
