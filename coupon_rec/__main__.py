"""The path from tables to a coupon, from a shell: `python -m coupon_rec --help`."""

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

try:
    import pandas as pd
    import typer

    from coupon_rec._extras import need
    from coupon_rec.features.encode import TEST_FROM, TRAIN_FROM, VALIDATE_FROM, split
except ModuleNotFoundError as error:
    sys.exit(f"{error}: run `python -m coupon_rec.book.doctor` to see what is missing.")

if TYPE_CHECKING:
    from coupon_rec.market import Market

# Each command imports what it needs: a service is up in a second or two, and needs no Ibis.
app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)

MarketFolder = Annotated[
    Path | None,
    typer.Option(help="Folder of your own tables (data/SCHEMA.md); else Complete Journey."),
]
Offers = Annotated[Path, typer.Argument(help="Offers, as `features` writes them.")]
Model = Annotated[Path, typer.Argument(help="A model, as `train` writes it.", exists=True)]
TrainFrom = Annotated[str, typer.Option(help="First day of the training campaigns.")]
ValidateFrom = Annotated[str, typer.Option(help="First day of the validation campaigns.")]
TestFrom = Annotated[str, typer.Option(help="First day of the test campaigns.")]


def _offers(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"{path} cannot be read as Parquet ({error}). Make it with `features`."
        ) from error


def _part(offers: pd.DataFrame, name: str, dates: tuple[str, str, str]) -> pd.DataFrame:
    part = split(offers, *dates)[name]
    if part.empty:
        first, last = offers["start"].min(), offers["start"].max()
        raise typer.BadParameter(
            f"no {name} campaign: the campaigns start from {first:%Y-%m-%d} to {last:%Y-%m-%d}. "
            "Choose --train-from, --validate-from and --test-from accordingly."
        )
    return part


def _market(folder: Path | None) -> "Market":
    from coupon_rec.market import MarketError, load_complete_journey, load_market

    try:
        return load_complete_journey() if folder is None else load_market(folder)
    except (MarketError, ModuleNotFoundError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from error


def _need_keras() -> None:
    """Name what is missing before anything is read."""
    try:
        need("keras", "train")
    except ModuleNotFoundError as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from error


def _say(words: str) -> None:
    """Show what takes long, beside the result."""
    typer.echo(words, err=True)


def _last_day(market: "Market") -> date:
    """Give the last day on which a campaign is valid and purchases are known."""
    ends = market.purchases.time.max().execute(), market.campaigns.end.max().execute()
    last: date = min(pd.Timestamp(end).date() for end in ends)
    return last


@app.command()
def features(
    out: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
    market: MarketFolder = None,
) -> None:
    """Build the offers table: one row an offer, its features and its labels."""
    from coupon_rec.features import write_offers

    redeemed = pd.read_parquet(write_offers(_market(market), out), columns=["redeemed"])["redeemed"]
    typer.echo(f"{len(redeemed):,} offers, {redeemed.sum():,} redeemed: {out}")


@app.command()
def train(
    offers: Annotated[
        list[Path] | None,
        typer.Argument(help="Offers, as `features` writes them; built from the market if none."),
    ] = None,
    *,
    out: Annotated[Path, typer.Argument(help="The .keras file to write.")],
    market: MarketFolder = None,
    seed: Annotated[int, typer.Option(help="Of weights, shuffling and dropout.")] = 0,
    train_from: TrainFrom = TRAIN_FROM,
    validate_from: ValidateFrom = VALIDATE_FROM,
    test_from: TestFrom = TEST_FROM,
) -> None:
    """Fit the coupled model on the training campaigns, stopping on the validation campaigns."""
    if out.suffix != ".keras" or not out.parent.is_dir():
        raise typer.BadParameter(f"{out}: name a .keras file in a folder that exists")
    _need_keras()

    from coupon_rec.features import offers_frame

    if not offers:
        _say("building the offers table from the market ...")
    built = pd.concat(map(_offers, offers)) if offers else offers_frame(_market(market))
    dates = (train_from, validate_from, test_from)
    parts = [_part(built, name, dates) for name in ("train", "validation")]

    from coupon_rec.models import coupled_model
    from coupon_rec.training import examples, fit

    training, validation = map(examples, parts)
    model = coupled_model(training[0], seed=seed)
    history = fit(model, training, validation, seed=seed)
    model.save(out)
    best = history["val_redeemed_log_loss"].min()
    typer.echo(f"{len(history)} epochs, validation log loss {best:.4f}: {out}")


@app.command()
def evaluate(model: Model, offers: Offers, test_from: TestFrom = TEST_FROM) -> None:
    """Score a model on the test campaigns, with 95% intervals from a bootstrap over users."""
    _need_keras()
    test = _part(_offers(offers), "test", (TRAIN_FROM, VALIDATE_FROM, test_from))

    from coupon_rec.evaluation import evaluate as score
    from coupon_rec.models import load_model, predict

    typer.echo(score(test, predict(load_model(model), test)["redeemed"]).round(4).to_string())


@app.command()
def recommend(
    model: Model,
    offers: Offers,
    user: Annotated[int, typer.Option(help="The user_id to choose for.")],
) -> None:
    """Choose the coupon, or none, for a user in each campaign that was mailed to them."""
    _need_keras()
    from coupon_rec.decisions import best_coupon
    from coupon_rec.models import load_model, predict

    table = _offers(offers)
    mailed = table[table["user_id"] == user]
    if mailed.empty:
        raise typer.BadParameter(f"user {user} has no offers in {offers}", param_hint="--user")
    choices = best_coupon(mailed, predict(load_model(model), mailed)["redeemed"])
    typer.echo(choices.round(4).to_string(index=False))


@app.command()
def export(
    model: Model,
    bundle: Annotated[Path, typer.Argument(help="The folder to write.")],
    market: MarketFolder = None,
    day: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="First day to serve: what happened before is known. If left out, the last day "
            "with a campaign and purchases.",
        ),
    ] = None,
    validate_from: ValidateFrom = VALIDATE_FROM,
    test_from: TestFrom = TEST_FROM,
) -> None:
    """Write all that a service needs: the model, calibrated and checked, and the features."""
    _need_keras()
    from coupon_rec.features import offers_frame

    _say("building the offers table from the market ...")
    tables = _market(market)
    offers = _part(offers_frame(tables), "validation", (TRAIN_FROM, validate_from, test_from))
    first = day.date() if day else _last_day(tables)

    from coupon_rec.evaluation import platt
    from coupon_rec.features.online.snapshot_writer import write_snapshot
    from coupon_rec.models import load_model, predict
    from coupon_rec.serving.bundle.exporting import export as write
    from coupon_rec.serving.bundle.manifest import verified

    def snapshot(folder: Path) -> None:
        _say(f"writing what was known of every user before {first} ...")
        write_snapshot(tables, first, folder)

    _say("writing the model in three formats, each compared with Keras ...")
    try:
        fitted = load_model(model)
        lines = {name: platt(offers[name], p) for name, p in predict(fitted, offers).items()}
        write(fitted, bundle, offers, calibration=lines, snapshot=snapshot)
    except ValueError as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from error
    manifest = verified(bundle)
    largest = max(manifest["differences"].values())
    typer.echo(
        f"version {manifest['version']}, within {largest:.0e} of Keras, as of {first}: {bundle}"
    )


@app.command()
def serve(
    bundle: Annotated[Path, typer.Argument(help="A bundle, as `export` writes it.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 for any free one.", min=0, max=65535)
    ] = 8000,
    log: Annotated[
        Path | None,
        typer.Option(help="Log of events; BUNDLE.events if left out.", envvar="COUPON_REC_LOG"),
    ] = None,
    redis: Annotated[
        str,
        typer.Option(help="Redis that replicas share.", envvar="COUPON_REC_REDIS"),
    ] = "",
    api_key: Annotated[
        str, typer.Option(help="What requests must carry.", envvar="COUPON_REC_API_KEY")
    ] = "",
    rate: Annotated[
        float,
        typer.Option(help="Requests a second from one address.", envvar="COUPON_REC_RATE", min=0),
    ] = 0.0,
    margin: Annotated[
        float,
        typer.Option(
            help="Gross margin, as a share of spend.", envvar="COUPON_REC_MARGIN", min=0, max=1
        ),
    ] = 0.25,
    incremental: Annotated[
        float,
        typer.Option(
            help="Share of redeeming purchases that only the coupon causes.",
            envvar="COUPON_REC_INCREMENTAL",
            min=0,
            max=1,
        ),
    ] = 0.5,
    retailer_match: Annotated[
        float,
        typer.Option(
            help="What the retailer adds to each unit that a manufacturer's coupon takes off.",
            envvar="COUPON_REC_RETAILER_MATCH",
            min=0,
        ),
    ] = 0.17,
    contact: Annotated[
        float,
        typer.Option(help="Cost of sending a coupon.", envvar="COUPON_REC_CONTACT", min=0),
    ] = 0.005,
) -> None:
    """Answer requests for coupons over HTTP, until Ctrl-C or SIGTERM."""
    from coupon_rec.decisions import Economics
    from coupon_rec.serving.http.server import serve as run
    from coupon_rec.serving.http.settings import Settings

    economics = Economics(margin, incremental, retailer_match, contact)
    try:
        run(bundle, host, port, Settings(log, redis, api_key, rate, economics=economics))
    except ValueError as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from error


@app.command()
def doctor() -> None:
    """Look at what the book needs of this machine, and say how to fix what is missing."""
    from coupon_rec.book.doctor import main

    raise typer.Exit(main())


if __name__ == "__main__":
    sys.exit(app())
