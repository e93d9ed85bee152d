"""Offers as records for training, here or on Spark, and a network from them: records, train."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from coupon_rec._extras import need
from coupon_rec.commands.shared import (
    Extra,
    SparkMaster,
    TestFrom,
    TrainFrom,
    ValidateFrom,
    opened,
    say,
    session_of,
    split_of,
)

if TYPE_CHECKING:
    import pandas as pd
    from ibis import Table

    from coupon_rec.models import OfferModel

PARTS = ("train", "validation")
"""The folders in a folder of records."""

SAMPLE = 200_000
"""Training offers from which the encoder learns, about."""


def records(
    offers: Annotated[Path, typer.Argument(help="Offers, as `features` writes them.")],
    out: Annotated[Path, typer.Argument(help="The folder to write: `train` and `validation`.")],
    shards: Annotated[
        int, typer.Option(help="Files of each, a multiple of the workers that train.", min=1)
    ] = 8,
    extra: Extra = None,
    train_from: TrainFrom = None,
    validate_from: ValidateFrom = None,
    test_from: TestFrom = None,
    spark: SparkMaster = None,
    seed: Annotated[
        int,
        typer.Option(help="Of the sample from which the encoder learns, where offers are many."),
    ] = 0,
) -> None:
    """Write training and validation offers as TFRecord files, with their encoder, for `train`."""
    from coupon_rec.features import Encoder
    from coupon_rec.records import write_records

    table = _table(offers, spark)
    campaigns = table.select("campaign_id", "start", "coupon_days").distinct().to_pandas()
    split = split_of(campaigns, train_from, validate_from, test_from)
    known, recent = (
        table.filter(table.campaign_id.isin(part["campaign_id"].tolist()))
        for part in (split.train, split.validation)
    )
    number = known.count().execute()
    some = known if number <= SAMPLE else known.sample(SAMPLE / number, seed=seed)
    encoder = Encoder.fit(some.to_pandas(), extra=extra or ())
    for name, part in zip(PARTS, (known, recent), strict=True):
        write_records(part, out / name, encoder, shards=shards)
    typer.echo(f"{number:,} training and {recent.count().execute():,} validation offers: {out}")


def _table(offers: Path, master: str | None) -> "Table":
    """Open offers here or on Spark, and see that they are offers."""
    from coupon_rec.arguments import require_columns
    from coupon_rec.market.loading import connect
    from coupon_rec.market.sources import read_parquet

    found = opened(offers, master)
    if isinstance(found, Path):
        found = read_parquet(connect(), found)
    require_columns(found.limit(0).to_pandas(), ["campaign_id", "start", "coupon_days"])
    return found


def is_records(files: list[Path]) -> bool:
    """Tell a folder of `records` from files of offers."""
    return len(files) == 1 and (files[0] / PARTS[0]).is_dir()


def network_of(
    folder: Path, out: Path, master: str | None, workers: int, **settings: Any
) -> "tuple[OfferModel, pd.DataFrame]":
    """Train the network on records, in this process or by workers of Spark; calibrate, save it."""
    from coupon_rec.models import coupled_model, load_model
    from coupon_rec.records import read_encoder, read_records
    from coupon_rec.training import fit, train_on_spark

    train, validation = (folder / part for part in PARTS)
    if master is None:
        seed, size = settings["seed"], settings["batch_size"]
        network = coupled_model(read_encoder(train), seed=seed)
        batches = read_records(train, size, shuffle=True, seed=seed)
        history = fit(network, batches, read_records(validation, size), **settings)
    else:
        need("jax", "cluster")
        session = session_of(master)
        history = train_on_spark(session, train, validation, out, workers=workers, **settings)
        network = load_model(out)
    _calibrate(network, validation)
    network.save(out)
    return network, history


def _calibrate(network: "OfferModel", validation: Path) -> None:
    """Correct the probabilities of each label, where the validation records suffice for it."""
    from coupon_rec.evaluation import platt
    from coupon_rec.records import read_records
    from coupon_rec.training.batches import needed

    batches = needed(network, read_records(validation))
    for label, p in network.predict(batches, verbose=0).items():
        known = np.concatenate([labels[label] for _, labels in batches])
        try:
            network.calibration[label] = platt(known[:, 0], p[:, 0])
        except ValueError as error:
            say(f"{label} stays uncalibrated: {error}")
