"""Options that commands have in common, and how bad input is said in one line."""

import os
import sqlite3
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import pandas as pd
import typer

from coupon_rec._extras import need
from coupon_rec.features.splitting import Split, split

if TYPE_CHECKING:
    from ibis import Table
    from ibis.backends import BaseBackend
    from pyspark.sql import SparkSession

    from coupon_rec.market import Market

T = TypeVar("T")

MarketSource = Annotated[
    str | None,
    typer.Option(help="Folder or URI of your own tables (data/SCHEMA.md); else Complete Journey."),
]
Offers = Annotated[
    list[Path] | None,
    typer.Argument(help="Offers, as `features` writes them; built from the market if none."),
]
Extra = Annotated[
    list[str] | None,
    typer.Option(help="A column of your own that the model is to read, such as user_region."),
]
Model = Annotated[Path, typer.Argument(help="A model, as `train` writes it.", exists=True)]
DATE = "First day of the {} campaigns; by default, it follows from the campaigns' own dates."
TrainFrom = Annotated[
    str | None, typer.Option(help="First day of the training campaigns; by default, all before.")
]
ValidateFrom = Annotated[str | None, typer.Option(help=DATE.format("validation"))]
TestFrom = Annotated[str | None, typer.Option(help=DATE.format("test"))]
Margin = Annotated[
    float,
    typer.Option(
        help="Gross margin, as a share of spend.", envvar="COUPON_REC_MARGIN", min=0, max=1
    ),
]
Incremental = Annotated[
    float,
    typer.Option(
        help="Share of redeeming purchases that only the coupon causes.",
        envvar="COUPON_REC_INCREMENTAL",
        min=0,
        max=1,
    ),
]
RetailerMatch = Annotated[
    float,
    typer.Option(
        help="What the retailer adds to each unit that a manufacturer's coupon takes off.",
        envvar="COUPON_REC_RETAILER_MATCH",
        min=0,
    ),
]
SparkMaster = Annotated[
    str | None,
    typer.Option(
        "--spark",
        help="Work on this Spark, such as yarn or local[2]; all of its workers must see the files "
        "under the same names.",
    ),
]
Contact = Annotated[
    float, typer.Option(help="Cost of sending a coupon.", envvar="COUPON_REC_CONTACT", min=0)
]


def market_of(source: str | None, master: str | None = None) -> "Market":
    """Open someone's own tables, here or on Spark, or Complete Journey."""
    from coupon_rec.market import load_complete_journey, load_market

    if source is None and master is not None:
        raise typer.BadParameter(
            "name your own tables too: Complete Journey is read by this process",
            param_hint="--market",
        )
    if source is None:
        return load_complete_journey()
    return load_market(source, None if master is None else spark_of(master))


def offers_of(files: list[Path] | None, market: "Market | None") -> pd.DataFrame:
    """Read the offers, or build them from the market, with the identifiers that it came with."""
    if market is not None and not files:
        from coupon_rec.features import offers_frame

        say("building the offers table from the market ...")
        return market.named(offers_frame(market))
    return pd.concat([_file(path) for path in files or []])


def market_unless(files: list[Path] | None, source: str | None) -> "Market | None":
    """Open the market if no files of offers are given."""
    if files and source is not None:
        raise typer.BadParameter(
            "give files of offers or a market to build them from, not both", param_hint="--market"
        )
    return None if files else market_of(source)


def _file(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"{path} cannot be read as Parquet ({error}). Make it with `features`."
        ) from error


def opened(files: Path, master: str | None) -> "Path | Table":
    """Leave Parquet files to this process, or open them on Spark."""
    if not files.exists():
        raise typer.BadParameter(f"there are no files {files}")
    return files if master is None else spark_of(master).read_parquet(str(files.absolute()))


def spark_of(master: str) -> "BaseBackend":
    """Start Spark, as an engine of tables."""
    session = session_of(master)
    import ibis

    return ibis.pyspark.connect(session)


def session_of(master: str) -> "SparkSession":
    """Start Spark, or take the session of this process."""
    need("pyspark", "spark")
    from pyspark.sql import SparkSession

    if master.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        return SparkSession.builder.master(master).getOrCreate()
    except Exception as error:  # Spark's, Java's, or of what lies between
        said = str(error).split("\n\tat ")[0].splitlines()[-1].removeprefix(": ")
        raise typer.BadParameter(
            f"there is no Spark at {master!r} ({said}). Name a master such as yarn, "
            "spark://host:7077 or local[2]; here it needs Java 17 or 21",
            param_hint="--spark",
        ) from error


def split_of(offers: pd.DataFrame, *dates: str | None) -> Split:
    """Split by the dates that were given, or by the campaigns' own."""
    try:
        return split(offers, *dates)
    except ValueError as error:
        raise typer.BadParameter(
            f"{error}. Here the dates are --train-from, --validate-from and --test-from."
        ) from error


def need_keras() -> None:
    """Name what is missing before anything is read."""
    need("keras", "train")


def say(words: str) -> None:
    """Show what takes long, beside the result."""
    typer.echo(words, err=True)


def ends_well(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose user is told of mistakes in a line, without a traceback."""

    @wraps(command)
    def told(*arguments: Any, **options: Any) -> None:
        checked(lambda: command(*arguments, **options))

    return told


def checked(work: Callable[[], T]) -> T:
    """Say in one line what is wrong with the data."""
    try:
        return work()
    except (ValueError, OSError, ModuleNotFoundError, sqlite3.Error) as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from error
