"""Offers in Parquet files, a little at a time."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds

PARQUET = ds.ParquetFileFormat(
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(
        use_buffered_stream=True, pre_buffer=False
    )
)
"""Files that are read as they are needed: what is read ahead would be held until the end."""


def read_batches(offers: str | Path, rows: int) -> Iterator[pd.DataFrame]:
    """Read the offers of a Parquet file, or of a folder of them, at most so many at a time."""
    batches = ds.dataset(offers, format=PARQUET).to_batches(batch_size=rows, batch_readahead=2)
    yield from (batch.to_pandas() for batch in batches if len(batch))
