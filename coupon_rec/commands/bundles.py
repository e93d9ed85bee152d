"""A bundle from a model, and what it gives in one go: export, score, allocate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer

from coupon_rec._extras import need
from coupon_rec.arguments import require, require_columns
from coupon_rec.commands import shared
from coupon_rec.commands.progress import step

if TYPE_CHECKING:
    from coupon_rec.recommender import CoupledModel


def export(
    model: shared.Model,
    bundle: Path,
    market: str | None = None,
    day: shared.Day = None,
    platform: Annotated[list[str] | None, typer.Option(metavar="NAME=MODEL")] = None,
    validate_from: shared.ValidateFrom = None,
    test_from: shared.TestFrom = None,
) -> None:
    """Write all that a service needs: the model, calibrated and checked, and the features.

    Parameters
    ----------
    bundle
        The folder to write.
    platform
        A model of one platform, as `adapt` writes it, and the name that requests give it. May
        repeat.
    """
    need("keras", "train")
    platforms = _platforms(platform or [])
    tables = shared.market_of(market)
    validation = shared.split_of(shared.built(tables), None, validate_from, test_from).validation

    from coupon_rec.features.online.snapshot_writer import last_day
    from coupon_rec.recommender import CoupledModel
    from coupon_rec.serving.bundle import verified

    first = day.date() if day else last_day(tables)
    step(f"writing the model, and what was known of every user before {first}")
    fitted = CoupledModel.load(model)
    fitted.export(bundle, validation, market=tables, day=first, platforms=platforms)
    manifest = verified(bundle)
    largest = max(manifest["differences"].values())
    shared.say_snapshot_prices(bundle)
    shared.tell(
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
    bundle: Path,
    offers: Path,
    out: shared.Out,
    spark: str | None = None,
) -> None:
    """Score all offers with a bundle: calibrated probabilities of a purchase and a redemption.

    Parameters
    ----------
    offers
        Offers, as `features` writes them.
    """
    from coupon_rec.serving.batch import score as run

    step("scoring the offers")
    folder = run(bundle, shared.opened(offers, spark), out)
    scores = pd.read_parquet(folder, columns=["redeemed"])["redeemed"]
    shared.tell(f"{len(scores):,} offers, {scores.sum():,.1f} redemptions promised: {out}")


def allocate(
    scores: Path,
    out: shared.Out,
    budget: Annotated[float | None, typer.Option(min=0)] = None,
    stock: shared.GivenFile = None,
    k: shared.Count = 1,
    groups: shared.GivenFile = None,
    gap: Annotated[float | None, typer.Option(min=0)] = None,
    parts: shared.Count = 8,
    margin: shared.Margin = 0.25,
    incremental: shared.Incremental = 0.5,
    retailer_match: shared.RetailerMatch = 0.17,
    contact: shared.Contact = 0.005,
    spark: str | None = None,
) -> None:
    """Choose the coupons of all users together, within a budget, a stock and a limit on groups.

    Parameters
    ----------
    scores
        Scores, as `score` writes them.
    budget
        Most face value to be redeemed in expectation; else no limit.
    stock
        CSV file with coupon_id, as the scores have it, and stock: most units that its redemptions
        take in expectation; others have no limit.
    k
        Most coupons of a user in a campaign.
    groups
        CSV file with user_id, as the scores have it, and group; others are unknown.
    gap
        Most by which the rates of the groups may differ, such as 0.05.
    parts
        Parts that the users are cut into; one is in memory.
    """
    from coupon_rec.decisions import Economics, allocate_scores

    economics = Economics(margin, incremental, retailer_match, contact)
    step("choosing coupons for all users together")
    allocation = allocate_scores(
        shared.opened(scores, spark, "scores"),
        out,
        budget=budget,
        stock=None if stock is None else _stock(stock),
        k=k,
        parts=parts,
        economics=economics,
        groups=None if groups is None else _groups(groups),
        gap=gap,
    )
    shared.say_prices(pd.read_parquet(scores, columns=["discount_from"])["discount_from"])
    shared.tell(
        f"{allocation.sent:,} coupons worth {allocation.value:,.2f}, at most "
        f"{100 * allocation.gap:.4f}% below the best: {out}"
    )


def _groups(file: Path) -> dict[int | str, str]:
    """The group of each user of a file."""
    groups: dict[int | str, str] = _column(file, "user", "group").replace("", "unknown").to_dict()
    return groups


def _stock(file: Path) -> dict[int | str, float]:
    """The units of each coupon of a file."""
    written = _column(file, "coupon", "stock")
    numbers = pd.to_numeric(written, errors="coerce")
    require(f"the stock in {file}", written, (numbers >= 0).to_numpy(), "0 or more")
    units: dict[int | str, float] = numbers.to_dict()
    return units


def _column(file: Path, of: str, name: str) -> "pd.Series[str]":
    """What a file says of each user or coupon, as text."""
    rows, key = pd.read_csv(file, dtype="str", keep_default_na=False), f"{of}_id"
    require_columns(rows, [key, name], f"rows of {file}")
    if len(twice := rows.loc[rows[key].duplicated(), key]):
        raise ValueError(f"{file} names {of} {twice.iloc[0]!r} twice: keep one line of each {of}")
    return rows.set_index(key)[name]
