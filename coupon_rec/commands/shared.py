"""Options that commands have in common, and how bad input is said in one line.

Parameters
----------
market
    Folder or URI of your own tables (SCHEMA.md of the package says which); else Complete Journey.
offers
    Offers, as `features` writes them; built from the market if none.
extra
    A column of your own that is read, such as user_region; by default, all. May repeat.
bundle
    A bundle, as `export` writes it.
model
    A model, as `train` writes it.
day
    First day to serve: what happened before is known. If left out, the last day with purchases
    whose coupons are valid for a week.
seed
    Of all that is drawn by chance.
train_from
    First day of the training campaigns; by default, all before.
validate_from
    First day of the validation campaigns; by default, it follows from the campaigns' own dates.
test_from
    First day of the test campaigns; by default, it follows from the campaigns' own dates.
margin
    Gross margin, as a share of spend, of items whose cost is not known.
incremental
    Share of redeeming purchases that only the coupon causes.
retailer_match
    What the retailer pays of each unit that a coupon takes off, where its shop_share is not known.
contact
    Cost of sending a coupon.
spark
    Work on this Spark, such as yarn or local[2]; all of its workers must see the files under the
    same names.
log
    Log of events; BUNDLE.events if left out.
decisions
    Folder that records answers and what followed; BUNDLE.decisions if left out, "none" for none.
pseudonym_key
    Secret of coupon_rec.privacy.new_key() under which people have pseudonyms in that folder; after
    a rotation the new and the old ones, separated by commas. Better set in the environment: options
    are shown by `ps`.
redis
    Redis that replicas share.
out
    The Parquet file or folder to write.
"""

import errno
import logging
import os
import re
import sqlite3
import sys
import warnings
from collections.abc import Callable
from datetime import datetime
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer
from pandas.api.types import is_string_dtype
from typer.core import TyperArgument, TyperCommand, TyperOption

from coupon_rec._extras import need
from coupon_rec.commands.progress import alone, done, step
from coupon_rec.features.splitting import Split, split
from coupon_rec.kinds import require_kind

if TYPE_CHECKING:
    from ibis import Table
    from ibis.backends import BaseBackend
    from pyspark.sql import SparkSession

    from coupon_rec.market import Market


NO_VALUE = " "
"""What a flag takes, where its help would say <bool>."""


class Described(TyperCommand):
    """A command whose docstring says what its own parameters are, and this module's the others."""

    def __init__(self, *arguments: Any, help: str | None = None, **settings: Any) -> None:
        about, *parameters = (help or "").split("\n\nParameters\n")
        super().__init__(*arguments, help=about, **settings)
        words = "\n".join([__doc__ or "", *parameters])
        said = dict(re.findall(r"^(\w+)\n((?:    .+\n?)+)", words, re.MULTILINE))
        for each in self.params:
            if isinstance(each, TyperArgument | TyperOption):
                each.help = each.help or " ".join(said.get(str(each.name), "").split())
            if getattr(each, "is_flag", False):
                each.metavar = NO_VALUE

    def get_help_option(self, ctx: Any) -> Any:
        """The option --help, as the other flags are shown."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.metavar = NO_VALUE
        return option


def setting(name: str, **more: Any) -> Any:
    """An option that the environment may set, too."""
    return typer.Option(envvar=f"COUPON_REC_{name}", **more)


Offers = Annotated[list[Path] | None, typer.Argument()]
Model = Annotated[Path, typer.Argument(exists=True)]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]
GivenFile = Annotated[Path | None, typer.Option(exists=True)]
Count = Annotated[int, typer.Option(min=1)]
Margin = Annotated[float, setting("MARGIN", min=0, max=1)]
Incremental = Annotated[float, setting("INCREMENTAL", min=0, max=1)]
RetailerMatch = Annotated[float, setting("RETAILER_MATCH", min=0)]
Contact = Annotated[float, setting("CONTACT", min=0)]


def _both_dates(context: typer.Context, test_from: str | None) -> str | None:
    """Refuse one date of the two before anything long begins."""
    if (context.params.get("validate_from") is None) != (test_from is None):
        raise typer.BadParameter("give both --validate-from and --test-from, or neither")
    return test_from


def _keras_file(out: Path) -> Path:
    if out.suffix != ".keras" or not out.parent.is_dir():
        raise typer.BadParameter(f"{out}: name a .keras file in a folder that exists")
    return out


def _in_folder(out: Path) -> Path:
    """Refuse to write into a folder that is not there, before anything is read."""
    if not out.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent} for {out.name}: make it first")
    return out


Out = Annotated[Path, typer.Argument(callback=_in_folder)]
ModelOut = Annotated[Path, typer.Argument(callback=_keras_file)]
ValidateFrom = Annotated[str | None, typer.Option(is_eager=True)]
TestFrom = Annotated[str | None, typer.Option(callback=_both_dates)]


def market_of(source: str | None, master: str | None = None) -> "Market":
    """Open someone's own tables, here or on Spark, or Complete Journey."""
    from coupon_rec.market import load_complete_journey, load_market

    if source is None and master is not None:
        raise typer.BadParameter(
            "name your own tables too: Complete Journey is read by this process",
            param_hint="--market",
        )
    step("reading the market")
    if source is None:
        return load_complete_journey()
    return load_market(source, None if master is None else spark_of(master))


def offers_of(files: list[Path] | None, source: str | None) -> pd.DataFrame:
    """Read the offers from files or, if there are none, build them from a market."""
    if files and source is not None:
        raise typer.BadParameter(
            "give files of offers or a market to build them from, not both", param_hint="--market"
        )
    return read(files) if files else built(market_of(source))


def built(market: "Market") -> pd.DataFrame:
    """Build the offers of a market, with the identifiers that it came with."""
    from coupon_rec.features import offers_frame

    step("building the offers table from the market")
    return market.named(offers_frame(market))


def read(files: list[Path]) -> pd.DataFrame:
    """Read files of offers, as one table."""
    rows = [_file(path) for path in files]
    for kind in ("user_id", "campaign_id", "coupon_id", "item_id"):
        text = [is_string_dtype(each[kind]) for each in rows if kind in each]
        if any(text) and not all(text):
            raise typer.BadParameter(
                f"{kind} is text in some of {', '.join(map(str, files))} and numbers in "
                "others: make all of them with `features`, from one market"
            )
    return pd.concat(rows)


def _file(path: Path) -> pd.DataFrame:
    require_kind(path, "offers")
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"{path} cannot be read as Parquet ({error}). Make it with `features`."
        ) from error


def opened(files: Path, master: str | None, kind: str = "offers") -> "Path | Table":
    """Leave Parquet files to this process, or open them on Spark; scores must say what they are."""
    if not files.exists():
        raise typer.BadParameter(f"there are no files {files}")
    require_kind(files, kind, unmarked=kind == "offers")
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


def say_prices(discount_from: pd.Series, what: str = "offers") -> None:
    """Say by which terms, or by which history, discounts are known."""
    counts = discount_from.value_counts()
    said = [
        f"{rows:,} by {source}" for source, rows in counts.drop("nothing", errors="ignore").items()
    ]
    if rows := counts.get("nothing", 0):
        said.append(f"{rows:,} by nothing, at 1.00 each: state coupons.face_value or depth")
    say(f"discounts of {what}: {', '.join(said)}")


def say_snapshot_prices(bundle: Path) -> None:
    """Say so of the coupons that a bundle serves, if it is none of 1.0."""
    coupons = pd.read_parquet(bundle / "snapshot" / "coupons.parquet")
    if "discount_from" in coupons:
        say_prices(coupons["discount_from"], "the coupons to serve")


def say(words: str) -> None:
    """Show what goes beside the result."""
    done()
    typer.echo(words, err=True)


def tell(words: str) -> None:
    """Show the result."""
    done()
    typer.echo(words)


def ends_well(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose user is told of mistakes in a line, without a traceback.

    So is a warning. A pipe that was closed is left to click. The traceback goes to the log
    "coupon_rec", at DEBUG, and to standard error if COUPON_REC_TRACEBACK is set.
    """

    @wraps(command)
    def told(*arguments: Any, **options: Any) -> None:
        alone()
        try:
            with warnings.catch_warnings():
                warnings.showwarning = partial(_warn, warnings.showwarning)
                command(*arguments, **options)
        except BrokenPipeError:
            raise
        except _mistakes() as error:
            if os.environ.get("COUPON_REC_TRACEBACK"):
                raise
            logging.getLogger("coupon_rec").debug("a command ended with an error", exc_info=True)
            say(_told(error))
            raise typer.Exit(2) from error
        finally:
            done()

    return told


def _warn(
    usual: Callable[..., None], message: Warning | str, category: type[Warning], *where: Any
) -> None:
    """Show a warning of ours in one line, without its place in the code."""
    if category is UserWarning:
        say(f"warning: {message}")
    else:
        usual(message, category, *where)


NOT_WRITABLE = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EFBIG: "the file became too large for this user's limit: raise it",
    errno.EROFS: "the folder is read-only: name another one",
    errno.EACCES: "that is not allowed here: name another folder",
    errno.EPERM: "that is not allowed here: name another folder",
}
"""What to do about faults of a disk."""


def _told(error: Exception) -> str:
    """What went wrong, and for faults of a disk what to do."""
    said = str(error) or type(error).__name__
    fix = NOT_WRITABLE.get(error.errno or 0, "") if isinstance(error, OSError) else ""
    return f"{fix} ({said}). What was there before is unchanged" if fix else said


def _mistakes() -> tuple[type[Exception], ...]:
    """What data, files and services that are not as they should be raise."""
    loaded = {"duckdb": "Error", "redis": "RedisError"}
    others = (getattr(sys.modules.get(name), error, None) for name, error in loaded.items())
    own = (ValueError, OSError, ModuleNotFoundError, sqlite3.Error)
    return (*own, *(each for each in others if each is not None))
