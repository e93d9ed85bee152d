"""The path from tables to a coupon, from a shell: `python -m coupon_rec --help`."""

import os
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
    from ibis import Table

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


def _opened(files: Path, master: str | None) -> "Path | Table":
    """Leave Parquet files to this process, or open them on Spark."""
    if not files.exists():
        raise typer.BadParameter(f"there are no files {files}")
    if master is None:
        return files
    try:
        need("pyspark", "spark")
    except ModuleNotFoundError as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from error
    import ibis
    from pyspark.sql import SparkSession

    if master.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = SparkSession.builder.master(master).getOrCreate()
    return ibis.pyspark.connect(session).read_parquet(str(files.absolute()))


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


@app.command()
def shard(
    bundle: Annotated[Path, typer.Argument(help="A bundle, as `export` writes it.")],
    out: Annotated[Path, typer.Argument(help="The folder to write; the parts in it are 0, 1, ...")],
    shards: Annotated[int, typer.Option(help="How many parts.", min=2)],
) -> None:
    """Divide a bundle by users, for replicas that each serve a part of them."""
    from coupon_rec.serving.bundle.shards import write_shards

    _checked(lambda: write_shards(bundle, out, shards))
    typer.echo(f"{shards} parts, each for `serve`: {out}")


def _checked(work: Callable[[], T]) -> T:
    """Say in one line what is wrong with the data."""
    try:
        return work()
    except (ValueError, FileNotFoundError, ModuleNotFoundError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from error


@app.command()
def score(
    bundle: Annotated[Path, typer.Argument(help="A bundle, as `export` writes it.")],
    offers: Annotated[Path, typer.Argument(help="Offers, as `features` writes them.")],
    out: Annotated[Path, typer.Argument(help="The folder of Parquet files to write.")],
    spark: SparkMaster = None,
) -> None:
    """Score all offers with a bundle: calibrated probabilities of a purchase and a redemption."""
    from coupon_rec.serving.batch import score as run

    folder = _checked(lambda: run(bundle, _opened(offers, spark), out))
    scores = pd.read_parquet(folder, columns=["redeemed"])["redeemed"]
    typer.echo(f"{len(scores):,} offers, {scores.sum():,.1f} redemptions promised: {out}")


@app.command()
def allocate(
    scores: Annotated[Path, typer.Argument(help="Scores, as `score` writes them.")],
    out: Annotated[Path, typer.Argument(help="The folder of Parquet files to write.")],
    budget: Annotated[
        float | None,
        typer.Option(help="Most face value to be redeemed in expectation; else no limit.", min=0),
    ] = None,
    k: Annotated[int, typer.Option(help="Most coupons of a user in a campaign.", min=1)] = 1,
    parts: Annotated[
        int, typer.Option(help="Parts that the users are cut into; one is in memory.", min=1)
    ] = 8,
    margin: Margin = 0.25,
    incremental: Incremental = 0.5,
    retailer_match: RetailerMatch = 0.17,
    contact: Contact = 0.005,
    spark: SparkMaster = None,
) -> None:
    """Choose the coupons of all users together, within a budget."""
    from coupon_rec.decisions import Economics, allocate_scores

    economics = Economics(margin, incremental, retailer_match, contact)
    found = _checked(
        lambda: allocate_scores(
            _opened(scores, spark), out, budget=budget, k=k, parts=parts, economics=economics
        )
    )
    typer.echo(
        f"{found.sent:,} coupons worth {found.value:,.2f}, at most {100 * found.gap:.4f}% below "
        f"the best: {out}"
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
            help="Secret of coupon_rec.privacy.new_key() under which people have pseudonyms in "
            "that folder; after a rotation the new and the old ones, separated by commas. Better "
            "set in the environment: options are shown by `ps`.",
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
    trial: Annotated[
        Path | None,
        typer.Option(
            help="A second bundle, of the same day: a shadow that scores the same requests and is "
            "recorded, or with --canary one that answers.",
            envvar="COUPON_REC_TRIAL",
        ),
    ] = None,
    canary: Annotated[
        float,
        typer.Option(
            help="Share of the users, drawn by a hash, whom --trial answers.",
            envvar="COUPON_REC_CANARY",
            min=0,
            max=1,
        ),
    ] = 0.0,
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
        trial=trial,
        canary=canary,
    )
    _checked(lambda: run(bundle, host, port, settings))


@app.command()
def value(
    log: Annotated[Path, typer.Argument(help="Decisions, as `serve --explore` records them.")],
    policy: Annotated[
        str,
        typer.Option(
            help='Whom to judge: "greedy", the most valuable coupons; "likeliest"; "nobody"; '
            '"logged"; "shadow", the bundle that was on trial; or the folder of a bundle.'
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
    arms: Annotated[
        bool,
        typer.Option("--arms", help="Compare instead the two bundles of `serve --canary`."),
    ] = False,
) -> None:
    """Judge another policy by what a service decided, and what followed, in currency an answer."""
    from coupon_rec.decisions import Economics
    from coupon_rec.serving.events.judging import arms as compare_arms
    from coupon_rec.serving.events.judging import (
        explored,
        judge,
        probability,
        read_rewards,
        shadowed,
    )

    def judged() -> pd.DataFrame:
        every = read_rewards(log, contact=contact, within=within)
        if arms:
            return compare_arms(every, confidence=confidence)
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
        chances = {
            name: shadowed(rows, log) if name == "shadow" else probability(rows, name, economics)
            for name in names
        }
        if "shadow" in names:
            seen = pd.notna(chances["shadow"])
            rows = rows[seen].reset_index(drop=True)
            chances = {name: chance[seen] for name, chance in chances.items()}

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

    typer.echo(_checked(judged).drop(columns="model_share", errors="ignore").round(4).to_string())


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
            help="First day that is watched, the same for each look; what was before is the "
            "reference. By default, the log's first two windows are.",
        ),
    ] = None,
    horizon: Annotated[int, typer.Option(help="Days that are watched.", min=1)] = 364,
    window: Annotated[
        int, typer.Option(help="Days for which a coupon is followed once it was shown.", min=1)
    ] = 28,
    rate: Annotated[
        float,
        typer.Option(
            help="How likely a false alarm within the horizon may be, in either direction.",
            min=0.001,
            max=0.999,
        ),
    ] = 0.05,
) -> None:
    """Compare redemptions with promises, day by day, and a bundle on trial with the one in service.

    Exit code 0 if nothing rings, 1 if something does, 2 for bad input.
    """
    from coupon_rec.monitoring import monitor as look

    day = f"{until:%Y-%m-%d}" if until else None
    report = _checked(lambda: look(log, until=day, horizon=horizon, window=window, rate=rate))
    html, _ = report.write(out)
    kept = report.kept["watched"]
    typer.echo(
        f"{report.until} to {report.last}: {kept['observed']:.0f} redeemed, "
        f"{kept['expected']:.1f} promised by now; {'; '.join(report.alarms) or 'no alarm'}: {html}"
    )
    raise typer.Exit(int(bool(report.alarms)))


@app.command()
def retrain(
    registry: Annotated[
        Path, typer.Argument(help="Folder of bundles; services are started with its `live`.")
    ],
    offers: Offers = None,
    *,
    market: MarketSource = None,
    service: Annotated[
        list[str] | None,
        typer.Option(help="Address of a service that is to load the bundle; may be repeated."),
    ] = None,
    api_key: Annotated[
        str, typer.Option(help="What services ask for.", envvar="COUPON_REC_API_KEY")
    ] = "",
    tolerance: Annotated[
        float,
        typer.Option(help="By which share its log loss might be worse, at the most.", min=0),
    ] = 0.02,
    confidence: Annotated[
        float, typer.Option(help="Of the intervals, over users.", min=0.01, max=0.999)
    ] = 0.95,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day to serve, as `export` has it."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights, shuffling and dropout.")] = 0,
) -> None:
    """Train on outcomes that are known, and put the bundle in service unless it is worse.

    The last fifth of the campaigns that are over judges it, beside the bundle in service. It is
    refused if its log loss is worse, or might be by more than the tolerance, or if its promises
    are further from what was kept. It stays in the registry then. Exit code 0 if it is in service,
    1 if it was refused, 2 for bad input.
    """
    _need_keras()
    tables = _market(market)
    table = _offers(offers, tables)

    from tempfile import TemporaryDirectory

    from coupon_rec.monitoring import Registry, compare_bundles, matured
    from coupon_rec.recommender import CoupledModel
    from coupon_rec.serving.bundle.scorer import Scorer

    last = pd.Timestamp(tables.purchases.time.max().execute())
    training, validation, test = _checked(lambda: split(matured(table, last.normalize())))
    bundles = Registry(registry, service or (), api_key)
    running = bundles.version
    model = CoupledModel(seed=seed)
    _checked(lambda: model.fit(training, validation))
    with TemporaryDirectory(dir=registry, prefix=".draft-") as draft:
        bundle = Path(draft, "bundle")
        first = day.date() if day else None
        _checked(lambda: model.export(bundle, validation, market=tables, day=first))
        fresh = _checked(lambda: bundles.add(bundle))
    reason = "the first bundle"
    if running:
        versions = registry / "versions"
        verdict = _checked(
            lambda: compare_bundles(
                Scorer.load(versions / running),
                Scorer.load(versions / fresh),
                test,
                tolerance=tolerance,
                confidence=confidence,
            )
        )
        typer.echo(verdict.table.round(5).to_string())
        if verdict.reason:
            typer.echo(f"{running} stays, {fresh} is refused: {verdict.reason}")
            raise typer.Exit(1)
        reason = f"no worse than {running}"
    _checked(lambda: bundles.promote(fresh, reason))
    typer.echo(f"{fresh} is in service: {reason}")


@app.command()
def forget(
    users: Annotated[list[str], typer.Argument(help="Whom to forget.", metavar="USER...")],
    bundle: Annotated[
        list[Path],
        typer.Option(
            help="The bundle that is served, or a registry; further ones may follow.", exists=True
        ),
    ],
    log: Annotated[
        Path | None,
        typer.Option(help="Log of events; as for `serve`.", envvar="COUPON_REC_LOG"),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(help="Folder of answers; as for `serve`.", envvar="COUPON_REC_DECISIONS"),
    ] = None,
    pseudonym_key: Annotated[
        str,
        typer.Option(
            help="All secrets that pseudonyms were made with, separated by commas.",
            envvar="COUPON_REC_PSEUDONYM_KEY",
        ),
    ] = "",
    redis: Annotated[
        str, typer.Option(help="Redis that replicas share.", envvar="COUPON_REC_REDIS")
    ] = "",
) -> None:
    """Remove people from every file of a service that is stopped, and say what is due."""
    from coupon_rec.serving.forgetting import forget as remove

    done = _checked(
        lambda: remove(users, bundle, log=log, decisions=decisions, key=pseudonym_key, redis=redis)
    )
    rows = sum(done.snapshot.values())
    typer.echo(
        f"removed {done.events} events, {done.decisions} answers and outcomes, and {rows} rows of "
        f"{len(done.snapshot)} snapshot{'s' * (len(done.snapshot) != 1)}"
    )
    for words in done.due:
        typer.echo(f"due: {words}")


@app.command()
def doctor() -> None:
    """Look at what the book needs of this machine, and say how to fix what is missing."""
    from coupon_rec.book.doctor import main

    raise typer.Exit(main())


if __name__ == "__main__":
    sys.exit(app())
