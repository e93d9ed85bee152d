"""A bundle from a model, and what it gives in one go: export, score, allocate."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer

from coupon_rec._extras import need
from coupon_rec.commands.shared import (
    Contact,
    Incremental,
    Margin,
    MarketSource,
    Model,
    RetailerMatch,
    SparkMaster,
    TestFrom,
    ValidateFrom,
    built,
    check_folder,
    market_of,
    opened,
    say,
    split_of,
)

if TYPE_CHECKING:
    from coupon_rec.recommender import CoupledModel


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
    platform: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=MODEL",
            help="A model of one platform, as `adapt` writes it, and the name that requests give "
            "it. May repeat.",
        ),
    ] = None,
    validate_from: ValidateFrom = None,
    test_from: TestFrom = None,
) -> None:
    """Write all that a service needs: the model, calibrated and checked, and the features."""
    need("keras", "train")
    platforms = _platforms(platform or [])
    tables = market_of(market)
    validation = split_of(built(tables), None, validate_from, test_from).validation

    from coupon_rec.features.online.snapshot_writer import last_day
    from coupon_rec.recommender import CoupledModel
    from coupon_rec.serving.bundle import verified

    first = day.date() if day else last_day(tables)
    say(f"writing the model, and what was known of every user before {first} ...")
    fitted = CoupledModel.load(model)
    fitted.export(bundle, validation, market=tables, day=first, platforms=platforms)
    manifest = verified(bundle)
    largest = max(manifest["differences"].values())
    typer.echo(
        f"version {manifest['version']}, within {largest:.0e} of Keras, as of {first}: {bundle}"
    )


def _platforms(given: list[str]) -> dict[str, "CoupledModel"]:
    """Load the models of platforms, each given as NAME=MODEL."""
    from coupon_rec.recommender import CoupledModel

    models: dict[str, CoupledModel] = {}
    for each in given:
        name, _, path = each.partition("=")
        if not name or not path:
            raise ValueError(f"--platform {each}: expected NAME=MODEL, as in phone=phone.keras")
        if name in models:
            raise ValueError(f"--platform {each}: {name} has a model already; name each once")
        models[name] = CoupledModel.load(path)
    return models


def score(
    bundle: Annotated[Path, typer.Argument(help="A bundle, as `export` writes it.")],
    offers: Annotated[Path, typer.Argument(help="Offers, as `features` writes them.")],
    out: Annotated[Path, typer.Argument(help="The folder of Parquet files to write.")],
    spark: SparkMaster = None,
) -> None:
    """Score all offers with a bundle: calibrated probabilities of a purchase and a redemption."""
    check_folder(out)
    from coupon_rec.serving.batch import score as run

    folder = run(bundle, opened(offers, spark), out)
    scores = pd.read_parquet(folder, columns=["redeemed"])["redeemed"]
    typer.echo(f"{len(scores):,} offers, {scores.sum():,.1f} redemptions promised: {out}")


def allocate(
    scores: Annotated[Path, typer.Argument(help="Scores, as `score` writes them.")],
    out: Annotated[Path, typer.Argument(help="The folder of Parquet files to write.")],
    budget: Annotated[
        float | None,
        typer.Option(help="Most face value to be redeemed in expectation; else no limit.", min=0),
    ] = None,
    stock: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with coupon_id, as the scores have it, and stock: most units that its "
            "redemptions take in expectation; others have no limit.",
            exists=True,
        ),
    ] = None,
    k: Annotated[int, typer.Option(help="Most coupons of a user in a campaign.", min=1)] = 1,
    groups: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with user_id, as the scores have it, and group; others are unknown.",
            exists=True,
        ),
    ] = None,
    gap: Annotated[
        float | None,
        typer.Option(help="Most by which the rates of the groups may differ, such as 0.05.", min=0),
    ] = None,
    parts: Annotated[
        int, typer.Option(help="Parts that the users are cut into; one is in memory.", min=1)
    ] = 8,
    margin: Margin = 0.25,
    incremental: Incremental = 0.5,
    retailer_match: RetailerMatch = 0.17,
    contact: Contact = 0.005,
    spark: SparkMaster = None,
) -> None:
    """Choose the coupons of all users together, within a budget, a stock and a limit on groups."""
    check_folder(out)
    from coupon_rec.decisions import Economics, allocate_scores

    economics = Economics(margin, incremental, retailer_match, contact)
    allocation = allocate_scores(
        opened(scores, spark),
        out,
        budget=budget,
        stock=None if stock is None else _stock(stock),
        k=k,
        parts=parts,
        economics=economics,
        groups=None if groups is None else _groups(groups),
        gap=gap,
    )
    typer.echo(
        f"{allocation.sent:,} coupons worth {allocation.value:,.2f}, at most "
        f"{100 * allocation.gap:.4f}% below the best: {out}"
    )


def _groups(file: Path) -> dict[int | str, str]:
    """The group of each user of a file."""
    return {user: group or "unknown" for user, group in _column(file, "user", "group").items()}


def _stock(file: Path) -> dict[int | str, float]:
    """The units of each coupon of a file."""
    said = _column(file, "coupon", "stock")
    units = pd.to_numeric(pd.Series([*said.values()], dtype="str"), errors="coerce").tolist()
    for (coupon, text), number in zip(said.items(), units, strict=True):
        if not number >= 0:
            raise ValueError(
                f"{file} has {text!r} as the stock of coupon {coupon!r}: write the number of its "
                "units, 0 or more"
            )
    return dict(zip(said, units, strict=True))


def _column(file: Path, of: str, name: str) -> dict[int | str, str]:
    """What a file says of each user or coupon, as text."""
    rows, key = pd.read_csv(file, dtype="str", keep_default_na=False), f"{of}_id"
    if lacking := [column for column in (key, name) if column not in rows.columns]:
        raise ValueError(f"{file} lacks the columns {lacking}; it has {rows.columns.tolist()}")
    if len(twice := rows.loc[rows[key].duplicated(), key]):
        raise ValueError(f"{file} names {of} {twice.iloc[0]!r} twice: keep one line of each {of}")
    return dict(zip(rows[key], rows[name], strict=True))
