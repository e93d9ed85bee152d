"""Offers as records for training, here or on Spark: records."""

from pathlib import Path
from typing import TYPE_CHECKING

from coupon_rec.commands import shared
from coupon_rec.commands.progress import step

if TYPE_CHECKING:
    from ibis import Table

PARTS = ("train", "validation")
"""The folders in a folder of records."""

SAMPLE = 200_000
"""Training offers from which the encoder learns, about."""


def records(
    offers: Path,
    out: Path,
    shards: shared.Count = 8,
    extra: list[str] | None = None,
    train_from: str | None = None,
    validate_from: shared.ValidateFrom = None,
    test_from: shared.TestFrom = None,
    spark: str | None = None,
    seed: int = 0,
) -> None:
    """Write training and validation offers as TFRecord files, with their encoder, for `train`.

    Parameters
    ----------
    offers
        Offers, as `features` writes them.
    out
        The folder to write: `train` and `validation`.
    shards
        Files of each, a multiple of the workers that train.
    """
    from coupon_rec.features import Encoder
    from coupon_rec.records import write_records

    table = _table(offers, spark)
    campaigns = table.select("campaign_id", "start", "coupon_days").distinct().to_pandas()
    split = shared.split_of(campaigns, train_from, validate_from, test_from)
    earlier, recent = (
        table.filter(table.campaign_id.isin(part["campaign_id"].tolist()))
        for part in (split.train, split.validation)
    )
    number = earlier.count().execute()
    some = earlier if number <= SAMPLE else earlier.sample(SAMPLE / number, seed=seed)
    encoder = Encoder.fit(some.to_pandas(), extra=extra)
    step("writing the records")
    for name, part in zip(PARTS, (earlier, recent), strict=True):
        write_records(part, out / name, encoder, shards=shards)
    shared.tell(f"{number:,} training and {recent.count().execute():,} validation offers: {out}")


def _table(offers: Path, master: str | None) -> "Table":
    """Open offers here or on Spark, and see that they are offers."""
    from coupon_rec.arguments import require_columns
    from coupon_rec.market.loading import connect
    from coupon_rec.market.sources import read_parquet

    table = shared.opened(offers, master)
    if isinstance(table, Path):
        table = read_parquet(connect(), table)
    require_columns(table.limit(0).to_pandas(), ["campaign_id", "start", "coupon_days"])
    return table


def is_records(files: list[Path]) -> bool:
    """Tell a folder of `records` from files of offers."""
    return len(files) == 1 and (files[0] / PARTS[0]).is_dir()
