"""Scores of many offers at once with a bundle: on this machine a little at a time, or on Spark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from coupon_rec.arguments import require_columns, require_replaceable
from coupon_rec.features.batch.stored import read_batches
from coupon_rec.features.catalog import WORTH
from coupon_rec.features.encoder import LABELS
from coupon_rec.kinds import MARK, mark, require_kind
from coupon_rec.serving.bundle.manifest import BundleError
from coupon_rec.serving.bundle.scorer import Scorer

if TYPE_CHECKING:
    from ibis import Table

KEY = ("campaign_id", "user_id", "coupon_id")
KEPT = (*KEY, *WORTH)
"""What is given back of each offer: who and what, and what its value is computed from."""

ROWS = 2**16
"""Offers that are scored at a time."""


def score_frame(scorer: Scorer, offers: pd.DataFrame, kept: Sequence[str] = KEPT) -> pd.DataFrame:
    """Score offers in memory.

    Parameters
    ----------
    scorer : Scorer
        Of a bundle.
    offers : pandas.DataFrame
        n rows of the offers table.
    kept : sequence of str
        Columns to give back beside the scores.

    Returns
    -------
    pandas.DataFrame
        The kept columns and the calibrated probabilities `bought` and `redeemed`, float64.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    require_columns(offers, kept)
    found = scorer.predict(scorer.encoder.encode(offers), LABELS)
    return offers[list(kept)].assign(**found)


def score(
    bundle: str | Path,
    offers: str | Path | Table,
    out: str | Path,
    *,
    kept: Sequence[str] = KEPT,
) -> Path:
    """Score the offers of a Parquet file or folder, or of a table on Spark, as Parquet.

    Parameters
    ----------
    bundle : str or pathlib.Path
        As `coupon_rec.serving.bundle.export` writes it; on Spark, all workers must see it.
    offers : str, pathlib.Path or ibis.Table
        As `coupon_rec.features.write_offers` writes them, read and scored a little at a time; or
        an Ibis table of the same columns, whose engine does that, Spark with all of its tasks.
    out : str or pathlib.Path
        The folder of Parquet files to write; it appears, or replaces older scores, when it is
        complete.
    kept : sequence of str
        Columns to give back beside the scores.

    Returns
    -------
    pathlib.Path
        The folder: a row an offer, as `score_frame` gives them.

    Raises
    ------
    BundleError
        If the bundle is damaged.
    ValueError
        If a column is missing, there are no offers, or `out` is a folder of anything else than
        scores.

    Examples
    --------
    >>> score("bundle", "offers.parquet", "scores")  # doctest: +SKIP
    >>> score("no_bundle", "offers.parquet", "scores")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    coupon_rec.serving.bundle.manifest.BundleError: no_bundle/manifest.json: cannot be read, so ...
    """
    out = Path(out)
    require_replaceable(out, r"\.?(part-.*\.parquet|_SUCCESS)(\.crc)?|" + MARK, offers)
    if isinstance(offers, str | Path):
        require_kind(offers, "offers")
    scorer = Scorer.load(bundle)
    with TemporaryDirectory(prefix=".scoring-", dir=out.absolute().parent) as temporary:
        draft = Path(temporary, "scores")
        if not isinstance(offers, str | Path) and offers.get_backend().name == "pyspark":
            _by_tasks(str(Path(bundle).absolute()), scorer.version, offers, draft, kept)
        else:
            if not isinstance(offers, str | Path):
                offers.to_parquet(Path(temporary, "offers.parquet"))
                offers = Path(temporary, "offers.parquet")
            _write(scorer, read_batches(offers, ROWS), draft, kept)
        mark(draft, "scores")
        if out.exists():
            out.rename(Path(temporary, "replaced"))
        return draft.rename(out)


def _write(
    scorer: Scorer, offers: Iterable[pd.DataFrame], draft: Path, kept: Sequence[str]
) -> None:
    draft.mkdir()
    writer = None
    for batch in offers:
        table = pa.Table.from_pandas(score_frame(scorer, batch, kept), preserve_index=False)
        writer = writer or pq.ParquetWriter(draft / "part-0.parquet", table.schema)
        writer.write_table(table)
    if writer is None:
        raise ValueError("there are no offers to score")
    writer.close()


def _by_tasks(bundle: str, version: str, offers: Any, draft: Path, kept: Sequence[str]) -> None:
    from pyspark.sql.types import DoubleType, StructType

    require_columns(offers.limit(0).to_pandas(), kept)
    backend = offers.get_backend()
    frame = backend.raw_sql(backend.compile(offers))
    schema = StructType([frame.schema[name] for name in kept])
    for label in LABELS:
        schema = schema.add(label, DoubleType())

    def scored(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        scorer = _loaded(bundle, version)
        for batch in batches:
            if len(batch):
                yield score_frame(scorer, batch, kept)

    frame.mapInPandas(scored, schema).write.parquet(str(draft.absolute()))


@lru_cache(maxsize=1)
def _loaded(bundle: str, version: str) -> Scorer:
    """The bundle of a process that scores, which takes many batches one after the other."""
    scorer = Scorer.load(bundle)
    if scorer.version != version:
        raise BundleError(f"{bundle}: became another bundle than {version} meanwhile; score again")
    return scorer
