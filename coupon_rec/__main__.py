"""The path from tables to a coupon, from a shell: `python -m coupon_rec --help`."""

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

try:
    import pandas as pd
    import typer

    from coupon_rec._extras import need
    from coupon_rec.features.splitting import Split, split
except ModuleNotFoundError as error:
    sys.exit(f"{error}: run `python -m coupon_rec.book.doctor` to see what is missing.")

if TYPE_CHECKING:
    from coupon_rec.market import Market

T = TypeVar("T")

# Each command imports what it needs: a service is up in a second or two, and needs no Ibis.
app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)

MarketSource = Annotated[
    str | None,
    typer.Option(help="Folder or URI of your own tables (data/SCHEMA.md); else Complete Journey."),
]
Offers = Annotated[
    list[Path] | None,
    typer.Argument(help="Offers, as `features` writes them; built from the market if none."),
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
Contact = Annotated[
    float, typer.Option(help="Cost of sending a coupon.", envvar="COUPON_REC_CONTACT", min=0)
]


def _market(source: str | None) -> "Market":
    from coupon_rec.market import MarketError, load_complete_journey, load_market

    try:
        return load_complete_journey() if source is None else load_market(source)
    except (MarketError, ModuleNotFoundError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from error


def _offers(files: list[Path] | None, market: "Market | None") -> pd.DataFrame:
    """Read the offers, or build them from the market."""
    if market is not None and not files:
        from coupon_rec.features import offers_frame

        _say("building the offers table from the market ...")
        return offers_frame(market)
    return pd.concat([_file(path) for path in files or []])


def _file(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"{path} cannot be read as Parquet ({error}). Make it with `features`."
        ) from error


def _split(offers: pd.DataFrame, *dates: str | None) -> Split:
    try:
        return split(offers, *dates)
    except ValueError as error:
        raise typer.BadParameter(
            f"{error}. Here the dates are --train-from, --validate-from and --test-from."
        ) from error


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


@app.command()
def features(
    out: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
    market: MarketSource = None,
) -> None:
    """Build the offers table: one row an offer, its features and its labels."""
    from coupon_rec.features import write_offers

    redeemed = pd.read_parquet(write_offers(_market(market), out), columns=["redeemed"])["redeemed"]
    typer.echo(f"{len(redeemed):,} offers, {redeemed.sum():,} redeemed: {out}")


@app.command()
def train(
    offers: Offers = None,
    *,
    out: Annotated[Path, typer.Argument(help="The .keras file to write.")],
    market: MarketSource = None,
    extra: Annotated[
        list[str] | None,
        typer.Option(help="A column of your own that the model is to read, such as user_region."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights, shuffling and dropout.")] = 0,
    train_from: TrainFrom = None,
    validate_from: ValidateFrom = None,
    test_from: TestFrom = None,
) -> None:
    """Fit the coupled model on the training campaigns, stopping on the validation campaigns."""
    if out.suffix != ".keras" or not out.parent.is_dir():
        raise typer.BadParameter(f"{out}: name a .keras file in a folder that exists")
    _need_keras()
    table = _offers(offers, None if offers else _market(market))
    training, validation, _ = _split(table, train_from, validate_from, test_from)

    from coupon_rec.recommender import CoupledModel

    model = CoupledModel(extra=tuple(extra or ()), seed=seed)
    _checked(lambda: model.fit(training, validation))
    model.save(out)
    best = model.history["val_redeemed_log_loss"].min()
    typer.echo(f"{len(model.history)} epochs, validation log loss {best:.4f}: {out}")
    if constant := model.served.encoder.constant:
        _say(f"never varied in training, so nothing is learned from: {', '.join(constant)}")


@app.command()
def evaluate(
    model: Model,
    offers: Offers = None,
    market: MarketSource = None,
    validate_from: ValidateFrom = None,
    test_from: TestFrom = None,
) -> None:
    """Score a model on the test campaigns, with 95% intervals from a bootstrap over users."""
    _need_keras()
    table = _offers(offers, None if offers else _market(market))
    test = _split(table, None, validate_from, test_from).test

    from coupon_rec.recommender import CoupledModel

    scores = _checked(lambda: CoupledModel.load(model).evaluate(test))
    typer.echo(scores.round(4).to_string())


@app.command()
def recommend(
    model: Model,
    offers: Offers = None,
    *,
    market: MarketSource = None,
    user: Annotated[str, typer.Option(help="The user_id to choose for.")],
) -> None:
    """Choose the coupon, or none, for a user in each campaign that was mailed to them."""
    _need_keras()
    tables = None if offers else _market(market)
    table = _offers(offers, tables)
    users = table["user_id"] if tables is None else tables.named(table[["user_id"]])["user_id"]
    mailed = table[users.astype(str) == user]
    if mailed.empty:
        raise typer.BadParameter(f"user {user} has no offers", param_hint="--user")

    from coupon_rec.recommender import CoupledModel

    choices = _checked(lambda: CoupledModel.load(model).recommend(mailed))
    choices = choices if tables is None else tables.named(choices)
    typer.echo(choices.round(4).to_string(index=False))


@app.command()
def export(
    model: Model,
    bundle: Annotated[Path, typer.Argument(help="The folder to write.")],
    market: MarketSource = None,
    day: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="First day to serve: what happened before is known. If left out, the last day "
            "with a campaign and purchases.",
        ),
    ] = None,
    validate_from: ValidateFrom = None,
    test_from: TestFrom = None,
) -> None:
    """Write all that a service needs: the model, calibrated and checked, and the features."""
    _need_keras()
    tables = _market(market)
    validation = _split(_offers(None, tables), None, validate_from, test_from).validation

    from coupon_rec.features.online.snapshot_writer import last_day
    from coupon_rec.recommender import CoupledModel
    from coupon_rec.serving.bundle import verified

    first = day.date() if day else last_day(tables)
    _say(f"writing the model in three formats, and what was known of every user before {first} ...")
    fitted = _checked(lambda: CoupledModel.load(model))
    _checked(lambda: fitted.export(bundle, validation, market=tables, day=first))
    manifest = verified(bundle)
    largest = max(manifest["differences"].values())
    typer.echo(
        f"version {manifest['version']}, within {largest:.0e} of Keras, as of {first}: {bundle}"
    )


def _checked(work: Callable[[], T]) -> T:
    """Say in one line what is wrong with the data."""
    try:
        return work()
    except (ValueError, FileNotFoundError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from error


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
    decisions: Annotated[
        Path | None,
        typer.Option(
            help="Folder that records answers and what followed; BUNDLE.decisions if left out, "
            '"none" for none.',
            envvar="COUPON_REC_DECISIONS",
        ),
    ] = None,
    pseudonym_key: Annotated[
        str,
        typer.Option(
            help="Secret under which people have pseudonyms in that folder.",
            envvar="COUPON_REC_PSEUDONYM_KEY",
        ),
    ] = "",
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
    margin: Margin = 0.25,
    incremental: Incremental = 0.5,
    retailer_match: RetailerMatch = 0.17,
    contact: Contact = 0.005,
    explore: Annotated[
        float,
        typer.Option(
            help="Share of the answers whose coupons are drawn, so that `value` can judge other "
            "policies from the decisions; 0 for none.",
            envvar="COUPON_REC_EXPLORE",
            min=0,
            max=1,
        ),
    ] = 0.0,
    explore_floor: Annotated[
        float,
        typer.Option(
            help="Least chance of a coupon that can be drawn; at most --explore.",
            envvar="COUPON_REC_EXPLORE_FLOOR",
            min=0,
            max=1,
        ),
    ] = 0.01,
    explore_seed: Annotated[
        int | None,
        typer.Option(help="Of the draws, for tests.", envvar="COUPON_REC_EXPLORE_SEED", min=0),
    ] = None,
) -> None:
    """Answer requests for coupons and items over HTTP, until Ctrl-C or SIGTERM."""
    from coupon_rec.decisions import Economics
    from coupon_rec.serving.http.server import serve as run
    from coupon_rec.serving.http.settings import Settings

    settings = Settings(
        log,
        redis,
        api_key,
        rate,
        decisions,
        pseudonym_key,
        Economics(margin, incremental, retailer_match, contact),
        explore=explore,
        explore_floor=explore_floor,
        explore_seed=explore_seed,
    )
    _checked(lambda: run(bundle, host, port, settings))


@app.command()
def value(
    log: Annotated[Path, typer.Argument(help="Decisions, as `serve --explore` records them.")],
    policy: Annotated[
        str,
        typer.Option(
            help='Whom to judge: "greedy", the most valuable coupons; "likeliest"; "nobody"; '
            '"logged"; or the folder of a bundle.'
        ),
    ] = "greedy",
    against: Annotated[str, typer.Option(help="Whom to compare with, as --policy.")] = "logged",
    method: Annotated[
        list[str] | None,
        typer.Option(help="ips, snips, dr, switch or direct; the first three if left out."),
    ] = None,
    within: Annotated[
        int | None,
        typer.Option(
            help="Days in which a redemption counts; younger answers are left out. By default, "
            "all count.",
            min=0,
        ),
    ] = None,
    margin: Margin = 0.25,
    incremental: Incremental = 0.5,
    retailer_match: RetailerMatch = 0.17,
    contact: Contact = 0.005,
    confidence: Annotated[
        float, typer.Option(help="Of the intervals, over users.", min=0.01, max=0.999)
    ] = 0.95,
    min_effective: Annotated[
        float, typer.Option(help="Least effective sample, in answers, that is judged.", min=0)
    ] = 100.0,
) -> None:
    """Judge another policy by what a service decided, and what followed, in currency an answer."""
    from coupon_rec.decisions import Economics
    from coupon_rec.serving.events.judging import explored, judge, probability, read_rewards

    def judged() -> pd.DataFrame:
        every = read_rewards(log, contact=contact, within=within)
        rows = explored(every)
        answers, all_answers = rows["request_id"].nunique(), every["request_id"].nunique()
        _say(
            f"{answers:,} answers, {rows['redeemed'].sum():,} redemptions; "
            f"{all_answers - answers:,} answers left out, in which chance had no say"
        )
        if rows.empty:
            raise ValueError("nothing can be judged: let the service explore (serve --explore)")
        economics = Economics(margin, incremental, retailer_match, contact)
        names = dict.fromkeys([policy, against])
        chances = {name: probability(rows, name, economics) for name in names}

        def of(*policies: str) -> pd.DataFrame:
            # What was done needs no weights, and nothing sent has none: it earns 0.
            nothing = "nobody" in policies
            plain = nothing or policies == ("logged",)
            return judge(
                rows,
                *(chances[name] for name in policies),
                methods=["ips"] if plain else method or ["ips", "snips", "dr"],
                confidence=confidence,
                min_effective=0.0 if nothing else min_effective,
            )

        tables = {name: of(name) for name in names}
        if policy != against:
            tables[f"{policy} less {against}"] = of(policy, against)
        return pd.concat(tables, names=["policy", "method"])

    typer.echo(_checked(judged).drop(columns="model_share").round(4).to_string())


@app.command()
def monitor(
    log: Annotated[Path, typer.Argument(help="Decisions, as `serve` records them.")],
    out: Annotated[
        Path, typer.Option(help="Where to write the report: OUT.html and OUT.json.")
    ] = Path("monitor"),
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="First day that is watched; what was before is the reference. By default, the "
            "first half of the days is.",
        ),
    ] = None,
    window: Annotated[
        int, typer.Option(help="Days for which a coupon is followed once it was shown.", min=1)
    ] = 28,
    rate: Annotated[
        float,
        typer.Option(
            help="Chance of a false alarm, in each direction, over the days that are watched.",
            min=0.001,
            max=0.999,
        ),
    ] = 0.05,
) -> None:
    """Compare redemptions with promises, day by day. Exit code 1 if it rings, 2 for bad input."""
    from coupon_rec.monitoring import monitor as look

    day = f"{until:%Y-%m-%d}" if until else None
    report = _checked(lambda: look(log, until=day, window=window, rate=rate))
    html, _ = report.write(out)
    kept = report.kept["watched"]
    typer.echo(
        f"{report.until} to {report.last}: {kept['observed']:.0f} redeemed, "
        f"{kept['expected']:.1f} promised by now; {'; '.join(report.alarms) or 'no alarm'}: {html}"
    )
    raise typer.Exit(int(bool(report.alarms)))


@app.command()
def doctor() -> None:
    """Look at what the book needs of this machine, and say how to fix what is missing."""
    from coupon_rec.book.doctor import main

    raise typer.Exit(main())


if __name__ == "__main__":
    sys.exit(app())
